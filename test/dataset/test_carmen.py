import gzip
import math
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.dataset.carmen import beam_angles, read_log
from synth_nodes.errors import InputError


def flaser(ranges, pose=(1.0, 2.0, 0.5), odom=(1.1, 2.2, 0.4), stamp=3.5) -> str:
    numbers = ' '.join(repr(float(v)) for v in (*ranges, *pose, *odom, stamp))
    return f'FLASER {len(ranges)} {numbers} host {stamp}'


def write(folder: Path, *lines: str, name: str = 'a.log') -> Path:
    (folder / name).write_text('\n'.join(lines) + '\n')
    return folder / name


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_log(path)
    assert '\n' not in str(caught.value)
    return str(caught.value)


GOOD = flaser([1.0, 2.0, 3.0, 4.0])


def test_scan_is_read_with_its_poses_and_stamp(tmp_path):
    log = read_log(write(tmp_path, '# a comment', 'PARAM robot_frontlaser_offset 0.08 h 0',
                         'ODOM 0 0 0 0 0 0 1 h 1', GOOD, 'NEFF 8.4', name='lab.log'))
    assert log.name == 'lab'
    assert log.ranges.tolist() == [[1.0, 2.0, 3.0, 4.0]]
    assert log.poses.tolist() == [[1.0, 2.0, 0.5]]
    assert log.odom.tolist() == [[1.1, 2.2, 0.4]]
    assert log.stamps.tolist() == [3.5]
    assert (log.lines, log.skipped, log.laser_offset) == (5, {}, 0.08)


def test_gzip_and_plain_read_alike(tmp_path):
    plain = write(tmp_path, GOOD)
    (tmp_path / 'a.log.gz').write_bytes(gzip.compress(plain.read_bytes()))
    a, b = read_log(plain), read_log(tmp_path / 'a.log.gz')
    assert a.name == b.name == 'a'
    np.testing.assert_array_equal(a.ranges, b.ranges)


@pytest.mark.parametrize(('beams', 'step_deg', 'last_deg'), [
    (180, 1.0, 89.0), (181, 1.0, 90.0), (360, 0.5, 89.5), (361, 0.5, 90.0)])
def test_beams_cover_the_front_half_circle(beams, step_deg, last_deg):
    angles = np.degrees(beam_angles(beams))
    assert angles[0] == pytest.approx(-90.0)
    assert angles[-1] == pytest.approx(last_deg)
    np.testing.assert_allclose(np.diff(angles), step_deg)


def test_no_return_is_infinite_and_zero_is_invalid(tmp_path):
    log = read_log(write(tmp_path, flaser([49.9, 50.0, 81.91, 0.0])))
    np.testing.assert_array_equal(log.ranges, np.float32([[49.9, np.inf, np.inf, np.nan]]))
    assert log.max_range == 50.0


def test_shorter_laser_limit_of_the_log_is_kept(tmp_path):
    log = read_log(write(tmp_path, 'PARAM robot_front_laser_max 8.0 h 0',
                         flaser([7.9, 8.0, 1.0, 1.0])))
    assert log.max_range == 8.0
    assert np.isinf(log.ranges[0]).tolist() == [False, True, False, False]


@pytest.mark.parametrize(('line', 'reason'), [
    ('FLASER', 'number of readings'), ('FLASER x 1 2', 'number of readings'),
    ('FLASER 100000 1', 'outside [2, 8192]'), (GOOD[:30], 'number of fields'),
    (GOOD + ' 7', 'number of fields'), (GOOD.replace('3.0', 'three'), 'not a number'),
    (GOOD.replace('3.0', '-3.0'), 'reading outside'), (GOOD.replace('3.0', 'nan'), 'reading'),
    (GOOD.replace('4.0', '1e9'), 'reading outside'),
    (flaser([1.0] * 4, pose=(math.nan, 0.0, 0.0)), 'impossible pose'),
    (flaser([1.0] * 4, pose=(1e9, 0.0, 0.0)), 'impossible pose'),
    (flaser([1.0] * 5), 'without the 4 readings'), ('\x01\x02 what', 'not a CARMEN message'),
    ('PARAM robot_front_laser_max far h 0', 'not a number')])
def test_broken_line_is_skipped_counted_and_reported(tmp_path, line, reason):
    log = read_log(write(tmp_path, GOOD, line, GOOD))
    assert len(log.ranges) == 2
    [(told, count)] = log.skipped.items()
    assert reason in told
    assert count == 1
    assert f'1 of 3 lines skipped: {told}' in log.report()[-1]


@settings(max_examples=60)
@given(junk=st.lists(st.one_of(st.binary(max_size=40), st.just(b'FLASER 4 1 2 3'))),
       at=st.integers(0, 20))
def test_no_junk_makes_the_reader_fail(tmp_path_factory, junk, at):
    lines = [line.replace(b'\n', b' ') for line in junk]
    lines.insert(min(at, len(lines)), GOOD.encode())
    path = tmp_path_factory.mktemp('log') / 'a.log'
    path.write_bytes(b'\n'.join(lines))
    if path.read_bytes().startswith(b'\x1f\x8b'):
        return
    log = read_log(path)
    assert log.ranges.shape == (1, 4)


def test_gzip_cut_short_gives_what_it_holds_and_says_so(tmp_path):
    rng = np.random.default_rng(0)
    text = '\n'.join(flaser(rng.uniform(0, 9, 4), stamp=i) for i in range(500))
    whole = gzip.compress(text.encode())
    path = tmp_path / 'a.log.gz'
    path.write_bytes(whole[:len(whole) // 2])
    log = read_log(path)
    assert 100 < len(log.ranges) < 400
    assert any('ends early' in reason for reason in log.skipped)


def test_file_that_cannot_be_a_log_is_refused(tmp_path):
    assert 'cannot be read' in refused(tmp_path / 'none.log')
    assert 'cannot be read' in refused(tmp_path)
    (tmp_path / 'empty.log').write_bytes(b'')
    assert 'is empty' in refused(tmp_path / 'empty.log')
    (tmp_path / 'text.log.gz').write_text(GOOD)
    assert 'not a gzip' in refused(tmp_path / 'text.log.gz')
    data = bytearray(gzip.compress(GOOD.encode()))
    data[-6] ^= 0xFF
    (tmp_path / 'crc.log.gz').write_bytes(data)
    assert 'corrupt' in refused(tmp_path / 'crc.log.gz')


def test_log_with_nothing_left_is_refused_with_the_reasons(tmp_path):
    message = refused(write(tmp_path, 'FLASER 4 1 2', 'hello'))
    assert '1 x FLASER with a wrong number of fields' in message
    assert '1 x not a CARMEN message' in message
    assert 'found ODOM' in refused(write(tmp_path, 'ODOM 0 0 0 0 0 0 1 h 1'))
    assert 'no FLASER' in refused(write(tmp_path, '', '  '))


@pytest.mark.parametrize(('name', 'scans', 'beams', 'resolved'), [
    ('intel', 910, 180, True), ('aces', 440, 180, True), ('csail', 406, 361, False),
    ('freiburg-079', 4791, 360, True)])
def test_recorded_logs_read_whole(shared_data, name, scans, beams, resolved):
    log = read_log(shared_data / 'carmen' / f'{name}-corrected.log.gz')
    assert log.ranges.shape == (scans, beams)
    assert log.skipped == {}
    assert log.stamps_resolved is resolved
    assert 0.005 < np.isinf(log.ranges).mean() < 0.05
    assert np.nanmin(log.ranges) > 0.1
