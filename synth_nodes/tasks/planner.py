"""Ways through a map that a robot's body fits along, and goals that it can reach."""

import copy

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_nodes.errors import InputError
from synth_nodes.tasks.path import resample, SPACING
from synth_nodes.tasks.search import relax, shortest_way, way_lengths
from synth_nodes.types import FloatArray, GridMap, RobotSpec

CELL = 0.1
"""Side of a planning cell [m], at least; maps coarser than this are planned in their own cells."""
COMFORT = 0.45
"""Extra clearance [m] beyond which a way is no longer drawn away from walls."""
_WEIGHT = 6.0
_SNAP = 0.6
"""How far a start or goal may be moved to free space [m]."""


class NoPathError(InputError):
    """There is no way for this robot between two places of a map."""


def clearance_field(grid: GridMap) -> NDArray[np.float32]:
    """
    Distance [m] of each cell's centre to the nearest solid cell, shape (H, W).

    The edge of the map counts as solid. Never more than the true distance to that cell's square:
    half a cell's diagonal is taken off the distance between centres.
    """
    free = np.pad((~grid.solid()).astype(np.uint8), 1)
    cells = cv2.distanceTransform(free, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    metres = (np.asarray(cells, np.float32) - np.float32(np.sqrt(0.5))) * grid.resolution
    return np.asarray(np.maximum(metres, 0.0), np.float32)


class Planner:
    """
    Plan over one map for one robot.

    The robot is taken as the circle about its outline, so that it may turn anywhere on a path.
    Ways keep away from walls where there is room (cost grows inside `COMFORT`).
    """

    def __init__(self, grid: GridMap, robot: RobotSpec, margin: float = 0.05) -> None:
        """
        Measure the map's clearance and the cost of travel.

        :param grid: the map; unknown cells are not driven on.
        :param robot: whose outline must fit.
        :param margin: gap to keep between that circle and what is solid [m].
        :raises InputError: when the robot fits nowhere on the map.
        """
        self.grid = grid
        self.required = robot.radius + margin
        """Clearance [m] that every point of a path has."""
        self._stride = max(1, int(CELL / grid.resolution + 1e-6))
        fine = clearance_field(grid)
        # The middle cell of each block stands for it.
        middle = self._stride // 2
        self._clearance = np.ascontiguousarray(fine[middle::self._stride, middle::self._stride])
        self.free = self._clearance >= self.required
        """Planning cells, shape (h, w), where the robot may stand with any heading."""
        if not self.free.any():
            raise InputError(
                f"map '{grid.name}' has no free place for a robot of radius {robot.radius:.2f} m "
                f'with {margin:.2f} m margin; check its resolution and thresholds')
        self._mainland: NDArray[np.intp] | None = None
        self._cost = self._cost_of(self._clearance)

    def around(self, points: FloatArray, gap: float = 0.0) -> 'Planner':
        """
        Make a planner that also keeps off things which the map does not have.

        :param points: where they stand, x, y in `map` [m], shape (K, 2).
        :param gap: kept to them beside what is kept to the map [m].
        :return: another planner; this one stays as it is.
        """
        other = copy.copy(self)
        places = np.unique(np.round(self._from_map(points) * 4.0) / 4.0, axis=0)
        if not len(places):
            return other
        reach = (self.required + COMFORT + gap) / self._side
        size = self.free.shape[::-1]
        left, low = np.clip(np.floor(places.min(axis=0) - reach), 0, size).astype(int)
        right, top = np.clip(np.ceil(places.max(axis=0) + reach) + 1, 0, size).astype(int)
        x, y = np.arange(left, right) + 0.5, np.arange(low, top) + 0.5
        square = np.full((len(y), len(x)), np.inf)
        for place in places:
            np.minimum(square, (x - place[0]) ** 2 + ((y - place[1]) ** 2)[:, None], out=square)
        window = slice(low, top), slice(left, right)
        away = np.maximum(np.sqrt(square) * self._side - gap, 0.0)
        other._clearance = self._clearance.copy()
        other._clearance[window] = np.minimum(self._clearance[window], away)
        other.free = other._clearance >= self.required
        other._cost = self._cost.copy()
        other._cost[window] = self._cost_of(other._clearance[window])
        other._mainland = None
        return other

    def _cost_of(self, clearance: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cost of travel of cells with some clearance [m]; inf where the robot doesn't fit."""
        lack = np.clip((self.required + COMFORT - clearance) / COMFORT, 0.0, 1.0)
        cost = 1.0 + _WEIGHT * lack ** 2
        return np.where(clearance >= self.required, cost, np.inf).astype(np.float32)

    def plan(self, start: ArrayLike, goal: ArrayLike) -> NDArray[np.float64]:
        """
        Plan a way.

        A start or goal too near a wall is moved to the nearest place that has the clearance.

        :param start: x, y in `map` [m], shape (2,).
        :param goal: x, y in `map` [m], shape (2,).
        :return: [m], shape (N, 2), in `map`, points 0.1 m apart, from start to goal.
        :raises NoPathError: when either place is off the free area, or no way joins them.
        """
        first, last = np.asarray(start, float), np.asarray(goal, float)
        a, b = self._cell(first, 'start'), self._cell(last, 'goal')
        way = shortest_way(self._cost, a, b)
        if way is None:
            raise NoPathError(
                f'no way from {_at(first)} to {_at(last)} in map {self.grid.name!r} with '
                f'{self.required:.2f} m clearance; choose a goal in the same free area')
        points = np.asarray(way[:, ::-1] + 0.5, np.float64)
        self._pin(points, first, 0)
        self._pin(points, last, -1)
        relax(points, self._clearance, self.required + 0.6 * COMFORT, 40)
        return resample(self._to_map(points), SPACING)

    def is_free(self, point: ArrayLike) -> bool:
        """Whether the robot may stand at x, y in `map` [m] with any heading."""
        row, col = self._index(np.asarray(point, float))
        inside = 0 <= row < self.free.shape[0] and 0 <= col < self.free.shape[1]
        return bool(inside and self.free[row, col])

    def clearance(self, points: FloatArray) -> NDArray[np.float64]:
        """Distance [m] to what is solid about x, y in `map` [m], (N, 2); 0 off the map; (N,)."""
        cells = np.floor(self._from_map(np.asarray(points, float))).astype(int)
        col, row = cells[:, 0], cells[:, 1]
        inside = (row >= 0) & (row < self.free.shape[0]) & (col >= 0) & (col < self.free.shape[1])
        out = np.zeros(len(cells))
        out[inside] = self._clearance[row[inside], col[inside]]
        return out

    def nearby(self, start: ArrayLike, reach: float,
               ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """
        List the places that short ways lead to.

        :param start: x, y in `map` [m].
        :param reach: longest way [m].
        :return: places, x, y in `map` [m], shape (N, 2), and the lengths of the ways [m], (N,).
        :raises NoPathError: when the start is off the free area.
        """
        lengths = way_lengths(self._cost, self._cell(np.asarray(start, float), 'start'))
        cells = np.argwhere(lengths * self._side <= reach)
        return (self._to_map(cells[:, ::-1] + 0.5),
                np.asarray(lengths[cells[:, 0], cells[:, 1]] * self._side, float))

    def sample_goals(
        self, rng: np.random.Generator, start: ArrayLike, count: int,
        min_length: float, max_length: float,
    ) -> NDArray[np.float64]:
        """
        Draw goals that a way of fitting length leads to.

        :param rng: where chance comes from.
        :param start: x, y in `map` [m].
        :param count: how many goals.
        :param min_length: shortest way [m].
        :param max_length: longest way [m].
        :return: [m], shape (count, 2), in `map`.
        :raises NoPathError: when no place is that far, or the start is off the free area.
        """
        begin = np.asarray(start, float)
        lengths = way_lengths(self._cost, self._cell(begin, 'start')) * self._side
        fit = np.argwhere((lengths >= min_length) & (lengths <= max_length))
        if not len(fit):
            farthest = float(lengths[np.isfinite(lengths)].max(initial=0.0))
            raise NoPathError(
                f'map {self.grid.name!r} has no goal {min_length:g} to {max_length:g} m from '
                f'{_at(begin)}; the farthest reachable place is {farthest:.1f} m away')
        picks = fit[rng.integers(len(fit), size=count)]
        return self._to_map(picks[:, ::-1] + 0.5)

    def sample_start(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw a free place, x, y in `map` [m], from the largest connected free area."""
        if self._mainland is None:
            _, labels, stats, _ = cv2.connectedComponentsWithStats(
                self.free.astype(np.uint8), connectivity=4)
            largest = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
            self._mainland = np.argwhere(labels == largest)
        cells = self._mainland
        return self._to_map(cells[rng.integers(len(cells))][::-1] + 0.5)

    @property
    def _side(self) -> float:
        return self._stride * self.grid.resolution

    def _to_map(self, points: FloatArray) -> NDArray[np.float64]:
        # Planning cell k spans fine cells [k s, (k + 1) s); its value is that of its middle one.
        offset = (self._stride // 2 + 0.5) - self._stride / 2
        return np.asarray(self.grid.to_map(points * self._stride + offset))

    def _from_map(self, point: FloatArray) -> NDArray[np.float64]:
        offset = (self._stride // 2 + 0.5) - self._stride / 2
        return np.asarray((self.grid.to_cells(point) - offset) / self._stride)

    def _index(self, point: FloatArray) -> tuple[int, int]:
        col, row = np.floor(self._from_map(point)).astype(int)
        return int(row), int(col)

    def _cell(self, point: FloatArray, what: str) -> tuple[int, int]:
        """Find the free planning cell nearest to a place."""
        if point.shape != (2,) or not np.isfinite(point).all():
            raise NoPathError(f'{what} {point.tolist()} must be two finite numbers x, y')
        row, col = self._index(point)
        reach = int(np.ceil(_SNAP / self._side))
        top, left = max(row - reach, 0), max(col - reach, 0)
        near = np.argwhere(self.free[top:max(row + reach + 1, 0), left:max(col + reach + 1, 0)])
        if len(near):
            near += (top, left)
            gaps = np.hypot(near[:, 0] - row, near[:, 1] - col)
            if gaps.min() <= reach:
                best = near[gaps.argmin()]
                return int(best[0]), int(best[1])
        raise NoPathError(
            f'{what} {_at(point)} is not in free space of map {self.grid.name!r} (needs '
            f'{self.required:.2f} m clearance within {_SNAP} m); choose one farther from walls')

    def _pin(self, points: FloatArray, place: FloatArray, end: int) -> None:
        """End the way exactly at the place where that place itself is free."""
        if self.is_free(place):
            points[end] = self._from_map(place)


def _at(point: FloatArray) -> str:
    return f'({point[0]:.2f}, {point[1]:.2f})'
