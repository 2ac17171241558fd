"""Following planned paths: progress, and the point to steer for. numpy alone."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_nodes.errors import InputError
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import FloatArray

SPACING = 0.1
"""Distance between the points of a followed path [m]."""
BACK, AHEAD = 5, 25
"""Points behind and ahead of the last progress in which the robot is looked for."""
RETURN, ON_PATH = 5.0, 0.06
"""How much less far to look ahead for each metre off the path beyond 6 cm."""
LOST = 1.0
"""Distance from the path [m] from which the robot is looked for everywhere."""


def resample(path: ArrayLike, spacing: float = SPACING) -> NDArray[np.float64]:
    """
    Put points at equal distances along a path; its two ends stay where they are.

    :param path: [m], shape (N, 2), N >= 1.
    :param spacing: wanted distance between points [m].
    :return: [m], shape (M, 2), M >= 2.
    :raises InputError: when the path is empty, of another shape, or not finite.
    """
    points = np.asarray(path, float)
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise InputError(f'path of shape {points.shape} must be (N, 2) with at least one point')
    if not np.isfinite(points).all():
        raise InputError('path has a point that is not finite; every x and y must be a number')
    steps = np.hypot(*np.diff(points, axis=0).T) if len(points) > 1 else np.zeros(0)
    points = points[np.concatenate(([True], steps > 1e-9))]
    along = np.concatenate(([0.0], np.cumsum(steps[steps > 1e-9])))
    count = max(2, round(along[-1] / spacing) + 1)
    if len(points) == 1:
        return np.repeat(points, 2, axis=0)
    at = np.linspace(0.0, along[-1], count)
    return np.stack([np.interp(at, along, points[:, k]) for k in (0, 1)], axis=-1)


def path_length(points: FloatArray) -> float:
    """Length of a path [m] of points of shape (N, 2)."""
    return float(np.hypot(*np.diff(points, axis=0).T).sum())


def to_base(points: FloatArray, pose: FloatArray) -> NDArray[np.float64]:
    """
    Express points in base_link.

    :param points: [m], shape (B, 2), in the frame of the pose.
    :param pose: x, y [m], yaw [rad] of base_link, shape (B, 3).
    :return: [m], shape (B, 2).
    """
    dx, dy = points[:, 0] - pose[:, 0], points[:, 1] - pose[:, 1]
    c, s = np.cos(pose[:, 2]), np.sin(pose[:, 2])
    return np.stack((c * dx + s * dy, -s * dx + c * dy), axis=-1)


class PathFollower:
    """
    Where B robots are on their paths, and where each should steer.

    The point to steer for lies `lookahead` along the path, or nearer where the path bends: never
    so far that the path bulges more than `chord_tolerance` from the straight way there. So it
    doesn't cut corners, and its distance tells a policy how sharp the bend is. It is also nearer
    when the robot is off its path, so that it comes back to it soon.
    """

    def __init__(self, paths: Sequence[ArrayLike], spec: ObservationSpec | None = None) -> None:
        """
        Start every robot at the beginning of its path.

        :param paths: one path [m], shape (N, 2), for each robot.
        :param spec: lookahead distances.
        :raises InputError: on an empty or broken path.
        """
        self.spec = spec or ObservationSpec()
        self._reach = max(2, int(np.ceil(self.spec.lookahead / SPACING)))
        self._points = np.zeros((len(paths), 2, 2))
        self._count = np.full(len(paths), 2)
        self._progress = np.zeros(len(paths), np.intp)
        self._length = np.zeros(len(paths))
        self.deviation = np.zeros(len(paths))
        """Distance of each robot from its path [m], shape (B,), at the last call of goal()."""
        for index, path in enumerate(paths):
            self.set_path(index, path)

    def set_path(self, index: int, path: ArrayLike) -> None:
        """Give one robot a new path [m], shape (N, 2), and start at its beginning."""
        points = resample(path)
        longest = self._points.shape[1]
        if len(points) > longest:
            tail = np.repeat(self._points[:, -1:], len(points) - longest, axis=1)
            self._points = np.concatenate((self._points, tail), axis=1)
        self._points[index, :len(points)] = points
        self._points[index, len(points):] = points[-1]
        self._count[index] = len(points)
        self._length[index] = path_length(points)
        self._progress[index] = 0

    @property
    def length(self) -> NDArray[np.float64]:
        """Length of each path [m], shape (B,)."""
        return self._length

    @property
    def ends(self) -> NDArray[np.float64]:
        """Last point of each path [m], shape (B, 2)."""
        return np.asarray(self._points[np.arange(len(self._count)), self._count - 1])

    def goal(self, pose: ArrayLike) -> NDArray[np.float64]:
        """
        Advance along the paths and say where to steer.

        :param pose: x, y [m], yaw [rad] of base_link in the frame of the paths, shape (B, 3).
        :return: shape (B, 3): point to steer for in base_link x, y [m]; distance left [m].
        """
        at = np.asarray(pose, float).reshape(-1, 3)
        left = self.locate(at[:, :2])
        x, y = self._window(np.arange(self._reach + 1))
        pick = self._farthest(x - at[:, 0], y - at[:, 1]), np.arange(len(at))
        carrot = np.stack((x[pick], y[pick]), axis=-1)
        return np.column_stack((to_base(carrot, at), left))

    def locate(self, position: FloatArray) -> NDArray[np.float64]:
        """
        Advance along the paths.

        :param position: x, y [m] of base_link in the frame of the paths, shape (B, 2).
        :return: distance left to the end [m], shape (B,).
        """
        self._advance(position)
        return self._remaining(position)

    def around(self, offsets: NDArray[np.intp]) -> NDArray[np.float64]:
        """
        Take points of each path by number, from where the robot was last located.

        :param offsets: numbers of points, `SPACING` apart; 0 is the nearest; shape (K,).
        :return: [m], shape (B, K, 2); what lies beyond an end is that end.
        """
        return np.ascontiguousarray(np.stack(self._window(offsets), axis=-1).swapaxes(0, 1))

    def ahead(self, pose: FloatArray, count: int, spacing: float) -> NDArray[np.float64]:
        """
        Take points at even spacing of the way ahead of where each robot was last located.

        :param pose: x, y [m], yaw [rad] of base_link in the frame of the paths, shape (B, 3).
        :param count: how many, P.
        :param spacing: between them, along the path [m].
        :return: [m] in base_link, shape (B, P, 2); the first is abreast of the robot, and what
            lies beyond the end of the path is that end.
        """
        step = np.maximum(self._length / (self._count - 1), 1e-9)
        number = (self._progress + self._done(pose) / step
                  + np.arange(count)[:, None] * (spacing / step))
        number = np.clip(number, 0.0, self._count - 1)
        before = np.minimum(number.astype(np.intp), self._count - 2)
        share = number - before
        flat, index = self._points.reshape(-1), 2 * (
            before + np.arange(len(pose)) * self._points.shape[1])
        x, y = (flat.take(index + k) * (1.0 - share) + flat.take(index + 2 + k) * share
                - pose[:, k] for k in (0, 1))
        c, s = np.cos(pose[:, 2]), np.sin(pose[:, 2])
        return np.ascontiguousarray(np.stack((c * x + s * y, c * y - s * x)).transpose(2, 1, 0))

    def _window(self, offsets: NDArray[np.intp]) -> tuple[NDArray[np.float64], ...]:
        """Take x and y of those points, each of shape (K, B): reductions over K run along B."""
        number = np.clip(self._progress + offsets[:, None], 0, self._count - 1)
        rows = np.arange(len(self._count)) * self._points.shape[1]
        flat = self._points.reshape(-1)
        index = 2 * (number + rows)
        return flat.take(index), flat.take(index + 1)

    def segment(self) -> NDArray[np.float64]:
        """Piece of each path about where the robot was last located [m], shape (B, 2, 2)."""
        rows = np.arange(len(self._count))
        first = np.clip(self._progress - 1, 0, self._count - 2)
        last = np.minimum(first + 2, self._count - 1)
        return np.stack((self._points[rows, first], self._points[rows, last]), axis=1)

    def _advance(self, position: FloatArray) -> None:
        """Move to the nearest point close ahead; search the whole path only when lost."""
        offsets = np.arange(-BACK, AHEAD + 1)
        x, y = self._window(offsets)
        x -= position[:, 0]
        y -= position[:, 1]
        distance = np.sqrt(x * x + y * y)
        # Of points about equally near take the earliest: a path that returns isn't cut short.
        best = (distance <= distance.min(axis=0) + 1e-9).argmax(axis=0)
        self.deviation = distance[best, np.arange(len(position))]
        self._progress = np.clip(self._progress + offsets[best], 0, self._count - 1)
        lost = np.flatnonzero(self.deviation > LOST)
        if len(lost):
            self._search(lost, position[lost])

    def _search(self, lost: NDArray[np.intp], position: FloatArray) -> None:
        """Look for some robots along their whole paths; their ends are there more than once."""
        points = self._points[lost]
        everywhere = np.hypot(points[..., 0] - position[:, :1], points[..., 1] - position[:, 1:])
        nearest = everywhere.argmin(axis=1)
        least = everywhere[np.arange(len(lost)), nearest]
        found = least < self.deviation[lost] - 0.5
        self._progress[lost[found]] = nearest[found]
        self.deviation[lost[found]] = least[found]

    def _farthest(self, x: FloatArray, y: FloatArray) -> NDArray[np.intp]:
        """Offset of the farthest point whose chord the path follows closely; shape (B,)."""
        length = np.maximum(np.sqrt(x * x + y * y), 1e-9)
        # bulge[j, i, b]: distance of path point i from the chord to point j.
        bulge = np.abs((x / length)[:, None] * y - (y / length)[:, None] * x)
        bulge -= bulge[:, :1].copy()
        bulge *= np.tri(len(x), k=-1)[:, :, None]
        allowed = bulge.max(axis=1) <= self.spec.chord_tolerance
        nearest = max(1, round(self.spec.min_lookahead / SPACING))
        allowed &= np.arange(len(x))[:, None] <= self._wanted()
        allowed[:nearest + 1] = True
        return np.asarray(np.logical_and.accumulate(allowed, axis=0).sum(axis=0) - 1)

    def _wanted(self) -> NDArray[np.float64]:
        """How many points ahead to steer for, shape (B,), less the farther off the path."""
        off = np.maximum(self.deviation - ON_PATH, 0.0)
        return np.asarray(self._reach - RETURN * off / SPACING)

    def _remaining(self, position: FloatArray) -> NDArray[np.float64]:
        """Distance left to the end [m], shape (B,): along the path, never less than direct."""
        spacing = self._length / np.maximum(self._count - 1, 1)
        along = (self._count - 1 - self._progress) * spacing - self._done(position)
        direct = np.hypot(*(self.ends - position).T)
        return np.asarray(np.maximum(np.maximum(along, 0.0), direct))

    def _done(self, position: FloatArray) -> NDArray[np.float64]:
        """How far each robot is past the point it was located at [m], shape (B,)."""
        x, y = self._window(np.array([0, 1]))
        dx, dy = x[1] - x[0], y[1] - y[0]
        size = np.maximum(np.hypot(dx, dy), 1e-9)
        done = ((position[:, 0] - x[0]) * dx + (position[:, 1] - y[0]) * dy) / size
        return np.asarray(np.clip(done, -SPACING, SPACING))
