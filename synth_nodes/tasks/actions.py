"""Between what a learner puts out, in [-1, 1], and commands that the robot can follow."""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.types import FloatArray, RobotSpec


def to_command(action: FloatArray, robot: RobotSpec) -> NDArray[np.float64]:
    """
    Scale actions to commands; what lies beyond [-1, 1] is clipped.

    :param action: speed and turn, shape (B, 2); 1 is full speed ahead, -1 full speed backward.
    :return: vx [m/s], wz [rad/s], shape (B, 2).
    :raises InputError: when the shape does not fit or an action is NaN.
    """
    given = np.asarray(action, float)
    if given.ndim != 2 or given.shape[1] != 2:
        raise InputError(f'action has shape {given.shape}; it must be (B, 2): speed, turn')
    if np.isnan(given).any():
        raise InputError('action holds NaN; the learner has diverged: lower its learning rate')
    share = np.clip(given, -1.0, 1.0)
    share[:, 0] *= np.where(share[:, 0] < 0.0, robot.max_reverse_speed, robot.max_speed)
    share[:, 1] *= robot.max_turn_rate
    return np.asarray(share)


def to_action(command: FloatArray, robot: RobotSpec) -> NDArray[np.float32]:
    """
    Undo :func:`to_command`.

    :param command: vx [m/s], wz [rad/s], shape (B, 2).
    :return: shape (B, 2), within [-1, 1].
    """
    speed, turn = np.asarray(command, float).T
    backward = max(robot.max_reverse_speed, 1e-9)
    share = np.where(speed < 0.0, speed / backward, speed / robot.max_speed)
    action = np.column_stack((share, turn / robot.max_turn_rate))
    return np.asarray(np.clip(action, -1.0, 1.0), np.float32)
