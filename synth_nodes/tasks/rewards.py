"""
Terms of rewards, one small function each: B robots in, one number each out.

Every term is 1 (or the metres gained) at its natural size; what it weighs is the task's to say.
"""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.types import FloatArray, RobotSpec

Terms = NDArray[np.float64]
"""Shape (B,)."""


def progress(before: FloatArray, after: FloatArray, most: float) -> Terms:
    """
    Reward the distance gained towards the goal.

    Potential-based shaping, which leaves the best policy the best (Ng, Harada, Russell 1999).

    :param before: distance left before the step [m], shape (B,).
    :param after: and after it [m], shape (B,).
    :param most: what counts at most, either way [m]: a robot that lost its path and is found at
        another place of it has not driven there.
    """
    return np.asarray(np.clip(np.asarray(before, float) - after, -most, most))


def nearness(clearance: FloatArray, comfort: float) -> Terms:
    """
    Charge for coming near to things: 0 from `comfort` on, 1 at contact, linear between.

    :param clearance: gap to the nearest thing [m], shape (B,).
    :param comfort: gap from which on nothing is too near [m].
    """
    return np.asarray(np.clip(1.0 - np.asarray(clearance, float) / comfort, 0.0, 1.0))


def unsteadiness(command: FloatArray, previous: FloatArray, robot: RobotSpec) -> Terms:
    """
    Charge for changing commands: mean square of the change as a share of the limits.

    :param command: vx [m/s], wz [rad/s], shape (B, 2).
    :param previous: the one before, shape (B, 2).
    """
    limits = np.array([robot.max_speed, robot.max_turn_rate])
    return np.asarray(np.mean(((np.asarray(command) - previous) / limits) ** 2, axis=1))


def centring(offset: FloatArray, width: float) -> Terms:
    """
    Reward closeness to a line: 1 on it, exp(-1/2) at `width` beside it.

    :param offset: distance from the line [m], shape (B,), either sign.
    :param width: [m].
    """
    return np.asarray(np.exp(-0.5 * (np.asarray(offset, float) / width) ** 2))
