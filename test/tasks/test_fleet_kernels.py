"""What simulated robots are shown by kernels is what robots work out with numpy alone."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.tasks.fleet_paths import FleetPaths
from synth_nodes.tasks.fleet_scans import FleetScans
from synth_nodes.tasks.observation import ObservationBuilder, ObservationSpec
from synth_nodes.tasks.path import PathFollower, resample
from synth_nodes.types import LidarSpec

FAR_AHEAD = ObservationSpec(lookahead=3.0, min_lookahead=0.2, chord_tolerance=0.03)
ALWAYS_NEAR = ObservationSpec(lookahead=0.2, min_lookahead=1.0)


def winding(rng, points):
    """A way that bends, and at times turns back upon itself."""
    heading = np.cumsum(rng.normal(0.0, 0.5, points))
    heading[points // 2:] += np.pi * rng.integers(2)
    return np.cumsum(0.3 * np.stack((np.cos(heading), np.sin(heading)), axis=-1), axis=0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1),
       st.sampled_from([ObservationSpec(), FAR_AHEAD, ALWAYS_NEAR]))
def test_paths_are_followed_as_robots_follow_them(seed, spec):
    rng = np.random.default_rng(seed)
    batch = 7
    paths = [winding(rng, int(n)) for n in rng.integers(1, 40, batch)]
    expected, kernels = PathFollower(paths, spec), FleetPaths(batch, spec)
    kernels.set_paths(np.arange(batch), [resample(path) for path in paths])
    pose = np.column_stack((np.stack([p[0] for p in paths]), rng.uniform(-4.0, 4.0, batch)))
    for step in range(30):
        if step == 15:
            new = winding(rng, 60)
            expected.set_path(3, new)
            kernels.set_paths(np.array([3]), [resample(new)])
        pose += rng.normal(0.0, (0.2, 0.2, 0.5), (batch, 3))
        if step % 7 == 0:
            pose[0, :2] += rng.normal(0.0, 3.0, 2)
        np.testing.assert_allclose(kernels.goal(pose), expected.goal(pose), rtol=0, atol=1e-9)
        np.testing.assert_allclose(kernels.deviation, expected.deviation, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(kernels.length, expected.length)
    np.testing.assert_array_equal(kernels.ends, expected.ends)


@pytest.mark.parametrize('lidar, spec', [
    (LidarSpec(beams=360, rate=20.0), ObservationSpec()),
    (LidarSpec(beams=33, rate=7.0), ObservationSpec(history=4, history_period=0.3)),
    (LidarSpec(beams=90, rate=10.0, field_of_view=2.0), ObservationSpec(history=1)),
    (LidarSpec(beams=60, rate=10.0, mount=(0.15, -0.05, 0.4)), ObservationSpec(sectors=90)),
], ids=['full circle', 'sparse', 'forward', 'moved'])
def test_scans_are_shown_as_robots_see_them(lidar, spec):
    rng = np.random.default_rng(1)
    batch, time = 5, 0.0
    builder, kernels = ObservationBuilder(spec, lidar, batch), FleetScans(spec, lidar, batch)
    out = np.empty((batch, spec.history, spec.sectors), np.float32)
    for step in range(40):
        ranges = rng.uniform(-0.5, 10.0, (batch, lidar.beams)).astype(np.float32)
        for value in (np.nan, np.inf, -np.inf):
            ranges[rng.random(ranges.shape) < 0.3] = value
        if step % 6 == 2:
            rows = np.flatnonzero(rng.random(batch) < 0.5)
            builder.reset(rows)
            kernels.reset(rows)
        builder.push(ranges, time)
        kernels.push(ranges, time, out)
        seen = builder.build(np.zeros(3), np.zeros(3))['scan']
        np.testing.assert_array_equal(out, seen)
        if step % 9 != 4:
            time += 1.0 / lidar.rate
    assert (out > 0.0).any()
