"""What a robot's scan shows that its map does not, and how long that is kept in mind."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.tasks.dock_marker import wrapped
from synth_nodes.tasks.planner import Planner
from synth_nodes.types import FloatArray

THICK = 0.3
"""What a beam ends at is taken to be this deep [m]: a scan shows the near side only."""
GRAIN = 0.05
"""Places are told no finer [m]: many beams end at one thing."""
STILL = 0.1
"""How far what stands still may seem to move [m]: people shuffle, and are seen from elsewhere."""
_BEYOND = 0.3
"""How much farther a beam must reach than a place to show that nothing stands there [m]."""


class View(NamedTuple):
    """One scan as it was taken, in `map`."""

    origin: NDArray[np.float64]
    """x, y of the scanner [m], shape (2,)."""
    bearings: NDArray[np.float64]
    """Of the beams [rad], shape (N,)."""
    ranges: NDArray[np.float64]
    """[m], shape (N,), REP-117 values: +inf where nothing was hit."""


def view(pose: FloatArray, mount: Sequence[float], angles: FloatArray, ranges: FloatArray) -> View:
    """
    Say where a scan looks.

    :param pose: x, y [m], yaw [rad] of base_link in `map`, shape (3,).
    :param mount: x, y [m], yaw [rad] of the laser in base_link, shape (3,).
    :param angles: of the beams in the laser's frame [rad], shape (N,).
    :param ranges: [m], shape (N,), REP-117 values.
    """
    c, s = np.cos(pose[2]), np.sin(pose[2])
    origin = np.array((pose[0] + c * mount[0] - s * mount[1],
                       pose[1] + s * mount[0] + c * mount[1]))
    return View(origin, np.asarray(angles, float) + (pose[2] + mount[2]),
                np.asarray(ranges, float))


def unexplained(planner: Planner, seen: View, sight: float, gap: float) -> NDArray[np.float64]:
    """
    Find the places a scan shows to be taken although the map has nothing there.

    Each comes with two more behind it, see `THICK`, and all to `GRAIN`.

    :param sight: how far the scan is looked at [m].
    :param gap: distance to what the map has from which that does not explain a point [m].
    :return: [m], shape (K, 2), in `map`.
    """
    near = np.isfinite(seen.ranges) & (seen.ranges > 0.0) & (seen.ranges <= sight)
    along = np.stack((np.cos(seen.bearings[near]), np.sin(seen.bearings[near])), axis=-1)
    points = seen.origin + along * seen.ranges[near, None]
    new = planner.clearance(points) >= gap
    deep = [points[new] + along[new] * depth for depth in (0.0, THICK / 2, THICK)]
    return np.asarray(np.unique(np.round(np.concatenate(deep) / GRAIN), axis=0) * GRAIN)


def gaps(places: FloatArray, points: FloatArray) -> NDArray[np.float64]:
    """Distance [m] of places, shape (N, 2), to the nearest of points, shape (K, 2)."""
    least = np.full(len(places), np.inf)
    for point in points:
        np.minimum(least, np.hypot(*(places - point).T), out=least)
    return least


class Looks:
    """What was seen lately, to tell what stands from what walks by."""

    def __init__(self) -> None:
        self._looks: list[tuple[float, NDArray[np.float64]]] = []

    def standing(self, points: NDArray[np.float64], now: float, span: float, stale: float,
                 ) -> NDArray[np.float64]:
        """
        Take what is seen now; give the part of it that was there some time ago too.

        :param points: of :func:`unexplained` [m], shape (K, 2).
        :param now: time of the scan [s].
        :param span: how long ago [s].
        :param stale: age from which a look tells nothing [s], more than `span`.
        :return: [m], shape (L, 2); none where nobody looked then.
        """
        recent = [look for look in self._looks if look[0] > now - stale - 1e-6]
        self._looks = [*recent, (now, points)]
        before = [seen for stamp, seen in self._looks if stamp <= now - span + 1e-6]
        return points[gaps(points, before[-1]) <= STILL] if before else points[:0]


class Memory:
    """Places that were taken when they were last looked at, of one robot."""

    def __init__(self) -> None:
        self._points = np.zeros((0, 2))
        self._stamps = np.zeros(0)

    @property
    def points(self) -> NDArray[np.float64]:
        """[m], shape (K, 2), in `map`."""
        return self._points

    def add(self, points: FloatArray, now: float) -> None:
        """Keep in mind what was seen [m], shape (K, 2), at a time [s]."""
        old = gaps(self._points, points) > 0.5 * GRAIN
        self._points = np.concatenate((self._points[old], points))
        self._stamps = np.concatenate((self._stamps[old], np.full(len(points), now)))

    def forget(self, seen: View, now: float, span: float) -> None:
        """
        Forget what the scan looks past, and what is old.

        :param now: time of the scan [s].
        :param span: how long a place is kept in mind [s].
        """
        keep = (now - self._stamps <= span) & ~_looked_past(self._points, seen)
        self._points, self._stamps = self._points[keep], self._stamps[keep]


def _looked_past(points: FloatArray, seen: View) -> NDArray[np.bool_]:
    """Tell which points, shape (K, 2), a beam passes and goes on well beyond."""
    if not len(points) or not len(seen.bearings):
        return np.zeros(len(points), bool)
    away = points - seen.origin
    bearing = np.arctan2(away[:, 1], away[:, 0])
    off = np.abs(wrapped(bearing[:, None] - seen.bearings))
    beam = off.argmin(axis=1)
    reach = seen.ranges[beam]
    width = 2.0 * float(np.median(np.abs(np.diff(seen.bearings)))) if len(seen.bearings) > 1 \
        else 0.1
    return np.asarray((off.min(axis=1) <= width)
                      & (reach > np.hypot(away[:, 0], away[:, 1]) + _BEYOND))
