"""Learned sensors as ONNX: the same as torch, by seeds, and refused when altered."""

import json
from shutil import copytree

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from synth_nodes.errors import InputError  # noqa: E402
from synth_nodes.export.generator import export_generator, GRAPH, STEP  # noqa: E402
from synth_nodes.generators import coding, diffusion, learned, mixture, vae  # noqa: E402
from synth_nodes.generators.model import GeneratorSettings  # noqa: E402
from synth_nodes.infer import learned_lidar, scan_drawing  # noqa: E402
from synth_nodes.infer.learned_lidar import load_sampler  # noqa: E402

pytestmark = pytest.mark.usefixtures('one_thread')
IDEAL = np.where(np.random.default_rng(0).random((300, 1)) < 0.1, np.inf, np.repeat(
    np.random.default_rng(1).uniform(1, 6, (300, 9)), 4, 1)[:, :33]).astype(np.float32)


def untrained(folder, kind):
    settings = GeneratorSettings(width=16, kind=kind)
    learned.save(folder, learned.make(settings), settings, {'step': 0.05, 'resolution': 0.01})


@pytest.fixture(scope='module')
def folders(tmp_path_factory):
    """Learned sensors of all kinds, exported."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp('sensors')
    for kind in learned.KINDS:
        untrained(root / kind, kind)
        assert export_generator(root / kind) <= 5e-3
    return root


@pytest.mark.parametrize('kind', learned.KINDS)
def test_the_same_seed_draws_the_same_scans_of_any_number_of_beams(folders, kind):
    mine = load_sampler(folders / kind, 1).scan(IDEAL[:30])
    np.testing.assert_array_equal(mine, load_sampler(folders / kind, 1).scan(IDEAL[:30]))
    assert not np.array_equal(mine, load_sampler(folders / kind, 2).scan(IDEAL[:30]))
    assert load_sampler(folders / kind, 1).scan(IDEAL[:1, :20]).shape == (1, 20)


@pytest.mark.parametrize('kind', ['vae', 'gan'])
def test_graphs_draw_as_torch_does(folders, kind):
    mine = load_sampler(folders / kind, 1).scan(IDEAL)
    theirs = learned.load(folders / kind, 1).scan(IDEAL)
    seen, there = np.isfinite(mine), np.isfinite(theirs)
    assert seen.mean() == pytest.approx(there.mean(), abs=0.03)
    both = seen & there & np.isfinite(IDEAL)
    shares = np.linspace(0.1, 0.9, 9)
    error, other = (a[both] - IDEAL[both] for a in (mine, theirs))
    np.testing.assert_allclose(np.quantile(error, shares), np.quantile(other, shares), atol=0.08)


class Replayed:
    """Chance that gives what was drawn before: a numpy generator as samplers use it."""

    def __init__(self, uniform, normal=()):
        self._uniform, self._normal = iter(uniform), iter(normal)

    def random(self, shape, _):
        return next(self._uniform).reshape(shape)

    def standard_normal(self, shape, _):
        return next(self._normal).reshape(shape)


@pytest.mark.parametrize('kind', ['transformer', 'diffusion'])
def test_loops_outside_the_graphs_are_those_of_torch_draw_for_draw(folders, kind):
    ideal = torch.from_numpy(IDEAL[:40])
    given = coding.condition(ideal, 0.05, 10.0, 0.01)
    generator, _ = learned.load_generator(folders / kind, 'cpu')
    u, returned = generator.sample(given, torch.Generator().manual_seed(3))
    chance = torch.Generator().manual_seed(3)
    uniform, normal = [], []
    if kind == 'transformer':
        uniform = [torch.rand((40, 33, 3), generator=chance).transpose(0, 1).numpy()]
    else:
        normal = [torch.randn((40, 2, 33), generator=chance).numpy()
                  for _ in range(diffusion.STEPS + 1)]
    up = torch.rand((40, 33), generator=chance)
    for steps, by_chance in ((0.01, None), (0.05, up)):
        sampler = load_sampler(folders / kind, 0, steps)
        sampler._rng = Replayed([*uniform, up.numpy()], normal)
        wanted = coding.decode(u, returned, ideal, 10.0, steps, by_chance).numpy()
        # A draw on the very edge of a step may fall to its other side.
        assert np.isclose(sampler.scan(IDEAL[:40]), wanted, atol=1e-4).mean() > 0.99


@pytest.mark.parametrize('beams', [1, 33, 90, 91, 180, 361, 1081])
def test_sectors_of_a_scan_are_all_its_beams_in_order(beams):
    at, kept = scan_drawing.sectors(beams)
    told = np.concatenate([row[part] for row, part in zip(at, kept, strict=True)])
    np.testing.assert_array_equal(told, np.arange(beams))
    assert at.shape[1] <= 90 + 16 and (len(at) == 1) == (beams <= 90)
    assert all(part.start >= 16 for part in kept[1:])


def test_conditions_and_constants_are_those_of_training():
    ours = coding.condition(torch.from_numpy(IDEAL), 0.05, 10.0, 0.02).numpy()
    theirs = learned_lidar.condition(IDEAL, 0.05, 10.0, 0.02)
    np.testing.assert_allclose(theirs, ours, atol=2e-6)
    for name, where in {'FINE': coding, 'SPAN': coding, 'RESOLUTION_UNIT': coding,
                        'FINEST': mixture, 'STEPS': diffusion, 'GAIN': diffusion,
                        'CLEANEST': diffusion, 'EVERY': vae}.items():
        assert getattr(scan_drawing, name) == getattr(where, name), name
    times = np.linspace(0, 1, 26)
    np.testing.assert_allclose([scan_drawing.signal(t) for t in times],
                               diffusion.signal(torch.from_numpy(times)).numpy(), atol=1e-9)


def test_altered_and_missing_graphs_are_refused(folders, tmp_path):
    untrained(tmp_path / 'new', 'transformer')
    with pytest.raises(InputError, match=r'names no generator\.onnx and beam_step\.onnx'):
        load_sampler(tmp_path / 'new')
    mine = copytree(folders / 'transformer', tmp_path / 'mine')
    (mine / STEP).unlink()
    with pytest.raises(InputError, match=r'beam_step\.onnx: is missing'):
        load_sampler(mine)
    (mine / GRAPH).write_bytes((mine / GRAPH).read_bytes()[:-1])
    with pytest.raises(InputError, match=r'generator\.onnx'):
        load_sampler(mine)
    card = json.loads((mine / learned.CARD).read_text())
    card['settings']['kind'] = 'flow'
    (mine / learned.CARD).write_text(json.dumps(card))
    with pytest.raises(InputError, match="kind 'flow'"):
        load_sampler(mine)
