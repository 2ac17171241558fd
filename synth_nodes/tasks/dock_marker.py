"""
Finding a dock by its marker: two strips of reflecting foil, in the scan of a planar lidar.

Foil returns a hundred times what paper does, so its beams stand out by intensity; two such spots
at the right distance are the marker, and the beams between them, on the plain face, say how it is
turned. numpy alone, because the robot runs it.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.settings import setting
from synth_nodes.types import FloatArray, LidarSpec

Poses = NDArray[np.float64]
"""x, y [m], yaw [rad] in base_link, shape (B, 3): where base_link is to come to stand."""
_MOST = 8
"""Spots in a scan that are looked at as a pair of strips with one another."""
_GAP = 0.12
"""Distance from which two bright beams are not of one strip [m]."""
_NEAR_FACE = 0.05
"""How far beams of the face may be from the line between the strips [m]."""


@dataclass(frozen=True)
class DockSpec:
    """A dock, and where a robot stands at it."""

    width: float = setting(0.5, 'Width of the face.', unit='m', low=0.1, high=5.0)
    depth: float = setting(0.3, 'From the wall to the face.', unit='m', low=0.05, high=5.0)
    height: float = setting(0.3, 'Height.', unit='m', low=0.05, high=5.0)
    spacing: float = setting(
        0.4, 'Between the middles of the two strips.', unit='m', low=0.1, high=5.0)
    strip: float = setting(0.06, 'Width of a strip.', unit='m', low=0.01, high=1.0)
    standoff: float = setting(
        0.26, 'From the strips to base_link of a robot that is docked.', unit='m', low=0.05,
        high=5.0)
    bright: float = setting(
        5.0, 'Intensity times squared range [m^2] from which a beam met foil; white paper has 1.',
        low=0.01, high=1e6)
    slack: float = setting(
        0.08, 'By how much the spacing may be measured wrongly.', unit='m', low=0.005, high=1.0)


class Sighting(NamedTuple):
    """What B scans showed of docks."""

    pose: Poses
    """NaN where nothing was seen."""
    seen: NDArray[np.bool_]
    """Shape (B,)."""


class MarkerFinder:
    """Finds the marker in scans of one lidar."""

    def __init__(self, dock: DockSpec, lidar: LidarSpec) -> None:
        self._dock = dock
        self._cos, self._sin = np.cos(lidar.angles), np.sin(lidar.angles)
        self._mount = tuple(float(v) for v in lidar.mount)

    def find(self, ranges: NDArray[np.float32], intensities: NDArray[np.float32],
             guess: FloatArray, reach: float = 1.0, turn: float = 0.8) -> Sighting:
        """
        Look for the marker near where the dock should be.

        :param ranges: [m], shape (B, N), REP-117 values; intensities: likewise.
        :param guess: about where the dock is, x, y [m], yaw [rad] in base_link, shape (B, 3).
        :param reach: farthest from the guess [m]; turn: largest angle to it [rad].
        """
        batch = len(ranges)
        finite = np.isfinite(ranges) & np.isfinite(intensities)
        distance = np.where(finite, ranges, 0.0).astype(float)
        bright = finite & (intensities * distance ** 2 >= self._dock.bright)
        x, y = self._in_base(distance)
        first, second, row = self._pairs(*_spots(bright, x, y))
        poses = np.full((batch, 3), np.nan)
        best = np.full(batch, np.inf)
        for a, b, r in zip(first, second, row, strict=True):
            pose = self._pose(a, b, x[r], y[r], finite[r] & ~bright[r])
            off = float(np.hypot(*(pose[:2] - guess[r, :2])))
            if off < min(reach, best[r]) and abs(wrapped(pose[2] - guess[r, 2])) < turn:
                poses[r], best[r] = pose, off
        return Sighting(poses, np.isfinite(best))

    def _in_base(self, distance: NDArray[np.float64],
                 ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Carry end points of beams into base_link [m], each of shape (B, N)."""
        forward, left, yaw = self._mount
        x, y = distance * self._cos, distance * self._sin
        c, s = np.cos(yaw), np.sin(yaw)
        return forward + c * x - s * y, left + s * x + c * y

    def _pairs(self, spots: NDArray[np.float64], rows: NDArray[np.intp],
               ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.intp]]:
        """List pairs of spots (K, 2) of one scan that lie as far apart as the strips."""
        firsts, seconds, which = [], [], []
        for step in range(1, min(_MOST, len(spots))):
            a, b = spots[:-step], spots[step:]
            fits = (rows[:-step] == rows[step:]) & (
                np.abs(np.hypot(*(b - a).T) - self._dock.spacing) < self._dock.slack)
            firsts.append(a[fits])
            seconds.append(b[fits])
            which.append(rows[:-step][fits])
        if not firsts:
            none = np.zeros((0, 2))
            return none, none, np.zeros(0, np.intp)
        return np.concatenate(firsts), np.concatenate(seconds), np.concatenate(which)

    def _pose(self, a: FloatArray, b: FloatArray, x: FloatArray, y: FloatArray,
              plain: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Where a robot is to stand before strips at two points, the beams on the face helping."""
        middle = (a + b) / 2
        along = (b - a) / np.hypot(*(b - a))
        # Strips are met counter-clockwise, from right to left: the way in is to their right turn.
        inward = np.array([along[1], -along[0]])
        if inward @ middle < 0:
            inward, along = -inward, -along
        u = along[0] * (x - middle[0]) + along[1] * (y - middle[1])
        w = inward[0] * (x - middle[0]) + inward[1] * (y - middle[1])
        half = (self._dock.spacing - self._dock.strip) / 2 - 0.02
        face = plain & (np.abs(u) < half) & (np.abs(w) < _NEAR_FACE)
        yaw = float(np.arctan2(inward[1], inward[0]))
        count = int(face.sum())
        if count >= 4:
            du, dw = u[face] - u[face].mean(), w[face] - w[face].mean()
            slope = float((du * dw).sum() / max((du * du).sum(), 1e-9))
            # The two slopes are weighed by how well beams of equal noise tell them.
            face_weight, strips_weight = float((du * du).sum()), self._dock.spacing ** 2 / 2
            yaw -= slope * face_weight / (face_weight + strips_weight)
        back = self._dock.standoff
        return np.array([middle[0] - back * np.cos(yaw), middle[1] - back * np.sin(yaw),
                         wrapped(yaw)])


class DockTracker:
    """Remembers where docks are, carried on by odometry while their markers are not seen."""

    def __init__(self, batch: int, least_gain: float = 0.25, memory: float = 2.0) -> None:
        """
        Begin with nothing known.

        :param least_gain: weight of a sighting when many came before it.
        :param memory: age from which a sighting grows no older [s].
        """
        self.pose = np.zeros((batch, 3))
        """x, y [m], yaw [rad] of each dock in base_link, shape (B, 3)."""
        self.age = np.full(batch, memory)
        """Time since the marker was last seen [s], shape (B,), at most the memory."""
        self._count = np.zeros(batch)
        self._least, self._memory = least_gain, memory

    def begin(self, rows: NDArray[np.int64], guess: FloatArray) -> None:
        """Start anew from where docks are thought to be, x, y, yaw in base_link, shape (K, 3)."""
        self.pose[rows] = guess
        self.age[rows] = self._memory
        self._count[rows] = 0

    def carry(self, motion: FloatArray, dt: float) -> None:
        """
        Let the robots drive.

        :param motion: x, y [m], yaw [rad] of base_link in that of `dt` [s] before, shape (B, 3).
        """
        self.pose[:] = seen_from(motion, self.pose)
        self.age[:] = np.minimum(self.age + dt, self._memory)

    def take(self, sighting: Sighting) -> None:
        """Take what the newest scans showed; the first sighting counts in full."""
        seen = sighting.seen
        # A sighting after a long gap says more than what was carried through it.
        self._count[self.age >= self._memory] = 0
        gain = np.maximum(1.0 / (self._count + 1.0), self._least)[seen, None]
        error = sighting.pose[seen] - self.pose[seen]
        error[:, 2] = wrapped(error[:, 2])
        self.pose[seen] += gain * error
        self.pose[seen, 2] = wrapped(self.pose[seen, 2])
        self._count[seen] += 1
        self.age[seen] = 0.0


def wrapped(angle: FloatArray | float) -> NDArray[np.float64]:
    """Bring angles [rad] into [-pi, pi)."""
    return np.asarray((np.asarray(angle) + np.pi) % (2 * np.pi) - np.pi)


def seen_from(frame: FloatArray, pose: FloatArray) -> NDArray[np.float64]:
    """
    Carry poses into frames that are given in the same frame as they are.

    :param frame: x, y [m], yaw [rad], shape (B, 3); pose: likewise.
    :return: shape (B, 3), the angle in [-pi, pi).
    """
    c, s = np.cos(frame[:, 2]), np.sin(frame[:, 2])
    dx, dy = pose[:, 0] - frame[:, 0], pose[:, 1] - frame[:, 1]
    return np.column_stack((c * dx + s * dy, c * dy - s * dx, wrapped(pose[:, 2] - frame[:, 2])))


def _spots(bright: NDArray[np.bool_], x: NDArray[np.float64], y: NDArray[np.float64],
           ) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Gather bright beams into spots: middles in base_link [m], shape (K, 2), and their scans."""
    rows, beams = np.nonzero(bright)
    if not len(rows):
        return np.zeros((0, 2)), np.zeros(0, np.intp)
    px, py = x[rows, beams], y[rows, beams]
    apart = (np.diff(rows) > 0) | (np.hypot(np.diff(px), np.diff(py)) > _GAP)
    label = np.concatenate(([0], np.cumsum(apart)))
    count = np.bincount(label)
    middles = np.column_stack((np.bincount(label, px), np.bincount(label, py))) / count[:, None]
    starts = np.concatenate(([0], np.flatnonzero(apart) + 1))
    return middles, rows[starts]
