"""
Wheel odometry of drives of all kinds, and a covariance that matches its errors.

It counts what the wheels roll, tick by tick, and knows nothing of the ground. Errors: radii and
track that are a little off for life (Borenstein, Feng 1996), slip of each wheel whose variance
grows with the way it rolls (Chong, Kleeman 1997), rounding to ticks; and of the whole robot, slip
that wanders, as `World` does it.
"""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.sensors.odometry_kernel import advance, Counter, Errors
from synth_nodes.sensors.wheels import body_matrix, rolling_matrix, WheelSpec
from synth_nodes.sensors.wheels import OdometrySettings as OdometrySettings
from synth_nodes.types import FloatArray, RobotSpec


class WheelOdometry:
    """Odometry of B robots, each with wheels of its own."""

    def __init__(self, settings: OdometrySettings, batch: int = 1, seed: int = 0,
                 robot: RobotSpec | None = None, wheels: WheelSpec | None = None) -> None:
        """
        Draw what is wrong with the wheels, and start at 0, 0, 0 of `odom`.

        :param seed: the same seed and calls give the same odometry.
        :param robot: says which drive it is, and how far it slips; None: the default.
        """
        robot, self.wheels = robot or RobotSpec(), wheels or WheelSpec()
        self._rng = np.random.default_rng([17, seed])
        self._rolling = rolling_matrix(robot, self.wheels)
        count = len(self._rolling)
        tick = 2 * np.pi * self.wheels.radius / settings.ticks if settings.ticks else 0.0
        draw = self._rng.standard_normal
        scale = (settings.scale_error * draw((batch, 1))
                 + settings.radius_error * draw((batch, count)))
        self._errors = Errors(
            scale, settings.track_error * draw(batch), settings.slip, tick,
            np.array((robot.slip, robot.turn_slip)), robot.slip_time)
        known = np.zeros((count + 3, count + 3))
        known[:count, :count] = (settings.scale_error ** 2
                                 + settings.radius_error ** 2 * np.eye(count))
        known[count, count] = settings.track_error ** 2
        body = body_matrix(robot, self.wheels)
        self._counter = Counter(
            np.zeros((batch, count)), self._rng.random((batch, count)), body,
            body @ body.T * tick ** 2 / 12, known, np.zeros((batch, 3, count + 3)))
        self._own = np.tile(self._counter.rounding, (batch, 1, 1))
        self.pose = np.zeros((batch, 3))
        """x, y [m], yaw [rad] of base_link in `odom`, shape (B, 3)."""
        self.velocity = np.zeros((batch, 3))
        """vx, vy [m/s], wz [rad/s] in base_link as measured, shape (B, 3)."""
        self.velocity_covariance = np.zeros((batch, 3, 3))
        """Of `velocity`, shape (B, 3, 3)."""

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Of `pose`, in `odom`, shape (B, 3, 3)."""
        c, s = np.cos(self.pose[:, 2]), np.sin(self.pose[:, 2])
        turn = np.zeros((len(c), 3, 3))
        turn[:, 0, 0] = turn[:, 1, 1] = c
        turn[:, 0, 1], turn[:, 1, 0], turn[:, 2, 2] = -s, s, 1.0
        # What the present ticks leave out comes on top of what has been gathered.
        now = turn @ self._counter.rounding @ turn.transpose(0, 2, 1)
        return np.asarray(self._own + now)

    def update(self, velocity: FloatArray, dt: float) -> None:
        """
        Count the wheels' turns over dt seconds.

        :param velocity: mean vx, vy [m/s], wz [rad/s] in base_link as the wheels roll it, slip
            of the robot left out (`World.wheel_velocity`), shape (B, 3).
        :param dt: [s], > 0.
        """
        self.roll(np.asarray(velocity, float) @ self._rolling.T * (dt / self.wheels.radius), dt)

    def roll(self, turns: FloatArray, dt: float) -> None:
        """
        Count the wheels' turns over dt seconds.

        :param turns: of each wheel [rad], in the order of `wheel_names`, shape (B, W).
        :param dt: [s], > 0.
        """
        ways = np.ascontiguousarray(turns, float) * self.wheels.radius
        advance(ways, dt, self._rng.standard_normal(ways.shape), self._errors, self._counter,
                self.pose, self.velocity, self._own, self.velocity_covariance)
