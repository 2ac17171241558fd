"""People who walk from place to place and carts on tracks: they give way to a robot or don't."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.world.atlas import AtlasArrays, to_cell, to_point
from synth_nodes.world.chance import uniform
from synth_nodes.world.collision import Body, disc_gap, disc_gap_within
from synth_nodes.world.jit import inline, shared
from synth_nodes.world.people import ActorSettings as ActorSettings
from synth_nodes.world.people import CartSettings as CartSettings
from synth_nodes.world.rails import advance, point_at, Rails
from synth_nodes.world.ways import ahead, ARRIVED, coarse_cell, NOWHERE, passable, Ways

LOOK_AHEAD = 5
"""Coarse cells that a person cuts corners by."""
HORIZON = 0.5
"""How far people foresee others [s]."""
NEAR = 1.5
"""How far beyond their own space people look out for a robot [m]."""
TURNS = (0.0, 0.6, -0.6, 1.2, -1.2, 1.9, -1.9)
"""Detours tried in turn, as angles off the way."""
STEP = 0.05
"""Spacing of the checks along a stride [m]."""


class Manner(NamedTuple):
    """How people behave, as the kernels read it; see `ActorSettings`."""

    radius: float
    speed: float
    give_way: bool
    space: float
    patience: float
    pause: float

    @classmethod
    def of(cls, settings: ActorSettings) -> 'Manner':
        """Take the behaviour from the settings."""
        return cls(settings.radius, settings.speed, settings.give_way, settings.personal_space,
                   settings.patience, settings.pause)


@inline
def manner_of(row: NDArray[np.float64]) -> Manner:
    """Read the manner of one world from its row of a table, shape (6,)."""
    return Manner(row[0], row[1], row[2] > 0.0, row[3], row[4], row[5])


class Crowd(NamedTuple):
    """State of the people and carts in B worlds."""

    body: NDArray[np.float64]
    """Shape (B, A, 5): x, y [m], vx, vy [m/s] in `map`, radius [m]."""
    goal: NDArray[np.int64]
    """Shape (B, A): which place each walks to."""
    pace: NDArray[np.float64]
    """Shape (B, A): speed of each [m/s]."""
    rest: NDArray[np.float64]
    """Shape (B, A): how long each still stands [s]."""
    blocked: NDArray[np.float64]
    """Shape (B, A): how long each has been blocked [s]."""
    track: NDArray[np.int64]
    """Shape (B, A): which track a cart runs on; -1 for people."""
    along: NDArray[np.float64]
    """Shape (B, A): where on its track a cart is [m]."""
    sense: NDArray[np.float64]
    """Shape (B, A): 1 for a cart on its way to the track's end, -1 to its start."""

    @classmethod
    def empty(cls, batch: int, people: int, carts: int = 0) -> 'Crowd':
        """Make room; :mod:`synth_nodes.world.spawn` places them. Carts come last."""
        shape = (batch, people + carts)
        track = np.full(shape, -1, np.int64)
        track[:, people:] = 0
        return cls(np.zeros((*shape, 5)), np.zeros(shape, np.int64), np.zeros(shape),
                   np.zeros(shape), np.zeros(shape), track, np.zeros(shape), np.ones(shape))


@inline
def new_goal(crowd: Crowd, ways: Ways, streams: NDArray[np.uint64], b: int, a: int) -> None:
    """Send a person to another place."""
    crowd.goal[b, a] = int(uniform(streams, b) * ways.flow.shape[0])
    crowd.blocked[b, a] = 0.0


@inline
def startle(crowd: Crowd, ways: Ways, manner: Manner, streams: NDArray[np.uint64],
            b: int, a: int) -> None:
    """Let whoever touched something stand for a moment; people then go elsewhere."""
    crowd.body[b, a, 2] = 0.0
    crowd.body[b, a, 3] = 0.0
    if crowd.track[b, a] >= 0:
        crowd.rest[b, a] = 0.5
        return
    crowd.rest[b, a] = max(0.5, manner.pause * uniform(streams, b))
    new_goal(crowd, ways, streams, b, a)


@inline
def choose_strides(
    maps: AtlasArrays,
    ways: Ways,
    rails: Rails,
    manner: Manner,
    crowd: Crowd,
    streams: NDArray[np.uint64],
    robot: Body,
    pose: NDArray[np.float64],
    velocity: NDArray[np.float64],
    b: int,
    m: int,
    dt: float,
) -> None:
    """
    Choose the velocity of every person and cart of world b for the next dt seconds.

    :param pose: of the robot, in `map`; velocity: in base_link.
    """
    for a in range(crowd.body.shape[1]):
        person = crowd.body[b, a]
        person[2] = 0.0
        person[3] = 0.0
        if crowd.rest[b, a] > 0.0:
            crowd.rest[b, a] -= dt
            continue
        if crowd.track[b, a] >= 0:
            _roll(rails, crowd, robot, pose, velocity, b, a, dt)
            continue
        ux, uy, arrived = _heading(maps, ways, m, crowd.goal[b, a], person)
        if arrived:
            crowd.rest[b, a] = manner.pause * uniform(streams, b)
            new_goal(crowd, ways, streams, b, a)
            continue
        turn = _stride(maps, ways, manner, crowd, robot, pose, velocity, b, m, a, ux, uy, dt)
        if turn <= 2:
            crowd.blocked[b, a] = max(crowd.blocked[b, a] - dt, 0.0)
            continue
        crowd.blocked[b, a] += dt
        if crowd.blocked[b, a] > manner.patience:
            new_goal(crowd, ways, streams, b, a)


@inline
def _roll(rails: Rails, crowd: Crowd, robot: Body, pose: NDArray[np.float64],
          velocity: NDArray[np.float64], b: int, a: int, dt: float) -> None:
    """Let a cart go on along its track unless somebody is in the way; at an end it turns back."""
    cart = crowd.body[b, a]
    way = crowd.pace[b, a] * dt
    if way <= 0.0:
        return
    to, at_end = advance(rails, crowd.track[b, a], crowd.along[b, a], crowd.sense[b, a] * way)
    x, y, _ = point_at(rails, crowd.track[b, a], to)
    dx, dy = x - cart[0], y - cart[1]
    away = np.sqrt(dx * dx + dy * dy)
    scale = min(way / away if away > 0.0 else 0.0, 1.0) / dt
    manner = Manner(rails.radius, rails.speed, rails.stops, rails.gap, rails.patience, 0.0)
    gap = disc_gap(robot, pose[0], pose[1], pose[2], cart[0], cart[1], cart[4])
    if (_clear_of_robot(manner, robot, pose, velocity, cart, dx * scale, dy * scale, gap, dt)
            and _clear_of_others(crowd, b, a, dx * scale, dy * scale)):
        cart[2] = dx * scale
        cart[3] = dy * scale
        crowd.along[b, a] = to
        crowd.blocked[b, a] = 0.0
    else:
        crowd.blocked[b, a] += dt
    if at_end or crowd.blocked[b, a] > rails.patience:
        crowd.sense[b, a] = -crowd.sense[b, a]
        crowd.blocked[b, a] = 0.0


@inline
def _heading(maps: AtlasArrays, ways: Ways, m: int, goal: int,
             person: NDArray[np.float64]) -> tuple[float, float, bool]:
    """Find the unit vector in `map` along the way to a goal, and whether it is reached."""
    column, row = to_cell(maps, m, person[0], person[1])
    cell = coarse_cell(ways, m, column, row)
    way = ways.flow[goal, ways.shape[m, 0] + cell]
    if way == ARRIVED or way == NOWHERE:
        return 0.0, 0.0, True
    width, factor = ways.shape[m, 2], ways.shape[m, 3]
    for steps in (LOOK_AHEAD, 1):
        target = ahead(ways, m, goal, cell, steps)
        to_column = (target % width + 0.5) * factor
        to_row = (target // width + 0.5) * factor
        half = 0.5 * (to_column - column), 0.5 * (to_row - row)
        if steps == 1 or passable(ways, m, column + half[0], row + half[1]):
            break
    x, y = to_point(maps, m, to_column, to_row)
    dx, dy = x - person[0], y - person[1]
    away = np.sqrt(dx * dx + dy * dy) + 1e-12
    return dx / away, dy / away, False


@shared
def _stride(
    maps: AtlasArrays,
    ways: Ways,
    manner: Manner,
    crowd: Crowd,
    robot: Body,
    pose: NDArray[np.float64],
    velocity: NDArray[np.float64],
    b: int,
    m: int,
    a: int,
    ux: float,
    uy: float,
    dt: float,
) -> int:
    """Set a person's velocity to the first detour that is free; return its number in TURNS."""
    person = crowd.body[b, a]
    pace = crowd.pace[b, a]
    gap = np.inf
    if manner.give_way:
        gap = disc_gap_within(robot, pose[0], pose[1], pose[2], person[0], person[1], person[4],
                              NEAR + manner.space)
    for k in range(len(TURNS)):
        c, s = np.cos(TURNS[k]), np.sin(TURNS[k])
        vx, vy = pace * (c * ux - s * uy), pace * (s * ux + c * uy)
        if (_on_floor(maps, ways, m, person, vx, vy, dt)
                and _clear_of_robot(manner, robot, pose, velocity, person, vx, vy, gap, dt)
                and _clear_of_others(crowd, b, a, vx, vy)):
            person[2] = vx
            person[3] = vy
            return k
    return len(TURNS)


@inline
def _on_floor(maps: AtlasArrays, ways: Ways, m: int, person: NDArray[np.float64],
              vx: float, vy: float, dt: float) -> bool:
    checks = max(1, int(np.ceil(np.sqrt(vx * vx + vy * vy) * dt / STEP)))
    for k in range(1, checks + 1):
        t = dt * k / checks
        column, row = to_cell(maps, m, person[0] + vx * t, person[1] + vy * t)
        if not passable(ways, m, column, row):
            return False
    return True


@inline
def _clear_of_robot(manner: Manner, robot: Body, pose: NDArray[np.float64],
                    velocity: NDArray[np.float64], person: NDArray[np.float64],
                    vx: float, vy: float, gap: float, dt: float) -> bool:
    """Allow a stride into the personal space only if it leads away from the robot."""
    if not manner.give_way or gap > NEAR + manner.space:
        return True
    allowed = min(gap, manner.space) - 1e-6
    c, s = np.cos(pose[2]), np.sin(pose[2])
    wx = c * velocity[0] - s * velocity[1]
    wy = s * velocity[0] + c * velocity[1]
    for t, robot_t in ((dt, 0.0), (HORIZON, 0.0), (HORIZON, HORIZON)):
        there = disc_gap_within(
            robot, pose[0] + wx * robot_t, pose[1] + wy * robot_t, pose[2],
            person[0] + vx * t, person[1] + vy * t, person[4], allowed)
        if there < allowed:
            return False
    return True


@inline
def _clear_of_others(crowd: Crowd, b: int, a: int, vx: float, vy: float) -> bool:
    """Allow a stride that brings two people near each other only if it parts them."""
    person = crowd.body[b, a]
    for other in range(crowd.body.shape[1]):
        if other == a:
            continue
        mate = crowd.body[b, other]
        dx, dy = mate[0] - person[0], mate[1] - person[1]
        now = np.sqrt(dx * dx + dy * dy)
        touch = person[4] + mate[4]
        if now > touch + 1.5:
            continue
        dx += (mate[2] - vx) * HORIZON
        dy += (mate[3] - vy) * HORIZON
        if np.sqrt(dx * dx + dy * dy) < min(now - 1e-6, touch + 0.1):
            return False
    return True
