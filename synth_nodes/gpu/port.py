"""
Environments by device: what all back ends have in common, and the one door to them.

    env = open_env(GoalReachingTask(GoalReachingSettings()), 8192, 'cuda:0')
    env.reset()
    env.step(actions)                          # env.observation, env.reward, ... on the device

No Warp is needed to import this, nor for device 'cpu'.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from synth_nodes.envs.batch import BatchEnv
from synth_nodes.envs.goal_reaching import GoalReachingTask
from synth_nodes.envs.task import Bounds, Task
from synth_nodes.errors import InputError
from synth_nodes.gpu.device import open_device

NUMBA, WARP_ON_CPU = 'cpu', 'warp'


class BatchedEnv(Protocol):
    """
    B robots at a task; `BatchEnv` says what each name means.

    Arrays are numpy's or torch's, by device; all keep their memory for life.
    """

    @property
    def batch(self) -> int:
        """Number of robots B."""

    @property
    def bounds(self) -> Bounds:
        """Smallest and largest values of each part of an observation."""

    @property
    def observation(self) -> Mapping[str, Any]:
        """Parts of the newest observation, shapes (B, ...), float32."""

    @property
    def reward(self) -> Any:
        """Of the last step, shape (B,), float32."""

    @property
    def terminated(self) -> Any:
        """Whether the episode ended by success or failure, shape (B,)."""

    @property
    def truncated(self) -> Any:
        """Whether it ended because its time was up, shape (B,)."""

    @property
    def success(self) -> Any:
        """Whether it ended by success, shape (B,)."""

    @property
    def begun(self) -> Any:
        """Whether the last step began a new episode instead of driving, shape (B,)."""

    def reset(self, seed: int | None = None, mask: Any = None) -> Mapping[str, Any]:
        """Begin new episodes; return the observation."""

    def step(self, action: Any) -> None:
        """Drive for one period by speed and turn in [-1, 1], shape (B, 2)."""

    def close(self) -> None:
        """Give back what it holds."""


def open_env(task: Task, batch: int, device: str = NUMBA, seed: int = 0,
             threads: int = 1) -> BatchedEnv:
    """
    Make a batched environment where it is to compute.

    :param batch: number of robots B.
    :param device: 'cpu' for the numba back end; 'cuda:0', ... for Warp on a GPU; 'warp' for the
        same kernels on Warp's CPU device, as tests use them.
    :param seed: of everything that is drawn.
    :param threads: of the numba back end.
    :raises InputError: when Warp or the device is missing, the task cannot run there, or another
        value does not fit.
    """
    if device == NUMBA:
        return BatchEnv(task, batch, seed, threads)
    if not isinstance(task, GoalReachingTask):
        raise InputError(
            f"device = '{device}' runs goal reaching alone, not {type(task).__name__}; use "
            f"device = '{NUMBA}'")
    opened = open_device('cpu' if device == WARP_ON_CPU else device)
    from synth_nodes.gpu.batch import DeviceEnv
    return DeviceEnv(task, batch, opened, seed)
