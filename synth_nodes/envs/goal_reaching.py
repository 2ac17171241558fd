"""Robots that reach goals by lidar: a fleet on errands, with rewards."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth_nodes.envs.settings import GoalReachingSettings
from synth_nodes.envs.task import Bounds, Outcome
from synth_nodes.errors import InputError
from synth_nodes.tasks.course import Course, ErrandPool
from synth_nodes.tasks.fleet import Fleet
from synth_nodes.tasks.goal_reaching import GoalStep, has_arrived, reward, time_allowed
from synth_nodes.tasks.observation import Observation
from synth_nodes.types import FloatArray, GridMap, RobotSpec
from synth_nodes.world.layouts import generate_scene
from synth_nodes.world.randomise import Randomisation
from synth_nodes.world.scene import Scene

FAR = 1000.0
"""What bounds coordinates of goals in base_link [m]."""


class GoalReachingTask:
    """
    Reach a goal along a planned path that people and clutter may block.

    The observation is that of the policies which drive in the ROS graph (see
    `ObservationBuilder`): what is trained here can be exported for there.
    """

    def __init__(self, settings: GoalReachingSettings,
                 maps: Sequence[GridMap | Scene] | None = None) -> None:
        """
        Prepare the maps.

        :param maps: where to drive; scenes are generated as the settings say where None.
        :raises InputError: when the robot does not fit a map, or randomisation asks for any map.
        """
        self.settings = settings
        drawn(settings.randomisation)
        self._course = Course(scenes(settings.layouts, settings.scenes, settings.scene_seed)
                              if maps is None else maps, settings.robot)
        self._pool = ErrandPool(self._course, settings.errands, settings.min_length,
                                settings.max_length, settings.scene_seed)

    @property
    def robot(self) -> RobotSpec:
        """The robot."""
        return self.settings.robot

    @property
    def pool(self) -> ErrandPool:
        """What robots are sent on."""
        return self._pool

    @property
    def maps(self) -> int:
        """How many maps there are."""
        return len(self._course.maps)

    def bounds(self) -> Bounds:
        """Give the layout of an observation: see `ObservationBuilder.build`."""
        spec = self.settings.observation
        scan = np.full((spec.history, spec.sectors), spec.range_max, np.float32)
        low = np.array([-FAR, -FAR, 0.0], np.float32)
        high = np.array([FAR, FAR, spec.goal_range], np.float32)
        return {'scan': (0.0 * scan, scan), 'goal': (low, high),
                'velocity': velocity_bounds(self.robot, self.settings.randomisation)}

    def robots(self, map_index: NDArray[np.int64], seed: int) -> 'GoalReachingRobots':
        """Place robots in maps."""
        return GoalReachingRobots(self.settings, self._course, self._pool, map_index, seed)


class GoalReachingRobots:
    """A fleet that gets a new errand from the pool for every episode."""

    def __init__(self, settings: GoalReachingSettings, course: Course, pool: ErrandPool,
                 map_index: NDArray[np.int64], seed: int) -> None:
        self._settings, self._pool = settings, pool
        self._fleet = Fleet(course, settings.lidar, settings.observation, settings.actors,
                            map_index, seed, settings.physics_step, drawn(settings.randomisation))
        self._rng = np.random.default_rng([5, seed])
        self._period = 1.0 / settings.lidar.rate
        batch = len(map_index)
        self._allowed = np.zeros(batch)
        self._left_before = np.zeros(batch)
        self._command, self._previous = np.zeros((batch, 2)), np.zeros((batch, 2))

    @property
    def fleet(self) -> Fleet:
        """The robots, their worlds and lidars."""
        return self._fleet

    def begin(self, rows: NDArray[np.int64]) -> None:
        """Send some robots on new errands."""
        numbers = self._rng.integers(self._pool.size, size=len(rows))
        fleet = self._fleet
        fleet.begin(rows, [self._pool.errand(int(fleet.map_index[row]), int(number))
                           for row, number in zip(rows, numbers, strict=True)])
        self._allowed[rows] = time_allowed(
            fleet.lengths[rows], self._settings.robot.max_speed, self._settings.rules.patience)
        self._command[rows] = 0.0

    def observe(self, out: Observation) -> None:
        """Scan, and write the observation of every robot."""
        self._fleet.observe(out)

    def step(self, command: FloatArray) -> None:
        """Drive for one period of the lidar."""
        self._left_before = self._fleet.left.copy()
        self._previous[:] = self._command
        self._command[:] = command
        self._fleet.step(self._command)

    def judge(self) -> Outcome:
        """Say what the last step came to."""
        fleet, rules = self._fleet, self._settings.rules
        arrived = has_arrived(fleet.to_end, fleet.contact, rules.tolerance)
        step = GoalStep(self._left_before, fleet.left, fleet.world.clearance, arrived,
                        fleet.contact, self._command, self._previous)
        return Outcome(reward(rules, step, self._settings.robot, self._period), arrived,
                       fleet.contact, fleet.world.time > self._allowed)

    def expert(self) -> NDArray[np.float64]:
        """Ask the expert at the last observation."""
        return self._fleet.expert()


def scenes(layouts: Sequence[str], count: int, seed: int) -> list[Scene]:
    """Generate `count` scenes of each layout, the first from `seed`."""
    return [generate_scene(layout, seed + k) for k in range(count) for layout in layouts]


def drawn(randomisation: Randomisation) -> Randomisation | None:
    """
    Take what worlds of an environment draw anew with every episode; None for nothing.

    :raises InputError: when that would be the map, where ways are planned beforehand.
    """
    if randomisation.any_map:
        raise InputError('randomisation.any_map = true does not suit an environment: ways are '
                         'planned in the map that a robot is in; ask for more scenes instead')
    return None if randomisation == Randomisation() else randomisation


def velocity_bounds(robot: RobotSpec, randomisation: Randomisation,
                    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Bound vx, vy [m/s], wz [rad/s] in base_link, slip included; each of shape (3,)."""
    speed, turn = max(1.0, *randomisation.speed), max(1.0, *randomisation.turn_rate)
    most = 2.0 * np.array([max(robot.max_speed, robot.max_reverse_speed) * speed,
                           max(robot.max_speed, robot.max_lateral_speed) * speed,
                           robot.max_turn_rate * turn], np.float32)
    return -most, most
