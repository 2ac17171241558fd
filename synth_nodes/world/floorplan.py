"""Walls of a generated floor: strips of rooms on both sides of corridors, and doors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WALL = 0.15
"""Thickness of inner walls [m]; outer ones are twice as thick."""
ROOM_WIDTHS = (2.8, 6.5)
"""Narrowest and widest room [m]."""
STRIP = 16.0
"""A corridor for about each so many metres of height."""


@dataclass(frozen=True)
class Style:
    """How walls and rooms are sized; by default as an office."""

    wall: float = WALL
    """Thickness of inner walls [m]."""
    narrowest: float = ROOM_WIDTHS[0]
    widest: float = ROOM_WIDTHS[1]
    """Width of a room along a corridor [m]; twice the narrowest and a wall, or more."""
    strip: float = STRIP
    """A corridor for about each so many metres of height."""


OFFICE = Style()


@dataclass(frozen=True)
class Room:
    """A rectangle of floor [m], between its walls."""

    x0: float
    y0: float
    x1: float
    y1: float
    kind: str
    """'room' or 'corridor'."""


@dataclass(frozen=True)
class Plan:
    """The drawing board: what is building, and what of it is free."""

    free: NDArray[np.bool_]
    """Shape (H, W)."""
    building: NDArray[np.bool_]
    """Shape (H, W): all within the outer walls."""
    resolution: float
    margin: float
    width: float
    height: float

    @classmethod
    def empty(cls, width: float, height: float, resolution: float, margin: float) -> 'Plan':
        """Make a building without any floor yet."""
        shape = (round((height + 2 * margin) / resolution),
                 round((width + 2 * margin) / resolution))
        plan = cls(np.zeros(shape, bool), np.zeros(shape, bool), resolution, margin, width, height)
        plan.building[plan.window(0.0, 0.0, width, height)] = True
        return plan

    def window(self, x0: float, y0: float, x1: float, y1: float) -> tuple[slice, slice]:
        """Cells of a rectangle [m]."""
        j0, i0, j1, i1 = (round((v + self.margin) / self.resolution) for v in (x0, y0, x1, y1))
        return slice(max(i0, 0), max(i1, 0)), slice(max(j0, 0), max(j1, 0))

    def carve(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Make a rectangle [m] free."""
        self.free[self.window(x0, y0, x1, y1)] = True


def draw_plan(plan: Plan, rng: np.random.Generator, style: Style = OFFICE) -> list[Room]:
    """
    Carve corridors, rooms and doors.

    :param style: sizes of walls and rooms.
    :return: all rooms and corridors, every one reachable through doors.
    """
    outer = 2 * WALL
    strips = max(1, round(plan.height / style.strip))
    depth = (plan.height - 2 * outer) / strips
    cross = _cross_corridors(plan, rng, strips)
    rooms = [Room(a, outer, b, plan.height - outer, 'corridor') for a, b in cross]
    blocks = _between(cross, outer, plan.width - outer, style.wall)
    for strip in range(strips):
        low = outer + strip * depth
        high = low + depth - (style.wall if strip < strips - 1 else 0.0)
        wide = rng.uniform(1.8, 2.4)
        middle = (low + high) / 2 + rng.uniform(-0.08, 0.08) * depth
        corridor = Room(
            outer, middle - wide / 2, plan.width - outer, middle + wide / 2, 'corridor')
        rooms.append(corridor)
        for x0, x1 in blocks:
            rooms += _row(plan, rng, style, (x0, x1), (low, corridor.y0 - style.wall),
                          corridor.y0)
            rooms += _row(plan, rng, style, (x0, x1), (corridor.y1 + style.wall, high),
                          corridor.y1)
    for room in rooms:
        plan.carve(room.x0, room.y0, room.x1, room.y1)
    return rooms


def _cross_corridors(
        plan: Plan, rng: np.random.Generator, strips: int) -> list[tuple[float, float]]:
    if strips == 1 and plan.width < 18.0:
        return []
    count = max(1, round(plan.width / 40.0))
    out = []
    for k in range(count):
        wide = rng.uniform(1.8, 2.4)
        centre = plan.width * (k + rng.uniform(0.3, 0.7)) / count
        out.append((centre - wide / 2, centre + wide / 2))
    return out


def _between(
        gaps: list[tuple[float, float]], low: float, high: float,
        wall: float) -> list[tuple[float, float]]:
    edges = [low] + [e for a, b in gaps for e in (a - wall, b + wall)] + [high]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a >= 2.0]


def _row(
    plan: Plan,
    rng: np.random.Generator,
    style: Style,
    span: tuple[float, float],
    sides: tuple[float, float],
    corridor_edge: float,
) -> list[Room]:
    """Lay rooms side by side along a corridor, with their doors."""
    edges = _split(rng, style, *span)
    rooms = [Room(a, sides[0], b, sides[1], 'room') for a, b in edges]
    y0, y1 = sorted((corridor_edge, sides[1] if corridor_edge > sides[1] else sides[0]))
    for k, room in enumerate(rooms):
        wide = room.x1 - room.x0
        if wide > 4.5 and rng.random() < 0.15:
            low, high = _opening(rng, room.x0, room.x1, 0.5 * wide)
            plan.carve(low, y0, high, y1)
        else:
            doors = 2 if wide > 5.5 and rng.random() < 0.4 else 1
            for d in range(doors):
                low, high = _opening(
                    rng, room.x0 + wide * d / doors, room.x0 + wide * (d + 1) / doors,
                    rng.uniform(1.0, 1.3))
                plan.carve(low, y0, high, y1)
        if k and rng.random() < 0.25:
            low, high = _opening(rng, room.y0, room.y1, rng.uniform(1.0, 1.3))
            plan.carve(room.x0 - style.wall, low, room.x0, high)
    return rooms


def _split(rng: np.random.Generator, style: Style, low: float,
           high: float) -> list[tuple[float, float]]:
    """Cut a length into rooms with walls between."""
    out = []
    while high - low > style.widest:
        longest = min(style.widest, high - low - style.narrowest - style.wall)
        wide = rng.uniform(style.narrowest, max(longest, style.narrowest))
        out.append((low, low + wide))
        low += wide + style.wall
    out.append((low, high))
    return out


def _opening(
        rng: np.random.Generator, low: float, high: float, wide: float) -> tuple[float, float]:
    """Choose an opening somewhere in an edge, away from its corners."""
    wide = min(wide, high - low - 0.3)
    at = rng.uniform(low + 0.15, high - 0.15 - wide)
    return at, at + wide
