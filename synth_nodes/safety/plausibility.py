"""
Whether numbers can be what they say: a command after the one before, and a measured velocity.

Set points step, but not without end. A step is measured in the time that the drive takes for it
at its acceleration limits. A command that asks for less of the same (nearer to zero in each
component) is never a jump.
"""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.rules import CommandRules
from synth_nodes.types import RobotSpec

Array = NDArray[np.float64]
EXCESS, NOISE = 1.5, (0.3, 0.5)
"""A measured velocity beyond the robot's limits by this factor and this much [m/s, rad/s] is none:
a robot pushed, sliding or rolling downhill is faster than its drive, but not by so much."""


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


def velocity_problem(robot: RobotSpec, velocity: Array) -> str:
    """
    Say why a measured velocity cannot be true; empty where it may, or is not finite anyway.

    :param velocity: vx, vy [m/s], w [rad/s], shape (3,).
    """
    if velocity.shape != (3,) or not np.isfinite(velocity).all():
        return ''
    top = max(robot.max_speed, robot.max_reverse_speed,
              robot.max_lateral_speed if robot.drive == 'omnidirectional' else 0.0)
    most = EXCESS * top + NOISE[0], EXCESS * robot.max_turn_rate + NOISE[1]
    if np.hypot(velocity[0], velocity[1]) <= most[0] and abs(velocity[2]) <= most[1]:
        return ''
    return (f'the measured velocity {_words(velocity)} is faster than this robot can be: '
            f'{most[0]:.2f} m/s, {most[1]:.2f} rad/s at most')


def _words(command: Array) -> str:
    return f'({command[0]:.2f} m/s, {command[1]:.2f} m/s, {command[2]:.2f} rad/s)'
