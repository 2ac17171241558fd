"""Robots that follow painted lines, with rewards."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth_nodes.envs.goal_reaching import drawn, FAR, scenes, velocity_bounds
from synth_nodes.envs.settings import LineFollowingSettings
from synth_nodes.envs.task import Bounds, Outcome
from synth_nodes.errors import InputError
from synth_nodes.tasks.expert import Expert
from synth_nodes.tasks.goal_reaching import time_allowed
from synth_nodes.tasks.line_following import (
    is_end,
    LineStep,
    observe,
    reward,
    start_pose,
    steer,
    stretch,
)
from synth_nodes.tasks.observation import Observation
from synth_nodes.tasks.path import PathFollower, SPACING, to_base
from synth_nodes.types import FloatArray, RobotSpec
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.scene import Scene
from synth_nodes.world.world import World


class LineFollowingTask:
    """Follow a stretch of a painted line to its end, seen by where it lies from base_link."""

    def __init__(self, settings: LineFollowingSettings,
                 maps: Sequence[Scene] | None = None) -> None:
        """
        Prepare the scenes.

        :param maps: scenes with painted lines; generated as the settings say where None.
        :raises InputError: when a scene has no line, or no room for the robot, or randomisation
            asks for any map.
        """
        self.settings = settings
        drawn(settings.randomisation)
        self._atlas = MapAtlas.build(
            scenes(settings.layouts, settings.scenes, settings.scene_seed)
            if maps is None else maps)
        for grid, lines in zip(self._atlas.maps, self._atlas.lines, strict=True):
            if not lines:
                raise InputError(
                    f"scene '{grid.name}' has no painted line to follow; add one, or choose "
                    'the layouts track_straight, track_curved')

    @property
    def robot(self) -> RobotSpec:
        """The robot."""
        return self.settings.robot

    @property
    def maps(self) -> int:
        """How many scenes there are."""
        return len(self._atlas.maps)

    @property
    def scenes(self) -> list[Scene]:
        """The scenes."""
        return [scene for scene in self._atlas.sources if isinstance(scene, Scene)]

    def bounds(self) -> Bounds:
        """Give the layout of an observation: see `line_following.observe`."""
        line = np.array([FAR, np.pi + 1e-6], np.float32)
        ahead = np.full((len(self.settings.rules.ahead), 2), FAR, np.float32)
        return {'line': (-line, line), 'ahead': (-ahead, ahead),
                'velocity': velocity_bounds(self.robot, self.settings.randomisation)}

    def robots(self, map_index: NDArray[np.int64], seed: int) -> 'LineFollowingRobots':
        """Place robots in scenes."""
        return LineFollowingRobots(self.settings, self._atlas, map_index, seed)


class LineFollowingRobots:
    """Robots that get a new stretch of line for every episode."""

    def __init__(self, settings: LineFollowingSettings, atlas: MapAtlas,
                 map_index: NDArray[np.int64], seed: int) -> None:
        batch = len(map_index)
        self._settings, self._atlas = settings, atlas
        self._world = World(atlas, settings.robot, settings.actors, batch, seed, map_index,
                            randomisation=drawn(settings.randomisation))
        self._expert = Expert(atlas.drawn, settings.robot)
        self._follower = PathFollower([np.zeros((1, 2))] * batch)
        self._rng = np.random.default_rng([6, seed])
        self._period = 1.0 / settings.rate
        self._substeps = max(1, int(np.ceil(self._period / settings.physics_step - 1e-6)))
        self._allowed, self._contact = np.zeros(batch), np.zeros(batch, bool)
        self._left, self._left_before = np.zeros(batch), np.zeros(batch)
        self._offset = np.zeros(batch)
        self._ends = np.zeros(batch, bool)
        self._paths: list[NDArray[np.float64]] = [np.zeros((1, 2))] * batch
        self._command, self._previous = np.zeros((batch, 2)), np.zeros((batch, 2))

    def begin(self, rows: NDArray[np.int64]) -> None:
        """Put some robots at the beginning of new stretches."""
        if not len(rows):
            return
        rules, world = self._settings.rules, self._world
        poses = []
        for row in rows:
            m = int(world.map_index[row])
            lines = self._atlas.lines[m]
            line = lines[int(self._rng.integers(len(lines)))]
            path = stretch(line, self._rng, rules.length)
            self._ends[row] = is_end(path[-1], line)
            pose = start_pose(path, self._rng, rules.offset, rules.swing)
            if not world.fits(m, pose):
                pose = start_pose(path, self._rng, 0.0, 0.0)
            poses.append(pose)
            self._paths[row] = path
            self._follower.set_path(int(row), path)
        world.reset(rows, np.stack(poses))
        self._allowed[rows] = time_allowed(
            self._follower.length[rows], self._settings.robot.max_speed, rules.patience)
        self._command[rows] = 0.0

    def observe(self, out: Observation) -> None:
        """Find every robot on its line and write where it lies."""
        world = self._world
        self._left = self._follower.locate(world.pose[:, :2])
        seen = observe(self._follower, world.pose, world.velocity, self._settings.rules)
        self._offset = seen['line'][:, 0].astype(float)
        for name, part in seen.items():
            out[name][:] = part

    def step(self, command: FloatArray) -> None:
        """Drive for one period."""
        self._left_before = self._left
        self._previous[:] = self._command
        self._command[:] = command
        full = np.column_stack((command[:, 0], np.zeros(len(command)), command[:, 1]))
        self._contact[:] = False
        for _ in range(self._substeps):
            self._world.step(full, self._period / self._substeps)
            self._contact |= self._world.collided & ~self._world.blocked_by_actor

    def judge(self) -> Outcome:
        """Say what the last step came to."""
        rules = self._settings.rules
        failed = self._contact | (self._follower.deviation > rules.lost)
        arrived = ~failed & (self._left <= rules.tolerance)
        step = LineStep(self._left_before, self._left, self._offset, arrived, failed,
                        self._command, self._previous)
        return Outcome(reward(rules, step, self._settings.robot, self._period), arrived, failed,
                       self._world.time > self._allowed)

    @property
    def world(self) -> World:
        """Where the robots are."""
        return self._world

    @property
    def offset(self) -> NDArray[np.float64]:
        """Distance of each robot from its line when last observed [m], either sign, (B,)."""
        return self._offset

    @property
    def left(self) -> NDArray[np.float64]:
        """Distance left along its line when last observed [m], shape (B,)."""
        return self._left

    @property
    def contact(self) -> NDArray[np.bool_]:
        """Whether something was touched in the last step, shape (B,)."""
        return self._contact

    @property
    def period(self) -> float:
        """Duration of a step [s]."""
        return self._period

    def path(self, row: int) -> NDArray[np.float64]:
        """Give the stretch that a robot is to follow [m], shape (N, 2), in `map`."""
        return self._paths[row]

    def steer(self, cruise: float, lookahead: float) -> NDArray[np.float64]:
        """
        Follow the lines at a steady speed from the true poses; see `line_following.steer`.

        :param cruise: [m/s].
        :param lookahead: distance along the line of the point to steer for [m].
        """
        steps = np.array([max(1, round(lookahead / SPACING))], np.intp)
        ahead = to_base(self._follower.around(steps)[:, 0], self._world.pose)
        left = np.where(self._ends, self._left, np.inf)
        return steer(ahead, left, cruise, self._settings.robot)

    def expert(self) -> NDArray[np.float64]:
        """Ask the expert, which steers for a point of the line ahead."""
        world = self._world
        return self._expert.act(world.map_index, world.pose, world.velocity, world.actors,
                                self._follower.goal(world.pose))
