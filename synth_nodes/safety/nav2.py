"""
What Nav2's Collision Monitor would do with a command.

A reading of its published semantics, for comparison: where it fails open, so does this. Facts
from nav2_collision_monitor (collision_monitor_node.cpp, source.cpp, polygon_source.cpp,
velocity_polygon.cpp) on main (commit a3a97043) and jazzy (commit f4108e5b). Where the two differ,
main is followed: counts of consecutive cycles, and exclusion zones, exist there alone.

What rests on time between commands is left out: zeros that cease after `stop_pub_timeout`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
import functools
import math

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.nav2_motion import collision_time
from synth_nodes.safety.nav2_zones import inside_circle, inside_polygon, MIN_POINTS, UserZone
from synth_nodes.safety.observed import nav2_points, Observed
from synth_nodes.types import Verdict

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
INVALID_SOURCE = 'invalid source'
"""Name that Nav2 gives a stop for want of data."""


@dataclass(frozen=True)
class Trigger:
    """How long a zone has had enough points, or too few."""

    hits: int = 0
    misses: int = 0
    active: bool = False


@dataclass(frozen=True)
class Memory:
    """What Nav2 carries from one command to the next; empty after its start."""

    outlines: Mapping[str, Array] = field(default_factory=dict)
    """Last outline chosen for each velocity polygon."""
    triggers: Mapping[str, Trigger] = field(default_factory=dict)
    emptied: frozenset[str] = frozenset()
    """Polygon sources whose data was dropped for its age."""


@dataclass(frozen=True)
class Outcome:
    """What Nav2 does."""

    verdict: Verdict
    """Its action is 'ignored', its command NaN, where Nav2 publishes nothing."""
    memory: Memory
    detections: tuple[str, ...] = ()
    """Zones with action 'none' that hold enough points."""


@dataclass(frozen=True)
class _Scene:
    """The points that zones look at."""

    names: tuple[str, ...]
    points: tuple[Array, ...]

    def seen_by(self, zone: UserZone) -> tuple[Array, list[str]]:
        """Points, shape (N, 2), of the sources that count, and the name of each one's source."""
        chosen = [(name, points) for name, points in zip(self.names, self.points, strict=True)
                  if zone.sources is None or name in zone.sources]
        names = [name for name, points in chosen for _ in range(len(points))]
        return np.concatenate([np.zeros((0, 2)), *(points for _, points in chosen)]), names


def nav2_judge(zones: Sequence[UserZone], observed: Sequence[Observed], command: Array, *,
               enabled: bool = True, memory: Memory | None = None) -> Outcome:
    """
    Give what Nav2 would make of a command.

    An enabled source without data, invalid, or older than its timeout stops the robot, even where
    the monitor is switched off; with a timeout of 0 it does not, and counts as empty. Data from
    the future is fresh. A disabled source is empty. Then each zone, in order, proposes a velocity:
    0, ratio * command, the command scaled into limits, or time / time_before_collision * command.
    A proposal replaces the best so far only if vx^2 + vy^2 + w^2 is lower, so the first of equals
    stays; a stop zone replaces any and ends the search. A zone whose shape is not known is
    passed over.

    :param command: vx, vy [m/s], w [rad/s] in base_link, shape (3,).
    :param memory: what was carried over; None after a start.
    """
    memory = Memory() if memory is None else memory
    command = np.asarray(command, float)
    if not np.isfinite(command).all():
        return Outcome(_verdict((math.nan,) * 3, 'ignored', 'command', '',
                                'the command is not finite: Nav2 publishes nothing'), memory)
    bad, memory = _bad_source(observed, memory)
    if bad:
        return Outcome(_verdict((0.0,) * 3, 'stop', INVALID_SOURCE, bad[0],
                                f"source '{bad[0]}' {bad[1]}"), memory)
    best = _verdict(command, 'pass', '', '', 'no zone acts')
    if not enabled:
        return Outcome(replace(best, reason='the monitor is switched off'), memory)
    active = [o for o in observed if o.enabled and not _dropped(o)]
    scene = _Scene(tuple(o.name for o in active), tuple(nav2_points(o) for o in active))
    detections = []
    for zone in zones:
        if not zone.enabled:
            continue
        corners, memory = _outline(zone, command, memory)
        if corners is None and zone.radius is None:
            continue
        proposal, memory = _propose(zone, corners, scene, command, memory)
        if proposal is None:
            continue
        if zone.action == 'none':
            detections.append(zone.name)
        elif zone.action == 'stop':
            return Outcome(proposal, memory, tuple(detections))
        elif _size(proposal.command) < _size(best.command):
            best = proposal
    return Outcome(best, memory, tuple(detections))


def _bad_source(observed: Sequence[Observed],
                memory: Memory) -> tuple[tuple[str, str] | None, Memory]:
    """Find the first source that stops the robot, and why."""
    for o in observed:
        timeout, problem = o.setup.timeout, ''
        if not o.enabled:
            continue
        if o.age is None or math.isnan(o.age):
            problem = 'has given no data yet'
        elif not o.valid:
            problem = f'is not valid{": " if o.reason else ""}{o.reason}'
        elif o.setup.kind == 'polygon':
            # Old polygons are dropped first; only in the next cycle does their lack count.
            emptied = o.age > timeout
            if emptied and o.name in memory.emptied:
                problem = 'has lost its data for its age'
            names = memory.emptied | {o.name} if emptied else memory.emptied - {o.name}
            memory = replace(memory, emptied=names)
        elif o.age > timeout:
            problem = f'is {o.age:.2f} s old, more than {timeout:.2f} s'
        if problem and timeout != 0.0:
            return (o.name, problem), memory
    return None, memory


def _dropped(o: Observed) -> bool:
    """Whether a source that does not stop the robot gives no points for all that."""
    missing = o.age is None or math.isnan(o.age) or not o.valid
    return missing or (o.setup.kind == 'polygon' and o.age is not None
                       and o.age > o.setup.timeout)


def _outline(zone: UserZone, command: Array, memory: Memory) -> tuple[Array | None, Memory]:
    """Corners of a zone, shape (E, 2): of the first sub-zone that covers, else the last chosen."""
    if zone.shape != 'velocity_polygon':
        return zone.corners, memory
    for part in zone.sub_zones:
        if part.covers(command, zone.holonomic):
            outlines = {**memory.outlines, zone.name: part.corners}
            return part.corners, replace(memory, outlines=outlines)
    return memory.outlines.get(zone.name), memory


def _propose(zone: UserZone, corners: Array | None, scene: _Scene, command: Array,
             memory: Memory) -> tuple[Verdict | None, Memory]:
    """Velocity that a zone proposes, None where it does not act."""
    points, names = scene.seen_by(zone)
    inside = (functools.partial(inside_polygon, corners=corners) if corners is not None
              else functools.partial(inside_circle, radius=zone.radius or 0.0))
    need = MIN_POINTS if zone.min_points is None else zone.min_points
    if zone.action == 'approach':
        time, hit = collision_time(inside, points, command, need, zone.time_before_collision,
                                   zone.simulation_time_step)
        if time < 0.0 or zone.time_before_collision == 0.0:
            return None, memory
        scale = time / zone.time_before_collision
        reason = f"collision of zone '{zone.name}' in {time:.2f} s"
        return _act(zone, command, scale, names, hit, reason, time), memory
    hit = inside(points)
    enough = bool(hit.sum() >= need)
    if zone.action != 'none':
        trigger = _next(zone, memory.triggers.get(zone.name, Trigger()), enough)
        memory = replace(memory, triggers={**memory.triggers, zone.name: trigger})
        enough = trigger.active
    if not enough:
        return None, memory
    scale = {'stop': 0.0, 'slowdown': zone.slowdown_ratio, 'none': 1.0,
             'limit': limit_scale(zone, command)}[zone.action]
    reason = f"{int(hit.sum())} points in zone '{zone.name}', which acts from {need}"
    return _act(zone, command, scale, names, hit, reason), memory


def limit_scale(zone: UserZone, command: Array) -> float:
    """Part of a command, 0 to 1, that keeps its speed and its turn rate within a zone's limits."""
    speed, turn = math.hypot(command[0], command[1]), abs(float(command[2]))
    scale = 1.0
    if speed != 0.0:
        scale = min(scale, zone.linear_limit / speed)
    if turn != 0.0:
        scale = min(scale, zone.angular_limit / turn)
    return max(scale, 0.0)


def _next(zone: UserZone, trigger: Trigger, hit: bool) -> Trigger:
    if zone.trigger_after == 1 and zone.release_after == 1:
        return replace(trigger, active=hit)
    if hit:
        hits = trigger.hits + 1
        return Trigger(hits, 0, trigger.active or hits >= zone.trigger_after)
    misses = trigger.misses + 1
    return Trigger(0, misses, trigger.active and misses < zone.release_after)


def _act(zone: UserZone, command: Array, scale: float, names: list[str], hit: Flags,
         reason: str, time: float = math.inf) -> Verdict:
    culprits = [names[i] for i in np.flatnonzero(hit)]
    source = max(dict.fromkeys(culprits), key=culprits.count, default='')
    return _verdict(command * scale, zone.action, zone.name, source, reason, time)


def _size(velocity: Sequence[float]) -> float:
    x, y, w = velocity
    return x * x + y * y + w * w


def _verdict(command: Sequence[float] | Array, action: str, rule: str, source: str, reason: str,
             time: float = math.inf) -> Verdict:
    vx, vy, w = (float(c) for c in command)
    # Nav2 knows no gap in metres; -0.0 is written as 0.0.
    return Verdict((vx + 0.0, vy + 0.0, w + 0.0), action, rule, source, math.inf, time, reason)
