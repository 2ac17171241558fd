"""B robots, each in its own or a shared map among people, stepped at once."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.types import FloatArray, RobotSpec
from synth_nodes.world.actors import ActorSettings, CartSettings
from synth_nodes.world.atlas import MapAtlas, to_point
from synth_nodes.world.chance import streams
from synth_nodes.world.collision import Body, CONTACT, first_overlap, overlaps_solid
from synth_nodes.world.crowd import Crowd, Manner
from synth_nodes.world.drive import Drive, Queue
from synth_nodes.world.learned_gait import gait_of
from synth_nodes.world.rails import build_rails
from synth_nodes.world.randomise import Domain, draw_domain, pack_ranges, Randomisation
from synth_nodes.world.spawn import find_starts, spawn_crowds, spawn_robots, Starts
from synth_nodes.world.stepping import measure, Scene, State, step_all
from synth_nodes.world.ways import build_ways, no_ways

LONGEST_STEP = 0.2
"""Steps longer than this [s] are refused: people choose their way once a step."""


class Parts(NamedTuple):
    """All that a world is made of, for another back end to go on with."""

    scene: Scene
    state: State
    starts: Starts
    nominal: Domain
    """One row: what the settings say."""
    ranges: NDArray[np.float64] | None
    """What worlds draw from at a reset, see `pack_ranges`; None for nothing."""
    any_map: bool


class World:
    """
    Robots in maps or scenes with people and carts; batch first, one robot is B = 1.

    The arrays given out are the world's own: read them, and copy what must outlive a step.
    """

    def __init__(
        self,
        atlas: MapAtlas,
        robot: RobotSpec,
        actors: ActorSettings,
        batch: int = 1,
        seed: int = 0,
        map_index: NDArray[np.integer] | None = None,
        carts: CartSettings | None = None,
        randomisation: Randomisation | None = None,
    ) -> None:
        """
        Build the worlds and reset them all.

        :param batch: number of worlds B.
        :param seed: with the same seed, settings and commands, all worlds run the same.
        :param map_index: which map of the atlas each world is in, shape (B,); None takes them
            in turn.
        :param carts: what runs along the painted lines of scenes; None for nothing.
        :param randomisation: what each world draws anew at every reset; None for nothing.
        :raises InputError: when the footprint is not convex, a map has no room for robot,
            actors or carts, an index names no map, or there is no such learned gait.
        """
        if batch < 1:
            raise InputError(f'batch = {batch} must be at least 1')
        self.atlas = atlas
        self.robot = robot
        self._starts = find_starts(atlas, robot.radius)
        ways = (build_ways(atlas, actors.radius, actors.places, seed) if actors.count
                else no_ways(len(atlas.maps)))
        rails = build_rails(atlas, carts or CartSettings())
        self._scene = Scene(atlas.arrays, ways, rails, Body.of(robot), gait_of(actors))
        self._nominal = Domain.of(1, Drive.of(robot), Manner.of(actors), actors.count)
        self._ranges = None if randomisation is None else pack_ranges(randomisation)
        self._any_map = randomisation is not None and randomisation.any_map
        latency = robot.command_latency * (1.0 if randomisation is None else max(
            *randomisation.latency, 1.0))
        self._state = State(
            atlas.indices(map_index, batch), np.zeros((batch, 3)), np.zeros((batch, 3)),
            np.zeros((batch, 4)), np.zeros((batch, 2)), np.zeros(batch), np.zeros(batch, bool),
            np.zeros(batch, bool), np.zeros(batch), streams(seed, batch),
            Queue.empty(batch, latency),
            Crowd.empty(batch, actors.count, carts.count if carts else 0),
            Domain.of(batch, Drive.of(robot), Manner.of(actors), actors.count))
        self.reset()

    @property
    def parts(self) -> Parts:
        """Its tables and its state, not copied."""
        return Parts(self._scene, self._state, self._starts, self._nominal, self._ranges,
                     self._any_map)

    @property
    def batch(self) -> int:
        """Number of worlds B."""
        return len(self._state.pose)

    @property
    def map_index(self) -> NDArray[np.int64]:
        """Which map of the atlas each world is in, shape (B,)."""
        return self._state.map_index

    @property
    def pose(self) -> NDArray[np.float64]:
        """x, y [m], yaw [rad] of base_link in `map`, shape (B, 3)."""
        return self._state.pose

    @property
    def velocity(self) -> NDArray[np.float64]:
        """Actual vx, vy [m/s], wz [rad/s] in base_link, shape (B, 3)."""
        return self._state.velocity

    @property
    def wheel_velocity(self) -> NDArray[np.float64]:
        """vx, vy [m/s], wz [rad/s] in base_link as the wheels roll, slip left out, (B, 3)."""
        return self._state.wheels[:, :3]

    @property
    def steer(self) -> NDArray[np.float64]:
        """Steering angle [rad] of Ackermann drives, shape (B,)."""
        return self._state.wheels[:, 3]

    @property
    def mount_offset(self) -> NDArray[np.float64]:
        """What was drawn for the sensor mount, x, y [m], yaw [rad], shape (B, 3)."""
        return self._state.domain.mount

    @property
    def domain(self) -> Domain:
        """What was drawn for each world at its last reset."""
        return self._state.domain

    @property
    def actors(self) -> NDArray[np.float64]:
        """x, y [m], vx, vy [m/s] in `map`, radius [m] of people, then carts, shape (B, A, 5)."""
        return self._state.crowd.body

    @property
    def collided(self) -> NDArray[np.bool_]:
        """Whether the robot touched anything in the last step, shape (B,)."""
        return self._state.collided

    @property
    def blocked_by_actor(self) -> NDArray[np.bool_]:
        """Whether that was a person walking into a robot that stood, shape (B,)."""
        return self._state.blocked_by_actor

    @property
    def clearance(self) -> NDArray[np.float64]:
        """Gap from the footprint to the nearest wall or person [m], at most 2, shape (B,)."""
        return self._state.clearance

    @property
    def time(self) -> NDArray[np.float64]:
        """Simulated time since the reset [s], shape (B,)."""
        return self._state.time

    def reset(
        self,
        index: NDArray[np.integer] | NDArray[np.bool_] | None = None,
        pose: FloatArray | None = None,
    ) -> None:
        """
        Start worlds anew: robot at rest, no command waiting, actors placed afresh.

        With randomisation their robot and people are drawn anew, and where it says so and no pose
        is given, their map. People that a world has not got wait far outside of it.

        :param index: which worlds, as indices or a mask of shape (B,); None means all.
        :param pose: x, y [m], yaw [rad] in `map` for each of them, shape (K, 3) or (3,); None
            draws free poses.
        :raises InputError: when a pose is not finite, or the robot would stand in something
            solid there; then nothing has changed.
        """
        which = self._which(index)
        state, scene = self._state, self._scene
        poses = None if pose is None else self._checked(which, pose)
        if self._ranges is not None:
            draw_domain(self._ranges, self._nominal,
                        len(self.atlas.maps) if self._any_map and pose is None else 0,
                        state.streams, which, state.domain, state.map_index)
        if poses is None:
            spawn_robots(scene.maps, self._starts, state.streams, state.map_index, which,
                         state.pose)
        else:
            state.pose[which] = poses
        for array in (state.velocity, state.wheels, state.slip, state.time, state.collided,
                      state.blocked_by_actor, state.queue.ends, state.queue.target,
                      state.crowd.blocked):
            array[which] = 0
        placed = spawn_crowds(scene.maps, scene.ways, scene.rails, state.domain.manners,
                              state.domain.people, state.streams, state.map_index, which,
                              state.pose, scene.body.radius, state.crowd)
        if not placed:
            raise InputError(
                f'actors.count = {self._nominal.people[0]}, {self.actors.shape[1]} with carts: no '
                'place was found for one away from the robot; use fewer or smaller ones, or a '
                'larger map')
        measure(scene, state, which)

    def step(self, command: FloatArray, dt: float) -> None:
        """
        Advance all worlds.

        A command takes effect after the drive's dead time and is followed with its lag and
        within its limits. On contact the robot is held where it touched, at rest.

        :param command: vx, vy [m/s], wz [rad/s] in base_link, shape (B, 3). Only an
            omnidirectional drive has vy; an Ackermann drive steers for the curvature wz / vx.
        :param dt: [s], up to 0.2.
        :raises InputError: when shape or dt do not fit, or a command is not finite.
        """
        commands = np.ascontiguousarray(command, np.float64)
        if commands.shape != self.pose.shape:
            raise InputError(
                f'command has shape {commands.shape}; it must be {self.pose.shape}')
        if not 0.0 < dt <= LONGEST_STEP:
            raise InputError(f'dt = {dt} s is outside (0, {LONGEST_STEP}] s')
        if not np.isfinite(commands).all():
            raise InputError('command holds NaN or infinity; send finite vx, vy, wz')
        step_all(self._scene, self._state, commands, float(dt))

    def free_pose(self, map_index: int, rng: np.random.Generator) -> NDArray[np.float64]:
        """
        Draw a pose, shape (3,), in a map where the robot stands clear of walls.

        :param map_index: which map of the atlas.
        """
        first, last = self._starts.first[map_index:map_index + 2]
        cell = int(self._starts.cells[rng.integers(first, last)])
        row, column = divmod(cell, int(self.atlas.arrays.shape[map_index, 2]))
        x, y = to_point(self.atlas.arrays, map_index, column + rng.random(), row + rng.random())
        return np.array([x, y, rng.uniform(-np.pi, np.pi)])

    def fits(self, map_index: int, pose: FloatArray) -> bool:
        """Tell whether the robot can stand at a pose x, y [m], yaw [rad] in `map`."""
        x, y, yaw = (float(v) for v in pose)
        return bool(np.isfinite((x, y, yaw)).all()) and not overlaps_solid(
            self._scene.maps, map_index, self._scene.body, x, y, yaw)

    def _which(self, index: NDArray[np.integer] | NDArray[np.bool_] | None) -> NDArray[np.int64]:
        every = np.arange(self.batch, dtype=np.int64)
        if index is None:
            return every
        try:
            return np.ascontiguousarray(np.atleast_1d(every[index]))
        except IndexError as error:
            raise InputError(f'reset index does not fit {self.batch} worlds: {error}') from error

    def _checked(self, which: NDArray[np.int64], pose: FloatArray) -> NDArray[np.float64]:
        poses = np.asarray(pose, np.float64)
        if poses.shape not in ((3,), (which.size, 3)):
            raise InputError(f'pose has shape {poses.shape}; it must be ({which.size}, 3)')
        poses = np.ascontiguousarray(np.broadcast_to(poses, (which.size, 3)))
        wrong = first_overlap(self._scene.maps, self.map_index, which, self._scene.body, poses)
        if wrong >= 0:
            x, y, yaw = poses[wrong]
            name = self.atlas.maps[self.map_index[which[wrong]]].name
            raise InputError(
                f"pose x={x:.2f} m, y={y:.2f} m, yaw={yaw:.2f} rad in map '{name}' lies in "
                f'a wall, in unknown space or outside; choose a free one, '
                f'{CONTACT * 1e3:.0f} mm clear of everything')
        return poses
