"""
All rays of a sensor marching through a grid together, from free square to free square.

`AtlasArrays.jump` tells how far each ray may leap. It lands on cell edges, so its range is that of
an exact walk over cell squares, at a cost that depends on what lies in range and not on the map:
4 to 5 leaps a ray in an office.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.types import FloatArray
from synth_nodes.world.atlas import AtlasArrays
from synth_nodes.world.jit import inline, inline_maker

TWO_PI = 2.0 * np.pi
LANES = 40
"""Rays that march at once."""
STRAGGLERS = 4
"""When only so many of them are still under way, each goes on alone."""

# One array holds what is known of all rays under way, so that the compiler knows which of its
# parts do not overlap. These are where they begin, each of length LANES.
X, Y, DX, DY, PER_X, PER_Y, STEP_J, STEP_I, COL, ROW, T = (LANES * part for part in range(11))
"""
Where a ray starts within its first cell, 0 to 1; its direction, >= 0, and 1 / that; what a column
and a row more add to the index into `AtlasArrays.jump`; column and row of its cell; how far it
has come [cells].
"""


class Beams(NamedTuple):
    """Beam directions of one sensor; each array has shape (N,). Made by :meth:`of`."""

    angle: NDArray[np.float64]
    cos: NDArray[np.float64]
    sin: NDArray[np.float64]
    per: float
    """Beams in a radian; 0 where their spacing is not even."""

    @classmethod
    def of(cls, angles: FloatArray) -> 'Beams':
        """
        Prepare beams.

        :param angles: [rad] in the sensor frame, shape (N,).
        :raises InputError: when they do not increase or span more than a turn.
        """
        angle = np.ascontiguousarray(angles, np.float64)
        if angle.ndim != 1 or not angle.size or not (np.diff(angle) > 0.0).all() or not (
                angle[-1] - angle[0] <= TWO_PI + 1e-9):
            raise InputError('beam angles must increase and span at most a turn, such as '
                             'LidarSpec.angles')
        per = (angle.size - 1) / float(angle[-1] - angle[0]) if angle.size > 1 else 0.0
        even = np.allclose(angle[0] + np.arange(angle.size) / per, angle, 0.0, 1e-9) if per else 0
        return cls(angle, np.cos(angle), np.sin(angle), per if even else 0.0)


class Front(NamedTuple):
    """
    Rays under way side by side, and which cells they stand in.

    Each ray lives in a frame of its own: cells as units, the sensor's cell at (0, 0), and mirrored
    so that it heads to +column, +row. So all rays run through the same code without branches.
    """

    lanes: NDArray[np.float64]
    """What is known of each ray, shape (11 * LANES,); see `X`."""
    base: NDArray[np.int64]
    """Index into `AtlasArrays.jump` of a ray's cell (0, 0), shape (LANES,)."""
    offset: NDArray[np.int32]
    """What its cell adds to that index, shape (LANES,)."""
    side: NDArray[np.int32]
    """The free square it is in [cells], shape (LANES,); 0 where it has hit something."""


@inline_maker
def new_front() -> Front:
    """Make room for the rays that march at once. Lanes nobody takes stand in a solid cell."""
    return Front(np.zeros(11 * LANES), np.zeros(LANES, np.int64), np.zeros(LANES, np.int32),
                 np.zeros(LANES, np.int32))


@inline
def march(
    maps: AtlasArrays,
    jump: NDArray[np.uint8],
    m: int,
    column: float,
    row: float,
    yaw: float,
    beams: Beams,
    reach: float,
    front: Front,
    out: NDArray[np.float32],
) -> None:
    """
    Let all rays of a sensor leap from free square to free square until they hit something.

    :param jump: `maps.jump` without its shape.
    :param column: of the sensor in map m [cells]; row: the same.
    :param yaw: of the sensor in `map` [rad].
    :param reach: [cells]; a ray that has come farther stops.
    :param front: from :func:`new_front`.
    :param out: [cells], shape (N,); ranges beyond reach may be anything beyond it.
    """
    c0, s0 = np.cos(yaw), np.sin(yaw)
    c = c0 * maps.frame[m, 2] + s0 * maps.frame[m, 3]
    s = s0 * maps.frame[m, 2] - c0 * maps.frame[m, 3]
    j, i = np.int64(column), np.int64(row)
    width = maps.shape[m, 2]
    start = maps.shape[m, 0] + i * width + j
    plane = maps.jump.shape[1]
    count = min(LANES, out.size)
    for block in range(0, out.size, LANES):
        # The last block reaches back rather than beyond the end.
        first = min(block, out.size - count)
        _launch(beams, first, count, c, s, column - j, row - i, np.float64(width), front.lanes)
        for q in range(count):
            quadrant = ((1 if front.lanes[STEP_J + q] < 0.0 else 0)
                        + (2 if front.lanes[STEP_I + q] < 0.0 else 0))
            front.base[q] = start + quadrant * plane
            front.offset[q] = 0
        _run(jump, reach, front)
        for q in range(count):
            out[np.uint64(first + q)] = front.lanes[T + q]


@inline
def _launch(beams: Beams, first: int, count: int, c: float, s: float, u: float, v: float,
            width: float, lanes: NDArray[np.float64]) -> None:
    """Set rays out from (u, v) of a cell; c, s: of the sensor's yaw in the grid."""
    for q in range(count):
        k = np.uint64(first + q)
        dx = c * beams.cos[k] - s * beams.sin[k]
        dy = s * beams.cos[k] + c * beams.sin[k]
        left, down = dx < 0.0, dy < 0.0
        dx, dy = abs(dx), abs(dy)
        lanes[X + q] = 1.0 - u if left else u
        lanes[Y + q] = 1.0 - v if down else v
        lanes[DX + q] = dx
        lanes[DY + q] = dy
        lanes[PER_X + q] = 1.0 / (dx if dx > 1e-30 else 1e-30)
        lanes[PER_Y + q] = 1.0 / (dy if dy > 1e-30 else 1e-30)
        lanes[STEP_J + q] = -1.0 if left else 1.0
        lanes[STEP_I + q] = -width if down else width
        lanes[COL + q] = 0.0
        lanes[ROW + q] = 0.0
        lanes[T + q] = 0.0


@inline
def _run(jump: NDArray[np.uint8], reach: float, front: Front) -> None:
    """
    Let the rays of a block leap together, and the last few of them one by one.

    Each of the loops below does one thing to all of them, so that vector registers do it.
    """
    lanes, base, offset, side = front
    live = LANES
    while live > STRAGGLERS:
        for q in range(LANES):
            side[q] = jump[np.uint64(base[q] + offset[q])]
        live = _leap(lanes, side, reach)
        for q in range(LANES):
            offset[q] = np.int32(lanes[STEP_I + q] * lanes[ROW + q]
                                 + lanes[STEP_J + q] * lanes[COL + q])
    if live > 0:
        for q in range(LANES):
            if side[q] > 0 and lanes[T + q] <= reach:
                _finish(jump, base[q], reach, lanes, q)


@inline
def _leap(lanes: NDArray[np.float64], side: NDArray[np.int32], reach: float) -> int:
    """Take one leap, to where each ray leaves its free square; return how many go on."""
    live = 0
    for q in range(LANES):
        x, y, j, i = lanes[X + q], lanes[Y + q], lanes[COL + q], lanes[ROW + q]
        far_j, far_i = j + side[q], i + side[q]
        t_x = (far_j - x) * lanes[PER_X + q]
        t_y = (far_i - y) * lanes[PER_Y + q]
        by_x = t_x < t_y
        t = t_x if by_x else t_y
        to_j, to_i = np.floor(x + t * lanes[DX + q]), np.floor(y + t * lanes[DY + q])
        to_j = j if to_j < j else to_j
        to_i = i if to_i < i else to_i
        to_j = to_j if to_j < far_j - 1.0 else far_j - 1.0
        to_i = to_i if to_i < far_i - 1.0 else far_i - 1.0
        free = side[q] > 0
        lanes[COL + q] = (far_j if by_x else to_j) if free else j
        lanes[ROW + q] = (to_i if by_x else far_i) if free else i
        lanes[T + q] = t if free else lanes[T + q]
        live += 1 if free & (t <= reach) else 0
    return live


@inline
def _finish(jump: NDArray[np.uint8], base: int, reach: float, lanes: NDArray[np.float64],
            q: int) -> None:
    """Let one ray go on alone."""
    x, y, j, i, t = lanes[X + q], lanes[Y + q], lanes[COL + q], lanes[ROW + q], lanes[T + q]
    while t <= reach:
        at = base + np.int64(lanes[STEP_I + q] * i + lanes[STEP_J + q] * j)
        side = np.float64(jump[np.uint64(at)])
        if side == 0.0:
            break
        t_x = (j + side - x) * lanes[PER_X + q]
        t_y = (i + side - y) * lanes[PER_Y + q]
        if t_x < t_y:
            t = t_x
            i = min(max(np.floor(y + t * lanes[DY + q]), i), i + side - 1.0)
            j += side
        else:
            t = t_y
            j = min(max(np.floor(x + t * lanes[DX + q]), j), j + side - 1.0)
            i += side
    lanes[T + q] = t


@inline
def trace(
    jump: NDArray[np.uint8],
    start: int,
    width: int,
    x: float,
    y: float,
    dx: float,
    dy: float,
    reach: float,
) -> float:
    """
    Follow a single ray to the first solid square, in the same leaps.

    :param start: first cell of the map; width: its columns.
    :param x: column where the ray starts [cells], y: row; dx, dy: its direction, of length 1.
    :param reach: farthest range [cells].
    :return: range [cells]; inf when it is more than reach.
    """
    step_j = 1 if dx >= 0.0 else -1
    step_i = 1 if dy >= 0.0 else -1
    plane = jump[(0 if dx >= 0.0 else 1) + (0 if dy >= 0.0 else 2)]
    per_x = 1.0 / dx if dx != 0.0 else 1e30
    per_y = 1.0 / dy if dy != 0.0 else 1e30
    edge_j = max(step_j, 0)
    edge_i = max(step_i, 0)
    j = np.int64(x)
    i = np.int64(y)
    t = 0.0
    while True:
        side = np.int64(plane[start + i * width + j])
        if side == 0:
            return t
        ahead = side - 1
        t_x = (j + step_j * ahead + edge_j - x) * per_x
        t_y = (i + step_i * ahead + edge_i - y) * per_y
        if t_x < t_y:
            t = t_x
            j += step_j * side
            far = i + step_i * ahead
            i = min(max(np.int64(y + t * dy), min(i, far)), max(i, far))
        else:
            t = t_y
            i += step_i * side
            far = j + step_j * ahead
            j = min(max(np.int64(x + t * dx), min(j, far)), max(j, far))
        if t > reach:
            return np.inf
