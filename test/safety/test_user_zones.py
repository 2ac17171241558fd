"""Zones of a user's own around the core: they only ever lower the speed."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from zone_helpers import MILD, part, ROBOT, seen, strict, zone

from synth_nodes.safety.core import judge
from synth_nodes.safety.nav2 import nav2_judge
from synth_nodes.safety.observed import strict_source
from synth_nodes.safety.sources import RobotState

NEAR = (0.9, 0.0)


def size(verdict):
    return float(np.linalg.norm(verdict.command))


def box(x, y):
    return [[x, y], [x, -y], [-x, -y], [-x, y]]


ZONES = st.builds(
    lambda i, action, shape, size, need, ratio: zone(
        f'zone {i}', action, shape, min_points=need, slowdown_ratio=ratio, linear_limit=ratio,
        angular_limit=ratio, time_before_collision=1.0 + ratio,
        **{'polygon': {'points': box(size, size / 2)}, 'circle': {'radius': size},
           'footprint': {'points': box(0.21, 0.18)},
           'velocity_polygon': {'sub_zones': [
               part('forward', box(size, 0.4), (0.0, 2.0), (-2, 2)),
               part('back', box(size / 2, 0.4), (-2.0, 0.1), (-2, 2))]}}[shape]),
    st.integers(0, 10 ** 6), st.sampled_from(['stop', 'slowdown', 'limit', 'approach']),
    st.sampled_from(['polygon', 'circle', 'footprint', 'velocity_polygon']),
    st.floats(0.4, 2.0), st.integers(1, 3), st.floats(0.0, 1.0))
POINTS = st.lists(st.tuples(st.floats(-2.5, 2.5), st.floats(-2.5, 2.5)), max_size=8)
COMMANDS = st.tuples(st.floats(-0.2, 0.8), st.just(0.0), st.floats(-1.0, 1.0))
EXAMPLES = settings(max_examples=120, deadline=None)


def test_without_zones_the_core_has_the_word():
    outcome = strict([], [seen(NEAR)], (0.5, 0, 0))
    state = RobotState(np.zeros(3), 0.0)
    assert outcome.verdict == judge(MILD, ROBOT, state, [strict_source(seen(NEAR), MILD.source)],
                                    np.array([0.5, 0, 0]))


@pytest.mark.parametrize(('action', 'expected'), [('slowdown', 0.2), ('limit', 0.1)])
def test_zone_that_binds_is_named_with_its_source(action, expected):
    zones = [zone('Mine', action, slowdown_ratio=0.4, linear_limit=0.1)]
    verdict = strict(zones, [seen(NEAR)], (0.5, 0, 0)).verdict
    assert verdict.command == pytest.approx((expected, 0, 0))
    assert (verdict.action, verdict.rule, verdict.source) == (action, 'Mine', 'scan')
    # 0.9 m less the front of the footprint, 0.21 m; the robot stood still meanwhile.
    assert verdict.margin == pytest.approx(0.69)
    assert '0.90 m ahead' in verdict.reason and "zone 'Mine'" in verdict.reason


def test_approach_is_the_exact_time_over_the_horizon():
    zones = [zone('A', 'approach', 'circle', radius=0.5, time_before_collision=2.0)]
    verdict = strict(zones, [seen(NEAR)], (0.4, 0, 0)).verdict
    assert verdict.command[0] == pytest.approx(0.4 * (0.4 / 0.4) / 2.0)


def test_stopped_robot_may_back_away_slowly_but_not_stay_as_near():
    stop = [zone('Stop')]
    ahead = strict(stop, [seen(NEAR)], (0.3, 0, 0)).verdict
    away = strict(stop, [seen(NEAR)], (-0.2, 0, 0)).verdict
    aside = strict(stop, [seen((0.0, 0.6))], (0.1, 0, 0)).verdict
    assert ahead.command == (0.0, 0.0, 0.0) and aside.command == (0.0, 0.0, 0.0)
    assert away.command == pytest.approx((-MILD.escape.speed, 0, 0))
    assert (away.action, away.rule) == ('limit', 'Stop')


def test_way_out_of_one_obstacle_is_no_licence_to_near_another():
    behind = strict([zone('Stop')], [seen(NEAR, (-0.9, 0.0))], (-0.2, 0, 0)).verdict
    assert behind.command == (0.0, 0.0, 0.0)


def test_sub_zone_of_the_measured_velocity_counts_too():
    zones = [zone('V', 'slowdown', 'velocity_polygon', slowdown_ratio=0.5, sub_zones=[
        part('fast', box(1.5, 0.5), (0.5, 2.0)), part('slow', box(0.4, 0.4), (-2.0, 0.5))])]
    far = seen((1.4, 0.0), age=0.0)
    still = strict(zones, [far], (0.2, 0, 0), (0, 0, 0)).verdict
    moving = strict(zones, [far], (0.2, 0, 0), (0.6, 0, 0)).verdict
    assert still.rule == '' and moving.rule == 'V'


def test_part_for_a_direction_counts_for_a_robot_that_moves_to_the_side():
    zones = [zone('V', 'slowdown', 'velocity_polygon', holonomic=True, sub_zones=[
        part('ahead', box(1.5, 0.3), (0.0, 2.0), direction_start_angle=-0.8,
             direction_end_angle=0.8),
        part('aside', box(0.3, 1.5), (0.0, 2.0), direction_start_angle=0.8,
             direction_end_angle=-0.8)])]
    aside = strict(zones, [seen((0.0, 1.4))], (0.0, 0.3, 0.0), (0.0, 0.3, 0.0)).verdict
    ahead = strict(zones, [seen((0.0, 1.4))], (0.3, 0.0, 0.0), (0.3, 0.0, 0.0)).verdict
    assert aside.rule == 'V' and aside.command == pytest.approx((0.0, 0.15, 0.0))
    assert ahead.rule == ''


def test_zone_holds_for_its_cycles():
    zones = [zone('Slow', 'slowdown', release_consecutive_points=3)]
    outcome, actions = None, []
    for points in ([NEAR], [], [], [], []):
        outcome = strict(zones, [seen(*points)], (0.4, 0, 0), held=outcome and outcome.held)
        actions.append(outcome.verdict.action)
    assert actions == ['slowdown', 'slowdown', 'slowdown', 'pass', 'pass']


def test_zone_waits_for_its_cycles_and_a_blink_is_not_enough():
    zones = [zone('Slow', 'slowdown', trigger_consecutive_points=3)]
    outcome, actions = None, []
    for points in ([NEAR], [NEAR], [], [NEAR], [NEAR], [NEAR], [NEAR], []):
        outcome = strict(zones, [seen(*points)], (0.4, 0, 0), held=outcome and outcome.held)
        actions.append(outcome.verdict.action)
    assert actions == ['pass'] * 5 + ['slowdown'] * 2 + ['pass']


def test_zone_holds_for_its_time_whatever_the_number_of_cycles():
    zones, outcome, actions = [zone('Slow', 'slowdown', hold_time=0.5)], None, []
    for now, points in ((0.0, [NEAR]), (0.1, []), (0.2, []), (0.45, []), (0.55, []), (0.6, [])):
        outcome = strict(zones, [seen(*points)], (0.4, 0, 0), held=outcome and outcome.held,
                         now=now)
        actions.append(outcome.verdict.action)
    assert actions == ['slowdown'] * 4 + ['pass'] * 2


def test_zone_without_a_shape_stops_at_once_whatever_it_waits_for():
    zones = [zone('Slow', 'slowdown', points=None, trigger_consecutive_points=5)]
    verdict = strict(zones, [seen()], (0.4, 0, 0)).verdict
    assert verdict.command == (0.0, 0.0, 0.0) and 'no shape yet' in verdict.reason


@EXAMPLES
@given(st.lists(ZONES, max_size=3, unique_by=lambda z: z.name), st.lists(POINTS, max_size=4),
       st.tuples(st.floats(-2, 2), st.floats(-2, 2)), COMMANDS, st.integers(1, 3),
       st.integers(1, 3), st.floats(0.0, 0.2))
def test_another_point_never_raises_the_speed_of_any_cycle(zones, clouds, extra, command, trigger,
                                                           release, hold):
    zones = [replace(z, trigger_after=trigger, release_after=release, hold_time=hold)
             for z in zones]
    one = two = None
    for k, points in enumerate(clouds):
        more = [*points, extra] if k % 2 == 0 else points
        one = strict(zones, [seen(*points)], command, held=one and one.held, now=0.05 * k)
        two = strict(zones, [seen(*more)], command, held=two and two.held, now=0.05 * k)
        assert size(two.verdict) <= size(one.verdict) + 1e-12


def test_detector_reports():
    outcome = strict([zone('D', 'none'), zone('E', 'none', points=box(0.1, 0.1))],
                     [seen(NEAR)], (0.4, 0, 0))
    assert outcome.detections == ('D',) and outcome.verdict.action == 'pass'


def test_stop_of_the_zone_is_named_before_that_of_the_core():
    verdict = strict([zone('Stop')], [seen((0.23, 0.0))], (0.5, 0, 0)).verdict
    assert (verdict.action, verdict.rule) == ('stop', 'Stop')


@EXAMPLES
@given(st.lists(ZONES, max_size=3), ZONES, POINTS, COMMANDS)
def test_another_zone_never_raises_the_speed(zones, extra, points, command):
    before = strict(zones, [seen(*points)], command).verdict
    after = strict([*zones, extra], [seen(*points)], command).verdict
    assert size(after) <= size(before) + 1e-12


@EXAMPLES
@given(st.lists(ZONES, max_size=3), POINTS, st.tuples(st.floats(-2, 2), st.floats(-2, 2)),
       COMMANDS)
def test_another_point_never_raises_the_speed(zones, points, extra, command):
    before = strict(zones, [seen(*points)], command).verdict
    after = strict(zones, [seen(*points, extra)], command).verdict
    assert size(after) <= size(before) + 1e-12


@EXAMPLES
@given(st.lists(ZONES, max_size=4, unique_by=lambda z: z.name), POINTS, COMMANDS, st.randoms())
def test_order_of_zones_does_not_matter(zones, points, command, random):
    shuffled = list(zones)
    random.shuffle(shuffled)
    assert strict(zones, [seen(*points)], command).verdict == strict(
        shuffled, [seen(*points)], command).verdict


def mirrored(command):
    return (command[0], -command[1], -command[2])


@EXAMPLES
@given(st.lists(ZONES, max_size=3, unique_by=lambda z: z.name), POINTS, COMMANDS)
def test_mirrored_situation_gives_the_mirrored_verdict(zones, points, command):
    flipped = [(x, -y) for x, y in points]
    one = strict(zones, [seen(*points)], command).verdict
    two = strict(zones, [seen(*flipped)], mirrored(command)).verdict
    assert mirrored(two.command) == pytest.approx(one.command, abs=1e-6)
    assert two.rule == one.rule


@EXAMPLES
@given(st.lists(ZONES, max_size=3, unique_by=lambda z: z.name), POINTS, COMMANDS)
def test_mirrored_situation_gives_nav2s_mirrored_verdict_off_the_borders(zones, points, command):
    points = [(x + 0.0123456, y + 0.0123457) for x, y in points]
    one = nav2_judge(zones, [seen(*points)], np.array(command)).verdict
    two = nav2_judge(zones, [seen(*[(x, -y) for x, y in points])],
                     np.array(mirrored(command))).verdict
    assert mirrored(two.command) == pytest.approx(one.command, abs=1e-9)


@EXAMPLES
@given(st.lists(ZONES, min_size=1, max_size=3), POINTS, COMMANDS)
def test_nav2_never_raises_the_speed_either(zones, points, command):
    verdict = nav2_judge(zones, [seen(*points)], np.array(command)).verdict
    assert size(verdict) <= np.linalg.norm(command) + 1e-12
