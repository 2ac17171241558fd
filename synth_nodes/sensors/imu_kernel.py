"""The kernel of the IMU: true motion to readings, and the covariance of what is wrong in them."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.world.jit import inline, kernel

GRAVITY = 9.81
"""What an accelerometer at rest measures upwards [m/s^2]."""
INSTABILITY_TIMES = (1.0, 10.0, 100.0)
"""Times [s] of the Gauss-Markov processes that make up the instability of a bias."""


class Levels(NamedTuple):
    """How large errors are: of gyroscope, then accelerometer, shape (2,) each."""

    noise: NDArray[np.float64]
    bias: NDArray[np.float64]
    walk: NDArray[np.float64]
    flicker: NDArray[np.float64]
    """Standard deviation of each process of the instability."""
    scale: NDArray[np.float64]
    limit: NDArray[np.float64]
    """Infinite where there is none."""
    step: NDArray[np.float64]
    misalignment: float
    mount_error: float


class ErrorState(NamedTuple):
    """What is wrong with B IMUs at present."""

    bias: NDArray[np.float64]
    """Shape (B, 2, 3): bias that walks, of gyroscope and accelerometer."""
    flicker: NDArray[np.float64]
    """Shape (B, 2, 3, K): the processes of the instability."""
    matrix: NDArray[np.float64]
    """Shape (B, 2, 3, 3): scale errors, misalignment and tilt; zero for a perfect one."""
    drift: NDArray[np.float64]
    """Shape (B,): error of the integrated yaw [rad]."""
    spread: NDArray[np.float64]
    """
    Shape (B, 3 + K): variance of the yaw; its covariance with bias, scale, each process.
    """
    time: NDArray[np.float64]
    """Shape (1,): time since the start [s]."""


@kernel
def measure(levels: Levels, mount: NDArray[np.float64], state: ErrorState,
            now: NDArray[np.float64], before: NDArray[np.float64], dt: float,
            noise: NDArray[np.float64], reading: NDArray[np.float64],
            covariance: NDArray[np.float64]) -> None:
    """
    Measure the mean motion of B robots over dt seconds, and let the errors go on.

    :param mount: x, y [m], yaw [rad] of the IMU in base_link.
    :param now: vx, vy, wz in base_link at the end, shape (B, 3); before: at the start.
    :param noise: standard normal, shape (B, 2, 3, 2 + K).
    :param reading: is filled with rates and accelerations, shape (B, 2, 3).
    :param covariance: is filled, shape (B, 2, 3, 3).
    """
    truth = np.zeros((2, 3))
    for b in range(now.shape[0]):
        truth[0, 2] = 0.5 * (now[b, 2] + before[b, 2])
        truth[1, 0], truth[1, 1] = _force(now[b], before[b], dt, mount)
        truth[1, 2] = GRAVITY
        saturated = False
        for sensor in range(2):
            _spread(levels, sensor, truth[sensor], dt, state.time[0], covariance[b, sensor])
            for i in range(3):
                value = truth[sensor, i] + state.bias[b, sensor, i]
                for j in range(3):
                    value += state.matrix[b, sensor, i, j] * truth[sensor, j]
                for k in range(state.flicker.shape[3]):
                    value += state.flicker[b, sensor, i, k]
                value += levels.noise[sensor] / np.sqrt(dt) * noise[b, sensor, i, 0]
                step, limit = levels.step[sensor], levels.limit[sensor]
                if step > 0.0:
                    value = step * np.floor(value / step + 0.5)
                if abs(value) >= limit:
                    value = min(max(value, -limit), limit)
                    covariance[b, sensor, i, :] = 0.0
                    covariance[b, sensor, :, i] = 0.0
                    covariance[b, sensor, i, i] = limit * limit
                    saturated = saturated or (sensor == 0 and i == 2)
                reading[b, sensor, i] = value
        state.drift[b] += (reading[b, 0, 2] - truth[0, 2]) * dt
        _grow(levels, state, b, truth[0, 2], dt, saturated)
        _go_on(levels, state, b, dt, noise[b])
    state.time[0] += dt


@inline
def _force(now: NDArray[np.float64], before: NDArray[np.float64], dt: float,
           mount: NDArray[np.float64]) -> tuple[float, float]:
    """
    Mean acceleration [m/s^2] of the IMU along its x and y, of evenly changing velocities.

    The tangential and centripetal terms of its offset from base_link are in it.
    """
    turn = (now[2] - before[2]) / dt
    square = (now[2] * now[2] + now[2] * before[2] + before[2] * before[2]) / 3.0
    along = (now[0] - before[0]) / dt - _mean_product(now[2], before[2], now[1], before[1])
    left = (now[1] - before[1]) / dt + _mean_product(now[2], before[2], now[0], before[0])
    along -= turn * mount[1] + square * mount[0]
    left += turn * mount[0] - square * mount[1]
    c, s = np.cos(mount[2]), np.sin(mount[2])
    return c * along + s * left, c * left - s * along


@inline
def _mean_product(a1: float, a0: float, b1: float, b0: float) -> float:
    """Mean of the product of two quantities that change evenly from a0, b0 to a1, b1."""
    return float((2.0 * a1 * b1 + a1 * b0 + a0 * b1 + 2.0 * a0 * b0) / 6.0)


@inline
def _spread(levels: Levels, sensor: int, truth: NDArray[np.float64], dt: float, time: float,
            out: NDArray[np.float64]) -> None:
    """Fill in the covariance, shape (3, 3), of readings of a true vector, shape (3,)."""
    square = truth[0] * truth[0] + truth[1] * truth[1] + truth[2] * truth[2]
    lean, tilt = levels.misalignment ** 2, levels.mount_error ** 2
    alone = _bias_variance(levels, sensor, time) + _white_variance(levels, sensor, dt)
    alone += len(INSTABILITY_TIMES) * levels.flicker[sensor] ** 2
    for i in range(3):
        for j in range(3):
            out[i, j] = -tilt * truth[i] * truth[j]
        own = truth[i] * truth[i]
        out[i, i] = (alone + levels.scale[sensor] ** 2 * own
                     + (lean + tilt) * (square - own))


@inline
def _bias_variance(levels: Levels, sensor: int, time: float) -> float:
    return float(levels.bias[sensor] ** 2 + levels.walk[sensor] ** 2 * time)


@inline
def _white_variance(levels: Levels, sensor: int, dt: float) -> float:
    """Variance of white noise and of rounding, which noise larger than a step makes white."""
    return float(levels.noise[sensor] ** 2 / dt + levels.step[sensor] ** 2 / 12.0)


@inline
def _grow(levels: Levels, state: ErrorState, b: int, rate: float, dt: float,
          saturated: bool) -> None:
    """Carry the variance of the yaw and its covariances over one reading."""
    spread = state.spread[b]
    bias, flicker = _bias_variance(levels, 0, state.time[0]), levels.flicker[0] ** 2
    scale = levels.scale[0] ** 2
    shared = spread[1] + rate * spread[2]
    alone = bias + rate * rate * scale + _white_variance(levels, 0, dt)
    for k in range(len(INSTABILITY_TIMES)):
        shared += spread[3 + k]
        alone += flicker
    if saturated:
        alone += levels.limit[0] ** 2
    spread[0] += 2.0 * shared * dt + alone * dt * dt
    spread[1] += bias * dt
    spread[2] += rate * scale * dt
    for k in range(len(INSTABILITY_TIMES)):
        spread[3 + k] = np.exp(-dt / INSTABILITY_TIMES[k]) * (spread[3 + k] + flicker * dt)


@inline
def _go_on(levels: Levels, state: ErrorState, b: int, dt: float,
           noise: NDArray[np.float64]) -> None:
    """Let biases walk and the instability wander; exact for any step."""
    for sensor in range(2):
        for i in range(3):
            state.bias[b, sensor, i] += (
                levels.walk[sensor] * np.sqrt(dt) * noise[sensor, i, 1])
            for k in range(len(INSTABILITY_TIMES)):
                keep = np.exp(-dt / INSTABILITY_TIMES[k])
                state.flicker[b, sensor, i, k] = (
                    keep * state.flicker[b, sensor, i, k]
                    + np.sqrt(1.0 - keep * keep) * levels.flicker[sensor]
                    * noise[sensor, i, 2 + k])
