"""Noise on commands while robots drive for samples, so that recoveries are seen too."""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.types import RobotSpec

TIME = 0.6
"""How long a disturbance lasts [s]."""


class Disturbance:
    """Noise that lasts a while (Ornstein-Uhlenbeck), of its own strength for each robot."""

    def __init__(self, rng: np.random.Generator, batch: int, robot: RobotSpec, strength: float,
                 period: float) -> None:
        """
        Begin without noise, until :meth:`begin`.

        :param rng: what chance is drawn from, in turn with whoever else draws from it.
        :param batch: how many robots.
        :param strength: largest standard deviation, as a share of the robot's limits.
        :param period: time between commands [s].
        """
        self._rng, self._strength = rng, strength
        self._limits = np.array([robot.max_speed, robot.max_turn_rate])
        self._noise, self._loudness = np.zeros((batch, 2)), np.zeros(batch)
        self._keep = np.exp(-period / TIME)

    def begin(self, rows: NDArray[np.intp]) -> None:
        """Draw anew how strong it is; a third of the robots drives undisturbed."""
        loud = self._strength * self._rng.random(len(rows))
        self._loudness[rows] = np.where(self._rng.random(len(rows)) < 1 / 3, 0.0, loud)

    def draw(self) -> NDArray[np.float64]:
        """Draw what is added to the next commands: vx [m/s], wz [rad/s], shape (B, 2)."""
        fresh = self._rng.normal(size=self._noise.shape) * np.sqrt(1.0 - self._keep ** 2)
        self._noise = self._keep * self._noise + fresh
        return np.asarray(self._noise * self._loudness[:, None] * self._limits)
