"""Exact boxes and discs of scenes, beside the grids: tables, distance, and how they look drawn."""

from collections.abc import Sequence
import dataclasses
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.types import GridMap, OCCUPIED
from synth_nodes.world.jit import inline
from synth_nodes.world.scene import Scene


class Solids(NamedTuple):
    """What stands in all maps of an atlas, one map after the other."""

    first: NDArray[np.int64]
    """Shape (maps + 1, 2): first row of each map in `boxes` and `discs`."""
    boxes: NDArray[np.float64]
    """Shape (N, 6): x, y [m] in `map`, cos, sin of yaw, half length, half width [m]."""
    discs: NDArray[np.float64]
    """Shape (N, 3): x, y [m] in `map`, radius [m]."""


def pack_solids(maps: Sequence[GridMap | Scene]) -> Solids:
    """Take the boxes and cylinders of scenes; a bare grid has none. Heights do not count."""
    boxes, discs = [np.zeros((0, 6))], [np.zeros((0, 3))]
    first = np.zeros((len(maps) + 1, 2), np.int64)
    for m, scene in enumerate(maps):
        if isinstance(scene, Scene):
            x, y, yaw, length, width = scene.boxes[:, :5].T
            boxes.append(np.stack((x, y, np.cos(yaw), np.sin(yaw), length / 2, width / 2), 1))
            discs.append(scene.cylinders[:, :3])
            first[m + 1] = len(boxes[-1]), len(discs[-1])
    return Solids(np.cumsum(first, axis=0), np.concatenate(boxes), np.concatenate(discs))


def draw_scene(scene: Scene) -> GridMap:
    """
    Draw a scene's boxes and cylinders into its grid, as a Nav2 map shows them.

    :return: the grid with every cell occupied that one of them covers part of.
    """
    grid = scene.grid
    occupancy = grid.occupancy.copy()
    for x, y, yaw, length, width in scene.boxes[:, :5]:
        centre = grid.to_cells(np.array([x, y]))
        half = np.array([length, width]) / (2.0 * grid.resolution)
        turn = yaw - grid.origin[2]
        c, s = np.cos(turn), np.sin(turn)
        reach = np.abs([[c, s], [s, c]]) @ half
        window, dx, dy = _window(occupancy.shape, centre, reach)
        along = np.abs(c * dx + s * dy) < half[0] + 0.5 * (abs(c) + abs(s))
        across = np.abs(c * dy - s * dx) < half[1] + 0.5 * (abs(c) + abs(s))
        touched = along & across & (np.abs(dx) < reach[0] + 0.5) & (np.abs(dy) < reach[1] + 0.5)
        occupancy[window][touched] = OCCUPIED
    for x, y, radius in scene.cylinders[:, :3]:
        centre = grid.to_cells(np.array([x, y]))
        size = radius / grid.resolution
        window, dx, dy = _window(occupancy.shape, centre, np.array([size, size]))
        gap = np.hypot(np.maximum(np.abs(dx) - 0.5, 0), np.maximum(np.abs(dy) - 0.5, 0))
        occupancy[window][gap < size] = OCCUPIED
    return dataclasses.replace(grid, occupancy=occupancy)


def _window(
    shape: tuple[int, ...], centre: NDArray[np.floating], reach: NDArray[np.floating],
) -> tuple[tuple[slice, slice], NDArray[np.float64], NDArray[np.float64]]:
    """Cells around a point, and how far the centre of each is from it in columns and rows."""
    low = np.maximum(np.floor(centre - reach).astype(int), 0)
    high = np.maximum(np.ceil(centre + reach).astype(int), low)
    columns = np.arange(low[0], min(high[0], shape[1])) + 0.5 - centre[0]
    rows = np.arange(low[1], min(high[1], shape[0])) + 0.5 - centre[1]
    dx, dy = np.meshgrid(columns, rows)
    return (slice(low[1], high[1]), slice(low[0], high[0])), dx, dy


@inline
def solids_gap(
    solids: Solids,
    m: int,
    px: NDArray[np.float64],
    py: NDArray[np.float64],
    radius: float,
    x: float,
    y: float,
    yaw: float,
    best: float,
) -> float:
    """
    Distance from a convex footprint at a pose to the nearest box or disc of map m.

    :param px: corners in base_link [m], counter-clockwise; py: the same; radius: of the circle
        about base_link around them.
    :param best: [m]; larger distances read as this.
    :return: [m]; 0 where they overlap.
    """
    c, s = np.cos(yaw), np.sin(yaw)
    for k in range(solids.first[m, 0], solids.first[m + 1, 0]):
        box = solids.boxes[k]
        dx, dy = x - box[0], y - box[1]
        u, v = box[2] * dx + box[3] * dy, box[2] * dy - box[3] * dx
        far_u, far_v = max(abs(u) - box[4], 0.0), max(abs(v) - box[5], 0.0)
        room = best + radius
        if far_u * far_u + far_v * far_v < room * room:
            best = min(best, box_gap(px, py, u, v, c * box[2] + s * box[3],
                                     s * box[2] - c * box[3], box[4], box[5]))
    for k in range(solids.first[m, 1], solids.first[m + 1, 1]):
        disc = solids.discs[k]
        dx, dy = disc[0] - x, disc[1] - y
        room = best + radius + disc[2]
        if dx * dx + dy * dy < room * room:
            near = np.sqrt(point_polygon(c * dx + s * dy, c * dy - s * dx, px, py))
            best = min(best, max(near - disc[2], 0.0))
    return float(best)


@inline
def box_gap(px: NDArray[np.float64], py: NDArray[np.float64], u: float, v: float, c: float,
            s: float, half_u: float, half_v: float) -> float:
    """
    Distance from a convex polygon to a box about the origin with its sides along the axes.

    :param px: corners of the polygon in its own frame, counter-clockwise; py: the same.
    :param u: where the origin of that frame is; v: the same; c, s: cos, sin of its turn.
    :return: 0 where they overlap.
    """
    best = np.inf
    low_u, high_u, low_v, high_v = np.inf, -np.inf, np.inf, -np.inf
    for k in range(px.size):
        corner_u, corner_v = u + c * px[k] - s * py[k], v + s * px[k] + c * py[k]
        low_u, high_u = min(low_u, corner_u), max(high_u, corner_u)
        low_v, high_v = min(low_v, corner_v), max(high_v, corner_v)
        du, dv = max(abs(corner_u) - half_u, 0.0), max(abs(corner_v) - half_v, 0.0)
        best = min(best, du * du + dv * dv)
    apart = low_u > half_u or high_u < -half_u or low_v > half_v or high_v < -half_v
    for k in range(4):
        corner_u = half_u if k % 2 else -half_u
        corner_v = half_v if k // 2 else -half_v
        du, dv = corner_u - u, corner_v - v
        best = min(best, point_polygon(c * du + s * dv, c * dv - s * du, px, py))
    return float(np.sqrt(best)) if apart or _edge_parts(
        px, py, u, v, c, s, half_u, half_v) else 0.0


@inline
def _edge_parts(px: NDArray[np.float64], py: NDArray[np.float64], u: float, v: float, c: float,
                s: float, half_u: float, half_v: float) -> bool:
    """Tell whether some edge of the polygon has all of the box on its outer side."""
    to_u, to_v = -c * u - s * v, s * u - c * v
    n = px.size
    for k in range(n):
        e = k + 1 if k + 1 < n else 0
        nx, ny = py[e] - py[k], px[k] - px[e]
        reach = abs(c * nx - s * ny) * half_u + abs(s * nx + c * ny) * half_v
        if (to_u - px[k]) * nx + (to_v - py[k]) * ny > reach:
            return True
    return False


@inline
def segment_square(x: float, y: float, ax: float, ay: float, bx: float, by: float) -> float:
    """Squared distance from a point to the segment a-b."""
    ux, uy = bx - ax, by - ay
    t = min(max(((x - ax) * ux + (y - ay) * uy) / (ux * ux + uy * uy), 0.0), 1.0)
    dx, dy = x - ax - t * ux, y - ay - t * uy
    return dx * dx + dy * dy


@inline
def point_polygon(x: float, y: float, px: NDArray[np.float64], py: NDArray[np.float64]) -> float:
    """Squared distance from a point to a convex polygon; 0 inside."""
    outside = False
    best = np.inf
    n = px.size
    for k in range(n):
        e = k + 1 if k + 1 < n else 0
        if (px[e] - px[k]) * (y - py[k]) - (py[e] - py[k]) * (x - px[k]) < 0.0:
            outside = True
            best = min(best, segment_square(x, y, px[k], py[k], px[e], py[e]))
    return float(best) if outside else 0.0
