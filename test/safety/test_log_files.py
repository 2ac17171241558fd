"""The chain of a log: whatever is changed, cut or taken away is found and named."""

from itertools import pairwise
import os
import resource

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from log_samples import drive, ROBOT, RULES, settings, SMALLEST, write
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.safety.log import header
from synth_nodes.safety.log_files import Break, file_name, log_files, read_frames
from synth_nodes.safety.log_format import CycleRecord, frame, Header, NO_DIGEST, VERSION
from synth_nodes.safety.log_reader import LogReader
from synth_nodes.safety.log_writer import LogWriter


def read(path):
    reader = LogReader(path)
    return reader, list(reader.entries())


def frames_of(file):
    return [f for f in read_frames(file.read_bytes(), NO_DIGEST) if not isinstance(f, Break)]


@pytest.fixture(scope='module')
def sample(tmp_path_factory):
    """One closed file with a few records: its bytes and its frames."""
    files, _ = write(tmp_path_factory.mktemp('sample'), drive(5, beams=6, wild=True))
    return files[0].read_bytes(), frames_of(files[0])


@pytest.fixture(scope='module')
def place(tmp_path_factory):
    return tmp_path_factory.mktemp('altered') / file_name(1)


def test_a_whole_log_has_no_problem_and_nothing_to_note(tmp_path):
    write(tmp_path, drive(20))
    reader, entries = read(tmp_path)
    assert (reader.problems, reader.notes) == ([], [])
    assert sum(isinstance(e.record, CycleRecord) for e in entries) == 20
    assert [e.number for e in entries] == list(range(22))


@hypothesis_settings(max_examples=500, deadline=None)
@given(st.data())
def test_any_flipped_byte_is_found_and_its_record_named(sample, place, data):
    content, frames = sample
    at = data.draw(st.integers(0, len(content) - 1))
    flip = data.draw(st.integers(1, 255))
    place.write_bytes(content[:at] + bytes([content[at] ^ flip]) + content[at + 1:])
    reader, _ = read(place)
    hit = max((f for f in frames if f.offset <= at), key=lambda f: f.offset, default=frames[0])
    assert reader.problems and reader.problems[0].number == hit.number


@hypothesis_settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_truncation_is_recognised_and_no_error_in_the_chain(sample, place, data):
    content, frames = sample
    end = data.draw(st.integers(1, len(content) - 1))
    place.write_bytes(content[:end])
    reader, entries = read(place)
    assert not reader.problems
    assert len(reader.notes) == 1 and 'cut off' in reader.notes[0]
    ends = [b.offset for b in frames[1:]] + [len(content)]
    assert len(entries) == sum(e <= end for e in ends)


def test_an_empty_file_is_a_log_that_was_cut_off(tmp_path):
    (tmp_path / file_name(1)).write_bytes(b'')
    reader, entries = read(tmp_path)
    assert not entries and 'holds no record' in reader.notes[0]


def test_zeros_after_a_power_failure_are_a_torn_end(sample, place):
    content, frames = sample
    for kept in (len(content) - 20, len(content) - 60, frames[-1].offset, frames[3].offset + 9):
        place.write_bytes(content[:kept] + bytes(4096))
        reader, _ = read(place)
        assert not reader.problems and 'ends within record' in reader.notes[0]


def test_records_after_an_altered_one_are_still_checked(sample, place):
    content, frames = sample
    for f in (frames[2], frames[4]):
        at = f.offset + 30
        content = content[:at] + bytes([content[at] ^ 1]) + content[at + 1:]
    place.write_bytes(content)
    reader, _ = read(place)
    assert [p.number for p in reader.problems] == [frames[2].number, frames[4].number]


@pytest.mark.parametrize('change', ['swap', 'drop', 'double'])
def test_records_moved_about_are_found(sample, place, change):
    content, frames = sample
    parts = [content[a.offset:b.offset] for a, b in pairwise(frames)]
    parts.append(content[frames[-1].offset:])
    if change == 'swap':
        parts[2], parts[3] = parts[3], parts[2]
    elif change == 'drop':
        del parts[2]
    else:
        parts.insert(2, parts[1])
    place.write_bytes(content[:frames[0].offset] + b''.join(parts))
    reader, _ = read(place)
    assert reader.problems


def test_rotation_keeps_each_file_and_their_number_bounded(tmp_path):
    files, _ = write(tmp_path, drive(400, beams=90, exact=True), files=3)
    assert len(files) == 3 and files[0].name != file_name(1)
    assert all(file.stat().st_size <= SMALLEST for file in files)
    reader, entries = read(tmp_path)
    assert not reader.problems
    assert 'is the first file here' in reader.notes[0] and len(reader.notes) == 1
    numbers = [e.number for e in entries if not isinstance(e.record, Header)]
    assert numbers == sorted(numbers) and entries[-1].record.cycle.now > 109.0


def test_each_file_can_be_read_alone(tmp_path):
    files, _ = write(tmp_path, drive(200, beams=90, exact=True))
    assert len(files) > 2
    for file in files[:-1]:
        reader, entries = read(file)
        assert not reader.problems and 'goes on in another file' in reader.notes[-1]
        assert isinstance(entries[0].record, Header)


def test_a_missing_file_in_the_middle_is_named(tmp_path):
    files, _ = write(tmp_path, drive(200, beams=90, exact=True))
    last = frames_of(files[0])[-1]
    files[1].unlink()
    reader, entries = read(tmp_path)
    assert [p.file for p in reader.problems] == [files[2]]
    assert reader.problems[0].number == last.number + 1
    assert 'records are missing' in str(reader.problems[0])
    assert entries[-1].file == files[-1]


def test_an_end_cut_off_before_another_file_is_found(tmp_path):
    files, _ = write(tmp_path, drive(200, beams=90, exact=True))
    frames = frames_of(files[0])
    os.truncate(files[0], frames[-3].offset)
    reader, _ = read(tmp_path)
    assert reader.problems[0].number == frames[-3].number


def test_an_altered_header_of_a_later_file_is_named(tmp_path):
    files, _ = write(tmp_path, drive(200, beams=90, exact=True))
    data = bytearray(files[1].read_bytes())
    data[40] ^= 1
    files[1].write_bytes(data)
    reader, entries = read(tmp_path)
    assert reader.problems[0].file == files[1] and len(reader.problems) == 1
    assert {e.basis is None for e in entries if e.file == files[1]} == {True}


@pytest.mark.parametrize('damage', ['torn', 'zeros', 'empty', 'none'])
def test_the_chain_goes_on_after_a_restart(tmp_path, damage):
    records = drive(12)
    write(tmp_path, records[:5])
    files, _ = write(tmp_path, records[5:9])
    data = files[1].read_bytes()
    files[1].write_bytes({'torn': data[:-7], 'zeros': data[:-40] + bytes(4096), 'empty': b'',
                          'none': data}[damage])
    write(tmp_path, records[9:])
    reader, entries = read(tmp_path)
    assert not reader.problems
    assert len(reader.notes) == (damage != 'none')
    numbers = [e.number for e in entries]
    assert numbers[0] == 0 and all(b > a for a, b in pairwise(numbers))


def test_a_folder_belongs_to_one_monitor(tmp_path):
    _, writer = write(tmp_path, drive(1), close=False)
    with pytest.raises(InputError, match='in use by another safety monitor'):
        write(tmp_path, [])
    writer.close()
    write(tmp_path, [])


def test_a_folder_that_cannot_be_is_refused(tmp_path):
    (tmp_path / 'file').write_text('x')
    with pytest.raises(InputError, match=r"'folder' = .*file/log cannot be written to"):
        write(tmp_path / 'file' / 'log', [])


def test_a_record_larger_than_a_file_is_refused_and_the_log_goes_on(tmp_path):
    small, huge = drive(2), drive(1, beams=9000, exact=True)
    writer = LogWriter(settings(tmp_path), lambda: header(RULES, ROBOT))
    writer.write(small[0])
    with pytest.raises(ValueError, match='max_bytes'):
        writer.write(huge[0])
    writer.write(small[1])
    writer.close()
    reader, entries = read(tmp_path)
    assert not reader.problems
    assert sum(isinstance(e.record, CycleRecord) for e in entries) == 2


def test_a_full_disk_leaves_whole_records_and_writing_goes_on_when_it_has_room(tmp_path):
    records = drive(30, beams=200, exact=True)
    writer = LogWriter(settings(tmp_path), lambda: header(RULES, ROBOT))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    failed = 0
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20000, hard))
        for record in records[:20]:
            try:
                writer.write(record)
            except OSError:
                failed += 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    for record in records[20:]:
        writer.write(record)
    writer.close()
    reader, entries = read(tmp_path)
    assert failed > 5 and not reader.problems and not reader.notes
    assert sum(isinstance(e.record, CycleRecord) for e in entries) == 30 - failed


def test_a_disk_too_full_for_a_header_leaves_no_file_behind(tmp_path):
    writer = LogWriter(settings(tmp_path), lambda: header(RULES, ROBOT))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
        with pytest.raises(OSError):
            writer.write(drive(1)[0])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not log_files(tmp_path)
    writer.write(drive(1)[0])
    writer.close()
    assert [name for _, name in log_files(tmp_path)] == [tmp_path / file_name(1)]


def test_what_is_no_log_is_refused(tmp_path):
    (tmp_path / 'x.log').write_text('something else entirely, and long enough')
    with pytest.raises(InputError, match='is not a safety log'):
        read(tmp_path / 'x.log')
    with pytest.raises(InputError, match='holds no safety log'):
        read(tmp_path)
    with pytest.raises(InputError, match='cannot be read'):
        read(tmp_path / 'none.log')


def test_a_log_of_another_format_or_with_unknown_rules_is_refused(tmp_path):
    for content, says in (
            ({**header(RULES, ROBOT), 'format': VERSION + 1},
             f'has format {VERSION + 1}, not {VERSION}'),
            ({**header(RULES, ROBOT), 'rules': {'luck': 1.0}}, "unknown parameter 'luck'")):
        writer = LogWriter(settings(tmp_path / says[:5]), lambda content=content: content)
        writer.write(drive(1)[0])
        writer.close()
        with pytest.raises(InputError, match=says):
            read(tmp_path / says[:5])


def test_a_sound_frame_that_holds_nonsense_is_reported(tmp_path):
    file = write(tmp_path, [])[0]
    assert file == []
    path = tmp_path / file_name(1)
    path.write_bytes(b'SYNSAFE1' + frame(0, b'\x09', NO_DIGEST)[0])
    reader, _ = read(path)
    assert 'no record of kind 9' in str(reader.problems[0])


def test_points_stay_exact_across_files(tmp_path):
    records = drive(150, beams=90, exact=True)
    write(tmp_path, records)
    _, entries = read(tmp_path)
    cycles = [e.record for e in entries if isinstance(e.record, CycleRecord)]
    for a, b in zip(records, cycles, strict=True):
        np.testing.assert_array_equal(a.cycle.sources[0].points_base,
                                      b.cycle.sources[0].points_base)
        assert b.cycle.previous == a.cycle.previous
