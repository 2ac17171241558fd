"""When the safety monitor judges again, on a clock that the test moves."""

from types import SimpleNamespace

import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.nodes.speaking import check_period, Pace, PATIENCE, TICK
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.settings import build
from synth_nodes.types import RobotSpec

MOVING = SimpleNamespace(verdict=SimpleNamespace(action='pass'), starved=lambda now: False)
RULES, ROBOT = SafetyRules(), RobotSpec(actuator_lag=0.05, command_latency=0.02)


def drive(rate, jitter=0.0, pace=None, seconds=4.0, moves=True, computing=0.0):
    """Times of verdicts [s], and how many of them no command asked for; looks at any phase."""
    pace, rng = pace or Pace(RULES.command.period), np.random.default_rng(1)
    commands = np.arange(0.0, seconds, 1.0 / rate)
    commands = list(commands + rng.uniform(-jitter, jitter, len(commands)))
    looks = list(np.arange(0.0017, seconds + 1.0, TICK))
    verdicts, unasked = [], 0
    while commands:
        time = min(commands[0], looks[0], pace.deadline if verdicts else np.inf)
        asked, looked = time == commands[0], time == looks[0]
        if asked or pace.due(MOVING, time, time):
            pace.spoke(time, time + computing, moves, asked)
            verdicts.append(time)
            unasked += not asked
        commands, looks = commands[int(asked):], looks[int(looked):]
    return np.array(verdicts), unasked


@pytest.mark.parametrize('rate', [3.3, 7.0, 10.0, 12.0, 14.0, 18.0])
def test_verdicts_follow_each_other_within_the_period_at_slow_commands(rate):
    verdicts, unasked = drive(rate)
    assert np.diff(verdicts).max() <= RULES.command.period + 1e-9
    assert unasked <= 4.0 * (1 / RULES.command.period + 2)


@pytest.mark.parametrize(('rate', 'jitter', 'twice'), [
    (20.0, 0.0, 1), (20.0, 0.002, 1), (25.0, 0.002, 0), (50.0, 0.005, 0)])
def test_commands_that_come_on_time_are_not_judged_twice(rate, jitter, twice):
    verdicts, unasked = drive(rate, jitter)
    assert unasked <= twice, 'the first, before their pace is known'
    assert np.diff(verdicts).max() <= RULES.command.period + PATIENCE


def test_stream_of_commands_that_ends_is_waited_for_once():
    pace = Pace(RULES.command.period)
    drive(20.0, pace=pace, seconds=1.0)
    last, gaps = 0.95, []
    for _ in range(8):
        time = pace.deadline
        assert pace.due(MOVING, time, time) and not pace.due(MOVING, time - 1e-6, time)
        pace.spoke(time, time, True, asked=False)
        gaps, last = [*gaps, time - last], time
    assert RULES.command.period < gaps[0] <= RULES.command.period + PATIENCE + 1e-9
    assert max(gaps[1:]) <= RULES.command.period + 1e-9


def test_late_verdict_is_told_with_the_period_that_would_do_and_forgotten_in_time():
    pace = Pace(RULES.command.period)
    drive(20.0, pace=pace)
    assert pace.problems(RULES, ROBOT, 4.0) == []
    pace.spoke(4.033, 4.033, True, asked=False)
    problem, = pace.problems(RULES, ROBOT, 4.1)
    assert "'command.period' = 0.05 s (1 so far, the longest after 0.083 s)" in problem
    assert 'make it 0.09 or more' in problem and pace.late == 1
    assert pace.problems(RULES, ROBOT, 20.0) == []


def test_gap_after_a_stop_is_no_matter():
    pace = Pace(RULES.command.period)
    pace.spoke(1.0, 1.0, False, asked=True)
    pace.spoke(2.0, 2.0, True, asked=True)
    assert (pace.late, pace.longest, pace.delays.count) == (0, 0.0, 0)


@pytest.mark.parametrize(('computing', 'robot', 'need'), [
    (0.04, ROBOT, ''), (0.055, ROBOT, 0.13),
    (0.001, RobotSpec(actuator_lag=0.1, command_latency=0.05), 0.16)])
def test_reaction_time_that_is_too_short_for_what_is_measured_is_told(computing, robot, need):
    pace = Pace(RULES.command.period)
    drive(25.0, pace=pace, computing=computing)
    problems = pace.problems(RULES, robot, 99.0)
    assert len(problems) == bool(need)
    if need:
        assert f'verdicts take {computing:.3f} s (p99)' in problems[0]
        assert f"'braking.reaction_time' = 0.12 s: make it {need} or more" in problems[0]


def test_period_that_cannot_be_kept_is_refused_with_the_value_that_would_do():
    rules = build(SafetyRules, {'command.period': 0.005})
    with pytest.raises(InputError, match=r"'command.period' = 0.005 s .* make it 0.025 or more"):
        check_period(rules.command.period)
    check_period(0.025)
