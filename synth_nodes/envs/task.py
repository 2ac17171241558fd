"""What a batched environment needs to know of a task, and nothing more."""

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from synth_nodes.tasks.observation import Observation
from synth_nodes.types import FloatArray, RobotSpec

Bounds = dict[str, tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Smallest and largest values of each part of an observation, shaped as one robot's."""


class Outcome(NamedTuple):
    """What a step came to; each of shape (B,)."""

    reward: NDArray[np.float64]
    success: NDArray[np.bool_]
    failure: NDArray[np.bool_]
    late: NDArray[np.bool_]
    """Whether the time allowed has passed."""


class Robots(Protocol):
    """B robots at a task, each in a world of its own."""

    def begin(self, rows: NDArray[np.int64]) -> None:
        """Start new episodes of some of them."""

    def observe(self, out: Observation) -> None:
        """Write the observation of all, shapes (B, ...)."""

    def step(self, command: FloatArray) -> None:
        """Drive all for one period by vx [m/s], wz [rad/s], shape (B, 2)."""

    def judge(self) -> Outcome:
        """Say what the last step came to, by the last observation."""

    def expert(self) -> NDArray[np.float64]:
        """Ask the expert, at the last observation, for vx, wz, shape (B, 2)."""


class Task(Protocol):
    """Something for robots to do, in maps that are prepared once."""

    @property
    def robot(self) -> RobotSpec:
        """The robot that does it."""

    @property
    def maps(self) -> int:
        """How many maps there are."""

    def bounds(self) -> Bounds:
        """Give the layout of an observation."""

    def robots(self, map_index: NDArray[np.int64], seed: int) -> Robots:
        """Place robots in maps; no episode has begun yet."""
