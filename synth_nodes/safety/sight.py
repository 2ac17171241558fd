"""What sensors see of the space around, alone and together: what one has not, another may have."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.sources import PointSource

Array = NDArray[np.float64]
DIRECTIONS = 180
"""In how many directions it is told apart how far a point cloud sees."""
SAMPLE = 20000
"""How many points of a cloud, about, tell how far it sees."""
CONE_STEP = 0.05
"""Angle [rad] between the beams that stand for the cone of a range sensor."""


@dataclass(frozen=True)
class View:
    """A scan as it was taken, or one that stands for what another sensor saw."""

    ranges: Array
    """[m], shape (N,), REP-117 values."""
    angles: Array
    """In the laser frame [rad], evenly spaced either way round, shape (N,)."""
    range_min: float
    range_max: float | Array
    """How far it saw where nothing was met [m]; of other sensors in each direction, shape (N,)."""
    mount: tuple[float, float, float]
    """Pose in base_link: x [m], y [m], yaw [rad]."""

    def sees(self, points: Array) -> NDArray[np.bool_]:
        """
        Say which points lie before what the two beams beside each of them met.

        :param points: base_link [m], shape (M, 2).
        :return: shape (M,).
        """
        count = len(self.angles)
        if count < 2:
            return np.zeros(len(points), bool)
        x, y, yaw = self.mount
        dx, dy = points[:, 0] - x, points[:, 1] - y
        step = float(self.angles[-1] - self.angles[0]) / (count - 1)
        turn = (np.arctan2(dy, dx) - yaw - float(self.angles[0])) * np.sign(step)
        low = np.floor(np.mod(turn, 2 * np.pi) / abs(step)).astype(np.intp)
        ring = abs(step) * (count + 0.5) > 2 * np.pi
        within = (low < count - 1) | (ring & (low <= count))
        with np.errstate(invalid='ignore'):
            reach = np.where(self.ranges >= max(self.range_min, 1e-6),
                             np.minimum(self.ranges, self.range_max), -np.inf)
        near = np.minimum(reach[low % count], reach[(low + 1) % count])
        return np.asarray(within & (np.hypot(dx, dy) <= near))


def view_of_cloud(obstacles: Array, points: Array, at: tuple[float, float], max_range: float,
                  sector: tuple[float, ...]) -> View:
    """
    Say what a cloud saw: up to the nearest obstacle, else up to the farthest point of any height.

    So the floor that a depth camera sees tells that nothing stands on it.

    :param obstacles: points that count, base_link [m], shape (N, 2).
    :param points: all points, base_link [m], shape (M, 2); not finite where nothing was measured.
    :param at: where the sensor is, in base_link [m].
    :param sector: first and last direction in base_link [rad] between which it would show
        whatever stands nearer than max_range [m]; empty where that is not known.
    """
    angles = np.linspace(-np.pi, np.pi, DIRECTIONS, endpoint=False) + np.pi / DIRECTIONS
    far, near = np.zeros(DIRECTIONS), np.full(DIRECTIONS, np.inf)
    for best, those, most in ((near, obstacles, np.minimum),
                              (far, points[::len(points) // SAMPLE + 1], np.maximum)):
        x, y = those.T - np.reshape(at, (2, 1))
        finite = np.isfinite(x) & np.isfinite(y)
        turn = np.arctan2(y[finite], x[finite]) + np.pi
        way = np.minimum(turn * (DIRECTIONS / (2 * np.pi)), DIRECTIONS - 1).astype(np.intp)
        most.at(best, way, np.hypot(x[finite], y[finite]))
    if sector:
        first, last = sector
        far[np.mod(angles - first, 2 * np.pi) <= last - first] = max_range
    far = np.minimum(np.maximum(far, np.where(np.isinf(near), 0.0, near)), max_range)
    return View(np.where(far > 0.0, near, np.nan), angles, 0.0, far, (*at, 0.0))


def view_of_cone(distance: float, field_of_view: float, range_max: float,
                 mount: tuple[float, float, float]) -> View:
    """
    Say what a sensor of one distance [m] saw: its cone [rad] about the x axis of its mount.

    :param distance: beyond range_max [m], inf included, nothing was met.
    """
    count = max(int(np.ceil(field_of_view / CONE_STEP)), 1) + 1
    angles = np.linspace(-field_of_view / 2, field_of_view / 2, count)
    return View(np.full(count, distance), angles, 0.0, range_max, mount)


def seen_together(sources: Sequence[PointSource],
                  views: Sequence[View | None]) -> tuple[PointSource, ...]:
    """
    Take what one sensor has not seen for seen where another one has seen it.

    :param views: what each source's scan saw; None for those that cannot tell.
    """
    if sum(view is not None for view in views) < 2:
        return tuple(sources)
    out = []
    for source, own in zip(sources, views, strict=True):
        hidden = source.unseen_base
        for view in views:
            if view is not None and view is not own and len(hidden):
                hidden = hidden[~view.sees(hidden)]
        out.append(replace(source, unseen_base=hidden))
    return tuple(out)
