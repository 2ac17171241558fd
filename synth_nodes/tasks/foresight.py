"""Where a robot would come to along an arc, and how near to walls and people. For the expert."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.world.atlas import AtlasArrays, to_cell
from synth_nodes.world.jit import inline

STEP, STEPS = 0.1, 18
"""How finely [s] and how far the future of an arc is looked at."""
NOBODY = -1
"""Stands for no person."""
_HELD = 6
"""Steps along the arc; then pure pursuit."""
_SLACK = 0.008
"""How much nearer what is too near already may seem to come [m]: gaps jump at cell edges."""
_REACHED = 0.14
"""Distance from the point to steer for at which a future ends [m]."""


class Drive(NamedTuple):
    """The expert's settings and the robot's, as the kernel reads them."""

    max_speed: float
    max_turn: float
    braking: float
    disc_x: tuple[float, float]
    disc_y: tuple[float, float]
    disc_radius: float
    turn_gain: float
    align: float
    lateral: float
    stop: float
    wall_gap: float
    actor_gap: float
    least_gap: float
    creep: float
    openness: float
    room: float
    crawl: float


class Place(NamedTuple):
    """Where a robot is: index of its map; x, y [m], yaw [rad] in it."""

    map: int
    x: float
    y: float
    yaw: float


@inline
def pursue(drive: Drive, goal: NDArray[np.float64]) -> tuple[float, float]:
    """Speed and turn rate towards the point to steer for, as if nothing were in the way."""
    if goal[2] < drive.stop:
        return 0.0, 0.0
    distance = max(np.hypot(goal[0], goal[1]), 0.05)
    bearing = np.arctan2(goal[1], goal[0])
    ahead = min(max((drive.align - abs(bearing)) / (0.6 * drive.align), 0.0), 1.0)
    bend = max(2.0 * abs(np.sin(bearing)) / distance, 1e-6)
    speed = min(drive.max_speed * ahead, np.sqrt(drive.lateral / bend))
    speed = min(speed, 0.85 * drive.max_turn / bend)
    speed = min(speed, 0.06 + 0.8 * max(goal[2] - drive.stop, 0.0))
    turn = speed * 2.0 * np.sin(bearing) / distance
    turn += (1.0 - 0.7 * ahead) * drive.turn_gain * bearing
    limit = 0.9 * drive.max_turn
    return speed, min(max(turn, -limit), limit)


@inline
def foresee(
    maps: AtlasArrays, drive: Drive, at: Place, actors: NDArray[np.float64],
    goal: NDArray[np.float64], speed: float, turn: float, then: float, least: float,
) -> tuple[float, int, float, int]:
    """
    Look along an arc, and from its end on to the point to steer for.

    :param goal: x, y of that point in base_link [m], shape (3,) with the distance left.
    :param speed, turn: of the arc [m/s, rad/s].
    :param then: speed of pure pursuit after it [m/s]; negative to keep to the arc.
    :param least: gap that ends the drivable part [m].
    :return: smallest gap in its first half second [m]; steps drivable before a gap is less than
        that; cost of all that comes too near, sooner counting more; who ends it, or NOBODY.
    """
    x, y, yaw = at.x, at.y, at.yaw
    c, s = np.cos(yaw), np.sin(yaw)
    to_x, to_y = x + c * goal[0] - s * goal[1], y + s * goal[0] + c * goal[1]
    nearest, cost = np.inf, 0.0
    # What is too near already may be left behind, but not come nearer.
    least_wall = min(_wall_gap(maps, drive, at.map, x, y, yaw), least) - _SLACK
    least_actor = min(actor_gap(drive, actors, x, y, yaw, 0.0), least) - _SLACK
    for k in range(1, STEPS + 1):
        if k > _HELD and then >= 0.0:
            if np.hypot(to_x - x, to_y - y) < _REACHED:
                break
            speed, turn = _steer(drive, to_x - x, to_y - y, yaw, max(then, drive.crawl))
        half = yaw + 0.5 * turn * STEP
        x += speed * STEP * np.cos(half)
        y += speed * STEP * np.sin(half)
        yaw += turn * STEP
        wall = _wall_gap(maps, drive, at.map, x, y, yaw)
        actor = actor_gap(drive, actors, x, y, yaw, k * STEP)
        if k <= 5:
            nearest = min(nearest, wall, actor)
        sooner = 1.0 - 0.7 * k / STEPS
        cost += sooner * max(drive.wall_gap - wall, 0.0) / max(drive.wall_gap, 0.01) * 0.15
        cost += sooner * max(drive.actor_gap - actor, 0.0) / max(drive.actor_gap, 0.01) * 0.2
        if wall < least_wall or actor < least_actor:
            who = NOBODY if wall < least_wall else _nearest_actor(actors, x, y, k * STEP)
            return nearest, k - 1, cost + 1.5 * sooner, who
    return nearest, STEPS, cost, NOBODY


@inline
def _steer(drive: Drive, dx: float, dy: float, yaw: float, fast: float) -> tuple[float, float]:
    """Speed and turn rate of pure pursuit of what lies dx, dy [m] away, at `fast` or less."""
    bearing = np.arctan2(dy, dx) - yaw
    bearing -= 2.0 * np.pi * np.round(bearing / (2.0 * np.pi))
    ahead = min(max((drive.align - abs(bearing)) / (0.6 * drive.align), 0.0), 1.0)
    turn = fast * ahead * 2.0 * np.sin(bearing) / max(np.hypot(dx, dy), 0.05)
    turn += (1.0 - 0.7 * ahead) * drive.turn_gain * bearing
    return fast * ahead, min(max(turn, -drive.max_turn), drive.max_turn)


@inline
def _nearest_actor(actors: NDArray[np.float64], x: float, y: float, ahead: float) -> int:
    """Tell who will be nearest to a place."""
    who, least = NOBODY, np.inf
    for a in range(len(actors)):
        dx = actors[a, 0] + ahead * actors[a, 2] - x
        dy = actors[a, 1] + ahead * actors[a, 3] - y
        far = np.sqrt(dx * dx + dy * dy) - actors[a, 4]
        if far < least:
            who, least = a, far
    return who


@inline
def _wall_gap(
    maps: AtlasArrays, drive: Drive, m: int, x: float, y: float, yaw: float,
) -> float:
    """Gap between the covering discs and what is solid [m]; negative where they overlap it."""
    least = np.inf
    height, width, side = maps.shape[m, 1], maps.shape[m, 2], maps.frame[m, 4]
    c, s = np.cos(yaw), np.sin(yaw)
    for u in drive.disc_x:
        for v in drive.disc_y:
            column, row = to_cell(maps, m, x + u * c - v * s, y + u * s + v * c)
            if not (0.0 <= column < width and 0.0 <= row < height):
                return -drive.disc_radius
            nearest = maps.nearest[maps.shape[m, 0] + int(row) * width + int(column)]
            i, j = nearest // width, nearest % width
            dx = max(j - column, column - j - 1.0, 0.0)
            dy = max(i - row, row - i - 1.0, 0.0)
            least = min(least, dx * dx + dy * dy)
    return float(np.sqrt(least) * side - drive.disc_radius)


@inline
def actor_gap(
    drive: Drive, actors: NDArray[np.float64], x: float, y: float, yaw: float, ahead: float,
) -> float:
    """Gap between the covering discs and people, who keep their velocity for `ahead` [m]."""
    gap = np.inf
    c, s = np.cos(yaw), np.sin(yaw)
    for a in range(len(actors)):
        dx = actors[a, 0] + ahead * actors[a, 2] - x
        dy = actors[a, 1] + ahead * actors[a, 3] - y
        forward, left = c * dx + s * dy, c * dy - s * dx
        u = min(max(forward, drive.disc_x[0]), drive.disc_x[1])
        v = min(max(left, drive.disc_y[0]), drive.disc_y[1])
        far = np.sqrt((forward - u) ** 2 + (left - v) ** 2)
        gap = min(gap, far - drive.disc_radius - actors[a, 4])
    return gap
