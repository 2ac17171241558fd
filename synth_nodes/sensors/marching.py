"""
All rays of a sensor marching through a grid together, from free square to free square.

`AtlasArrays.jump` tells how far each ray may leap. It lands on cell edges, so its range is that of
an exact walk over cell squares, at a cost that depends on what lies in range and not on the map:
3 to 4 leaps a ray in an office.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.types import FloatArray
from synth_nodes.world.atlas import AtlasArrays
from synth_nodes.world.jit import inline

TWO_PI = 2.0 * np.pi


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
    Rays under way from one sensor; each array has shape (N,).

    Each ray lives in a frame of its own: cells as units, the sensor's cell at (0, 0), and mirrored
    so that it heads to +column, +row. So all rays run through the same code without branches.
    """

    x: NDArray[np.float64]
    """Where it starts within its first cell, 0 to 1."""
    y: NDArray[np.float64]
    dx: NDArray[np.float64]
    """Its direction; dx, dy >= 0."""
    dy: NDArray[np.float64]
    per_x: NDArray[np.float64]
    """1 / dx."""
    per_y: NDArray[np.float64]
    j: NDArray[np.int32]
    """The cell it is in: column; i: row."""
    i: NDArray[np.int32]
    step_j: NDArray[np.int32]
    """What a column more adds to the index into `AtlasArrays.jump`; step_i: a row."""
    step_i: NDArray[np.int32]
    base: NDArray[np.int64]
    """That index for cell (0, 0)."""
    live: NDArray[np.int32]
    """Numbers of the rays that have not hit anything yet."""

@inline
def new_front(n: int) -> Front:
    """Make room for n rays."""
    return Front(
        np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n),
        np.empty(n, np.int32), np.empty(n, np.int32), np.empty(n, np.int32),
        np.empty(n, np.int32), np.empty(n, np.int64), np.empty(n, np.int32))


@inline
def launch(
    maps: AtlasArrays,
    m: int,
    column: float,
    row: float,
    yaw: float,
    beams: Beams,
    front: Front,
) -> None:
    """Set all rays of a sensor out from (column, row) of map m."""
    c0, s0 = np.cos(yaw), np.sin(yaw)
    c = c0 * maps.frame[m, 2] + s0 * maps.frame[m, 3]
    s = s0 * maps.frame[m, 2] - c0 * maps.frame[m, 3]
    j, i = np.int64(column), np.int64(row)
    u, v = column - j, row - i
    width = np.int32(maps.shape[m, 2])
    start = maps.shape[m, 0] + i * width + j
    plane = maps.jump.shape[1]
    for k in range(beams.cos.size):
        dx = c * beams.cos[k] - s * beams.sin[k]
        dy = s * beams.cos[k] + c * beams.sin[k]
        left, down = dx < 0.0, dy < 0.0
        front.x[k] = 1.0 - u if left else u
        front.y[k] = 1.0 - v if down else v
        front.dx[k] = abs(dx)
        front.dy[k] = abs(dy)
        front.per_x[k] = 1.0 / max(abs(dx), 1e-30)
        front.per_y[k] = 1.0 / max(abs(dy), 1e-30)
        front.step_j[k] = -1 if left else 1
        front.step_i[k] = -width if down else width
        front.base[k] = start + ((1 if left else 0) + (2 if down else 0)) * plane
        front.j[k] = 0
        front.i[k] = 0
        front.live[k] = k


@inline
def leap(jump: NDArray[np.uint8], front: Front, out: NDArray[np.float32]) -> None:
    """
    Let every ray take its first leap: one of four squares, so nothing is looked up ray by ray.

    :param out: [cells], shape (N,): how far each has come.
    """
    first = front.base[0]
    plane = np.int64(jump.size // 4)
    first -= plane * ((1 if front.step_j[0] < 0 else 0) + (2 if front.step_i[0] < 0 else 0))
    side_0 = np.int32(jump[first])
    side_1 = np.int32(jump[first + plane])
    side_2 = np.int32(jump[first + 2 * plane])
    side_3 = np.int32(jump[first + 3 * plane])
    if side_0 == 0:
        out[:] = 0.0
        return
    for k in range(out.size):
        left, down = front.step_j[k] < 0, front.step_i[k] < 0
        side = (side_3 if down else side_1) if left else (side_2 if down else side_0)
        x, y = front.x[k], front.y[k]
        t_x = (side - x) * front.per_x[k]
        t_y = (side - y) * front.per_y[k]
        by_x = t_x < t_y
        t = t_x if by_x else t_y
        side_j = min(np.int32(x + t * front.dx[k]), side - 1)
        side_i = min(np.int32(y + t * front.dy[k]), side - 1)
        front.j[k] = side if by_x else side_j
        front.i[k] = side_i if by_x else side
        out[k] = t


@inline
def march(jump: NDArray[np.uint8], front: Front, reach: float, out: NDArray[np.float32]) -> None:
    """
    Let every ray leap from free square to free square until it hits or leaves its reach.

    All rays take one leap in turn, so that the processor works on many at once instead of
    waiting for each leap of one.

    :param reach: [cells].
    :param out: [cells], shape (N,); ranges beyond reach may be anything beyond it.
    """
    leap(jump, front, out)
    live = front.live
    count = live.size
    while count > 0:
        left = 0
        for q in range(count):
            k = np.uint32(live[q])  # Unsigned: such an index needs no check for below zero.
            j, i = front.j[k], front.i[k]
            x, y = front.x[k], front.y[k]
            at = np.uint64(front.base[k] + front.step_i[k] * i + front.step_j[k] * j)
            side = np.int32(jump[at])
            t_x = (j + side - x) * front.per_x[k]
            t_y = (i + side - y) * front.per_y[k]
            by_x = t_x < t_y
            t = t_x if by_x else t_y
            side_j = min(max(np.int32(x + t * front.dx[k]), j), j + side - 1)
            side_i = min(max(np.int32(y + t * front.dy[k]), i), i + side - 1)
            front.j[k] = j + side if by_x else side_j
            front.i[k] = side_i if by_x else i + side
            free = side > 0
            out[k] = np.float32(t) if free else out[k]
            live[left] = k
            left += 1 if free and t <= reach else 0
        count = left


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
