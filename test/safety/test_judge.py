"""What the safety core lets through, what it stops, and why."""

from dataclasses import replace
import re

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.safety.body import body_of
from synth_nodes.safety.core import judge
from synth_nodes.safety.rules import check_rules, SafetyRules, sight_distance
from synth_nodes.safety.sources import PointSource, RobotState
from synth_nodes.settings import build, flatten
from synth_nodes.types import LidarSpec, RobotSpec

ROBOT, RULES = RobotSpec(), SafetyRules()
RESTING = build(SafetyRules, {'braking.other_speed': 0.0})
BRAKING = build(SafetyRules, {'slowdown_zone.ratio': 1.0})
STILL = RobotState(np.zeros(3), 0.01)
AHEAD = np.array([0.8, 0.0, 0.0])


def scan(*points, age=0.02, name='scan', **kwargs):
    return PointSource(name, np.array(points, float).reshape(-1, 2), age, True, **kwargs)


def speed(verdict):
    v = verdict.command
    return np.hypot(v[0], v[1]) + abs(v[2]) * body_of(ROBOT.footprint).radius


def moving(*velocity, age=0.01):
    return RobotState(np.array(velocity, float), age)


def test_free_way_lets_the_command_through_unchanged():
    verdict = judge(RULES, ROBOT, moving(0.8, 0, 0), [scan()], AHEAD)
    assert verdict.command == (0.8, 0.0, 0.0)
    assert (verdict.action, verdict.rule, verdict.margin) == ('pass', '', np.inf)


def test_braking_distance_fits_in_front_of_a_wall():
    wall = [(0.8, y) for y in np.linspace(-1, 1, 81)]
    verdict = judge(BRAKING, ROBOT, moving(0.3, 0, 0), [scan(*wall, age=0.0)], AHEAD)
    v, gap, b = verdict.command[0], 0.8 - 0.21, RULES.braking
    tau = b.reaction_time + RULES.command.period
    way = v * tau + v ** 2 / (2 * b.deceleration) + b.other_speed * (tau + v / b.deceleration)
    assert verdict.action == 'limit' and verdict.rule == 'braking'
    assert way + b.margin == pytest.approx(gap, abs=1e-6)
    assert verdict.margin == pytest.approx(gap)
    assert verdict.time_to_collision == pytest.approx(gap / 0.8)


def test_verdict_names_the_culprit_and_its_source():
    sources = [scan((5.0, 0.0), name='rear'), scan((0.5, -0.05), name='front')]
    verdict = judge(RULES, ROBOT, STILL, sources, AHEAD)
    assert verdict.source == 'front'
    assert '0.50 m ahead, 0.05 m right' in verdict.reason


def test_curvature_is_kept_when_limited():
    verdict = judge(BRAKING, ROBOT, STILL, [scan((0.8, 0.15))], np.array([0.8, 0.0, 0.6]))
    assert verdict.action == 'limit'
    assert verdict.command[2] / verdict.command[0] == pytest.approx(0.75)


def test_older_data_and_faster_measured_motion_lower_the_speed():
    fresh = judge(BRAKING, ROBOT, STILL, [scan((0.8, 0.0), age=0.0)], AHEAD)
    late = judge(BRAKING, ROBOT, STILL, [scan((0.8, 0.0), age=0.2)], AHEAD)
    near, retreat = scan((0.30, 0.0), age=0.0), np.array([-0.1, 0.0, 0.0])
    fast = judge(BRAKING, ROBOT, moving(0.8, 0, 0), [near], retreat)
    slow = judge(BRAKING, ROBOT, STILL, [near], retreat)
    assert speed(late) < speed(fresh)
    assert speed(fast) < speed(slow)


def test_turning_on_the_spot_is_slowed_before_a_corner_hits():
    beside = scan((0.0, 0.23))
    verdict = judge(RULES, ROBOT, STILL, [beside], np.array([0.0, 0.0, 1.5]))
    assert verdict.action in ('limit', 'stop') and speed(verdict) <= RULES.escape.speed + 1e-9
    free = judge(RULES, ROBOT, STILL, [scan((0.0, 0.45))], np.array([0.0, 0.0, 1.5]))
    assert free.action == 'pass'


def test_point_in_the_stop_zone_stops_approach_but_not_retreat():
    near = scan((0.24, 0.0))
    stop = judge(RULES, ROBOT, STILL, [near], AHEAD)
    assert (stop.action, stop.rule, stop.command) == ('stop', 'stop_zone', (0.0, 0.0, 0.0))
    back = judge(BRAKING, ROBOT, STILL, [near], np.array([-0.2, 0.0, 0.0]), previous=stop)
    assert back.action == 'limit' and back.command[0] == pytest.approx(-RULES.escape.speed)
    assert back.rule == 'stop_zone'


def test_retreat_does_not_run_into_what_is_behind():
    both = scan((0.24, 0.0), (-0.30, 0.0))
    back = judge(RULES, ROBOT, STILL, [both], np.array([-0.2, 0.0, 0.0]))
    assert back.action == 'stop' or abs(back.command[0]) * 0.2 < 0.09


def test_obstacle_in_contact_can_be_left_but_not_pushed():
    touching = scan((0.209, 0.0))
    assert judge(RULES, ROBOT, STILL, [touching], AHEAD).action == 'stop'
    assert judge(RULES, ROBOT, STILL, [touching], np.array([-0.2, 0, 0])).command[0] < 0


def test_wall_beside_the_robot_lets_it_creep_along():
    wall = scan(*[(x, 0.22) for x in np.linspace(-1, 1, 101)])
    verdict = judge(RULES, ROBOT, STILL, [wall], AHEAD)
    assert verdict.command == pytest.approx((RULES.escape.speed, 0.0, 0.0))


def test_facing_a_wall_at_braking_margin_the_robot_can_turn_away():
    front = 0.21 + RULES.braking.margin
    wall = scan(*[(front, y) for y in np.linspace(-1, 1, 201)])
    for turn in (1.0, -1.0):
        assert judge(RULES, ROBOT, STILL, [wall], np.array([0.0, 0.0, turn])).command[2] != 0.0


def test_slowdown_zone_lengthens_with_the_command():
    point = scan((0.60, 0.29))
    assert judge(RULES, ROBOT, STILL, [point], AHEAD).rule == 'slowdown_zone'
    assert judge(RULES, ROBOT, STILL, [point], AHEAD).command[0] == pytest.approx(0.48)
    assert judge(RULES, ROBOT, STILL, [point], np.array([0.3, 0, 0])).action == 'pass'


def test_hysteresis_holds_a_zone_against_noise():
    inside, edge = scan((0.3, 0.29)), scan((0.3, 0.31))
    assert judge(RESTING, ROBOT, STILL, [edge], AHEAD).rule == ''
    first = judge(RESTING, ROBOT, STILL, [inside], AHEAD)
    assert first.rule == 'slowdown_zone'
    held = judge(RESTING, ROBOT, STILL, [edge], AHEAD, previous=first)
    assert held.rule == 'slowdown_zone'


def test_min_points_of_one_source_bind():
    rules = build(SafetyRules, {'source.min_points': 2})
    single, pair = scan((0.3, 0.0)), scan((0.3, 0.0), (0.31, 0.01))
    assert judge(rules, ROBOT, STILL, [single, scan((0.3, 0.0), name='b')], AHEAD).action == 'pass'
    assert judge(rules, ROBOT, STILL, [pair], AHEAD).action != 'pass'
    assert judge(RULES, ROBOT, STILL, [single], AHEAD).action != 'pass'


def test_command_beyond_limits_is_scaled_down():
    verdict = judge(RULES, ROBOT, STILL, [scan()], np.array([1.6, 0.0, 1.0]))
    assert (verdict.action, verdict.rule) == ('limit', 'limits')
    assert verdict.command == pytest.approx((0.8, 0.0, 0.5))
    one_way = replace(ROBOT, max_reverse_speed=0.0)
    back = judge(RULES, one_way, STILL, [scan()], np.array([-0.1, 0.0, 0.0]))
    assert (back.action, back.command) == ('stop', (0.0, 0.0, 0.0))


@pytest.mark.parametrize(('rule', 'word', 'state', 'sources', 'command'), [
    ('command', 'nan', STILL, [scan()], [np.nan, 0, 0]),
    ('command', 'inf', STILL, [scan()], [0.1, 0, np.inf]),
    ('command', 'shape', STILL, [scan()], [0.1, 0]),
    ('velocity', 'unknown', moving(np.nan, 0, 0), [scan()], AHEAD),
    ('velocity', 'unknown', moving(0, 0), [scan()], AHEAD),
    ('velocity', 'faster than this robot', moving(1.6, 0, 0), [scan()], AHEAD),
    ('velocity', 'old', moving(0, 0, 0, age=0.5), [scan()], AHEAD),
    ('velocity', 'ahead of the clock', moving(0, 0, 0, age=-0.2), [scan()], AHEAD),
    ('velocity', 'old', moving(0, 0, 0, age=np.nan), [scan()], AHEAD),
    ('source', 'no sensor', STILL, [], AHEAD),
    ('source', 'old', STILL, [scan(age=0.31)], AHEAD),
    ('source', 'ahead of the clock', STILL, [scan(age=-0.06)], AHEAD),
    ('source', 'old', STILL, [scan(age=np.nan)], AHEAD),
    ('source', 'finite', STILL, [scan((np.nan, 0))], AHEAD),
    ('source', 'dark', STILL, [scan(), PointSource('b', np.zeros((0, 2)), 0, False, 'it is dark')],
     AHEAD),
    ('source', 'invalid', STILL, [PointSource('b', np.zeros((0, 2)), 0, False)], AHEAD),
    ('source', 'shape', STILL, [PointSource('b', np.zeros((4, 3)), 0, True)], AHEAD)])
def test_missing_or_unsound_input_stops_and_is_named(rule, word, state, sources, command):
    for override in (False, True):
        verdict = judge(RULES, ROBOT, state, sources, np.array(command, float), override=override)
        assert (verdict.action, verdict.rule) == ('stop', rule)
        assert verdict.command == (0.0, 0.0, 0.0)
        assert word in verdict.reason


def test_command_that_jumps_from_the_one_before_is_refused_or_cut():
    quick = replace(RULES, command=replace(RULES.command, jump_time=0.2))
    jump = judge(quick, ROBOT, STILL, [scan()], AHEAD, before=-AHEAD)
    assert (jump.action, jump.rule, 'jumps' in jump.reason) == ('stop', 'command', True)
    cut = judge(replace(quick, command=replace(quick.command, jump_action='limit')), ROBOT, STILL,
                [scan()], AHEAD, before=0.0 * AHEAD)
    assert cut.command[0] == pytest.approx(min(0.2 * ROBOT.acceleration, AHEAD[0]))
    assert judge(quick, ROBOT, STILL, [scan()], AHEAD).action == 'pass'


def test_override_suspends_zones_at_its_own_speed():
    verdict = judge(RULES, ROBOT, STILL, [scan((0.24, 0.0))], AHEAD, override=True)
    assert verdict.rule == 'override'
    assert verdict.command[0] == pytest.approx(RULES.command.override_speed)


coordinate = st.floats(-1.2, 1.2)
points = st.lists(st.tuples(coordinate, coordinate), min_size=0, max_size=12)
twists = st.tuples(st.floats(-0.3, 1.0), st.sampled_from([0.0, 0.0, 0.2, -0.1]),
                   st.floats(-1.8, 1.8)).map(np.array)


@settings(max_examples=400, deadline=None)
@given(points, points, twists, twists, st.integers(1, 3), st.booleans())
def test_another_point_never_raises_the_speed(some, more, velocity, command, k, bound):
    rules = build(SafetyRules, {'source.min_points': k})
    before = judge(rules, ROBOT, STILL, [scan((0.25, 0.0))], AHEAD) if bound else None
    state = RobotState(velocity, 0.01)
    few = judge(rules, ROBOT, state, [scan(*some)], command, previous=before)
    many = judge(rules, ROBOT, state, [scan(*some, *more)], command, previous=before)
    assert speed(many) <= speed(few) + 1e-9
    apart = judge(rules, ROBOT, state, [scan(*some), scan(*more, name='b')], command,
                  previous=before)
    assert speed(apart) <= speed(few) + 1e-9


@settings(max_examples=200, deadline=None)
@given(points, twists, twists)
def test_command_let_through_is_a_scaled_command(some, velocity, command):
    verdict = judge(RULES, ROBOT, RobotState(velocity, 0.0), [scan(*some)], command)
    given_, out = command, np.array(verdict.command)
    assert np.abs(np.outer(given_, out) - np.outer(out, given_)).max() < 1e-9
    assert (given_ * out >= -1e-12).all() and (np.abs(out) <= np.abs(given_) + 1e-12).all()
    assert verdict == judge(RULES, ROBOT, RobotState(velocity, 0.0), [scan(*some)], command)


def ray_cast(segments, n=360):
    """Ideal scan (points in base) of line segments (K, 4) by a lidar at base_link."""
    a = np.linspace(-np.pi, np.pi, n, endpoint=False)
    d = np.stack((np.cos(a), np.sin(a)), axis=1)
    p, q = segments[:, :2], segments[:, 2:]
    e = q - p
    cross = d[:, None, 0] * e[:, 1] - d[:, None, 1] * e[:, 0]
    with np.errstate(divide='ignore', invalid='ignore'):
        t = (p[:, 0] * e[:, 1] - p[:, 1] * e[:, 0]) / cross
        u = (p[:, 0] * d[:, None, 1] - p[:, 1] * d[:, None, 0]) / cross
    t = np.where((t > 0) & (u >= 0) & (u <= 1), t, np.inf).min(axis=1)
    hit = np.isfinite(t) & (t < 12.0)
    return d[hit] * t[hit, None]


def placed(segments, pose):
    c, s = np.cos(pose[2]), np.sin(pose[2])
    turn = np.array([[c, -s], [s, c]])
    return np.concatenate([(segments[:, i:i + 2] - pose[:2]) @ turn for i in (0, 2)], axis=1)


CORRIDOR = np.array([[-20, 0.6, 20, 0.6], [-20, -0.6, 20, -0.6]], float)


def door(width):
    return np.array([[1, width / 2, 1, 5], [1, -width / 2, 1, -5],
                     [1.15, width / 2, 1.15, 5], [1.15, -width / 2, 1.15, -5],
                     [1, width / 2, 1.15, width / 2], [1, -width / 2, 1.15, -width / 2]])


@pytest.mark.parametrize('offset', [0.0, 0.15, -0.2])
def test_corridor_is_driven_at_full_speed_unless_its_walls_may_come_nearer(offset):
    rng = np.random.default_rng(3)
    pts = ray_cast(placed(CORRIDOR, (0.0, offset, 0.0)))
    noisy = pts * (1 + rng.normal(0, 0.01, (len(pts), 1)) / np.hypot(*pts.T)[:, None])
    verdict = judge(RESTING, ROBOT, moving(0.8, 0, 0), [scan(*noisy)], AHEAD)
    assert verdict.action == 'pass', verdict.reason
    speed, verdict = 0.0, None
    for _ in range(20):
        verdict = judge(RULES, ROBOT, moving(speed, 0, 0), [scan(*noisy)], AHEAD, previous=verdict)
        speed = min(verdict.command[0], speed + 0.05)
    gap, b = 0.42 - abs(offset) - RULES.escape.clearance, RULES.braking
    stop = 0.02 + b.reaction_time + RULES.command.period + speed / b.deceleration
    assert speed > 0.55 and b.other_speed * stop <= gap + 0.02


@pytest.mark.parametrize('width', [0.9, 1.0])
@pytest.mark.parametrize('offset', [0.0, 0.08, -0.1])
def test_door_is_driven_through_without_a_stop(width, offset):
    for rules, least in ((RESTING, 0.79), (RULES, 0.15)):
        x, verdict, slowest, speed = -1.5, None, 1.0, 0.8
        while x < 2.5:
            pts = ray_cast(placed(door(width), (x, offset, 0.0)))
            verdict = judge(rules, ROBOT, moving(speed, 0, 0), [scan(*pts)], AHEAD,
                            previous=verdict)
            speed += float(np.clip(verdict.command[0] - speed, -0.075, 0.05))
            slowest = min(slowest, speed)
            x += speed * RULES.command.period
        assert slowest > least


def test_rules_are_parameters_and_contradictions_are_refused():
    assert build(SafetyRules, flatten(RULES)) == RULES
    check_rules(RULES, ROBOT)
    with pytest.raises(InputError, match=r'escape\.clearance'):
        check_rules(build(SafetyRules, {'escape.clearance': 0.2}), ROBOT)
    with pytest.raises(InputError, match=r'escape\.distance'):
        check_rules(build(SafetyRules, {'escape.speed': 0.8}), ROBOT)


def lidar_that_will_do():
    return LidarSpec(beams=720, range_max=3.0, rate=10.0)


@pytest.mark.parametrize(('setting', 'value', 'word', 'remedy'), [
    ('range_max', 1.0, 'range_max', r"make 'range_max' ([\d.]+) or more"),
    ('beams', 120, 'smallest_obstacle', r"make 'beams' (\d+) or more"),
    ('rate', 2.0, 'timeout', r"make 'rate' ([\d.]+) Hz or more"),
    ('range_min', 0.4, 'range_min', r"make 'range_min' ([\d.]+) or less")])
def test_lidar_that_cannot_keep_the_promise_is_refused_with_what_would_do(setting, value, word,
                                                                          remedy):
    good = lidar_that_will_do()
    check_rules(RULES, ROBOT, good)
    bad = replace(good, **{setting: value})
    check_rules(RULES, ROBOT)
    with pytest.raises(InputError, match=word) as refused:
        check_rules(RULES, ROBOT, bad)
    enough = float(re.search(remedy, str(refused.value))[1])
    check_rules(RULES, ROBOT, replace(bad, **{setting: type(value)(np.ceil(enough * 100) / 100
                                              if setting != 'range_min' else enough)}))


def test_faster_robot_needs_a_finer_lidar_or_larger_obstacles():
    lidar, fast = LidarSpec(beams=360), replace(ROBOT, max_speed=2.5)
    check_rules(RULES, ROBOT, lidar)
    with pytest.raises(InputError, match='smallest_obstacle') as refused:
        check_rules(RULES, fast, lidar)
    width = float(re.search(r"'source\.smallest_obstacle' ([\d.]+) or more",
                            str(refused.value))[1])
    check_rules(build(SafetyRules, {'source.smallest_obstacle': width}), fast, lidar)
    with pytest.raises(InputError, match=r'fewer than .source\.min_points. = 3'):
        check_rules(build(SafetyRules, {'source.min_points': 3}), ROBOT, lidar)


@pytest.mark.parametrize('speed', [0.4, 0.8, 1.5])
def test_sight_that_is_demanded_is_what_the_core_uses(speed):
    robot = replace(ROBOT, max_speed=speed)
    lidar = LidarSpec(rate=20.0)
    far = sight_distance(RULES, robot, lidar)
    side = np.hypot(0.21, 0.18) - 0.21
    ahead = np.array([speed, 0.0, 0.0])
    for more, action in ((0.01 - side, 'pass'), (-0.03 - side, 'limit')):
        verdict = judge(BRAKING, robot, moving(*ahead), [scan((far + more, 0.0), age=0.05)], ahead)
        assert verdict.action == action
