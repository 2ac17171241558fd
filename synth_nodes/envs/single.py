"""One robot as a `gymnasium.Env`."""

from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from synth_nodes.envs.batch import BatchEnv
from synth_nodes.envs.spaces import action_space, kind_of, observation_space
from synth_nodes.envs.task import Task
from synth_nodes.errors import InputError

Observed = dict[str, NDArray[Any]]


class SingleEnv(gymnasium.Env[Any, Any]):
    """
    A batch of one behind Gymnasium's API; what it returns is the caller's to keep.

    `info` has `is_success`. A robot stays in the map that its seed chose until the next seed.
    """

    metadata: dict[str, Any] = {'render_modes': []}  # noqa: RUF012 - as its base class has it

    def __init__(self, task: Task) -> None:
        self.observation_space = observation_space(task)
        self.action_space = action_space()
        self._env = BatchEnv(task, 1)
        self._fresh = True

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None,
              ) -> tuple[Observed, dict[str, Any]]:
        """
        Begin an episode.

        :param seed: the same seed and actions give the same episodes.
        :param options: there are none.
        """
        super().reset(seed=seed)
        refuse(options)
        if seed is not None or self._fresh:
            self._env.reset(int(self.np_random.integers(2**31)))
            self._fresh = False
        else:
            self._env.reset()
        return self._observed(), {'is_success': False}

    def step(self, action: NDArray[np.float32],
             ) -> tuple[Observed, float, bool, bool, dict[str, Any]]:
        """Drive for one period; after the end of an episode call reset()."""
        env = self._env
        env.step(np.asarray(action)[None])
        return (self._observed(), float(env.reward[0]), bool(env.terminated[0]),
                bool(env.truncated[0]), {'is_success': bool(env.success[0])})

    def expert(self) -> NDArray[np.float32]:
        """Ask the expert what it would do now, shape (2,)."""
        return np.asarray(self._env.expert()[0])

    def close(self) -> None:
        """End."""
        self._env.close()

    def _observed(self) -> Observed:
        return {name: part[0].astype(kind_of(name))
                for name, part in self._env.observation.items()}


def refuse(options: dict[str, Any] | None) -> None:
    """
    Check the options of a reset.

    :raises InputError: when there are any.
    """
    if options:
        raise InputError(f'reset() knows no option {next(iter(options))!r}; it takes none')
