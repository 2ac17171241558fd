"""
An inertial measurement unit on a planar robot, with the errors that data sheets state.

Noise, random walk and instability of the biases follow IEEE Std 952-1997, annex C; scale error,
misalignment, mounting error, saturation and quantisation the usual model of an inertial sensor
(Titterton, Weston, Strapdown Inertial Navigation Technology, chapters 4 and 6). Axes and the sign
of gravity follow REP-103 and REP-145.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.sensors.imu_kernel import ErrorState, Levels, measure
from synth_nodes.sensors.imu_kernel import GRAVITY as GRAVITY
from synth_nodes.sensors.imu_kernel import INSTABILITY_TIMES as INSTABILITY_TIMES
from synth_nodes.sensors.imu_settings import ImuSettings as ImuSettings
from synth_nodes.types import FloatArray

INSTABILITY_SHARE = np.log(10.0) / np.pi
"""
Variance of each process that makes up the instability, in parts of its square.

Of first-order Gauss-Markov processes whose times lie a factor r apart, each with the variance
s^2, the sum has nearly the one-sided spectral density s^2 / (ln(r) f); that of an instability B
is B^2 / (pi f) (IEEE Std 952, C.10).
"""
_ACCEL_AXES = ('accel_noise', 'accel_bias', 'accel_walk', 'accel_instability', 'accel_scale',
               'accel_limit', 'accel_step')


@dataclass(frozen=True)
class ImuReading:
    """What B IMUs measure at once, in the frame of the IMU."""

    angular_velocity: NDArray[np.float64]
    """[rad/s] about x, y, z, shape (B, 3)."""
    linear_acceleration: NDArray[np.float64]
    """[m/s^2] along x, y, z, gravity included, shape (B, 3)."""
    orientation: NDArray[np.float64]
    """Yaw [rad] as integrated from the gyroscope, in (-pi, pi], shape (B,)."""
    angular_velocity_covariance: NDArray[np.float64]
    """[rad^2/s^2], shape (B, 3, 3); the square of the limit for an axis at its limit."""
    linear_acceleration_covariance: NDArray[np.float64]
    """[m^2/s^4], shape (B, 3, 3); the square of the limit for an axis at its limit."""
    orientation_variance: NDArray[np.float64]
    """Of yaw [rad^2], shape (B,); it grows as errors of the rate are integrated."""


class Imu:
    """IMUs of B robots; each has errors of its own."""

    def __init__(self, settings: ImuSettings, batch: int = 1, seed: int = 0) -> None:
        """
        Draw biases, scale errors and misalignments.

        :param seed: the same seed and calls give the same readings.
        """
        self.settings = s = settings
        self._rng = np.random.default_rng([13, seed])
        self._levels = _levels(s)
        self._mount = np.array(s.mount, np.float64)
        draw = self._rng.standard_normal
        bias = draw((batch, 2, 3)) * self._levels.bias[:, None]
        times = len(INSTABILITY_TIMES)
        flicker = draw((batch, 2, 3, times)) * self._levels.flicker[:, None, None]
        matrix = draw((batch, 2, 3, 3)) * s.misalignment
        for sensor in range(2):
            for axis in range(3):
                matrix[:, sensor, axis, axis] = self._levels.scale[sensor] * draw(batch)
        tilt = draw((batch, 3)) * s.mount_error
        for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
            # A vector seen from axes turned by a small angle: v - tilt x v.
            matrix[:, :, i, j] += tilt[:, None, k]
            matrix[:, :, j, i] -= tilt[:, None, k]
        self._state = ErrorState(
            bias, flicker, matrix, np.zeros(batch), np.zeros((batch, 3 + times)), np.zeros(1))
        self._noise = np.empty((batch, 2, 3, 2 + times))

    def read(
        self, velocity: FloatArray, previous_velocity: FloatArray, yaw: FloatArray, dt: float,
    ) -> ImuReading:
        """
        Measure the mean motion of the last dt seconds.

        :param velocity: vx, vy [m/s], wz [rad/s] in base_link now, shape (B, 3).
        :param previous_velocity: the same dt ago; in between it is taken to change evenly.
        :param yaw: true yaw of base_link now [rad], shape (B,).
        :param dt: [s], > 0.
        """
        batch = len(self._noise)
        self._rng.standard_normal(out=self._noise)
        reading = np.empty((batch, 2, 3))
        covariance = np.empty((batch, 2, 3, 3))
        measure(self._levels, self._mount, self._state, np.ascontiguousarray(velocity, float),
                np.ascontiguousarray(previous_velocity, float), dt, self._noise, reading,
                covariance)
        heading = np.asarray(yaw, float) + self._state.drift + self._mount[2]
        return ImuReading(
            reading[:, 0], reading[:, 1], np.pi - np.mod(np.pi - heading, 2 * np.pi),
            covariance[:, 0], covariance[:, 1], self._state.spread[:, 0].copy())


def _levels(s: ImuSettings) -> Levels:
    """Pair the levels of gyroscope and accelerometer."""
    noise, bias, walk, instability, scale, limit, step = (
        np.array((getattr(s, name.replace('accel', 'gyro')), getattr(s, name)))
        for name in _ACCEL_AXES)
    return Levels(noise, bias, walk, instability * np.sqrt(INSTABILITY_SHARE), scale,
                  np.where(limit > 0.0, limit, np.inf), step, s.misalignment, s.mount_error)
