"""Beams that have a width: echoes and mixed pixels against a slow reference."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
from primitive_reference import scene_ranges
import pytest
from ray_reference import random_grid, ray_ranges

from synth_nodes.sensors.beam import echo_of, Optics
from synth_nodes.sensors.lidar import cast, Lidar
from synth_nodes.sensors.scan_settings import ECHOES, ScanEffects
from synth_nodes.types import GridMap, LidarSpec
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.scene import Scene

IDEAL = LidarSpec(noise_std=0.0, noise_slope=0.0, dropout=0.0)
HERE = np.zeros(1, int)


def slow_echo(ways, powers, pulse, echo, threshold):
    """Group sorted returns by gaps, then choose; plain Python."""
    returns = sorted((w, p) for w, p in zip(ways, powers, strict=True) if np.isfinite(w))
    groups = []
    for w, p in returns:
        if groups and w - groups[-1][-1][0] <= pulse:
            groups[-1].append((w, p))
        else:
            groups.append([(w, p)])
    echoes = [(sum(w * p for w, p in g) / sum(p for _, p in g), sum(p for _, p in g))
              for g in groups]
    echoes = [e for e in echoes if e[1] >= threshold]
    if not echoes:
        return np.inf, 0.0
    return {'first': echoes[0], 'last': echoes[-1],
            'strongest': max(echoes, key=lambda e: e[1])}[echo]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.one_of(st.floats(0.1, 20.0), st.just(np.inf)),
                          st.floats(1e-4, 1.0)), min_size=1, max_size=9),
       st.floats(0.0, 2.0), st.sampled_from(ECHOES), st.floats(1e-3, 5.0))
def test_echo_is_that_of_the_slow_reference(returns, pulse, echo, black_range):
    effects = ScanEffects(pulse_length=pulse, echo=echo, surfaces=True, black_range=black_range)
    ways, powers = np.array(returns).T.copy()
    want = slow_echo(ways, powers, pulse, echo, effects.threshold)
    assert echo_of(ways, powers, Optics.of(effects), 1.0) == pytest.approx(want)


def test_rays_share_the_light_of_a_gaussian_beam():
    optics = Optics.of(ScanEffects(divergence=0.01, sub_beams=63))
    assert optics.weight.sum() == pytest.approx(1.0)
    assert optics.offset[[0, -1]] == pytest.approx([-0.005, 0.005], rel=0.02)
    # Full width at half maximum of exp(-2 x^2) is sqrt(2 ln 2) half widths.
    half = optics.weight > 0.5 * optics.weight.max()
    assert np.ptp(optics.offset[half]) == pytest.approx(
        np.sqrt(2 * np.log(2)) * 0.005, abs=2 * 0.01 / 63)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10 ** 6))
def test_without_width_every_ray_is_that_of_the_slow_reference(seed):
    rng = np.random.default_rng(seed)
    grid = GridMap(random_grid(rng), 0.1, (0.3, -0.2, 0.4))
    free = np.argwhere(~grid.solid())
    place = grid.to_map(free[rng.integers(len(free))][::-1] + rng.uniform(0.05, 0.95, 2))
    boxes = np.array([[*grid.to_map(rng.uniform(0, 24, 2)), rng.uniform(-3, 3),
                       *rng.uniform(0.1, 0.4, 2), 1.0, 1] for _ in range(2)])
    tins = np.array([[*grid.to_map(rng.uniform(0, 24, 2)), 0.1, 1.0, 1]])
    pose = np.array([*place, rng.uniform(-3, 3)])
    atlas = MapAtlas.build([Scene(grid, boxes=boxes, cylinders=tins)])
    got = Lidar(IDEAL, atlas, effects=ScanEffects(motion=True)).scan(pose[None], HERE)[0]
    want = np.minimum(ray_ranges(grid, pose, IDEAL.angles, 12.0),
                      scene_ranges(pose, IDEAL.angles, boxes, tins))
    if want.min() <= IDEAL.range_min:
        return
    # What grazes a corner may go either way.
    assert (np.abs(got - want) < 1e-4).mean() > 0.99
    fast = cast(atlas, HERE, pose[None], IDEAL.angles, 12.0)[0]
    assert (np.abs(got - fast) < 1e-4).mean() > 0.99


@pytest.fixture(scope='module')
def step():
    """A box whose face is 2 m away, half a beam wide, before a wall at 2.3 m or at 4 m."""
    def build(depth):
        grid = GridMap(np.zeros((200, 200), np.int8), 0.05, (-5.0, -5.0, 0.0))
        boxes = np.array([[2.05, 1.0, 0.0, 0.1, 2.0, 1.0, 1], [depth + 0.5, 0, 0, 1.0, 8.0, 1, 1]])
        return MapAtlas.build([Scene(grid, boxes=boxes)])
    return build


def straight(atlas, effects, yaw=0.0):
    """Range of a beam that looks along x, where the box begins."""
    spec = LidarSpec(beams=3, field_of_view=0.2, noise_std=0.0, noise_slope=0.0, dropout=0.0)
    pose = np.array([[0.0, 0.0, yaw]])
    return Lidar(spec, atlas, effects=effects).scan(pose, HERE)[0, 1]


def test_surfaces_within_a_pulse_give_a_range_in_between(step):
    effects = ScanEffects(divergence=0.01, sub_beams=64, pulse_length=0.5)
    # Half of the light on each; power falls with the square of range.
    near, far = 1 / 2.0 ** 2, 1 / 2.3 ** 2
    want = (2.0 * near + 2.3 * far) / (near + far)
    assert straight(step(2.3), effects) == pytest.approx(want, abs=2e-3)


@pytest.mark.parametrize(('echo', 'want'), [('first', 2.0), ('strongest', 2.0), ('last', 4.0)])
def test_surfaces_farther_apart_are_echoes_of_their_own(step, echo, want):
    effects = ScanEffects(divergence=0.01, sub_beams=64, pulse_length=0.5, echo=echo)
    assert straight(step(4.0), effects) == pytest.approx(want, abs=1e-3)


def test_strongest_echo_needs_enough_of_the_footprint(step):
    effects = ScanEffects(divergence=0.01, sub_beams=64, pulse_length=0.5, echo='strongest')
    ranges = [straight(step(4.0), effects, yaw) for yaw in np.linspace(-0.01, 0.01, 21)]
    assert ranges[0] == pytest.approx(4.0, abs=1e-2)
    assert ranges[-1] == pytest.approx(2.0, abs=1e-2)
    assert np.sum(np.diff(ranges) < -1.0) == 1


def test_mixed_range_slides_from_one_surface_to_the_other(step):
    effects = ScanEffects(divergence=0.01, sub_beams=64, pulse_length=0.5)
    yaws = np.linspace(-0.007, 0.007, 29)
    ranges = np.array([straight(step(2.3), effects, yaw) for yaw in yaws])
    assert (np.diff(ranges) < 1e-3).all()
    assert np.sum((ranges > 2.02) & (ranges < 2.28)) >= 10
