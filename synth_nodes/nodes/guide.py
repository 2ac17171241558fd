"""The planner node's path: made in map, handed out in odom. No ROS."""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.tasks.planner import Planner
from synth_nodes.types import FloatArray

_AHEAD = 30
"""Path points ahead of the last progress in which the robot is looked for."""


class Guide:
    """Plans to a goal and keeps the part of the path that still lies ahead."""

    def __init__(self, planner: Planner, replan_distance: float) -> None:
        """:param replan_distance: distance [m] from the path at which a new one is planned."""
        self._planner = planner
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
            near = self._path[:_AHEAD] - pose[:2]
            distance = np.hypot(near[:, 0], near[:, 1])
            nearest = min(int(distance.argmin()), len(self._path) - 2)
            self._path = self._path[max(nearest, 0):]
            if distance.min() > self._limit:
                self._plan(pose, self._goal)
        elif self.fault:
            self._plan(pose, self._goal)
        return self._path

    def _plan(self, pose: FloatArray, goal: FloatArray) -> None:
        self.plans += 1
        try:
            self._path = self._planner.plan(pose[:2], goal)
            self.fault = ''
        except InputError as error:
            self._path, self.fault = np.zeros((0, 2)), str(error)
