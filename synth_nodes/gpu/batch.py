"""Goal reaching on a device: the arrays of `BatchEnv` as tensors that never leave it."""

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
import warp as wp

from synth_nodes.envs.goal_reaching import GoalReachingTask
from synth_nodes.errors import InputError
from synth_nodes.gpu.device import beside_torch
from synth_nodes.gpu.errands import upload_errands
from synth_nodes.gpu.kernels import episodes as kernels
from synth_nodes.gpu.kernels.follow import Follower
from synth_nodes.gpu.lidar import DeviceLidar
from synth_nodes.gpu.sectors import DeviceSectors
from synth_nodes.gpu.upload import bring, fill, upload
from synth_nodes.gpu.world import DeviceWorld
from synth_nodes.tasks.path import SPACING
from synth_nodes.world.chance import streams


class DeviceEnv:
    """
    B robots that reach goals, each episode followed by another, all on one device.

    Names and meaning are those of `BatchEnv`; arrays are tensors of torch that share the
    environment's memory, and no step waits for the device. All errands are planned at once.
    """

    def __init__(self, task: GoalReachingTask, batch: int, device: Any, seed: int = 0) -> None:
        """
        Prepare; call :meth:`reset` before the first step.

        :param batch: number of robots B; they are spread over the maps in turn.
        :param device: from `open_device`.
        :param seed: the same seed and actions give the same episodes on the same device.
        :raises InputError: when batch is below 1, or the seed is negative.
        """
        if batch < 1 or seed < 0:
            raise InputError(f'batch = {batch} must be at least 1, seed = {seed} at least 0')
        self.task = task
        self.batch = batch
        """Number of robots B."""
        self.device = device
        self.bounds = task.bounds()
        """Smallest and largest values of each part of an observation."""
        self._seed = seed
        self._robots: Any = None
        self._graph: Any = None
        self._errands = upload_errands(task.pool, task.maps, device)
        self._rules = fill(kernels.Rules, _rules(task), device)
        self._parts = {name: wp.zeros((batch, *low.shape), dtype=wp.float32, device=device)
                       for name, (low, _) in self.bounds.items()}
        self._outcome = fill(kernels.Outcome, SimpleNamespace(
            goal=self._parts['goal'], velocity=self._parts['velocity'],
            reward=np.zeros(batch, np.float32), terminated=np.zeros(batch, bool),
            truncated=np.zeros(batch, bool), success=np.zeros(batch, bool),
            begun=np.zeros(batch, bool)), device)
        self._action = wp.zeros((batch, 2), dtype=wp.float32, device=device)
        self.observation: dict[str, Any] = {n: wp.to_torch(p) for n, p in self._parts.items()}
        """Parts of the newest observation, shapes (B, ...)."""
        self.reward = wp.to_torch(self._outcome.reward)
        """Of the last step, shape (B,)."""
        self.terminated = wp.to_torch(self._outcome.terminated)
        """Whether the episode ended by success or failure, shape (B,)."""
        self.truncated = wp.to_torch(self._outcome.truncated)
        """Whether it ended because its time was up, shape (B,)."""
        self.success = wp.to_torch(self._outcome.success)
        """Whether it ended by success, shape (B,)."""
        self.begun = wp.to_torch(self._outcome.begun)
        """Whether the last step began a new episode instead of driving, shape (B,)."""

    @property
    def world(self) -> DeviceWorld:
        """
        The robots' worlds.

        :raises InputError: before the first reset.
        """
        return self._ready().world  # type: ignore[no-any-return]

    @property
    def errand(self) -> Any:
        """
        Which errand each robot is on, shape (B,): number n of map m is m * pool.size + n.

        :raises InputError: before the first reset.
        """
        return wp.to_torch(self._ready().follower.errand)

    def reset(self, seed: int | None = None, mask: Any = None) -> dict[str, Any]:
        """
        Begin new episodes; waits for the device.

        :param seed: starts everything anew from it; None goes on with the chance there is.
        :param mask: which robots, shape (B,); all where None or where a seed is given.
        :return: `observation`.
        :raises InputError: when the mask has another shape, or when people or actions of
            earlier steps were wrong (see :meth:`check`).
        """
        if seed is not None or self._robots is None:
            self._seed = self._seed if seed is None else seed
            self._robots, self._graph = self._place(), None
            mask = None
        chosen = np.ones(self.batch, bool) if mask is None else np.asarray(
            mask.cpu() if hasattr(mask, 'cpu') else mask, bool)
        if chosen.shape != (self.batch,):
            raise InputError(f'mask has shape {chosen.shape}; it must be ({self.batch},)')
        with beside_torch(self.device):
            on_device = upload(chosen, self.device)
            which = wp.to_torch(on_device)
            for array in (self.terminated, self.truncated, self.success, self.begun):
                array[which] = False
            self.reward[which] = 0.0
            self._observe(on_device)
            self.check()
        return self.observation

    def step(self, action: Any) -> None:
        """
        Drive all robots for one period, and write what came of it into the arrays.

        :param action: speed and turn in [-1, 1], shape (B, 2), float32; numpy's is copied to
            the device. NaN counts as none, and the next :meth:`check` says so.
        :raises InputError: on a wrong shape or type, or when not reset yet.
        """
        self._ready()
        with beside_torch(self.device):
            bring(action, self._action, 'action')
            if self._graph is None:
                self._graph = self._record()
            wp.capture_launch(self._graph)

    def check(self) -> None:
        """
        Wait for the device, and say what went wrong there since the last time.

        :raises InputError: when somebody had to be placed too near a robot, or an action was NaN.
        """
        self.world.check()

    def close(self) -> None:
        """Forget the robots; their memory is given back."""
        self._robots = self._graph = None

    def _ready(self) -> Any:
        if self._robots is None:
            raise InputError('the environment is new: call reset() before step()')
        return self._robots

    def _place(self) -> Any:
        """Build worlds and lidars as the first shard of a `BatchEnv` has them, for all robots."""
        chance = np.random.SeedSequence(self._seed)
        first = int(chance.generate_state(1)[0])
        map_index = (first + np.arange(self.batch, dtype=np.int64)) % self.task.maps
        seed = int(chance.spawn(1)[0].generate_state(1)[0] >> 1)
        fleet = self.task.robots(map_index, seed).fleet
        world, settings = DeviceWorld(fleet.world, self.device), self.task.settings
        shape = self.batch, settings.lidar.beams
        return SimpleNamespace(
            world=world, lidar=DeviceLidar(fleet.lidar, self.device, world.scene.maps),
            sectors=DeviceSectors(settings.observation, settings.lidar, self.batch, self.device),
            follower=fill(Follower, _follower(self.task, self.batch), self.device),
            episodes=fill(kernels.Episodes, _episodes(self.batch, seed), self.device),
            ranges=wp.zeros(shape, dtype=wp.float32, device=self.device),
            eye=wp.zeros((self.batch, 4), dtype=wp.float64, device=self.device))

    def _record(self) -> Any:
        """Record the launches of a step, on a stream apart as CUDA wants it; none runs yet."""
        apart = wp.Stream(self.device) if self.device.is_cuda else None
        with wp.ScopedStream(apart), wp.ScopedCapture(self.device, apart) as capture:
            robots, world = self._robots, self._robots.world
            shared = robots.follower, robots.episodes, self._outcome
            wp.launch(kernels.drive, self.batch, [
                world.scene, world.state, self._rules, *shared, self._action, world.faults],
                device=self.device)
            self._observe(self._outcome.begun)
            wp.launch(kernels.judge, self.batch, [
                world.state, self._rules, self._errands, *shared], device=self.device)
        return capture.graph

    def _observe(self, begin: Any) -> None:
        """Let the robots of a mask begin anew, and make the observation of all."""
        robots, world = self._robots, self._robots.world
        state, episodes = world.state, robots.episodes
        wp.launch(kernels.begin, self.batch, [
            world.scene, state, world.ranges, self._rules, self._errands, robots.follower,
            episodes, begin, world.faults], device=self.device)
        robots.lidar.launch(state.pose, state.map_index, state.crowd.body, robots.ranges,
                            state.domain.mount, robots.eye)
        robots.sectors.launch(robots.ranges, episodes.fresh, episodes.turn, self._parts['scan'])
        wp.launch(kernels.show, self.batch, [
            state, self._rules, robots.follower, episodes, self._outcome], device=self.device)


def _rules(task: GoalReachingTask) -> SimpleNamespace:
    settings, robot = task.settings, task.robot
    period = 1.0 / settings.lidar.rate
    return SimpleNamespace(
        **dataclasses.asdict(settings.rules), max_speed=robot.max_speed,
        max_reverse_speed=robot.max_reverse_speed, max_turn_rate=robot.max_turn_rate,
        goal_range=settings.observation.goal_range, period=period,
        substeps=max(1, int(np.ceil(period / settings.physics_step - 1e-6))))


def _follower(task: GoalReachingTask, batch: int) -> SimpleNamespace:
    spec = task.settings.observation
    zeros: NDArray[np.int64] = np.zeros(batch, np.int64)
    return SimpleNamespace(
        errand=zeros, progress=zeros, deviation=np.zeros(batch), goal=np.zeros((batch, 3)),
        reach=max(2, int(np.ceil(spec.lookahead / SPACING))),
        nearest=max(1, round(spec.min_lookahead / SPACING)), bulge=spec.chord_tolerance)


def _episodes(batch: int, seed: int) -> SimpleNamespace:
    return SimpleNamespace(
        command=np.zeros((batch, 2)), previous=np.zeros((batch, 2)), left_before=np.zeros(batch),
        allowed=np.zeros(batch), contact=np.zeros(batch, bool), fresh=np.ones(batch, bool),
        streams=streams(seed + 2, batch), turn=np.zeros(1, np.int64))
