"""Maps prepared for driving: packed for the world's kernels, with a planner each."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from synth_nodes.tasks.path import resample
from synth_nodes.tasks.planner import NoPathError, Planner
from synth_nodes.types import GridMap, RobotSpec
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.scene import Scene

_TRIES = 50


@dataclass(frozen=True)
class Errand:
    """One thing to do: from a pose along a path to its end."""

    start: NDArray[np.float64]
    """x, y [m], yaw [rad] in `map`, shape (3,)."""
    path: NDArray[np.float64]
    """[m], shape (N, 2), in `map`."""

    @cached_property
    def way(self) -> NDArray[np.float64]:
        """The path as it is followed, see `resample` [m], shape (M, 2)."""
        return resample(self.path)


class Course:
    """Maps for one robot to drive in."""

    def __init__(self, maps: Sequence[GridMap | Scene], robot: RobotSpec,
                 margin: float = 0.05) -> None:
        """
        Prepare.

        :param maps: at least one; boxes and cylinders of scenes are planned around.
        :param robot: whose outline the ways must fit.
        :param margin: gap to keep to what is solid when planning [m].
        :raises InputError: when there is no map, or the robot fits nowhere on one.
        """
        self.robot = robot
        self.atlas = MapAtlas.build(maps)
        self.maps = self.atlas.maps
        self.planners = tuple(Planner(grid, robot, margin) for grid in self.atlas.drawn.maps)

    def errand(
        self, rng: np.random.Generator, map_index: int, min_length: float, max_length: float,
    ) -> Errand:
        """
        Draw a start, a heading and a goal that a way of fitting length joins.

        :param rng: where chance comes from.
        :param map_index: which map.
        :param min_length: shortest way [m].
        :param max_length: longest way [m].
        :raises NoPathError: when the map has hardly any such pair of places.
        """
        planner = self.planners[map_index]
        for attempt in range(_TRIES):
            start = planner.sample_start(rng)
            try:
                goal = planner.sample_goals(rng, start, 1, min_length, max_length)[0]
                path = planner.plan(start, goal)
            except NoPathError:
                if attempt == _TRIES - 1:
                    raise
                continue
            return Errand(np.array([*start, rng.uniform(-np.pi, np.pi)]), path)
        raise AssertionError('unreachable')


class ErrandPool:
    """
    Errands of a course by number, each planned when it is first asked for.

    Planning takes milliseconds, which is long beside a step of a batch of worlds. An errand
    depends on the seed and its number alone, not on who asked first or from which thread.
    """

    def __init__(self, course: Course, size: int, min_length: float, max_length: float,
                 seed: int) -> None:
        """
        Prepare; nothing is planned yet.

        :param size: errands in each map.
        :param min_length: shortest way [m].
        :param max_length: longest way [m].
        """
        self._course = course
        self._span = min_length, max_length
        self._seed = seed
        self.size = size
        """Errands in each map."""
        self._known: dict[tuple[int, int], Errand] = {}
        self._lock = Lock()

    def errand(self, map_index: int, number: int) -> Errand:
        """
        Give an errand.

        :param number: from 0 to `size` - 1.
        :raises NoPathError: when the map has hardly any way of fitting length.
        """
        key = map_index, number
        with self._lock:
            if key not in self._known:
                rng = np.random.default_rng([self._seed, *key])
                self._known[key] = self._course.errand(rng, map_index, *self._span)
            return self._known[key]
