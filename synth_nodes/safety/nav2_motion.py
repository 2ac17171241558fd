"""
Time to collision as Nav2's 'approach' finds it: in steps, each a chord.

Facts from nav2_collision_monitor (kinematics.cpp and Polygon::getCollisionTime), the same on
main (commit a3a97043) and jazzy (commit f4108e5b).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]


def collision_time(inside: Callable[[Array], Flags], points: Array, velocity: Array,
                   min_points: int, horizon: float, step: float) -> tuple[float, Flags]:
    """
    Time after which a shape that moves with a command holds enough points.

    First the robot where it is: enough points inside give 0. Then in each step it moves straight
    in its present direction, and turns afterwards; the time returned is that before the step, so
    that a hit in the first step gives 0 as well. Times add up to the horizon, which takes part.
    What a chord leaps over is missed.

    :param inside: says which points, shape (N, 2) in the robot's frame, lie in the shape.
    :param points: base_link [m], shape (N, 2).
    :param velocity: vx, vy [m/s], w [rad/s], shape (3,).
    :param horizon: [s].
    :param step: [s], positive.
    :return: [s], -1 where nothing is hit; and the points that make it so, shape (N,).
    """
    hit = inside(points)
    if hit.sum() >= min_points:
        return 0.0, hit
    vx, vy, w = (float(c) for c in velocity)
    cos_step, sin_step = np.cos(w * step), np.sin(w * step)
    x = y = yaw = time = 0.0
    while time <= horizon:
        x, y, yaw = x + vx * step, y + vy * step, yaw + w * step
        vx, vy = vx * cos_step - vy * sin_step, vx * sin_step + vy * cos_step
        hit = inside(_seen_from(points, x, y, yaw))
        if hit.sum() >= min_points:
            return time, hit
        time += step
    return -1.0, np.zeros(len(points), bool)


def _seen_from(points: Array, x: float, y: float, yaw: float) -> Array:
    c, s = np.cos(yaw), np.sin(yaw)
    dx, dy = points[:, 0] - x, points[:, 1] - y
    return np.stack((dx * c + dy * s, -dx * s + dy * c), axis=1)
