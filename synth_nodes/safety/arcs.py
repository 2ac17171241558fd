"""What each point allows of the command's own arc: braking rule, stop zone, escape, slowdown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.braking import allowed_scale, closing_ratio, keeping, paces
from synth_nodes.safety.rows import Robots, Rows
from synth_nodes.safety.rules import reaction_time
from synth_nodes.safety.sweep import meetings, on_ring, rings_of

Array = NDArray[np.float64]
HORIZON = 3.0
"""Contacts later than this [s] are not looked for."""


@dataclass(frozen=True)
class Arcs:
    """The commanded arcs of B robots."""

    robots: Robots
    speed: Array
    """Of the fastest part of the footprint [m/s], shape (B,)."""
    travel: Array
    """Speed of base_link [m/s], shape (B,)."""
    brake_time: Array
    """From full command to standstill [s], shape (B,)."""
    tau: Array
    """Reaction time [s], the age of the oldest data included, shape (B,)."""

    @property
    def creep(self) -> Array:
        """Part of each command at which its fastest part moves at escape speed, shape (B,)."""
        return np.minimum(
            1.0, self.robots.rules.escape.speed / np.maximum(self.speed, 1e-9))

    def radius(self, level: Array | float) -> Array:
        """Radius [m] that holds the footprint at a level [m]."""
        body = self.robots.body
        return np.asarray(body.radius + body.stretch * np.maximum(level, 0.0))

    def reach(self) -> Array:
        """Radius [m] beyond which no point concerns a robot's commanded arc, shape (B,)."""
        rules, command = self.robots.rules, self.robots.command
        wide = self.radius(rules.braking.margin + self.robots.grown)
        fast = self.travel + np.abs(command[:, 2]) * wide
        whole = self.tau + self.brake_time
        braking = wide + fast * whole + rules.braking.other_speed * whole
        way = self.travel * rules.slowdown_zone.time
        slow = self.radius(rules.slowdown_zone.margin + self.robots.grown + way)
        near = self.radius(max(rules.stop_zone.margin + float(self.robots.grown.max(initial=0.0)),
                               rules.escape.clearance))
        reach = np.maximum(np.maximum(braking, slow), self.radius(0.0) + self.speed * HORIZON)
        return np.maximum(reach, near + rules.escape.distance)

    def entry(self, rows: Rows, levels: Array) -> Array:
        """Find when [s] the footprint's levels, shape (L, M), meet the points, shape (L, M)."""
        body = self.robots.body
        corners = body.corners.T[..., None, None] + body.mitres.T[..., None, None] * levels
        return meetings(np.array((rows.x, rows.y)), rows.each(self.robots.command.T), corners)


def arcs_of(robots: Robots, kind: type[Arcs] = Arcs) -> Arcs:
    """Describe the commands of robots."""
    speed, brake_time = paces(robots.command, robots.body, robots.robot,
                              robots.rules.braking.deceleration)
    travel = np.hypot(robots.command[:, 0], robots.command[:, 1])
    return kind(robots, speed, travel, brake_time,
                robots.age + reaction_time(robots.rules, robots.robot))


def edge_levels(robots: Robots, rows: Rows) -> Array:
    """How far each point lies beyond the line of each edge [m], shape (E, M)."""
    n = robots.body.normals
    levels = n[:, :1] * rows.x
    levels += n[:, 1:] * rows.y
    levels -= robots.body.offsets[:, None]
    return np.asarray(levels)


def in_slowdown(arcs: Arcs, rows: Rows, levels: Array) -> Array:
    """Part of the command that the slowdown zone leaves, shape (M,)."""
    zone, n = arcs.robots.rules.slowdown_zone, arcs.robots.body.normals
    if zone.ratio == 1.0:
        return np.ones(len(rows.x))
    way = arcs.robots.command[:, :2].T * zone.time
    stretch = zone.margin + arcs.robots.grown + np.maximum(n[:, :1] * way[0] + n[:, 1:] * way[1],
                                                           0.0)
    inside = (levels <= rows.each(stretch)).all(axis=0) & ~rows.unseen
    return np.where(inside, zone.ratio, 1.0)


def along_arc(arcs: Arcs, rows: Rows, gauge: Array) -> tuple[Array, Array]:
    """
    Braking rule and stop zone on the commanded arc.

    :param gauge: present level of each point [m], shape (M,).
    :return: part of the command that is allowed, and time [s] until the footprint itself meets
        the point if the command is kept, both shape (M,).
    """
    robots, rules = arcs.robots, arcs.robots.rules
    wide = rules.braking.margin + robots.grown
    rings = rings_of(robots.command, robots.body.level(wide))
    index = on_ring(rows.x, rows.y, rows.each(rings)).nonzero()[0]
    allowed, contact = np.ones(len(rows.x)), np.full(len(rows.x), np.inf)
    if len(index):
        near = rows.take(index)
        levels = np.where(near.unseen, 0.0, near.each(wide))
        times = arcs.entry(near, np.array((levels, np.zeros(len(index)))))
        closing = closing_ratio(near.each(robots.command.T), near.x, near.y,
                                rules.braking.other_speed)
        tau = near.age + reaction_time(rules, robots.robot)
        allowed[index] = allowed_scale(times[0], tau, near.each(arcs.brake_time), closing)
        contact[index] = np.where(near.unseen | (times[1] > HORIZON), np.inf, times[1])
    zone = rows.each(rules.stop_zone.margin + robots.grown)
    allowed[(gauge < zone) & ~rows.unseen] = 0.0
    return allowed, contact


def escaping(arcs: Arcs, rows: Rows, gauge: Array) -> Array:
    """
    Part of the command that escapes from each point, or passes it, at escape speed; 0 for none.

    :param gauge: present level of each point [m], shape (M,).
    """
    robots, escape = arcs.robots, arcs.robots.rules.escape
    keep = keeping(escape.clearance, gauge, robots.body)
    times, = arcs.entry(rows, keep[None])
    tau = rows.age + reaction_time(robots.rules, robots.robot)
    part = np.minimum(allowed_scale(times, tau, rows.each(arcs.brake_time), 0.0),
                      rows.each(arcs.creep))
    part[times * rows.each(arcs.speed) < escape.distance] = 0.0
    return np.asarray(part)
