from collections import deque

import numpy as np
import pytest

from synth_nodes.nodes.guard import Guard
from synth_nodes.safety.log import SafetyLog
from synth_nodes.safety.log_files import SafetyLogSettings
from synth_nodes.safety.replay import replay
from synth_nodes.safety.rules import BrakeWatchRules, SafetyRules
from synth_nodes.types import RobotSpec

ANGLES = np.linspace(-np.pi, np.pi, 90, endpoint=False)
FULL = np.array((0.8, 0.0, 0.0))
STEP = 0.025


def stop_and_go(guard, deceleration, seconds=4.5):
    """Drive straight, stop and drive on in the open; the monitor judges each command."""
    velocity, pipe = 0.0, deque([0.0] * 4)
    spoken = []
    for k in range(round(seconds / STEP)):
        now = 1.0 + k * STEP
        guard.take_odometry(np.array((velocity, 0.0, 0.0)), now)
        guard.take_scan(8.0 + 0.1 * np.sin(ANGLES + now), ANGLES, 0.05, 12.0, now)
        wish = FULL if k * STEP < 1.5 or k * STEP > 3.5 else 0.0 * FULL
        verdict = guard.check(wish, now, now)
        spoken.append(verdict)
        pipe.append(verdict.command[0])
        target = pipe.popleft()
        rate = (deceleration if target < velocity else 1.0) * STEP
        velocity += float(np.clip(target - velocity, -rate, rate))
    return spoken


def monitor(action='tighten', log=None):
    return Guard(SafetyRules(brakes=BrakeWatchRules(action=action)), RobotSpec(), log=log)


def test_weak_brakes_are_told_logged_relied_upon_and_replayed(tmp_path):
    log = SafetyLog(SafetyLogSettings(folder=str(tmp_path)), SafetyRules(), RobotSpec())
    guard = monitor(log=log)
    spoken = stop_and_go(guard, 0.8)
    log.close()
    assert guard.brakes.found.deceleration < 1.0
    assert 'mend it' in guard.brakes.problem
    assert (spoken[-1].action, spoken[-1].rule) == ('limit', 'brakes')
    assert 0.2 < spoken[-1].command[0] < 0.7 and 'relied upon' in spoken[-1].reason
    result = replay(tmp_path)
    assert result.identical and result.verdicts == len(spoken) and result.events['brakes'] >= 1


def test_brakes_as_stated_are_left_alone():
    guard = monitor()
    spoken = stop_and_go(guard, 1.5)
    assert guard.brakes.found is None and guard.brakes.problem == ''
    assert (spoken[-1].action, spoken[-1].command[0]) == ('pass', pytest.approx(0.8))


def test_reset_trusts_the_stated_brakes_again():
    guard = monitor()
    stop_and_go(guard, 0.8)
    later = guard.brakes.memory
    guard.reset(9.0)
    assert guard.brakes.found is None and guard.brakes.problem == ''
    assert guard.brakes.memory < later


@pytest.mark.parametrize(('action', 'found'), [('report', True), ('off', False)])
def test_watch_that_may_not_tighten_changes_no_verdict(action, found):
    guard = monitor(action)
    spoken = stop_and_go(guard, 0.8)
    assert (guard.brakes.found is not None) == found == bool(guard.brakes.problem)
    assert spoken[-1].command[0] == pytest.approx(0.8) and 'relied' not in spoken[-1].reason


@pytest.mark.parametrize('velocity', [np.zeros(2), np.full(3, 90.0), np.full(3, np.nan)])
def test_velocity_that_cannot_be_says_nothing_of_the_brakes(velocity):
    guard = monitor()
    stop_and_go(guard, 1.5, 2.5)
    for k in range(5):
        assert guard.brakes.measured(velocity, 3.5 + 0.01 * k) == ''
    assert guard.brakes.found is None
