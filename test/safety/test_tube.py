"""The tube holds every footprint on every way that a drive within its limits may take."""

from drive_model import Drive
from drive_model import DT as STEP
from fleet_model import Drives, DT, harm, in_base
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.safety.body import body_of
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.sources import shifted
from synth_nodes.safety.tube import clearances, FEW, in_box, limits_of, Tube, tubes
from synth_nodes.settings import build
from synth_nodes.types import RobotSpec

RULES = build(SafetyRules, {'braking.reaction_time': 0.0})
KINDS = ('differential', 'ackermann', 'omnidirectional')
SHAPES = ((0.21, 0.18, -0.21, 0.18, -0.21, -0.18, 0.21, -0.18),
          (0.75, 0.25, -0.2, 0.25, -0.2, -0.25, 0.75, -0.25),
          (0.5, 0.0, -0.2, 0.3, -0.3, -0.1),
          (0.2, 0.2, 0.0, 0.2, -0.2, 0.2, -0.2, -0.2, 0.2, -0.2))


def outcome(robot, seed, count=60):
    """Tubes of robots in mid swing, and where their corners went, as (T, B, E, 2) in base_link."""
    rng, body = np.random.default_rng(seed), body_of(robot.footprint)
    drives = Drives(robot, rng.uniform(1.0, 1.5, count) * robot.deceleration)
    limits, every = limits_of(RULES, robot), round(RULES.command.period / DT)
    cycles = 24
    wishes = harm(rng, robot, count, cycles + 1)
    age, late = rng.integers(0, 10, count), rng.integers(0, every + 1, count)
    then = []
    for k in range(cycles * every):
        then = [*then[-9:], drives.pose]
        drives.step(wishes[k // every])
    waiting = int(np.ceil(limits.tau / RULES.command.period)) + 1
    targets = wishes[cycles - waiting:].transpose(0, 2, 1)
    tube = tubes(body, limits, drives.twist().T, targets, age * DT, np.zeros(count))
    start = np.stack((*then, drives.pose))[len(then) - age, np.arange(count)]
    speed = drives.twist()
    corners = []
    for k in range(round((limits.tau + 4.0) / DT)):
        x, y = body.corners.T
        c, s = np.cos(drives.pose[:, 2:]), np.sin(drives.pose[:, 2:])
        world = np.stack((drives.pose[:, :1] + c * x - s * y,
                          drives.pose[:, 1:2] + s * x + c * y), axis=2)
        corners.append(in_base(world, start))
        drives.step(np.where((k < late)[:, None], wishes[cycles], 0.0))
    return tube, np.array(corners), speed, age * DT


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2 ** 31), st.sampled_from(KINDS), st.sampled_from(SHAPES),
       st.floats(0.3, 2.0), st.floats(0.0, 0.2), st.sampled_from([0.0, 0.05, 0.15]),
       st.sampled_from([(1.0, 1.0), (2.4, 0.6), (0.5, 2.5)]))
def test_no_corner_ever_leaves_the_tube(seed, kind, footprint, speed, lag, latency, strength):
    acceleration, deceleration = strength
    robot = RobotSpec(drive=kind, footprint=footprint, max_speed=speed, max_turn_rate=2.0,
                      acceleration=acceleration, deceleration=deceleration,
                      max_reverse_speed=speed / 2, actuator_lag=lag, command_latency=latency)
    tube, corners, velocity, age = outcome(robot, seed)
    for b in range(corners.shape[1]):
        points = corners[:, b].reshape(-1, 2)
        x, y = carried_back(points, velocity[b], age[b])
        robots = np.full(len(x), b)
        assert clearances(tube, robots, x, y, np.zeros(len(x))).max() < 2e-3
        assert in_box(tube, robots, x, y, np.full(corners.shape[1], 2e-3)).all()


def carried_back(points, velocity, age):
    """Points as the core carries them from the scan's frame to the present one."""
    return shifted(points, velocity, float(age)).T


@pytest.mark.parametrize('sign', [1.0, -1.0])
def test_tube_of_a_robot_that_turns_back_holds_how_it_gains_speed(sign):
    robot = RobotSpec(acceleration=2.4, deceleration=0.7)
    limits = limits_of(build(SafetyRules, {'braking.reaction_time': 0.3}), robot)
    body = body_of(robot.footprint)
    velocity, command = -0.1 * sign, 1.2 * sign
    tube = tubes(body, limits, np.array([[velocity], [0.0], [0.0]]),
                 np.array([[[command], [0.0], [0.0]]]), np.zeros(1), np.zeros(1))
    halted = 0.1 / 1.05  # at the sharpest that the drive may brake
    gained = 2.4 * (limits.tau - halted)
    way = sign * (2.4 * (limits.tau - halted) ** 2 / 2 + gained ** 2 / (2 * 0.7)
                  - 0.1 * halted / 2)
    nose = body.corners[:, 0].max() if sign > 0 else body.corners[:, 0].min()
    assert clearances(tube, np.zeros(1, int), np.array([nose + way]), np.zeros(1),
                      np.zeros(1))[0] <= 0.0


def test_straight_tube_is_as_long_as_the_way_to_standstill_and_no_wider_than_the_robot():
    robot = RobotSpec()
    limits = limits_of(SafetyRules(), robot)
    ahead = np.array([[0.8], [0.0], [0.0]])
    tube = tubes(body_of(robot.footprint), limits, ahead, ahead[None], np.zeros(1), np.zeros(1))
    way = 0.8 * limits.tau + 0.8 ** 2 / (2 * 1.5)
    low_x, low_y, high_x, high_y = tube.box[:, 0]
    assert (low_y, high_y) == pytest.approx((-0.18, 0.18), abs=1e-9)
    assert -0.22 < low_x <= -0.21
    assert 0.21 + way <= high_x < 0.21 + way + 0.05
    beside = clearances(tube, np.zeros(2, int), np.array([0.3, 0.3]), np.array([0.2, -0.2]),
                        np.array([0.0, 0.1]))
    assert beside[0] == pytest.approx(0.02, abs=1e-9)
    assert beside[1] == pytest.approx(0.02 - 0.1 * tube.times[-1, 0], abs=0.03)


def test_tube_of_a_robot_that_rests_and_is_to_rest_is_its_footprint():
    robot = RobotSpec(footprint=SHAPES[2])
    body, rest = body_of(robot.footprint), np.zeros((3, 1))
    tube = tubes(body, limits_of(SafetyRules(), robot), rest, rest[None], np.zeros(1),
                 np.zeros(1))
    points = np.random.default_rng(4).uniform(-0.6, 0.6, (40, 2))
    level = clearances(tube, np.zeros(40, int), *points.T, np.zeros(40))
    assert level == pytest.approx(body.gauge(points), abs=1e-9)
    assert tube.box[:, 0] == pytest.approx([-0.3, -0.1, 0.5, 0.3], abs=1e-9)


def test_old_data_of_a_robot_at_rest_widens_its_tube_by_what_it_may_have_gained_since():
    robot = RobotSpec(drive='omnidirectional')
    rest = np.zeros((3, 1))
    tube = tubes(body_of(robot.footprint), limits_of(SafetyRules(), robot), rest, rest[None],
                 np.array([0.2]), np.zeros(1))
    x, y, turn = 2.25 * 0.02, 1.5 * 0.02, 4.0 * 0.02
    assert tube.offset[:, 0, 0] == pytest.approx(
        [0.18 + y + 0.21 * turn, 0.21 + x + 0.18 * turn] * 2)
    late = tubes(body_of(robot.footprint), limits_of(SafetyRules(), robot), rest, rest[None],
                 np.array([0.2]), np.array([0.2]))
    assert late.offset[1, 0, 0] == pytest.approx(0.21 + 2 * x + 0.18 * 2 * turn)


@pytest.mark.parametrize('twist', [(0.5, 0.8), (0.3, -1.2), (-0.2, 0.5), (0.0, 1.5)])
def test_tube_of_a_steady_arc_is_little_wider_than_its_ways_to_a_stop(twist):
    robot = RobotSpec(actuator_lag=0.0, command_latency=0.0, max_reverse_speed=0.3)
    limits, body = limits_of(SafetyRules(), robot), body_of(robot.footprint)
    steady = np.array([[twist[0]], [0.0], [twist[1]]])
    tube = tubes(body, limits, steady, steady[None], np.zeros(1), np.zeros(1))
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for begin in np.linspace(0.0, limits.tau, 5):
        for harder in (1.0, 1.5):
            drive = Drive(RobotSpec(actuator_lag=0.0, command_latency=0.0,
                                    deceleration=1.5 * harder))
            drive.ramp, drive.velocity = steady[:, 0], steady[:, 0]
            for k in range(round(1.0 / STEP)):
                c, s = np.cos(drive.pose[2]), np.sin(drive.pose[2])
                at = body.corners @ np.array([[c, s], [-s, c]]) + drive.pose[:2]
                low, high = np.minimum(low, at.min(axis=0)), np.maximum(high, at.max(axis=0))
                drive.step(steady[:, 0] if k * STEP < begin else np.zeros(3))
    assert (tube.box[:2, 0] <= low).all() and (high <= tube.box[2:, 0]).all()
    assert (low - tube.box[:2, 0] < 0.055).all() and (tube.box[2:, 0] - high < 0.055).all()


def test_limits_are_those_that_the_drive_states():
    limits = limits_of(SafetyRules(), RobotSpec())
    assert (limits.tau, limits.act) == pytest.approx((0.17, 0.12))
    assert limits.steps.ravel() == pytest.approx([0.06, 0.06, 0.025, 0.025])
    assert limits.rise.ravel().tolist() == [1.0, 2.25, 4.0]
    assert limits.fall.ravel().tolist() == [2.25, 2.25, 4.0]
    assert limits.change.ravel().tolist() == [2.25, 2.25, 4.0]
    assert limits.brake.ravel().tolist() == [1.5, 1.5, 4.0]
    assert (limits.curvature, limits.curvature_change) == (0.0, 0.0)
    weak = limits_of(build(SafetyRules, {'braking.deceleration': 0.8}), RobotSpec())
    assert weak.brake[0] == 0.8 and weak.fall[0] == 2.25


@pytest.mark.parametrize(('sideways', 'brake'), [(1.0, 1.0), (3.0, 1.5)])
def test_sideways_a_drive_is_as_quick_as_it_states_for_that(sideways, brake):
    limits = limits_of(SafetyRules(), RobotSpec(drive='omnidirectional',
                                                lateral_acceleration=sideways))
    assert limits.brake.ravel().tolist() == [1.5, brake, 4.0]
    assert limits.rise[1] == limits.fall[1] == 1.5 * sideways


def test_steered_drive_turns_as_tightly_and_as_quickly_as_its_steering():
    robot = RobotSpec(drive='ackermann', max_steer=0.6, steer_rate=2.0, wheel_base=0.4)
    limits = limits_of(SafetyRules(), robot)

    def turn(speed, steer):
        return speed * np.tan(steer) / 0.4
    assert limits.curvature == pytest.approx(turn(1.0, 0.6))
    swing = (turn(1.0, 0.6) - turn(1.0, 0.6 - 2.0 * 1e-6)) / 1e-6
    assert limits.curvature_change == pytest.approx(swing, rel=1e-4)
    quickest = (turn(0.8, 0.6) - turn(0.8 - 2.25e-6, 0.6 - 2e-6)) / 1e-6
    assert limits.change[2] == pytest.approx(quickest, rel=1e-4)
    assert limits.brake[2] > 1e6


def test_lagging_drive_counts_as_moving_until_it_is_slower_than_standstill():
    robot = RobotSpec(actuator_lag=0.3, command_latency=0.0, deceleration=1.0)
    drive = Drive(robot)
    drive.ramp, drive.velocity = np.array((2.0, 0.0, 0.0)), np.array((2.0, 0.0, 0.0))
    steps = 0
    while drive.velocity[0] > 0.02:
        drive.step(np.zeros(3))
        steps += 1
    limits = limits_of(SafetyRules(), robot)
    assert limits.act == 0.3
    assert limits.act + 2.0 / 1.0 + limits.tail == pytest.approx(steps * STEP, abs=0.01)
    for lag in (0.0, 0.01):
        assert limits_of(SafetyRules(), RobotSpec(actuator_lag=lag)).tail == 0.0
    ahead = np.array([[0.5], [0.0], [0.0]])
    tube = tubes(body_of(robot.footprint), limits, ahead, ahead[None], np.zeros(1), np.zeros(1))
    assert tube.times[-1, 0] == pytest.approx(limits.tau + 0.5 + limits.tail)


def test_many_points_are_as_far_outside_as_each_by_itself():
    robot = RobotSpec()
    twist = np.array([[0.5, 0.2], [0.0, 0.0], [0.8, -0.5]])
    tube = tubes(body_of(robot.footprint), limits_of(SafetyRules(), robot), twist, twist[None],
                 np.zeros(2), np.zeros(2))
    rng, count = np.random.default_rng(6), FEW // 4
    who, points = rng.integers(0, 2, count), rng.uniform(-1, 1, (2, count))
    speed = rng.uniform(0.0, 0.3, count)
    together = clearances(tube, who, *points, speed)
    alone = [clearances(tube, who[k:k + 9], *points[:, k:k + 9], speed[k:k + 9])
             for k in range(0, 900, 9)]
    assert together[:900].tolist() == np.concatenate(alone).tolist()


def test_box_holds_what_is_no_farther_from_it_than_the_slack():
    none = np.zeros((1, 1, 2))
    tube = Tube(none, none, none, none[0], np.array(((-1.0, 0.0), (-2.0, 0.0), (3.0, 1.0),
                                                     (4.0, 1.0))))
    x = np.array((-1.5, -1.51, 3.5, 3.51, 0.0, 0.0, 0.0, 0.0))
    y = np.array((0.0, 0.0, 0.0, 0.0, -2.5, -2.51, 4.5, 4.51))
    slack = np.array((0.5, 0.0))
    assert in_box(tube, np.zeros(8, int), x, y, slack).tolist() == [True, False] * 4
    assert in_box(tube, np.ones(3, int), np.array((0.0, 1.0, 1.01)), np.array((0.0, 1.0, 1.0)),
                  slack).tolist() == [True, True, False]
