"""
One cycle of the safety monitor as a pure function of all that it saw.

The node and the replay of its log call :func:`decide`; so a log of cycles gives the same verdicts
again, those included that never reach the core: refused, silent and latched.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
import math

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety import watchdog
from synth_nodes.safety.brakes import Brakes, tightened, top_speed
from synth_nodes.safety.core import judge
from synth_nodes.safety.nav2_zones import UserZone
from synth_nodes.safety.plausibility import plausible
from synth_nodes.safety.risk import capped
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.sources import PointSource, RobotState
from synth_nodes.safety.user_zones import Held, judge_with_zones, UNSOUND, ZoneOutcome
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
    """All sensors that are relied on; one that is switched off is not among them."""
    watch: Watch
    """What the watchdog remembered before."""
    previous: Verdict | None = None
    """What the core said before, for hysteresis."""
    fault: str = ''
    """What made the command unusable before it came here, such as its frame; empty if nothing."""
    zones: tuple[UserZone, ...] = ()
    """The user's zones, with their present shapes."""
    held: Mapping[str, Held] = field(default_factory=dict)
    """What the zones remembered before."""
    risk: float | None = None
    """Learned probability of a collision; None where there is no predictor, or none that works."""
    off: bool = False
    """Whether the monitor is switched off: sound commands pass without being judged."""
    brakes: Brakes | None = None
    """Weaker or later brakes than the rules state, as measured; None where those hold."""


@dataclass(frozen=True)
class Outcome:
    """What came of a cycle."""

    verdict: Verdict
    watch: Watch
    """What the watchdog remembers from now on."""
    accepted: bool
    """False where a new command was refused: it must not be judged again."""
    command: Array = field(default_factory=lambda: np.zeros(3))
    """What was judged, shape (3,): the command, or the part of its step that is plausible."""
    core: Verdict | None = None
    """What the core alone said; the next cycle's `previous`."""
    held: Mapping[str, Held] = field(default_factory=dict)
    """What the zones remember from now on."""
    detections: tuple[str, ...] = ()
    """Zones that only report, and do."""


def decide(rules: SafetyRules, robot: RobotSpec, cycle: Cycle) -> Outcome:
    """
    Judge a new command, or the last one again, after the watchdog has had its say.

    Pure: the same arguments give the same outcome, bit for bit. In this order: a command that is
    not sound, a starved monitor, a latched stop, a monitor that is switched off, an override; then
    the core and the user's zones, also with the brakes measured where these are weaker than
    stated; then the learned risk. The strictest wins.
    """
    watch, command, problem = _received(rules, robot, cycle)
    if problem and cycle.stamp is not None:
        return _halted(cycle, 'command', f'the command is refused: {problem}', watch, False)
    if problem:
        return _halted(cycle, 'command', problem, watch)
    if watch.latched:
        return _halted(cycle, 'latched', f'an emergency stop is latched: {watch.latched}', watch)
    if cycle.off:
        vx, vy, w = (float(c) for c in command)
        return Outcome(Verdict((vx, vy, w), 'pass', 'off', '', math.inf, math.inf,
                               'the monitor is switched off'), watch, True, command)
    if watchdog.overridden(rules.command, watch, cycle.now):
        verdict = judge(rules, robot, cycle.state, cycle.sources, command,
                        previous=cycle.previous, override=True)
        return Outcome(verdict, watch, True, command, verdict)
    outcome = _braked(rules, robot, cycle, command)
    return Outcome(capped(rules.risk, outcome.verdict, command, cycle.risk), watch, True, command,
                   outcome.core, outcome.held, outcome.detections)


def _braked(rules: SafetyRules, robot: RobotSpec, cycle: Cycle, command: Array) -> ZoneOutcome:
    """Judge with the stated brakes, and with those measured if they are weaker; the lower."""
    def judged(some: SafetyRules, part: float) -> ZoneOutcome:
        return judge_with_zones(some, robot, cycle.state, cycle.sources, command * part,
                                cycle.zones, previous=cycle.previous, held=cycle.held,
                                now=cycle.now)
    outcome, brakes = judged(rules, 1.0), cycle.brakes
    if brakes is None or outcome.core.rule in UNSOUND:
        return outcome
    top, speed = top_speed(rules, robot, brakes), math.hypot(command[0], command[1])
    part = min(top / speed, 1.0) if speed else 1.0
    tight = judged(tightened(rules, robot, brakes), part)
    if math.hypot(*tight.verdict.command) < math.hypot(*outcome.verdict.command):
        outcome = replace(tight, held=outcome.held)
    verdict = outcome.verdict
    if outcome.verdict is tight.verdict and verdict.action == 'pass':
        verdict = replace(verdict, action='limit', rule='brakes',
                          reason=f'no faster than {top:.2f} m/s')
    return replace(outcome, verdict=replace(verdict, reason=(
        f'{verdict.reason}; brakes of {brakes.deceleration:.2f} m/s^2 after '
        f'{brakes.reaction:.2f} s are relied upon')))


def _received(rules: SafetyRules, robot: RobotSpec, cycle: Cycle) -> tuple[Watch, Array, str]:
    """Take a new command in, or see that the last one still counts; and why it does not."""
    watch, command, problem = cycle.watch, cycle.command, cycle.fault
    if cycle.stamp is None:
        return watch, command, problem or watchdog.starved(rules.command, watch, cycle.now)
    if problem:
        return watch, command, problem
    before = watchdog.before(rules.command, watch, cycle.now)
    watch, problem = watchdog.receive(rules.command, rules.source, watch, command, cycle.stamp,
                                      cycle.now)
    if problem:
        return watch, command, problem
    command, problem = plausible(rules.command, robot, before, command)
    vx, vy, w = (float(c) for c in command)
    return replace(watch, command=(vx, vy, w)), command, problem


def _halted(cycle: Cycle, rule: str, reason: str, watch: Watch, accepted: bool = True) -> Outcome:
    verdict = stopped(rule, reason)
    return Outcome(verdict, watch, accepted, cycle.command, verdict, cycle.held)


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
