"""The planner node's path: made in map, handed out in odom. No ROS."""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.tasks.detour import detours_for, DetourSettings
from synth_nodes.tasks.path import path_length
from synth_nodes.tasks.planner import Planner
from synth_nodes.tasks.sighting import View
from synth_nodes.types import FloatArray

_AHEAD = 30
"""Path points ahead of the last progress in which the robot is looked for."""


class Guide:
    """Plans to a goal, around what blocks the way, and keeps the part of the path ahead."""

    def __init__(self, planner: Planner, replan_distance: float,
                 detours: DetourSettings | None = None) -> None:
        """
        Begin without a goal.

        :param replan_distance: distance [m] from the path at which a new one is planned.
        :param detours: when other ways are taken; None for never.
        """
        self._planner = planner
        self._detours = detours_for((planner,), np.zeros(1, np.int64), detours)
        self._limit = replan_distance
        self._goal: NDArray[np.float64] | None = None
        self._path = np.zeros((0, 2))
        self.fault = ''
        """Why there is no path; empty where there is one, or no goal."""
        self.plans = 0
        """How often a path was planned."""

    def take_goal(self, goal: NDArray[np.float64], pose: FloatArray) -> None:
        """
        Plan to a new goal.

        :param goal: x, y [m] in map, shape (2,).
        :param pose: of the robot in map, shape (3,).
        """
        self._goal = goal
        self._plan(pose, self._goal)

    def ahead(self, pose: FloatArray) -> NDArray[np.float64] | None:
        """
        Path [m] in map from the robot on, shape (N, 2); empty where there is no way.

        None before the first goal. Plans anew where the robot has strayed.

        :param pose: of the robot in map, shape (3,).
        """
        if self._goal is None:
            return None
        if len(self._path):
            if self._advance(pose) > self._limit:
                self._plan(pose, self._goal)
        elif self.fault:
            self._plan(pose, self._goal)
        return self._path

    def watch(self, now: float, pose: FloatArray, seen: View) -> bool:
        """
        Take another way where the robot makes no progress on this one.

        :param now: time of pose and scan [s].
        :param pose: of the robot in map, shape (3,).
        :param seen: its scan.
        :return: whether the path is another one now.
        """
        if self._detours is None or not len(self._path):
            return False
        self._advance(pose)
        ways = self._detours.step(now, pose[None], np.array([path_length(self._path)]),
                                  lambda _: seen)
        self.plans += len(ways)
        self._path = ways.get(0, self._path)
        return bool(ways)

    @property
    def detours(self) -> dict[str, int]:
        """How often the robot was sent around something, and aside."""
        if self._detours is None:
            return {}
        return {'detours': int(self._detours.found[0]),
                'stood_aside': int(self._detours.stood_aside[0])}

    def _advance(self, pose: FloatArray) -> float:
        """Leave out what lies behind the robot; return its distance from the path [m]."""
        near = self._path[:_AHEAD] - pose[:2]
        distance = np.hypot(near[:, 0], near[:, 1])
        nearest = min(int(distance.argmin()), len(self._path) - 2)
        self._path = self._path[max(nearest, 0):]
        return float(distance.min())

    def _plan(self, pose: FloatArray, goal: FloatArray) -> None:
        self.plans += 1
        try:
            self._path = self._planner.plan(pose[:2], goal)
            self.fault = ''
            if self._detours is not None:
                self._detours.begin(np.zeros(1, np.int64), self._path[-1:])
        except InputError as error:
            self._path, self.fault = np.zeros((0, 2)), str(error)
