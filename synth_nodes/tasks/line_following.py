"""The task of following a painted line: where the robot is beside it, and what that is worth."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.settings import setting
from synth_nodes.tasks.observation import Observation
from synth_nodes.tasks.path import PathFollower, resample, SPACING, to_base
from synth_nodes.tasks.rewards import centring, progress, Terms, unsteadiness
from synth_nodes.types import FloatArray, RobotSpec

END_GAP = 0.15
"""How far before the end of its line a robot comes to stand [m]."""
BRAKING = 1.5
"""Speed for each metre left beyond that [1/s]."""


@dataclass(frozen=True)
class LineFollowingRules:
    """What is seen of the line, when a run ends, and the weights of the reward's terms."""

    ahead: tuple[float, ...] = setting(
        (0.2, 0.4, 0.6, 0.8, 1.0), 'Distances along the line of the points seen ahead.',
        unit='m', low=0.1, high=10.0)
    length: float = setting(
        15.0, 'Longest stretch of line in a run.', unit='m', low=1.0, high=1000.0)
    tolerance: float = setting(
        0.15, 'Distance left at which the end is reached.', unit='m', low=0.02, high=2.0)
    lost: float = setting(
        0.5, 'Distance from the line at which the run has failed.', unit='m', low=0.1, high=5.0)
    offset: float = setting(
        0.1, 'Largest distance from the line at the start.', unit='m', low=0.0, high=2.0)
    swing: float = setting(
        0.4, 'Largest angle to the line at the start.', unit='rad', low=0.0, high=3.1)
    patience: float = setting(
        4.0, 'Time allowed, as a multiple of that at full speed; 20 s are added.',
        low=1.0, high=100.0)
    width: float = setting(
        0.1, 'Distance from the line at which progress counts for exp(-1/2).',
        unit='m', low=0.01, high=2.0)
    progress: float = setting(
        3.0, 'Reward for each metre gained on the line.', unit='1/m', low=0.0, high=100.0)
    arrival: float = setting(5.0, 'Reward for reaching the end.', low=0.0, high=1000.0)
    failure: float = setting(
        5.0, 'Cost of losing the line or touching something.', low=0.0, high=1000.0)
    duration: float = setting(0.1, 'Cost of each second.', unit='1/s', low=0.0, high=100.0)
    unsteadiness: float = setting(
        0.004, 'Cost of turning the command from nothing to its limits at once.',
        low=0.0, high=100.0)


class LineStep(NamedTuple):
    """What one step of B robots came to; each of shape (B,) where nothing else is said."""

    left_before: FloatArray
    """Distance left along the line before the step [m]."""
    left: FloatArray
    """And after it [m]."""
    offset: FloatArray
    """Distance from the line [m], either sign."""
    arrived: NDArray[np.bool_]
    failed: NDArray[np.bool_]
    """Whether the line was lost or something was touched."""
    command: FloatArray
    """vx [m/s], wz [rad/s], shape (B, 2)."""
    previous: FloatArray
    """The command before, shape (B, 2)."""


def stretch(line: FloatArray, rng: np.random.Generator, length: float) -> NDArray[np.float64]:
    """
    Draw a stretch of a line, in either direction.

    A closed line is entered anywhere and followed for `length`, or once around where it is
    shorter; an open one is entered so that at least half of that (or of it) is left.

    :param line: corners in `map` [m], shape (N, 2).
    :return: points `SPACING` apart in `map` [m], shape (M, 2).
    :raises InputError: when the line has no length.
    """
    points = resample(line)
    if not np.ptp(points, axis=0).any():
        raise InputError('a painted line has no length, so nothing can follow it')
    if rng.random() < 0.5:
        points = points[::-1]
    wanted = max(2, round(length / SPACING) + 1)
    if np.hypot(*(points[0] - points[-1])) < SPACING:
        first = int(rng.integers(len(points) - 1))
        points = np.concatenate((points[first:-1], points[:first + 1]))
    else:
        least = max(2, min(wanted, len(points)) // 2)
        points = points[int(rng.integers(len(points) - least + 1)):]
    return np.array(points[:wanted])


def is_end(point: FloatArray, line: FloatArray) -> bool:
    """Tell whether a point [m], shape (2,), is where the paint of a line, shape (N, 2), ends."""
    if np.hypot(*(line[0] - line[-1])) < SPACING:
        return False
    return bool(min(np.hypot(*(point - line[0])), np.hypot(*(point - line[-1]))) < SPACING)


def start_pose(path: FloatArray, rng: np.random.Generator, offset: float, swing: float,
               ) -> NDArray[np.float64]:
    """
    Draw a pose near the beginning of a path, shape (3,): x, y [m], yaw [rad].

    :param path: [m], shape (N, 2).
    :param offset: largest distance to its left or right [m].
    :param swing: largest angle to its direction [rad].
    """
    dx, dy = path[1] - path[0]
    along = np.arctan2(dy, dx)
    aside = rng.uniform(-offset, offset)
    return np.array([path[0, 0] - aside * np.sin(along), path[0, 1] + aside * np.cos(along),
                     along + rng.uniform(-swing, swing)])


def beside(here: FloatArray, pose: FloatArray) -> NDArray[np.float64]:
    """
    Say where robots are beside their lines.

    :param here: two points of each line about the robot, in its direction [m], shape (B, 2, 2).
    :param pose: x, y [m], yaw [rad] of base_link, shape (B, 3).
    :return: shape (B, 2): distance to the line [m], positive where the robot is on its left;
        angle from the line's direction to the robot's [rad], in [-pi, pi).
    """
    step = here[:, 1] - here[:, 0]
    along = np.arctan2(step[:, 1], step[:, 0])
    delta = pose[:, :2] - here[:, 0]
    offset = np.cos(along) * delta[:, 1] - np.sin(along) * delta[:, 0]
    angle = (pose[:, 2] - along + np.pi) % (2 * np.pi) - np.pi
    return np.column_stack((offset, angle))


def observe(follower: PathFollower, pose: FloatArray, velocity: FloatArray,
            rules: LineFollowingRules) -> Observation:
    """
    Make the observation of robots that the follower has located.

    :param pose: x, y [m], yaw [rad] of base_link, shape (B, 3).
    :param velocity: vx, vy [m/s], wz [rad/s] in base_link, shape (B, 3).
    :return: `line` (B, 2), see :func:`beside`; `ahead` (B, K, 2), points of the line in base_link
        [m]; `velocity` (B, 3).
    """
    ahead = follower.around(np.rint(np.asarray(rules.ahead) / SPACING).astype(np.intp))
    count = ahead.shape[1]
    in_base = to_base(ahead.reshape(-1, 2), np.repeat(pose, count, axis=0))
    return {'line': beside(follower.segment(), pose).astype(np.float32),
            'ahead': in_base.reshape(ahead.shape).astype(np.float32),
            'velocity': np.asarray(velocity, np.float32)}


def steer(ahead: FloatArray, left: FloatArray, cruise: float, robot: RobotSpec,
          ) -> NDArray[np.float64]:
    """
    Follow lines from the robots' true poses by pure pursuit (Coulter 1992, equation 2).

    The speed is `cruise`, less where the turn would exceed the robot's, and falls to nothing
    `END_GAP` before the end of the line.

    :param ahead: the point of each line to steer for, in base_link [m], shape (B, 2).
    :param left: distance to the end of the line [m], shape (B,); inf where it has none.
    :param cruise: [m/s].
    :return: vx [m/s], wz [rad/s], shape (B, 2).
    """
    square = np.maximum((np.asarray(ahead, float) ** 2).sum(axis=1), 1e-4)
    bend = 2.0 * ahead[:, 1] / square
    most = robot.max_turn_rate / np.maximum(np.abs(bend), 1e-6)
    speed = np.clip(BRAKING * (left - END_GAP), 0.0, np.minimum(cruise, most))
    return np.column_stack((speed, speed * bend))


def reward(rules: LineFollowingRules, step: LineStep, robot: RobotSpec, period: float) -> Terms:
    """
    Weigh one step, shape (B,): progress counts in full only on the line.

    :param period: duration of the step [s].
    """
    gained = progress(step.left_before, step.left, 1.5 * robot.max_speed * period)
    share = np.where(gained > 0.0, centring(step.offset, rules.width), 1.0)
    return np.asarray(
        rules.progress * gained * share
        + rules.arrival * step.arrived
        - rules.failure * step.failed
        - rules.unsteadiness * unsteadiness(step.command, step.previous, robot)
        - rules.duration * period)
