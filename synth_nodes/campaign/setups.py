"""Random robots and rules, within what `check_rules` accepts."""

from dataclasses import dataclass, replace

import numpy as np

from synth_nodes.errors import InputError
from synth_nodes.safety.body import body_of
from synth_nodes.safety.rules import (
    BrakingRules,
    check_rules,
    CommandRules,
    EscapeRules,
    reaction_time,
    SafetyRules,
    SlowdownZoneRules,
    SourceRules,
    StopZoneRules,
)
from synth_nodes.types import RobotSpec

DT = 0.005
"""Integration step of the true drive [s]."""
TRIES = 500
FAMILIES = ('poles', 'walls', 'movers', 'boxed')
"""Kinds of scene; those of a chunk are all of one family."""
SHARES = (0.35, 0.3, 0.25, 0.1)
DRIVES = ('differential', 'ackermann', 'omnidirectional')


@dataclass(frozen=True)
class Setup:
    """What the scenarios of a chunk have in common."""

    rules: SafetyRules
    robot: RobotSpec
    family: str
    """One of FAMILIES."""
    gap: float
    """Largest distance [m] of neighbouring points on a surface."""
    noise: float
    """Largest error of a range [m]."""
    actuation: float
    """Dead time and lag together are at most this [s]."""
    breach: bool = False
    """Whether the drive breaks the stated model: see :func:`broken`."""

    @property
    def deceleration(self) -> float:
        """Braking deceleration relied upon [m/s^2]."""
        return min(self.rules.braking.deceleration, self.robot.deceleration)

    @property
    def still(self) -> float:
        """Speed of the footprint [m/s] below which the robot counts as standing."""
        return min(0.01, self.rules.standstill)


def draw_setup(rng: np.random.Generator,
               fixed: tuple[SafetyRules, RobotSpec] | None = None) -> Setup:
    """
    Draw rules, robot and family.

    :param fixed: rules and robot to take instead of random ones.
    :raises InputError: where they contradict each other.
    """
    for _ in range(TRIES):
        family = str(rng.choice(FAMILIES, p=SHARES))
        rules, robot = (_rules(rng, family), _robot(rng)) if fixed is None else fixed
        try:
            check_rules(rules, robot)
        except InputError:
            if fixed is not None:
                raise
            continue
        noise = float(rng.choice([0.0, 1.0])) * rules.escape.clearance / 2
        actuation = reaction_time(rules, robot) - rules.command.period
        return Setup(rules, robot, family, rules.escape.clearance, noise, actuation)
    raise InputError(f'no rules were accepted in {TRIES} tries: widen what is drawn')


def broken(setup: Setup) -> Setup:
    """Let the drive brake by 30 % less than stated and react 50 % later."""
    late = 0.5 * reaction_time(setup.rules, setup.robot)
    return replace(setup, actuation=setup.actuation + late, breach=True)


def _rules(rng: np.random.Generator, family: str) -> SafetyRules:
    u = rng.uniform
    margin = u(0.06, 0.2)
    moving = family == 'movers' or rng.random() < 0.3
    clearance = u(0.015, min(0.04, margin))
    period = DT * float(rng.integers(5, 21))
    return SafetyRules(
        braking=BrakingRules(u(0.4, 3.0), u(0.02, 0.3), margin, u(0.1, 1.0) if moving else 0.0),
        stop_zone=StopZoneRules(u(clearance, margin)),
        slowdown_zone=SlowdownZoneRules(u(0.0, 0.3), u(0.0, 1.0), float(rng.choice([1.0, 0.5]))),
        escape=EscapeRules(u(0.0, 0.2), u(0.1, 0.4), clearance),
        source=SourceRules(timeout=u(0.12, 0.4)),
        command=CommandRules(period=period, timeout=u(0.3, 0.5)),
        hysteresis=u(0.0, 0.03))


def _robot(rng: np.random.Generator) -> RobotSpec:
    u = rng.uniform
    drive = str(rng.choice(DRIVES, p=(0.6, 0.2, 0.2)))
    return RobotSpec(
        footprint=_footprint(rng), drive=drive, max_speed=u(0.2, 2.0),
        max_reverse_speed=u(0.0, 0.6), max_turn_rate=u(0.3, 3.0), acceleration=u(0.4, 2.5),
        deceleration=u(0.4, 3.0), turn_acceleration=u(1.0, 8.0), actuator_lag=u(0.0, 0.15),
        command_latency=u(0.0, 0.1), wheel_base=u(0.25, 0.8), max_steer=u(0.3, 0.8),
        steer_rate=u(0.5, 4.0), max_lateral_speed=u(0.2, 1.0), lateral_acceleration=u(0.4, 2.5))


def _footprint(rng: np.random.Generator) -> tuple[float, ...]:
    """Outline of a box, of a box with cut corners, of a wedge, or nearly a disc."""
    front, back, side = rng.uniform(0.12, 0.5, 3)
    kind = int(rng.integers(4))
    if kind == 0:
        outline = [(front, side), (-back, side), (-back, -side), (front, -side)]
    elif kind == 1:
        cut = 0.4 * min(front, side)
        outline = [(front, side - cut), (front - cut, side), (-back, side), (-back, -side),
                   (front - cut, -side), (front, cut - side)]
    elif kind == 2:
        outline = [(front, 0.0), (-back, side), (-back, -0.7 * side)]
    else:
        a = np.arange(8) * 2 * np.pi / 8
        outline = list(zip(side * np.cos(a), side * np.sin(a), strict=True))
    footprint = tuple(float(c) for corner in outline for c in corner)
    body_of(footprint)
    return footprint
