"""
The expert that policies learn from: it knows the whole map and where everyone walks.

Regulated pure pursuit (Macenski et al. 2023) towards the point to steer for, with a small choice
of arcs around it so that it passes people instead of only waiting for them (as the dynamic window
approach does, Fox, Burgard and Thrun 1997).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.settings import setting
from synth_nodes.types import FloatArray, RobotSpec
from synth_nodes.world.atlas import AtlasArrays, MapAtlas, to_cell
from synth_nodes.world.jit import inline, kernel

_SWERVES = np.array([0.0, 0.25, -0.25, 0.5, -0.5, 0.8, -0.8, 1.1, -1.1])
"""Turn rates tried around that of pure pursuit [rad/s]."""
_PACES = np.array([1.0, 0.55, 0.2])
"""Speeds tried, as shares of that of pure pursuit."""
_RELUCTANCE = np.array([0.0, 0.5, 0.5, 0.7, 0.8, 0.6])
"""Cost of each manoeuvre: turn, turn the other way, back straight, back left, right, forward."""
_SLACK = 0.008
"""How much nearer what is too near already may seem to come [m]: gaps jump at cell edges."""
_STEP, _STEPS = 0.1, 18
"""How finely [s] and how far the future of an arc is looked at."""


@dataclass(frozen=True)
class ExpertSettings:
    """How boldly the expert drives."""

    turn_gain: float = setting(
        1.6, 'Turn rate for each radian of bearing to the point to steer for.', unit='1/s',
        low=0.1, high=10.0)
    align: float = setting(
        1.1, 'Bearing from which it turns in place.', unit='rad', low=0.2, high=3.1)
    lateral_acceleration: float = setting(
        0.6, 'Largest sideways acceleration in curves.', unit='m/s^2', low=0.05, high=5.0)
    stop_distance: float = setting(
        0.12, 'Distance to the goal at which it stands.', unit='m', low=0.02, high=1.0)
    wall_gap: float = setting(
        0.12, 'Gap to walls it likes to keep.', unit='m', low=0.0, high=1.0)
    actor_gap: float = setting(
        0.35, 'Gap to people it likes to keep.', unit='m', low=0.0, high=2.0)
    least_gap: float = setting(
        0.05, 'Gap to either that ends the drivable part of an arc.',
        unit='m', low=0.0, high=1.0)
    creep: float = setting(
        0.22, 'Speed it allows itself beside what it all but touches.', unit='m/s',
        low=0.02, high=2.0)
    openness: float = setting(
        1.4, 'Speed it adds for each metre of gap.', unit='1/s', low=0.1, high=10.0)


class _Drive(NamedTuple):
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
    crawl: float


class _Place(NamedTuple):
    """Where a robot is: index of its map; x, y [m], yaw [rad] in it."""

    map: int
    x: float
    y: float
    yaw: float


class Expert:
    """Drives B robots along their paths; the same for the same situation."""

    def __init__(
        self, atlas: MapAtlas, robot: RobotSpec, settings: ExpertSettings | None = None,
    ) -> None:
        self._maps = atlas.arrays
        s = settings or ExpertSettings()
        x, y = robot.polygon.T
        # Four discs cover the footprint's bounding box, one over each of its quarters.
        length, width = float(np.ptp(x)), float(np.ptp(y))
        self._drive = _Drive(
            robot.max_speed, robot.max_turn_rate, 0.6 * robot.deceleration,
            (float(x.min()) + length / 4, float(x.max()) - length / 4),
            (float(y.min()) + width / 4, float(y.max()) - width / 4),
            float(np.hypot(length, width)) / 4,
            s.turn_gain, s.align, s.lateral_acceleration, s.stop_distance, s.wall_gap,
            s.actor_gap, s.least_gap, s.creep, s.openness,
            min(0.15, robot.max_reverse_speed or 0.15))

    def act(
        self, map_index: NDArray[np.int64], pose: FloatArray, velocity: FloatArray,
        actors: FloatArray, goal: FloatArray,
    ) -> NDArray[np.float64]:
        """
        Decide.

        :param map_index: map of each robot in the atlas, shape (B,).
        :param pose: x, y [m], yaw [rad] in `map`, shape (B, 3).
        :param velocity: vx, vy [m/s], wz [rad/s] in base_link, shape (B, 3).
        :param actors: x, y [m], vx, vy [m/s] in `map`, radius [m], shape (B, A, 5).
        :param goal: as PathFollower.goal gives it, shape (B, 3).
        :return: vx [m/s], wz [rad/s], shape (B, 2).
        """
        out = np.zeros((len(pose), 2))
        _act(self._maps, self._drive, np.asarray(map_index, np.int64), np.asarray(pose, float),
             np.asarray(velocity, float), np.asarray(actors, float), np.asarray(goal, float), out)
        return out


@kernel
def _act(
    maps: AtlasArrays, drive: _Drive, map_index: NDArray[np.int64], pose: NDArray[np.float64],
    velocity: NDArray[np.float64], actors: NDArray[np.float64], goal: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    for b in range(len(pose)):
        speed, turn = _pursue(drive, goal[b])
        if goal[b, 2] < drive.stop:
            continue
        at = _Place(map_index[b], pose[b, 0], pose[b, 1], pose[b, 2])
        fine, chosen, chosen_turn = False, 0.0, 0.0
        if speed >= 0.02:
            fine, chosen, chosen_turn = _choose(
                maps, drive, at, actors[b], velocity[b, 0], speed, turn)
        if not fine:
            chosen, chosen_turn = _manoeuvre(maps, drive, at, actors[b], speed, turn)
        out[b, 0], out[b, 1] = chosen, chosen_turn


@inline
def _choose(
    maps: AtlasArrays, drive: _Drive, at: _Place, actors: NDArray[np.float64],
    moving: float, speed: float, turn: float,
) -> tuple[bool, float, float]:
    """Pick the best arc forward; the first value says whether there is any."""
    best_cost, best_gap, best_steps, best_speed, best_turn = np.inf, 0.0, 0, 0.0, turn
    for k in range(len(_SWERVES) * len(_PACES)):
        pace, swerve = _PACES[k // len(_SWERVES)], _SWERVES[k % len(_SWERVES)]
        base = 0.35 * abs(swerve) + 0.6 * (1.0 - pace)
        if base >= best_cost:
            continue
        tried_speed = max(pace * speed, min(speed, drive.crawl))
        tried_turn = min(max(turn + swerve, -drive.max_turn), drive.max_turn)
        gap, steps, cost = _foresee(maps, drive, at, actors, tried_speed, tried_turn,
                                    drive.least_gap)
        cost += base
        if cost < best_cost:
            best_cost, best_gap, best_steps = cost, gap, steps
            best_speed, best_turn = tried_speed, tried_turn
    if best_steps < 2:
        return False, 0.0, 0.0
    chosen = min(best_speed, drive.creep + drive.openness * max(best_gap, 0.0))
    if best_steps < _STEPS:
        # Stop within what is drivable, after a tenth of a second at the speed it has now.
        room = best_speed * _STEP * best_steps - 0.1 * max(moving - chosen, 0.0)
        chosen = min(chosen, np.sqrt(2.0 * drive.braking * max(room, 0.0)))
    return True, chosen, best_turn


@inline
def _manoeuvre(
    maps: AtlasArrays, drive: _Drive, at: _Place, actors: NDArray[np.float64],
    speed: float, turn: float,
) -> tuple[float, float]:
    """Turn on the spot, or where that or the way ahead is blocked, back off."""
    side = 1.0 if turn >= 0.0 else -1.0
    wanted = turn if speed < 0.02 else side * max(abs(turn), 0.6)
    best_cost, best_speed, best_turn = np.inf, 0.0, 0.0
    for k in range(6):
        tried_speed = 0.0 if k < 2 else -drive.crawl
        tried_turn = wanted if k == 0 else -side * 0.6 if k == 1 else 0.0
        if k >= 3:
            tried_turn = side * 0.5 if k == 3 else -side * 0.5 if k == 4 else 0.0
        if k == 5:
            tried_speed = drive.crawl
        _, steps, cost = _foresee(maps, drive, at, actors, tried_speed, tried_turn, 0.0)
        cost += _RELUCTANCE[k]
        if steps < 3:
            cost += 5.0
        if speed >= 0.02 and k < 2:
            cost += 0.5  # turning alone seldom clears what blocks the way ahead
        if cost < best_cost:
            best_cost, best_speed, best_turn = cost, tried_speed, tried_turn
    if best_cost >= 5.0:
        return 0.0, 0.0
    return best_speed, best_turn


@inline
def _pursue(drive: _Drive, goal: NDArray[np.float64]) -> tuple[float, float]:
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
def _foresee(
    maps: AtlasArrays, drive: _Drive, at: _Place, actors: NDArray[np.float64],
    speed: float, turn: float, least: float,
) -> tuple[float, int, float]:
    """
    Look along an arc.

    :param least: gap that ends the drivable part [m].

    :return: smallest gap in its first half second [m]; steps drivable before a gap is less than
        that; cost of all that comes too near, sooner counting more.
    """
    x, y, yaw = at.x, at.y, at.yaw
    nearest, cost = np.inf, 0.0
    # What is too near already may be left behind, but not come nearer.
    least_wall = min(_wall_gap(maps, drive, at.map, x, y, yaw), least) - _SLACK
    least_actor = min(_actor_gap(drive, actors, x, y, yaw, 0.0), least) - _SLACK
    for k in range(1, _STEPS + 1):
        half = yaw + 0.5 * turn * _STEP
        x += speed * _STEP * np.cos(half)
        y += speed * _STEP * np.sin(half)
        yaw += turn * _STEP
        wall = _wall_gap(maps, drive, at.map, x, y, yaw)
        actor = _actor_gap(drive, actors, x, y, yaw, k * _STEP)
        if k <= 5:
            nearest = min(nearest, wall, actor)
        sooner = 1.0 - 0.7 * k / _STEPS
        cost += sooner * max(drive.wall_gap - wall, 0.0) / max(drive.wall_gap, 0.01) * 0.15
        cost += sooner * max(drive.actor_gap - actor, 0.0) / max(drive.actor_gap, 0.01) * 0.2
        if wall < least_wall or actor < least_actor:
            return nearest, k - 1, cost + 1.5 * sooner
    return nearest, _STEPS, cost


@inline
def _wall_gap(
    maps: AtlasArrays, drive: _Drive, m: int, x: float, y: float, yaw: float,
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
def _actor_gap(
    drive: _Drive, actors: NDArray[np.float64], x: float, y: float, yaw: float, ahead: float,
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
