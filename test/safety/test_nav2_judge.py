"""Actions as Nav2's Collision Monitor takes them, its ways to fail open included."""

import math

import numpy as np
import pytest
from zone_helpers import part, seen, SQUARE, strict, zone

from synth_nodes.safety.nav2 import INVALID_SOURCE, Memory, nav2_judge

NEAR, FAR = (0.5, 0.0), (4.5, 0.0)


def nav2(zones, observed, command=(0.5, 0.2, 0.1), **kwargs):
    return nav2_judge(zones, observed, np.array(command, float), **kwargs)


def box(size):
    return [[size * x, size * y] for x, y in SQUARE]


NESTED = [zone('Limit', 'limit', points=box(3.0), linear_limit=0.4, angular_limit=0.09),
          zone('SlowDown', 'slowdown', points=box(2.0), slowdown_ratio=0.7),
          zone('Stop', 'stop', points=box(1.0))]


@pytest.mark.parametrize(('distance', 'action', 'rule', 'ratio'), [
    # Zones, commands and figures of testProcessStopSlowdownLimit in Nav2's own
    # collision_monitor_node_test.cpp (obstacle of zone 'Limit' moved off its border).
    (4.5, 'pass', '', 1.0),
    (2.9, 'limit', 'Limit', 0.4 / math.hypot(0.5, 0.2)),
    (1.5, 'slowdown', 'SlowDown', 0.7),
    (0.5, 'stop', 'Stop', 0.0),
])
def test_zones_within_zones(distance, action, rule, ratio):
    verdict = nav2(NESTED, [seen((distance, 0.0))]).verdict
    assert (verdict.action, verdict.rule) == (action, rule)
    assert verdict.command == pytest.approx((0.5 * ratio, 0.2 * ratio, 0.1 * ratio))


@pytest.mark.parametrize(('distance', 'speed', 'action', 'expected'), [
    # testCrossOver of the same file: circle of 1 m, time_before_collision 1 s, steps of 0.01 s.
    (2.5, 3.0, 'approach', 3.0 * 0.5), (1.5, 0.1, 'slowdown', 0.07), (1.5, 1.0, 'approach', 0.5),
])
def test_approach_and_slowdown_cross_over(distance, speed, action, expected):
    zones = [zone('SlowDown', 'slowdown', points=box(2.0), slowdown_ratio=0.7),
             zone('Approach', 'approach', 'circle', radius=1.0, time_before_collision=1.0,
                  simulation_time_step=0.01)]
    verdict = nav2(zones, [seen((distance, 0.0))], (speed, 0, 0)).verdict
    assert verdict.action == action
    assert verdict.command[0] == pytest.approx(expected, abs=speed * 0.011)


def test_first_of_equal_proposals_stays():
    zones = [zone('A', 'slowdown', slowdown_ratio=0.5), zone('B', 'slowdown', slowdown_ratio=0.5)]
    assert nav2(zones, [seen(NEAR)]).verdict.rule == 'A'
    assert nav2(zones[::-1], [seen(NEAR)]).verdict.rule == 'B'


def test_slowdowns_do_not_multiply():
    zones = [zone('A', 'slowdown', slowdown_ratio=0.5), zone('B', 'slowdown', slowdown_ratio=0.4)]
    assert nav2(zones, [seen(NEAR)], (1, 0, 0)).verdict.command == (0.4, 0.0, 0.0)


def test_stop_wins_even_over_a_proposal_of_zero_and_a_standing_robot():
    zones = [zone('A', 'slowdown', slowdown_ratio=0.0), zone('B', 'stop')]
    assert nav2(zones, [seen(NEAR)]).verdict.rule == 'B'
    assert nav2(zones, [seen(NEAR)], (0, 0, 0)).verdict.action == 'stop'


def test_limit_keeps_the_curvature_of_a_turn_on_the_spot():
    zones = [zone('L', 'limit', linear_limit=0.4, angular_limit=0.3)]
    assert nav2(zones, [seen(NEAR)], (0, 0, -0.6)).verdict.command == pytest.approx((0, 0, -0.3))


def test_points_of_all_sources_add_up_and_default_to_four():
    stop = zone(min_points=None)
    a, b = seen(NEAR, NEAR, name='a'), seen(NEAR, name='b')
    assert nav2([stop], [a, b]).verdict.action == 'pass'
    more = seen(NEAR, NEAR, name='b')
    assert nav2([stop], [a, more]).verdict.action == 'stop'


def test_zone_looks_at_its_own_sources_alone():
    zones = [zone('Stop', 'stop', sources_names=['range']), zone('Slow', 'slowdown')]
    observed = [seen(NEAR), seen(FAR, name='range', kind='range')]
    assert nav2(zones, observed).verdict.rule == 'Slow'


def test_detector_reports_and_does_nothing():
    outcome = nav2([zone('D', 'none')], [seen(NEAR)])
    assert outcome.verdict.action == 'pass' and outcome.detections == ('D',)


def test_disabled_zone_does_nothing():
    assert nav2([zone(enabled=False)], [seen(NEAR)]).verdict.action == 'pass'


@pytest.mark.parametrize('source', [
    seen(FAR, age=2.1), seen(age=None), seen(FAR, valid=False)])
def test_source_without_data_stops(source):
    verdict = nav2([], [seen(FAR, name='good'), source]).verdict
    assert (verdict.action, verdict.rule, verdict.source) == ('stop', INVALID_SOURCE, 'scan')
    # Even where the monitor itself is switched off.
    assert nav2([], [source], enabled=False).verdict.action == 'stop'


def test_source_as_old_as_its_timeout_is_good():
    assert nav2([], [seen(FAR, age=2.0)]).verdict.action == 'pass'


def test_switched_off_monitor_lets_everything_through():
    assert nav2([zone()], [seen(NEAR)], enabled=False).verdict.action == 'pass'


def test_consecutive_cycles_trigger_and_release():
    stop = zone(trigger_consecutive_points=2, release_consecutive_points=3)
    memory, actions = Memory(), []
    for points in ([NEAR], [NEAR], [], [], [], [NEAR]):
        outcome = nav2([stop], [seen(*points)], memory=memory)
        memory = outcome.memory
        actions.append(outcome.verdict.action)
    assert actions == ['pass', 'stop', 'stop', 'stop', 'pass', 'pass']


# Below: where Nav2 fails open. The strict judgement of the same situation must stop, or slow down.

FORWARD = zone('V', 'stop', 'velocity_polygon', sub_zones=[
    part('creep', [[0.3, 0.2], [0.3, -0.2], [-0.3, -0.2], [-0.3, 0.2]], (0.0, 0.2))])
OPEN = {
    'points that are not numbers count as free':
        ([zone()], [seen((np.nan, 0.0), (np.nan, 0.0))]),
    'data from the future passes': ([zone()], [seen(FAR, age=-60.0)]),
    'with a timeout of 0 any age will do': ([zone()], [seen(FAR, age=60.0, timeout=0.0)]),
    'with a timeout of 0 no data will do': ([zone()], [seen(age=None, timeout=0.0)]),
    'a zone without a shape is passed over': ([zone(points=[])], [seen(FAR)]),
    'a circle without a radius is passed over': ([zone(shape='circle')], [seen(FAR)]),
    'a footprint that has not come is passed over':
        ([zone(shape='footprint', action='approach', points=[])], [seen(FAR)]),
    'a velocity that no sub-zone covers is passed over': ([FORWARD], [seen(FAR)]),
    'an obstacle of three points is not enough':
        ([zone(min_points=4)], [seen((0.3, 0.0), (0.3, 0.01), (0.3, -0.01))]),
    'a point on the right border is out':
        ([zone(points=[[0.3, 0.3], [0.3, -0.3], [-0.3, -0.3], [-0.3, 0.3]])], [seen((0.3, 0.0))]),
    'old polygons are dropped for a cycle':
        ([zone()], [seen(NEAR, age=5.0, kind='polygon')]),
    'a switched-off only source is no source': ([zone()], [seen(NEAR, enabled=False)]),
}


@pytest.mark.parametrize('case', OPEN.values(), ids=OPEN.keys())
def test_nav2_fails_open_where_the_strict_judgement_stops(case):
    zones, observed = case
    assert nav2(zones, observed, (0.5, 0, 0)).verdict.command == (0.5, 0.0, 0.0)
    verdict = strict(zones, observed, (0.5, 0, 0)).verdict
    assert verdict.action == 'stop' and verdict.command == (0.0, 0.0, 0.0)
    assert verdict.reason


def test_command_that_is_not_finite_is_ignored_by_nav2_and_stopped_strictly():
    verdict = nav2([], [seen(FAR)], (np.nan, 0, 0)).verdict
    assert verdict.action == 'ignored' and np.isnan(verdict.command).all()
    assert strict([], [seen(FAR)], (np.nan, 0, 0)).verdict.command == (0.0, 0.0, 0.0)


def test_uncovered_velocity_keeps_the_old_sub_zone():
    # 0.5 m ahead: outside the outline for creeping, which stays in force at full speed.
    first = nav2([FORWARD], [seen(NEAR)], (0.1, 0, 0))
    assert first.memory.outlines['V'] is FORWARD.sub_zones[0].corners
    fast = nav2([FORWARD], [seen(NEAR)], (0.8, 0, 0), memory=first.memory)
    assert fast.verdict.action == 'pass'
    assert strict([FORWARD], [seen(NEAR)], (0.8, 0, 0)).verdict.rule == 'V'


def test_dropped_polygons_count_as_missing_in_the_next_cycle():
    first = nav2([zone()], [seen(NEAR, age=5.0, kind='polygon')])
    second = nav2([zone()], [seen(NEAR, age=5.1, kind='polygon')], memory=first.memory)
    assert (first.verdict.action, second.verdict.rule) == ('pass', INVALID_SOURCE)


def test_chord_steps_pass_a_corner_that_the_exact_arc_meets():
    # As in test_nav2_motion: the square's corner meets the point only from 0.775 to 0.796 rad.
    turning = zone('A', 'approach', time_before_collision=1.1)
    spin = (0.0, 0.0, 0.8)
    assert nav2([turning], [seen((1.4, 0.0))], spin).verdict.action == 'pass'
    outcome = strict([turning], [seen((1.4, 0.0))], spin)
    assert outcome.verdict.action == 'approach'
    exact = math.acos(1 / 1.4) / 0.8
    assert outcome.verdict.command[2] == pytest.approx(0.8 * exact / 1.1, rel=1e-6)
