"""
Several maps packed in flat arrays, as the kernels of world and sensors read them.

Every map is padded by one ring of solid cells, so that whatever leaves the map meets a wall and
no kernel has to check bounds along the way. Boxes and cylinders of scenes stay exact, in tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.types import GridMap
from synth_nodes.world.jit import inline, kernel
from synth_nodes.world.scene import Scene
from synth_nodes.world.solids import draw_scene, pack_solids, Solids

LONGEST_JUMP = 255
"""Side in cells of the largest free square stored in `AtlasArrays.jump`."""


class AtlasArrays(NamedTuple):
    """Flat arrays over the cells of all padded maps, and one row a map to find them."""

    jump: NDArray[np.uint8]
    """
    Shape (4, cells): side, in cells, of the largest free square that starts at a cell and grows
    to (+column, +row), (-, +), (+, -), (-, -). 0 in a solid cell. A ray that heads that way may
    leap to where it leaves the square.
    """
    distance: NDArray[np.float32]
    """Shape (cells,): from the cell's centre to the nearest solid square [cells]."""
    nearest: NDArray[np.int32]
    """Shape (cells,): index within its map of that square."""
    shape: NDArray[np.int64]
    """Shape (maps, 3): first cell, rows, columns, of the padded map."""
    frame: NDArray[np.float64]
    """Shape (maps, 5): corner x, y [m] of the padded map in `map`, cos, sin of yaw, cell [m]."""
    solids: Solids
    """Boxes and discs that stand in the maps."""


@dataclass(frozen=True)
class MapAtlas:
    """Maps, and the same packed for the kernels."""

    maps: tuple[GridMap, ...]
    """What it was built from."""
    arrays: AtlasArrays
    """What the kernels read."""
    lines: tuple[tuple[NDArray[np.float64], ...], ...]
    """Of each map, the corners [m] in `map` of each painted line, shape (N, 2)."""
    sources: tuple[GridMap | Scene, ...]
    """What was given to :meth:`build`."""

    @classmethod
    def build(cls, maps: Sequence[GridMap | Scene]) -> 'MapAtlas':
        """
        Pack maps, or scenes with their boxes and cylinders; about 0.2 s for each million cells.

        :raises InputError: when there is no map, or one has no free cell.
        """
        if not maps:
            raise InputError('an atlas needs at least one map; give a map or generate a building')
        parts = []
        rows = []
        frames = []
        offset = 0
        grids = tuple(m.grid if isinstance(m, Scene) else m for m in maps)
        for grid in grids:
            solid = np.pad(grid.solid(), 1, constant_values=True)
            if solid.all():
                raise InputError(
                    f"map '{grid.name}' has no free cell, so nothing can move in it; "
                    'check its thresholds and the negate flag')
            if not grid.resolution > 0:
                raise InputError(
                    f"map '{grid.name}': resolution = {grid.resolution} m must be above 0")
            parts.append((free_squares(solid), *nearest_solid(solid)))
            rows.append((offset, *solid.shape))
            corner = grid.to_map(np.array([-1.0, -1.0]))
            yaw = grid.origin[2]
            frames.append((corner[0], corner[1], np.cos(yaw), np.sin(yaw), grid.resolution))
            offset += solid.size
        return cls(grids, AtlasArrays(
            np.concatenate([p[0] for p in parts], axis=1),
            np.concatenate([p[1] for p in parts]), np.concatenate([p[2] for p in parts]),
            np.array(rows, np.int64), np.array(frames, np.float64), pack_solids(maps)),
            tuple(tuple(line.points for line in m.lines) if isinstance(m, Scene) else ()
                  for m in maps), tuple(maps))

    @cached_property
    def drawn(self) -> 'MapAtlas':
        """The same with boxes and cylinders drawn into the grids; see :func:`draw_scene`."""
        solids = self.arrays.solids
        if not solids.boxes.size and not solids.discs.size:
            return self
        return MapAtlas.build([draw_scene(m) if isinstance(m, Scene) else m
                               for m in self.sources])

    def indices(self, map_index: NDArray[np.integer] | None, batch: int) -> NDArray[np.int64]:
        """
        Check a map index for each world; None spreads the worlds over the maps in turn.

        :param map_index: shape (B,) or a scalar array.
        :raises InputError: when an index names no map, or the length is not B.
        """
        if map_index is None:
            return np.arange(batch, dtype=np.int64) % len(self.maps)
        given = np.asarray(map_index)
        if given.shape not in ((), (batch,)) or not np.issubdtype(given.dtype, np.integer):
            raise InputError(
                f'map_index has shape {given.shape} and type {given.dtype}; it must be integers '
                f'of shape ({batch},)')
        index = np.ascontiguousarray(np.broadcast_to(given, (batch,)).astype(np.int64))
        if batch and (index.min() < 0 or index.max() >= len(self.maps)):
            raise InputError(
                f'map_index spans {index.min()} to {index.max()}, but the atlas has maps '
                f'0 to {len(self.maps) - 1}')
        return index


@inline
def to_cell(maps: AtlasArrays, m: int, x: float, y: float) -> tuple[float, float]:
    """Turn a point in `map` [m] into continuous (column, row) of padded map m."""
    dx = x - maps.frame[m, 0]
    dy = y - maps.frame[m, 1]
    c = maps.frame[m, 2]
    s = maps.frame[m, 3]
    scale = 1.0 / maps.frame[m, 4]
    return (c * dx + s * dy) * scale, (c * dy - s * dx) * scale


@inline
def to_point(maps: AtlasArrays, m: int, column: float, row: float) -> tuple[float, float]:
    """Turn continuous (column, row) of padded map m into a point in `map` [m]."""
    u = column * maps.frame[m, 4]
    v = row * maps.frame[m, 4]
    c = maps.frame[m, 2]
    s = maps.frame[m, 3]
    return maps.frame[m, 0] + c * u - s * v, maps.frame[m, 1] + s * u + c * v


@inline
def inside(maps: AtlasArrays, m: int, column: float, row: float) -> bool:
    """Tell whether a continuous (column, row) lies within map m, its solid ring left out."""
    return bool(1.0 <= column < maps.shape[m, 2] - 1.0 and 1.0 <= row < maps.shape[m, 1] - 1.0)


@kernel
def free_squares(solid: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """
    Find the largest free square that starts at each cell, towards each of four quadrants.

    Dynamic programming over the three neighbours ahead. See `AtlasArrays.jump`.

    :param solid: shape (H, W), its outermost ring solid.
    :return: shape (4, H * W).
    """
    height, width = solid.shape
    out = np.zeros((4, height * width), np.uint8)
    for quadrant in range(4):
        step_j = 1 if quadrant % 2 == 0 else -1
        step_i = 1 if quadrant < 2 else -1
        for a in range(1, height - 1):
            i = height - 1 - a if step_i == 1 else a
            for b in range(1, width - 1):
                j = width - 1 - b if step_j == 1 else b
                if solid[i, j]:
                    continue
                k = i * width + j
                ahead = min(out[quadrant, k + step_j], out[quadrant, k + step_i * width],
                            out[quadrant, k + step_j + step_i * width])
                out[quadrant, k] = min(ahead + 1, LONGEST_JUMP)
    return out


@kernel
def nearest_solid(
        solid: NDArray[np.bool_]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """
    Find the distance from each cell's centre to the nearest solid square, and which square it is.

    Exact: first along columns, then along rows, as far as something nearer may lie.

    :param solid: shape (H, W), its outermost ring solid.
    :return: distance [cells] and index of the square, each of shape (H * W,).
    """
    height, width = solid.shape
    row = np.empty((height, width), np.int32)
    for j in range(width):
        last = -1
        for i in range(height):
            last = i if solid[i, j] else last
            row[i, j] = last
        last = height
        for i in range(height - 1, -1, -1):
            last = i if solid[i, j] else last
            if last < height and last - i < i - row[i, j]:
                row[i, j] = last
    distance = np.empty(height * width, np.float32)
    nearest = np.empty(height * width, np.int32)
    for i in range(height):
        for j in range(width):
            best, which = _search_row(row, i, j)
            distance[i * width + j] = best
            nearest[i * width + j] = which
    return distance, nearest


@inline
def _search_row(row: NDArray[np.int32], i: int, j: int) -> tuple[float, int]:
    width = row.shape[1]
    gap = max(abs(i - row[i, j]) - 0.5, 0.0)
    best = gap * gap
    which = row[i, j] * width + j
    for k in range(1, width):
        if (k - 0.5) * (k - 0.5) >= best:
            break
        for other in (j - k, j + k):
            if 0 <= other < width:
                gap = max(abs(i - row[i, other]) - 0.5, 0.0)
                square = gap * gap + (k - 0.5) * (k - 0.5)
                if square < best:
                    best = square
                    which = row[i, other] * width + other
    return np.sqrt(best), which
