"""Outlines of zones agree with what the core judges by."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.safety.body import body_of
from synth_nodes.safety.core import judge
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.sources import PointSource, RobotState
from synth_nodes.safety.zones import zone_polygons
from synth_nodes.settings import build
from synth_nodes.types import RobotSpec

HEXAGON = tuple(float(v) for k in range(6)
                for v in (0.3 * np.cos(k * np.pi / 3), 0.3 * np.sin(k * np.pi / 3)))
DIAMOND = (0.3, 0.0, 0.0, 0.2, -0.3, 0.0, 0.0, -0.2)
FLAT = (0.2, 0.2, 0.0, 0.2, -0.2, 0.2, -0.2, -0.2, 0.2, -0.2)


def test_zones_of_a_box_going_ahead():
    zones = {z.name: z.polygon for z in
             zone_polygons(SafetyRules(), RobotSpec(), np.array([0.5, 0.0, 0.3]))}
    assert list(zones) == ['stop_zone', 'braking', 'slowdown_zone']
    assert zones['stop_zone'][:, 0].max() == pytest.approx(0.26)
    slow = zones['slowdown_zone']
    assert slow.max(axis=0) == pytest.approx([0.21 + 0.12 + 0.3, 0.30])
    assert slow.min(axis=0) == pytest.approx([-0.33, -0.30])


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([HEXAGON, DIAMOND, FLAT, RobotSpec().footprint]),
       st.floats(-0.8, 0.8), st.floats(-0.8, 0.8), st.integers(0, 2 ** 31))
def test_slowdown_outline_is_where_the_core_slows_down(footprint, vx, vy, seed):
    robot = RobotSpec(footprint=footprint, max_reverse_speed=2.0, max_speed=2.0)
    rules = build(SafetyRules, {
        'slowdown_zone.margin': 0.3, 'slowdown_zone.ratio': 0.01, 'braking.other_speed': 0.0})
    command = np.array([vx, vy, 0.0])
    if np.hypot(vx, vy) < 0.1:
        return
    polygon = zone_polygons(rules, robot, command)[-1].polygon
    edges = np.roll(polygon, -1, axis=0) - polygon
    for p in np.random.default_rng(seed).uniform(-1, 1, (20, 2)):
        to = p - polygon
        inside = (edges[:, 0] * to[:, 1] - edges[:, 1] * to[:, 0] >= 0).all()
        source = PointSource('scan', p[None], 0.0, True)
        verdict = judge(rules, robot, RobotState(np.zeros(3), 0.0), [source], command)
        if inside:
            assert np.hypot(*verdict.command[:2]) <= 0.0101 * np.hypot(vx, vy)
        else:
            assert verdict.rule != 'slowdown_zone'
    assert body_of(footprint).gauge(polygon).min() > 0.0
