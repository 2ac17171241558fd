"""
The safety core: one pure function from a command to the command that may be let through.

What is judged, and how, is in :mod:`synth_nodes.safety.batch`, which judges thousands of robots by
the same code; here one robot's sensors are checked and the verdict is put into words.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.batch import (
    ACTIONS,
    BatchVerdict,
    Bound,
    CREEP,
    judge_batch,
    LIMIT,
    limit,
    NOTHING,
    RULES,
    SLOWDOWN,
    SLOWDOWN_ZONE,
    STOP,
    within_limits,
)
from synth_nodes.safety.body import body_of
from synth_nodes.safety.braking import paces
from synth_nodes.safety.plausibility import plausible, velocity_problem
from synth_nodes.safety.rows import Robots, Rows
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.sources import age_problem, carried, PointSource, refusal, RobotState
from synth_nodes.safety.watchdog import command_problem
from synth_nodes.types import RobotSpec, Verdict

__all__ = ['ACTIONS', 'CREEP', 'NOTHING', 'RULES', 'BatchVerdict', 'judge', 'judge_batch']
Array = NDArray[np.float64]
GEOMETRIC = ('stop_zone', 'braking', 'slowdown_zone')
"""Rules that obstacles bind."""


def judge(rules: SafetyRules, robot: RobotSpec, state: RobotState,
          sources: Sequence[PointSource], command: Array, *,
          previous: Verdict | None = None, override: bool = False,
          before: Array | None = None) -> Verdict:
    """
    Say what part of a command may be followed, and why no more.

    Pure: the same arguments give the same verdict, bit for bit. Fails closed: with anything
    missing, late, from the future or not finite, the verdict is a stop that names it (its margin
    and time_to_collision are then 0). Adding a point never raises the speed.

    :param state: measured velocity and its age.
    :param sources: all sensors that are to be relied on; each must be usable.
    :param command: vx [m/s], vy [m/s], w [rad/s] in base_link, shape (3,).
    :param previous: the verdict before, for hysteresis: margins grow while obstacles bind.
    :param override: suspend zones and braking at `command.override_speed`, as for docking; the
        command, the velocity and the sources must still be sound.
    :param before: the command followed before, shape (3,), from which a new one may not jump;
        None where there is none to compare with, as in judging the same one again. (In a cycle
        the watchdog looks at the step, as it knows whether the one before still counts.)
    """
    command = np.asarray(command, float)
    halt = _refused(rules, robot, state, sources, command)
    if halt is None and before is not None:
        command, jump = plausible(rules.command, robot, np.asarray(before, float), command)
        halt = _halt('command', '', f'the command is refused: {jump}') if jump else None
    if halt is not None:
        return halt
    wanted, clipped = (a[0] for a in within_limits(robot, command[None]))
    body = body_of(robot.footprint)
    speed = float(paces(wanted[None], body, robot, rules.braking.deceleration)[0][0])
    if speed < NOTHING:
        return _verdict(np.zeros(3), 'stop' if clipped else 'pass', 'limits' if clipped else '',
                        '', np.inf, np.inf, 'the robot may not reverse' if clipped else 'at rest')
    if override:
        return _overriding(rules, wanted, speed)
    robots, rows = _look(rules, robot, state, sources, wanted, previous)
    bound = limit(robots, rows)
    if bound.row[0] < 0:
        gap = float(bound.gap_time[0])
        reason = f'command {_words(command)} is beyond the limits of the robot' if clipped else ''
        return _verdict(wanted, 'limit' if clipped else 'pass', 'limits' if clipped else '', '',
                        speed * gap, gap, reason or 'the way is clear')
    return _bound(wanted, rows, bound, sources)


def _halt(rule: str, source: str, reason: str) -> Verdict:
    return _verdict(np.zeros(3), 'stop', rule, source, 0.0, 0.0, reason)


def _refused(rules: SafetyRules, robot: RobotSpec, state: RobotState,
             sources: Sequence[PointSource], command: Array) -> Verdict | None:
    problem = command_problem(command)
    if problem:
        return _halt('command', '', f'the command is refused: {problem}')
    velocity = np.asarray(state.velocity, float)
    if velocity.shape != (3,) or not np.isfinite(velocity).all():
        return _halt('velocity', '', f'the velocity is unknown: {velocity.tolist()}')
    problem = velocity_problem(robot, velocity)
    if problem:
        return _halt('velocity', '', problem)
    problem = age_problem(rules.source, state.age)
    if problem:
        return _halt('velocity', '', f'the velocity {problem}')
    if not sources:
        return _halt('source', '', 'there is no sensor source')
    for source in sources:
        problem = refusal(rules.source, source)
        if problem:
            return _halt('source', source.name,
                         f"source '{source.name}' cannot be used: {problem}")
    return None


def _overriding(rules: SafetyRules, wanted: Array, speed: float) -> Verdict:
    s = min(1.0, rules.command.override_speed / speed)
    return _verdict(wanted * s, 'limit' if s < 1 else 'pass', 'override', '', np.inf, np.inf,
                    'zones and braking are suspended by an override')


def _look(rules: SafetyRules, robot: RobotSpec, state: RobotState, sources: Sequence[PointSource],
          wanted: Array, previous: Verdict | None) -> tuple[Robots, Rows]:
    """Put one robot and its sensors' points into rows; their last half bounds unseen space."""
    velocity = np.asarray(state.velocity, float)
    ages = [max(s.age, 0.0) for s in sources]
    parts = [(k, s.points_base) for k, s in enumerate(sources)]
    seen = sum(len(p) for _, p in parts)
    if rules.source.unseen != 'free':
        parts += [(k, s.unseen_base) for k, s in enumerate(sources) if len(s.unseen_base)]
    total = sum(len(p) for _, p in parts)
    x, y, age, source = np.empty(total), np.empty(total), np.empty(total), np.empty(total, np.intp)
    end = 0
    for k, points in parts:
        begin, end = end, end + len(points)
        px, py = np.asarray(points, float).T
        x[begin:end], y[begin:end] = carried(px, py, velocity, np.float64(ages[k]))
        age[begin:end], source[begin:end] = ages[k], k
    rows = Rows(np.zeros(total, np.intp), x, y, age, source, np.arange(total) >= seen)
    pending = np.asarray(state.pending, float).reshape(-1, 3)
    grown = 0.0
    if previous is not None:
        pending = np.concatenate((pending, [previous.command]))
        grown = rules.hysteresis if previous.rule in GEOMETRIC else 0.0
    return Robots(rules, robot, body_of(robot.footprint), velocity[None], wanted[None],
                  pending[None], np.array([max(ages)]), np.array([max(state.age, 0.0)]),
                  np.array([grown])), rows


def _bound(wanted: Array, rows: Rows, bound: Bound, sources: Sequence[PointSource]) -> Verdict:
    """Verdict on a command that a point limits."""
    row, s, code = int(bound.row[0]), float(bound.scale[0]), int(bound.rule[0])
    action = STOP if s == 0.0 else SLOWDOWN if code == SLOWDOWN_ZONE else LIMIT
    x, y, source = rows.x[row], rows.y[row], sources[int(rows.source[row])].name
    where = (f"point of '{source}' {abs(x):.2f} m {'ahead' if x >= 0 else 'behind'}, "
             f"{abs(y):.2f} m {'left' if y >= 0 else 'right'} of base_link")
    what = {'slowdown_zone': 'is in the slowdown zone', 'stop_zone': 'is in the stop zone',
            'braking': 'is too near to stop for',
            'unseen': 'bounds space that nobody sees'}[RULES[code]]
    reason = f'{where} {what}: {_words(wanted * s)} of {_words(wanted)} let through'
    gap = float(bound.gap_time[0])
    return _verdict(wanted * s, ACTIONS[action], RULES[code], source, float(bound.speed[0]) * gap,
                    gap, reason)


def _words(twist: Array) -> str:
    return f'({twist[0]:.2f} m/s, {twist[1]:.2f} m/s, {twist[2]:.2f} rad/s)'


def _verdict(command: Array, action: str, rule: str, source: str, margin: float,
             time_to_collision: float, reason: str) -> Verdict:
    vx, vy, w = (float(c) + 0.0 for c in command)
    return Verdict((vx, vy, w), action, rule, source, float(margin), float(time_to_collision),
                   reason)
