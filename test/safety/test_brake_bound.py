"""The watch over the brakes lets pass what the stated drive can do, and no more than that."""

from dataclasses import replace
import math

import numpy as np
import pytest

from synth_nodes.safety.brakes import Brakes, BrakeWatch, stated, tightened, top_speed
from synth_nodes.safety.rules import (
    BrakeWatchRules,
    BrakingRules,
    reaction_time,
    SafetyRules,
    stopping_distance,
)
from synth_nodes.types import RobotSpec

STRICT = SafetyRules(
    braking=BrakingRules(deceleration=1.5, reaction_time=0.0),
    brakes=BrakeWatchRules(speed_noise=0.0, scale_noise=0.0, time_noise=0.0, samples=1))
LATE = RobotSpec(actuator_lag=0.0, command_latency=0.1, drive='omnidirectional',
                 lateral_acceleration=0.75, max_reverse_speed=0.8)
TIMES = np.arange(0.02, 1.0, 0.03)


def reported(before, after, time, velocity, rules=STRICT, robot=LATE):
    """Whether a watch finds fault with a velocity, `time` after the command has become another."""
    watch = BrakeWatch(rules, robot)
    for k in range(-20, int(time / 0.05 + 1e-9) + 1):
        watch.sent(10.0 + k * 0.05, np.array([before if k < 0 else after], float), known=k == -20)
    return bool(watch.look(np.array([velocity], float), 10.0 + time)[0])


def ramp(time, start, target, deceleration, late=0.1):
    """Speed [m/s] of a drive that sheds it at once after its dead time."""
    return max(start - deceleration * max(time - late, 0.0), target)


@pytest.mark.parametrize(('axis', 'deceleration'), [((1, 0, 0), 1.5), ((0, 1, 0), 0.75)])
@pytest.mark.parametrize('sign', [1.0, -1.0])
@pytest.mark.parametrize('target', [0.0, 0.2])
def test_drive_may_be_as_fast_as_stated_and_no_faster(axis, deceleration, sign, target):
    way = sign * np.array(axis)
    for time in TIMES:
        speed = ramp(time, 0.5, target, deceleration)
        assert not reported(0.5 * way, target * way, time, max(speed - 1e-6, 0.0) * way)
        assert reported(0.5 * way, target * way, time, (speed + 1e-3) * way)


def test_noise_of_speed_scale_and_time_is_no_breach():
    rules = replace(STRICT, brakes=BrakeWatchRules(speed_noise=0.05, scale_noise=0.1,
                                                   time_noise=0.04, samples=1))
    for time in TIMES:
        most = ramp(time, 0.5, 0.0, 1.5, late=0.14) * 1.1 + 0.05
        assert not reported((0.5, 0, 0), (0, 0, 0), time, (most - 1e-6, 0, 0), rules)
        assert reported((0.5, 0, 0), (0, 0, 0), time, (most + 1e-3, 0, 0), rules)


def test_lag_may_hang_over_its_ramp_and_leave_a_tail_and_no_more():
    robot = replace(LATE, actuator_lag=0.2, command_latency=0.0, deceleration=0.5)
    begin, end, lag, b = 0.8, 0.2, 0.2, 0.5
    ramped = (begin - end) / b

    def speed(time):
        hanging = b * lag * (1 - math.exp(-min(time, ramped) / lag))
        return max(begin - b * time, end) + hanging * math.exp(-max(time - ramped, 0.0) / lag)
    for time in np.arange(0.02, 2.0, 0.02):
        assert not reported((begin, 0, 0), (end, 0, 0), time, (speed(time), 0, 0), robot=robot)
    for time in (0.8 * ramped, ramped, ramped + lag):
        most = speed(time) + 0.002
        assert reported((begin, 0, 0), (end, 0, 0), time, (most, 0, 0), robot=robot)


def test_speed_against_the_last_command_is_not_taken_for_braking():
    for time in TIMES:
        assert not reported((0.5, 0, 0), (-0.2, 0, 0), time, (0.5, 0, 0))
    assert reported((0.5, 0, 0), (-0.2, 0, 0), 0.5, (-0.21, 0, 0))
    assert reported((-0.2, 0, 0), (-0.1, 0, 0), 0.5, (0.01, 0, 0))


def test_highest_of_several_commands_that_may_be_in_effect_counts():
    watch = BrakeWatch(STRICT, LATE)
    for k, speed in enumerate((0.2, 0.2, 0.2, 0.2, 0.8, 0.1, 0.3, 0.0, 0.0)):
        watch.sent(0.05 * k, np.array([[speed, 0.0, 0.0]]), known=k == 0)
    # 0.8 was replaced at 0.25 and holds until 0.35, 0.3 was at 0.35 and holds until 0.45.
    assert not watch.look(np.array([[0.8 - 1.5 * 0.03 - 1e-6, 0.0, 0.0]]), 0.38)[0]
    assert watch.look(np.array([[0.8 - 1.5 * 0.04 + 1e-3, 0.0, 0.0]]), 0.39)[0]


@pytest.mark.parametrize(('part', 'delay'), [
    (1.0, 0.25), (1.0, 0.75), (0.875, 0.0), (0.75, 0.5), (0.625, 0.0), (0.5, 0.25), (0.375, 1.0),
    (0.25, 0.0), (0.25, 1.0)])
def test_drive_of_the_grid_is_told_from_its_neighbours_and_half_a_step_added(part, delay):
    rules = replace(SafetyRules(), brakes=BrakeWatchRules(samples=15))
    robot = RobotSpec(actuator_lag=0.0)
    act, tau = stated(rules, robot).reaction, reaction_time(rules, robot)
    watch, stop = BrakeWatch(rules, robot), np.zeros((1, 3))
    for k in range(450):
        time = 0.01 * k
        if k % 5 == 0:
            watch.sent(time, np.array([[0.8, 0.0, 0.0]]) if time < 1.0 else stop, known=k == 0)
        speed = ramp(time - 1.0, 0.8, 0.0, 1.5 * part, late=act + tau * delay + 0.02)
        watch.look(np.array([[speed, 0.0, 0.0]]), time)
    found = watch.grid[watch.level[0]]
    assert found.deceleration == pytest.approx(1.5 * (part - 0.0625))
    assert found.reaction == pytest.approx(act + tau * (delay + 0.125))


def test_grid_begins_with_the_stated_drive_and_ends_with_a_quarter_of_it():
    watch = BrakeWatch(SafetyRules(), RobotSpec())
    assert watch.grid[0] == stated(SafetyRules(), RobotSpec()) and len(watch.grid) == 35
    assert watch.grid[-1].deceleration == pytest.approx(1.5 * (0.25 - 0.0625))
    assert watch.grid[-1].reaction == pytest.approx(0.12 + 0.17 * 1.125)


@pytest.mark.parametrize(('pause', 'known'), [(0.99, True), (1.01, False), (-0.01, False)])
def test_what_was_sent_is_forgotten_after_a_pause_or_when_the_clock_goes_back(pause, known):
    watch, stop = BrakeWatch(STRICT, LATE), np.zeros((1, 3))
    watch.sent(10.0, stop, known=True)
    watch.sent(10.5, stop)
    watch.sent(10.5 + pause, stop)
    assert watch.look(np.array([[0.5, 0.0, 0.0]]), 10.5 + pause + 0.02)[0] == known


@pytest.mark.parametrize(('ahead', 'taken'), [(0.14, True), (0.16, False)])
def test_measurement_long_after_the_last_command_is_not_believed(ahead, taken):
    watch = BrakeWatch(STRICT, LATE)
    watch.sent(10.0, np.zeros((1, 3)), known=True)
    assert watch.look(np.array([[0.5, 0.0, 0.0]]), 10.0 + ahead)[0] == taken


def test_same_measurement_is_taken_once():
    rules = replace(STRICT, brakes=replace(STRICT.brakes, samples=2))
    watch, fast = BrakeWatch(rules, LATE), np.array([[0.5, 0.0, 0.0]])
    for k in range(5):
        watch.sent(10.0 + 0.1 * k, np.zeros((1, 3)), known=k == 0)
    assert [bool(watch.look(fast, stamp)[0]) for stamp in (10.3, 10.3, 10.2, 10.31)] == [
        False, False, False, True]


def test_reset_forgets_what_was_sent_and_half_of_a_finding():
    rules = replace(STRICT, brakes=replace(STRICT.brakes, samples=2))
    watch, fast = BrakeWatch(rules, LATE), np.array([[0.5, 0.0, 0.0]])
    watch.sent(10.0, 0 * fast, known=True)
    assert not watch.look(fast, 10.01)[0]
    watch.reset()
    assert not watch.look(fast, 10.02)[0]
    watch.sent(10.03, 0 * fast, known=True)
    assert [bool(watch.look(fast, stamp)[0]) for stamp in (10.04, 10.05)] == [False, True]


def test_drives_that_go_on_are_watched_as_if_alone():
    rng = np.random.default_rng(1)
    start, weak = rng.uniform(0.3, 0.8, 4), np.array((1.5, 1.0, 0.6, 0.3))
    together, rest = BrakeWatch(SafetyRules(), RobotSpec(), 4), np.arange(4)
    alone = [BrakeWatch(SafetyRules(), RobotSpec()) for _ in weak]
    for k in range(300):
        time, held = 0.01 * k, 1.0 * (k < 100)
        if k == 120:
            rest = np.array((3, 1, 2))
            together.take(rest)
        commands = np.stack((start * held, 0 * start, 0 * start), axis=1)
        speeds = [ramp(time - 1.0, v, 0.0, b, late=0.12) for v, b in zip(start, weak, strict=True)]
        seen = np.stack((speeds, 0 * start, 0 * start), axis=1)
        if k % 5 == 0:
            together.sent(time, commands[rest], known=k == 0)
            for b in rest:
                alone[b].sent(time, commands[b:b + 1], known=k == 0)
        found = together.look(seen[rest], time)
        assert found.tolist() == [bool(alone[b].look(seen[b:b + 1], time)[0]) for b in rest]
    assert together.level.tolist() == [int(alone[b].level[0]) for b in rest]
    assert (together.level > 0).all()


def test_escapes_of_weaker_brakes_take_just_their_distance():
    rules, robot = SafetyRules(), RobotSpec()
    tight = tightened(rules, robot, Brakes(0.1, 0.5))
    tau = 0.5 + 0.05 + rules.source.timeout
    assert tight.escape.speed < rules.escape.speed
    assert stopping_distance(tight, robot, tight.escape.speed, tau) == pytest.approx(
        rules.escape.distance)
    assert (tight.braking.deceleration, tight.braking.reaction_time) == (0.1, 0.5)
    same = tightened(rules, robot, Brakes(2.0, 0.01))
    assert same == rules


def test_speed_of_brakes_that_leave_no_room_is_zero():
    rules = replace(SafetyRules(), braking=BrakingRules(other_speed=5.0))
    assert top_speed(rules, RobotSpec(), Brakes(1.5, 2.0)) == 0.0
    faster_back = RobotSpec(max_speed=0.2, max_reverse_speed=0.8)
    assert top_speed(rules, faster_back, stated(rules, faster_back)) == pytest.approx(0.8)
