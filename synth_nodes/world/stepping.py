"""The kernel that steps B worlds: drive, motion with contact, people, clearance."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.world.actors import choose_strides
from synth_nodes.world.atlas import AtlasArrays
from synth_nodes.world.chance import uniform
from synth_nodes.world.collision import (
    Body,
    CLEARANCE_MAX,
    CONTACT,
    disc_gap,
    discs_gap,
    place,
    wall_gap,
)
from synth_nodes.world.crowd import Crowd, manner_of, startle
from synth_nodes.world.drive import arc, Drive, drive_of, follow, give, Queue, take_due
from synth_nodes.world.gait import Gait
from synth_nodes.world.jit import inline, kernel, shared
from synth_nodes.world.rails import Rails
from synth_nodes.world.randomise import Domain
from synth_nodes.world.solids import solids_gap
from synth_nodes.world.ways import Ways

LONGEST_ARC = 0.05
"""A motion counts as one arc for at most this long [s]."""
TOUCHING = 0.7 * CONTACT
"""A motion that would close a gap below this [m] ends before; it slows down from CONTACT on."""
STANDING = 0.02
"""A robot whose body moves slower than this [m/s] stands."""


class Scene(NamedTuple):
    """What does not change from step to step."""

    maps: AtlasArrays
    ways: Ways
    rails: Rails
    body: Body
    gait: Gait


class State(NamedTuple):
    """What does; B worlds."""

    map_index: NDArray[np.int64]
    pose: NDArray[np.float64]
    velocity: NDArray[np.float64]
    wheels: NDArray[np.float64]
    """Shape (B, 4): vx, vy, wz as the wheels roll, and the steering angle; see `follow`."""
    slip: NDArray[np.float64]
    """Shape (B, 2): share of the way and of the turn that is added by slip."""
    time: NDArray[np.float64]
    collided: NDArray[np.bool_]
    blocked_by_actor: NDArray[np.bool_]
    clearance: NDArray[np.float64]
    streams: NDArray[np.uint64]
    queue: Queue
    crowd: Crowd
    domain: Domain


@kernel
def step_all(scene: Scene, state: State, command: NDArray[np.float64], dt: float) -> None:
    """Advance every world by dt seconds under its command, shape (B, 3)."""
    corners = np.empty((2, scene.body.x.size))
    for b in range(state.pose.shape[0]):
        drive = drive_of(state.domain.drives[b])
        give(state.queue, drive, b, state.time[b], command[b, 0], command[b, 2], command[b, 1])
        if drive.slip > 0.0 or drive.turn_slip > 0.0:
            _wander(drive, state.slip[b], state.streams, b, dt)
        _step_one(scene, state, drive, b, dt, corners)


@kernel
def measure(scene: Scene, state: State, which: NDArray[np.int64]) -> None:
    """Measure the clearance of the worlds named by `which`."""
    corners = np.empty((2, scene.body.x.size))
    for k in range(which.size):
        b = which[k]
        state.clearance[b] = _gap(scene, state, b, state.pose[b, 0], state.pose[b, 1],
                                  state.pose[b, 2], 0.0, corners)[0]


@inline
def _wander(drive: Drive, slip: NDArray[np.float64], streams: NDArray[np.uint64], b: int,
            dt: float) -> None:
    """Let slip walk at random about none (Ornstein, Uhlenbeck 1930), within 3 deviations."""
    keep = np.exp(-dt / drive.slip_time)
    size = np.sqrt((1.0 - keep * keep) * -2.0 * np.log(1.0 - uniform(streams, b)))
    turn = 2.0 * np.pi * uniform(streams, b)
    ahead = keep * slip[0] + drive.slip * size * np.cos(turn)
    around = keep * slip[1] + drive.turn_slip * size * np.sin(turn)
    slip[0] = min(max(ahead, -3.0 * drive.slip), 3.0 * drive.slip)
    slip[1] = min(max(around, -3.0 * drive.turn_slip), 3.0 * drive.turn_slip)


@inline
def _step_one(scene: Scene, state: State, drive: Drive, b: int, dt: float,
              corners: NDArray[np.float64]) -> None:
    velocity = state.velocity[b]
    standing = (np.hypot(velocity[0], velocity[1]) + abs(velocity[2]) * scene.body.radius
                < STANDING)
    choose_strides(scene.maps, scene.ways, scene.rails, scene.gait,
                   manner_of(state.domain.manners[b]), state.crowd, state.streams, scene.body,
                   state.pose[b], velocity, b, state.map_index[b], dt)
    by_actor = False
    touched = False
    slack = state.clearance[b]
    left = dt
    while left > 1e-9:
        due = take_due(state.queue, b, state.time[b] + dt - left)
        span = min(min(left, LONGEST_ARC), due)
        twist = _respond(drive, state, b, span)
        slack -= _reach(scene.body, state.crowd, b, twist) * span
        if slack > 2.0 * CONTACT:
            _move(state, b, twist, span)
        else:
            done, wall = _advance(scene, state, b, twist, span, corners)
            slack = 0.0
            if done < span:
                for k in range(3):
                    velocity[k] = 0.0
                    state.wheels[b, k] = 0.0
                touched = True
                by_actor = not wall
                _settle_crowd(scene, state, b, left - done)
                break
        left -= span
    state.time[b] += dt
    state.collided[b] = touched
    state.blocked_by_actor[b] = touched and by_actor and standing
    pose = state.pose[b]
    pose[2] -= 2.0 * np.pi * np.floor(pose[2] / (2.0 * np.pi) + 0.5)
    state.clearance[b] = _gap(scene, state, b, pose[0], pose[1], pose[2], 0.0, corners)[0]


@inline
def _respond(drive: Drive, state: State, b: int, span: float) -> tuple[float, float, float]:
    """Let the velocity follow the command in effect; return its means over the span."""
    wheels, velocity = state.wheels[b], state.velocity[b]
    vx, vy, w = follow(drive, state.queue.target[b], wheels, span)
    way, turn = 1.0 + state.slip[b, 0], 1.0 + state.slip[b, 1]
    velocity[0] = wheels[0] * way
    velocity[1] = wheels[1] * way
    velocity[2] = wheels[2] * turn
    return vx * way, vy * way, w * turn


@inline
def _reach(body: Body, crowd: Crowd, b: int, twist: tuple[float, float, float]) -> float:
    """Bound on how fast any gap of the robot can close [m/s]."""
    vx, vy, w = twist
    fastest = 0.0
    for a in range(crowd.body.shape[1]):
        person = crowd.body[b, a]
        fastest = max(fastest, person[2] * person[2] + person[3] * person[3])
    return float(np.sqrt(vx * vx + vy * vy) + abs(w) * body.radius + np.sqrt(fastest))


@inline
def _move(state: State, b: int, twist: tuple[float, float, float], t: float) -> None:
    pose = state.pose[b]
    vx, vy, w = twist
    pose[0], pose[1], pose[2] = arc(pose[0], pose[1], pose[2], vx, w, t, vy)
    for a in range(state.crowd.body.shape[1]):
        person = state.crowd.body[b, a]
        person[0] += person[2] * t
        person[1] += person[3] * t


@shared
def _gap(scene: Scene, state: State, b: int, x: float, y: float, yaw: float, ahead: float,
         corners: NDArray[np.float64]) -> tuple[float, bool]:
    """Gap [m] to whatever is nearest with people moved on by `ahead`; whether it is a wall."""
    m = state.map_index[b]
    discs = max(discs_gap(scene.body, x, y, yaw, state.crowd.body[b], ahead), 0.0)
    place(scene.maps, m, scene.body, x, y, yaw, corners)
    wall = wall_gap(scene.maps, m, corners, min(discs, CLEARANCE_MAX))
    body, solids = scene.body, scene.maps.solids
    wall = solids_gap(solids, m, body.x, body.y, body.radius, x, y, yaw, wall)
    return wall, wall < discs


@inline
def _advance(scene: Scene, state: State, b: int, twist: tuple[float, float, float], span: float,
             corners: NDArray[np.float64]) -> tuple[float, bool]:
    """
    Move robot and people until contact, or for the whole span.

    :return: how long they moved [s]; less than span means contact, and then whether with a wall.
    """
    pose = state.pose[b]
    vx, vy, w = twist
    speed = _reach(scene.body, state.crowd, b, twist)
    if speed <= 0.0:
        return span, False
    gap, wall = _gap(scene, state, b, pose[0], pose[1], pose[2], 0.0, corners)
    t = 0.0
    while t < span:
        further = min(t + max(gap - CONTACT, 0.25 * CONTACT) / speed, span)
        x, y, yaw = arc(pose[0], pose[1], pose[2], vx, w, further, vy)
        ahead, wall = _gap(scene, state, b, x, y, yaw, further, corners)
        if ahead < TOUCHING and ahead < gap:
            break
        t = further
        gap = ahead
    _move(state, b, twist, t)
    return t, wall


@inline
def _settle_crowd(scene: Scene, state: State, b: int, left: float) -> None:
    """After a contact: let people walk on for the rest of the step, but not into the robot."""
    x, y, yaw = state.pose[b]
    for a in range(state.crowd.body.shape[1]):
        person = state.crowd.body[b, a]
        speed = np.sqrt(person[2] * person[2] + person[3] * person[3])
        gap = disc_gap(scene.body, x, y, yaw, person[0], person[1], person[4])
        t = 0.0
        while speed > 0.0 and t < left:
            further = min(t + max(gap - CONTACT, 0.25 * CONTACT) / speed, left)
            ahead = disc_gap(scene.body, x, y, yaw, person[0] + person[2] * further,
                             person[1] + person[3] * further, person[4])
            if ahead < TOUCHING and ahead < gap:
                break
            t = further
            gap = ahead
        person[0] += person[2] * t
        person[1] += person[3] * t
        if t < left:
            crowd = state.crowd
            crowd.along[b, a] -= crowd.sense[b, a] * speed * (left - t)
            startle(crowd, scene.ways, manner_of(state.domain.manners[b]), state.streams, b, a)
