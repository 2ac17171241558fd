from dataclasses import replace

import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.train.samples import Samples

SPEC = ObservationSpec(sectors=12)


def some(count=5, seed=0):
    rng = np.random.default_rng(seed)
    return Samples(rng.uniform(0, 8, (count, 3, 12)).astype(np.float16),
                   rng.normal(size=(count, 3)).astype(np.float32),
                   rng.normal(size=(count, 3)).astype(np.float32),
                   rng.normal(size=(count, 2)).astype(np.float32),
                   np.arange(count, dtype=np.int32))


def test_samples_survive_the_disk(tmp_path):
    samples = some()
    samples.save(tmp_path / 'run.npz')
    loaded = Samples.load(tmp_path / 'run.npz', SPEC)
    assert all(np.array_equal(getattr(loaded, n), getattr(samples, n))
               for n in ('scan', 'goal', 'velocity', 'command', 'group'))
    assert [p.name for p in tmp_path.iterdir()] == ['run.npz']


def test_joined_and_taken_samples_keep_their_rows_together():
    joined = Samples.join([some(3), Samples.empty(SPEC), some(4, 1)])
    assert len(joined) == 7
    taken = joined.take(np.array([6, 0]))
    assert np.array_equal(taken.goal, joined.goal[[6, 0]])
    assert np.array_equal(taken.scan, joined.scan[[6, 0]])


@pytest.mark.parametrize('damage', [b'', b'PK\x03\x04 cut'])
def test_damaged_file_is_refused_in_one_line(tmp_path, damage):
    (tmp_path / 'run.npz').write_bytes(damage)
    with pytest.raises(InputError, match='record them again') as caught:
        Samples.load(tmp_path / 'run.npz', SPEC)
    assert '\n' not in str(caught.value)


def test_other_layout_and_nan_are_refused_by_name():
    with pytest.raises(InputError, match="array 'scan' has shape"):
        some().check(ObservationSpec(), 'run')
    bad = replace(some(), goal=np.full((5, 3), np.nan, np.float32))
    with pytest.raises(InputError, match="array 'goal' has values that are not finite"):
        bad.check(SPEC, 'run')
