"""Books of a fleet that drives one errand a robot, and what became of those that failed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.tasks.fleet import Fleet
from synth_nodes.tasks.goal_reaching import has_arrived, time_allowed
from synth_nodes.tasks.rewards import unsteadiness
from synth_nodes.types import LidarSpec, RobotSpec

_NOTED = 4
"""Steps between the places that are noted of a drive."""


@dataclass(frozen=True)
class Failure:
    """An errand that did not arrive."""

    map_name: str
    map_index: int
    kind: str
    """'contact' or 'timeout'."""
    way: NDArray[np.float64]
    """The planned path [m], shape (N, 2), in `map`."""
    track: NDArray[np.float64]
    """Places of the robot [m], shape (M, 2), in `map`."""
    people: NDArray[np.float64]
    """Places of people at its end [m], shape (K, 2)."""


class Trial:
    """Keeps the books while a fleet drives one errand a robot."""

    def __init__(self, fleet: Fleet, robot: RobotSpec, lidar: LidarSpec, tolerance: float,
                 patience: float) -> None:
        """
        Open them.

        :param fleet: robots at the beginning of their errands.
        :param tolerance: distance to the goal that counts as arrived [m].
        :param patience: time allowed as a multiple of that at full speed.
        """
        batch = len(fleet.map_index)
        self._fleet, self._robot = fleet, robot
        self._tolerance = tolerance
        self._period = 1.0 / lidar.rate
        self._limit = time_allowed(fleet.lengths, robot.max_speed, patience)
        self._command = np.zeros((batch, 2))
        self._changes = np.zeros(batch)
        self._places = [fleet.world.pose[:, :2].astype(np.float32)]
        self._people = np.full((batch, *fleet.world.actors.shape[1:]), np.nan)
        self.done = np.zeros(batch, bool)
        """Errands that have ended, shape (B,), and so on."""
        self.arrived = np.zeros(batch, bool)
        self.contact = np.zeros(batch, bool)
        self.bumped = np.zeros(batch, bool)
        self.time = np.zeros(batch)
        """Time driven [s]."""
        self.driven = np.zeros(batch)
        """Way driven [m]."""
        self.clearance = np.full(batch, np.inf)
        """Smallest gap [m]."""

    def advance(self, command: NDArray[np.float64]) -> None:
        """Drive one step; robots that are done stand still."""
        fleet, active = self._fleet, ~self.done
        before = fleet.world.pose[:, :2].copy()
        command = np.where(active[:, None], command, 0.0)
        fleet.step(command)
        moved = np.hypot(*(fleet.world.pose[:, :2] - before).T)
        self.driven += np.where(active, moved, 0.0)
        self.time += np.where(active, self._period, 0.0)
        changes = unsteadiness(command, self._command, self._robot)
        self._changes += np.where(active, changes, 0.0)
        self._command = command
        near = np.minimum(self.clearance, fleet.world.clearance)
        self.clearance = np.where(active, near, self.clearance)
        self.contact |= active & fleet.contact
        self.bumped |= active & fleet.blocked
        self.arrived |= active & has_arrived(fleet.to_end, fleet.contact, self._tolerance)
        self.done |= self.contact | self.arrived | (self.time > self._limit)
        fleet.over[:] = self.done
        self._people[active & self.done] = fleet.world.actors[active & self.done]
        if round(float(self.time.max()) / self._period) % _NOTED == 0:
            self._places.append(fleet.world.pose[:, :2].astype(np.float32))

    @property
    def efficiency(self) -> NDArray[np.float64]:
        """Length of the planned way over the way driven, at most 1, shape (B,)."""
        driven = np.maximum(self.driven, 1e-6)
        return np.asarray(np.minimum(self._fleet.lengths, driven) / driven)

    @property
    def unsteadiness(self) -> NDArray[np.float64]:
        """Root mean square change from one command to the next, shape (B,)."""
        steps = np.maximum(self.time / self._period, 1.0)
        return np.asarray(np.sqrt(self._changes / steps))

    def failures(self, names: Sequence[str]) -> tuple[Failure, ...]:
        """List the errands that did not arrive."""
        places = np.stack(self._places, axis=1)
        out = []
        for row in np.flatnonzero(self.done & ~self.arrived):
            steps = 1 + int(self.time[row] / self._period / _NOTED)
            track = np.vstack((places[row, :steps], self._last(int(row))))
            m = int(self._fleet.map_index[row])
            out.append(Failure(
                names[m], m, 'contact' if self.contact[row] else 'timeout',
                self._fleet.way(int(row)), track.astype(float), self._people[row][:, :2]))
        return tuple(out)

    def _last(self, row: int) -> NDArray[np.float64]:
        return np.asarray(self._fleet.world.pose[row, :2])
