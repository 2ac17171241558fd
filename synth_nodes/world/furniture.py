"""Desks, cabinets, tables, chairs, pillars and boxes for a generated floor."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from synth_nodes.world.floorplan import Plan, Room, WALL

Window = tuple[slice, slice]
Accept = Callable[[NDArray[np.bool_], Window], bool]
"""Draws a piece, given its cells and where they lie, unless that would cut the floor apart."""
SIZES = {'desk': (1.4, 0.7), 'cabinet': (1.0, 0.45), 'shelf': (1.8, 0.4), 'sofa': (1.7, 0.8)}
"""Length along the wall and depth [m] of what stands at walls."""


def furnish(plan: Plan, rooms: list[Room], rng: np.random.Generator, accept: Accept) -> None:
    """
    Put furniture into rooms, and a few things along corridors.

    :param accept: draws a piece into `plan.free`, or refuses it.
    """
    for room in rooms:
        area = (room.x1 - room.x0) * (room.y1 - room.y0)
        if room.kind == 'corridor':
            for _ in range(int(area / 14.0)):
                _at_wall(plan, room, rng, accept, (rng.uniform(0.3, 0.9), rng.uniform(0.25, 0.4)))
            continue
        for _ in range(rng.poisson(area / 7.0)):
            size = SIZES[str(rng.choice(list(SIZES)))]
            _at_wall(plan, room, rng, accept, size)
        for _ in range(rng.poisson(area / 12.0)):
            _table(plan, room, rng, accept)
        for _ in range(rng.poisson(area / 20.0)):
            x, y = _inside(room, rng, 0.5)
            _disc(plan, accept, x, y, rng.uniform(0.12, 0.22))


def _inside(room: Room, rng: np.random.Generator, away: float) -> tuple[float, float]:
    return (float(rng.uniform(room.x0 + away, max(room.x1 - away, room.x0 + away))),
            float(rng.uniform(room.y0 + away, max(room.y1 - away, room.y0 + away))))


def _at_wall(
    plan: Plan,
    room: Room,
    rng: np.random.Generator,
    accept: Accept,
    size: tuple[float, float],
) -> None:
    """Stand a box with its back to one of the walls."""
    long, deep = size
    side = int(rng.integers(4))
    if side < 2:
        x = rng.uniform(room.x0, max(room.x1 - long, room.x0))
        y = room.y0 if side == 0 else room.y1 - deep
        corners = (x, y, x + long, y + deep)
    else:
        y = rng.uniform(room.y0, max(room.y1 - long, room.y0))
        x = room.x0 if side == 2 else room.x1 - deep
        corners = (x, y, x + deep, y + long)
    window = _against(plan, room, side, plan.window(*corners))
    if not _blocks_door(plan, room, window):
        accept(np.ones(plan.free[window].shape, bool), window)


def _against(plan: Plan, room: Room, side: int, window: Window) -> Window:
    """Close the gap of a cell that rounding may have left to the wall."""
    (rows, columns), (own_rows, own_columns) = window, plan.window(
        room.x0, room.y0, room.x1, room.y1)
    if side < 2:
        edges = ((own_rows.start, rows.stop), (rows.start, own_rows.stop))[side]
        return slice(*edges), columns
    edges = ((own_columns.start, columns.stop), (columns.start, own_columns.stop))[side - 2]
    return rows, slice(*edges)


def _blocks_door(plan: Plan, room: Room, window: Window) -> bool:
    """Tell whether floor lies where the wall behind a piece should be: a doorway."""
    rows, columns = window
    reach = max(round(0.5 * WALL / plan.resolution), 1)
    around = (slice(max(rows.start - reach, 0), rows.stop + reach),
              slice(max(columns.start - reach, 0), columns.stop + reach))
    door = plan.free[around].copy()
    own = plan.window(room.x0, room.y0, room.x1, room.y1)
    i0, j0 = around[0].start, around[1].start
    door[max(own[0].start - i0, 0):max(own[0].stop - i0, 0),
         max(own[1].start - j0, 0):max(own[1].stop - j0, 0)] = False
    return bool(door.any())


def _table(plan: Plan, room: Room, rng: np.random.Generator, accept: Accept) -> None:
    """Put a table with chairs somewhere in the room, at any angle."""
    x, y = _inside(room, rng, 1.2)
    if rng.random() < 0.4:
        radius = rng.uniform(0.4, 0.6)
        placed = _disc(plan, accept, x, y, radius)
        reach = (radius, radius)
    else:
        half = (rng.uniform(0.5, 0.9), rng.uniform(0.35, 0.45))
        yaw = float(rng.choice([0.0, np.pi / 2])) + rng.normal(0.0, 0.06)
        placed = _box(plan, accept, x, y, half, yaw)
        reach = half if abs(np.sin(yaw)) < 0.5 else (half[1], half[0])
    if not placed:
        return
    for _ in range(int(rng.integers(0, 4))):
        side = rng.uniform(0.0, 2 * np.pi)
        _disc(plan, accept, x + (reach[0] + 0.3) * np.cos(side),
              y + (reach[1] + 0.3) * np.sin(side), rng.uniform(0.18, 0.24))


def _disc(plan: Plan, accept: Accept, x: float, y: float, radius: float) -> bool:
    window = plan.window(x - radius, y - radius, x + radius, y + radius)
    rows, columns = window
    i = (np.arange(rows.start, rows.stop) + 0.5) * plan.resolution - plan.margin - y
    j = (np.arange(columns.start, columns.stop) + 0.5) * plan.resolution - plan.margin - x
    return accept(np.hypot(i[:, None], j[None, :]) <= radius, window)


def _box(
    plan: Plan, accept: Accept, x: float, y: float, half: tuple[float, float], yaw: float,
) -> bool:
    reach = float(np.hypot(*half))
    window = plan.window(x - reach, y - reach, x + reach, y + reach)
    piece = np.zeros(plan.free[window].shape, np.uint8)
    c, s = np.cos(yaw), np.sin(yaw)
    signs = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)])
    corners = signs * half
    turned = corners @ np.array([[c, s], [-s, c]]) + reach
    cv2.fillConvexPoly(piece, np.round(turned / plan.resolution).astype(np.int32), 1)
    return accept(piece.astype(bool), window)
