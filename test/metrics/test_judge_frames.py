import numpy as np
import pytest

pytest.importorskip('torch')

from synth_nodes.errors import InputError
from synth_nodes.metrics.frames import flawed, FLAWS, learn_features, measure_frames
from synth_nodes.metrics.scans import FitPlan

pytestmark = pytest.mark.usefixtures('one_thread')


def blocks(count: int, seed: int) -> np.ndarray:
    """Frames of coloured blocks under a gradient, with a little noise."""
    rng = np.random.default_rng(seed)
    base = np.repeat(np.repeat(rng.integers(60, 200, (count, 3, 4, 3)), 8, 1), 8, 2)
    light = np.linspace(0.8, 1.1, 32)[:, None]
    return np.clip(base * light + rng.normal(0, 2, base.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize('flaw', range(1, len(FLAWS)))
def test_every_flaw_changes_frames_and_only_so_much(flaw):
    frames = blocks(20, 0)
    out = flawed(frames, flaw, np.random.default_rng(0))
    change = np.abs(out.astype(int) - frames)
    assert out.dtype == np.uint8 and 0.5 < change.mean() < 40


def test_figures_rank_frames_and_find_copies():
    plan, real = FitPlan(60), blocks(120, 0)
    net = learn_features(real, FitPlan(120))
    good = measure_frames(real, blocks(120, 1), net, pairs=False, plan=plan)
    bad = measure_frames(real, flawed(blocks(120, 1), 3, np.random.default_rng(0)), net,
                         pairs=False, plan=plan)
    assert good.auc.value < 0.7 < bad.auc.value
    assert good.frechet.value < bad.frechet.value and good.kid.value < bad.kid.value
    assert good.sliced_wasserstein.value < bad.sliced_wasserstein.value
    assert good.ssim is None and good.copying is None
    train = blocks(120, 2)
    same = measure_frames(real, train, net, train, pairs=False, plan=FitPlan(2))
    assert same.copying['exact'] == 120 and same.copying['z']['value'] < -4
    alike = measure_frames(real, real, net, plan=FitPlan(2))
    assert alike.ssim.value == pytest.approx(1.0) and alike.ssim.high <= 1.0
    noisy = measure_frames(real, flawed(real, 1, np.random.default_rng(0)), net, plan=FitPlan(2))
    assert 0.0 < noisy.ssim.low < noisy.ssim.value < noisy.ssim.high < 1.0
    assert 0.0 <= bad.coverage.low <= bad.coverage.value <= bad.coverage.high <= 1.0
    assert same.copying['share']['low'] > 0.9


def test_sizes_that_differ_and_few_frames_are_refused():
    real = blocks(60, 0)
    net = learn_features(real, FitPlan(1))
    with pytest.raises(InputError, match='one size'):
        measure_frames(real, real[:, ::2], net)
    with pytest.raises(InputError, match='too few'):
        learn_features(real[:10])
