from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.nodes.guard import COUNTERS, Guard
from synth_nodes.safety.rules import EscapeRules, SafetyRules
from synth_nodes.types import RobotSpec

ANGLES = np.linspace(-np.pi, np.pi, 360, endpoint=False)
FORWARD = np.array((0.4, 0.0, 0.0))


def feed(guard, distance=8.0, stamp=1.0, velocity=(0.0, 0.0, 0.0)):
    guard.take_scan(np.full(360, distance, np.float32), ANGLES, 0.05, 12.0, stamp)
    guard.take_odometry(np.array(velocity), stamp)


@pytest.fixture
def guard():
    guard = Guard(SafetyRules(), RobotSpec(), (0.0, 0.0, 0.0))
    feed(guard)
    return guard


def test_clear_way_lets_the_command_through(guard):
    verdict = guard.check(FORWARD, 1.0, 1.01)
    assert verdict.action == 'pass' and verdict.command == pytest.approx((0.4, 0.0, 0.0))


def test_wall_ahead_stops(guard):
    feed(guard, distance=0.3)
    verdict = guard.check(FORWARD, 1.0, 1.0)
    assert verdict.command[0] < 0.05 and verdict.source == 'scan'


def test_before_any_data_everything_is_a_stop():
    guard = Guard(SafetyRules(), RobotSpec(), (0.0, 0.0, 0.0))
    assert guard.verdict.action == 'stop'
    assert guard.recheck(1.0).reason == 'no command has come yet'
    assert guard.check(FORWARD, 1.0, 1.0).command == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(('command', 'stamp', 'now'), [
    ((np.nan, 0, 0), 1.0, 1.0), ((0.4, 0, np.inf), 1.0, 1.0), ((0.4, 0, 0), 0.5, 1.0),
    ((0.4, 0, 0), 1.5, 1.0), ((0.4, 0, 0), np.nan, 1.0)])
def test_broken_late_or_future_command_stops(guard, command, stamp, now):
    verdict = guard.check(np.array(command, float), stamp, now)
    assert verdict.command == (0.0, 0.0, 0.0) and verdict.rule == 'command'


@pytest.mark.parametrize('scan_stamp', [0.5, 1.5])
def test_late_or_future_scan_stops_and_is_named(guard, scan_stamp):
    feed(guard, stamp=scan_stamp)
    guard.take_odometry(np.zeros(3), 1.0)
    verdict = guard.check(FORWARD, 1.0, 1.0)
    assert verdict.action == 'stop' and verdict.source == 'scan'


def test_starved_monitor_stops_and_says_for_how_long(guard):
    guard.check(FORWARD, 1.0, 1.0)
    feed(guard, stamp=1.2)
    assert guard.recheck(1.2).action == 'pass'
    feed(guard, stamp=1.4)
    verdict = guard.recheck(1.4)
    assert verdict.action == 'stop' and '0.40 s' in verdict.reason


def test_obstacle_between_two_commands_is_seen(guard):
    guard.check(FORWARD, 1.0, 1.0)
    feed(guard, distance=0.3, stamp=1.05)
    assert guard.recheck(1.05).command[0] < 0.05


def test_latched_stop_holds_until_reset_and_a_new_command(guard):
    guard.latch(1.0)
    assert guard.check(FORWARD, 1.0, 1.0).rule == 'latched'
    assert 'reset it first' in guard.override(1.0)
    assert guard.reset(1.0) == ''
    assert guard.recheck(1.0).action == 'stop'
    assert guard.check(FORWARD, 1.01, 1.01).action == 'pass'


def test_override_lets_the_robot_creep_to_a_wall(guard):
    feed(guard, distance=0.23)
    assert guard.override(1.0) == ''
    verdict = guard.check(FORWARD, 1.0, 1.0)
    assert verdict.rule == 'override' and 0.0 < verdict.command[0] <= 0.1 + 1e-9


def test_every_command_is_counted_once(guard):
    for k in range(5):
        guard.check(FORWARD, 1.0 + 0.01 * k, 1.0 + 0.01 * k)
    guard.recheck(1.05)
    assert guard.counts['checked'] == 5 == sum(guard.counts[n] for n in COUNTERS.values())


def test_contradicting_rules_are_refused():
    rules = SafetyRules(escape=EscapeRules(clearance=0.9))
    with pytest.raises(InputError, match='clearance'):
        Guard(rules, RobotSpec(), (0.0, 0.0, 0.0))


@settings(max_examples=80, deadline=None)
@given(st.floats(-1, 3), st.floats(-1, 3), st.floats(-1, 3))
def test_only_fresh_data_ever_let_the_robot_move(command_stamp, scan_stamp, odom_stamp):
    guard = Guard(SafetyRules(), RobotSpec(), (0.0, 0.0, 0.0))
    feed(guard, stamp=scan_stamp)
    guard.take_odometry(np.zeros(3), odom_stamp)
    if any(guard.check(FORWARD, command_stamp, 1.0).command):
        for stamp in (command_stamp, scan_stamp, odom_stamp):
            assert -0.05 - 1e-9 <= 1.0 - stamp <= 0.3 + 1e-9
