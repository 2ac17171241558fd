"""Wheels, and settings of the odometry they give. No numba: nodes on a robot read them too."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.settings import setting
from synth_nodes.types import RobotSpec


@dataclass(frozen=True)
class WheelSpec:
    """Wheels of a drive: of a differential drive, the rear axle of a car, or four mecanum."""

    radius: float = setting(0.1, 'Radius of the wheels.', unit='m', low=0.01, high=2.0)
    track: float = setting(
        0.36, 'Distance between left and right wheels.', unit='m', low=0.05, high=10.0)
    length: float = setting(
        0.3, 'Distance between the axles of mecanum wheels.', unit='m', low=0.05, high=10.0)


@dataclass(frozen=True)
class OdometrySettings:
    """Errors of the wheel odometry; slip of the whole robot is the world's, `robot.slip`."""

    rate: float = setting(40.0, 'Messages a second.', unit='Hz', low=1.0, high=500.0)
    scale_error: float = setting(
        0.005, 'Standard deviation of the error of all radii together.', low=0.0, high=0.2)
    radius_error: float = setting(
        0.001, 'Standard deviation of the error of each radius.', low=0.0, high=0.2)
    track_error: float = setting(
        0.01, 'Standard deviation of the error of the track.', low=0.0, high=0.2)
    slip: float = setting(
        0.004, 'Standard deviation of what each wheel slips after one metre.',
        unit='m/sqrt(m)', low=0.0, high=0.5)
    ticks: int = setting(
        4096, 'Steps of an encoder in one turn of its wheel; 0: none.', low=0, high=10_000_000)


_JOINTS = {'differential': ('left', 'right'), 'ackermann': ('rear_left', 'rear_right'),
           'omnidirectional': ('front_left', 'front_right', 'rear_left', 'rear_right')}


def wheel_names(robot: RobotSpec) -> tuple[str, ...]:
    """Names of the joints whose encoders count, in the order of :func:`rolling_matrix`."""
    return tuple(f'{place}_wheel_joint' for place in _JOINTS[robot.drive])


def rolling_matrix(robot: RobotSpec, wheels: WheelSpec) -> NDArray[np.float64]:
    """
    How wheels roll as the body moves, without slip.

    Mecanum wheels as in Lynch, Park, Modern Robotics, equation 13.10.

    :return: way of each wheel's rim [m] per dx, dy [m], dyaw [rad] in base_link, shape (W, 3).
    """
    half = 0.5 * wheels.track
    if robot.drive != 'omnidirectional':
        return np.array(((1.0, 0.0, -half), (1.0, 0.0, half)))
    reach = half + 0.5 * wheels.length
    return np.array(((1.0, -1.0, -reach), (1.0, 1.0, reach), (1.0, 1.0, -reach),
                     (1.0, -1.0, reach)))


def body_matrix(robot: RobotSpec, wheels: WheelSpec) -> NDArray[np.float64]:
    """Turn ways of the rims back into dx, dy, dyaw, by least squares, shape (3, W)."""
    return np.asarray(np.linalg.pinv(rolling_matrix(robot, wheels)))
