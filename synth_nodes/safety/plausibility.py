"""
Whether a command is a likely successor of the one before: set points step, but not without end.

A step is measured in the time that the drive takes for it at its acceleration limits. A command
that asks for less of the same (nearer to zero in each component) is never a jump.
"""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.rules import CommandRules
from synth_nodes.types import RobotSpec

Array = NDArray[np.float64]


def step_time(robot: RobotSpec, before: Array, command: Array) -> float:
    """
    Time [s] that the drive takes from one command to another at its acceleration limits.

    :param before: vx, vy [m/s], w [rad/s], shape (3,).
    :param command: likewise.
    :return: 0 where the command only asks for less of the same.
    """
    slower = (np.abs(command) <= np.abs(before)) & (command * before >= 0.0)
    if slower.all():
        return 0.0
    change = np.abs(command - before)
    linear = float(np.hypot(change[0], change[1])) / robot.acceleration
    return max(linear, float(change[2]) / robot.turn_acceleration)


def plausible(rules: CommandRules, robot: RobotSpec, before: Array,
              command: Array) -> tuple[Array, str]:
    """
    Look at the step from one command to the next.

    :param before: the command followed before; zero where there was none.
    :param command: finite, shape (3,).
    :return: the command to go on with, and why it is refused (empty where it is not).
    """
    took = step_time(robot, before, command) if rules.jump_time else 0.0
    if took <= rules.jump_time:
        return command, ''
    if rules.jump_action == 'limit':
        return np.asarray(before + (command - before) * (rules.jump_time / took)), ''
    return command, (f'it jumps from {_words(before)} to {_words(command)}, for which the drive '
                     f'takes {took:.2f} s, more than {rules.jump_time:.2f} s')


def _words(command: Array) -> str:
    return f'({command[0]:.2f} m/s, {command[1]:.2f} m/s, {command[2]:.2f} rad/s)'
