"""
How people walk by a learned model: what a walker sees, and the velocity that it draws from that.

All is told along the way, the unit vector to the farthest point of the way to the goal that is in
sight, and across it, so that no direction of the map is special. A network of two hidden layers
gives a mixture of normal distributions of the change of velocity (Bishop 1994), from which one is
drawn every `period`. The same kernels look when a model is learned and when it walks.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.world.atlas import AtlasArrays, to_cell, to_point
from synth_nodes.world.chance import uniform
from synth_nodes.world.jit import inline, inline_maker, shared
from synth_nodes.world.ways import ahead, ARRIVED, coarse_cell, NOWHERE, passable, Ways

SIGHT = (24, 12, 5, 1)
"""Coarse cells along the way to the points that are looked for in turn, the farthest first."""
OFF = 0.37
"""Places on the line of sight are so much of a step nearer: from centre to centre of cells whole
steps fall onto edges, and rounding would say which cell they are in."""
ARRIVAL = 4
"""Coarse cells before a goal at which it is reached."""
NEIGHBOURS = 3
REACH = 3.0
"""Gap [m] from which on others are not seen."""
BEHIND = 1.0
"""Added to the gap [m] of those behind, when the nearest are chosen."""
ROOM = 1.0
"""Room [m] beyond which walls are not seen."""
OWN, EACH = 8, 5
SEEN = OWN + EACH * NEIGHBOURS
"""Numbers that a walker sees: of itself and the walls, and of each neighbour."""
WIDTH = 32
"""Of both hidden layers."""
PARTS = 3
OUTPUTS = 5 * PARTS
"""Of each part of the mixture: log weight, mean along and across, log deviations."""
LEAST, MOST = -5.0, 1.0
"""Log deviations [m/s] are kept within these."""
FASTEST = 1.5
"""No walker exceeds its pace by more than this factor."""
NEW = 1e9
"""Time [s] since the last draw of one who stood: it knows no velocity of before."""
HERE, BEFORE, WISH, PASSED = 0, 2, 4, 6
"""Columns of `Crowd.recall`: where it was at the last draw [m], the velocity before that, the one
that was drawn [m/s], each x and y in `map`; and the time since [s]."""
RECALL = 7


class Gait(NamedTuple):
    """A learned model as the kernels read it; `off` where people walk straight along ways."""

    on: bool
    period: float
    """Between two draws [s]."""
    first: NDArray[np.float64]
    """Shape (SEEN, WIDTH)."""
    first_bias: NDArray[np.float64]
    second: NDArray[np.float64]
    """Shape (WIDTH, WIDTH)."""
    second_bias: NDArray[np.float64]
    last: NDArray[np.float64]
    """Shape (WIDTH, OUTPUTS)."""
    last_bias: NDArray[np.float64]

    @classmethod
    def off(cls) -> 'Gait':
        """Make none."""
        return cls(False, 1.0, np.zeros((SEEN, WIDTH)), np.zeros(WIDTH), np.zeros((WIDTH, WIDTH)),
                   np.zeros(WIDTH), np.zeros((WIDTH, OUTPUTS)), np.zeros(OUTPUTS))


@inline
def look_along(maps: AtlasArrays, ways: Ways, m: int, goal: int, x: float,
               y: float) -> tuple[float, float, bool]:
    """Find the unit vector in `map` to the farthest point of a way in sight, or an arrival."""
    column, row = to_cell(maps, m, x, y)
    cell = coarse_cell(ways, m, column, row)
    first = ways.shape[m, 0]
    if cell < 0 or ways.flow[goal, first + cell] == NOWHERE:
        return 0.0, 0.0, True
    if ways.flow[goal, first + ahead(ways, m, goal, cell, ARRIVAL)] == ARRIVED:
        return 0.0, 0.0, True
    width, factor = ways.shape[m, 2], ways.shape[m, 3]
    to_column, to_row = column, row
    for steps in SIGHT:
        target = ahead(ways, m, goal, cell, steps)
        to_column = (target % width + 0.5) * factor
        to_row = (target // width + 0.5) * factor
        clear = True
        for k in range(1, steps):
            share = (k - OFF) / steps
            if clear:
                clear = passable(ways, m, column + share * (to_column - column),
                                 row + share * (to_row - row))
        if clear:
            break
    tx, ty = to_point(maps, m, to_column, to_row)
    dx, dy = tx - x, ty - y
    away = np.sqrt(dx * dx + dy * dy) + 1e-12
    return dx / away, dy / away, False


@inline
def _room(ways: Ways, m: int, row: int, column: int) -> float:
    """Room [m] around a coarse cell, at most `ROOM`; that of the rim beyond it."""
    i = min(max(row, 0), ways.shape[m, 1] - 1)
    j = min(max(column, 0), ways.shape[m, 2] - 1)
    return min(float(ways.room[ways.shape[m, 0] + i * ways.shape[m, 2] + j]), ROOM)


@inline
def _look_at_walls(maps: AtlasArrays, ways: Ways, m: int, x: float, y: float, ux: float,
                   uy: float, seen: NDArray[np.float64]) -> None:
    """Tell the room [m] about a place, and how it grows along the way and across."""
    column, row = to_cell(maps, m, x, y)
    i = int(np.floor(row / ways.shape[m, 3]))
    j = int(np.floor(column / ways.shape[m, 3]))
    right = 5.0 * (_room(ways, m, i, j + 1) - _room(ways, m, i, j - 1))
    up = 5.0 * (_room(ways, m, i + 1, j) - _room(ways, m, i - 1, j))
    c, s = maps.frame[m, 2], maps.frame[m, 3]
    gx, gy = c * right - s * up, s * right + c * up
    seen[5] = _room(ways, m, i, j)
    seen[6] = gx * ux + gy * uy
    seen[7] = gy * ux - gx * uy


@inline
def _look_at(seen: NDArray[np.float64], rank: NDArray[np.float64], x: float, y: float, vx: float,
             vy: float, ux: float, uy: float, touch: float, other_x: float, other_y: float,
             other_vx: float, other_vy: float) -> None:
    """Put another among the nearest, if it is one; `rank` (NEIGHBOURS,) orders them."""
    dx, dy = other_x - x, other_y - y
    away = np.sqrt(dx * dx + dy * dy)
    gap = away - touch
    if gap >= REACH:
        return
    order = gap if dx * ux + dy * uy > 0.0 else gap + BEHIND
    k = NEIGHBOURS
    while k > 0 and order < rank[k - 1]:
        k -= 1
    if k == NEIGHBOURS:
        return
    for later in range(NEIGHBOURS - 1, k, -1):
        rank[later] = rank[later - 1]
        for e in range(EACH):
            seen[OWN + EACH * later + e] = seen[OWN + EACH * (later - 1) + e]
    rank[k] = order
    near = 1.0 - max(gap, 0.0) / REACH
    scale = near / (away + 1e-12)
    wx, wy = other_vx - vx, other_vy - vy
    at = OWN + EACH * k
    seen[at] = near * near
    seen[at + 1] = scale * (dx * ux + dy * uy)
    seen[at + 2] = scale * (dy * ux - dx * uy)
    seen[at + 3] = near * (wx * ux + wy * uy)
    seen[at + 4] = near * (wy * ux - wx * uy)


@shared
def describe(
    maps: AtlasArrays,
    ways: Ways,
    m: int,
    others: NDArray[np.float64],
    a: int,
    state: tuple[float, float, float, float, float, float],
    pace: float,
    ux: float,
    uy: float,
    robot: tuple[float, float, float, float, float],
    seen: NDArray[np.float64],
) -> None:
    """
    Tell what a walker sees.

    :param others: x, y [m], vx, vy [m/s], radius [m] in `map` of all, shape (A, 5); a: which of
        them it is.
    :param state: where it is [m], its velocity and that of a period before [m/s], in `map`.
    :param pace: at which it likes to walk [m/s]; ux, uy: the way.
    :param robot: as a row of `others`; a radius below 0 for none.
    :param seen: to be filled, shape (SEEN,).
    """
    x, y, vx, vy, px, py = state
    seen[:] = 0.0
    seen[0] = vx * ux + vy * uy
    seen[1] = vy * ux - vx * uy
    seen[2] = px * ux + py * uy
    seen[3] = py * ux - px * uy
    seen[4] = pace
    _look_at_walls(maps, ways, m, x, y, ux, uy, seen)
    rank = np.full(NEIGHBOURS, np.inf)
    for k in range(others.shape[0]):
        if k != a:
            _look_at(seen, rank, x, y, vx, vy, ux, uy, others[a, 4] + others[k, 4], others[k, 0],
                     others[k, 1], others[k, 2], others[k, 3])
    if robot[4] >= 0.0:
        _look_at(seen, rank, x, y, vx, vy, ux, uy, others[a, 4] + robot[4], robot[0], robot[1],
                 robot[2], robot[3])


@shared
def foretell(gait: Gait, seen: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Run the network on what is seen, shape (SEEN,); fills out, shape (OUTPUTS,)."""
    hidden, deep = np.empty(WIDTH), np.empty(WIDTH)
    for j in range(WIDTH):
        total = gait.first_bias[j]
        for i in range(SEEN):
            total += seen[i] * gait.first[i, j]
        hidden[j] = np.tanh(total)
    for j in range(WIDTH):
        total = gait.second_bias[j]
        for i in range(WIDTH):
            total += hidden[i] * gait.second[i, j]
        deep[j] = np.tanh(total)
    for j in range(OUTPUTS):
        total = gait.last_bias[j]
        for i in range(WIDTH):
            total += deep[i] * gait.last[i, j]
        out[j] = total


@inline
def draw_change(out: NDArray[np.float64], streams: NDArray[np.uint64],
                b: int) -> tuple[float, float]:
    """
    Draw a change of velocity along the way and across [m/s].

    :param out: log weights (PARTS,), means (PARTS, 2), log deviations (PARTS, 2), in a row.
    """
    most = out[0]
    for k in range(1, PARTS):
        most = max(most, out[k])
    total = 0.0
    for k in range(PARTS):
        total += np.exp(out[k] - most)
    left = uniform(streams, b) * total
    part = 0
    while part < PARTS - 1 and left >= np.exp(out[part] - most):
        left -= np.exp(out[part] - most)
        part += 1
    size = np.sqrt(-2.0 * np.log(1.0 - uniform(streams, b)))
    turn = 2.0 * np.pi * uniform(streams, b)
    mean, deviation = PARTS + 2 * part, 3 * PARTS + 2 * part
    return (out[mean] + np.exp(min(max(out[deviation], LEAST), MOST)) * size * np.cos(turn),
            out[mean + 1] + np.exp(min(max(out[deviation + 1], LEAST), MOST)) * size
            * np.sin(turn))


@inline_maker
def draw_wish(
    maps: AtlasArrays,
    ways: Ways,
    gait: Gait,
    others: NDArray[np.float64],
    recall: NDArray[np.float64],
    streams: NDArray[np.uint64],
    robot: tuple[float, float, float, float, float],
    pace: float,
    ux: float,
    uy: float,
    b: int,
    m: int,
    a: int,
) -> None:
    """Draw the velocity that walker a wants next, and note what it does now; see `Crowd`."""
    person = others[a]
    passed = recall[PASSED]
    vx, vy = (person[0] - recall[HERE]) / passed, (person[1] - recall[HERE + 1]) / passed
    if passed > 0.5 * NEW:
        vx, vy = 0.0, 0.0
        recall[BEFORE] = 0.0
        recall[BEFORE + 1] = 0.0
    seen, out = np.empty(SEEN), np.empty(OUTPUTS)
    describe(maps, ways, m, others, a,
             (person[0], person[1], vx, vy, recall[BEFORE], recall[BEFORE + 1]), pace, ux, uy,
             robot, seen)
    foretell(gait, seen, out)
    along, across = draw_change(out, streams, b)
    wx, wy = vx + along * ux - across * uy, vy + along * uy + across * ux
    scale = min(1.0, FASTEST * pace / (np.sqrt(wx * wx + wy * wy) + 1e-12))
    recall[HERE] = person[0]
    recall[HERE + 1] = person[1]
    recall[BEFORE] = vx
    recall[BEFORE + 1] = vy
    recall[WISH] = scale * wx
    recall[WISH + 1] = scale * wy
    recall[PASSED] = 0.0
