import numpy as np
import pytest

from synth_nodes.dataset.store import chunk_folders
from synth_nodes.errors import InputError
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.train.gate import worse
from synth_nodes.train.replay import ReplayStore

SPEC = ObservationSpec(sectors=8, history=2)


def chunk(value, count=4):
    return {'scan': np.full((count, 2, 8), value, np.float16),
            'goal': np.zeros((count, 3), np.float32),
            'velocity': np.zeros((count, 3), np.float32),
            'command': np.full((count, 2), value, np.float32),
            'wanted': np.full((count, 3), value, np.float32),
            'contact': np.full(count, 0.5 if value < 0 else np.inf, np.float32),
            'stamp': np.arange(count, dtype=np.float64)}


def test_a_store_is_bounded_and_keeps_old_chunks_beside_new_ones(tmp_path):
    kept = []
    for seed in range(12):
        store = ReplayStore(tmp_path / str(seed), 5, seed)
        for value in range(40):
            store.add('ordinary', chunk(value))
        assert store.counts() == {'ordinary': 20, 'interventions': 0}
        kept += sorted(set(store.samples(SPEC).command[:, 0].tolist()))
    assert len(kept) == 60 and 14 < np.mean(kept) < 25
    assert min(kept) < 5 and max(kept) > 34


def test_ordinary_samples_never_displace_interventions_which_count_more(tmp_path):
    store = ReplayStore(tmp_path, 3)
    store.add('interventions', chunk(-1.0, 2))
    for value in range(10):
        store.add('ordinary', chunk(value))
    samples = store.samples(SPEC, weight=3)
    samples.check(SPEC, 'replay')
    assert (samples.command[:, 0] == -1.0).sum() == 6 and len(samples) == 12 + 6
    assert len(set(samples.group.tolist())) == 4
    risk = store.risk_samples()
    assert len(risk) == 14 and (risk.contact <= 1.0).sum() == 2
    assert risk.sectors[risk.history[-1]].shape == (2, 8) and risk.command.shape == (14, 1, 3)


def test_what_an_interruption_left_is_forgotten_and_damage_is_passed_over(tmp_path):
    store = ReplayStore(tmp_path, 3)
    store.add('ordinary', chunk(1.0))
    store.add('ordinary', chunk(2.0))
    torn = tmp_path / 'ordinary' / 'chunks' / '.000002'
    torn.mkdir()
    (torn / 'scan.npy').write_bytes(b'half')
    again = ReplayStore(tmp_path, 3)
    assert not torn.exists() and len(again.samples(SPEC)) == 8
    file = chunk_folders(tmp_path / 'ordinary')[0] / 'command.npy'
    file.write_bytes(file.read_bytes()[:-1] + b'x')
    assert set(again.samples(SPEC).command[:, 0].tolist()) == {2.0}
    again.add('ordinary', chunk(3.0))
    assert [c.name for c in chunk_folders(tmp_path / 'ordinary')] == ['000000', '000001', '000002']


@pytest.mark.parametrize('damage', ['no json', 'half a json', 'a list', 'no hashes', 'no file'])
def test_a_chunk_that_cannot_be_read_is_passed_over_and_counted(tmp_path, damage):
    store = ReplayStore(tmp_path, 3)
    store.add('ordinary', chunk(1.0))
    store.add('ordinary', chunk(2.0))
    folder = chunk_folders(tmp_path / 'ordinary')[0]
    if damage == 'no file':
        (folder / 'goal.npy').unlink()
    elif damage == 'no json':
        (folder / 'chunk.json').unlink()
    else:
        text = {'half a json': '{"records": 4, "sha', 'a list': '[]', 'no hashes': '{"sha256": 1}'}
        (folder / 'chunk.json').write_text(text[damage])
    assert store.counts() == {'ordinary': 4, 'interventions': 0} and store.passed_over == 1
    assert set(store.samples(SPEC).command[:, 0].tolist()) == {2.0}
    assert len(store.risk_samples()) == 4
    store.add('ordinary', chunk(3.0))
    assert len(store.samples(SPEC)) == 8


@pytest.mark.parametrize('text', ['', '{"seen": "many"}', '[3]', '{}'])
def test_an_illegible_count_of_what_came_is_told_from_what_is_there(tmp_path, text):
    store = ReplayStore(tmp_path, 3)
    store.add('ordinary', chunk(1.0))
    (tmp_path / 'ordinary' / 'seen.json').write_text(text)
    store.add('ordinary', chunk(2.0))
    assert [c.name for c in chunk_folders(tmp_path / 'ordinary')] == ['000000', '000001']


def test_samples_of_another_layout_are_refused_by_name(tmp_path):
    store = ReplayStore(tmp_path, 3)
    store.add('ordinary', chunk(1.0))
    with pytest.raises(InputError, match=r"replay store .*array 'scan' has shape \(4, 2, 8\)"):
        store.samples(ObservationSpec(sectors=9, history=2))
    wide = {**chunk(1.0), 'scan': np.ones((4, 2, 9), np.float16)}
    store.add('ordinary', wide)
    with pytest.raises(InputError, match='several layouts'):
        store.risk_samples()
    store.add('interventions', {'stamp': np.zeros(4)})
    with pytest.raises(InputError, match='have no command, contact'):
        store.samples(SPEC)


def test_an_empty_store_gives_no_samples(tmp_path):
    store = ReplayStore(tmp_path, 3)
    assert len(store.samples(SPEC)) == 0 and store.risk_samples() is None


@pytest.mark.parametrize(('change', 'word'), [
    ({'success': 0.8}, 'success'), ({'contact_rate': 0.2}, 'contact_rate'),
    ({'efficiency': 0.7}, 'efficiency'), ({'success': 0.95, 'contact_rate': 0.0}, '')])
def test_the_gate_names_each_figure_that_got_worse(change, word):
    class Score:
        success, contact_rate, efficiency = 0.9, 0.1, 0.9

    after = Score()
    vars(after).update(change)
    assert [r.split()[0] for r in worse(Score(), after)] == ([word] if word else [])
    assert not worse(Score(), after, 0.25)
