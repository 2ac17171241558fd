"""
An inertial measurement unit in base_link: white noise and drifting biases.

The model is the usual one of IEEE Std 952 (angle random walk and rate random walk), as Kalibr's
IMU noise model has it. Axes and the sign of gravity follow REP-103 and REP-145.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.settings import setting
from synth_nodes.types import FloatArray

GRAVITY = 9.81
"""What an accelerometer at rest measures upwards [m/s^2]."""


@dataclass(frozen=True)
class ImuSettings:
    """Noise of the IMU."""

    gyro_noise: float = setting(
        2e-4, 'White noise density of the gyroscope.', unit='rad/s/sqrt(Hz)', low=0.0, high=0.1)
    gyro_bias: float = setting(
        1e-3, 'Standard deviation of its bias at start.', unit='rad/s', low=0.0, high=0.5)
    gyro_walk: float = setting(
        2e-5, 'Random walk of its bias.', unit='rad/s^2/sqrt(Hz)', low=0.0, high=0.1)
    accel_noise: float = setting(
        2e-3, 'White noise density of the accelerometer.',
        unit='m/s^2/sqrt(Hz)', low=0.0, high=1.0)
    accel_bias: float = setting(
        2e-2, 'Standard deviation of its bias at start.', unit='m/s^2', low=0.0, high=5.0)
    accel_walk: float = setting(
        2e-4, 'Random walk of its bias.', unit='m/s^3/sqrt(Hz)', low=0.0, high=1.0)


@dataclass(frozen=True)
class ImuReading:
    """What B IMUs measure at once."""

    angular_velocity: NDArray[np.float64]
    """[rad/s] about x, y, z of base_link, shape (B, 3)."""
    linear_acceleration: NDArray[np.float64]
    """[m/s^2] along x, y, z of base_link, gravity included, shape (B, 3)."""
    orientation: NDArray[np.float64]
    """Yaw [rad] as integrated from the gyroscope, in (-pi, pi], shape (B,)."""
    angular_velocity_variance: float
    """Of each axis [rad^2/s^2]: white noise and bias."""
    linear_acceleration_variance: float
    """Of each axis [m^2/s^4]: white noise and bias."""
    orientation_variance: float
    """Of yaw [rad^2]; it grows as the bias is integrated."""


class Imu:
    """IMUs of B robots; each has its own biases."""

    def __init__(self, settings: ImuSettings, batch: int = 1, seed: int = 0) -> None:
        """
        Draw the biases.

        :param seed: the same seed and calls give the same readings.
        """
        self.settings = settings
        self._rng = np.random.default_rng([13, seed])
        self._gyro_bias = settings.gyro_bias * self._rng.standard_normal((batch, 3))
        self._accel_bias = settings.accel_bias * self._rng.standard_normal((batch, 3))
        self._drift = np.zeros(batch)
        self._gyro_bias_variance = settings.gyro_bias ** 2
        self._accel_bias_variance = settings.accel_bias ** 2
        self._yaw_variance = 0.0
        self._yaw_bias_covariance = 0.0

    def read(
        self, velocity: FloatArray, previous_velocity: FloatArray, yaw: FloatArray, dt: float,
    ) -> ImuReading:
        """
        Measure the motion of the last dt seconds.

        :param velocity: vx, vy [m/s], wz [rad/s] in base_link now, shape (B, 3).
        :param previous_velocity: the same dt ago.
        :param yaw: true yaw of base_link now [rad], shape (B,).
        :param dt: [s], > 0.
        """
        now, before = np.asarray(velocity, float), np.asarray(previous_velocity, float)
        rate = np.zeros(now.shape)
        rate[:, 2] = 0.5 * (now[:, 2] + before[:, 2])
        mean = 0.5 * (now + before)
        force = (now - before) / dt
        force[:, 0] -= mean[:, 2] * mean[:, 1]
        force[:, 1] += mean[:, 2] * mean[:, 0]
        force[:, 2] = GRAVITY
        s = self.settings
        gyro = self._gyro_bias + self._normal(now.shape, s.gyro_noise / np.sqrt(dt))
        accel = self._accel_bias + self._normal(now.shape, s.accel_noise / np.sqrt(dt))
        self._drift += gyro[:, 2] * dt
        self._grow(dt)
        reading = ImuReading(
            rate + gyro, force + accel, _wrapped(np.asarray(yaw, float) + self._drift),
            self._gyro_bias_variance + s.gyro_noise ** 2 / dt,
            self._accel_bias_variance + s.accel_noise ** 2 / dt, self._yaw_variance)
        self._walk(now.shape, dt)
        return reading

    def _normal(self, shape: tuple[int, ...], deviation: float) -> NDArray[np.float64]:
        return deviation * self._rng.standard_normal(shape)

    def _grow(self, dt: float) -> None:
        """Carry the variance of yaw and its covariance with the bias over one reading."""
        bias, both = self._gyro_bias_variance, self._yaw_bias_covariance
        self._yaw_variance += 2 * both * dt + bias * dt ** 2 + self.settings.gyro_noise ** 2 * dt
        self._yaw_bias_covariance += bias * dt

    def _walk(self, shape: tuple[int, ...], dt: float) -> None:
        s = self.settings
        self._gyro_bias += self._normal(shape, s.gyro_walk * np.sqrt(dt))
        self._accel_bias += self._normal(shape, s.accel_walk * np.sqrt(dt))
        self._gyro_bias_variance += s.gyro_walk ** 2 * dt
        self._accel_bias_variance += s.accel_walk ** 2 * dt


def _wrapped(angle: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.pi - np.mod(np.pi - angle, 2 * np.pi))
