"""
Wheel odometry of drives of all kinds, and a covariance that matches its errors.

Errors as in Thrun, Burgard, Fox, Probabilistic Robotics, section 5.4: noise whose variance grows
with the distance driven and the angle turned; beside it a scale error that stays for life.
"""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.sensors.wheels import OdometrySettings as OdometrySettings
from synth_nodes.types import FloatArray
from synth_nodes.world.drive import arc
from synth_nodes.world.jit import kernel


class WheelOdometry:
    """Odometry of B robots, each with scale errors of its own."""

    def __init__(self, settings: OdometrySettings, batch: int = 1, seed: int = 0) -> None:
        """
        Draw the scale errors and start at 0, 0, 0 of `odom`.

        :param seed: the same seed and calls give the same odometry.
        """
        self.settings = settings
        self._rng = np.random.default_rng([17, seed])
        deviations = np.array([settings.scale_error, settings.turn_scale_error])
        self._scale = 1.0 + deviations * self._rng.standard_normal((batch, 2))
        self.pose = np.zeros((batch, 3))
        """x, y [m], yaw [rad] of base_link in `odom`, shape (B, 3)."""
        self.velocity = np.zeros((batch, 3))
        """vx, vy [m/s], wz [rad/s] in base_link as measured, shape (B, 3)."""
        self.velocity_covariance = np.zeros((batch, 3, 3))
        """Of `velocity`, shape (B, 3, 3)."""
        self._full = np.zeros((batch, 5, 5))
        self._full[:, 3, 3], self._full[:, 4, 4] = deviations ** 2

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Of `pose`, in `odom`, shape (B, 3, 3)."""
        return self._full[:, :3, :3]

    def update(self, velocity: FloatArray, dt: float) -> None:
        """
        Count the wheels' turns over dt seconds.

        :param velocity: mean vx, vy [m/s], wz [rad/s] in base_link, shape (B, 3): what is true,
            or where wheels slip, what they roll (`World.wheel_velocity`).
        :param dt: [s], > 0.
        """
        s = self.settings
        true = np.ascontiguousarray(velocity, np.float64)
        noise = np.zeros((len(self.pose), 3))
        noise[:, :2] = self._rng.standard_normal((len(self.pose), 2))
        if true[:, 1].any():
            noise[:, 2] = self._rng.standard_normal(len(self.pose))
        update_odometry(
            true, dt, self._scale, noise,
            np.array([s.slip, s.turn_slip, s.drift, s.scale_error, s.turn_scale_error]),
            self.pose, self.velocity, self._full, self.velocity_covariance)


@kernel
def update_odometry(
    true: NDArray[np.float64],
    dt: float,
    scale: NDArray[np.float64],
    noise: NDArray[np.float64],
    errors: NDArray[np.float64],
    pose: NDArray[np.float64],
    velocity: NDArray[np.float64],
    full: NDArray[np.float64],
    velocity_covariance: NDArray[np.float64],
) -> None:
    """
    Advance poses and their covariances in place.

    The covariance is that of x, y, yaw and both scales, carried along the measured arc to first
    order (Smith, Self, Cheeseman 1990).

    :param noise: standard normal, shape (B, 3): ahead, turn, to the left.
    :param errors: slip, turn_slip, drift, scale_error, turn_scale_error.
    """
    slip, turn_slip, drift, scale_error, turn_scale_error = errors
    for b in range(pose.shape[0]):
        length, side, angle = true[b, 0] * dt, true[b, 1] * dt, true[b, 2] * dt
        length_variance = slip * slip * abs(length)
        side_variance = slip * slip * abs(side)
        angle_variance = (turn_slip * turn_slip * abs(angle)
                          + drift * drift * (abs(length) + abs(side)))
        measured = scale[b, 0] * length + np.sqrt(length_variance) * noise[b, 0]
        aside = scale[b, 0] * side + np.sqrt(side_variance) * noise[b, 2]
        turned = scale[b, 1] * angle + np.sqrt(angle_variance) * noise[b, 1]
        middle = pose[b, 2] + 0.5 * turned
        _carry(full[b], middle, measured, aside, turned, length_variance, side_variance,
               angle_variance)
        x, y, yaw = arc(pose[b, 0], pose[b, 1], pose[b, 2], measured / dt, turned / dt, dt,
                        aside / dt)
        pose[b, 0] = x
        pose[b, 1] = y
        pose[b, 2] = yaw - 2.0 * np.pi * np.floor(yaw / (2.0 * np.pi) + 0.5)
        velocity[b, 0] = measured / dt
        velocity[b, 1] = aside / dt
        velocity[b, 2] = turned / dt
        velocity_covariance[b, 0, 0] = length_variance / dt ** 2 + (
            scale_error * true[b, 0]) ** 2
        velocity_covariance[b, 1, 1] = side_variance / dt ** 2 + (
            scale_error * true[b, 1]) ** 2
        velocity_covariance[b, 2, 2] = angle_variance / dt ** 2 + (
            turn_scale_error * true[b, 2]) ** 2


@kernel
def _carry(full: NDArray[np.float64], middle: float, length: float, side: float, angle: float,
           length_variance: float, side_variance: float, angle_variance: float) -> None:
    """Carry a covariance, shape (5, 5), along one short arc with the chord's direction."""
    c, s = np.cos(middle), np.sin(middle)
    jacobian = np.eye(5)
    dx, dy = length * c - side * s, length * s + side * c
    jacobian[0, 2], jacobian[1, 2] = -dy, dx
    jacobian[0, 3], jacobian[1, 3] = dx, dy
    jacobian[0, 4], jacobian[1, 4] = -0.5 * dy * angle, 0.5 * dx * angle
    jacobian[2, 4] = angle
    by_length = np.array([c, s, 0.0, 0.0, 0.0])
    by_side = np.array([-s, c, 0.0, 0.0, 0.0])
    by_angle = np.array([-0.5 * dy, 0.5 * dx, 1.0, 0.0, 0.0])
    carried = np.zeros((5, 5))
    for i in range(5):
        for j in range(5):
            for k in range(5):
                carried[i, j] += jacobian[i, k] * full[k, j]
    for i in range(5):
        for j in range(5):
            total = length_variance * by_length[i] * by_length[j]
            total += side_variance * by_side[i] * by_side[j]
            total += angle_variance * by_angle[i] * by_angle[j]
            for k in range(5):
                total += carried[i, k] * jacobian[j, k]
            full[i, j] = total
