"""
Labels that cost nothing where the map is known: what would happen with a command.

In simulation the map and the people are known; for a recorded log the map is the one built from
the whole log. So a scan that a real sensor took gets a true label.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.types import FloatArray, RobotSpec
from synth_nodes.world.atlas import AtlasArrays, inside, MapAtlas, to_cell
from synth_nodes.world.collision import (
    Body,
    CLEARANCE_MAX,
    CONTACT,
    disc_gap,
    place,
    polygon_cell,
    wall_gap,
)
from synth_nodes.world.drive import arc
from synth_nodes.world.jit import inline, kernel
from synth_nodes.world.solids import solids_gap

LATE = 1.5e-3
"""A sweep steps so much farther [s] than is sure to be free, so that it ends: see `_step`."""
NEAR = 0.05
"""Gaps [m] of the circle around the footprint below which its turning counts."""


def time_to_contact(
    atlas: MapAtlas,
    robot: RobotSpec,
    map_index: NDArray[np.integer],
    pose: FloatArray,
    command: FloatArray,
    horizon: float,
    actors: FloatArray | None = None,
) -> NDArray[np.float32]:
    """
    Find when a robot that follows a command at once and for good touches something.

    The whole footprint is swept along the exact arc by conservative advancement (Mirtich 1996);
    people keep their velocity.

    :param map_index: map of each robot in the atlas, shape (B,).
    :param pose: x, y [m], yaw [rad] of base_link in `map`, shape (B, 3).
    :param command: vx, vy [m/s], wz [rad/s], shape (B, K, 3): K commands for each robot.
    :param horizon: [s]; contacts later than this are not looked for.
    :param actors: x, y [m], vx, vy [m/s] in `map`, radius [m], shape (B, A, 5), or None.
    :return: [s], shape (B, K); inf where nothing is touched within the horizon, 0 in contact.
    :raises InputError: when shapes do not fit or values are not finite.
    """
    poses = np.ascontiguousarray(pose, np.float64)
    commands = np.ascontiguousarray(command, np.float64)
    batch = len(poses)
    discs = (np.zeros((batch, 0, 5)) if actors is None
             else np.ascontiguousarray(actors, np.float64))
    if poses.shape != (batch, 3) or commands.ndim != 3 or commands.shape[::2] != (batch, 3):
        raise InputError(f'pose has shape {poses.shape} and command {commands.shape}; they must '
                         f'be ({batch}, 3) and ({batch}, K, 3)')
    if discs.ndim != 3 or discs.shape[::2] != (batch, 5):
        raise InputError(f'actors has shape {discs.shape}; it must be ({batch}, A, 5)')
    if not (np.isfinite(poses).all() and np.isfinite(commands).all() and horizon > 0):
        raise InputError(f'pose or command is not finite, or horizon = {horizon} s is not > 0')
    out = np.empty(commands.shape[:2], np.float32)
    _sweep_all(atlas.arrays, _body(robot), atlas.indices(map_index, batch), poses, commands,
               horizon, discs, out)
    return out


def clearance(atlas: MapAtlas, robot: RobotSpec, map_index: NDArray[np.integer],
              pose: FloatArray) -> NDArray[np.float32]:
    """Gap [m] between footprint and walls at each pose, shape (B,), at most 2 m."""
    poses = np.ascontiguousarray(pose, np.float64)
    out = np.empty(len(poses), np.float32)
    _gaps(atlas.arrays, _body(robot), atlas.indices(map_index, len(poses)), poses, out)
    return out


@lru_cache(maxsize=16)
def _body(robot: RobotSpec) -> Body:
    return Body.of(robot)


@kernel
def _sweep_all(maps: AtlasArrays, body: Body, map_index: NDArray[np.int64],
               poses: NDArray[np.float64], commands: NDArray[np.float64], horizon: float,
               discs: NDArray[np.float64], out: NDArray[np.float32]) -> None:
    corners = np.empty((2, body.x.size))
    until = np.empty(1 + discs.shape[1])
    for b in range(poses.shape[0]):
        for k in range(commands.shape[1]):
            out[b, k] = _sweep(maps, body, map_index[b], poses[b], commands[b, k], horizon,
                               discs[b], corners, until)


@kernel
def _gaps(maps: AtlasArrays, body: Body, map_index: NDArray[np.int64],
          poses: NDArray[np.float64], out: NDArray[np.float32]) -> None:
    corners = np.empty((2, body.x.size))
    for b in range(poses.shape[0]):
        m, x, y, yaw = map_index[b], poses[b, 0], poses[b, 1], poses[b, 2]
        place(maps, m, body, x, y, yaw, corners)
        gap = wall_gap(maps, m, corners, CLEARANCE_MAX)
        out[b] = solids_gap(maps.solids, m, body.x, body.y, body.radius, x, y, yaw, gap)


@inline
def _sweep(maps: AtlasArrays, body: Body, m: int, pose: NDArray[np.float64],
           twist: NDArray[np.float64], horizon: float, discs: NDArray[np.float64],
           corners: NDArray[np.float64], until: NDArray[np.float64]) -> float:
    """
    Follow one command; what is far away is measured again only when it may have come near.

    :param until: scratch, shape (1 + A,): time [s] until which walls, and each disc, are not met.
    """
    speed = np.sqrt(twist[0] * twist[0] + twist[1] * twist[1])
    fastest = _fastest(body, twist)
    until[:] = 0.0
    t = 0.0
    while t <= horizon:
        x, y, yaw = arc(pose[0], pose[1], pose[2], twist[0], twist[2], t, twist[1])
        following = np.inf
        for k in range(until.size):
            if until[k] <= t:
                span = (_free_of_walls(maps, body, m, x, y, yaw, speed, fastest, corners)
                        if k == 0 else
                        _free_of_disc(body, x, y, yaw, discs[k - 1], t, speed, fastest))
                if span <= 0.0:
                    return t
                until[k] = t + span
            following = min(following, until[k])
        t = following
    return np.inf


@inline
def _fastest(body: Body, twist: NDArray[np.float64]) -> float:
    """Speed [m/s] of the fastest corner; no point of the footprint is faster."""
    most = 0.0
    for k in range(body.x.size):
        vx, vy = twist[0] - twist[2] * body.y[k], twist[1] + twist[2] * body.x[k]
        most = max(most, vx * vx + vy * vy)
    return float(np.sqrt(most))


@inline
def _step(gap: float, closing: float) -> float:
    """
    Bound from below how long [s] a gap that closes so fast lasts, and add a little; 0 in contact.

    What is added is `LATE` at most, and less than it takes to close all of `CONTACT`: so contacts
    are found that much later at most, and no two things ever overlap before they are.
    """
    if gap <= CONTACT:
        return 0.0
    if closing <= 0.0:
        return np.inf
    return float((gap - CONTACT) / closing + min(LATE, CONTACT / closing))


@inline
def _free_of_walls(maps: AtlasArrays, body: Body, m: int, x: float, y: float, yaw: float,
                   speed: float, fastest: float, corners: NDArray[np.float64]) -> float:
    """
    Bound from below how long [s] no wall or solid is met; 0 in contact.

    :param speed: of base_link [m/s]; fastest: of the fastest corner [m/s].
        The circle around the footprint does not turn, so far from walls the speed alone counts.
    """
    far, centre = _far(maps, body, m, x, y)
    if far > NEAR:
        room = min(far, CLEARANCE_MAX)
        span = far / speed if speed > 0.0 else np.inf
    else:
        place(maps, m, body, x, y, yaw, corners)
        room = wall_gap(maps, m, corners, min(centre, _likely(maps, m, x, y, corners)))
        span = _step(room, fastest)
    first = maps.solids.first
    if first[m, 0] < first[m + 1, 0] or first[m, 1] < first[m + 1, 1]:
        gap = solids_gap(maps.solids, m, body.x, body.y, body.radius, x, y, yaw, room)
        span = min(span, _step(gap, fastest))
    return float(span)


@inline
def _far(maps: AtlasArrays, body: Body, m: int, x: float, y: float) -> tuple[float, float]:
    """Bound from below the circle's gap [m] to walls, and from above that of base_link."""
    column, row = to_cell(maps, m, x, y)
    if not inside(maps, m, column, row):
        return 0.0, CLEARANCE_MAX
    cell = maps.shape[m, 0] + np.int64(row) * maps.shape[m, 2] + np.int64(column)
    side, cells = maps.frame[m, 4], maps.distance[cell]
    return float((cells - 0.7072) * side - body.radius), float((cells + 0.7072) * side)


@inline
def _likely(maps: AtlasArrays, m: int, x: float, y: float,
            corners: NDArray[np.float64]) -> float:
    """Gap [m] to the solid cell that is nearest to base_link: often the least, never less."""
    column, row = to_cell(maps, m, x, y)
    if not inside(maps, m, column, row):
        return CLEARANCE_MAX
    start, width = maps.shape[m, 0], maps.shape[m, 2]
    which = maps.nearest[start + np.int64(row) * width + np.int64(column)]
    return float(polygon_cell(corners, which % width, which // width) * maps.frame[m, 4])


@inline
def _free_of_disc(body: Body, x: float, y: float, yaw: float, disc: NDArray[np.float64],
                  ahead: float, speed: float, fastest: float) -> float:
    """Bound from below how long [s] a disc, moved on by `ahead` [s], is not met; 0 in contact."""
    px, py = disc[0] + ahead * disc[2], disc[1] + ahead * disc[3]
    walking = np.sqrt(disc[2] * disc[2] + disc[3] * disc[3])
    dx, dy = px - x, py - y
    gap = np.sqrt(dx * dx + dy * dy) - body.radius - disc[4]
    if gap > NEAR:
        return float(gap / (speed + walking) if speed + walking > 0.0 else np.inf)
    return _step(disc_gap(body, x, y, yaw, px, py, disc[4]), fastest + walking)


@dataclass(frozen=True)
class StraightRun:
    """Whether a drive from A to B held the line between them."""

    held: bool
    """Whether it came to B and never strayed."""
    deviation: float
    """Largest distance from the line [m]."""
    missed: float
    """Distance of its last position from B [m]."""


def straightness(positions: FloatArray, start: FloatArray, end: FloatArray,
                 tolerance: float = 0.1) -> StraightRun:
    """
    Say whether a drive held the straight line from A to B.

    :param positions: where the robot was, in order [m], shape (N, 2).
    :param start: A [m], shape (2,).
    :param end: B [m], shape (2,).
    :param tolerance: distance from the line, and of the end from B, that is still good [m].
    :raises InputError: when A and B coincide or there are no positions.
    """
    way = np.asarray(positions, float)
    a, b = np.asarray(start, float), np.asarray(end, float)
    length = float(np.hypot(*(b - a)))
    if not len(way) or length < 1e-6:
        raise InputError(f'a line needs positions and two ends apart; got {len(way)} positions '
                         f'from {a.tolist()} to {b.tolist()}')
    along = np.clip((way - a) @ (b - a) / length ** 2, 0.0, 1.0)
    off = way - (a + along[:, None] * (b - a))
    deviation = float(np.hypot(*off.T).max())
    missed = float(np.hypot(*(way[-1] - b)))
    return StraightRun(deviation <= tolerance and missed <= tolerance, deviation, missed)


def fan(robot: RobotSpec, speeds: Sequence[float] = (0.4, 1.0),
        turns: Sequence[float] = (-1.0, -0.4, 0.0, 0.4, 1.0)) -> NDArray[np.float64]:
    """
    Commands that cover what a robot may do: each speed with each turn rate.

    :param speeds: shares of the fastest speed.
    :param turns: shares of the fastest turn rate.
    :return: vx, vy [m/s], wz [rad/s], shape (speeds x turns, 3).
    """
    v, w = np.meshgrid(np.asarray(speeds) * robot.max_speed,
                       np.asarray(turns) * robot.max_turn_rate, indexing='ij')
    return np.stack((v.ravel(), np.zeros(v.size), w.ravel()), axis=1)


def draw_commands(robot: RobotSpec, rng: np.random.Generator,
                  shape: tuple[int, ...]) -> NDArray[np.float32]:
    """
    Draw commands evenly from all that a robot may be told; one in six turns on the spot.

    :param shape: of the batch, (...).
    :return: vx, vy [m/s], wz [rad/s], shape (..., 3); vy is 0 unless the drive can do it.
    """
    out = np.zeros((*shape, 3), np.float32)
    out[..., 0] = rng.uniform(-robot.max_reverse_speed, robot.max_speed, shape)
    out[..., 2] = rng.uniform(-robot.max_turn_rate, robot.max_turn_rate, shape)
    if robot.drive == 'omnidirectional':
        out[..., 1] = rng.uniform(-robot.max_lateral_speed, robot.max_lateral_speed, shape)
    if robot.drive != 'ackermann':
        out[rng.random(shape) < 1 / 6, :2] = 0.0
    return out


def base_from_laser(laser_pose: FloatArray, mount: Sequence[float]) -> NDArray[np.float64]:
    """
    Poses of base_link from those of the laser.

    :param laser_pose: x, y [m], yaw [rad] in `map`, shape (N, 3).
    :param mount: pose of the laser in base_link.
    """
    pose = np.array(laser_pose, np.float64)
    pose[:, 2] -= mount[2]
    c, s = np.cos(pose[:, 2]), np.sin(pose[:, 2])
    pose[:, 0] -= c * mount[0] - s * mount[1]
    pose[:, 1] -= s * mount[0] + c * mount[1]
    return pose
