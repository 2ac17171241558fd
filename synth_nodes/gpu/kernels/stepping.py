"""The step of one world, one thread each: `synth_nodes.world.stepping`, which explains it."""

import warp as wp

from synth_nodes.gpu.kernels.basics import real, Row, Streams, TWO_PI, uniform
from synth_nodes.gpu.kernels.crowd import choose_strides, startle
from synth_nodes.gpu.kernels.drive import (
    arc,
    follow,
    give,
    SLIP,
    SLIP_TIME,
    take_due,
    TURN_SLIP,
)
from synth_nodes.gpu.kernels.shapes import (
    CLEARANCE_MAX,
    CONTACT,
    disc_gap,
    discs_gap,
    solids_gap,
    wall_gap,
)
from synth_nodes.gpu.kernels.state import Scene, State

LONGEST_ARC = wp.constant(real(0.05))
TOUCHING = wp.constant(real(0.7e-3))
STANDING = wp.constant(real(0.02))
Twist = wp.types.vector(length=3, dtype=real)


@wp.func
def wander(drive: Row, slip: Row, streams: Streams, b: int, dt: real):
    """Let slip walk at random about none (Ornstein, Uhlenbeck 1930), within 3 deviations."""
    keep = wp.exp(-dt / drive[SLIP_TIME])
    size = wp.sqrt((real(1.0) - keep * keep) * real(-2.0)
                   * wp.log(real(1.0) - uniform(streams, b)))
    turn = TWO_PI * uniform(streams, b)
    way = keep * slip[0] + drive[SLIP] * size * wp.cos(turn)
    around = keep * slip[1] + drive[TURN_SLIP] * size * wp.sin(turn)
    slip[0] = wp.clamp(way, real(-3.0) * drive[SLIP], real(3.0) * drive[SLIP])
    slip[1] = wp.clamp(around, real(-3.0) * drive[TURN_SLIP], real(3.0) * drive[TURN_SLIP])


@wp.func
def nearest_gap(scene: Scene, state: State, b: int, x: real, y: real, yaw: real, ahead: real):
    """Gap [m] to whatever is nearest with people moved on by `ahead`; whether it is a wall."""
    m = state.map_index[b]
    discs = wp.max(discs_gap(scene.body, x, y, yaw, state.crowd.body[b], ahead), real(0.0))
    wall = wall_gap(scene.maps, m, scene.body, x, y, yaw, wp.min(discs, CLEARANCE_MAX))
    wall = solids_gap(scene.maps, m, scene.body, x, y, yaw, wall)
    return wall, wall < discs


@wp.func
def respond_to(drive: Row, state: State, b: int, span: real):
    """Let the velocity follow the command in effect; return its means over the span."""
    wheels = state.wheels[b]
    vx, vy, w = follow(drive, state.queue.target[b], wheels, span)
    way = real(1.0) + state.slip[b, 0]
    turn = real(1.0) + state.slip[b, 1]
    state.velocity[b, 0] = wheels[0] * way
    state.velocity[b, 1] = wheels[1] * way
    state.velocity[b, 2] = wheels[2] * turn
    return Twist(vx * way, vy * way, w * turn)


@wp.func
def closing(scene: Scene, state: State, b: int, twist: Twist):
    """Bound on how fast any gap of the robot can close [m/s]."""
    fastest = real(0.0)
    for a in range(state.crowd.body.shape[1]):
        person = state.crowd.body[b, a]
        fastest = wp.max(fastest, person[2] * person[2] + person[3] * person[3])
    return (wp.sqrt(twist[0] * twist[0] + twist[1] * twist[1])
            + wp.abs(twist[2]) * scene.body.radius + wp.sqrt(fastest))


@wp.func
def move(state: State, b: int, twist: Twist, t: real):
    """Move robot and people on."""
    x, y, yaw = arc(state.pose[b, 0], state.pose[b, 1], state.pose[b, 2], twist[0], twist[1],
                    twist[2], t)
    state.pose[b, 0] = x
    state.pose[b, 1] = y
    state.pose[b, 2] = yaw
    for a in range(state.crowd.body.shape[1]):
        person = state.crowd.body[b, a]
        person[0] = person[0] + person[2] * t
        person[1] = person[1] + person[3] * t


@wp.func
def advance_until_contact(scene: Scene, state: State, b: int, twist: Twist, span: real):
    """Move until contact, or for the whole span; return how long, and whether into a wall."""
    speed = closing(scene, state, b, twist)
    if speed <= real(0.0):
        return span, False
    x0 = state.pose[b, 0]
    y0 = state.pose[b, 1]
    yaw0 = state.pose[b, 2]
    start, by_wall = nearest_gap(scene, state, b, x0, y0, yaw0, real(0.0))
    gap = real(start)
    wall = bool(by_wall)
    t = real(0.0)
    moving = bool(True)
    while moving and t < span:
        further = wp.min(t + wp.max(gap - CONTACT, real(0.25) * CONTACT) / speed, span)
        x, y, yaw = arc(x0, y0, yaw0, twist[0], twist[1], twist[2], further)
        there, into_wall = nearest_gap(scene, state, b, x, y, yaw, further)
        wall = into_wall
        if there < TOUCHING and there < gap:
            moving = False
        else:
            t = further
            gap = there
    move(state, b, twist, t)
    return t, wall


@wp.func
def settle_crowd(scene: Scene, state: State, b: int, left: real):
    """After a contact: let people walk on for the rest of the step, but not into the robot."""
    pose = state.pose[b]
    crowd = state.crowd
    for a in range(crowd.body.shape[1]):
        person = crowd.body[b, a]
        speed = wp.sqrt(person[2] * person[2] + person[3] * person[3])
        gap = disc_gap(scene.body, pose[0], pose[1], pose[2], person[0], person[1], person[4])
        t = real(0.0)
        walking = speed > real(0.0)
        while walking and t < left:
            further = wp.min(t + wp.max(gap - CONTACT, real(0.25) * CONTACT) / speed, left)
            there = disc_gap(scene.body, pose[0], pose[1], pose[2],
                             person[0] + person[2] * further, person[1] + person[3] * further,
                             person[4])
            if there < TOUCHING and there < gap:
                walking = False
            else:
                t = further
                gap = there
        person[0] = person[0] + person[2] * t
        person[1] = person[1] + person[3] * t
        if t < left:
            crowd.along[b, a] = crowd.along[b, a] - crowd.sense[b, a] * speed * (left - t)
            startle(crowd, scene.ways, state.domain.manners[b], state.streams, b, a)


@wp.func
def drive_on(scene: Scene, state: State, b: int, dt: real):
    """Move robot and people for dt; return whether it touched, and whether that was a wall."""
    drive = state.domain.drives[b]
    slack = real(state.clearance[b])
    left = real(dt)
    touched = bool(False)
    into_wall = bool(False)
    while left > real(1e-9) and not touched:
        due = take_due(state.queue, b, state.time[b] + dt - left)
        span = wp.min(wp.min(left, LONGEST_ARC), due)
        twist = respond_to(drive, state, b, span)
        slack = slack - closing(scene, state, b, twist) * span
        if slack > real(2.0) * CONTACT:
            move(state, b, twist, span)
        else:
            done, wall = advance_until_contact(scene, state, b, twist, span)
            slack = real(0.0)
            if done < span:
                for k in range(3):
                    state.velocity[b, k] = real(0.0)
                    state.wheels[b, k] = real(0.0)
                touched = True
                into_wall = wall
                settle_crowd(scene, state, b, left - done)
        left = left - span
    return touched, into_wall


@wp.func
def measure_one(scene: Scene, state: State, b: int):
    """Measure the clearance of world b."""
    gap, _wall = nearest_gap(scene, state, b, state.pose[b, 0], state.pose[b, 1],
                             state.pose[b, 2], real(0.0))
    state.clearance[b] = gap


@wp.func
def step_one(scene: Scene, state: State, b: int, v: real, vy: real, w: real, dt: real):
    """Advance world b by dt seconds under a command."""
    drive = state.domain.drives[b]
    give(state.queue, drive, b, state.time[b], v, w, vy)
    if drive[SLIP] > real(0.0) or drive[TURN_SLIP] > real(0.0):
        wander(drive, state.slip[b], state.streams, b, dt)
    velocity = state.velocity[b]
    standing = (wp.sqrt(velocity[0] * velocity[0] + velocity[1] * velocity[1])
                + wp.abs(velocity[2]) * scene.body.radius) < STANDING
    choose_strides(scene, state, b, dt)
    touched, wall = drive_on(scene, state, b, dt)
    state.time[b] = state.time[b] + dt
    state.collided[b] = touched
    state.blocked_by_actor[b] = touched and standing and not wall
    yaw = state.pose[b, 2]
    state.pose[b, 2] = yaw - TWO_PI * wp.floor(yaw / TWO_PI + real(0.5))
    measure_one(scene, state, b)
