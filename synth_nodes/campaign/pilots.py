"""Commands that mean harm, and some that do not."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from synth_nodes.campaign.draws import Keys, uniform
from synth_nodes.campaign.setups import Setup

Array = NDArray[np.float64]
PILOTS = ('straight', 'arc', 'spin', 'random', 'swing', 'stop_and_go', 'jitter', 'chase')
OPEN_LOOP = 7
"""Pilots before this one look at nothing, so that their way without a monitor is their wish."""
_RANDOM, _JITTER = 11, 12


@dataclass(frozen=True)
class Pilots:
    """Of B robots, how each is commanded."""

    SHARED: ClassVar[tuple[str, ...]] = ('low', 'high')

    keys: Keys
    """Shape (B,)."""
    code: NDArray[np.intp]
    """Which of PILOTS, shape (B,)."""
    twist: Array
    """Base of the command: vx, vy [m/s], w [rad/s], shape (B, 3)."""
    time: Array
    """How long a part of the pattern lasts [s], shape (B,)."""
    low: Array
    """Least command, shape (3,)."""
    high: Array
    """Largest command, shape (3,)."""
    curvature: float
    """Sharpest turn that may be commanded [1/m]; inf for a drive that turns in place."""

    @property
    def way(self) -> Array:
        """Direction of travel at the start, shape (B, 2), of length 1."""
        heading = np.arctan2(self.twist[:, 1], self.twist[:, 0])
        return np.stack((np.cos(heading), np.sin(heading)), axis=-1)

    def ahead(self, distance: Array) -> Array:
        """
        Find points along the arc of the base command.

        :param distance: travelled [m], shape (B,) or (B, N).
        :return: shape (B, 2) or (B, N, 2).
        """
        shape = (-1,) + (1,) * (distance.ndim - 1)
        vx, vy, w = (c.reshape(shape) for c in self.twist.T)
        time = distance / np.maximum(np.hypot(vx, vy), 0.05)
        half = np.clip(0.5 * w * time, -1.5, 1.5)
        chord = time * np.sinc(half / np.pi)
        return np.stack((chord * (vx * np.cos(half) - vy * np.sin(half)),
                         chord * (vx * np.sin(half) + vy * np.cos(half))), axis=-1)

    def commands(self, time: float, nearest: Array) -> Array:
        """
        Say what each robot is to do.

        :param time: since the start [s].
        :param nearest: nearest point as seen, base_link [m], shape (B, 2); NaN for none.
        :return: vx, vy [m/s], w [rad/s], shape (B, 3).
        """
        part = (time / self.time).astype(np.int64)
        odd = (part % 2 == 1)[:, None]
        still = np.zeros(3)
        swung = self.twist * np.array([1.0, 1.0, -1.0])
        hunt = np.where(np.isnan(nearest[:, :1]), self.twist, self._towards(nearest))
        wishes = [
            self.twist, self.twist, self.twist, self._any(_RANDOM, part),
            np.where(odd, swung, self.twist), np.where(odd, still, self.twist),
            self._any(_JITTER, np.asarray(round(time * 1e4))), hunt]
        wish = np.choose(self.code[:, None], wishes)
        return _feasible(wish, self.curvature)

    def _any(self, stream: int, counter: NDArray[np.int64]) -> Array:
        return self.low + (self.high - self.low) * uniform(self.keys, stream, counter, 3)

    def _towards(self, nearest: Array) -> Array:
        """Drive at a point: forward where it is ahead, backward where it is behind."""
        bearing = np.arctan2(nearest[:, 1], nearest[:, 0])
        side = np.where(self.high[1] > 0, self.high[1] * np.sin(bearing), 0.0)
        return np.stack((np.where(np.cos(bearing) >= 0, self.high[0], self.low[0]), side,
                         np.clip(4 * bearing, self.low[2], self.high[2])), axis=-1)


def draw_pilots(rng: np.random.Generator, setup: Setup, keys: Keys) -> Pilots:
    """Draw a pilot for each key."""
    robot, count = setup.robot, len(keys)
    side = robot.max_lateral_speed if robot.drive == 'omnidirectional' else 0.0
    high = np.array([robot.max_speed, side, robot.max_turn_rate])
    low = np.array([-robot.max_reverse_speed, -side, -robot.max_turn_rate])
    steered = robot.drive == 'ackermann'
    curvature = np.tan(robot.max_steer) / robot.wheel_base if steered else np.inf
    code = rng.integers(len(PILOTS), size=count)
    share = np.where(rng.random((count, 3)) < 0.4, 1.0, rng.uniform(0.15, 1.0, (count, 3)))
    sign = rng.random((count, 3)) < (0.8, 0.5, 0.5)
    twist = share * np.where(sign, high, low)
    twist[:, 1] *= rng.random(count) < 0.5
    twist[code == PILOTS.index('straight'), 2] = 0.0
    spinning = code == PILOTS.index('spin')
    twist[spinning, :2] = 0.0 if not steered else twist[spinning, :2]
    return Pilots(keys, code, _feasible(twist, curvature), rng.uniform(0.15, 1.5, count), low,
                  high, float(curvature))


def _feasible(twist: Array, curvature: float) -> Array:
    """Turn no more sharply than the drive can steer."""
    if np.isinf(curvature):
        return twist
    limit = np.abs(twist[:, 0]) * curvature
    return np.stack((twist[:, 0], twist[:, 1], np.clip(twist[:, 2], -limit, limit)), axis=-1)
