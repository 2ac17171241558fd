import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.metrics.tracks import distances, motions, wasserstein, window_auc
from synth_nodes.types import GridMap
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.tracks import Tracks

ATLAS = MapAtlas.build([GridMap(np.zeros((9, 9), np.int8), 1.0)])


def circles(speed, radius, people=6, frames=400, jitter=0.0, seed=0):
    """Let people walk in circles far from each other, 0.3 m apart in pairs."""
    rng = np.random.default_rng(seed)
    turn = speed / radius * 0.2 * np.arange(frames)[:, None] + rng.uniform(0, 6, people // 2)
    at = radius * np.stack((np.cos(turn), np.sin(turn)), -1)
    at[..., 0] += 50.0 * np.arange(people // 2)
    at = np.concatenate((at, at + np.array((0.8, 0.0))), axis=1)
    return Tracks(at + rng.normal(0.0, jitter or 1e-12, at.shape), 0.2, ATLAS, 'circles')


def test_motions_of_circles_are_those_of_circles():
    found = motions([circles(1.0, 2.0)])
    assert np.median(found.speed) == pytest.approx(1.0, rel=0.01)
    assert np.median(found.acceleration) == pytest.approx(0.5, rel=0.01)
    assert np.median(found.curvature) == pytest.approx(0.5, rel=0.01)
    np.testing.assert_allclose(found.gap, 0.3, atol=1e-6)
    assert found.window.shape[1:] == (5, 12)


def test_those_who_leave_have_no_speed_across_their_absence():
    tracks = circles(1.0, 2.0, people=2, frames=40)
    tracks.at[10:20, 0] = np.nan
    found = motions([tracks])
    assert found.speed.max() < 1.1 and len(found.gap) == 70
    assert (found.gap == 3.0).sum() == 10, 'the other one is alone meanwhile'


def test_wasserstein_distance_of_shifted_and_scaled_samples():
    a = np.random.default_rng(0).normal(size=20_000)
    assert wasserstein(a, a + 0.7) == pytest.approx(0.7, abs=1e-9)
    assert wasserstein(a, 2.0 * a) == pytest.approx(np.sqrt(2 / np.pi), rel=0.03)


def test_slower_people_are_told_apart_and_the_same_are_not():
    real = motions([circles(1.0, 2.0, jitter=0.01, people=16)])
    same = motions([circles(1.0, 2.0, jitter=0.01, people=16, seed=1)])
    slow = motions([circles(0.8, 2.0, jitter=0.01, people=16, seed=1)])
    found, other = distances(real, same), distances(real, slow)
    assert found['speed'] < 0.01 and found['auc'] < 0.62
    assert other['speed'] == pytest.approx(0.2, abs=0.01) and other['auc'] > 0.95
    assert other['auc_interval'][0] <= other['auc'] <= other['auc_interval'][1]


def test_too_few_windows_are_refused():
    few = np.zeros((20, 5, 12), np.float32)
    with pytest.raises(InputError, match='20 and 20 windows'):
        window_auc(few, few)


def test_distances_of_few_tracks_are_told_without_a_test():
    few = motions([circles(1.0, 2.0, jitter=0.01, people=4, frames=60)])
    found = distances(few, motions([circles(0.8, 2.0, jitter=0.01, people=4, frames=60)]))
    assert len(few.window) < 200 and found['speed'] == pytest.approx(0.2, abs=0.01)
    assert found['auc'] is None and found['auc_interval'] is None
