"""The tube holds every footprint on every way that a drive within its limits may take."""

from fleet_model import Drives, DT, harm, in_base
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.safety.body import body_of
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.sources import shifted
from synth_nodes.safety.tube import clearances, in_box, limits_of, tubes
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
