"""Learned sensors as ONNX: the same as torch, by seeds, and refused when altered."""

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from synth_nodes.errors import InputError  # noqa: E402
from synth_nodes.export.generator import export_generator, GRAPH  # noqa: E402
from synth_nodes.generators import coding, learned  # noqa: E402
from synth_nodes.generators.model import GeneratorSettings  # noqa: E402
from synth_nodes.infer import learned_lidar  # noqa: E402
from synth_nodes.infer.learned_lidar import load_sampler  # noqa: E402

pytestmark = pytest.mark.usefixtures('one_thread')
IDEAL = np.where(np.random.default_rng(0).random((300, 1)) < 0.1, np.inf, np.repeat(
    np.random.default_rng(1).uniform(1, 6, (300, 9)), 4, 1)[:, :33]).astype(np.float32)


def untrained(folder, kind):
    settings = GeneratorSettings(width=16, kind=kind)
    learned.save(folder, learned.make(settings), settings, {'step': 0.05, 'resolution': 0.01})


@pytest.mark.parametrize('kind', ['vae', 'gan'])
def test_graphs_draw_as_torch_does_and_the_same_for_the_same_seed(tmp_path, kind):
    untrained(tmp_path, kind)
    differing = export_generator(tmp_path)
    assert differing is not None and differing <= 5e-3
    mine = load_sampler(tmp_path, 1).scan(IDEAL)
    np.testing.assert_array_equal(mine, load_sampler(tmp_path, 1).scan(IDEAL))
    assert not np.array_equal(mine, load_sampler(tmp_path, 2).scan(IDEAL))
    theirs = learned.load(tmp_path, 1).scan(IDEAL)
    seen, there = np.isfinite(mine), np.isfinite(theirs)
    assert seen.mean() == pytest.approx(there.mean(), abs=0.03)
    both = seen & there & np.isfinite(IDEAL)
    shares = np.linspace(0.1, 0.9, 9)
    error, other = (a[both] - IDEAL[both] for a in (mine, theirs))
    np.testing.assert_allclose(np.quantile(error, shares), np.quantile(other, shares), atol=0.08)
    assert load_sampler(tmp_path, 1).scan(IDEAL[:1, :20]).shape == (1, 20)


def test_conditions_and_constants_are_those_of_training():
    ours = coding.condition(torch.from_numpy(IDEAL), 0.05, 10.0, 0.02).numpy()
    theirs = learned_lidar.condition(IDEAL, 0.05, 10.0, 0.02)
    np.testing.assert_allclose(theirs, ours, atol=2e-6)
    assert (learned_lidar.FINE, learned_lidar.SPAN) == (coding.FINE, coding.SPAN)


def test_altered_graphs_and_kinds_without_graphs_are_refused(tmp_path):
    untrained(tmp_path, 'vae')
    export_generator(tmp_path)
    (tmp_path / GRAPH).write_bytes((tmp_path / GRAPH).read_bytes()[:-1])
    with pytest.raises(InputError, match=r'generator\.onnx'):
        load_sampler(tmp_path)
    untrained(tmp_path / 'slow', 'diffusion')
    assert export_generator(tmp_path / 'slow') is None
    with pytest.raises(InputError, match='torch alone'):
        load_sampler(tmp_path / 'slow')
