"""Shortest ways over a grid of cells: A* and Dijkstra with a binary heap, compiled."""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.world.jit import kernel

_Keys = NDArray[np.float32]
_Cells = NDArray[np.int32]
_STEP_ROW = np.array([-1, 1, 0, 0, -1, -1, 1, 1])
_STEP_COL = np.array([0, 0, -1, 1, -1, 1, -1, 1])
_STEP_LENGTH = np.array([1.0, 1.0, 1.0, 1.0] + [2 ** 0.5] * 4)


@kernel
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


@kernel
def _pop(keys: _Keys, cells: _Cells, size: int) -> tuple[int, int]:
    cell = cells[0]
    size -= 1
    key, moved = keys[size], cells[size]
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        if child + 1 < size and keys[child + 1] < keys[child]:
            child += 1
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
    height, width = cost.shape
    total = height * width
    best = np.full(total, np.inf)
    closed = np.zeros(total, np.bool_)
    keys = np.empty(8 * total + 8, np.float32)
    cells = np.empty(8 * total + 8, np.int32)
    goal_row, goal_col = goal // width, goal % width
    best[start] = 0.0
    length[start] = 0.0
    size = _push(keys, cells, 0, 0.0, start)
    while size > 0:
        cell, size = _pop(keys, cells, size)
        if closed[cell]:
            continue
        closed[cell] = True
        if cell == goal:
            return True
        row, col = cell // width, cell % width
        for k in range(8):
            r, c = row + _STEP_ROW[k], col + _STEP_COL[k]
            if r < 0 or c < 0 or r >= height or c >= width or not np.isfinite(cost[r, c]):
                continue
            if k >= 4 and not (np.isfinite(cost[row, c]) and np.isfinite(cost[r, col])):
                continue
            near = r * width + c
            value = best[cell] + _STEP_LENGTH[k] * 0.5 * (cost[r, c] + cost[row, col])
            if closed[near] or value >= best[near]:
                continue
            best[near] = value
            parent[near] = cell
            length[near] = length[cell] + _STEP_LENGTH[k]
            guess = 0.0
            if goal >= 0:
                dr, dc = abs(r - goal_row), abs(c - goal_col)
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
    width = cost.shape[1]
    parent = np.full(cost.size, -1, np.int32)
    length = np.full(cost.size, np.inf, np.float32)
    first, last = start[0] * width + start[1], goal[0] * width + goal[1]
    if not _search(np.ascontiguousarray(cost, np.float32), first, last, parent, length):
        return None
    cells = [last]
    while cells[-1] != first:
        cells.append(int(parent[cells[-1]]))
    way = np.asarray(cells[::-1])
    return np.stack((way // width, way % width), axis=-1)


def way_lengths(cost: NDArray[np.float32], start: tuple[int, int]) -> NDArray[np.float32]:
    """
    Measure the cheapest ways from one cell to all others (Dijkstra).

    :param cost: cost of travel per cell, shape (H, W), >= 1; inf where blocked.
    :param start: row, column.
    :return: length of the cheapest way in cells, shape (H, W); inf where none leads.
    """
    parent = np.full(cost.size, -1, np.int32)
    length = np.full(cost.size, np.inf, np.float32)
    index = start[0] * cost.shape[1] + start[1]
    _search(np.ascontiguousarray(cost, np.float32), index, -1, parent, length)
    return length.reshape(cost.shape)


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
