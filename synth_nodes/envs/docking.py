"""Robots that dock by a marker that their lidars see, with rewards."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth_nodes.envs.docking_settings import DockingSettings
from synth_nodes.envs.goal_reaching import drawn, scenes, velocity_bounds
from synth_nodes.envs.task import Bounds, Outcome
from synth_nodes.errors import InputError
from synth_nodes.sensors.lidar import Lidar
from synth_nodes.tasks.dock_marker import DockTracker, MarkerFinder, seen_from, Sighting
from synth_nodes.tasks.dock_scenes import DockScene, with_docks
from synth_nodes.tasks.dock_senses import FAR, MEMORY, spelled
from synth_nodes.tasks.docking import DockStep, expert, is_docked, reward
from synth_nodes.tasks.observation import Observation
from synth_nodes.types import FloatArray, GridMap, RobotSpec
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.scene import Scene
from synth_nodes.world.world import World

_TRIES = 40


class DockingTask:
    """
    Stand in a dock: within 3 cm and 0.05 rad, at rest, with nothing touched.

    What is seen is where the dock is thought to be: found in simulated scans by the intensities of
    its two reflecting strips, smoothed, and carried on by wheel odometry while it isn't seen.
    """

    def __init__(self, settings: DockingSettings,
                 maps: Sequence[GridMap | Scene | DockScene] | None = None) -> None:
        """
        Prepare the scenes.

        :param maps: where to dock; docks are stood in those that have none. Generated as the
            settings say where None.
        :raises InputError: when a map has no room for a dock, the lidar can't see a marker, or
            randomisation asks for any map.
        """
        self.settings = settings
        drawn(settings.randomisation)
        if not settings.effects.surfaces:
            raise InputError('effects.surfaces = false: without intensities no marker is seen; '
                             'set it to true')
        given = (scenes(settings.layouts, settings.scenes, settings.scene_seed) if maps is None
                 else maps)
        self.docks = [m if isinstance(m, DockScene) else with_docks(
            m, settings.dock, settings.docks, settings.scene_seed) for m in given]
        """The scenes, each with its docks."""
        self.atlas = MapAtlas.build([d.scene for d in self.docks])
        self.places = [d.places(settings.dock) for d in self.docks]
        """Where base_link stands when docked, of each scene: (K, 3)."""

    @property
    def robot(self) -> RobotSpec:
        """The robot."""
        return self.settings.robot

    @property
    def maps(self) -> int:
        """How many scenes there are."""
        return len(self.docks)

    def bounds(self) -> Bounds:
        """
        Give the layout of an observation.

        `dock` (5,): x, y [m], sine and cosine of the yaw of the pose to stand in, in base_link,
        and the time since the marker was last seen [s]; `velocity` (3,).
        """
        high = np.array([FAR, FAR, 1.0, 1.0, MEMORY], np.float32)
        low = np.array([-FAR, -FAR, -1.0, -1.0, 0.0], np.float32)
        return {'dock': (low, high),
                'velocity': velocity_bounds(self.robot, self.settings.randomisation)}

    def robots(self, map_index: NDArray[np.int64], seed: int) -> 'DockingRobots':
        """Place robots in scenes."""
        return DockingRobots(self, map_index, seed)


class DockingRobots:
    """Robots that get a new dock and a new place to start from for every episode."""

    def __init__(self, task: DockingTask, map_index: NDArray[np.int64], seed: int) -> None:
        batch, settings = len(map_index), task.settings
        self._task, self._settings = task, settings
        self._world = World(task.atlas, settings.robot, settings.actors, batch, seed, map_index,
                            randomisation=drawn(settings.randomisation))
        self._lidar = Lidar(settings.lidar, task.atlas, seed + 1, settings.effects)
        self._finder = MarkerFinder(settings.dock, settings.lidar)
        self._tracker = DockTracker(batch, memory=MEMORY)
        self._rng = np.random.default_rng([7, seed])
        self._period = 1.0 / settings.lidar.rate
        self._substeps = max(1, int(np.ceil(self._period / settings.physics_step - 1e-6)))
        self.place = np.zeros((batch, 3))
        """Where base_link is to stand: x, y [m], yaw [rad] in `map`, shape (B, 3)."""
        self.contact, self.blocked = np.zeros(batch, bool), np.zeros(batch, bool)
        self.dock = np.zeros((batch, 3))
        """The same in base_link, true; as of the last observation."""
        self.ranges = np.zeros((batch, settings.lidar.beams), np.float32)
        """Of the last observation [m]."""
        self.powers = np.zeros_like(self.ranges)
        """What came back of its beams."""
        self.hidden = np.zeros(batch, bool)
        """Whether the marker was hidden from it, shape (B,)."""
        self._before = np.zeros((batch, 3))
        self._command, self._previous = np.zeros((batch, 2)), np.zeros((batch, 2))

    @property
    def world(self) -> World:
        """Where the robots are."""
        return self._world

    @property
    def thought(self) -> NDArray[np.float64]:
        """Where docks are thought to be, in base_link, shape (B, 3)."""
        return self._tracker.pose

    def begin(self, rows: NDArray[np.int64]) -> None:
        """Put some robots before docks."""
        if not len(rows):
            return
        poses = []
        for row in rows:
            m = int(self._world.map_index[row])
            places = self._task.places[m]
            self.place[row] = places[int(self._rng.integers(len(places)))]
            poses.append(self._start(m, self.place[row]))
        self._world.reset(rows, np.stack(poses))
        self.dock[rows] = seen_from(self._world.pose[rows], self.place[rows])
        s = self._settings
        error = self._rng.normal(size=(len(rows), 3)) * (
            s.guess_distance, s.guess_distance, s.guess_angle)
        self._tracker.begin(rows, self.dock[rows] + np.clip(error, -0.4, 0.4))
        self._command[rows] = 0.0
        self.contact[rows] = self.blocked[rows] = False

    def _start(self, map_index: int, place: FloatArray) -> NDArray[np.float64]:
        """Draw a pose before a dock, nearer to its axis where there is no room aside."""
        rules = self._settings.rules
        x, y, yaw = place
        for k in range(_TRIES):
            share = 1.0 - k / _TRIES
            way = rules.nearest + (rules.farthest - rules.nearest) * self._rng.random() * share
            aside = rules.aside * way * self._rng.uniform(-share, share)
            pose = np.array([x - way * np.cos(yaw) - aside * np.sin(yaw),
                             y - way * np.sin(yaw) + aside * np.cos(yaw),
                             yaw + rules.swing * self._rng.uniform(-1.0, 1.0)])
            if self._world.fits(map_index, pose):
                return pose
        raise InputError(f"map '{self._task.docks[map_index].scene.name}': the robot finds no "
                         f'room {rules.nearest:g} m before a dock; lower rules.nearest, or give '
                         'a map with more room')

    def observe(self, out: Observation) -> None:
        """Scan, look for the markers, and write where the docks are thought to be."""
        world, tracker = self._world, self._tracker
        self.dock[:] = seen_from(world.pose, self.place)
        self._lidar.scan(world.pose, world.map_index, world.actors, self.ranges,
                         world.mount_offset, world.velocity, self.powers)
        found = self._finder.find(self.ranges, self.powers, tracker.pose)
        self.hidden = self._rng.random(len(found.seen)) < self._settings.blind
        tracker.take(Sighting(found.pose, found.seen & ~self.hidden))
        out['dock'][:] = np.column_stack((spelled(tracker.pose), tracker.age))
        out['velocity'][:] = world.velocity

    def step(self, command: FloatArray) -> None:
        """Drive for one period of the lidar."""
        self._before = self.dock.copy()
        self._previous[:] = self._command
        self._command[:] = command
        full = np.column_stack((command[:, 0], np.zeros(len(command)), command[:, 1]))
        self.contact[:] = self.blocked[:] = False
        dt = self._period / self._substeps
        for _ in range(self._substeps):
            before = self._world.wheel_velocity.copy()
            self._world.step(full, dt)
            self._tracker.carry(0.5 * dt * (before + self._world.wheel_velocity), dt)
            collided, by_person = self._world.collided, self._world.blocked_by_actor
            self.blocked |= collided & by_person
            self.contact |= collided & ~by_person

    def judge(self) -> Outcome:
        """Say what the last step came to."""
        s = self._settings
        docked = ~self.contact & is_docked(self.dock, self._world.velocity, s.rules)
        step = DockStep(self._before, self.dock, docked, self.contact, self._command,
                        self._previous)
        return Outcome(reward(s.rules, step, s.robot, self._period), docked, self.contact.copy(),
                       self._world.time > s.rules.time)

    def expert(self) -> NDArray[np.float64]:
        """Ask the expert, which knows where docks truly are."""
        return expert(self.dock, self._world.velocity, self._settings.cruise, self._settings.robot)
