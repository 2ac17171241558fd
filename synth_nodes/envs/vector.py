"""B robots as a `gymnasium.vector.VectorEnv`: one batched world, no processes."""

from typing import Any

from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
import numpy as np
from numpy.typing import NDArray

from synth_nodes.envs.batch import BatchEnv
from synth_nodes.envs.single import Observed, refuse
from synth_nodes.envs.spaces import action_space, kind_of, observation_space
from synth_nodes.envs.task import Task

Booleans = NDArray[np.bool_]


class BatchedVectorEnv(VectorEnv[Any, Any, Any]):
    """
    A batch behind Gymnasium's vector API, with NEXT_STEP autoreset.

    `info` has `is_success` with its mask `_is_success`, for the episodes that ended.
    """

    metadata: dict[str, Any] = {  # noqa: RUF012 - as its base class has it
        'render_modes': [], 'autoreset_mode': AutoresetMode.NEXT_STEP}

    def __init__(self, task: Task, num_envs: int = 1, threads: int = 1,
                 copy: bool = True) -> None:
        """
        Prepare.

        :param num_envs: number of robots B.
        :param threads: workers that step them.
        :param copy: whether what is returned is the caller's to keep; without it the same arrays
            come back from every step, with new values; images are always new.
        """
        self.num_envs = num_envs
        self.single_observation_space = observation_space(task)
        self.single_action_space = action_space()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.batch = BatchEnv(task, num_envs, threads=threads)
        """The environment behind."""
        self._copy = copy
        self._fresh = True

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None,
              ) -> tuple[Observed, dict[str, Any]]:
        """
        Begin episodes of all robots.

        :param seed: one for the whole batch: the same gives the same episodes.
        :param options: there are none.
        """
        super().reset(seed=seed)
        refuse(options)
        if seed is not None or self._fresh:
            self.batch.reset(int(self.np_random.integers(2**31)))
            self._fresh = False
        else:
            self.batch.reset()
        return self._observed(), {}

    def step(self, actions: NDArray[np.float32],
             ) -> tuple[Observed, NDArray[np.float32], Booleans, Booleans, dict[str, Any]]:
        """Drive all robots for one period; see `BatchEnv.step`."""
        batch = self.batch
        batch.step(actions)
        ended = batch.terminated | batch.truncated
        info = {'is_success': batch.success.copy(), '_is_success': ended} if ended.any() else {}
        results = batch.reward, batch.terminated, batch.truncated
        reward, terminated, truncated = (r.copy() for r in results) if self._copy else results
        return self._observed(), reward, terminated, truncated, info

    def close_extras(self, **kwargs: Any) -> None:
        """End the worker threads."""
        self.batch.close()

    def _observed(self) -> Observed:
        observation = self.batch.observation
        return {name: part.astype(kind_of(name), copy=self._copy)
                for name, part in observation.items()}
