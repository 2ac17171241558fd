"""The monitors that are compared: ours, Nav2's semantics, none."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from synth_nodes.campaign.batch import Answer, Judge, View
from synth_nodes.campaign.swift import SWIFT
from synth_nodes.safety.core import GEOMETRIC, judge_batch, RULES
from synth_nodes.safety.ladder import Loops, NUMPY
from synth_nodes.safety.nav2_zones import inside_polygon

Array = NDArray[np.float64]
_GEOMETRIC = np.array([rule in GEOMETRIC for rule in RULES])


def strict(view: View, loops: Loops = SWIFT) -> Answer:
    """
    Ask the core of the safety monitor, the very function that the node calls.

    :param loops: compiled ones, or the core's own; a campaign compares them bit for bit.
    """
    rules, robot = view.setup.rules, view.setup.robot
    verdict = judge_batch(rules, robot, view.velocity, view.points, view.age, view.command,
                          view.grown, pending=view.pending, loops=loops)
    return Answer(verdict.command, _GEOMETRIC[verdict.rule], verdict.rule.astype(np.intp))


def strict_numpy(view: View) -> Answer:
    """Ask the core with numpy alone, as a robot does."""
    return strict(view, NUMPY)


def none(view: View) -> Answer:
    """Let everything through."""
    count = len(view.age)
    return Answer(view.command, np.zeros(count, bool), np.zeros(count, np.intp))


def nav2_approach(time: float, step: float = 0.1, min_points: int = 1) -> Judge:
    """
    Judge as a footprint zone with action 'approach' of Nav2's Collision Monitor does.

    :param time: time_before_collision [s]; step: simulation_time_step [s].
    """
    def judge(view: View) -> Answer:
        corners = view.setup.robot.polygon
        hit_time = _collision_times(view.carried, view.command, corners, time, step, min_points)
        scale = np.where(hit_time >= 0.0, hit_time / time, 1.0)
        acts = (scale < 1.0) & view.command.any(axis=1)
        return Answer(view.command * scale[:, None], acts, acts.astype(np.intp))
    return judge


def nav2_stop(reach: float, min_points: int = 1) -> Judge:
    """Judge as a polygon with action 'stop' does: the footprint, grown by `reach` [m]."""
    def judge(view: View) -> Answer:
        polygon = view.setup.robot.polygon
        low, high = polygon.min(axis=0) - reach, polygon.max(axis=0) + reach
        box = np.array([high, (low[0], high[1]), low, (high[0], low[1])])
        acts = _held(view.carried, box) >= min_points
        return Answer(view.command * ~acts[:, None], acts, acts.astype(np.intp))
    return judge


PEERS: Mapping[str, Judge] = {
    'nav2_approach_1.2': nav2_approach(1.2),
    'nav2_approach_2.0': nav2_approach(2.0),
    'nav2_stop_0.3': nav2_stop(0.3),
}
"""Nav2's semantics: 'approach' as its bringup has it, as its code has it, and a stop zone."""


def _held(points: Array, corners: Array) -> NDArray[np.int64]:
    """Points, shape (B, N, 2), inside a polygon by Nav2's rule: how many, shape (B,)."""
    inside = inside_polygon(points.reshape(-1, 2), corners)
    return np.asarray(inside.reshape(points.shape[:2]).sum(axis=1))


def _collision_times(points: Array, velocity: Array, corners: Array, horizon: float, step: float,
                     min_points: int) -> Array:
    """Do as :func:`synth_nodes.safety.nav2_motion.collision_time` for B robots, shape (B,)."""
    vx, vy, w = (velocity[:, k].copy() for k in range(3))
    cos_step, sin_step = np.cos(w * step), np.sin(w * step)
    x, y, yaw = np.zeros((3, len(w)))
    found = np.where(_held(points, corners) >= min_points, 0.0, -1.0)
    time = 0.0
    while time <= horizon:
        x, y, yaw = x + vx * step, y + vy * step, yaw + w * step
        vx, vy = vx * cos_step - vy * sin_step, vx * sin_step + vy * cos_step
        c, s = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
        dx, dy = points[..., 0] - x[:, None], points[..., 1] - y[:, None]
        seen = np.stack((dx * c + dy * s, -dx * s + dy * c), axis=-1)
        hit = (_held(seen, corners) >= min_points) & (found < 0.0)
        found[hit] = time
        time += step
    return found
