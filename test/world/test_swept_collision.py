import dataclasses

import hypothesis
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from shape_reference import overlaps, wall_distance

from synth_nodes.errors import InputError
from synth_nodes.types import GridMap, RobotSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.collision import Body, CLEARANCE_MAX, disc_gap
from synth_nodes.world.drive import arc
from synth_nodes.world.world import World

ALONE = ActorSettings(count=0)
DIRECT = RobotSpec(actuator_lag=0.0, command_latency=0.0, acceleration=20.0, deceleration=20.0,
                   turn_acceleration=50.0, max_speed=3.0, max_turn_rate=4.0)
"""A robot that reaches any set point within one step."""
SHAPES = ((0.21, 0.18, -0.21, 0.18, -0.21, -0.18, 0.21, -0.18),
          (0.5, 0.0, -0.1, 0.1, -0.1, -0.1), (0.3, 0.05, -0.02, 0.2, -0.3, 0.0, 0.0, -0.3))


def cluttered(seed, yaw=0.4):
    rng = np.random.default_rng(seed)
    occupancy = np.where(rng.random((90, 100)) < 0.004, 100, 0).astype(np.int8)
    occupancy[:, 60:62] = 100
    occupancy[30:55, 60:62] = 0
    return GridMap(occupancy, 0.05, (1.0, -2.0, yaw))


@given(seed=st.integers(0, 10_000), shape=st.sampled_from(SHAPES))
@hypothesis.settings(max_examples=30, deadline=None)
def test_clearance_is_the_distance_to_the_nearest_square(seed, shape):
    robot = dataclasses.replace(DIRECT, footprint=shape)
    world = World(MapAtlas.build([cluttered(seed)]), robot, ALONE, 6, seed)
    for b in range(6):
        want = wall_distance(world.atlas.maps[0], robot.polygon, world.pose[b])
        assert min(world.clearance[b], 1.0) == pytest.approx(want, abs=2e-3)


@given(seed=st.integers(0, 10_000), shape=st.sampled_from(SHAPES), dt=st.floats(0.02, 0.2))
@hypothesis.settings(max_examples=8, deadline=None)
def test_contact_is_found_where_a_finely_sampled_footprint_finds_it(seed, shape, dt):
    robot = dataclasses.replace(DIRECT, footprint=shape)
    world = World(MapAtlas.build([cluttered(seed)]), robot, ALONE, 4, seed)
    grid = world.atlas.maps[0]
    rng = np.random.default_rng(seed)
    command = np.c_[rng.uniform(-0.2, 3, 4), np.zeros(4), rng.uniform(-4, 4, 4)]
    for _ in range(12):
        before, velocity = world.pose.copy(), world.velocity.copy()
        world.step(command, dt)
        for b in range(4):
            assert not overlaps(grid, robot.polygon, world.pose[b])
            if world.collided[b]:
                assert wall_distance(grid, robot.polygon, world.pose[b]) < 6e-3
                assert not world.velocity[b].any()
            elif np.allclose(velocity[b], command[b]):
                for t in np.linspace(0, dt, 15):
                    pose = np.array(arc(*before[b], command[b, 0], command[b, 2], t))
                    assert not overlaps(grid, robot.polygon, pose, 1e-3)


def test_a_thin_pole_is_not_jumped_over_in_one_long_step():
    occupancy = np.zeros((100, 400), np.int8)
    occupancy[50, 100] = 100
    world = World(MapAtlas.build([GridMap(occupancy, 0.02)]), DIRECT, ALONE)
    world.reset(pose=np.array([1.2, 1.01, 0.0]))
    for _ in range(6):
        world.step(np.array([[3.0, 0.0, 0.0]]), 0.2)
    assert world.collided[0]
    assert world.pose[0, 0] == pytest.approx(2.0 - 0.21, abs=3e-3)


def test_a_robot_at_a_wall_can_back_off_and_turn_away():
    atlas = MapAtlas.build([GridMap(np.zeros((100, 100), np.int8), 0.05)])
    world = World(atlas, DIRECT, ALONE)
    world.reset(pose=np.array([4.5, 2.5, 0.0]))
    for _ in range(20):
        world.step(np.array([[1.0, 0.0, 0.0]]), 0.05)
    assert world.collided[0] and 0 < world.clearance[0] < 4e-3
    world.step(np.array([[-0.2, 0.0, 0.0]]), 0.1)
    world.step(np.array([[-0.2, 0.0, 0.0]]), 0.1)
    assert not world.collided[0]
    assert world.clearance[0] > 0.02


@given(seed=st.integers(0, 10_000), shape=st.sampled_from(SHAPES))
@hypothesis.settings(max_examples=60, deadline=None)
def test_gap_to_a_disc_equals_dense_sampling(seed, shape):
    rng = np.random.default_rng(seed)
    robot = RobotSpec(footprint=shape)
    x, y = rng.uniform(-1.2, 1.2, 2)
    pose, radius = rng.uniform(-1, 1, 3), rng.uniform(0.05, 0.4)
    c, s = np.cos(pose[2]), np.sin(pose[2])
    corners = robot.polygon
    dense = np.concatenate([a + np.linspace(0, 1, 4000)[:, None] * (b - a) for a, b in
                            zip(corners, np.roll(corners, -1, 0), strict=True)])
    dense = dense @ np.array([[c, s], [-s, c]]) + pose[:2]
    want = np.hypot(*(dense - (x, y)).T).min() - radius
    got = disc_gap(Body.of(robot), *pose, x, y, radius)
    if want > CLEARANCE_MAX:
        assert CLEARANCE_MAX < got <= want + 1e-3
    else:
        assert got == pytest.approx(want, abs=1e-3) or got == pytest.approx(-radius)


@pytest.mark.parametrize('footprint', (
    (0.2, 0.2, -0.2, 0.2), (0.2, 0.2, 0.2, -0.2, -0.2, -0.2, -0.2, 0.2),
    (0.4, 0.0, 0.0, 0.1, -0.4, 0.0, 0.0, 0.05), (0.1, 0.1, 0.1, 0.1, -0.1, 0.1, 0.0, -0.1),
    (0.2, 0.2, -0.2, 0.2, -0.2)))
def test_footprints_that_are_not_convex_and_counter_clockwise_are_refused(footprint):
    with pytest.raises(InputError, match=r'robot\.footprint'):
        Body.of(RobotSpec(footprint=footprint))
