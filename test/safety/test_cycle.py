"""What comes before and after the core: steps, the switch, zones, learned risk."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.safety import watchdog
from synth_nodes.safety.cycle import Cycle, decide
from synth_nodes.safety.nav2_zones import UserZone
from synth_nodes.safety.risk import risk_scale
from synth_nodes.safety.rules import RiskRules, SafetyRules
from synth_nodes.safety.sources import PointSource, RobotState
from synth_nodes.safety.watchdog import Watch
from synth_nodes.settings import build
from synth_nodes.types import RobotSpec

RULES, ROBOT = SafetyRules(), RobotSpec()
SQUARE = np.array(((1.0, 1.0), (-1.0, 1.0), (-1.0, -1.0), (1.0, -1.0)))


def cycle(command=(0.5, 0.0, 0.0), points=(), stamp=9.99, **values):
    values = {'watch': Watch(9.95, command=(0.5, 0.0, 0.0)), **values}
    source = PointSource('scan', np.array(points, float).reshape(-1, 2), 0.02, True)
    return Cycle(10.0, np.array(command), stamp, RobotState(np.zeros(3), 0.01), (source,),
                 **values)


def test_jump_is_refused_once_and_what_stays_is_a_set_point():
    first = decide(RULES, ROBOT, cycle((9.0, 0.0, 0.0)))
    assert first.verdict.rule == 'command' and not first.accepted
    assert 'it jumps from (0.50 m/s' in first.verdict.reason
    again = decide(RULES, ROBOT, cycle((9.0, 0.0, 0.0), watch=first.watch))
    assert again.verdict.rule == 'limits' and again.verdict.command[0] == pytest.approx(0.8)


def test_jump_may_be_limited_instead_and_the_limited_command_is_what_is_judged():
    rules = build(SafetyRules, {'command.jump_action': 'limit', 'command.jump_time': 0.2})
    outcome = decide(rules, ROBOT, cycle((0.8, 0.0, 0.0)))
    assert outcome.verdict.command[0] == pytest.approx(0.7) == outcome.command[0]
    assert outcome.watch.command == pytest.approx((0.7, 0.0, 0.0))


def test_step_counts_from_rest_after_a_silence_and_after_a_reset():
    rules = build(SafetyRules, {'command.jump_time': 0.4})
    fresh = Watch(9.95, command=(0.5, 0.0, 0.0))
    for watch, refused in ((fresh, False), (replace(fresh, stamp=9.0), True),
                           (watchdog.reset(fresh), True)):
        verdict = decide(rules, ROBOT, cycle((0.8, 0.0, 0.0), watch=watch)).verdict
        assert (verdict.rule == 'command') == refused


def test_switched_off_monitor_passes_sound_commands_but_no_latched_stop():
    near = [(0.3, 0.0)]
    assert decide(RULES, ROBOT, cycle(points=near)).verdict.command[0] < 0.2
    off = decide(RULES, ROBOT, cycle(points=near, off=True)).verdict
    assert off.command == (0.5, 0.0, 0.0) and (off.action, off.rule) == ('pass', 'off')
    latched = watchdog.latch(Watch(9.95), 'a hand on the button')
    for spoiled in (cycle((np.nan, 0.0, 0.0), off=True), cycle(stamp=8.0, off=True),
                    cycle(off=True, watch=latched), cycle(off=True, fault='its frame is map')):
        assert decide(RULES, ROBOT, spoiled).verdict.command == (0.0, 0.0, 0.0)


def test_strictest_of_zones_wins_and_is_named_and_an_override_suspends_them():
    zones = (UserZone('slow', 'polygon', 'slowdown', SQUARE, slowdown_ratio=0.4),
             UserZone('slower', 'polygon', 'limit', SQUARE, linear_limit=0.1),
             UserZone('seen', 'polygon', 'none', SQUARE))
    outcome = decide(RULES, ROBOT, cycle(points=[(0.0, 0.9)], zones=zones))
    assert (outcome.verdict.action, outcome.verdict.rule) == ('limit', 'slower')
    assert outcome.detections == ('seen',) and set(outcome.held) == {'slow', 'slower'}
    watch = Watch(9.95, '', 12.0, (0.5, 0.0, 0.0))
    over = decide(RULES, ROBOT, cycle(points=[(0.0, 0.9)], zones=zones, watch=watch))
    assert over.verdict.rule == 'override'


def test_zone_is_held_through_a_refused_command():
    zones = (UserZone('slow', 'polygon', 'slowdown', SQUARE, release_after=3),)
    first = decide(RULES, ROBOT, cycle(points=[(0.0, 0.9)], zones=zones))
    refused = decide(RULES, ROBOT, cycle((np.nan, 0, 0), zones=zones, held=first.held))
    assert decide(RULES, ROBOT, cycle(zones=zones, held=refused.held)).verdict.rule == 'slow'


@pytest.mark.parametrize(('risk', 'left'), [
    (None, 0.5), (0.0, 0.5), (0.2, 0.5), (0.5, 0.3125), (0.8, 0.125), (1.0, 0.125),
    (np.nan, 0.5), (-0.1, 0.5), (1.1, 0.5)])
def test_learned_risk_lowers_the_speed_and_what_is_no_probability_does_not(risk, left):
    verdict = decide(RULES, ROBOT, cycle(risk=risk)).verdict
    assert verdict.command[0] == pytest.approx(left)
    assert verdict.rule == ('risk' if left < 0.5 else '')


def test_geometry_is_named_where_it_is_stricter_than_the_learned_risk():
    alone = decide(RULES, ROBOT, cycle(points=[(0.3, 0.0)])).verdict
    assert decide(RULES, ROBOT, cycle(points=[(0.3, 0.0)], risk=0.5)).verdict == alone


def test_learned_risk_stops_only_where_the_rules_say_so():
    rules = build(SafetyRules, {'risk.least': 0.0})
    assert decide(rules, ROBOT, cycle(risk=0.9)).verdict.action == 'stop'


@settings(max_examples=150, deadline=None)
@given(st.floats(0, 1), st.floats(0, 1), st.lists(
    st.tuples(st.floats(-2, 2), st.floats(-2, 2)), max_size=5),
    st.tuples(st.floats(-0.2, 0.8), st.floats(-1, 1)))
def test_more_risk_never_raises_the_speed_and_none_never_lowers_it(a, b, points, command):
    command = (command[0], 0.0, command[1])
    low, high = sorted((a, b))
    speeds = [np.linalg.norm(decide(RULES, ROBOT, cycle(command, points, risk=r)).verdict.command)
              for r in (None, low, high)]
    assert speeds[2] <= speeds[1] + 1e-12 and speeds[1] <= speeds[0] + 1e-12


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_scale_of_a_risk_falls_whatever_the_rules(low, high, least, a, b):
    rules = RiskRules(low, high, least)
    small, large = sorted((a, b))
    assert least - 1e-12 <= risk_scale(rules, large) <= risk_scale(rules, small) <= 1.0


def test_source_with_a_timeout_of_its_own_is_held_to_it():
    for timeout, age, rule in ((0.0, 0.31, 'source'), (0.5, 0.31, ''), (0.1, 0.15, 'source')):
        one = cycle(points=[(5.0, 5.0)])
        source = replace(one.sources[0], age=age, timeout=timeout)
        assert decide(RULES, ROBOT, replace(one, sources=(source,))).verdict.rule == rule


def test_velocity_that_cannot_be_stops_and_the_command_stays_accepted():
    outcome = decide(RULES, ROBOT, replace(
        cycle(), state=RobotState(np.array((9.0, 0.0, 0.0)), 0.01)))
    assert outcome.verdict.rule == 'velocity' and outcome.accepted
    assert outcome.verdict.command == (0.0, 0.0, 0.0)
    assert 'faster than this robot can be' in outcome.verdict.reason
