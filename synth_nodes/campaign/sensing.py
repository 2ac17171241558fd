"""When a scan was taken and when it arrives: rate, latency, jitter, loss."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.campaign.draws import Keys, signed, uniform
from synth_nodes.campaign.setups import DT, Setup

Array = NDArray[np.float64]
Steps = NDArray[np.int64]
LOOK_BACK = 6
"""Scans that are looked through for the newest that has arrived."""
LOSS = 0.1
"""Chance that a scan is lost, for the half of the sensors that lose any."""
_JITTER, _LOSS, _NOISE = 21, 22, 23


@dataclass(frozen=True)
class Sensors:
    """The sensors of B robots; times in steps of DT."""

    keys: Keys
    """Shape (B,)."""
    period: Steps
    """Between scans, shape (B,)."""
    phase: Steps
    """Of the first scan, shape (B,)."""
    delay: Steps
    """From the stamp to the arrival, shape (B,)."""
    jitter: Steps
    """Largest further delay, shape (B,)."""
    loss: Array
    """Chance that a scan never arrives, shape (B,)."""

    def newest(self, step: int) -> tuple[Steps, Steps]:
        """
        Find the newest scan that has arrived.

        :param step: present time.
        :return: its stamp and its number, shape (B,); where there is none, that of the oldest
            looked for.
        """
        number = (step - self.phase - self.delay) // self.period
        found = np.zeros(len(number), bool)
        best = number - LOOK_BACK
        for back in range(LOOK_BACK):
            k = number - back
            late = np.floor(uniform(self.keys, _JITTER, k) * (self.jitter + 1)).astype(np.int64)
            here = (self.phase + k * self.period + self.delay + late <= step)
            here &= uniform(self.keys, _LOSS, k) >= self.loss
            best = np.where(here & ~found, k, best)
            found |= here
        return self.phase + best * self.period, best


def draw_sensors(rng: np.random.Generator, setup: Setup, keys: Keys) -> Sensors:
    """Draw sensors whose data, but for losses, are never older than the rules allow."""
    count = len(keys)
    most = setup.rules.source.timeout / DT
    period = np.floor(most * rng.uniform(0.08, 0.4, count)).astype(np.int64) + 1
    spare = most - period - setup.rules.command.period / DT
    delay = np.floor(np.maximum(spare, 0) * rng.uniform(0.0, 0.7, count)).astype(np.int64)
    rest = np.maximum(most - period - delay, 0)
    jitter = np.floor(rest * rng.uniform(0.0, 0.8, count)).astype(np.int64)
    loss = np.where(rng.random(count) < 0.5, LOSS, 0.0)
    return Sensors(keys, period, rng.integers(0, 100, count) % period, delay, jitter, loss)


def noisy(keys: Keys, points_base: Array, number: Steps, bound: float) -> Array:
    """
    Add an error to ranges, the same for a scan however often it is looked at.

    :param points_base: [m], shape (B, N, 2); the sensor stands at the origin.
    :param number: of the scan, shape (B,).
    :param bound: largest error [m].
    """
    if bound == 0.0:
        return points_base
    error = bound * signed(keys, _NOISE, number, points_base.shape[1])
    distance = np.maximum(np.hypot(points_base[..., 0], points_base[..., 1]), 1e-9)
    return np.asarray(points_base * (1.0 + error / distance)[..., None])
