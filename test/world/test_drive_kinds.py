import dataclasses

import hypothesis
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.types import GridMap, RobotSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.drive import arc
from synth_nodes.world.world import World

ALONE = ActorSettings(count=0)
OMNI = RobotSpec(drive='omnidirectional')
CAR = RobotSpec(drive='ackermann', max_speed=2.0, max_reverse_speed=1.0, max_turn_rate=10.0)
speeds = st.floats(-2.0, 2.0)


@pytest.fixture(scope='module')
def hall():
    return MapAtlas.build([GridMap(np.zeros((800, 800), np.int8), 0.1, (-40.0, -40.0, 0.0))])


def driven(hall, robot, command, seconds=3.0, dt=0.05, batch=1, seed=0):
    world = World(hall, robot, ALONE, batch, seed)
    world.reset(pose=np.zeros(3))
    for _ in range(round(seconds / dt)):
        world.step(np.tile(command, (batch, 1)), dt)
    return world


@given(yaw=st.floats(-3, 3), vx=speeds, vy=speeds, w=st.floats(-3, 3), t=st.floats(0.0, 1.0))
@hypothesis.settings(max_examples=40, deadline=None)
def test_an_arc_with_sideways_speed_equals_fine_integration(yaw, vx, vy, w, t):
    count = 4000
    heading = yaw + w * t * (np.arange(count) + 0.5) / count
    want = (np.sum(vx * np.cos(heading) - vy * np.sin(heading)) * t / count,
            np.sum(vx * np.sin(heading) + vy * np.cos(heading)) * t / count, yaw + w * t)
    assert arc(0.0, 0.0, yaw, vx, w, t, vy) == pytest.approx(want, abs=1e-5)


def test_an_omnidirectional_drive_moves_to_any_side(hall):
    world = driven(hall, OMNI, [0.3, 0.4, 0.0], 6.0)
    assert world.velocity[0] == pytest.approx([0.3, 0.4, 0.0], abs=1e-6)
    assert world.pose[0, 1] > 2.0 and world.pose[0, 2] == 0.0
    assert driven(hall, OMNI, [0.0, 9.0, 0.0]).velocity[0, 1] == pytest.approx(0.5)


def test_sideways_commands_do_nothing_to_other_drives(hall):
    for robot in (RobotSpec(), CAR):
        world = driven(hall, robot, [0.0, 0.5, 0.0])
        assert not world.pose.any()


def test_sideways_acceleration_is_limited(hall):
    robot = dataclasses.replace(OMNI, lateral_acceleration=0.5)
    world = World(hall, robot, ALONE)
    before = 0.0
    for _ in range(40):
        world.step(np.array([[0.0, 0.5, 0.0]]), 0.05)
        assert world.velocity[0, 1] - before <= 0.5 * 0.05 + 1e-9
        before = world.velocity[0, 1]
    assert before == pytest.approx(0.5, abs=1e-3)


def test_a_car_settles_on_the_commanded_circle(hall):
    world = driven(hall, CAR, [1.0, 0.0, 0.5], 6.0)
    assert world.velocity[0] == pytest.approx([1.0, 0.0, 0.5], abs=1e-5)
    assert world.steer[0] == pytest.approx(np.arctan(0.4 * 0.5), abs=1e-5)
    c, s = np.cos(world.pose[0, 2]), np.sin(world.pose[0, 2])
    centre = world.pose[0, :2] + 2.0 * np.array([-s, c])
    for _ in range(60):
        world.step(np.array([[1.0, 0.0, 0.5]]), 0.05)
        assert np.hypot(*(world.pose[0, :2] - centre)) == pytest.approx(2.0, abs=1e-4)


@given(v=st.floats(-3, 3), w=st.floats(-10, 10), seed=st.integers(0, 99))
@hypothesis.settings(max_examples=30, deadline=None)
def test_a_car_never_turns_tighter_than_it_can_steer(hall, v, w, seed):
    world = World(hall, CAR, ALONE, 1, seed)
    tightest = np.tan(CAR.max_steer) / CAR.wheel_base
    before = 0.0
    for _ in range(30):
        world.step(np.array([[v, 0.0, w]]), 0.05)
        speed, turn = world.velocity[0, 0], world.velocity[0, 2]
        assert abs(turn) <= abs(speed) * tightest + 1e-9
        assert abs(world.steer[0] - before) <= CAR.steer_rate * 0.05 + 1e-9
        before = world.steer[0]


def test_a_car_cannot_turn_in_place_and_backs_off_on_the_same_circle(hall):
    assert not driven(hall, CAR, [0.0, 0.0, 1.0]).pose.any()
    world = driven(hall, CAR, [-0.8, 0.0, 0.4], 4.0)
    assert world.steer[0] == pytest.approx(-np.arctan(0.4 * 0.5), abs=1e-4)
    assert world.velocity[0, 2] == pytest.approx(0.4, abs=1e-4)


def test_a_car_steers_with_delay(hall):
    slow = dataclasses.replace(CAR, steer_rate=0.2, actuator_lag=0.0, command_latency=0.0)
    world = driven(hall, slow, [1.0, 0.0, 3.0], 1.0)
    assert world.steer[0] == pytest.approx(0.2, abs=1e-6)


def test_slip_has_the_stated_spread_and_time_and_leaves_the_wheels_alone(hall):
    robot = dataclasses.replace(
        RobotSpec(), slip=0.05, turn_slip=0.1, slip_time=0.5, actuator_lag=0.0)
    world = World(hall, robot, ALONE, 1500)
    world.reset(pose=np.zeros(3))
    command = np.tile([0.5, 0.0, 0.4], (1500, 1))
    for _ in range(60):
        world.step(command, 0.05)
    early = world.velocity[:, ::2] / world.wheel_velocity[:, ::2] - 1.0
    assert world.wheel_velocity[:, 0] == pytest.approx(0.5)
    assert early[:, 0].std() == pytest.approx(0.05, rel=0.1)
    assert early[:, 1].std() == pytest.approx(0.1, rel=0.1)
    assert abs(early[:, 0].mean()) < 0.005
    for _ in range(10):
        world.step(command, 0.05)
    late = world.velocity[:, ::2] / world.wheel_velocity[:, ::2] - 1.0
    assert np.corrcoef(early[:, 0], late[:, 0])[0, 1] == pytest.approx(np.exp(-1.0), abs=0.1)


def test_without_slip_the_body_moves_as_the_wheels_roll(hall):
    world = driven(hall, RobotSpec(), [0.5, 0.0, 0.3])
    assert np.array_equal(world.velocity, world.wheel_velocity)
