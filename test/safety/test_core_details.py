"""What a verdict says beside its command, and what one source does to another."""

from dataclasses import replace

import numpy as np
import pytest

from synth_nodes.safety.batch import NOTHING
from synth_nodes.safety.core import judge
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.sources import PointSource, RobotState
from synth_nodes.settings import build
from synth_nodes.types import RobotSpec, Verdict

ROBOT, RULES = RobotSpec(), SafetyRules()
STILL = build(SafetyRules, {'braking.other_speed': 0.0, 'slowdown_zone.ratio': 1.0})
FORWARD = np.array((0.4, 0.0, 0.0))


def source(*points, name='scan', age=0.05, unseen=()):
    return PointSource(name, np.array(points, float).reshape(-1, 2), age, True,
                       unseen_base=np.array(unseen, float).reshape(-1, 2))


def state(vx=0.0, w=0.0, age=0.0, pending=()):
    return RobotState(np.array((vx, 0.0, w)), age, np.array(pending, float).reshape(-1, 3))


def bound_by(rule, command=(0.1, 0.0, 0.0)):
    return Verdict(command, 'limit', rule, 'scan', 0.1, 0.1, '')


@pytest.mark.parametrize(('x', 'y', 'words'), [
    (0.35, 0.1, '0.35 m ahead, 0.10 m left'), (0.35, -0.1, '0.35 m ahead, 0.10 m right'),
    (-0.23, 0.05, '0.23 m behind, 0.05 m left')])
def test_culprit_is_said_to_be_where_it_is(x, y, words):
    command = FORWARD * np.sign(x) * (1.0 if x > 0 else 0.5)
    verdict = judge(RULES, ROBOT, state(), [source((x, y))], command)
    assert words in verdict.reason and verdict.source == 'scan'


def test_culprit_on_the_middle_line_counts_as_ahead_and_left():
    turning = np.array((0.0, 0.0, 1.0))
    beside = judge(STILL, ROBOT, state(w=0.5), [source((0.0, 0.2))], turning)
    assert '0.00 m ahead, 0.20 m left' in beside.reason
    before = judge(STILL, ROBOT, state(0.3), [source((0.32, 0.0), age=0.0)], FORWARD)
    assert '0.32 m ahead, 0.00 m left' in before.reason
    assert 'of (0.40 m/s, 0.00 m/s, 0.00 rad/s) let through' in before.reason


def test_whole_command_is_told_and_what_is_left_of_it():
    robot = replace(ROBOT, drive='omnidirectional')
    command = np.array((0.4, 0.1, -0.3))
    verdict = judge(STILL, robot, state(0.3), [source((0.4, 0.05))], command)
    left = ', '.join(f'{c:.2f} {unit}' for c, unit in zip(
        verdict.command, ('m/s', 'm/s', 'rad/s'), strict=True))
    assert verdict.action == 'limit' and 0.0 < verdict.command[1] < 0.1
    assert verdict.reason.endswith(
        f'({left}) of (0.40 m/s, 0.10 m/s, -0.30 rad/s) let through')


@pytest.mark.parametrize(('part', 'reason'), [(1.0, 'the way is clear'), (0.99, 'at rest')])
def test_command_below_what_counts_as_motion_is_rest(part, reason):
    command = np.array((NOTHING * part, 0.0, 0.0))
    verdict = judge(STILL, ROBOT, state(), [source()], command)
    assert (verdict.action, verdict.reason) == ('pass', reason)
    assert verdict.command[0] == (command[0] if part == 1.0 else 0.0)


def test_nothing_is_never_minus_nothing():
    verdict = judge(STILL, ROBOT, state(), [source()], -FORWARD / 2)
    assert verdict.command == (-0.2, 0.0, 0.0)
    assert not np.signbit(verdict.command[1:]).any()


def test_stamps_ahead_of_the_clock_count_as_new_ones():
    points, command = ((0.9, 0.1), (0.5, 0.3)), np.array((0.8, 0.0, 0.3))
    fresh = judge(RULES, ROBOT, state(0.5, 0.4), [source(*points, age=0.0)], command)
    early = judge(RULES, ROBOT, state(0.5, 0.4, age=-0.04), [source(*points, age=-0.04)], command)
    assert 0.0 < fresh.command[0] < 0.8
    assert early == fresh


def test_velocity_of_unknown_now_needs_a_wider_passage():
    passage, command = [source((0.5, 0.33), (0.5, -0.33), age=0.2)], np.array((0.6, 0.0, 0.0))
    new, old = (judge(STILL, ROBOT, state(0.6, age=age), passage, command) for age in (0.0, 0.25))
    assert (new.action, old.action) == ('pass', 'stop')


def test_culprit_of_several_sources_is_named():
    far, near = source((0.9, 0.0), name='front'), source((0.32, 0.0), name='bumper')
    for sources in ((far, near), (near, far)):
        verdict = judge(STILL, ROBOT, state(0.3), sources, FORWARD)
        assert verdict.source == 'bumper' and "'bumper'" in verdict.reason


def test_what_bounds_unseen_space_names_its_source_and_stops():
    rules = build(SafetyRules, {'braking.other_speed': 0.0, 'source.unseen': 'stop'})
    blind = source(name='rear', unseen=[(0.35, 0.0)])
    verdict = judge(rules, ROBOT, state(0.3), [source(), blind], FORWARD)
    assert (verdict.rule, verdict.source) == ('unseen', 'rear')
    free = build(SafetyRules, {'braking.other_speed': 0.0, 'source.unseen': 'free'})
    assert judge(free, ROBOT, state(0.3), [source(), blind], FORWARD).action == 'pass'


def test_fresh_empty_source_does_not_make_old_data_younger():
    rng = np.random.default_rng(3)
    for _ in range(30):
        points = rng.uniform((0.3, -0.6), (1.2, 0.6), (6, 2))
        old = source(*points, age=0.28)
        moving = state(*rng.uniform((-0.2, -1.5), (0.8, 1.5)))
        command = np.array((rng.uniform(0.2, 0.8), 0.0, rng.uniform(-1.5, 1.5)))
        alone = judge(RULES, ROBOT, moving, [old], command).command
        fresh = source(name='fresh', age=0.0)
        assert judge(RULES, ROBOT, moving, [old, fresh], command).command == alone
        assert judge(RULES, ROBOT, moving, [fresh, old], command).command == alone


@pytest.mark.parametrize(('twist', 'action'), [
    ((0.4, 0.0, 0.0), 'limit'), ((0.05, 0.0, 0.0), 'pass'), ((0.0, 0.0, 1.0), 'limit')])
def test_override_caps_the_speed_of_the_footprint(twist, action):
    twist = np.array(twist)
    verdict = judge(RULES, ROBOT, state(), [source((0.25, 0.0))], twist, override=True)
    fastest = abs(verdict.command[0]) + abs(verdict.command[2]) * ROBOT.radius
    assert verdict.action == action and verdict.rule == 'override'
    assert fastest == pytest.approx(min(0.1, twist[0] + twist[2] * ROBOT.radius))
    assert verdict.margin == verdict.time_to_collision == np.inf


def test_refusal_has_no_margin_and_no_time():
    for sources, moving in (
            ([], state()), ([source(age=9.0)], state()), ([source()], state(age=9.0)),
            ([source()], RobotState(np.zeros(2), 0.0))):
        verdict = judge(RULES, ROBOT, moving, sources, FORWARD)
        assert verdict.command == (0.0, 0.0, 0.0) and verdict.action == 'stop'
        assert verdict.margin == verdict.time_to_collision == 0.0


def test_margin_is_the_gap_along_the_way_and_time_its_duration():
    verdict = judge(STILL, ROBOT, state(0.4), [source((1.21, 0.0), age=0.0)], FORWARD)
    assert (verdict.action, verdict.reason) == ('pass', 'the way is clear')
    assert verdict.margin == pytest.approx(1.0) and verdict.time_to_collision == pytest.approx(2.5)
    verdict = judge(STILL, ROBOT, state(0.0), [source((0.41, 0.0), age=0.0)], 2 * FORWARD)
    assert verdict.action == 'limit' and 0.0 < verdict.command[0] < 0.8
    assert verdict.margin == pytest.approx(0.2)
    assert verdict.time_to_collision == pytest.approx(0.25)


@pytest.mark.parametrize(('rule', 'grows'), [
    ('braking', True), ('stop_zone', True), ('slowdown_zone', True), ('source', False),
    ('', False)])
def test_hysteresis_grows_the_margin_after_obstacles_bound_and_only_then(rule, grows):
    wall = [source((0.39, 0.0))]
    plain = judge(STILL, ROBOT, state(), wall, FORWARD).command[0]
    wider = replace(STILL, braking=replace(
        STILL.braking, margin=STILL.braking.margin + STILL.hysteresis))
    after = judge(STILL, ROBOT, state(), wall, FORWARD, previous=bound_by(rule, (0.0, 0.0, 0.0)))
    other = judge(wider, ROBOT, state(), wall, FORWARD).command[0]
    assert after.command[0] == pytest.approx(other if grows else plain, abs=1e-9)
    assert other < plain


def test_last_command_counts_as_one_that_is_under_way():
    beside = [source((0.5, 0.21), (0.5, -0.21))]
    swung = bound_by('limits', (0.8, 0.0, 1.5))
    calm = judge(STILL, ROBOT, state(0.6), beside, FORWARD)
    after = judge(STILL, ROBOT, state(0.6), beside, FORWARD, previous=swung)
    sent = judge(STILL, ROBOT, state(0.6, pending=[swung.command]), beside, FORWARD)
    assert after.command == sent.command and after.command[0] < calm.command[0]


def test_command_beyond_the_limits_says_so_and_reverse_that_is_none_stops():
    verdict = judge(RULES, ROBOT, state(), [source()], np.array((1.6, 0.0, 0.0)))
    assert verdict.action == 'limit' and verdict.rule == 'limits'
    assert verdict.command == pytest.approx((0.8, 0.0, 0.0))
    assert 'beyond the limits' in verdict.reason and verdict.margin == np.inf
    forward_only = replace(ROBOT, max_reverse_speed=0.0)
    verdict = judge(RULES, forward_only, state(), [source()], -FORWARD)
    assert (verdict.action, verdict.rule) == ('stop', 'limits')
    assert verdict.reason == 'the robot may not reverse'
    verdict = judge(RULES, ROBOT, state(), [source()], np.zeros(3))
    assert (verdict.action, verdict.rule, verdict.reason) == ('pass', '', 'at rest')
