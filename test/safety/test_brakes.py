from dataclasses import replace
from itertools import pairwise

from drive_model import Drive, DT
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.safety.brakes import Brakes, BrakeWatch, stated, tightened, top_speed
from synth_nodes.safety.cycle import Cycle, decide
from synth_nodes.safety.rules import (
    BrakeWatchRules,
    BrakingRules,
    check_rules,
    reaction_time,
    SafetyRules,
)
from synth_nodes.safety.sources import PointSource, RobotState
from synth_nodes.safety.watchdog import Watch
from synth_nodes.types import RobotSpec

RULES, ROBOT = SafetyRules(), RobotSpec()
FULL, STOP = np.array((0.8, 0.0, 0.0)), np.zeros(3)


def watched(true, pilot, seconds, rules=RULES, robot=ROBOT, noise=None):
    """Let a watch look at a drive; `pilot`: time -> command, 20 times a second."""
    watch, drive = BrakeWatch(rules, robot), Drive(true)
    every = round(rules.command.period / DT)
    command = np.zeros(3)
    for k in range(round(seconds / DT)):
        if k % 4 == 0:
            seen = drive.velocity + (0.0 if noise is None else noise())
            watch.look(seen[None], 100.0 + k * DT)
        if k % every == 0:
            command = pilot(k * DT)
            watch.sent(100.0 + k * DT, command[None], known=k == 0)
        drive.step(command)
    return watch.grid[watch.level[0]], watch


def stop_at_2(time):
    return FULL if time < 2.0 else STOP


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10 ** 6))
def test_no_drive_within_the_stated_model_is_ever_reported(seed):
    rng = np.random.default_rng(seed)
    u = rng.uniform
    robot = replace(ROBOT, drive=str(rng.choice(['differential', 'omnidirectional'])),
                    actuator_lag=u(0.0, 0.15), command_latency=u(0.0, 0.1),
                    deceleration=u(0.4, 3.0), acceleration=u(0.4, 3.0))
    rules = replace(RULES, braking=BrakingRules(deceleration=u(0.4, 3.0), reaction_time=u(0, 0.2)))
    lag = robot.actuator_lag * rng.choice([0.0, 0.5, 1.0])
    act = stated(rules, robot).reaction
    trusted = stated(rules, robot).deceleration
    true = replace(robot, actuator_lag=lag, command_latency=(act - lag) * rng.choice([0.3, 1.0]),
                   deceleration=trusted * rng.choice([1.0, 1.4]), acceleration=u(0.4, 3.0))
    held = rng.choice([0.05, 0.2, 1.0])
    plan = rng.uniform(-1.0, 1.0, (100, 3)) * rng.choice([0.0, 1.0], (100, 1))
    spread = rng.choice([0.0, 0.015])
    drive_noise = (lambda: np.clip(rng.normal(0, spread, 3), -0.03, 0.03)) if spread else None
    found, watch = watched(true, lambda t: plan[int(t / held)] * (0.8, 0.5, 1.5), 2.5, rules,
                           robot, drive_noise)
    assert watch.level[0] == 0, f'{found} for {true}'


@pytest.mark.parametrize(('weak', 'late'), [(0.7, 0.0), (1.0, 0.12), (0.7, 0.085), (0.4, 0.0)])
def test_weak_or_late_brakes_are_found_in_one_stop_with_the_room_they_take(weak, late):
    act = stated(RULES, ROBOT).reaction
    true = replace(ROBOT, deceleration=weak * 1.5,
                   command_latency=act + late - ROBOT.actuator_lag)
    found, watch = watched(true, stop_at_2, 4.5)
    assert watch.level[0] > 0
    took = 0.8 * (act + late) + 0.8 ** 2 / (2 * 1.5 * weak)
    room = 0.8 * found.reaction + 0.8 ** 2 / (2 * found.deceleration)
    assert took <= room <= 1.35 * took
    assert found.deceleration == pytest.approx(weak * 1.5, abs=0.2 * 1.5)
    assert late - 0.03 <= found.reaction - act <= late + 0.045


def test_brakes_that_fail_altogether_leave_the_weakest_of_the_grid():
    true = replace(ROBOT, deceleration=0.05)
    found, watch = watched(true, stop_at_2, 5.0)
    assert found == watch.grid[-1] and found.deceleration == pytest.approx(1.5 * (0.25 - 0.0625))


def test_finding_holds_and_only_goes_to_weaker_until_reset():
    true = replace(ROBOT, deceleration=0.75)
    levels = []

    def pilot(time):
        return FULL if time % 3.0 < 1.5 else STOP
    watch, drive = BrakeWatch(RULES, ROBOT), Drive(true)
    for k in range(round(6.0 / DT)):
        if k == round(3.0 / DT):
            drive.robot = ROBOT
        if k % 10 == 0:
            watch.look(drive.velocity[None], k * DT)
            watch.sent(k * DT, pilot(k * DT)[None], known=k == 0)
            levels.append(watch.grid[watch.level[0]])
        drive.step(pilot(k * DT))
    for before, after in pairwise(levels):
        assert after.deceleration <= before.deceleration and after.reaction >= before.reaction
    assert levels[-1].deceleration < 1.0
    watch.reset()
    assert watch.level[0] == 0
    watch.look(FULL[None], 6.1)
    watch.look(FULL[None], 6.2)
    assert watch.level[0] == 0, 'nothing was sent since the reset'


@pytest.mark.parametrize('samples', [1, 2, 5])
def test_so_many_measurements_in_a_row_are_taken(samples):
    rules = replace(RULES, brakes=BrakeWatchRules(samples=samples))
    watch = BrakeWatch(rules, ROBOT)
    watch.sent(0.0, FULL[None], known=True)
    watch.sent(0.1, STOP[None])
    found = []
    for k, speed in enumerate((0.8, 0.8, 0.0, 0.8, 0.8, 0.8, 0.8, 0.8)):
        watch.sent(1.0 + 0.01 * k, STOP[None])
        found.append(bool(watch.look(np.array([[speed, 0.0, 0.0]]), 1.1 + 0.01 * k)[0]))
    assert found.index(True) == {1: 0, 2: 1, 5: 7}[samples]


@pytest.mark.parametrize(('velocity', 'stamp'), [
    (np.full(3, np.nan), 1.45), (FULL, 0.5), (FULL, np.nan), (FULL, np.inf), (FULL, 2.0)])
def test_measurements_that_say_nothing_are_left_out(velocity, stamp):
    watch = BrakeWatch(replace(RULES, brakes=BrakeWatchRules(samples=1)), ROBOT)
    for k in range(16):
        watch.sent(0.1 * k, STOP[None], known=k == 0)
    watch.look(STOP[None], 1.4)
    assert not watch.look(velocity[None], stamp)[0]
    assert watch.look(FULL[None], 1.5)[0]


def test_after_a_pause_what_moves_the_robot_is_not_known():
    watch = BrakeWatch(replace(RULES, brakes=BrakeWatchRules(samples=1)), ROBOT)
    watch.sent(0.0, STOP[None], known=True)
    watch.sent(5.0, STOP[None])
    assert not watch.look(FULL[None], 5.05)[0]
    for k in range(1, 30):
        watch.sent(5.0 + 0.1 * k, STOP[None])
        if k == 2:
            assert not watch.look(FULL[None], 5.29)[0], 'a late command may still move it'
        if k == 4:
            assert not watch.look(0.5 * FULL[None], 5.4)[0], 'it brakes from what moved it before'
    assert watch.look(FULL[None], 7.9)[0]


@pytest.mark.parametrize(('drive', 'found'), [('differential', False), ('omnidirectional', True)])
def test_way_sideways_is_watched_where_the_drive_can_go_there(drive, found):
    rules = replace(RULES, brakes=BrakeWatchRules(samples=1))
    watch = BrakeWatch(rules, replace(ROBOT, drive=drive))
    for k in range(10):
        watch.sent(0.1 * k, STOP[None], known=k == 0)
    assert watch.look(np.array([[0.0, 0.4, 0.0]]), 0.95)[0] == found


def test_drives_are_watched_alike_alone_and_together():
    weak = [1.5, 1.05, 0.6, 1.5]
    drives = [Drive(replace(ROBOT, deceleration=w)) for w in weak]
    together = BrakeWatch(RULES, ROBOT, len(weak))
    for k in range(0, round(4.5 / DT)):
        if k % 10 == 0:
            together.look(np.array([d.velocity for d in drives]), k * DT)
            together.sent(k * DT, np.array([stop_at_2(k * DT)] * len(drives)), known=k == 0)
        if k == 450:
            together.take(np.array([1, 2, 3]))
            drives = drives[1:]
        for drive in drives:
            drive.step(stop_at_2(k * DT))
    alone = [watched(replace(ROBOT, deceleration=w), stop_at_2, 4.5)[0] for w in weak[1:]]
    for got, want in zip([together.grid[k] for k in together.level], alone, strict=True):
        assert got.deceleration == pytest.approx(want.deceleration, abs=0.2)
        assert got.reaction == pytest.approx(want.reaction, abs=0.06)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 1.0), st.floats(0.0, 0.5), st.integers(0, 10 ** 6))
def test_weaker_brakes_only_lower_speeds_and_keep_the_start_up_inequalities(part, late, seed):
    rng = np.random.default_rng(seed)
    trust = stated(RULES, ROBOT)
    brakes = Brakes(trust.deceleration * part, trust.reaction + late)
    cycle = Cycle(1.0, rng.uniform(-1, 1, 3) * (0.8, 0.0, 1.5), 1.0,
                  RobotState(rng.uniform(-0.5, 0.5, 3) * (1, 0, 1), 0.02),
                  (PointSource('scan', rng.uniform(-1.5, 1.5, (6, 2)), 0.05, True),), Watch())
    free = decide(RULES, ROBOT, cycle).verdict
    held = decide(RULES, ROBOT, replace(cycle, brakes=brakes)).verdict
    assert np.hypot(*held.command[:2]) <= np.hypot(*free.command[:2]) + 1e-12
    assert np.linalg.norm(held.command) <= np.linalg.norm(free.command) + 1e-12
    assert 'are relied upon' in held.reason
    check_rules(tightened(RULES, ROBOT, brakes), ROBOT)


@pytest.mark.parametrize('other', [0.0, 0.3])
def test_top_speed_needs_no_more_room_than_stated_brakes_at_full_speed(other):
    rules = replace(RULES, braking=replace(RULES.braking, other_speed=other))
    trust = stated(rules, ROBOT)
    assert top_speed(rules, ROBOT, trust) == pytest.approx(0.8)
    brakes = Brakes(trust.deceleration / 2, trust.reaction + 0.1)
    v, tau = top_speed(rules, ROBOT, brakes), reaction_time(rules, ROBOT) + 0.1

    def room(v, b, tau):
        return v * tau + v * v / (2 * b) + other * (tau + v / b)
    assert room(v, trust.deceleration / 2, tau) == pytest.approx(
        room(0.8, trust.deceleration, tau - 0.1))
    assert 0.3 < v < 0.7


def test_free_way_is_taken_no_faster_than_measured_brakes_can_see_to():
    cycle = Cycle(1.0, FULL, 1.0, RobotState(FULL, 0.0),
                  (PointSource('scan', np.array([[9.0, 0.0]]), 0.0, True),), Watch(),
                  brakes=Brakes(0.5, 0.3))
    verdict = decide(RULES, ROBOT, cycle).verdict
    assert (verdict.action, verdict.rule) == ('limit', 'brakes')
    assert verdict.command[0] == pytest.approx(top_speed(RULES, ROBOT, cycle.brakes))
    assert 'brakes of 0.50 m/s^2 after 0.30 s' in verdict.reason
