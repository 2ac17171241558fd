"""People who walk from place to place and carts on tracks: they give way to a robot or don't."""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.world.atlas import AtlasArrays, to_cell, to_point
from synth_nodes.world.chance import uniform
from synth_nodes.world.collision import Body, disc_gap, disc_gap_within
from synth_nodes.world.crowd import (
    BESIDE,
    clear_of_others,
    clear_of_robot,
    Crowd,
    HORIZON,
    Manner,
    NEAR,
    new_goal,
    on_floor,
    SPARE,
)
from synth_nodes.world.gait import draw_wish, Gait, look_along, NEW, PASSED, WISH
from synth_nodes.world.jit import inline, shared
from synth_nodes.world.people import ActorSettings as ActorSettings
from synth_nodes.world.people import CartSettings as CartSettings
from synth_nodes.world.rails import advance, point_at, Rails
from synth_nodes.world.ways import ahead, ARRIVED, coarse_cell, NOWHERE, passable, Ways

LOOK_AHEAD = 5
"""Coarse cells that a person cuts corners by."""
TURNS = (0.0, 0.6, -0.6, 1.2, -1.2, 1.9, -1.9)
"""Detours tried in turn, as angles off the way."""
FREE = 2
"""Number of the last of them that gets a person on; the others only keep it moving."""
ASIDE = (0.0, 0.8, -0.8, 1.5, -1.5)
"""Steps aside tried where no detour is free, as angles off the direction away from the robot."""
DRAWS = 8
"""Places that a blocked person thinks of before walking to one that no free way leads to."""


@inline
def choose_strides(
    maps: AtlasArrays,
    ways: Ways,
    rails: Rails,
    gait: Gait,
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
    horizon, apart = (BESIDE, 0.0) if gait.on else (HORIZON, SPARE)
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
        if gait.on:
            ux, uy, pace, arrived = _walk(maps, ways, gait, manner, crowd, streams, robot, pose,
                                          velocity, b, m, a, dt)
        else:
            ux, uy, arrived = _heading(maps, ways, m, crowd.goal[b, a], person)
            pace = crowd.pace[b, a]
        if arrived:
            crowd.rest[b, a] = manner.pause * uniform(streams, b)
            new_goal(crowd, ways, streams, b, a)
            continue
        turn = _stride(maps, ways, manner, crowd, robot, pose, velocity, b, m, a, ux, uy,
                       pace, horizon, apart, dt)
        if turn <= FREE:
            crowd.blocked[b, a] = max(crowd.blocked[b, a] - dt, 0.0)
            continue
        crowd.blocked[b, a] += dt
        if crowd.blocked[b, a] > manner.patience:
            for _ in range(DRAWS):
                new_goal(crowd, ways, streams, b, a)
                ux, uy, arrived = _heading(maps, ways, m, crowd.goal[b, a], person)
                if not arrived and _stride(maps, ways, manner, crowd, robot, pose, velocity,
                                           b, m, a, ux, uy, pace, horizon, apart, dt) <= FREE:
                    break


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
    gap = disc_gap(robot, pose[0], pose[1], pose[2], cart[0], cart[1], cart[4])
    if (clear_of_robot(rails.stops, rails.gap, robot, pose, velocity, cart, dx * scale, dy * scale,
                       gap, dt)
            and clear_of_others(crowd, b, a, dx * scale, dy * scale, HORIZON, SPARE)):
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
def _walk(
    maps: AtlasArrays,
    ways: Ways,
    gait: Gait,
    manner: Manner,
    crowd: Crowd,
    streams: NDArray[np.uint64],
    robot: Body,
    pose: NDArray[np.float64],
    velocity: NDArray[np.float64],
    b: int,
    m: int,
    a: int,
    dt: float,
) -> tuple[float, float, float, bool]:
    """
    Say where the learned gait leads, drawn anew where it is time to.

    :return: unit vector in `map`, speed [m/s], and whether the goal is reached.
    """
    recall = crowd.recall[b, a]
    if recall[PASSED] > gait.period - 0.5 * dt - 1e-9:
        person = crowd.body[b, a]
        ux, uy, arrived = look_along(maps, ways, m, crowd.goal[b, a], person[0], person[1])
        if arrived:
            recall[PASSED] = NEW
            return 0.0, 0.0, 0.0, True
        c, s = np.cos(pose[2]), np.sin(pose[2])
        seen_robot = (pose[0], pose[1], c * velocity[0] - s * velocity[1],
                      s * velocity[0] + c * velocity[1], robot.radius if manner.give_way else -1.0)
        draw_wish(maps, ways, gait, crowd.body[b], recall, streams, seen_robot,
                  crowd.pace[b, a], ux, uy, b, m, a)
    recall[PASSED] += dt
    speed = np.sqrt(recall[WISH] * recall[WISH] + recall[WISH + 1] * recall[WISH + 1])
    scale = 1.0 / (speed + 1e-12)
    return scale * recall[WISH], scale * recall[WISH + 1], speed, False


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
    pace: float,
    horizon: float,
    apart: float,
    dt: float,
) -> int:
    """
    Set a person's velocity to the first detour that is free; return its number in TURNS.

    Where none is and a robot is near, the person steps aside, which counts as blocked.
    """
    person = crowd.body[b, a]
    gap = np.inf
    if manner.give_way:
        gap = disc_gap_within(robot, pose[0], pose[1], pose[2], person[0], person[1], person[4],
                              NEAR + manner.space)
    last = len(TURNS)
    if gap < manner.space + SPARE:
        last += len(ASIDE)
    for k in range(last):
        turn = TURNS[k] if k < len(TURNS) else ASIDE[k - len(TURNS)]
        if k == len(TURNS):
            ux, uy = person[0] - pose[0], person[1] - pose[1]
            away = np.sqrt(ux * ux + uy * uy) + 1e-12
            ux, uy = ux / away, uy / away
        c, s = np.cos(turn), np.sin(turn)
        vx, vy = pace * (c * ux - s * uy), pace * (s * ux + c * uy)
        if (on_floor(maps, ways, m, person, vx, vy, dt)
                and clear_of_robot(manner.give_way, manner.space, robot, pose, velocity,
                                   person, vx, vy, gap, dt)
                and clear_of_others(crowd, b, a, vx, vy, horizon, apart)):
            person[2] = vx
            person[3] = vy
            return k
    return last
