"""B simulated robots on errands: what they see, what the expert would do, and what happens."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth_nodes.sensors.lidar import Lidar
from synth_nodes.tasks.course import Course, Errand
from synth_nodes.tasks.detour import Detours, detours_for, DetourSettings
from synth_nodes.tasks.expert import Expert
from synth_nodes.tasks.fleet_paths import FleetPaths
from synth_nodes.tasks.fleet_scans import FleetScans
from synth_nodes.tasks.observation import Observation, ObservationSpec
from synth_nodes.tasks.sighting import View, view
from synth_nodes.types import FloatArray, LidarSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.randomise import Randomisation
from synth_nodes.world.world import World

PHYSICS_STEP = 0.025
"""Longest step of the simulated world [s] where nothing else is said."""


class Fleet:
    """Robots of one kind, each in its own copy of a map, with people of its own."""

    def __init__(
        self, course: Course, lidar: LidarSpec, observation: ObservationSpec,
        actors: ActorSettings, map_index: NDArray[np.int64], seed: int,
        physics_step: float = PHYSICS_STEP, randomisation: Randomisation | None = None,
        detours: DetourSettings | None = None,
    ) -> None:
        """
        Place the robots; every one needs an errand before the first observation.

        :param course: the maps.
        :param lidar: the robots' lidar; a command is given for each scan.
        :param observation: what they see of it.
        :param actors: people around each robot.
        :param map_index: map of each robot, shape (B,).
        :param seed: of world, people and noise.
        :param physics_step: longest step of the simulated world [s].
        :param randomisation: what each robot draws anew with each errand; None for nothing.
        :param detours: when blocked robots are given other ways; None for never.
        """
        batch = len(map_index)
        self.map_index = np.asarray(map_index, np.int64)
        self.world = World(course.atlas, course.robot, actors, batch, seed, self.map_index,
                           randomisation=randomisation)
        self.contact = np.zeros(batch, bool)
        """Contact in the last step that was the robot's doing, shape (B,)."""
        self.blocked = np.zeros(batch, bool)
        """Contact in the last step that a person made with a standing robot, shape (B,)."""
        self.over = np.zeros(batch, bool)
        """Robots whose errands have ended, shape (B,): they are given no more detours."""
        self._mounts = None if randomisation is None else self.world.mount_offset
        self._lidar = Lidar(lidar, course.atlas, seed + 1)
        self._spec = observation
        self._scans = FleetScans(observation, lidar, batch)
        self._paths = FleetPaths(batch, observation)
        self._errands: dict[int, Errand] = {}
        self._lengths, self._ends = np.zeros(batch), np.zeros((batch, 2))
        self._detours = detours_for(course.planners, self.map_index, detours)
        self._ranges = np.zeros((batch, lidar.beams), np.float32)
        self._full = np.zeros((batch, 3))
        self._expert = Expert(course.atlas.drawn, course.robot)
        self._goal = np.zeros((batch, 3))
        self._time = 0.0
        self._period = 1.0 / lidar.rate
        self._substeps = max(1, int(np.ceil(self._period / physics_step - 1e-6)))

    def begin(self, index: Sequence[int] | NDArray[np.integer], errands: Sequence[Errand]) -> None:
        """Send some robots on new errands."""
        rows = np.asarray(index, np.int64)
        if not len(rows):
            return
        self.world.reset(rows, np.stack([e.start for e in errands]))
        self._paths.set_paths(rows, [errand.way for errand in errands])
        self._errands.update(zip(rows.tolist(), errands, strict=True))
        self._lengths[rows], self._ends[rows] = self._paths.length[rows], self._paths.ends[rows]
        if self._detours is not None:
            self._detours.begin(rows, self._ends[rows])
        self._scans.reset(rows)
        self.contact[rows] = self.blocked[rows] = self.over[rows] = False

    def observe(self, out: Observation | None = None) -> Observation:
        """
        Scan, and make the observation of every robot.

        :param out: where to write it; new arrays where None.
        :return: see `ObservationBuilder.build`.
        """
        batch, spec = len(self.map_index), self._spec
        seen = out if out is not None else {
            'scan': np.empty((batch, spec.history, spec.sectors), np.float32),
            'goal': np.empty((batch, 3), np.float32),
            'velocity': np.empty((batch, 3), np.float32)}
        self._goal = self._paths.goal(self.world.pose)
        self._lidar.scan(self.world.pose, self.map_index, self.world.actors, self._ranges,
                         mount_offset=self._mounts)
        self._scans.push(self._ranges, self._time, seen['scan'])
        seen['goal'][:] = self._goal
        np.clip(seen['goal'][:, 2], 0.0, spec.goal_range, out=seen['goal'][:, 2])
        seen['velocity'][:] = self.world.velocity
        if self._detours is not None:
            self._take_detours(self._detours)
        return seen

    def _take_detours(self, detours: Detours) -> None:
        """Put blocked robots on other ways, which they see from the next observation on."""
        ways = detours.step(self._time, self.world.pose, self._goal[:, 2], self._look, ~self.over)
        if ways:
            self._paths.set_paths(np.fromiter(ways, np.int64), list(ways.values()))

    def _look(self, row: int) -> View:
        spec = self._lidar.spec
        return view(self.world.pose[row], spec.mount, spec.angles, self._ranges[row])

    def expert(self, which: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """
        Ask the expert, at the last observation, for (vx, wz), shape (B, 2).

        :param which: robots to ask for, shape (B,); the others get zeros. All where None.
        """
        rows = slice(None) if which is None else np.flatnonzero(which)
        command = np.zeros((len(self.map_index), 2))
        command[rows] = self._expert.act(
            self.map_index[rows], self.world.pose[rows], self.world.velocity[rows],
            self.world.actors[rows], self._goal[rows])
        return command

    def step(self, command: FloatArray) -> None:
        """
        Drive for one period of the lidar.

        :param command: vx [m/s], wz [rad/s], shape (B, 2).
        """
        self._full[:, ::2] = command
        self.contact[:] = self.blocked[:] = False
        for _ in range(self._substeps):
            self.world.step(self._full, self._period / self._substeps)
            self.blocked |= self.world.collided & self.world.blocked_by_actor
            self.contact |= self.world.collided & ~self.world.blocked_by_actor
        self._time += self._period

    @property
    def lidar(self) -> Lidar:
        """The robots' lidar."""
        return self._lidar

    @property
    def ranges(self) -> NDArray[np.float32]:
        """The scans of the last observation [m], shape (B, beams)."""
        return self._ranges

    def way(self, row: int) -> NDArray[np.float64]:
        """Points of the way to a robot's goal as first planned, in `map` [m], shape (N, 2)."""
        return self._errands[row].way

    @property
    def left(self) -> NDArray[np.float64]:
        """Distance left along each robot's present path when last observed [m], shape (B,)."""
        return np.asarray(self._goal[:, 2])

    @property
    def to_end(self) -> NDArray[np.float64]:
        """Distance of each robot from its goal [m], shape (B,)."""
        return np.asarray(np.hypot(*(self._ends - self.world.pose[:, :2]).T))

    @property
    def lengths(self) -> NDArray[np.float64]:
        """Length of each robot's way as first planned [m], shape (B,)."""
        return self._lengths
