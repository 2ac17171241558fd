from collections import Counter
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from synth_nodes.dataset.loader import Batches, loader, LoaderPlan  # noqa: E402
from synth_nodes.dataset.reader import DataSet  # noqa: E402
from synth_nodes.dataset.schema import Field, Schema  # noqa: E402
from synth_nodes.dataset.store import Writer  # noqa: E402
from synth_nodes.errors import InputError  # noqa: E402

DOCS = Path(__file__).resolve().parents[2] / 'docs'


@pytest.fixture
def data(tmp_path):
    with Writer(tmp_path / 'set', Schema.of('s', [Field('x', 'float32', ())]), 16) as writer:
        for k, split in enumerate(('train', 'test', 'train', 'train')):
            place = writer.place(f'p{k}', split)
            stamp = np.arange(25.0) + 25 * k
            writer.append({'stamp': stamp, 'sequence': np.full(25, k),
                           'place': np.full(25, place), 'x': stamp.astype(np.float32)})
    return DataSet(tmp_path / 'set')


TRAIN = [*range(25), *range(50, 100)]


def seen(batches) -> list[int]:
    return [int(v) for batch in batches for v in batch['x']]


@pytest.mark.parametrize('workers', [0, 2])
def test_a_pass_gives_each_record_of_the_split_once(data, workers):
    batches = list(loader(data, LoaderPlan(batch_size=8, names=('x', 'place')), workers))
    assert Counter(seen(batches)) == Counter(TRAIN)
    assert set(batches[0]) == {'x', 'place'} and batches[0]['x'].dtype == torch.float32


def test_passes_are_shuffled_anew_and_repeat_with_the_seed(data):
    one, two = Batches(data, LoaderPlan(batch_size=8)), Batches(data, LoaderPlan(batch_size=8))
    first, second = seen(one), seen(one)
    assert first != TRAIN and second != first
    assert seen(two) == first and seen(two) == second
    assert seen(Batches(data, LoaderPlan(batch_size=8, seed=1))) != first


def test_without_shuffling_the_order_is_kept(data):
    assert seen(Batches(data, LoaderPlan(batch_size=8, shuffle=False))) == TRAIN


def test_a_batch_mixes_chunks(data):
    batch = next(iter(Batches(data, LoaderPlan(batch_size=32))))
    assert len({int(v) // 16 for v in batch['x']}) > 1


def test_a_last_batch_that_is_not_full_can_be_left_out(data):
    sizes = [len(b['x']) for b in Batches(data, LoaderPlan(batch_size=32, drop_last=True))]
    assert sizes == [32, 32]
    assert sum(len(b['x']) for b in Batches(data, LoaderPlan(batch_size=32))) == len(TRAIN)


def test_the_training_in_the_documentation_learns(tmp_path, monkeypatch, capsys):
    rng = np.random.default_rng(0)
    fields = [Field('scan', 'float32', (8,)), Field('goal', 'float32', (3,)),
              Field('expert', 'float32', (2,))]
    schema = Schema.of('s', fields, sensor={'range_max': 6.0})
    with Writer(tmp_path / 'synthetic', schema, 700) as writer:
        for k, split in enumerate(('train', 'validation')):
            scan, goal = rng.uniform(0, 6, (3000, 8)), rng.uniform(-6, 6, (3000, 3))
            expert = np.stack((0.2 * scan.min(axis=1), 0.3 * goal[:, 1]), axis=1)
            scan[::7, 3], scan[::11, 5] = np.inf, np.nan
            writer.append({'stamp': np.arange(3000.0), 'sequence': np.full(3000, k),
                           'place': np.full(3000, writer.place(split, split)), 'scan': scan,
                           'goal': goal, 'expert': expert})
    text = (DOCS / 'datasets.md').read_text(encoding='utf-8')
    block = next(part.partition('```')[0] for part in text.split('```python\n')
                 if 'optimiser' in part)
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    names: dict = {}
    exec(block, names)
    assert len(names['losses']) == 10 and names['losses'][-1] < 0.5 * names['losses'][0]
    assert capsys.readouterr().out.startswith('epoch 0: ')


def test_an_empty_split_and_an_unknown_field_are_refused(data):
    with pytest.raises(InputError, match="split 'validation' is empty; its places are p0=train"):
        Batches(data, LoaderPlan(split='validation'))
    with pytest.raises(InputError, match="no field 'y'"):
        Batches(data, LoaderPlan(names=('y',)))
