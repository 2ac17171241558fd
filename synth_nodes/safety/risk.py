"""
A learned probability of collision as a cap on speed: allowed = min(geometric, learned).

The cap falls with the probability and never exceeds the command, so a risk can only slow down.
"""

from dataclasses import replace
import math

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.rules import RiskRules
from synth_nodes.types import Verdict

Array = NDArray[np.float64]


def usable_risk(risk: float | None) -> bool:
    """Say whether a risk is a probability; what is not one leaves the geometry alone."""
    return risk is not None and 0.0 <= risk <= 1.0


def risk_scale(rules: RiskRules, risk: float) -> float:
    """
    Part of a command, in [least, 1], that a risk leaves; it never rises with the risk.

    :param risk: probability in [0, 1].
    """
    if risk <= rules.low:
        return 1.0
    if risk >= rules.high:
        return rules.least
    return 1.0 - (1.0 - rules.least) * (risk - rules.low) / (rules.high - rules.low)


def capped(rules: RiskRules, verdict: Verdict, command: Array, risk: float | None) -> Verdict:
    """
    Lower what a verdict lets through to what a risk leaves of the command, if that is less.

    :param command: as it was judged, shape (3,).
    """
    if risk is None or not usable_risk(risk):
        return verdict
    scale = risk_scale(rules, risk)
    out = np.asarray(command, float) * scale
    allowed = math.hypot(*verdict.command)
    if scale == 1.0 or math.hypot(*out) >= allowed:
        return verdict
    vx, vy, w = (float(c) + 0.0 for c in out)
    reason = (f'the learned risk of a collision is {risk:.2f}: ({vx:.2f} m/s, {vy:.2f} m/s, '
              f'{w:.2f} rad/s) let through')
    return replace(verdict, command=(vx, vy, w), action='stop' if scale == 0.0 else 'slowdown',
                   rule='risk', source='', reason=reason)
