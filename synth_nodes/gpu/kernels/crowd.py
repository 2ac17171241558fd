"""People who walk and carts on tracks: `synth_nodes.world.actors`, which explains each part."""

import warp as wp

from synth_nodes.gpu.kernels.basics import infinity, real, Row, Streams, Table, uniform
from synth_nodes.gpu.kernels.gait import draw_wish, look_along, NEW, Other, PASSED, WISH
from synth_nodes.gpu.kernels.maps import Maps, to_cell, to_point
from synth_nodes.gpu.kernels.paths import (
    advance,
    ahead,
    ARRIVED,
    coarse_cell,
    NOWHERE,
    passable,
    point_at,
    Ways,
)
from synth_nodes.gpu.kernels.shapes import Body, disc_gap
from synth_nodes.gpu.kernels.state import (
    Crowd,
    GIVE_WAY,
    PATIENCE,
    PAUSE,
    Scene,
    SPACE,
    State,
)

LOOK_AHEAD = wp.constant(5)
HORIZON = wp.constant(real(0.5))
SPARE = wp.constant(real(0.1))
BESIDE = wp.constant(real(0.2))
STRIDE_CHECKS = wp.constant(real(0.05))
FREE = wp.constant(2)
TURNS = wp.constant(7)
ASIDE = wp.constant(5)
DRAWS = wp.constant(8)


@wp.func
def new_goal(crowd: Crowd, ways: Ways, streams: Streams, b: int, a: int):
    """Send a person to another place."""
    crowd.goal[b, a] = int(uniform(streams, b) * real(ways.flow.shape[0]))
    crowd.blocked[b, a] = real(0.0)


@wp.func
def startle(crowd: Crowd, ways: Ways, manner: Row, streams: Streams, b: int, a: int):
    """Let whoever touched something stand for a moment; people then go elsewhere."""
    crowd.body[b, a, 2] = real(0.0)
    crowd.body[b, a, 3] = real(0.0)
    crowd.recall[b, a, PASSED] = NEW
    if crowd.track[b, a] >= 0:
        crowd.rest[b, a] = real(0.5)
    else:
        crowd.rest[b, a] = wp.max(real(0.5), manner[PAUSE] * uniform(streams, b))
        new_goal(crowd, ways, streams, b, a)


@wp.func
def turn_of(k: int):
    """Detours tried in turn, as angles off the way."""
    size = real(0.0)
    if k == 1 or k == 2:
        size = real(0.6)
    if k == 3 or k == 4:
        size = real(1.2)
    if k >= 5:
        size = real(1.9)
    return wp.where(k % 2 == 1, size, -size)


@wp.func
def aside(k: int):
    """Give the steps aside tried where no detour is free, as angles off the way from the robot."""
    size = real(0.0)
    if k == 1 or k == 2:
        size = real(0.8)
    if k >= 3:
        size = real(1.5)
    return wp.where(k % 2 == 1, size, -size)


@wp.func
def heading(maps: Maps, ways: Ways, m: int, goal: int, person: Row):
    """Find the unit vector in `map` along the way to a goal, and whether it is reached."""
    column, row = to_cell(maps, m, person[0], person[1])
    cell = coarse_cell(ways, m, column, row)
    way = int(ways.flow[goal, ways.shape[m, 0] + cell])
    if way == ARRIVED or way == NOWHERE:
        return real(0.0), real(0.0), True
    width = ways.shape[m, 2]
    factor = real(ways.shape[m, 3])
    target = ahead(ways, m, goal, cell, LOOK_AHEAD)
    to_column = (real(target % width) + real(0.5)) * factor
    to_row = (real(target // width) + real(0.5)) * factor
    if not passable(ways, m, column + real(0.5) * (to_column - column),
                    row + real(0.5) * (to_row - row)):
        near = ahead(ways, m, goal, cell, 1)
        to_column = (real(near % width) + real(0.5)) * factor
        to_row = (real(near // width) + real(0.5)) * factor
    x, y = to_point(maps, m, to_column, to_row)
    dx = x - person[0]
    dy = y - person[1]
    away = wp.sqrt(dx * dx + dy * dy) + real(1e-12)
    return dx / away, dy / away, False


@wp.func
def on_floor(maps: Maps, ways: Ways, m: int, person: Row, vx: real, vy: real, dt: real):
    """Tell whether a stride keeps to where people may walk."""
    free = bool(True)
    checks = wp.max(1, int(wp.ceil(wp.sqrt(vx * vx + vy * vy) * dt / STRIDE_CHECKS)))
    k = int(1)
    while free and k <= checks:
        t = dt * real(k) / real(checks)
        column, row = to_cell(maps, m, person[0] + vx * t, person[1] + vy * t)
        free = passable(ways, m, column, row)
        k += 1
    return free


@wp.func
def clear_of_robot(give_way: bool, space: real, body: Body, pose: Row, velocity: Row,
                   person: Row, vx: real, vy: real, gap: real, dt: real):
    """Allow a stride into the personal space only if it leads away from the robot."""
    if not give_way:
        return True
    if gap > real(1.5) + space:
        return True
    allowed = wp.min(gap, space) - real(1e-6)
    c = wp.cos(pose[2])
    s = wp.sin(pose[2])
    wx = c * velocity[0] - s * velocity[1]
    wy = s * velocity[0] + c * velocity[1]
    clear = bool(True)
    for k in range(3):
        t = wp.where(k == 0, dt, HORIZON)
        robot_t = wp.where(k == 2, HORIZON, real(0.0))
        if clear:
            clear = disc_gap(body, pose[0] + wx * robot_t, pose[1] + wy * robot_t, pose[2],
                             person[0] + vx * t, person[1] + vy * t, person[4]) >= allowed
    return clear


@wp.func
def clear_of_others(others: Table, a: int, vx: real, vy: real, horizon: real, apart: real):
    """Allow a stride that brings two people near each other only if it parts them."""
    clear = bool(True)
    for other in range(others.shape[0]):
        if other != a and clear:
            dx = others[other, 0] - others[a, 0]
            dy = others[other, 1] - others[a, 1]
            now = wp.sqrt(dx * dx + dy * dy)
            touch = others[a, 4] + others[other, 4]
            if now <= touch + real(1.5):
                dx += (others[other, 2] - vx) * horizon
                dy += (others[other, 3] - vy) * horizon
                clear = wp.sqrt(dx * dx + dy * dy) >= wp.min(now - real(1e-6), touch + apart)
    return clear


@wp.func
def stride(scene: Scene, state: State, b: int, m: int, a: int, ux: real, uy: real, pace: real,
           dt: real):
    """Set a person's velocity to the first free detour or step aside; return its number."""
    manner = state.domain.manners[b]
    person = state.crowd.body[b, a]
    pose = state.pose[b]
    give_way = manner[GIVE_WAY] > real(0.0)
    horizon = wp.where(scene.gait.on, BESIDE, HORIZON)
    apart = wp.where(scene.gait.on, real(0.0), SPARE)
    gap = infinity()
    if give_way:
        gap = disc_gap(scene.body, pose[0], pose[1], pose[2], person[0], person[1], person[4])
    taken = int(TURNS)
    if gap < manner[SPACE] + SPARE:
        taken += ASIDE
    k = int(0)
    while k < taken:
        turn = turn_of(k)
        if k >= TURNS:
            turn = aside(k - TURNS)
        if k == TURNS:
            ux = person[0] - pose[0]
            uy = person[1] - pose[1]
            away = wp.sqrt(ux * ux + uy * uy) + real(1e-12)
            ux = ux / away
            uy = uy / away
        c = wp.cos(turn)
        s = wp.sin(turn)
        vx = pace * (c * ux - s * uy)
        vy = pace * (s * ux + c * uy)
        free = on_floor(scene.maps, scene.ways, m, person, vx, vy, dt)
        if free:
            free = clear_of_robot(give_way, manner[SPACE], scene.body, pose, state.velocity[b],
                                  person, vx, vy, gap, dt)
        if free:
            free = clear_of_others(state.crowd.body[b], a, vx, vy, horizon, apart)
        if free:
            person[2] = vx
            person[3] = vy
            taken = k
        k += 1
    return taken


@wp.func
def roll(scene: Scene, state: State, b: int, a: int, dt: real):
    """Let a cart go on along its track unless somebody is in the way; at an end it turns back."""
    crowd = state.crowd
    rails = scene.rails
    cart = crowd.body[b, a]
    pose = state.pose[b]
    way = crowd.pace[b, a] * dt
    if way > real(0.0):
        track = crowd.track[b, a]
        to, at_end = advance(rails, track, crowd.along[b, a], crowd.sense[b, a] * way)
        x, y, _low = point_at(rails, track, to)
        dx = x - cart[0]
        dy = y - cart[1]
        away = wp.sqrt(dx * dx + dy * dy)
        scale = real(0.0)
        if away > real(0.0):
            scale = wp.min(way / away, real(1.0)) / dt
        gap = disc_gap(scene.body, pose[0], pose[1], pose[2], cart[0], cart[1], cart[4])
        free = clear_of_robot(rails.stops, rails.gap, scene.body, pose, state.velocity[b], cart,
                              dx * scale, dy * scale, gap, dt)
        if free:
            free = clear_of_others(crowd.body[b], a, dx * scale, dy * scale, HORIZON, SPARE)
        if free:
            cart[2] = dx * scale
            cart[3] = dy * scale
            crowd.along[b, a] = to
            crowd.blocked[b, a] = real(0.0)
        else:
            crowd.blocked[b, a] = crowd.blocked[b, a] + dt
        if at_end or crowd.blocked[b, a] > rails.patience:
            crowd.sense[b, a] = -crowd.sense[b, a]
            crowd.blocked[b, a] = real(0.0)


@wp.func
def learned_heading(scene: Scene, state: State, b: int, m: int, a: int, dt: real):
    """Say where the learned gait leads, drawn anew where it is time to; unit vector and speed."""
    recall = state.crowd.recall[b, a]
    if recall[PASSED] > scene.gait.period - real(0.5) * dt - real(1e-9):
        person = state.crowd.body[b, a]
        ux, uy, arrived = look_along(scene.maps, scene.ways, m, state.crowd.goal[b, a],
                                     person[0], person[1])
        if arrived:
            recall[PASSED] = NEW
            return real(0.0), real(0.0), real(0.0), True
        pose = state.pose[b]
        velocity = state.velocity[b]
        c = wp.cos(pose[2])
        s = wp.sin(pose[2])
        radius = real(-1.0)
        if state.domain.manners[b, GIVE_WAY] > real(0.0):
            radius = scene.body.radius
        robot = Other(pose[0], pose[1], c * velocity[0] - s * velocity[1],
                      s * velocity[0] + c * velocity[1], radius)
        draw_wish(scene.maps, scene.ways, scene.gait, state.crowd.body[b], recall, state.streams,
                  robot, state.crowd.pace[b, a], ux, uy, b, m, a)
    recall[PASSED] = recall[PASSED] + dt
    speed = wp.sqrt(recall[WISH] * recall[WISH] + recall[WISH + 1] * recall[WISH + 1])
    scale = real(1.0) / (speed + real(1e-12))
    return scale * recall[WISH], scale * recall[WISH + 1], speed, False


@wp.func
def walk(scene: Scene, state: State, b: int, a: int, dt: real):
    """Choose a person's velocity along the way to its goal."""
    crowd = state.crowd
    manner = state.domain.manners[b]
    m = state.map_index[b]
    ux = real(0.0)
    uy = real(0.0)
    pace = real(0.0)
    arrived = bool(False)
    if scene.gait.on:
        ux, uy, pace, arrived = learned_heading(scene, state, b, m, a, dt)
    else:
        ux, uy, arrived = heading(scene.maps, scene.ways, m, crowd.goal[b, a], crowd.body[b, a])
        pace = crowd.pace[b, a]
    if arrived:
        crowd.rest[b, a] = manner[PAUSE] * uniform(state.streams, b)
        new_goal(crowd, scene.ways, state.streams, b, a)
    elif stride(scene, state, b, m, a, ux, uy, pace, dt) <= FREE:
        crowd.blocked[b, a] = wp.max(crowd.blocked[b, a] - dt, real(0.0))
    else:
        crowd.blocked[b, a] = crowd.blocked[b, a] + dt
        if crowd.blocked[b, a] > manner[PATIENCE]:
            draws = int(DRAWS)
            while draws > 0:
                draws -= 1
                new_goal(crowd, scene.ways, state.streams, b, a)
                ux, uy, arrived = heading(scene.maps, scene.ways, m, crowd.goal[b, a],
                                          crowd.body[b, a])
                if not arrived and stride(scene, state, b, m, a, ux, uy, pace, dt) <= FREE:
                    draws = 0


@wp.func
def choose_strides(scene: Scene, state: State, b: int, dt: real):
    """Choose the velocity of every person and cart of world b for the next dt seconds."""
    crowd = state.crowd
    for a in range(crowd.body.shape[1]):
        crowd.body[b, a, 2] = real(0.0)
        crowd.body[b, a, 3] = real(0.0)
        if crowd.rest[b, a] > real(0.0):
            crowd.rest[b, a] = crowd.rest[b, a] - dt
        elif crowd.track[b, a] >= 0:
            roll(scene, state, b, a, dt)
        else:
            walk(scene, state, b, a, dt)
