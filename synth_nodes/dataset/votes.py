"""Votes of scans on what the cells of a map are: each scan votes once a cell."""

from collections.abc import Callable
from typing import Any, Protocol

from numba import njit
import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.types import FloatArray

MAP_RANGE = 20.0
"""Readings beyond this [m] are left out: a degree of pose error there is wider than a wall."""
_MARGIN = 0.5
_MAX_CELLS = 100_000_000
_CHUNK = 100

Progress = Callable[[int, int], None]
Counts = NDArray[np.int32]


class Scans(Protocol):
    """Ranges [m], shape (N, beams): an array, or what is read from the disk in parts."""

    def __len__(self) -> int:
        """Count the scans."""

    def __getitem__(self, part: slice, /) -> NDArray[Any]:
        """Give scans that follow one another."""


@njit(cache=True)
def _vote(
    ranges: FloatArray, angles: FloatArray, poses: FloatArray, first: int, reach: float,
    corner_x: float, corner_y: float, resolution: float,
    hits: Counts, misses: Counts, seen: Counts,
) -> None:
    """
    Add the votes of some scans to the counts.

    A cell takes one vote a scan, and a hit outweighs misses: `seen` holds 2 * scan + 1 where the
    scan hit and 2 * scan where it passed. Between neighbouring beams the scan is taken as free up
    to the shorter of the two, in rays no more than a cell apart.
    """
    beams = len(angles)
    for k in range(len(ranges)):
        mark = 2 * (first + k + 1)
        x, y = (poses[k, 0] - corner_x) / resolution, (poses[k, 1] - corner_y) / resolution
        for i in range(beams):
            r = ranges[k, i]
            if not r <= reach:
                continue
            angle = poses[k, 2] + angles[i]
            row = int(y + r / resolution * np.sin(angle))
            column = int(x + r / resolution * np.cos(angle))
            if seen[row, column] != mark + 1:
                seen[row, column] = mark + 1
                hits[row, column] += 1
        for i in range(beams):
            r = ranges[k, i]
            if not np.isfinite(r):
                continue
            _pass(x, y, poses[k, 2] + angles[i], min(r, reach) / resolution, mark, misses, seen)
            if i + 1 == beams or not np.isfinite(ranges[k, i + 1]):
                continue
            r = min(r, ranges[k, i + 1], reach) / resolution
            step = angles[i + 1] - angles[i]
            between = int(np.ceil(r * step))
            for j in range(1, between):
                _pass(x, y, poses[k, 2] + angles[i] + j * step / between, r, mark, misses, seen)


@njit(cache=True)
def _pass(
    x: float, y: float, angle: float, length: float, mark: int, misses: Counts, seen: Counts,
) -> None:
    """Vote free for each cell that a ray crosses before its last cell (Amanatides and Woo)."""
    dx, dy = np.cos(angle), np.sin(angle)
    column, row = int(x), int(y)
    right, up = 1 if dx > 0 else -1, 1 if dy > 0 else -1
    across = 1.0 / max(abs(dx), 1e-12)
    along = 1.0 / max(abs(dy), 1e-12)
    next_x = ((column + 1 - x) if dx > 0 else (x - column)) * across
    next_y = ((row + 1 - y) if dy > 0 else (y - row)) * along
    while min(next_x, next_y) < length - 1.0:
        if seen[row, column] < mark:
            seen[row, column] = mark
            misses[row, column] += 1
        if next_x < next_y:
            next_x += across
            column += right
        else:
            next_y += along
            row += up


def count_votes(
    name: str, ranges: Scans, angles: FloatArray, poses: FloatArray, resolution: float,
    progress: Progress | None,
) -> tuple[Counts, Counts, tuple[float, float]]:
    """
    Count hits and misses a cell over all scans.

    :param ranges: [m], shape (N, beams); angles: of the beams [rad], shape (beams,).
    :param poses: of the laser [m, m, rad], shape (N, 3).
    :param progress: called with (scans done, scans in all).
    :return: hits and misses, shape (rows, columns), and the corner of cell (0, 0) [m].
    :raises InputError: when there would be too many cells.
    """
    total = len(ranges)
    parts = [slice(start, min(start + _CHUNK, total)) for start in range(0, total, _CHUNK)]
    reach = np.concatenate([_longest(ranges[part]) for part in parts])
    reach = np.minimum(reach, MAP_RANGE) + _MARGIN + resolution
    low = np.floor((poses[:, :2] - reach).min(axis=0) / resolution) * resolution
    high = (poses[:, :2] + reach).max(axis=0)
    width, height = (int(v) for v in np.ceil((high - low) / resolution))
    if width * height > _MAX_CELLS:
        raise InputError(f'log {name}: its map would have {width} x {height} cells of '
                         f'{resolution} m, more than {_MAX_CELLS}; choose a coarser resolution, '
                         'or look for broken poses in the log')
    hits, misses = np.zeros((height, width), np.int32), np.zeros((height, width), np.int32)
    seen = np.zeros((height, width), np.int32)
    for part in parts:
        _vote(np.asarray(ranges[part], np.float64), angles, poses[part], part.start, MAP_RANGE,
              low[0], low[1], resolution, hits, misses, seen)
        if progress is not None:
            progress(part.stop, total)
    return hits, misses, (float(low[0]), float(low[1]))


def _longest(ranges: NDArray[Any]) -> FloatArray:
    """Find the longest finite range of each scan [m], shape (N, 1); 0 where there is none."""
    values = np.asarray(ranges, np.float64)
    return np.asarray(np.where(np.isfinite(values), values, 0.0).max(axis=1, keepdims=True))
