import json
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.dataset.clean import cleaned
from synth_nodes.dataset.gate import gate_problem, QUALITY
from synth_nodes.dataset.merge import merge
from synth_nodes.dataset.reader import DataSet
from synth_nodes.dataset.schema import Field, parse_splits, Schema, split_of
from synth_nodes.dataset.store import Writer
from synth_nodes.errors import InputError
from synth_nodes.files import remove, write_json

VALUE = Field('value', 'float32', (2,), 'm', 'map', 'Something.')


def schema(**more) -> Schema:
    return Schema.of('things', [VALUE], **more)


def columns(count: int, sequence: int = 0, place: int = 0, first: float = 0.0) -> dict:
    stamp = first + np.arange(count, dtype=float)
    return {'stamp': stamp, 'sequence': np.full(count, sequence), 'place': np.full(count, place),
            'value': np.stack((stamp, -stamp), axis=1).astype(np.float32)}


def write(folder: Path, count: int, records: int = 4, name: str = 'lab',
          split: str = 'train') -> Path:
    with Writer(folder, schema(), records) as writer:
        writer.append(columns(count, place=writer.place(name, split)))
    return folder


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.integers(1, 7))
def test_what_was_appended_is_read_back_in_order(tmp_path_factory, counts, records):
    folder = tmp_path_factory.mktemp('set')
    with Writer(folder, schema(), records) as writer:
        place, parts = writer.place('lab'), []
        for k, count in enumerate(counts):
            parts.append(columns(count, k, place, 100.0 * k))
            writer.append(parts[-1])
    data = DataSet(folder)
    assert len(data) == sum(counts)
    for name in ('stamp', 'sequence', 'value'):
        whole = np.concatenate([np.asarray(p[name]) for p in parts])
        np.testing.assert_array_equal(data.read(name), whole)
    if len(data):
        rows = np.random.default_rng(0).integers(0, len(data), 20)
        np.testing.assert_array_equal(data.take(rows, ['stamp'])['stamp'],
                                      data.read('stamp')[rows])
    assert data.verify() == []


def test_a_crash_loses_at_most_the_chunk_in_the_making(tmp_path):
    writer = Writer(tmp_path / 'set', schema(), 4)
    writer.append(columns(10, place=writer.place('lab')))
    half = tmp_path / 'set' / 'chunks' / '.000002'
    half.mkdir()
    (half / 'stamp.npy').write_bytes(b'cut sho')
    del writer  # never closed: two records were in memory, one chunk half written
    assert DataSet(tmp_path / 'set').read('stamp').tolist() == list(range(8))
    with Writer(tmp_path / 'set', schema(), 4, append=True) as again:
        assert (again.written, again.next_sequence) == (8, 1)
        again.append(columns(2, again.next_sequence, 0, 50.0))
    data = DataSet(tmp_path / 'set')
    assert data.read('stamp').tolist() == [*range(8), 50.0, 51.0]
    assert not half.exists()


def test_an_altered_file_is_named(tmp_path):
    write(tmp_path / 'set', 8)
    file = tmp_path / 'set' / 'chunks' / '000001' / 'value.npy'
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(bytes(content))
    wrong = DataSet(tmp_path / 'set').verify()
    assert len(wrong) == 1 and '000001/value.npy' in wrong[0] and 'altered' in wrong[0]


def test_one_place_is_in_one_split_alone(tmp_path):
    with Writer(tmp_path / 'set', schema(), 4) as writer:
        for k, (name, split) in enumerate((('a', 'train'), ('b', 'test'), ('a', 'test'))):
            writer.append(columns(3, k, writer.place(name, split)))
    data = DataSet(tmp_path / 'set')
    assert [(p.name, p.split) for p in data.schema.places] == [('a', 'train'), ('b', 'test')]
    assert data.split('train').tolist() == [0, 1, 2, 6, 7, 8]
    assert data.split('test').tolist() == [3, 4, 5]
    assert len(data.split('validation')) == 0


def test_places_are_spread_by_their_names():
    splits = [split_of(f'building_{k}') for k in range(1000)]
    assert 640 < splits.count('train') < 760 and 100 < splits.count('test') < 200
    assert splits == [split_of(f'building_{k}') for k in range(1000)]


def test_drives_come_in_order_of_time(tmp_path):
    with Writer(tmp_path / 'set', schema(), 4) as writer:
        place = writer.place('lab')
        for number, first in ((1, 10.0), (0, 5.0), (1, 0.0)):
            writer.append(columns(3, number, place, first))
    data = DataSet(tmp_path / 'set')
    stamps = {n: data.take(rows, ['stamp'])['stamp'].tolist() for n, rows in data.sequences()}
    assert stamps == {0: [5, 6, 7], 1: [0, 1, 2, 10, 11, 12]}


@pytest.mark.parametrize(('change', 'words'), [
    ({'value': np.zeros((3, 3))}, "field 'value' takes records of shape (2,)"),
    ({'value': np.zeros((2, 2))}, 'different lengths'),
    ({'value': np.array([['a', 'b']] * 3)}, 'cannot be cast'),
    ({'place': np.full(3, 7)}, 'names a place that was not added'),
    ({'other': np.zeros(3)}, 'missing or unknown: other')])
def test_records_that_do_not_fit_are_refused(tmp_path, change, words):
    writer = Writer(tmp_path / 'set', schema())
    place = writer.place('lab')
    with pytest.raises(InputError) as caught:
        writer.append({**columns(3, place=place), **change})
    assert words in str(caught.value)


def test_a_data_set_is_not_overwritten_nor_continued_with_others(tmp_path):
    write(tmp_path / 'set', 3)
    with pytest.raises(InputError, match='is there already'):
        Writer(tmp_path / 'set', schema())
    with pytest.raises(InputError, match="sensor differs in 'range_max'"):
        Writer(tmp_path / 'set', schema(sensor={'range_max': 3.0}), append=True)


@pytest.mark.parametrize(('content', 'words'), [
    ('{', 'is not JSON'), ('[]', 'holds no JSON object'), ('{"format": "x"}', 'not a data set'),
    ('{"format": "synth_nodes/dataset", "version": 9}', 'version 9'),
    ('{"format": "synth_nodes/dataset", "version": 1}', 'header is damaged')])
def test_a_bad_header_is_named(tmp_path, content, words):
    (tmp_path / 'dataset.json').write_text(content)
    with pytest.raises(InputError, match=r'dataset\.json') as caught:
        DataSet(tmp_path)
    assert words in str(caught.value) and '\n' not in str(caught.value)


def test_a_chunk_cut_short_is_named(tmp_path):
    write(tmp_path / 'set', 4)
    file = tmp_path / 'set' / 'chunks' / '000000' / 'value.npy'
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(InputError, match=r'value\.npy'):
        DataSet(tmp_path / 'set')


def test_merging_renumbers_places_and_drives(tmp_path):
    write(tmp_path / 'a', 5, name='lab')
    write(tmp_path / 'b', 3, name='hall', split='test')
    write(tmp_path / 'c', 2, name='lab')
    merge([tmp_path / n for n in 'abc'], tmp_path / 'all')
    data = DataSet(tmp_path / 'all')
    assert [p.name for p in data.schema.places] == ['lab', 'hall']
    assert data.read('sequence').tolist() == [0] * 5 + [1] * 3 + [2] * 2
    assert data.split('test').tolist() == [5, 6, 7]
    assert data.read('stamp').tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 0, 1]
    json.loads((tmp_path / 'all' / 'dataset.json').read_text())


def test_a_place_in_two_splits_cannot_be_merged_unless_told_which(tmp_path):
    write(tmp_path / 'a', 2, split='train')
    write(tmp_path / 'b', 2, split='test')
    with pytest.raises(InputError, match='--split lab=train'):
        merge([tmp_path / 'a', tmp_path / 'b'], tmp_path / 'all')
    merge([tmp_path / 'a', tmp_path / 'b'], tmp_path / 'all', parse_splits(['lab=test']))
    assert len(DataSet(tmp_path / 'all').split('test')) == 4


def failed(folder: Path) -> Path:
    write_json(folder / QUALITY, {'passed': False, 'problems': ['too even'],
                                  'digest': DataSet(folder).digest()})
    return folder


def gate_of(folder: Path) -> str:
    return gate_problem(folder, DataSet(folder).digest())


def grow(folder: Path, count: int = 2) -> Path:
    with Writer(folder, schema(), 4, append=True) as writer:
        writer.append(columns(count, writer.next_sequence))
    return folder


def test_a_set_that_failed_its_gate_fails_still_when_it_grows_until_it_is_judged(tmp_path):
    bad = grow(grow(failed(write(tmp_path / 'bad', 5))))
    assert 'bad failed its quality gate: too even' in gate_of(bad)
    merge([bad, write(tmp_path / 'good', 5)], tmp_path / 'both')
    assert 'bad: too even' in gate_of(grow(tmp_path / 'both'))
    outcome = {'passed': True, 'problems': [], 'digest': DataSet(bad).digest()}
    write_json(bad / QUALITY, outcome)
    assert not gate_of(bad)
    write_json(bad / QUALITY, {**outcome, 'passed': False, 'problems': ['stale'], 'digest': 'x'})
    assert not gate_of(grow(bad)), 'what was changed otherwise counts as never judged'


def test_a_set_that_fails_fails_still_when_growing_is_cut_off(tmp_path):
    bad = failed(write(tmp_path / 'bad', 5))
    writer = Writer(bad, schema(), 4, append=True)
    writer.append(columns(6, writer.next_sequence))
    del writer  # never closed: one chunk is written, two records were in memory
    assert len(DataSet(bad)) == 9 and 'too even' in gate_of(bad)


def test_a_set_that_passed_counts_as_never_judged_when_it_has_grown(tmp_path):
    good = write(tmp_path / 'good', 5)
    outcome = {'passed': True, 'problems': [], 'digest': DataSet(good).digest()}
    write_json(good / QUALITY, outcome)
    kept = json.loads((grow(good) / QUALITY).read_text())
    assert kept == outcome and kept['digest'] != DataSet(good).digest()


def test_a_set_begun_anew_has_no_outcome_of_one_before(tmp_path):
    bad = grow(failed(write(tmp_path / 'bad', 5)))
    remove(bad / 'chunks')
    remove(bad / 'dataset.json')
    assert not gate_of(write(bad, 5))


def contents(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob('*') if f.is_file()}


def test_what_does_not_fit_leaves_a_set_as_it_was(tmp_path):
    bad = failed(write(tmp_path / 'bad', 5))
    before = contents(bad)
    for other in (schema(sensor={'range_max': 3.0}),
                  Schema.of('things', [Field('value', 'float32', (3,))])):
        with pytest.raises(InputError, match='records of one kind only'):
            Writer(bad, other, append=True)
    with pytest.raises(InputError, match='is there already'):
        Writer(bad, schema())
    assert contents(bad) == before


def test_what_is_made_of_a_set_that_failed_its_gate_has_failed_too(tmp_path):
    good, bad = write(tmp_path / 'good', 5), failed(write(tmp_path / 'bad', 5))
    merge([good, bad], tmp_path / 'both')
    cleaned(DataSet(tmp_path / 'both'), tmp_path / 'clean', np.arange(10) == 3)
    for made in ('both', 'clean'):
        problem = gate_of(tmp_path / made)
        assert made in problem and 'bad: too even' in problem
    namesake = write(tmp_path / 'more' / 'bad', 5)
    merge([bad, namesake], tmp_path / 'alike')
    assert 'too even' in gate_of(tmp_path / 'alike')
    merge([good, write(tmp_path / 'better', 5)], tmp_path / 'fine')
    assert not (tmp_path / 'fine' / QUALITY).exists()
