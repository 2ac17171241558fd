"""
Zones of a user's own around the safety core: they lower what it lets through, and never raise it.

Each point gives, for each zone, the part of the command that this zone would leave (a scale in
[0, 1]); the min_points-th lowest binds the zone, the lowest of all zones and the core the command.
So another point, another zone or another order of zones never raises the speed. Unlike Nav2's
zones these are closed (their border is in), follow exact arcs, count every sub-zone that covers
the command or the measured velocity, and stop the robot where a shape is missing or none covers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
import math

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.body import body_of
from synth_nodes.safety.braking import contact_times, keeping, LEVEL_STEP, Motion, motion_of, Sweep
from synth_nodes.safety.core import CREEP, judge, NOTHING
from synth_nodes.safety.nav2 import limit_scale
from synth_nodes.safety.nav2_zones import UserZone
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.sources import PointSource, RobotState, shifted
from synth_nodes.safety.zone_shapes import circle_times, in_circle, in_polygon, polygon_times
from synth_nodes.types import RobotSpec, Verdict

Array = NDArray[np.float64]
UNSOUND = ('command', 'velocity', 'source')
"""Rules of the core after which there is nothing left to look at."""
SLACK = 1e-6
"""How far beyond a sub-zone's range a velocity may lie, for rounding."""
_STRENGTH = {'stop': 0, 'approach': 1, 'slowdown': 2, 'limit': 3}


@dataclass(frozen=True)
class Held:
    """What a zone remembers while it acts, or is about to."""

    scale: float
    """Part of the command that it leaves; 1 while it does not act yet."""
    hits: int
    """Cycles in a row with enough points."""
    misses: int
    """Cycles in a row with too few."""
    since: float
    """Time of the last cycle with enough points [s]."""


@dataclass(frozen=True)
class ZoneOutcome:
    """A verdict with zones, and what the next one needs to know."""

    verdict: Verdict
    core: Verdict
    """What the core alone says."""
    detections: tuple[str, ...] = ()
    """Zones with action 'none' that hold enough points."""
    held: Mapping[str, Held] = field(default_factory=dict)
    """What each zone remembers; none that does nothing."""


@dataclass(frozen=True)
class _Scene:
    rules: SafetyRules
    robot: RobotSpec
    velocity: Array
    motion: Motion
    points: Array
    """Present base_link [m], shape (N, 2)."""
    names: tuple[str, ...]
    origin: NDArray[np.intp]
    """Index of each point's source, shape (N,)."""


@dataclass(frozen=True)
class _Bound:
    """What a zone does to the command."""

    scale: float
    zone: UserZone
    source: str
    reason: str
    urgent: bool = False
    """Whether it acts at once, whatever the zone waits for."""


def judge_with_zones(rules: SafetyRules, robot: RobotSpec, state: RobotState,
                     sources: Sequence[PointSource], command: Array,
                     zones: Sequence[UserZone], *, previous: Verdict | None = None,
                     held: Mapping[str, Held] | None = None, now: float = 0.0) -> ZoneOutcome:
    """
    Judge a command by the core and by a user's zones; the strictest wins.

    Pure. Arguments as for :func:`synth_nodes.safety.core.judge`. With no zones the verdict is the
    core's. `margin` and `time_to_collision` are the core's, those of the footprint.

    :param zones: in any order.
    :param previous: what the core said before, for its hysteresis.
    :param held: what the zones remembered before, for theirs.
    :param now: present time on the monitor's clock [s], for `hold_time`.
    """
    core = judge(rules, robot, state, sources, command, previous=previous)
    command = np.asarray(command, float)
    held = held or {}
    if core.rule in UNSOUND or not zones:
        return ZoneOutcome(core, core, (), held if zones else {})
    motion = motion_of(command, body_of(robot.footprint), robot, rules.braking.deceleration)
    if motion.speed < NOTHING:
        motion = replace(motion, twist=np.zeros(3))
    scene = _look(rules, robot, state, sources, motion)
    bounds, detections, keep = [], [], {}
    for zone in zones:
        if not zone.enabled:
            continue
        bound = _bind(scene, zone)
        if zone.action == 'none':
            detections += [zone.name] if bound else []
            continue
        bound, kept = _hold(zone, bound, held.get(zone.name), now)
        if bound is not None:
            bounds.append(bound)
        if kept is not None:
            keep[zone.name] = kept
    best = min(bounds, key=lambda b: (b.scale, _STRENGTH[b.zone.action], b.zone.name),
               default=None)
    verdict = core if best is None else _strictest(core, motion, best)
    return ZoneOutcome(verdict, core, tuple(sorted(detections)), keep)


def _look(rules: SafetyRules, robot: RobotSpec, state: RobotState,
          sources: Sequence[PointSource], motion: Motion) -> _Scene:
    velocity = np.asarray(state.velocity, float)
    points = [shifted(np.asarray(s.points_base, float), velocity, max(s.age, 0.0))
              for s in sources]
    return _Scene(rules, robot, velocity, motion, np.concatenate(points),
                  tuple(s.name for s in sources),
                  np.repeat(np.arange(len(sources)), [len(p) for p in points]))


def _bind(scene: _Scene, zone: UserZone) -> _Bound | None:
    """Ask what a zone does to the command; None where too few points are in it."""
    problem = _shape_problem(scene, zone)
    if problem:
        return None if zone.action == 'none' else _Bound(0.0, zone, '', problem, True)
    index = np.flatnonzero([zone.sources is None or n in zone.sources for n in scene.names])
    mine = np.flatnonzero(np.isin(scene.origin, index))
    need = max(1 if zone.min_points is None else zone.min_points, 1)
    scales = _scales(scene, zone, scene.points[mine])
    hit = np.flatnonzero(scales < np.inf)
    if len(hit) < need:
        return None
    worst = int(hit[np.argsort(scales[hit], kind='stable')[need - 1]])
    scale, point = float(scales[worst]), scene.points[mine[worst]]
    source = scene.names[int(scene.origin[mine[worst]])]
    where = (f"point of '{source}' {abs(point[0]):.2f} m "
             f"{'ahead' if point[0] >= 0 else 'behind'}, {abs(point[1]):.2f} m "
             f"{'left' if point[1] >= 0 else 'right'} of base_link")
    what = 'will be' if zone.action == 'approach' and scale > 0.0 else 'is'
    return _Bound(scale, zone, source, f"{where} {what} in zone '{zone.name}'")


def _shape_problem(scene: _Scene, zone: UserZone) -> str:
    if not zone.shape_known:
        return f"zone '{zone.name}' has no shape yet"
    if zone.shape == 'velocity_polygon' and not any(
            part.covers(scene.motion.twist, zone.holonomic, SLACK) for part in zone.sub_zones):
        vx, vy, w = scene.motion.twist
        return (f"zone '{zone.name}' has no sub-zone for the command ({vx:.2f} m/s, {vy:.2f} m/s, "
                f'{w:.2f} rad/s)')
    return ''


def _scales(scene: _Scene, zone: UserZone, points: Array) -> Array:
    """Part of the command that each point leaves, shape (N,); inf where it is not concerned."""
    twist, shapes = scene.motion.twist, _shapes(scene, zone)
    if zone.action == 'approach':
        times = np.min([circle_times(points, twist, s) if isinstance(s, float)
                        else polygon_times(points, twist, s) for s in shapes], axis=0)
        horizon = max(zone.time_before_collision, 1e-9)
        ahead = np.where(times <= horizon, np.minimum(times / horizon, 1.0), np.inf)
        return _escaping(scene, points, times <= 0.0, ahead)
    inside = np.any([in_circle(points, s) if isinstance(s, float) else in_polygon(points, s)
                     for s in shapes], axis=0)
    if zone.action == 'stop':
        return _escaping(scene, points, inside, np.full(len(points), np.inf))
    left = {'slowdown': min(zone.slowdown_ratio, 1.0), 'none': 1.0,
            'limit': limit_scale(zone, twist)}[zone.action]
    return np.where(inside, left, np.inf)


def _shapes(scene: _Scene, zone: UserZone) -> list[Array | float]:
    """Outlines, each (E, 2), that a zone has now, or the radius of its circle; at least one."""
    if zone.shape == 'circle' and zone.radius is not None:
        return [zone.radius]
    if zone.corners is not None:
        return [zone.corners]
    return [part.corners for part in zone.sub_zones
            if part.covers(scene.motion.twist, zone.holonomic, SLACK)
            or part.covers(scene.velocity, zone.holonomic, SLACK)]


def _escaping(scene: _Scene, points: Array, inside: NDArray[np.bool_], others: Array) -> Array:
    """Scales, shape (N,), with those of the points inside replaced by what an escape leaves."""
    out = others.copy()
    if inside.any():
        out[inside] = _escape(scene, points[inside])
    return np.asarray(out)


def _escape(scene: _Scene, points: Array) -> Array:
    """
    Part of the command, shape (N,), that leads away from each point in a zone; 0 if none.

    The point must not come nearer on the way of an escape, and be farther at its end.
    """
    rules, motion = scene.rules.escape, scene.motion
    if motion.speed < NOTHING or rules.speed == 0.0:
        return np.zeros(len(points))
    body = body_of(scene.robot.footprint)
    gauge = body.gauge(points)
    duration = rules.distance / motion.speed
    levels = keeping(math.inf, gauge, body)
    times, = contact_times(body, points, [Sweep(motion, levels, duration)])
    after = body.gauge(shifted(points, motion.twist, duration))
    leaves = (times >= duration) & (after >= gauge + LEVEL_STEP)
    return np.where(leaves, min(rules.speed / motion.speed, 1.0), 0.0)


def _hold(zone: UserZone, bound: _Bound | None, held: Held | None,
          now: float) -> tuple[_Bound | None, Held | None]:
    """Let a zone act after `trigger_after` cycles, and let go after `release_after` and a time."""
    acted = held is not None and held.scale < 1.0
    if bound is not None and bound.scale < 1.0:
        hits = 1 + (held.hits if held is not None else 0)
        if acted or bound.urgent or hits >= zone.trigger_after:
            return bound, Held(bound.scale, hits, 0, now)
        return None, Held(1.0, hits, 0, now)
    if held is None or not acted or zone.action == 'approach':
        return None, None
    misses = held.misses + 1
    if misses >= zone.release_after and not 0.0 <= now - held.since < zone.hold_time:
        return None, None
    reason = f"zone '{zone.name}' holds on, {misses} cycles after its last points"
    return _Bound(held.scale, zone, '', reason), Held(held.scale, 0, misses, held.since)


def _strictest(core: Verdict, motion: Motion, bound: _Bound) -> Verdict:
    """Choose between the core's verdict and the strictest zone; of equals the zone."""
    scale = 0.0 if bound.scale * motion.speed < CREEP else bound.scale
    out = motion.twist * scale
    if float(out @ out) > float(np.dot(core.command, core.command)) or not motion.twist.any():
        return core
    vx, vy, w = (float(c) + 0.0 for c in out)
    action = bound.zone.action if scale == 0.0 or bound.zone.action != 'stop' else 'limit'
    reason = (f'{bound.reason}: ({vx:.2f} m/s, {vy:.2f} m/s, {w:.2f} rad/s) of '
              f'({motion.twist[0]:.2f} m/s, {motion.twist[1]:.2f} m/s, '
              f'{motion.twist[2]:.2f} rad/s) let through')
    return replace(core, command=(vx, vy, w), action='stop' if scale == 0.0 else action,
                   rule=bound.zone.name, source=bound.source, reason=reason)
