"""
The tensor API: B environments stepped at once, in arrays that are used again and again.

    env = BatchEnv(GoalReachingTask(GoalReachingSettings()), 1024, seed=0, threads=2)
    scan = torch.from_numpy(env.observation['scan'])      # a view: it changes with every step
    env.reset()
    env.step(actions)                                     # env.reward, env.terminated, ...

No Gymnasium is needed here.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.envs.task import Robots, Task
from synth_nodes.errors import InputError
from synth_nodes.tasks.actions import to_action, to_command
from synth_nodes.tasks.observation import Observation
from synth_nodes.types import FloatArray

SHARD, LEAST = 512, 128
"""Most robots that one thread steps at a time, and fewest where there are so many."""


class _Shard(NamedTuple):
    """Some of the robots, and which they are."""

    rows: slice
    robots: Robots
    observation: Observation
    """Their part of that of all."""


class BatchEnv:
    """
    B robots at a task, each episode followed by another.

    An episode that ended in one step starts anew in the next (Gymnasium's NEXT_STEP): that step
    ignores the robot's action, returns the first observation of the new episode, and no reward.
    So the last observation of an episode is never lost, and nothing is observed twice. A learner
    leaves those steps, marked in `begun`, out.

    All arrays keep their memory for life: read them before the next call, or copy.
    """

    def __init__(self, task: Task, batch: int, seed: int = 0, threads: int = 1) -> None:
        """
        Prepare; call :meth:`reset` before the first step.

        :param task: what to do, and where; it may be shared by several batches.
        :param batch: number of robots B; they are spread over the maps in turn.
        :param seed: the same seed and actions give the same bytes, whatever the threads.
        :param threads: workers that step robots, half of them at a time but at least `LEAST` and
            at most `SHARD`.
        :raises InputError: when batch or threads are below 1, or the seed is negative.
        """
        if batch < 1 or threads < 1 or seed < 0:
            raise InputError(
                f'batch = {batch} and threads = {threads} must be at least 1, seed = {seed} '
                'at least 0')
        self.task = task
        self.batch = batch
        """Number of robots B."""
        self.bounds = task.bounds()
        """Smallest and largest values of each part of an observation."""
        self.observation: dict[str, NDArray[np.float32]] = {
            name: np.zeros((batch, *low.shape), np.float32)
            for name, (low, _) in self.bounds.items()}
        """Parts of the newest observation, shapes (B, ...)."""
        self.reward = np.zeros(batch, np.float32)
        """Of the last step, shape (B,)."""
        self.terminated = np.zeros(batch, bool)
        """Whether the episode ended by success or failure, shape (B,)."""
        self.truncated = np.zeros(batch, bool)
        """Whether it ended because its time was up, shape (B,)."""
        self.success = np.zeros(batch, bool)
        """Whether it ended by success, shape (B,)."""
        self.begun = np.zeros(batch, bool)
        """Whether the last step began a new episode instead of driving, shape (B,)."""
        self._command = np.zeros((batch, 2))
        self._seed = seed
        self._shards: list[_Shard] = []
        self._size = min(SHARD, max(LEAST, -(-batch // 2)))
        workers = min(threads, -(-batch // self._size))
        self._workers = ThreadPoolExecutor(workers) if workers > 1 else None

    def reset(self, seed: int | None = None, mask: NDArray[np.bool_] | None = None,
              ) -> dict[str, NDArray[np.float32]]:
        """
        Begin new episodes.

        :param seed: starts everything anew from it; None goes on with the chance there is.
        :param mask: which robots, shape (B,); all where None or where a seed is given.
        :return: `observation`.
        """
        if seed is not None or not self._shards:
            self._seed = self._seed if seed is None else seed
            self._shards = self._place()
            mask = None
        chosen = np.ones(self.batch, bool) if mask is None else np.asarray(mask, bool)
        if chosen.shape != (self.batch,):
            raise InputError(f'mask has shape {chosen.shape}; it must be ({self.batch},)')
        for array in (self.terminated, self.truncated, self.success, self.begun, self.reward):
            array[chosen] = 0
        for shard in self._shards:
            shard.robots.begin(np.flatnonzero(chosen[shard.rows]))
            shard.robots.observe(shard.observation)
        return self.observation

    def step(self, action: FloatArray) -> None:
        """
        Drive all robots for one period, and write what came of it into the arrays.

        :param action: speed and turn in [-1, 1], shape (B, 2); see `to_command`.
        :raises InputError: on a wrong shape, NaN, or when not reset yet.
        """
        if not self._shards:
            raise InputError('the environment is new: call reset() before step()')
        command = to_command(action, self.task.robot)
        if len(command) != self.batch:
            raise InputError(f'action has {len(command)} rows, but there are {self.batch} robots')
        self._command[:] = command
        np.logical_or(self.terminated, self.truncated, out=self.begun)
        self._command[self.begun] = 0.0
        if self._workers is None:
            for shard in self._shards:
                self._step(shard)
        else:
            list(self._workers.map(self._step, self._shards))

    def expert(self) -> NDArray[np.float32]:
        """
        Ask the expert, which knows the whole map, what it would do now.

        :return: actions, shape (B, 2).
        """
        command = np.concatenate([shard.robots.expert() for shard in self._shards])
        return to_action(command, self.task.robot)

    def close(self) -> None:
        """End the worker threads."""
        if self._workers is not None:
            self._workers.shutdown()

    def _place(self) -> list[_Shard]:
        chance = np.random.SeedSequence(self._seed)
        first = int(chance.generate_state(1)[0])
        map_index = (first + np.arange(self.batch, dtype=np.int64)) % self.task.maps
        starts = range(0, self.batch, self._size)
        seeds = (int(c.generate_state(1)[0] >> 1) for c in chance.spawn(len(starts)))
        parts = [slice(start, min(start + self._size, self.batch)) for start in starts]
        return [_Shard(rows, self.task.robots(map_index[rows], seed),
                       {name: part[rows] for name, part in self.observation.items()})
                for rows, seed in zip(parts, seeds, strict=True)]

    def _step(self, shard: _Shard) -> None:
        rows, robots, observation = shard
        robots.step(self._command[rows])
        begun = self.begun[rows]
        robots.begin(np.flatnonzero(begun))
        robots.observe(observation)
        outcome = robots.judge()
        driven = ~begun
        self.reward[rows] = np.where(driven, outcome.reward, 0.0)
        np.logical_and(outcome.success, driven, out=self.success[rows])
        np.logical_and(outcome.success | outcome.failure, driven, out=self.terminated[rows])
        np.logical_and(outcome.late & ~self.terminated[rows], driven, out=self.truncated[rows])
