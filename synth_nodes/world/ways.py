"""
Ways for people: to each of a few places in a map, the direction to walk from everywhere.

Flow fields over coarse cells instead of a path an actor: they are found once a map and then cost
one look-up a step, however many worlds share the map.
"""

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.world.atlas import AtlasArrays, MapAtlas
from synth_nodes.world.jit import inline, kernel

COARSE = 0.1
"""Wanted side of a coarse cell [m]."""
MARGIN = 0.03
"""Kept from walls beside the body's radius [m]."""
NOWHERE = 255
ARRIVED = 8


class Ways(NamedTuple):
    """Flow fields of all maps of an atlas."""

    flow: NDArray[np.uint8]
    """Shape (places, cells): direction 0 to 7 in steps of 45 deg, ARRIVED or NOWHERE."""
    places: NDArray[np.int32]
    """Shape (maps, places): coarse cell of each place."""
    spawn: NDArray[np.int32]
    """Coarse cells that all places can be reached from, of one map after the other."""
    shape: NDArray[np.int64]
    """Shape (maps, 5): first cell, rows, columns, fine cells to a coarse one, first of spawn."""
    room: NDArray[np.float32]
    """Shape (cells,): least distance [m] from any point of a coarse cell to what is solid."""


def build_ways(atlas: MapAtlas, radius: float, places: int, seed: int) -> Ways:
    """
    Find the ways of a disc.

    Any point of a coarse cell that has a way keeps the disc off every wall.

    :param radius: of the disc [m].
    :param places: how many goals a map has.
    :raises InputError: when a map has no room for such a disc.
    """
    def spread(m: int, spawn: NDArray[np.int32], width: int) -> NDArray[np.int32]:
        return _spread(np.random.default_rng([seed, m]), spawn, width, places)

    return _lay(atlas, radius, spread)


def ways_to(atlas: MapAtlas, radius: float,
            points: NDArray[np.float64]) -> tuple[Ways, NDArray[np.int64]]:
    """
    Find the ways of a disc to given points of the first map of an atlas.

    :param points: [m] in `map`, shape (N, 2); one where the disc cannot be counts as the nearest
        place where it can, and points within 0.2 m share a place.
    :return: the ways, and which place each point is, shape (N,).
    :raises InputError: when the map has no room for such a disc.
    """
    which = np.zeros(len(points), np.int64)

    def nearest(m: int, spawn: NDArray[np.int32], width: int) -> NDArray[np.int32]:
        grid = atlas.maps[m]
        factor = max(1, round(COARSE / grid.resolution))
        at = (grid.to_cells(points) + 1.0) / factor - 0.5
        side = max(1, round(0.2 / (factor * grid.resolution)))
        names, which[:] = np.unique(np.floor(at / side) @ (1e6, 1.0), return_inverse=True)
        goals = np.empty(len(names), np.int32)
        for k in range(len(names)):
            column, row = at[which == k][0]
            goals[k] = spawn[np.hypot(spawn % width - column, spawn // width - row).argmin()]
        return goals

    return _lay(atlas, radius, nearest), which


def _lay(atlas: MapAtlas, radius: float,
         choose: Callable[[int, NDArray[np.int32], int], NDArray[np.int32]]) -> Ways:
    """Find the ways to the goals, coarse cells, that `choose` names among those of each map."""
    flows, goals, spawns, rooms, rows = [], [], [], [], []
    maps = atlas.drawn.arrays
    first = first_spawn = 0
    for m, grid in enumerate(atlas.maps):
        factor = max(1, round(COARSE / grid.resolution))
        reach = (radius + MARGIN) / grid.resolution
        room = _room(maps, m, factor)
        passable = _largest_part(room >= reach)
        spawn = np.flatnonzero(passable).astype(np.int32)
        if spawn.size == 0:
            raise InputError(
                f"map '{grid.name}' has no room for an actor of radius {radius} m; "
                'use smaller actors, or set actors.count to 0')
        goal = choose(m, spawn, passable.shape[1])
        cost = np.where(room < reach + 0.3 / grid.resolution, 3, 1).astype(np.int32)
        flows.append(np.stack([_flow(passable, cost, g) for g in goal]))
        goals.append(goal)
        spawns.append(spawn)
        rooms.append((room * grid.resolution).ravel())
        rows.append((first, *passable.shape, factor, first_spawn))
        first += passable.size
        first_spawn += spawn.size
    rows.append((first, 0, 0, 1, first_spawn))
    return Ways(np.concatenate(flows, axis=1), np.stack(goals).astype(np.int32),
                np.concatenate(spawns), np.array(rows, np.int64),
                np.concatenate(rooms).astype(np.float32))


def no_ways(maps: int) -> Ways:
    """Make the ways of a world without actors."""
    return Ways(np.zeros((1, 0), np.uint8), np.zeros((maps, 1), np.int32),
                np.zeros(0, np.int32), np.zeros((maps + 1, 5), np.int64), np.zeros(0, np.float32))


@inline
def coarse_cell(ways: Ways, m: int, column: float, row: float) -> int:
    """Index within map m of the coarse cell at a continuous (column, row); -1 outside."""
    factor = ways.shape[m, 3]
    j, i = np.int64(np.floor(column / factor)), np.int64(np.floor(row / factor))
    if j < 0 or i < 0 or j >= ways.shape[m, 2] or i >= ways.shape[m, 1]:
        return -1
    return int(i * ways.shape[m, 2] + j)


@inline
def passable(ways: Ways, m: int, column: float, row: float) -> bool:
    """Tell whether a disc may stand at a continuous (column, row)."""
    cell = coarse_cell(ways, m, column, row)
    return cell >= 0 and bool(ways.flow[0, ways.shape[m, 0] + cell] != NOWHERE)


@inline
def ahead(ways: Ways, m: int, goal: int, cell: int, steps: int) -> int:
    """Follow the flow to a goal for some coarse cells, and return where that leads."""
    width = ways.shape[m, 2]
    for _ in range(steps):
        way = ways.flow[goal, ways.shape[m, 0] + cell]
        if way >= ARRIVED:
            break
        cell += step_i(way) * width + step_j(way)
    return cell


@inline
def step_j(way: int) -> int:
    """Columns that a direction leads on."""
    return 1 if way in (0, 1, 7) else (-1 if way in (3, 4, 5) else 0)


@inline
def step_i(way: int) -> int:
    """Rows that a direction leads on."""
    return 1 if way in (1, 2, 3) else (-1 if way in (5, 6, 7) else 0)


@kernel
def _room(maps: AtlasArrays, m: int, factor: int) -> NDArray[np.float64]:
    """Least distance [fine cells] from any point of each coarse cell to what is solid."""
    start, height, width = maps.shape[m]
    out = np.zeros((height // factor, width // factor))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            least = np.inf
            for k in range(factor * factor):
                cell = start + (i * factor + k // factor) * width + j * factor + k % factor
                least = min(least, maps.distance[cell])
            out[i, j] = least - np.sqrt(0.5)
    return out


def _largest_part(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        mask.astype(np.uint8), connectivity=4)
    if count < 2:
        return np.zeros_like(mask)
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])))


def _spread(rng: np.random.Generator, cells: NDArray[np.int32], width: int,
            count: int) -> NDArray[np.int32]:
    """Pick cells far from one another: each the best of a few candidates."""
    picked = [int(rng.choice(cells))]
    while len(picked) < count:
        candidates = rng.choice(cells, 8)
        rows = np.subtract.outer(candidates // width, np.array(picked) // width)
        columns = np.subtract.outer(candidates % width, np.array(picked) % width)
        picked.append(int(candidates[np.hypot(rows, columns).min(axis=1).argmax()]))
    return np.array(picked, np.int32)


@kernel
def _flow(passable: NDArray[np.bool_], cost: NDArray[np.int32], goal: int) -> NDArray[np.uint8]:
    """Dijkstra from the goal with a ring of buckets (Dial 1969); diagonals need both sides."""
    height, width = passable.shape
    far = np.int32(1 << 30)
    reached = np.full(height * width, far, np.int32)
    out = np.full(height * width, np.uint8(NOWHERE), np.uint8)
    ring = 64
    head = np.full(ring, -1, np.int32)
    size = 8 * int(passable.sum()) + 1
    item = np.empty(size, np.int32)
    link = np.empty(size, np.int32)
    item[0], link[0], head[0] = goal, -1, 0
    used, waiting, now = 1, 1, 0
    reached[goal] = 0
    out[goal] = ARRIVED
    while waiting > 0:
        entry = head[now % ring]
        if entry < 0:
            now += 1
            continue
        head[now % ring] = link[entry]
        waiting -= 1
        cell = item[entry]
        link[entry] = -2
        if reached[cell] != now:
            continue
        i, j = cell // width, cell % width
        for way in range(8):
            dj, di = step_j(way), step_i(way)
            a, b = i - di, j - dj
            if not (0 <= a < height and 0 <= b < width) or not passable[a, b]:
                continue
            if way % 2 == 1 and not (passable[i, b] and passable[a, j]):
                continue
            new = now + (14 if way % 2 else 10) * cost[a, b]
            if new < reached[a * width + b]:
                reached[a * width + b] = new
                out[a * width + b] = way
                item[used], link[used] = a * width + b, head[new % ring]
                head[new % ring] = used
                used += 1
                waiting += 1
    return out
