"""The task of docking: when a robot is docked, what steps are worth, and how an expert docks."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.settings import setting
from synth_nodes.tasks.rewards import progress, Terms, unsteadiness
from synth_nodes.types import FloatArray, RobotSpec

STEER_TO_AXIS, STEER_TO_COURSE = 2.0, 3.0
"""Gains k1 and k2 of the law of Park and Kuipers (2011), section III."""
BEND, BEND_POWER = 0.4, 2.0
"""Its beta and lambda: how much bends slow the robot down."""
BEYOND = 0.15
"""How far behind the dock the pose is that the law steers for [m]: there it is singular."""
APPROACH = 1.2
"""Speed for each metre left to the dock [1/s]."""
CREEP, STOP_AT = 0.03, 0.004
"""Least speed while more than that distance [m] is left [m/s]."""
REVERSE = 0.15
"""Speed of backing off [m/s]."""


@dataclass(frozen=True)
class DockingRules:
    """When a robot is docked, and the weights of the reward's terms."""

    distance: float = setting(
        0.03, 'Largest distance from the place to stand.', unit='m', low=0.001, high=1.0)
    angle: float = setting(
        0.05, 'Largest angle to the direction to stand in.', unit='rad', low=0.001, high=1.0)
    speed: float = setting(
        0.02, 'Speed below which a robot is at rest.', unit='m/s', low=0.001, high=1.0)
    turn: float = setting(
        0.05, 'Turn rate below which it is.', unit='rad/s', low=0.001, high=1.0)
    nearest: float = setting(
        0.6, 'Shortest way to the dock at the start.', unit='m', low=0.1, high=10.0)
    farthest: float = setting(
        1.6, 'Longest way to it.', unit='m', low=0.2, high=10.0)
    aside: float = setting(
        0.3, 'Largest offset to a side at the start, as a share of that way.', low=0.0, high=1.0)
    swing: float = setting(
        0.6, "Largest angle to the dock's axis at the start.", unit='rad', low=0.0, high=1.5)
    time: float = setting(40.0, 'Time allowed.', unit='s', low=1.0, high=1000.0)
    progress: float = setting(
        3.0, 'Reward for each metre gained.', unit='1/m', low=0.0, high=100.0)
    arrival: float = setting(10.0, 'Reward for docking.', low=0.0, high=1000.0)
    contact: float = setting(5.0, 'Cost of touching something.', low=0.0, high=1000.0)
    skew: float = setting(
        0.3, 'Cost of each second outside the lane to the dock.', unit='1/s', low=0.0, high=100.0)
    duration: float = setting(0.1, 'Cost of each second.', unit='1/s', low=0.0, high=100.0)
    unsteadiness: float = setting(
        0.004, 'Cost of turning the command from nothing to its limits at once.',
        low=0.0, high=100.0)


class DockStep(NamedTuple):
    """What one step of B robots came to; each of shape (B,) where nothing else is said."""

    before: FloatArray
    """Where the docks were in base_link before the step: x, y [m], yaw [rad], shape (B, 3)."""
    after: FloatArray
    """And after it."""
    docked: NDArray[np.bool_]
    contact: NDArray[np.bool_]
    command: FloatArray
    """vx [m/s], wz [rad/s], shape (B, 2)."""
    previous: FloatArray
    """The command before, shape (B, 2)."""


def is_docked(dock: FloatArray, velocity: FloatArray, rules: DockingRules) -> NDArray[np.bool_]:
    """
    Tell which robots stand in their docks, at rest.

    :param dock: x, y [m], yaw [rad] of the pose to stand in, in base_link, shape (B, 3).
    :param velocity: vx, vy [m/s], wz [rad/s], shape (B, 3).
    """
    return np.asarray(
        (np.hypot(dock[:, 0], dock[:, 1]) <= rules.distance) & (np.abs(dock[:, 2]) <= rules.angle)
        & (np.hypot(velocity[:, 0], velocity[:, 1]) <= rules.speed)
        & (np.abs(velocity[:, 2]) <= rules.turn))


def way_and_offset(dock: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Say where robots are on the axes of their docks.

    :param dock: in base_link, shape (B, 3).
    :return: way left along the axis [m], negative beyond the dock; offset to its left [m].
    """
    x, y, yaw = np.asarray(dock, float).T
    c, s = np.cos(yaw), np.sin(yaw)
    return c * x + s * y, s * x - c * y


def lane(way: FloatArray, backing: NDArray[np.bool_]) -> NDArray[np.float64]:
    """
    Half the width of the lane in which a dock can still be driven into [m], shape (B,).

    :param way: left along the axis [m], shape (B,).
    :param backing: robots that back off go on until they are well inside.
    """
    left = np.maximum(way, 0.0)
    return np.where(backing, 0.006 + 0.12 * left, 0.016 + 0.45 * left)


def skew(dock: FloatArray) -> Terms:
    """Charge for being outside the lane: 0 inside, 1 from twice its width on."""
    way, offset = way_and_offset(dock)
    return np.clip(np.abs(offset) / lane(way, np.zeros(len(dock), bool)) - 1.0, 0.0, 1.0)


def gained(before: FloatArray, after: FloatArray, most: float) -> Terms:
    """Metres gained towards docks that are given in base_link, shapes (B, 3)."""
    return progress(np.hypot(before[:, 0], before[:, 1]), np.hypot(after[:, 0], after[:, 1]), most)


def reward(rules: DockingRules, step: DockStep, robot: RobotSpec, period: float) -> Terms:
    """
    Weigh one step, shape (B,).

    :param period: duration of the step [s].
    """
    return np.asarray(
        rules.progress * gained(step.before, step.after, 1.5 * robot.max_speed * period)
        + rules.arrival * step.docked
        - rules.contact * step.contact
        - rules.skew * period * skew(step.after)
        - rules.unsteadiness * unsteadiness(step.command, step.previous, robot)
        - rules.duration * period)


def expert(dock: FloatArray, velocity: FloatArray, cruise: float, robot: RobotSpec,
           ) -> NDArray[np.float64]:
    """
    Dock: along the smooth curves of Park and Kuipers (ICRA 2011, eq. 14 and 15), ever slower.

    Outside the lane to the dock no curve leads in: the robot backs off, towards the axis, until
    it is well inside; that it does so is known from its velocity. In the dock it turns what is
    left.

    :param dock: true pose to stand in, in base_link, shape (B, 3).
    :param velocity: vx, vy [m/s], wz [rad/s], shape (B, 3).
    :param cruise: [m/s].
    :return: vx [m/s], wz [rad/s], shape (B, 2).
    """
    way, offset = way_and_offset(dock)
    speed, turn = _curve(dock, cruise, robot)
    speed = np.minimum(speed, np.maximum(APPROACH * way, CREEP))
    turn = turn * speed
    there = np.abs(way) <= STOP_AT
    past = way < -STOP_AT
    final = np.where(np.abs(dock[:, 2]) > 0.01, np.clip(2.0 * dock[:, 2], -0.4, 0.4), 0.0)
    speed = np.where(there, 0.0, np.where(past, np.maximum(APPROACH * way, -REVERSE), speed))
    turn = np.where(there | past, final, turn)
    out = (np.abs(offset) > lane(way, velocity[:, 0] < -0.03)) & (way < 1.0)
    speed = np.where(out, -min(REVERSE, robot.max_reverse_speed), speed)
    turn = np.where(out, np.clip(1.5 * (dock[:, 2] + 2.0 * offset), -0.5, 0.5), turn)
    most = robot.max_turn_rate
    return np.column_stack((speed, np.clip(turn, -most, most)))


def _curve(dock: FloatArray, cruise: float, robot: RobotSpec,
           ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Speed [m/s] and curvature [1/m] of the smooth way, each of shape (B,)."""
    yaw = np.asarray(dock[:, 2], float)
    x, y = dock[:, 0] + BEYOND * np.cos(yaw), dock[:, 1] + BEYOND * np.sin(yaw)
    r = np.maximum(np.hypot(x, y), 0.05)
    sight = np.arctan2(y, x)
    delta, theta = -sight, (yaw - sight + np.pi) % (2 * np.pi) - np.pi
    k1, k2 = STEER_TO_AXIS, STEER_TO_COURSE
    bend = -(k2 * (delta - np.arctan(-k1 * theta))
             + (1.0 + k1 / (1.0 + (k1 * theta) ** 2)) * np.sin(delta)) / r
    speed = cruise / (1.0 + BEND * np.abs(bend) ** BEND_POWER)
    return np.minimum(speed, robot.max_turn_rate / np.maximum(np.abs(bend), 1e-6)), bend
