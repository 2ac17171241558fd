"""Thousands of robots at once are judged as each is by itself."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.safety import batch as batches
from synth_nodes.safety.batch import within_limits
from synth_nodes.safety.core import ACTIONS, judge, judge_batch, RULES
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.sources import PointSource, RobotState
from synth_nodes.settings import build
from synth_nodes.types import RobotSpec

KINDS = st.sampled_from(['differential', 'ackermann', 'omnidirectional'])


def fleet(seed, count=40, points=12):
    rng = np.random.default_rng(seed)
    sideways = rng.uniform(-0.4, 0.4, (count, 2)) * (rng.random((count, 1)) < 0.3)
    velocity = np.stack((rng.uniform(-0.2, 0.8, count), sideways[:, 0],
                         rng.uniform(-1.5, 1.5, count)), axis=1)
    command = np.stack((rng.uniform(-0.4, 1.0, count), sideways[:, 1],
                        rng.uniform(-1.8, 1.8, count)), axis=1)
    seen = rng.uniform(-1.5, 1.5, (count, points, 2))
    seen[rng.random((count, points)) < 0.3] = np.nan
    command[::9] = 0.0
    return (velocity, seen, rng.uniform(0, 0.2, count), command, rng.random(count) < 0.3,
            rng.uniform(-1.5, 1.5, (count, 3, 2)))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2 ** 31), KINDS, st.integers(1, 3), st.sampled_from([0.0, 0.3]),
       st.sampled_from(['creep', 'stop', 'free']))
def test_batch_gives_each_robot_its_own_verdict(seed, drive, min_points, other_speed, unseen):
    robot = RobotSpec(drive=drive)
    rules = build(SafetyRules, {'source.min_points': min_points, 'source.unseen': unseen,
                                'braking.other_speed': other_speed})
    velocity, seen, age, command, grown, hidden = fleet(seed)
    pending = np.random.default_rng(seed).uniform(-0.5, 0.8, (len(command), 2, 3))
    batch = judge_batch(rules, robot, velocity, seen, age, command, grown, hidden,
                        pending=pending)
    alone = [judge_batch(rules, robot, *(a[k:k + 1] for a in (
        velocity, seen, age, command, grown, hidden)), pending=pending[k:k + 1])
        for k in range(len(command))]
    assert np.allclose(batch.command, [a.command[0] for a in alone], atol=1e-9)
    assert [ACTIONS[a] for a in batch.action] == [ACTIONS[a.action[0]] for a in alone]
    for k in np.flatnonzero(~grown):
        points = seen[k][~np.isnan(seen[k, :, 0])]
        source = PointSource('scan', points, float(age[k]), True, unseen_base=hidden[k])
        verdict = judge(rules, robot, RobotState(velocity[k], 0.0, pending[k]), [source],
                        command[k])
        assert batch.command[k] == pytest.approx(np.array(verdict.command), abs=1e-9)
        assert ACTIONS[batch.action[k]] == verdict.action
        assert RULES[batch.rule[k]] == verdict.rule
        assert batch.time_to_collision[k] == pytest.approx(verdict.time_to_collision)
        assert batch.margin[k] == pytest.approx(verdict.margin)


def test_margins_grow_where_obstacles_bound_before():
    rules = build(SafetyRules, {'braking.other_speed': 0.0})
    command = np.tile((0.8, 0.0, 0.0), (2, 1))
    edge = np.full((2, 1, 2), (0.3, 0.31))
    batch = judge_batch(rules, RobotSpec(), np.zeros((2, 3)), edge, np.zeros(2), command,
                        np.array([False, True]))
    assert [RULES[r] for r in batch.rule] == ['', 'slowdown_zone']


@pytest.mark.parametrize(('which', 'value', 'rule'), [
    (0, np.nan, 'velocity'), (2, 0.5, 'source'), (2, -0.2, 'source'), (2, np.nan, 'source'),
    (3, np.inf, 'command')])
def test_unsound_robot_stops_and_leaves_the_others_alone(which, value, rule):
    inputs = [np.zeros((3, 3)), np.full((3, 2, 2), np.nan), np.zeros(3),
              np.tile((0.5, 0.0, 0.2), (3, 1))]
    inputs[which][1] = value
    batch = judge_batch(SafetyRules(), RobotSpec(), *inputs)
    assert [RULES[r] for r in batch.rule] == ['', rule, '']
    assert [ACTIONS[a] for a in batch.action] == ['pass', 'stop', 'pass']
    assert not batch.command[1].any()
    assert (batch.command[[0, 2]] == (0.5, 0.0, 0.2)).all()


@pytest.mark.parametrize(('age', 'late', 'rule'), [
    (0.3, 0.3, ''), (0.301, 0.3, 'source'), (0.3, 0.301, 'velocity'), (-0.05, -0.05, ''),
    (-0.051, 0.0, 'source'), (0.0, -0.051, 'velocity')])
def test_data_is_used_up_to_its_timeout_and_from_as_far_ahead_as_tolerated(age, late, rule):
    batch = judge_batch(SafetyRules(), RobotSpec(), np.zeros((1, 3)), np.full((1, 1, 2), np.nan),
                        np.array([age]), np.array([[0.4, 0.0, 0.0]]),
                        velocity_age=np.array([late]))
    assert RULES[batch.rule[0]] == rule
    assert (batch.margin[0], batch.time_to_collision[0]) == (
        (0.0, 0.0) if rule else (np.inf, np.inf))


def test_stamps_ahead_of_the_clock_count_as_new_ones():
    inputs = [np.array([[0.5, 0.0, 0.4]]), np.array([[[0.9, 0.1], [0.5, 0.3]]])]
    command = np.array([[0.8, 0.0, 0.3]])
    fresh, early = (judge_batch(SafetyRules(), RobotSpec(), *inputs, np.array([age]), command,
                                velocity_age=np.array([age])) for age in (0.0, -0.04))
    assert 0.0 < fresh.command[0, 0] < 0.8
    assert early.command.tolist() == fresh.command.tolist()
    assert early.margin[0] == fresh.margin[0]


def test_robot_told_to_rest_is_bound_by_nothing():
    touching = np.full((2, 1, 2), (0.22, 0.0))
    batch = judge_batch(SafetyRules(), RobotSpec(), np.zeros((2, 3)), touching, np.zeros(2),
                        np.array([[0.0, 0.0, 0.0], [0.4, 0.0, 0.0]]))
    assert [ACTIONS[a] for a in batch.action] == ['pass', 'stop']
    assert [RULES[r] for r in batch.rule] == ['', 'stop_zone']
    assert batch.time_to_collision[0] == np.inf


def test_verdicts_are_the_same_in_chunks_of_any_size(monkeypatch):
    velocity, seen, age, command, grown, hidden = fleet(5)
    inputs = (SafetyRules(), RobotSpec(), velocity, seen, age, command, grown, hidden)
    whole = judge_batch(*inputs)
    monkeypatch.setattr(batches, 'CHUNK', 3)
    parts = judge_batch(*inputs)
    assert parts.command == pytest.approx(whole.command, abs=1e-12)
    assert parts.action.tolist() == whole.action.tolist()
    assert parts.time_to_collision == pytest.approx(whole.time_to_collision)


@pytest.mark.parametrize(('left', 'action'), [(0.004, 'stop'), (0.006, 'limit')])
def test_what_would_be_slower_than_creeping_becomes_a_stop(left, action):
    rules = build(SafetyRules, {'braking.other_speed': 0.0, 'slowdown_zone.ratio': 1.0,
                                'escape.speed': 0.0})
    gap = 0.1 + left * 0.17 + left ** 2 / (2 * 1.5)
    batch = judge_batch(rules, RobotSpec(), np.zeros((1, 3)), np.array([[[0.21 + gap, 0.0]]]),
                        np.zeros(1), np.array([[0.4, 0.0, 0.0]]))
    assert ACTIONS[batch.action[0]] == action
    assert batch.command[0, 0] == pytest.approx(left if action == 'limit' else 0.0)
    assert batch.margin[0] == pytest.approx(gap)


@pytest.mark.parametrize(('drive', 'command', 'let'), [
    ('differential', (0.8, 0.0, 1.5), (0.8, 0.0, 1.5)),
    ('differential', (-0.2, 0.0, 0.5), (-0.2, 0.0, 0.5)),
    ('differential', (0.808, 0.0, 0.4), (0.8, 0.0, 0.4 / 1.01)),
    ('differential', (-0.3, 0.0, 0.6), (-0.2, 0.0, 0.4)),
    ('differential', (0.4, 0.0, -3.0), (0.2, 0.0, -1.5)),
    ('omnidirectional', (0.0, -0.5, 0.0), (0.0, -0.5, 0.0)),
    ('omnidirectional', (0.6, -0.6, 0.3), (0.5, -0.5, 0.25)),
    ('omnidirectional', (0.96, 0.28, 0.5), (0.768, 0.224, 0.4))])
def test_command_is_scaled_by_the_limit_that_it_exceeds_most(drive, command, let):
    scaled, beyond = within_limits(RobotSpec(drive=drive), np.array([command, (0.0, 0.0, 0.0)]))
    assert scaled[0] == pytest.approx(let)
    assert beyond.tolist() == [command != let, False]
    assert not scaled[1].any()


def test_robot_that_may_not_reverse_still_may_turn():
    scaled, beyond = within_limits(RobotSpec(max_reverse_speed=0.0), np.array(
        [(-0.1, 0.0, 0.5), (0.0, 0.0, 0.5), (0.3, 0.0, 0.5), (0.0, 0.0, 3.0)]))
    assert beyond.tolist() == [True, False, False, True]
    assert scaled.tolist() == [
        [0.0, 0.0, 0.0], [0.0, 0.0, 0.5], [0.3, 0.0, 0.5], [0.0, 0.0, 1.5]]


def test_empty_batch_gives_no_verdicts():
    batch = judge_batch(SafetyRules(), RobotSpec(), np.zeros((0, 3)), np.zeros((0, 4, 2)),
                        np.zeros(0), np.zeros((0, 3)))
    assert batch.command.shape == (0, 3) and batch.action.shape == (0,)


def test_commands_pending_widen_what_must_be_free():
    swing = np.array([[[0.8, 0.0, 1.5]]])
    inputs = (np.array([[0.8, 0.0, 0.0]]), np.array([[[0.6, 0.29]]]), np.zeros(1),
              np.array([[0.8, 0.0, 0.0]]))
    rules = build(SafetyRules, {'braking.other_speed': 0.0, 'slowdown_zone.ratio': 1.0})
    robot = RobotSpec(command_latency=0.1, actuator_lag=0.1)
    straight = judge_batch(rules, robot, *inputs)
    swung = judge_batch(rules, robot, *inputs, pending=swing)
    assert ACTIONS[straight.action[0]] == 'pass'
    assert ACTIONS[swung.action[0]] != 'pass'


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2 ** 31), KINDS, st.integers(1, 3), st.sampled_from([0.0, 0.3]))
def test_more_obstacles_or_unseen_space_never_raise_any_speed(seed, drive, k, other_speed):
    robot = RobotSpec(drive=drive)
    rules = build(SafetyRules, {'source.min_points': k, 'braking.other_speed': other_speed})
    velocity, seen, age, command, grown, hidden = fleet(seed, 300, 6)
    few = judge_batch(rules, robot, velocity, seen[:, :3], age, command, grown)
    for more in (judge_batch(rules, robot, velocity, seen, age, command, grown),
                 judge_batch(rules, robot, velocity, seen[:, :3], age, command, grown, hidden)):
        assert (np.abs(more.command).sum(axis=1) <= np.abs(few.command).sum(axis=1) + 1e-12).all()
        assert (more.time_to_collision <= few.time_to_collision).all()
