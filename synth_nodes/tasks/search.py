"""Shortest ways over a grid of cells: A* and Dijkstra with a binary heap, compiled."""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.world.jit import inline, kernel

_Keys = NDArray[np.float32]
_Cells = NDArray[np.int32]
_STEP_ROW = np.array([-1, 1, 0, 0, -1, -1, 1, 1])
_STEP_COL = np.array([0, 0, -1, 1, -1, 1, -1, 1])
_STEP_LENGTH = np.array([1.0, 1.0, 1.0, 1.0] + [2 ** 0.5] * 4)


@inline
def _push(keys: _Keys, cells: _Cells, size: int, key: float, cell: int) -> int:
    i = size
    while i > 0:
        parent = (i - 1) >> 1
        if keys[parent] <= key:
            break
        keys[i] = keys[parent]
        cells[i] = cells[parent]
        i = parent
    keys[i] = key
    cells[i] = cell
    return size + 1


@inline
def _pop(keys: _Keys, cells: _Cells, size: int) -> tuple[int, int]:
    cell = cells[0]
    size -= 1
    key, moved = keys[size], cells[size]
    keys[size] = np.inf
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        # Which child is smaller cannot be foreseen, so it must not be a branch.
        child += np.int64(keys[child + 1] < keys[child])
        if keys[child] >= key:
            break
        keys[i] = keys[child]
        cells[i] = cells[child]
        i = child
    keys[i] = key
    cells[i] = moved
    return cell, size


@kernel
def _search(cost: _Keys, start: int, goal: int, parent: _Cells, length: _Keys) -> bool:
    """
    Grow the tree of cheapest ways until it reaches the goal, or everything where that is -1.

    :param cost: with a rim of blocked cells, shape (H + 2, W + 2); all cells are counted in it.
    """
    width = cost.shape[1]
    travel = cost.ravel()
    best = np.full(travel.size, np.inf)
    done = np.isinf(travel)
    keys = np.empty(8 * travel.size + 8, np.float32)
    cells = np.empty(8 * travel.size + 8, np.int32)
    step = _STEP_ROW * width + _STEP_COL
    goal_row, goal_col = goal // width, goal % width
    done[start] = False
    best[start] = 0.0
    length[start] = 0.0
    size = _push(keys, cells, 0, 0.0, start)
    while size > 0:
        cell, size = _pop(keys, cells, size)
        if done[cell]:
            continue
        done[cell] = True
        if cell == goal:
            return True
        row, col = cell // width, cell % width
        for k in range(8):
            near = cell + step[k]
            if done[near]:
                continue
            if k >= 4 and (np.isinf(travel[cell + _STEP_COL[k]])
                           or np.isinf(travel[cell + _STEP_ROW[k] * width])):
                continue
            value = best[cell] + _STEP_LENGTH[k] * 0.5 * (travel[near] + travel[cell])
            if value >= best[near]:
                continue
            best[near] = value
            parent[near] = cell
            length[near] = length[cell] + _STEP_LENGTH[k]
            guess = 0.0
            if goal >= 0:
                dr, dc = abs(row + _STEP_ROW[k] - goal_row), abs(col + _STEP_COL[k] - goal_col)
                guess = max(dr, dc) + 0.41421356 * min(dr, dc)
            size = _push(keys, cells, size, value + guess, near)
    return bool(goal < 0)


def shortest_way(
    cost: NDArray[np.float32], start: tuple[int, int], goal: tuple[int, int],
) -> NDArray[np.intp] | None:
    """
    Find the cheapest 8-connected way between two cells.

    A* with the octile distance (Hart, Nilsson and Raphael 1968); diagonal steps don't cut the
    corners of blocked cells.

    :param cost: cost of travel per cell, shape (H, W), >= 1; inf where blocked.
    :param start: row, column.
    :param goal: row, column.
    :return: rows and columns, shape (N, 2), both ends included; None when there is no way.
    """
    rimmed, width = _rimmed(cost), cost.shape[1] + 2
    parent = np.full(rimmed.size, -1, np.int32)
    length = np.full(rimmed.size, np.inf, np.float32)
    first, last = ((row + 1) * width + column + 1 for row, column in (start, goal))
    if not _search(rimmed, first, last, parent, length):
        return None
    way = _back(parent, first, last)[::-1]
    return np.stack((way // width, way % width), axis=-1) - 1


@kernel
def _back(parent: _Cells, first: int, last: int) -> NDArray[np.intp]:
    """List the cells from the last back to the first."""
    count, cell = 1, last
    while cell != first:
        cell = parent[cell]
        count += 1
    out, cell = np.empty(count, np.intp), last
    for k in range(count):
        out[k] = cell
        cell = parent[cell]
    return out


def way_lengths(cost: NDArray[np.float32], start: tuple[int, int]) -> NDArray[np.float32]:
    """
    Measure the cheapest ways from one cell to all others (Dijkstra).

    :param cost: cost of travel per cell, shape (H, W), >= 1; inf where blocked.
    :param start: row, column.
    :return: length of the cheapest way in cells, shape (H, W); inf where none leads.
    """
    rimmed = _rimmed(cost)
    parent = np.full(rimmed.size, -1, np.int32)
    length = np.full(rimmed.shape, np.inf, np.float32)
    index = (start[0] + 1) * rimmed.shape[1] + start[1] + 1
    _search(rimmed, index, -1, parent, length.ravel())
    return length[1:-1, 1:-1]


def _rimmed(cost: NDArray[np.float32]) -> NDArray[np.float32]:
    out = np.full((cost.shape[0] + 2, cost.shape[1] + 2), np.inf, np.float32)
    out[1:-1, 1:-1] = cost
    return out


@kernel
def relax(
    points: NDArray[np.float64], clearance: NDArray[np.float32], least: float, sweeps: int,
) -> None:
    """
    Smooth a way in place: pull every point towards the middle of its neighbours.

    A point moves only where it keeps `least` clearance, or what it had when that is less.

    :param points: continuous column, row, shape (N, 2).
    :param clearance: free distance per cell, shape (H, W).
    :param least: clearance to keep.
    :param sweeps: how often to go over all points.
    """
    height, width = clearance.shape
    for _ in range(sweeps):
        for i in range(1, len(points) - 1):
            x = 0.5 * points[i, 0] + 0.25 * (points[i - 1, 0] + points[i + 1, 0])
            y = 0.5 * points[i, 1] + 0.25 * (points[i - 1, 1] + points[i + 1, 1])
            row, col = int(y), int(x)
            if row < 0 or col < 0 or row >= height or col >= width:
                continue
            now = clearance[int(points[i, 1]), int(points[i, 0])]
            if clearance[row, col] >= min(least, now):
                points[i, 0] = x
                points[i, 1] = y
