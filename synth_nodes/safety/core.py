"""
The safety core: one pure function from a command to the command that may be let through.

Each point of each sensor is judged by itself: every test gives the part of the command (a scale
in [0, 1] along the commanded curvature) that this one point allows. The smallest wins. So another
point can only lower the speed, and an escape from one obstacle is never a licence to hit the next.

What is not covered: between two cycles the drive passes through the twists between the present
one and the command. Two of them are swept, not all, so a robot with long dead time that is thrown
from one full turn into the opposite one at high speed may pass where neither of them leads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.body import Body, body_of
from synth_nodes.safety.braking import (
    allowed_scale,
    closing_ratio,
    contact_times,
    keeping,
    Motion,
    motion_of,
    Sweep,
)
from synth_nodes.safety.rules import reaction_time, SafetyRules
from synth_nodes.safety.sources import age_problem, PointSource, refusal, RobotState, shifted
from synth_nodes.safety.watchdog import command_problem
from synth_nodes.safety.zones import slowdown_offsets, slowdown_way
from synth_nodes.types import RobotSpec, Verdict

Array = NDArray[np.float64]
GEOMETRIC = ('stop_zone', 'braking', 'slowdown_zone')
"""Rules that obstacles bind."""
CREEP = 0.005
"""Speeds [m/s] of the footprint below which a limited command becomes a stop."""
NOTHING = 1e-6
"""Speeds [m/s] of the footprint below which a command means standing still."""
HORIZON = 3.0
"""Contacts later than this [s] are not looked for."""


@dataclass(frozen=True)
class _Scene:
    """What one judgement looks at."""

    rules: SafetyRules
    robot: RobotSpec
    body: Body
    points: Array
    """Present base_link [m], shape (N, 2)."""
    origin: NDArray[np.intp]
    """Index of the source of each point, shape (N,)."""
    gauge: Array
    """Level of each point [m], shape (N,)."""
    tau: Array
    """Reaction time for each point [s], age of its data included, shape (N,)."""
    grown: float
    """What hysteresis adds to margins [m]."""


def judge(rules: SafetyRules, robot: RobotSpec, state: RobotState,
          sources: Sequence[PointSource], command: Array, *,
          previous: Verdict | None = None, override: bool = False) -> Verdict:
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
    """
    command = np.asarray(command, float)
    halt = _refused(rules, state, sources, command)
    if halt is not None:
        return halt
    wanted = _within_limits(robot, command)
    clipped = not np.array_equal(wanted, command)
    motion = motion_of(wanted, body_of(robot.footprint), robot, rules.braking.deceleration)
    if motion.speed < NOTHING:
        return _verdict(np.zeros(3), 'stop' if clipped else 'pass', 'limits' if clipped else '',
                        '', np.inf, np.inf, 'the robot may not reverse' if clipped else 'at rest')
    if override:
        return _overriding(rules, motion)
    scene = _look(rules, robot, state, sources, previous)
    tests, gap_time = _tests(scene, motion, np.asarray(state.velocity, float))
    worst = _strictest(scene, np.min(tests, axis=0), 1.0)
    if worst is None:
        reason = f'command {_words(command)} is beyond the limits of the robot' if clipped else ''
        return _verdict(wanted, 'limit' if clipped else 'pass', 'limits' if clipped else '', '',
                        motion.speed * gap_time, gap_time, reason or 'the way is clear')
    return _bound(scene, motion, tests, worst, gap_time, sources)


def _refused(rules: SafetyRules, state: RobotState, sources: Sequence[PointSource],
             command: Array) -> Verdict | None:
    def stop(rule: str, source: str, reason: str) -> Verdict:
        return _verdict(np.zeros(3), 'stop', rule, source, 0.0, 0.0, reason)

    problem = command_problem(command)
    if problem:
        return stop('command', '', f'the command is refused: {problem}')
    velocity = np.asarray(state.velocity, float)
    if velocity.shape != (3,) or not np.isfinite(velocity).all():
        return stop('velocity', '', f'the velocity is unknown: {velocity.tolist()}')
    problem = age_problem(rules.source, state.age)
    if problem:
        return stop('velocity', '', f'the velocity {problem}')
    if not sources:
        return stop('source', '', 'there is no sensor source')
    for source in sources:
        problem = refusal(rules.source, source)
        if problem:
            return stop('source', source.name, f"source '{source.name}' cannot be used: {problem}")
    return None


def _within_limits(robot: RobotSpec, command: Array) -> Array:
    """Scale a command into the robot's limits, its curvature kept."""
    vx, vy, w = (float(c) for c in command)
    pairs = ((np.hypot(vx, vy), robot.max_speed), (-vx, robot.max_reverse_speed),
             (abs(w), robot.max_turn_rate))
    over = max((value / limit if limit > 0 else np.inf)
               for value, limit in (*pairs, (1e-9, 1.0)) if value > 0)
    return command if over <= 1 + 1e-6 else np.asarray(command / over)


def _overriding(rules: SafetyRules, motion: Motion) -> Verdict:
    s = min(1.0, rules.command.override_speed / max(motion.speed, 1e-9))
    return _verdict(motion.twist * s, 'limit' if s < 1 else 'pass', 'override', '', np.inf, np.inf,
                    'zones and braking are suspended by an override')


def _look(rules: SafetyRules, robot: RobotSpec, state: RobotState,
          sources: Sequence[PointSource], previous: Verdict | None) -> _Scene:
    body = body_of(robot.footprint)
    counts = [len(s.points_base) for s in sources]
    ages = [max(s.age, 0.0) for s in sources]
    velocity = np.asarray(state.velocity, float)
    points = np.concatenate([
        shifted(np.asarray(s.points_base, float), velocity, age)
        for s, age in zip(sources, ages, strict=True)])
    grown = previous is not None and previous.rule in GEOMETRIC
    return _Scene(rules, robot, body, points, np.repeat(np.arange(len(sources)), counts),
                  body.gauge(points), np.repeat(ages, counts) + reaction_time(rules, robot),
                  rules.hysteresis if grown else 0.0)


def _tests(scene: _Scene, motion: Motion, velocity: Array) -> tuple[Array, float]:
    """
    Judge all points: the slowdown zone, the commanded arc, the motion that goes on meanwhile.

    :return: part of the command that each test allows for each point, shape (3, N), and the time
        [s] until the footprint itself meets a point.
    """
    rules = scene.rules
    keep = keeping(rules.escape.clearance, scene.gauge, scene.body)
    drifts = _drifts(scene, motion, velocity)
    tau = float(scene.tau.max(initial=0.0))
    brake = tau + motion.brake_time
    wide = np.full(len(keep), rules.braking.margin + scene.grown)
    sweeps = [
        Sweep(motion, np.zeros(len(keep)), HORIZON),
        Sweep(motion, wide, brake, rules.braking.other_speed * brake),
        Sweep(motion, keep, max(brake, rules.escape.distance / motion.speed)),
        *(Sweep(drift.motion, keep, tau + drift.motion.brake_time) for drift in drifts),
    ]
    contact, ahead, escape, *drifting = contact_times(scene.body, scene.points, sweeps)
    limit = np.ones(len(keep))
    for drift, times in zip(drifts, drifting, strict=True):
        limit = np.minimum(limit, _along_drift(scene, motion, drift, times))
    worst = _strictest(scene, contact, np.inf)
    return (np.stack((_in_slowdown(scene, motion), _along_command(scene, motion, ahead, escape),
                      limit)), np.inf if worst is None else float(contact[worst]))


def _in_slowdown(scene: _Scene, motion: Motion) -> Array:
    zone, body = scene.rules.slowdown_zone, scene.body
    offsets = slowdown_offsets(body, zone.margin + scene.grown,
                               slowdown_way(scene.rules, motion.twist))
    inside = (scene.points @ body.normals.T <= offsets).all(axis=1)
    return np.where(inside, zone.ratio, 1.0)


def _along_command(scene: _Scene, motion: Motion, ahead: Array, escape: Array) -> Array:
    """
    Braking rule and stop zone on the commanded arc, or an escape where that allows more.

    :param ahead: time to contact with the footprint grown by the margin [s], shape (N,).
    :param escape: time until a point comes too near for an escape [s], shape (N,).
    """
    rules, still = scene.rules, np.zeros(len(ahead))
    closing = closing_ratio(motion, scene.points, rules.braking.other_speed)
    allowed = allowed_scale(ahead, scene.tau, motion.brake_time, closing)
    allowed[scene.gauge < rules.stop_zone.margin + scene.grown] = 0.0
    creeping = np.minimum(allowed_scale(escape, scene.tau, motion.brake_time, still),
                          rules.escape.speed / motion.speed)
    creeping[escape * motion.speed < rules.escape.distance] = 0.0
    return np.maximum(allowed, creeping)


class _Drift(NamedTuple):
    """A motion that goes on whatever is commanded now."""

    motion: Motion
    known: float
    """Part of the reaction time [s] that does not count for it."""
    gain: float
    """How strongly the command falls below the allowed speed."""


def _drifts(scene: _Scene, motion: Motion, velocity: Array) -> list[_Drift]:
    """
    List what the robot does until it brakes: its present motion, and what becomes of it.

    Where the present motion is faster than the way ahead allows, the command falls below the
    allowed speed by as much as the robot is above it (gain 2), so that a sluggish drive brakes
    harder. The second motion lies between the present one and the command, as far as the drive
    gets before the next verdict takes effect; it rests on the whole command, not on what is let
    through of it, so that it depends on no other point.
    """
    rules, robot = scene.rules, scene.robot
    linear = max(robot.acceleration, robot.deceleration)
    steps = reaction_time(rules, robot) * np.array([linear, linear, robot.turn_acceleration])
    change = motion.twist - velocity
    part = float(np.min(steps / np.maximum(np.abs(change), steps)))
    drifts = [_Drift(_motion(scene, velocity), rules.command.period, 2.0),
              _Drift(_motion(scene, velocity + part * change), 0.0, 1.0)]
    drifts += [drift._replace(motion=way) for drift in drifts
               for way in _off_the_arc(scene, drift.motion)]
    return [drift for drift in drifts if drift.motion.speed >= rules.standstill]


def _off_the_arc(scene: _Scene, motion: Motion) -> list[Motion]:
    """
    Return the mean twist of a stop in which turning and travel each brake as hard as they can.

    Empty where its way differs less from the arc than the clearance that is kept anyway.
    """
    robot, twist = scene.robot, motion.twist
    tau = reaction_time(scene.rules, robot)
    v, w = float(np.hypot(twist[0], twist[1])), abs(float(twist[2]))
    brake = min(robot.deceleration, scene.rules.braking.deceleration)
    whole = tau + motion.brake_time / 2
    travel, turn = tau + v / brake / 2, tau + w / robot.turn_acceleration / 2
    if abs(travel - turn) * w * v * whole / 2 < scene.rules.escape.clearance:
        return []
    mean = twist * np.array([travel, travel, turn]) / whole
    return [Motion(mean, motion.speed, motion.brake_time)]


def _along_drift(scene: _Scene, motion: Motion, drift: _Drift, times: Array) -> Array:
    """Part of the command that still lets the robot stop from a drift, shape (N,)."""
    still = np.zeros(len(times))
    allowed = allowed_scale(times, scene.tau - drift.known, drift.motion.brake_time, still)
    cap = np.maximum(drift.gain * allowed - (drift.gain - 1.0), 0.0)
    cap = np.minimum(cap * drift.motion.speed / motion.speed, 1.0)
    return np.where(allowed < 1.0, cap, 1.0)


def _motion(scene: _Scene, twist: Array) -> Motion:
    return motion_of(twist, scene.body, scene.robot, scene.rules.braking.deceleration)


def _strictest(scene: _Scene, values: Array, free: float) -> int | None:
    """
    Index of the point that binds: of each source the min_points-th lowest, of these the lowest.

    None where no source has that many values below `free`. Another point never raises the value.
    """
    k, best, index = scene.rules.source.min_points, np.inf, None
    limiting = values < free
    for source in np.unique(scene.origin[limiting]):
        mine = np.flatnonzero(limiting & (scene.origin == source))
        if len(mine) >= k:
            candidate = int(mine[np.argpartition(values[mine], k - 1)[k - 1]])
            if values[candidate] < best:
                best, index = float(values[candidate]), candidate
    return index


def _bound(scene: _Scene, motion: Motion, tests: Array, worst: int, gap_time: float,
           sources: Sequence[PointSource]) -> Verdict:
    """Verdict on a command that the point `worst` limits."""
    s = float(tests[:, worst].min())
    s = 0.0 if s * motion.speed < CREEP else s
    inside = scene.gauge[worst] < scene.rules.stop_zone.margin + scene.grown
    zone_only = tests[0, worst] <= tests[1:, worst].min()
    rule = 'slowdown_zone' if zone_only else 'stop_zone' if inside else 'braking'
    action = 'stop' if s == 0.0 else 'slowdown' if zone_only else 'limit'
    x, y = scene.points[worst]
    source = sources[int(scene.origin[worst])].name
    where = (f"point of '{source}' {abs(x):.2f} m {'ahead' if x >= 0 else 'behind'}, "
             f"{abs(y):.2f} m {'left' if y >= 0 else 'right'} of base_link")
    what = {'slowdown_zone': 'is in the slowdown zone', 'stop_zone': 'is in the stop zone',
            'braking': 'is too near to stop for'}[rule]
    reason = f'{where} {what}: {_words(motion.twist * s)} of {_words(motion.twist)} let through'
    return _verdict(motion.twist * s, action, rule, source, motion.speed * gap_time, gap_time,
                    reason)


def _words(twist: Array) -> str:
    return f'({twist[0]:.2f} m/s, {twist[1]:.2f} m/s, {twist[2]:.2f} rad/s)'


def _verdict(command: Array, action: str, rule: str, source: str, margin: float,
             time_to_collision: float, reason: str) -> Verdict:
    vx, vy, w = (float(c) + 0.0 for c in command)
    return Verdict((vx, vy, w), action, rule, source, float(margin), float(time_to_collision),
                   reason)
