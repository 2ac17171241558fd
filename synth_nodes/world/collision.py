"""
Distance and contact of a convex footprint with solid cells and discs.

Contact along a motion is found by conservative advancement (Mirtich 1996, section 2.3): the body
moves only as far as its distance to everything else allows, so nothing thin is jumped over.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.types import RobotSpec
from synth_nodes.world.atlas import AtlasArrays, to_cell
from synth_nodes.world.jit import inline, kernel
from synth_nodes.world.solids import point_polygon, solids_gap

CONTACT = 1e-3
"""Gap [m] from which two things touch."""
CLEARANCE_MAX = 2.0
"""Clearances are not looked for beyond this [m]."""


class Body(NamedTuple):
    """A convex footprint in base_link, counter-clockwise, as the kernels read it."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    radius: float

    @classmethod
    def of(cls, robot: RobotSpec) -> 'Body':
        """
        Take the footprint of a robot.

        :raises InputError: when it is not a convex counter-clockwise polygon of >= 3 corners.
        """
        flat = robot.footprint
        if len(flat) < 6 or len(flat) % 2:
            raise InputError(
                f'robot.footprint has {len(flat)} numbers; it needs x, y of at least 3 corners')
        x, y = robot.polygon.T
        ex, ey = np.roll(x, -1) - x, np.roll(y, -1) - y
        turns = ex * np.roll(ey, -1) - ey * np.roll(ex, -1)
        once = np.isclose(np.sum(np.arctan2(turns, ex * np.roll(ex, -1) + ey * np.roll(ey, -1))),
                          2 * np.pi)
        if not once or (turns < 0).any() or (np.hypot(ex, ey) < 1e-6).any():
            raise InputError(
                f'robot.footprint = {list(flat)} must be a convex polygon with its corners in '
                'counter-clockwise order, such as [0.2, 0.2, -0.2, 0.2, -0.2, -0.2, 0.2, -0.2]')
        return cls(np.ascontiguousarray(x), np.ascontiguousarray(y), robot.radius)


@inline
def place(maps: AtlasArrays, m: int, body: Body, x: float, y: float, yaw: float,
          corners: NDArray[np.float64]) -> None:
    """Write the footprint's corners at a pose, in cells of map m, into corners, shape (2, N)."""
    column, row = to_cell(maps, m, x, y)
    c0, s0 = np.cos(yaw), np.sin(yaw)
    scale = 1.0 / maps.frame[m, 4]
    c = (c0 * maps.frame[m, 2] + s0 * maps.frame[m, 3]) * scale
    s = (s0 * maps.frame[m, 2] - c0 * maps.frame[m, 3]) * scale
    for k in range(body.x.size):
        corners[0, k] = column + c * body.x[k] - s * body.y[k]
        corners[1, k] = row + s * body.x[k] + c * body.y[k]


@inline
def polygon_cell(corners: NDArray[np.float64], column: int, row: int) -> float:
    """Distance [cells] between a convex polygon, (2, N), and a cell square; 0 if they overlap."""
    n = corners.shape[1]
    best = np.inf
    # The corners of the square that lie on the outer side of some edge, as bits.
    outside = 0
    for k in range(n):
        e = k + 1 if k + 1 < n else 0
        ax, ay = corners[0, k], corners[1, k]
        ux, uy = corners[0, e] - ax, corners[1, e] - ay
        dx = max(abs(ax - column - 0.5) - 0.5, 0.0)
        dy = max(abs(ay - row - 0.5) - 0.5, 0.0)
        best = min(best, dx * dx + dy * dy)
        for corner in range(4):
            px, py = column + (corner & 1) - ax, row + (corner >> 1) - ay
            if ux * py - uy * px < 0.0:
                outside |= 1 << corner
                t = min(max((px * ux + py * uy) / (ux * ux + uy * uy), 0.0), 1.0)
                dx, dy = px - t * ux, py - t * uy
                best = min(best, dx * dx + dy * dy)
    return float(np.sqrt(best)) if outside == 15 else 0.0


@inline
def wall_gap(maps: AtlasArrays, m: int, corners: NDArray[np.float64], cap: float) -> float:
    """
    Distance from a placed footprint to the nearest solid cell.

    Walks along its outline and leaps wherever the distance field says nothing nearer can lie.

    :param corners: [cells], shape (2, N), from :func:`place`.
    :param cap: [m]; larger gaps read as this.
    :return: [m].
    """
    cell = maps.frame[m, 4]
    start, height, width = maps.shape[m]
    best = cap / cell
    n = corners.shape[1]
    # Squares that were measured last; neighbours on the outline are near the same ones.
    last = before = -1
    for k in range(n):
        e = k + 1 if k + 1 < n else 0
        ax, ay = corners[0, k], corners[1, k]
        ux, uy = corners[0, e] - ax, corners[1, e] - ay
        length = np.sqrt(ux * ux + uy * uy)
        t = 0.0
        while t < length:
            x, y = ax + ux * t / length, ay + uy * t / length
            if not (1.0 <= x < width - 1.0 and 1.0 <= y < height - 1.0):
                return 0.0
            j, i = np.int64(x), np.int64(y)
            off = np.sqrt((x - j - 0.5) ** 2 + (y - i - 0.5) ** 2)
            least = maps.distance[start + i * width + j] - off
            if least < best:
                # Squares that are nearest to the four cell centres around the point.
                around = start + np.int64(y - 0.5) * width + np.int64(x - 0.5)
                for corner in range(4):
                    which = maps.nearest[around + (corner >> 1) * width + (corner & 1)]
                    if which not in (last, before):
                        best = min(best, polygon_cell(corners, which % width, which // width))
                        before, last = last, which
                if best <= 0.0:
                    return 0.0
            t += max(least - best, 0.75)
    return float(best * cell)


@inline
def disc_gap(body: Body, x: float, y: float, yaw: float, disc_x: float, disc_y: float,
             radius: float) -> float:
    """
    Distance [m] from the footprint at a pose to a disc; negative where they overlap.

    Beyond `CLEARANCE_MAX` it is a lower bound that is beyond it too.
    """
    return disc_gap_within(body, x, y, yaw, disc_x, disc_y, radius, CLEARANCE_MAX)


@inline
def disc_gap_within(body: Body, x: float, y: float, yaw: float, disc_x: float, disc_y: float,
                    radius: float, beyond: float) -> float:
    """
    Do the work of :func:`disc_gap`, and less of it for gaps that do not matter.

    :param beyond: [m]; what is farther may read as anything that is farther, too.
    """
    dx, dy = disc_x - x, disc_y - y
    square = dx * dx + dy * dy
    far = np.sqrt(square) - body.radius - radius
    # Rounding must not make a difference to whoever compares the gap with that limit.
    if far > min(CLEARANCE_MAX, beyond + 1e-9):
        return float(far)
    c, s = np.cos(yaw), np.sin(yaw)
    inner = point_polygon(c * dx + s * dy, c * dy - s * dx, body.x, body.y)
    return float(np.sqrt(inner) - radius)


@inline
def discs_gap(body: Body, x: float, y: float, yaw: float, discs: NDArray[np.float64],
              ahead: float) -> float:
    """Distance [m] to the nearest disc of shape (A, 5), each moved on by `ahead` seconds."""
    best = np.inf
    for a in range(discs.shape[0]):
        best = min(best, disc_gap_within(
            body, x, y, yaw, discs[a, 0] + ahead * discs[a, 2], discs[a, 1] + ahead * discs[a, 3],
            discs[a, 4], best))
    return best


@kernel
def first_overlap(maps: AtlasArrays, map_index: NDArray[np.int64], which: NDArray[np.int64],
                  body: Body, poses: NDArray[np.float64]) -> int:
    """
    Find the first of some poses that is not finite or lies in something solid.

    :param map_index: map of each world; which: the world of each pose, shape (K,).
    :return: its number; -1 where there is none.
    """
    for k in range(which.size):
        x, y, yaw = poses[k]
        if (not np.isfinite(x + y + yaw)
                or overlaps_solid(maps, map_index[which[k]], body, x, y, yaw)):
            return k
    return -1


@kernel
def overlaps_solid(maps: AtlasArrays, m: int, body: Body, x: float, y: float, yaw: float) -> bool:
    """Tell whether the footprint at a pose covers part of any solid cell, box or disc."""
    corners = np.empty((2, body.x.size))
    place(maps, m, body, x, y, yaw, corners)
    start, height, width = maps.shape[m]
    if (corners[0].min() < 1 or corners[1].min() < 1 or corners[0].max() >= width - 1
            or corners[1].max() >= height - 1):
        return True
    for i in range(int(corners[1].min()), int(corners[1].max()) + 1):
        for j in range(int(corners[0].min()), int(corners[0].max()) + 1):
            if maps.jump[0, start + i * width + j] == 0 and not _separated(corners, j, i):
                return True
    return solids_gap(maps.solids, m, body.x, body.y, body.radius, x, y, yaw, 1.0) <= 0.0


@inline
def _separated(corners: NDArray[np.float64], column: int, row: int) -> bool:
    """Separating axes of a convex polygon and a cell square whose bounding boxes may meet."""
    px, py = corners[0], corners[1]
    n = px.size
    left = right = px[0]
    low = high = py[0]
    for k in range(1, n):
        left, right = min(left, px[k]), max(right, px[k])
        low, high = min(low, py[k]), max(high, py[k])
    if left > column + 1 or right < column or low > row + 1 or high < row:
        return True
    for k in range(n):
        e = k + 1 if k + 1 < n else 0
        nx, ny = py[e] - py[k], px[k] - px[e]
        if ((column + 0.5 - px[k]) * nx + (row + 0.5 - py[k]) * ny
                > 0.5 * (abs(nx) + abs(ny))):
            return True
    return False
