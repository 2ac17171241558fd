"""
Following planned paths by the thousand: `PathFollower` of `tasks.path`, compiled.

Robots run that one, with numpy alone; a test holds the two equal.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.tasks.path import AHEAD, BACK, LOST, ON_PATH, path_length, RETURN, SPACING
from synth_nodes.types import FloatArray
from synth_nodes.world.jit import inline, kernel

_Points = NDArray[np.float64]


class FleetPaths:
    """Where B robots are on their paths, and where each should steer: see `PathFollower`."""

    def __init__(self, batch: int, spec: ObservationSpec) -> None:
        """
        Make room; every robot needs a path before the first call of :meth:`goal`.

        :param spec: lookahead distances.
        """
        self._reach = max(2, int(np.ceil(spec.lookahead / SPACING)))
        self._nearest = max(1, round(spec.min_lookahead / SPACING))
        self._bulge = spec.chord_tolerance
        self._points = np.zeros((batch, 2, 2))
        self._last = np.ones(batch, np.int64)
        self._progress = np.zeros(batch, np.int64)
        self.length = np.zeros(batch)
        """Length of each path [m], shape (B,)."""
        self.ends = np.zeros((batch, 2))
        """Last point of each path [m], shape (B, 2)."""
        self.deviation = np.zeros(batch)
        """Distance of each robot from its path [m], shape (B,), at the last call of goal()."""

    def set_paths(self, rows: NDArray[np.int64], paths: Sequence[FloatArray]) -> None:
        """
        Give some robots new paths, and start at their beginnings.

        :param rows: which robots, shape (K,).
        :param paths: for each of them points as `resample` gives them [m], shape (N, 2).
        """
        lack = max(map(len, paths), default=0) - self._points.shape[1]
        if lack > 0:
            self._points = np.pad(self._points, ((0, 0), (0, lack), (0, 0)))
        for row, path in zip(rows.tolist(), paths, strict=True):
            self._points[row, :len(path)] = path
            self._last[row] = len(path) - 1
            self.length[row] = path_length(path)
            self.ends[row] = path[-1]
        self._progress[rows] = 0

    def goal(self, pose: NDArray[np.float64]) -> NDArray[np.float64]:
        """
        Advance along the paths and say where to steer.

        :param pose: x, y [m], yaw [rad] of base_link in the frame of the paths, shape (B, 3).
        :return: shape (B, 3): point to steer for in base_link x, y [m]; distance left [m].
        """
        out = np.empty(pose.shape)
        _follow(self._points, self._last, self.length, self._progress, self.deviation,
                self._reach, self._nearest, self._bulge, pose, out)
        return out


@kernel
def _follow(points: _Points, last: NDArray[np.int64], length: NDArray[np.float64],
            progress: NDArray[np.int64], deviation: NDArray[np.float64], reach: int, nearest: int,
            bulge: float, pose: NDArray[np.float64], out: NDArray[np.float64]) -> None:
    """Do the work of :meth:`FleetPaths.goal`."""
    around = np.empty(BACK + AHEAD + 1)
    ahead = np.empty((2, reach + 1))
    for b in range(pose.shape[0]):
        x, y = pose[b, 0], pose[b, 1]
        path, end = points[b], last[b]
        at, off = _locate(path, end, progress[b], x, y, around)
        progress[b], deviation[b] = at, off
        for k in range(reach + 1):
            number = min(at + k, end)
            ahead[0, k] = path[number, 0] - x
            ahead[1, k] = path[number, 1] - y
        wanted = reach - RETURN * max(off - ON_PATH, 0.0) / SPACING
        k = min(nearest, reach)
        while k < reach and k + 1 <= wanted and _bulges(ahead, k + 1) <= bulge:
            k += 1
        c, s = np.cos(pose[b, 2]), np.sin(pose[b, 2])
        out[b, 0] = c * ahead[0, k] + s * ahead[1, k]
        out[b, 1] = c * ahead[1, k] - s * ahead[0, k]
        out[b, 2] = _remaining(path, end, at, length[b] / max(end, 1), x, y)


@inline
def _locate(path: _Points, end: int, before: int, x: float, y: float,
            around: NDArray[np.float64]) -> tuple[int, float]:
    """Find the nearest point close ahead; on the whole path only when lost."""
    least = np.inf
    for k in range(around.size):
        around[k] = _away(path, min(max(before - BACK + k, 0), end), x, y)
        least = min(least, around[k])
    best = 0
    while around[best] > least + 1e-9:
        best += 1
    off = around[best]
    at = min(max(before - BACK + best, 0), end)
    if off > LOST:
        everywhere, closest = 0, np.inf
        for k in range(end + 1):
            away = _away(path, k, x, y)
            if away < closest:
                everywhere, closest = k, away
        if closest < off - 0.5:
            return everywhere, closest
    return at, off


@inline
def _away(path: _Points, k: int, x: float, y: float) -> float:
    dx, dy = path[k, 0] - x, path[k, 1] - y
    return float(np.sqrt(dx * dx + dy * dy))


@inline
def _bulges(ahead: NDArray[np.float64], j: int) -> float:
    """Distance [m] that points ahead keep at most from the chord to point j, robot's beyond."""
    x, y = ahead[0, j], ahead[1, j]
    length = max(np.sqrt(x * x + y * y), 1e-9)
    ux, uy = x / length, y / length
    own = abs(ux * ahead[1, 0] - uy * ahead[0, 0])
    most = 0.0
    for i in range(1, j):
        most = max(most, abs(ux * ahead[1, i] - uy * ahead[0, i]) - own)
    return most


@inline
def _remaining(path: _Points, end: int, at: int, spacing: float, x: float, y: float) -> float:
    """Distance left to the end [m]: along the path, never less than direct."""
    beyond = min(at + 1, end)
    dx, dy = path[beyond, 0] - path[at, 0], path[beyond, 1] - path[at, 1]
    size = max(np.sqrt(dx * dx + dy * dy), 1e-9)
    done = ((x - path[at, 0]) * dx + (y - path[at, 1]) * dy) / size
    along = (end - at) * spacing - min(max(done, -SPACING), SPACING)
    return float(max(along, _away(path, end, x, y)))
