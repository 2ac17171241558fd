"""The task of reaching a goal by lidar: when it is done, and what each step is worth."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.settings import setting
from synth_nodes.tasks.rewards import nearness, progress, Terms, unsteadiness
from synth_nodes.types import FloatArray, RobotSpec

GRACE = 20.0
"""Time allowed for any errand, whatever its length [s]."""


@dataclass(frozen=True)
class GoalReachingRules:
    """When an errand ends, and the weights of the reward's terms."""

    tolerance: float = setting(
        0.25, 'Distance to the goal that counts as arrived.', unit='m', low=0.02, high=5.0)
    patience: float = setting(
        4.0, 'Time allowed, as a multiple of that at full speed; 20 s are added.',
        low=1.0, high=100.0)
    arrival: float = setting(10.0, 'Reward for arriving.', low=0.0, high=1000.0)
    contact: float = setting(5.0, 'Cost of touching something.', low=0.0, high=1000.0)
    progress: float = setting(
        3.0, 'Reward for each metre gained along the path.', unit='1/m', low=0.0, high=100.0)
    nearness: float = setting(
        0.5, 'Cost of each second all but touching something.', unit='1/s', low=0.0, high=100.0)
    comfort: float = setting(
        0.25, 'Gap from which on nothing is too near.', unit='m', low=0.01, high=2.0)
    duration: float = setting(
        0.1, 'Cost of each second.', unit='1/s', low=0.0, high=100.0)
    unsteadiness: float = setting(
        0.004, 'Cost of turning the command from nothing to its limits at once.',
        low=0.0, high=100.0)


class GoalStep(NamedTuple):
    """What one step of B robots came to; each of shape (B,) where nothing else is said."""

    left_before: FloatArray
    """Distance left along the path before the step [m]."""
    left: FloatArray
    """And after it [m]."""
    clearance: FloatArray
    """Gap to the nearest thing [m]."""
    arrived: NDArray[np.bool_]
    contact: NDArray[np.bool_]
    """Whether the robot touched something by its own doing."""
    command: FloatArray
    """vx [m/s], wz [rad/s], shape (B, 2)."""
    previous: FloatArray
    """The command before, shape (B, 2)."""


def has_arrived(to_end: FloatArray, contact: NDArray[np.bool_], tolerance: float,
                ) -> NDArray[np.bool_]:
    """
    Tell which robots reached their goals without touching anything in this step.

    :param to_end: distance to the goal [m], shape (B,).
    :param contact: whether the robot touched something by its own doing, shape (B,).
    :param tolerance: [m].
    """
    return np.asarray(~contact & (to_end <= tolerance))


def time_allowed(length: FloatArray, max_speed: float, patience: float) -> NDArray[np.float64]:
    """
    Time after which an errand is given up [s], shape (B,).

    :param length: of the way [m], shape (B,).
    :param max_speed: of the robot [m/s].
    :param patience: multiple of the time at full speed.
    """
    return np.asarray(GRACE + patience * np.asarray(length, float) / max_speed)


def reward(rules: GoalReachingRules, step: GoalStep, robot: RobotSpec, period: float) -> Terms:
    """
    Weigh one step, shape (B,).

    :param period: duration of the step [s].
    """
    most = 1.5 * robot.max_speed * period
    return np.asarray(
        rules.progress * progress(step.left_before, step.left, most)
        + rules.arrival * step.arrived
        - rules.contact * step.contact
        - rules.nearness * period * nearness(step.clearance, rules.comfort)
        - rules.unsteadiness * unsteadiness(step.command, step.previous, robot)
        - rules.duration * period)
