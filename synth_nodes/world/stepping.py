"""The kernel that steps B worlds: drive, motion with contact, people, clearance."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.world.actors import choose_strides, Crowd, Manner, startle
from synth_nodes.world.atlas import AtlasArrays
from synth_nodes.world.collision import (
    Body,
    CLEARANCE_MAX,
    CONTACT,
    disc_gap,
    discs_gap,
    place,
    wall_gap,
)
from synth_nodes.world.drive import arc, Drive, give, Queue, respond, take_due
from synth_nodes.world.jit import inline, kernel
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
    body: Body
    drive: Drive
    manner: Manner


class State(NamedTuple):
    """What does; B worlds."""

    map_index: NDArray[np.int64]
    pose: NDArray[np.float64]
    velocity: NDArray[np.float64]
    time: NDArray[np.float64]
    collided: NDArray[np.bool_]
    blocked_by_actor: NDArray[np.bool_]
    clearance: NDArray[np.float64]
    streams: NDArray[np.uint64]
    queue: Queue
    crowd: Crowd


@kernel
def step_all(scene: Scene, state: State, command: NDArray[np.float64], dt: float) -> None:
    """Advance every world by dt seconds under its command, shape (B, 3)."""
    corners = np.empty((2, scene.body.x.size))
    for b in range(state.pose.shape[0]):
        give(state.queue, scene.drive, b, state.time[b], command[b, 0], command[b, 2])
        _step_one(scene, state, b, dt, corners)


@kernel
def measure(scene: Scene, state: State, which: NDArray[np.int64]) -> None:
    """Measure the clearance of the worlds named by `which`."""
    corners = np.empty((2, scene.body.x.size))
    for k in range(which.size):
        b = which[k]
        state.clearance[b] = _gap(scene, state, b, state.pose[b, 0], state.pose[b, 1],
                                  state.pose[b, 2], 0.0, corners)[0]


@inline
def _step_one(scene: Scene, state: State, b: int, dt: float,
              corners: NDArray[np.float64]) -> None:
    velocity = state.velocity[b]
    standing = (np.hypot(velocity[0], velocity[1]) + abs(velocity[2]) * scene.body.radius
                < STANDING)
    choose_strides(scene.maps, scene.ways, scene.manner, state.crowd, state.streams, scene.body,
                   state.pose[b], velocity, b, state.map_index[b], dt)
    by_actor = False
    touched = False
    slack = state.clearance[b]
    left = dt
    while left > 1e-9:
        due = take_due(state.queue, b, state.time[b] + dt - left)
        span = min(min(left, LONGEST_ARC), due)
        v, w = _respond(scene.drive, state.queue, velocity, b, span)
        slack -= _reach(scene.body, state.crowd, b, v, w) * span
        if slack > 2.0 * CONTACT:
            _move(state, b, v, w, span)
        else:
            done, wall = _advance(scene, state, b, v, w, span, corners)
            slack = 0.0
            if done < span:
                velocity[:] = 0.0
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
def _respond(drive: Drive, queue: Queue, velocity: NDArray[np.float64], b: int,
             span: float) -> tuple[float, float]:
    """Let the velocity follow the command in effect; return its means over the span."""
    velocity[0], v = respond(velocity[0], queue.target[b, 0], drive.acceleration,
                             drive.deceleration, drive.lag, span)
    velocity[2], w = respond(velocity[2], queue.target[b, 1], drive.turn_acceleration,
                             drive.turn_acceleration, drive.lag, span)
    velocity[1] = 0.0
    return v, w


@inline
def _reach(body: Body, crowd: Crowd, b: int, v: float, w: float) -> float:
    """Bound on how fast any gap of the robot can close [m/s]."""
    fastest = 0.0
    for a in range(crowd.body.shape[1]):
        person = crowd.body[b, a]
        fastest = max(fastest, person[2] * person[2] + person[3] * person[3])
    return float(abs(v) + abs(w) * body.radius + np.sqrt(fastest))


@inline
def _move(state: State, b: int, v: float, w: float, t: float) -> None:
    pose = state.pose[b]
    pose[0], pose[1], pose[2] = arc(pose[0], pose[1], pose[2], v, w, t)
    for a in range(state.crowd.body.shape[1]):
        person = state.crowd.body[b, a]
        person[0] += person[2] * t
        person[1] += person[3] * t


@inline
def _gap(scene: Scene, state: State, b: int, x: float, y: float, yaw: float, ahead: float,
         corners: NDArray[np.float64]) -> tuple[float, bool]:
    """Gap [m] to whatever is nearest with people moved on by `ahead`; whether it is a wall."""
    m = state.map_index[b]
    discs = max(discs_gap(scene.body, x, y, yaw, state.crowd.body[b], ahead), 0.0)
    place(scene.maps, m, scene.body, x, y, yaw, corners)
    wall = wall_gap(scene.maps, m, corners, min(discs, CLEARANCE_MAX))
    return wall, wall < discs


@inline
def _advance(scene: Scene, state: State, b: int, v: float, w: float, span: float,
             corners: NDArray[np.float64]) -> tuple[float, bool]:
    """
    Move robot and people until contact, or for the whole span.

    :return: how long they moved [s]; less than span means contact, and then whether with a wall.
    """
    pose = state.pose[b]
    speed = _reach(scene.body, state.crowd, b, v, w)
    if speed <= 0.0:
        return span, False
    gap, wall = _gap(scene, state, b, pose[0], pose[1], pose[2], 0.0, corners)
    t = 0.0
    while t < span:
        further = min(t + max(gap - CONTACT, 0.25 * CONTACT) / speed, span)
        x, y, yaw = arc(pose[0], pose[1], pose[2], v, w, further)
        ahead, wall = _gap(scene, state, b, x, y, yaw, further, corners)
        if ahead < TOUCHING and ahead < gap:
            break
        t = further
        gap = ahead
    _move(state, b, v, w, t)
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
            startle(state.crowd, scene.ways, scene.manner, state.streams, b, a)
