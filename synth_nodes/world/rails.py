"""Tracks that carts run on: the painted lines of scenes as polylines with their lengths."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.jit import inline
from synth_nodes.world.people import CartSettings

ROOM = 0.06
"""Kept from walls beside a cart's radius [m]; carts cut gentle bends by less."""
SHARP = 0.87
"""Cosine of the sharpest bend that a cart takes without ending its step in it."""


class Rails(NamedTuple):
    """The tracks of all maps of an atlas."""

    points: NDArray[np.float64]
    """Shape (P, 3): corners x, y [m] in `map`, and the way to each from its track's start [m]."""
    first: NDArray[np.int64]
    """Shape (tracks + 1,): first corner of each track."""
    closed: NDArray[np.bool_]
    """Shape (tracks,): whether a track ends where it starts."""
    of_map: NDArray[np.int64]
    """Shape (maps + 1,): first track of each map."""
    radius: float
    """Of a cart [m]."""
    speed: float
    stops: bool
    gap: float
    patience: float


def build_rails(atlas: MapAtlas, settings: CartSettings) -> Rails:
    """
    Lay tracks along the painted lines of an atlas.

    :raises InputError: when there are carts, but a map has no line or a line leads too near to
        something solid.
    """
    points, first, closed, of_map = [np.zeros((0, 3))], [0], [], [0]
    for m, grid in enumerate(atlas.maps):
        lines = atlas.lines[m] if settings.count else ()
        if settings.count and not lines:
            raise InputError(
                f"carts.count = {settings.count}, but map '{grid.name}' has no painted line for "
                'them to run on; use a scene with lines, or set carts.count to 0')
        for k, line in enumerate(lines):
            corners = np.concatenate(
                (line[:1], line[1:][np.hypot(*np.diff(line, axis=0).T) > 1e-6]))
            way = np.append(0.0, np.cumsum(np.hypot(*np.diff(corners, axis=0).T)))
            _check_room(atlas, m, k, corners, way, settings.radius)
            points.append(np.column_stack((corners, way)))
            first.append(first[-1] + len(corners))
            closed.append(bool(np.hypot(*(corners[-1] - corners[0])) < 1e-6))
        of_map.append(len(closed))
    return Rails(np.concatenate(points), np.array(first, np.int64), np.array(closed, bool),
                 np.array(of_map, np.int64), settings.radius, settings.speed, settings.stops,
                 settings.gap, settings.patience)


def _check_room(atlas: MapAtlas, m: int, k: int, corners: NDArray[np.float64],
                way: NDArray[np.float64], radius: float) -> None:
    """Refuse a line along which a cart would touch something."""
    maps, grid = atlas.drawn.arrays, atlas.maps[m]
    if len(corners) < 2:
        raise InputError(f"line {k} of map '{grid.name}' has no length; carts cannot run on it")
    at = np.append(np.arange(0.0, way[-1], 0.5 * grid.resolution), way[-1])
    dense = np.column_stack([np.interp(at, way, corners[:, axis]) for axis in (0, 1)])
    start, height, width = maps.shape[m]
    cells = np.floor(grid.to_cells(dense)).astype(int) + 1
    inside = ((cells >= 0) & (cells < (width, height))).all(axis=1)
    cells = np.clip(cells, 0, (width - 1, height - 1))
    room = (maps.distance[start + cells[:, 1] * width + cells[:, 0]] - np.sqrt(0.5))
    room = np.where(inside, room * grid.resolution, 0.0)
    if room.min() < radius + ROOM:
        x, y = dense[room.argmin()]
        raise InputError(
            f"line {k} of map '{grid.name}' has {max(room.min(), 0.0):.2f} m of room at "
            f'x={x:.2f} m, y={y:.2f} m, but carts.radius = {radius} m needs '
            f'{radius + ROOM:.2f} m; use smaller carts or another line')


@inline
def point_at(rails: Rails, track: int, along: float) -> tuple[float, float, int]:
    """Find the point [m] in `map` at some way along a track, and the corner before it."""
    low, high = rails.first[track], rails.first[track + 1] - 2
    while low < high:
        middle = (low + high + 1) // 2
        if rails.points[middle, 2] <= along:
            low = middle
        else:
            high = middle - 1
    a, b = rails.points[low], rails.points[low + 1]
    share = min(max((along - a[2]) / (b[2] - a[2]), 0.0), 1.0)
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1]), low


@inline
def advance(rails: Rails, track: int, along: float, way: float) -> tuple[float, bool]:
    """
    Go on along a track, not past a sharp bend nor past the end of an open one.

    :param along: where [m]; way: how far [m], negative towards the start.
    :return: where that leads [m], and whether an end is reached.
    """
    first, last = rails.first[track], rails.first[track + 1] - 1
    length = rails.points[last, 2]
    ahead = 1 if way > 0.0 else -1
    k = point_at(rails, track, along)[2] + (1 if ahead > 0 else 0)
    if ahead < 0 and along <= rails.points[k, 2] + 1e-9:
        k -= 1
    elif ahead > 0 and along >= rails.points[k, 2] - 1e-9:
        k += 1
    end = along + way
    while first < k < last and ahead * (end - rails.points[k, 2]) > 0.0:
        before, here, after = rails.points[k - 1], rails.points[k], rails.points[k + 1]
        ux, uy, vx, vy = (here[0] - before[0], here[1] - before[1], after[0] - here[0],
                          after[1] - here[1])
        if ux * vx + uy * vy < SHARP * np.sqrt((ux * ux + uy * uy) * (vx * vx + vy * vy)):
            return here[2], False
        k += ahead
    if not rails.closed[track]:
        return min(max(end, 0.0), length), end <= 0.0 or end >= length
    if end >= length:
        return 0.0, False
    return (length, False) if end <= 0.0 else (end, False)
