"""Settings of the IMU. No numba: nodes on a robot read them too."""

from dataclasses import dataclass

from synth_nodes.errors import InputError
from synth_nodes.settings import setting


@dataclass(frozen=True)
class ImuSettings:
    """
    Rate, mount and errors of an IMU.

    :raises InputError: when the mount isn't x, y, yaw.
    """

    rate: float = setting(200.0, 'Readings a second.', unit='Hz', low=1.0, high=1000.0)
    mount: tuple[float, ...] = setting(
        (0.0, 0.0, 0.0), 'Pose of the IMU in base_link: x, y, yaw.',
        unit='m, m, rad', low=-10.0, high=10.0)
    gyro_noise: float = setting(
        2e-4, 'White noise density of the gyroscope (angle random walk).',
        unit='rad/s/sqrt(Hz)', low=0.0, high=0.1)
    gyro_bias: float = setting(
        1e-3, 'Standard deviation of its bias at start.', unit='rad/s', low=0.0, high=0.5)
    gyro_walk: float = setting(
        2e-5, 'Random walk of its bias.', unit='rad/s^2/sqrt(Hz)', low=0.0, high=0.1)
    gyro_instability: float = setting(
        5e-5, 'Instability of its bias; the floor of the Allan deviation is 0.66 of it.',
        unit='rad/s', low=0.0, high=0.1)
    gyro_scale: float = setting(
        2e-3, 'Standard deviation of the scale error of each of its axes.', low=0.0, high=0.2)
    gyro_limit: float = setting(
        8.7, 'Largest rate it can measure; 0: any.', unit='rad/s', low=0.0, high=1000.0)
    gyro_step: float = setting(
        2.7e-4, 'Step between its readings; 0: none.', unit='rad/s', low=0.0, high=1.0)
    accel_noise: float = setting(
        2e-3, 'White noise density of the accelerometer (velocity random walk).',
        unit='m/s^2/sqrt(Hz)', low=0.0, high=1.0)
    accel_bias: float = setting(
        2e-2, 'Standard deviation of its bias at start.', unit='m/s^2', low=0.0, high=5.0)
    accel_walk: float = setting(
        2e-4, 'Random walk of its bias.', unit='m/s^3/sqrt(Hz)', low=0.0, high=1.0)
    accel_instability: float = setting(
        4e-4, 'Instability of its bias; the floor of the Allan deviation is 0.66 of it.',
        unit='m/s^2', low=0.0, high=1.0)
    accel_scale: float = setting(
        2e-3, 'Standard deviation of the scale error of each of its axes.', low=0.0, high=0.2)
    accel_limit: float = setting(
        39.2, 'Largest acceleration it can measure; 0: any.', unit='m/s^2', low=0.0, high=1e4)
    accel_step: float = setting(
        1.2e-3, 'Step between its readings; 0: none.', unit='m/s^2', low=0.0, high=1.0)
    misalignment: float = setting(
        1e-3, 'Standard deviation of how far each axis leans towards each other one.',
        unit='rad', low=0.0, high=0.1)
    mount_error: float = setting(
        2e-3, 'Standard deviation of the tilt of the whole IMU about each axis.',
        unit='rad', low=0.0, high=0.1)

    def __post_init__(self) -> None:
        if len(self.mount) != 3:
            raise InputError(f'imu.mount = {list(self.mount)} must be [x, y, yaw]')
