"""Makers of zones and observations."""

import numpy as np

from synth_nodes.safety.nav2_zones import SourceSetup
from synth_nodes.safety.observed import Observed, strict_source
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.sources import RobotState
from synth_nodes.safety.user_zones import judge_with_zones
from synth_nodes.safety.zone_reading import zone_of
from synth_nodes.settings import build
from synth_nodes.types import RobotSpec

SQUARE = [[1.0, 1.0], [1.0, -1.0], [-1.0, -1.0], [-1.0, 1.0]]
RULES, ROBOT = SafetyRules(), RobotSpec()
MILD = build(SafetyRules, {'slowdown_zone.ratio': 1.0, 'braking.other_speed': 0.0})


def zone(name='Zone', action='stop', shape='polygon', **values):
    values.setdefault('min_points', 1)
    if shape == 'polygon':
        values.setdefault('points', SQUARE)
    return zone_of({'name': name, 'action': action, 'shape': shape, **values}, 'test')


def part(name, points, linear, theta=(-1.0, 1.0), **values):
    return {'name': name, 'points': points, 'linear_min': linear[0], 'linear_max': linear[1],
            'theta_min': theta[0], 'theta_max': theta[1], **values}


def seen(*points, name='scan', age=0.02, kind='scan', timeout=2.0, heights=None, **values):
    setup = SourceSetup(name, kind, timeout=timeout)
    return Observed(setup, np.array(points, float).reshape(-1, 2),
                    None if heights is None else np.array(heights, float), age, **values)


def strict(zones, observed, command, velocity=(0, 0, 0), rules=MILD, **kwargs):
    state = RobotState(np.array(velocity, float), 0.0)
    sources = [strict_source(o, rules.source) for o in observed if o.enabled]
    return judge_with_zones(rules, ROBOT, state, sources, np.array(command, float), zones,
                            **kwargs)
