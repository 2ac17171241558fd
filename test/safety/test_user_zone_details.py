"""What a user's zone says, and which of several, or of its own points, binds."""

from dataclasses import replace

import numpy as np
import pytest
from zone_helpers import MILD, part, seen, strict, zone

from synth_nodes.safety.user_zones import Held

GO = (0.5, 0.0, 0.0)
ASIDE = (0.5, 0.6)


def rule_of(zones, points=(ASIDE,), command=GO, **kwargs):
    return strict(zones, [seen(*points)], command, **kwargs).verdict.rule


@pytest.mark.parametrize(('point', 'words'), [
    ((0.5, 0.6), '0.50 m ahead, 0.60 m left'), ((-0.5, -0.6), '0.50 m behind, 0.60 m right'),
    ((0.0, 0.6), '0.00 m ahead, 0.60 m left'), ((-0.9, 0.0), '0.90 m behind, 0.00 m left')])
def test_point_that_binds_is_said_to_be_where_it_is(point, words):
    verdict = strict([zone('Mine', 'slowdown', slowdown_ratio=0.4)], [seen(point)], GO).verdict
    assert verdict.reason == (
        f"point of 'scan' {words} of base_link is in zone 'Mine': (0.20 m/s, 0.00 m/s, 0.00 "
        'rad/s) of (0.50 m/s, 0.00 m/s, 0.00 rad/s) let through')


def test_what_will_be_in_a_zone_is_not_said_to_be():
    outline = [[0.3, 0.2], [0.3, -0.2], [-0.3, -0.2], [-0.3, 0.2]]
    ahead = zone('Soon', 'approach', points=outline, time_before_collision=4.0)
    verdict = strict([ahead], [seen((1.3, 0.0))], GO).verdict
    assert verdict.command[0] == pytest.approx(0.25) and "will be in zone 'Soon'" in verdict.reason
    within = strict([ahead], [seen((0.29, 0.0))], GO).verdict
    assert "is in zone 'Soon'" in within.reason and within.action == 'stop'


def test_zone_that_wants_no_points_wants_one():
    none = zone('Mine', 'slowdown', slowdown_ratio=0.4, min_points=0)
    assert rule_of([none], ((9.0, 9.0),)) == '' and rule_of([none]) == 'Mine'


def test_zones_that_are_off_or_look_elsewhere_do_nothing():
    one = zone('Mine', 'slowdown', slowdown_ratio=0.4)
    assert rule_of([replace(one, enabled=False)]) == ''
    assert rule_of([replace(one, enabled=False), zone('Other', 'slowdown')]) == 'Other'
    assert rule_of([replace(one, sources=('sonar',))]) == ''
    assert rule_of([replace(one, sources=('sonar', 'scan'))]) == 'Mine'
    two = [seen(name='front'), seen((9.0, 9.0), ASIDE, name='rear')]
    verdict = strict([one], two, GO).verdict
    assert verdict.source == 'rear' and "'rear'" in verdict.reason
    assert strict([replace(one, sources=('front',))], two, GO).verdict.rule == ''


def test_strongest_action_and_then_the_first_name_wins_among_equals():
    slow = zone('b', 'slowdown', slowdown_ratio=0.4)
    cap = zone('a', 'limit', linear_limit=0.2)
    assert rule_of([cap, slow]) == rule_of([slow, cap]) == 'b'
    assert rule_of([replace(slow, name='c'), slow]) == 'b'
    stop, approach = zone('z', 'stop'), zone('y', 'approach')
    still = replace(slow, slowdown_ratio=0.0)
    assert rule_of([still, approach, stop]) == 'z' and rule_of([still, approach]) == 'y'


def test_so_many_points_as_a_zone_wants_bind_it_and_one_where_it_does_not_say():
    outline = [[0.3, 0.2], [0.3, -0.2], [-0.3, -0.2], [-0.3, 0.2]]
    ahead = zone('Soon', 'approach', points=outline, time_before_collision=10.0, min_points=2)
    points = ((1.3, 0.0), (2.3, 0.0), (3.3, 0.0))
    assert strict([ahead], [seen(*points)], GO).verdict.command[0] == pytest.approx(0.2)
    assert strict([replace(ahead, min_points=None)], [seen(*points)],
                  GO).verdict.command[0] == pytest.approx(0.1)
    assert strict([replace(ahead, min_points=0)], [seen(*points)],
                  GO).verdict.command[0] == pytest.approx(0.1)
    assert strict([replace(ahead, min_points=4)], [seen(*points)], GO).verdict.rule == ''


def test_command_without_a_sub_zone_is_named():
    parts = zone('V', 'slowdown', 'velocity_polygon', sub_zones=[
        part('slow', [[1, 1], [1, -1], [-1, -1], [-1, 1]], (0.0, 0.3))])
    verdict = strict([parts], [seen(ASIDE)], (0.5, 0.0, -0.25)).verdict
    assert verdict.action == 'stop' and verdict.source == ''
    assert ("zone 'V' has no sub-zone for the command (0.50 m/s, 0.00 m/s, -0.25 rad/s)"
            in verdict.reason)
    assert strict([replace(parts, action='none')], [seen(ASIDE)], GO).detections == ()


def test_detectors_are_listed_in_the_order_of_their_names_and_bind_nothing():
    zones = [zone(name, 'none') for name in ('c', 'a')] + [zone('b', 'none', min_points=2)]
    outcome = strict(zones, [seen(ASIDE)], GO)
    assert outcome.detections == ('a', 'c') and outcome.verdict == outcome.core


def test_ratio_above_one_and_crawl_below_what_a_drive_follows():
    fast = zone('Mine', 'slowdown', slowdown_ratio=2.0)
    free = strict([fast], [seen(ASIDE)], GO)
    assert (free.verdict.command, free.verdict.rule, free.held) == (GO, '', {})
    crawl = strict([replace(fast, slowdown_ratio=0.001)], [seen(ASIDE)], GO).verdict
    assert crawl.command == (0.0, 0.0, 0.0) and crawl.action == 'stop'


def test_escape_is_as_fast_as_the_rules_let_it_and_called_a_limit():
    stop = zone('Stop', 'stop')
    away = strict([stop], [seen((0.5, 0.0))], (-0.2, 0.0, 0.0)).verdict
    assert away.command[0] == pytest.approx(-MILD.escape.speed)
    assert (away.action, away.rule) == ('limit', 'Stop')
    slow = strict([stop], [seen((0.5, 0.0))], (-0.1, 0.0, 0.0)).verdict
    assert slow.command[0] == pytest.approx(-0.1)
    still = replace(MILD, escape=replace(MILD.escape, speed=0.0))
    held = strict([stop], [seen((0.5, 0.0))], (-0.1, 0.0, 0.0), rules=still).verdict
    assert held.command == (0.0, 0.0, 0.0) and held.action == 'stop'


def test_unsound_command_leaves_what_zones_remember():
    held = {'Mine': Held(0.4, 3, 0, 1.0)}
    one = zone('Mine', 'slowdown')
    outcome = strict([one], [seen(ASIDE, age=9.0)], GO, held=held)
    assert outcome.verdict.rule == 'source' and outcome.held == held
    assert strict([], [seen(ASIDE, age=9.0)], GO, held=held).held == {}


def test_memory_counts_cycles_and_says_how_long_it_holds_on():
    one = replace(zone('Mine', 'slowdown', slowdown_ratio=0.4), trigger_after=2, release_after=3,
                  hold_time=1.0)
    held, seen_rules = {}, []
    for k, points in enumerate([[ASIDE]] * 2 + [[]] * 5):
        outcome = strict([one], [seen(*points)], GO, held=held, now=10.0 + 0.3 * k)
        held = outcome.held
        seen_rules.append((outcome.verdict.rule, held.get('Mine')))
    assert seen_rules == [
        ('', Held(1.0, 1, 0, 10.0)), ('Mine', Held(0.4, 2, 0, 10.3)),
        ('Mine', Held(0.4, 0, 1, 10.3)), ('Mine', Held(0.4, 0, 2, 10.3)),
        ('Mine', Held(0.4, 0, 3, 10.3)), ('', None), ('', None)]
    on = strict([one], [seen()], GO, held={'Mine': Held(0.4, 2, 0, 10.0)}, now=10.1).verdict
    assert on.reason.startswith("zone 'Mine' holds on, 1 cycles after its last points: (0.20 m/s")


def test_points_are_judged_where_they_are_now():
    outline = [[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]]
    one = zone('Mine', 'slowdown', points=outline, slowdown_ratio=0.4)
    moving = {'velocity': (0.5, 0.0, 0.0)}
    assert strict([one], [seen((1.04, 0.7), age=0.1)], GO, **moving).verdict.rule == 'Mine'
    assert strict([one], [seen((1.06, 0.7), age=0.1)], GO, **moving).verdict.rule == ''
    assert np.isfinite(strict([one], [seen((0.9, 0.7))], np.zeros(3)).verdict.command).all()


def test_command_of_nothing_is_at_rest_for_every_shape():
    outline = [[1, 1], [1, -1], [-1, -1], [-1, 1]]
    still = zone('V', 'stop', 'velocity_polygon', sub_zones=[part('rest', outline, (0.0, 0.0))])
    verdict = strict([still], [seen(ASIDE)], (1e-9, 0.0, 0.0)).verdict
    assert verdict.command == (0.0, 0.0, 0.0) and 'sub-zone' not in verdict.reason


def test_point_in_a_stop_zone_stops_whatever_lies_outside():
    assert rule_of([zone('Stop', 'stop')], ((0.5, 0.6), (9.0, 9.0))) == 'Stop'
    still = strict([zone('Stop', 'stop')], [seen((0.5, 0.6), (9.0, 9.0))], GO).verdict
    assert still.command == (0.0, 0.0, 0.0)


def test_zone_waits_for_all_of_its_cycles():
    one = replace(zone('Mine', 'slowdown', slowdown_ratio=0.4), trigger_after=3)
    held, rules = {}, []
    for _ in range(4):
        outcome = strict([one], [seen(ASIDE)], GO, held=held)
        held = outcome.held
        rules.append(outcome.verdict.rule)
    assert rules == ['', '', 'Mine', 'Mine']


def test_points_outside_are_none_of_those_a_detector_wants():
    two = zone('Two', 'none', min_points=2)
    assert strict([two], [seen(ASIDE, (9.0, 9.0))], GO).detections == ()
    assert strict([two], [seen(ASIDE, (0.5, -0.6))], GO).detections == ('Two',)


def test_short_horizon_of_an_approach_counts_as_it_is_given():
    outline = [[0.3, 0.2], [0.3, -0.2], [-0.3, -0.2], [-0.3, 0.2]]
    ahead = zone('Soon', 'approach', points=outline, time_before_collision=0.5)
    # The zone's front is 0.35 m away: 0.7 s.
    assert strict([ahead], [seen((0.65, 0.19))], GO).verdict.rule != 'Soon'
    longer = replace(ahead, time_before_collision=3.5)
    verdict = strict([longer], [seen((0.65, 0.19))], GO).verdict
    assert verdict.rule == 'Soon' and verdict.command[0] == pytest.approx(0.1)


def test_each_part_of_the_command_is_said():
    slow = zone('Mine', 'slowdown', slowdown_ratio=0.4)
    verdict = strict([slow], [seen(ASIDE)], (0.5, 0.1, -0.2)).verdict
    assert verdict.reason.endswith('of (0.50 m/s, 0.10 m/s, -0.20 rad/s) let through')
