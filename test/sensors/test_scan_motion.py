"""Each beam is taken at its own time: closed forms, and a slow reference step by step."""

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.sensors.lidar import Lidar
from synth_nodes.sensors.scan_motion import carried
from synth_nodes.sensors.scan_settings import ScanEffects, time_increment
from synth_nodes.types import GridMap, LidarSpec
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.scene import Scene

IDEAL = LidarSpec(noise_std=0.0, noise_slope=0.0, dropout=0.0, rate=10.0)
MOTION = ScanEffects(motion=True)
HERE = np.zeros(1, int)


def open_floor(size=400, **parts):
    grid = GridMap(np.zeros((size, size), np.int8), 0.05, (-size / 40, -size / 40, 0.0))
    return MapAtlas.build([Scene(grid, **parts)])


@pytest.fixture(scope='module')
def pole():
    return open_floor(cylinders=np.array([[4.0, 0.0, 0.1, 2.0, 1]]))


@pytest.fixture(scope='module')
def wall():
    return open_floor(boxes=np.array([[5.5, 0.0, 0.0, 1.0, 19.0, 2.0, 1]]))


def scan(atlas, velocity, pose=(0.0, 0.0, 0.0), effects=MOTION, spec=IDEAL, actors=None):
    return Lidar(spec, atlas, effects=effects).scan(
        np.array([pose]), HERE, actors, velocity=np.array([velocity]))[0]


def test_increment_follows_from_rate_and_angle():
    assert time_increment(IDEAL) == pytest.approx(0.1 / 360)
    half = dataclasses.replace(IDEAL, field_of_view=np.pi, beams=181)
    assert time_increment(half) == pytest.approx(0.05 / 180)


def test_robot_at_rest_scans_as_without_motion(pole):
    pose = (1.0, 0.7, 0.4)
    without = scan(pole, (1.0, 0.0, 1.0), pose, ScanEffects())
    assert scan(pole, (0.0, 0.0, 0.0), pose) == pytest.approx(without, abs=1e-5)


def test_turning_on_the_spot_in_a_round_room_changes_no_range():
    cells = np.hypot(*(np.indices((400, 400)) - 199.5)) * 0.025 > 4.0
    atlas = MapAtlas.build([GridMap(np.where(cells, 100, 0).astype(np.int8), 0.025,
                                    (-5.0, -5.0, 0.0))])
    got = scan(atlas, (0.0, 0.0, 3.0), effects=MOTION)
    assert np.abs(got - 4.0).max() < 0.04


@settings(max_examples=60, deadline=None)
@given(st.floats(-3.0, 3.0), st.floats(-3.0, 3.0))
def test_turning_on_the_spot_shifts_a_pole_as_the_closed_form_has_it(pole, turn, yaw):
    got = scan(pole, (0.0, 0.0, turn), (0.0, 0.0, yaw))
    # A beam at angle a leaves at (a - a0) / (2 pi rate); the robot has turned by then.
    angles = IDEAL.angles
    world = yaw + angles + turn * (angles - angles[0]) / (2 * np.pi * 10.0)
    across = 4.0 * np.sin(world)
    inner = 0.1 ** 2 - across ** 2
    want = np.where((inner >= 0) & (np.cos(world) > 0),
                    4.0 * np.cos(world) - np.sqrt(np.maximum(inner, 0.0)), np.inf)
    sure = np.abs(inner) > 1e-5
    seen = np.where(got < 5.0, got, np.inf)
    assert np.array_equal(np.isfinite(seen[sure]), np.isfinite(want[sure]))
    both = np.isfinite(seen) & np.isfinite(want)
    assert seen[both] == pytest.approx(want[both], abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(st.floats(-2.0, 2.0), st.floats(-2.0, 2.0))
def test_driving_towards_a_flat_wall_shortens_ranges_beam_by_beam(wall, ahead, left):
    got = scan(wall, (ahead, left, 0.0))
    times = np.arange(360) * 0.1 / 360
    near = np.abs(IDEAL.angles) < 0.9
    want = (5.0 - ahead * times) / np.cos(IDEAL.angles)
    assert got[near] == pytest.approx(want[near], abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(*[st.floats(-2.0, 2.0)] * 3, st.floats(0.0, 0.2))
def test_arc_is_that_of_many_small_steps(vx, vy, wz, time):
    x, y, yaw = carried(0.3, -0.2, 0.5, vx, vy, wz, time)
    a, b, c, steps = 0.3, -0.2, 0.5, 4000
    for _ in range(steps):
        dt = time / steps
        middle = c + 0.5 * wz * dt
        a += dt * (np.cos(middle) * vx - np.sin(middle) * vy)
        b += dt * (np.sin(middle) * vx + np.cos(middle) * vy)
        c += wz * dt
    assert (x, y, yaw) == pytest.approx((a, b, c), abs=1e-7)


def test_people_walk_on_during_the_sweep():
    actor = np.array([[[3.0, 0.0, -1.0, 0.0, 0.3]]])
    got = scan(open_floor(), (0.0, 0.0, 0.0), actors=actor)
    assert got[180] == pytest.approx(3.0 - 0.3 - 0.05, abs=1e-5)


def test_mount_is_carried_along(wall):
    spec = dataclasses.replace(IDEAL, mount=(0.5, 0.0, 0.0))
    got = scan(wall, (0.0, 0.0, 2.0), spec=spec)[180]
    # At the middle of the sweep the robot has turned by 0.1 rad.
    assert got == pytest.approx((5.0 - 0.5 * np.cos(0.1)) / np.cos(0.1), abs=1e-5)


def test_wrong_velocities_are_refused(pole):
    with pytest.raises(InputError, match='velocity has shape'):
        Lidar(IDEAL, pole, effects=MOTION).scan(np.zeros((1, 3)), HERE, velocity=np.zeros((2, 3)))
    with pytest.raises(InputError, match='velocity holds NaN'):
        scan(pole, (np.nan, 0.0, 0.0))
