"""
One cycle of the safety monitor as a pure function of all that it saw.

The node and the replay of its log call :func:`decide`; so a log of cycles gives the same verdicts
again, those included that never reach the core: refused, silent and latched.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety import watchdog
from synth_nodes.safety.core import judge
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.sources import PointSource, RobotState
from synth_nodes.safety.watchdog import Watch
from synth_nodes.types import RobotSpec, Verdict

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Cycle:
    """What one verdict rests on, rules and robot aside."""

    now: float
    """Present time [s] on the monitor's clock."""
    command: Array
    """vx [m/s], vy [m/s], w [rad/s] in base_link, shape (3,)."""
    stamp: float | None
    """Stamp [s] of a command that has just come; None where the last one is judged again."""
    state: RobotState
    """How the robot moves."""
    sources: tuple[PointSource, ...]
    """All sensors that are relied on."""
    watch: Watch
    """What the watchdog remembered before."""
    previous: Verdict | None = None
    """The verdict before, for hysteresis."""
    fault: str = ''
    """What made the command unusable before it came here, such as its frame; empty if nothing."""


@dataclass(frozen=True)
class Outcome:
    """What came of a cycle."""

    verdict: Verdict
    watch: Watch
    """What the watchdog remembers from now on."""
    accepted: bool
    """False where a new command was refused: it must not be judged again."""


def decide(rules: SafetyRules, robot: RobotSpec, cycle: Cycle) -> Outcome:
    """
    Judge a new command, or the last one again, after the watchdog has had its say.

    Pure: the same arguments give the same outcome, bit for bit.
    """
    watch, problem = cycle.watch, cycle.fault
    if cycle.stamp is not None:
        if not problem:
            watch, problem = watchdog.receive(rules.command, rules.source, watch, cycle.command,
                                              cycle.stamp, cycle.now)
        if problem:
            return Outcome(stopped('command', f'the command is refused: {problem}'), watch, False)
    else:
        problem = problem or watchdog.starved(rules.command, watch, cycle.now)
        if problem:
            return Outcome(stopped('command', problem), watch, True)
    if watch.latched:
        reason = f'an emergency stop is latched: {watch.latched}'
        return Outcome(stopped('latched', reason), watch, True)
    verdict = judge(rules, robot, cycle.state, cycle.sources, cycle.command,
                    previous=cycle.previous,
                    override=watchdog.overridden(rules.command, watch, cycle.now))
    return Outcome(verdict, watch, True)


def recorded_points(points: Array) -> Array:
    """
    Round points to single precision, as they should be before they are judged.

    It moves a point by less than a micrometre within 8 m and halves the size of a log, which
    holds exactly what was judged.

    :param points: [m], any shape.
    """
    return np.asarray(points, float).astype(np.float32).astype(float)


def stopped(rule: str, reason: str) -> Verdict:
    """Give the verdict of a stop that no obstacle asked for."""
    return Verdict((0.0, 0.0, 0.0), 'stop', rule, '', 0.0, 0.0, reason)
