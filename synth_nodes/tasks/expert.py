"""
The expert that policies learn from: it knows the whole map and where everyone walks.

Regulated pure pursuit (Macenski et al. 2023) towards the point to steer for, with a small choice
of arcs around it so that it passes people instead of only waiting for them (as the dynamic window
approach does, Fox, Burgard and Thrun 1997). Each arc is judged by where it leads: for 0.6 s along
it, then on to the point as pure pursuit would. So what stands beyond a bend does not stop it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.settings import setting
from synth_nodes.tasks.foresight import (
    actor_gap,
    Drive,
    foresee,
    NOBODY,
    Place,
    pursue,
    STEP,
    STEPS,
)
from synth_nodes.types import FloatArray, RobotSpec
from synth_nodes.world.atlas import AtlasArrays, MapAtlas
from synth_nodes.world.jit import inline, kernel

_SWERVES = np.array([0.0, 0.25, -0.25, 0.5, -0.5, 0.8, -0.8, 1.1, -1.1])
"""Turn rates tried around that of pure pursuit [rad/s]."""
_PACES = np.array([1.0, 0.55, 0.2])
"""Speeds tried, as shares of that of pure pursuit."""
_RELUCTANCE = np.array([0.0, 0.5, 0.5, 0.7, 0.8, 0.6])
"""Cost of each manoeuvre: turn, turn the other way, back straight, back left, right, forward."""


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
    room: float = setting(
        0.6, 'Gap it leaves to a person who blocks its way, so that they can walk off.',
        unit='m', low=0.0, high=3.0)


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
        self._drive = Drive(
            robot.max_speed, robot.max_turn_rate, 0.6 * robot.deceleration,
            (float(x.min()) + length / 4, float(x.max()) - length / 4),
            (float(y.min()) + width / 4, float(y.max()) - width / 4),
            float(np.hypot(length, width)) / 4,
            s.turn_gain, s.align, s.lateral_acceleration, s.stop_distance, s.wall_gap,
            s.actor_gap, s.least_gap, s.creep, s.openness, s.room,
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
    maps: AtlasArrays, drive: Drive, map_index: NDArray[np.int64], pose: NDArray[np.float64],
    velocity: NDArray[np.float64], actors: NDArray[np.float64], goal: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    for b in range(len(pose)):
        speed, turn = pursue(drive, goal[b])
        if goal[b, 2] < drive.stop:
            continue
        at = Place(map_index[b], pose[b, 0], pose[b, 1], pose[b, 2])
        fine, who, chosen, chosen_turn = False, NOBODY, 0.0, 0.0
        if speed >= 0.02:
            fine, who, chosen, chosen_turn = _choose(
                maps, drive, at, actors[b], goal[b], velocity[b, 0], speed, turn)
        if who >= 0:
            chosen, chosen_turn = _leave_room(
                maps, drive, at, actors[b], goal[b], who, chosen, chosen_turn)
        elif not fine:
            chosen, chosen_turn = _manoeuvre(
                maps, drive, at, actors[b], goal[b], speed, turn)
        out[b, 0], out[b, 1] = chosen, chosen_turn


@inline
def _choose(
    maps: AtlasArrays, drive: Drive, at: Place, actors: NDArray[np.float64],
    goal: NDArray[np.float64], moving: float, speed: float, turn: float,
) -> tuple[bool, int, float, float]:
    """Pick the best arc forward: whether there is any, who ends it, its speed and turn rate."""
    best_cost, best_gap, best_steps, best_speed, best_turn = np.inf, 0.0, 0, 0.0, turn
    best_who = NOBODY
    for k in range(len(_SWERVES) * len(_PACES)):
        pace, swerve = _PACES[k // len(_SWERVES)], _SWERVES[k % len(_SWERVES)]
        base = 0.35 * abs(swerve) + 0.6 * (1.0 - pace)
        if base >= best_cost:
            continue
        tried_speed = max(pace * speed, min(speed, drive.crawl))
        tried_turn = min(max(turn + swerve, -drive.max_turn), drive.max_turn)
        gap, steps, cost, who = foresee(maps, drive, at, actors, goal, tried_speed, tried_turn,
                                         speed, drive.least_gap)
        cost += base
        if cost < best_cost:
            best_cost, best_gap, best_steps = cost, gap, steps
            best_speed, best_turn, best_who = tried_speed, tried_turn, who
    if best_steps < 2:
        return False, best_who, 0.0, 0.0
    chosen = min(best_speed, drive.creep + drive.openness * max(best_gap, 0.0))
    if best_steps < STEPS:
        # Stop within what is drivable, after a tenth of a second at the speed it has now.
        room = best_speed * STEP * best_steps - 0.1 * max(moving - chosen, 0.0)
        chosen = min(chosen, np.sqrt(2.0 * drive.braking * max(room, 0.0)))
    return True, best_who, chosen, best_turn


@inline
def _leave_room(
    maps: AtlasArrays, drive: Drive, at: Place, actors: NDArray[np.float64],
    goal: NDArray[np.float64], who: int, speed: float, turn: float,
) -> tuple[float, float]:
    """
    Stand off a person who blocks the way; where too near already, back off.

    People who give way do not squeeze past: one who is cornered stays as long as the robot is
    near, and both would wait for each other.
    """
    gap = actor_gap(drive, actors[who:who + 1], at.x, at.y, at.yaw, 0.0) - drive.room
    if gap > 0.1:
        return min(speed, np.sqrt(2.0 * drive.braking * (gap - 0.1))), turn
    if gap > 0.0:
        return 0.0, 0.0
    best_cost, best_turn = np.inf, 0.0
    for k in range(3):
        tried_turn = 0.0 if k == 0 else 0.4 if k == 1 else -0.4
        _, steps, cost, _ = foresee(maps, drive, at, actors, goal, -drive.crawl, tried_turn,
                                     -drive.crawl, 0.0)
        cost += 0.1 * abs(tried_turn)
        if steps >= 3 and cost < best_cost:
            best_cost, best_turn = cost, tried_turn
    return (0.0, 0.0) if best_cost == np.inf else (-drive.crawl, best_turn)


@inline
def _manoeuvre(
    maps: AtlasArrays, drive: Drive, at: Place, actors: NDArray[np.float64],
    goal: NDArray[np.float64], speed: float, turn: float,
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
        _, steps, cost, _ = foresee(maps, drive, at, actors, goal, tried_speed, tried_turn,
                                     speed, 0.0)
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
