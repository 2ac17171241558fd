"""
Another way for a robot that is blocked: around what it sees, or aside until that has gone.

Only what a real robot has is used: its map, its pose and its own scan. Nav2 plans around
obstacles once a second and backs off where it can't (Macenski, Martin, White and Clavero 2020);
here a robot keeps its way until it has stood for a while, so that it does not turn back and forth
between two ways while people walk past.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from synth_nodes.tasks.detour_settings import DetourSettings as DetourSettings
from synth_nodes.tasks.dock_marker import wrapped
from synth_nodes.tasks.path import path_length
from synth_nodes.tasks.planner import NoPathError, Planner
from synth_nodes.tasks.sighting import gaps, Looks, Memory, unexplained, View
from synth_nodes.types import FloatArray

_FRESH = 1.0
"""Way [m] along a new path after which earlier attempts no longer count."""
_WORTH = 0.25
"""Least gap [m] that standing aside must add."""
_AHEAD, _SIDEWAYS = 4, 1.0
"""Point of a way, and bearing [rad] to it from which a robot turns in place."""
_DEAR = 0.2
"""Gap [m] that each metre of the way aside must add."""


class Detours:
    """
    Watches B robots on their ways, and gives those that are blocked others.

    A new way is kept until the robot is blocked again or has arrived. What blocked it before is
    remembered, so that it does not return to a way that it has just left.
    """

    def __init__(self, planners: Sequence[Planner], map_index: NDArray[np.int64],
                 settings: DetourSettings) -> None:
        """
        Make room; robots without a way are not watched.

        :param planners: one for each map.
        :param map_index: map of each robot, shape (B,).
        """
        batch = len(map_index)
        self._planners, self._map_index, self._settings = planners, map_index, settings
        self._goal = np.zeros((batch, 2))
        self._memory = [Memory() for _ in range(batch)]
        self._looks = [Looks() for _ in range(batch)]
        self._first = np.full(batch, np.inf)
        self._best = np.full(batch, np.inf)
        self._since = np.full(batch, np.inf)
        self._again = np.full(batch, -np.inf)
        self._tries = np.zeros(batch, np.int64)
        self._aside = np.full(batch, np.nan)
        self._bent = np.zeros(batch, bool)
        self.found = np.zeros(batch, np.int64)
        """How often each robot was given a way around something, shape (B,)."""
        self.stood_aside = np.zeros(batch, np.int64)
        """How often each robot was sent aside, shape (B,)."""

    def begin(self, rows: NDArray[np.int64], goals: FloatArray) -> None:
        """
        Watch robots on new ways.

        :param rows: which robots, shape (K,).
        :param goals: where their ways end [m], shape (K, 2), in `map`.
        """
        self._goal[rows] = goals
        self._first[rows] = self._best[rows] = np.inf
        self._since[rows], self._again[rows] = np.inf, -np.inf
        self._tries[rows], self._aside[rows], self._bent[rows] = 0, np.nan, False
        for row in rows.tolist():
            self._memory[row], self._looks[row] = Memory(), Looks()

    def step(self, now: float, pose: FloatArray, left: FloatArray, look: Callable[[int], View],
             active: NDArray[np.bool_] | None = None) -> dict[int, NDArray[np.float64]]:
        """
        Look after the robots.

        :param now: [s], never less than before.
        :param pose: x, y [m], yaw [rad] in `map`, shape (B, 3).
        :param left: distance left along each robot's present way [m], shape (B,).
        :param look: gives a robot's newest scan; asked of blocked robots only.
        :param active: robots to look after, shape (B,); all where None.
        :return: new ways of some robots, [m], shape (N, 2), in `map`, 0.1 m between points.
        """
        s = self._settings
        self._first = np.where(np.isinf(self._first), left, self._first)
        self._tries[left < self._first - _FRESH] = 0
        gained = left < self._best - s.progress
        self._best[gained], self._since[gained] = left[gained], now
        waiting = ~np.isnan(self._aside)
        due = (waiting | (now - self._since >= s.patience - s.still)) & (now >= self._again)
        due &= waiting | (np.hypot(*(self._goal - pose[:, :2]).T) > s.near)
        if active is not None:
            due &= active
        ways = {}
        for row in np.flatnonzero(due).tolist():
            self._again[row] = now + s.retry
            way = self._search(row, now, pose[row], float(left[row]), look(row))
            if way is not None:
                self._first[row] = self._best[row] = np.inf
                ways[row] = way
        return ways

    def _search(self, row: int, now: float, pose: FloatArray, left: float, seen: View,
                ) -> NDArray[np.float64] | None:
        s, memory = self._settings, self._memory[row]
        planner = self._planners[self._map_index[row]]
        memory.forget(seen, now, s.memory)
        fresh = unexplained(planner, seen, s.sight, s.map_gap)
        standing = self._looks[row].standing(
            fresh, now, s.still, s.still + max(s.still, 2.0 * s.retry))
        waiting = not np.isnan(self._aside[row])
        if not waiting and now - self._since[row] < s.patience:
            return None
        if not waiting and not len(standing):
            # What walks will be gone by itself; but a way around what has gone may be worse.
            return self._plain(row, pose, planner)
        known = np.concatenate((memory.points, standing))
        crowded = planner.around(known, s.margin)
        if waiting:
            return self._return(row, now, pose, crowded)
        memory.add(standing, now)
        self._tries[row] += 1
        way = self._around(row, pose, crowded, left + s.longer)
        # There is no way around what stands there, or the last one did not help.
        aside = None if way is not None and self._tries[row] % 2 else self._stand_aside(
            pose, crowded, known)
        if aside is not None:
            self._aside[row] = now
            self.stood_aside[row] += 1
        elif way is not None:
            self.found[row] += 1
        self._bent[row] |= aside is not None or way is not None
        return way if aside is None else aside

    def _plain(self, row: int, pose: FloatArray, planner: Planner) -> NDArray[np.float64] | None:
        """Plan the way that the map alone says, where the present one is another."""
        if not self._bent[row]:
            return None
        self._bent[row] = False
        return self._around(row, pose, planner, np.inf)

    def _return(self, row: int, now: float, pose: FloatArray, crowded: Planner,
                ) -> NDArray[np.float64] | None:
        """Go on from aside as soon as there is a way; after long, try the one that was blocked."""
        s, waited = self._settings, now - self._aside[row]
        if waited < s.hold:
            return None
        way = self._around(row, pose, crowded, np.inf)
        if way is None and waited >= s.stay:
            self._memory[row] = Memory()
            way = self._around(row, pose, self._planners[self._map_index[row]], np.inf)
        if way is not None:
            self._aside[row] = np.nan
        return way

    def _around(self, row: int, pose: FloatArray, crowded: Planner, longest: float,
                ) -> NDArray[np.float64] | None:
        """Plan a way to the goal itself, if there is one that is not too long."""
        if not crowded.is_free(self._goal[row]):
            return None
        try:
            way = crowded.plan(pose[:2], self._goal[row])
        except NoPathError:
            return None
        return way if path_length(way) <= longest and _may_turn(crowded, pose, way) else None

    def _stand_aside(self, pose: FloatArray, crowded: Planner, points: FloatArray,
                     ) -> NDArray[np.float64] | None:
        """Plan a short way to a place that leaves room to all that is seen."""
        room = self._settings.room
        if not room or not len(points):
            return None
        try:
            places, lengths = crowded.nearby(pose[:2], 3.0 * room)
            worth = np.minimum(gaps(places, points), room) - _DEAR * lengths
            best = int(worth.argmax())
            if worth[best] < gaps(pose[None, :2], points)[0] + _WORTH:
                return None
            way = crowded.plan(pose[:2], places[best])
        except NoPathError:
            return None
        return way if _may_turn(crowded, pose, way) else None


def detours_for(planners: Sequence[Planner], map_index: NDArray[np.int64],
                settings: DetourSettings | None) -> Detours | None:
    """Watch robots as settings say; None where these are None or switched off."""
    if settings is None or not settings.enabled:
        return None
    return Detours(planners, map_index, settings)


def _may_turn(planner: Planner, pose: FloatArray, way: FloatArray) -> bool:
    """Tell whether a way begins ahead of the robot, or the robot has room to turn into it."""
    x, y = way[min(_AHEAD, len(way) - 1)] - pose[:2]
    off = abs(wrapped(np.arctan2(y, x) - pose[2]))
    return bool(off < _SIDEWAYS or planner.is_free(pose[:2]))
