"""The cap that a learned probability of collision puts on a verdict."""

import numpy as np
import pytest

from synth_nodes.safety.risk import capped, risk_scale, usable_risk
from synth_nodes.safety.rules import RiskRules
from synth_nodes.types import Verdict

RULES = RiskRules(low=0.25, high=0.75, least=0.5)
COMMAND = np.array((0.4, -0.2, 0.8))


def passed(command=(0.4, -0.2, 0.8)):
    return Verdict(command, 'pass', 'limits', 'scan', 1.0, 2.0, 'the way is clear')


@pytest.mark.parametrize(('risk', 'scale'), [
    (0.0, 1.0), (0.25, 1.0), (0.375, 0.875), (0.5, 0.75), (0.75, 0.5), (1.0, 0.5)])
def test_scale_falls_linearly_between_the_bounds(risk, scale):
    assert risk_scale(RULES, risk) == scale


def test_step_where_the_bounds_are_one():
    rules = RiskRules(low=0.5, high=0.5, least=0.25)
    assert [risk_scale(rules, r) for r in (0.49, 0.5, 0.51)] == [1.0, 1.0, 0.25]


@pytest.mark.parametrize(('risk', 'usable'), [
    (None, False), (0.0, True), (1.0, True), (-0.001, False), (1.001, False), (np.nan, False)])
def test_only_a_probability_is_a_risk(risk, usable):
    assert usable_risk(risk) is usable


def test_verdict_that_is_lowered_says_to_what_and_why():
    verdict = capped(RULES, passed(), COMMAND, 0.5)
    assert verdict.command == pytest.approx((0.3, -0.15, 0.6))
    assert (verdict.action, verdict.rule, verdict.source) == ('slowdown', 'risk', '')
    assert (verdict.margin, verdict.time_to_collision) == (1.0, 2.0)
    assert verdict.reason == ('the learned risk of a collision is 0.50: (0.30 m/s, -0.15 m/s, '
                              '0.60 rad/s) let through')


def test_stricter_verdict_and_small_risk_leave_it_as_it_is():
    strict, command = passed((0.375, -0.1875, 0.75)), np.array((0.5, -0.25, 1.0))
    assert capped(RULES, strict, command, 0.5) is strict
    assert capped(RULES, strict, command, 0.51).rule == 'risk'
    free = passed((8.0, 0.0, 0.0))
    for risk in (None, 0.25, np.nan, 2.0):
        assert capped(RULES, free, COMMAND, risk) is free


def test_stop_by_risk_is_called_a_stop_and_is_a_plain_zero():
    verdict = capped(RiskRules(low=0.0, high=0.5, least=0.0), passed(), COMMAND, 0.6)
    assert verdict.action == 'stop' and str(verdict.command) == '(0.0, 0.0, 0.0)'
