"""The true drive: dead time, ramps, lag, steering; nothing of the monitor's own model in it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.campaign.setups import DT, Setup

Array = NDArray[np.float64]
CRAWL = 1e-3
"""Speed [m/s] below which a car-like drive leaves its wheels as they are."""


@dataclass(frozen=True)
class Drives:
    """What the drives of B robots really do."""

    kind: str
    """As `RobotSpec.drive`."""
    blend: Array
    """Part of the way to its ramp that a velocity goes in one step, shape (B, 1)."""
    dead: NDArray[np.int64]
    """Dead time in steps, shape (B,)."""
    rise: Array
    """Acceleration for vx, vy [m/s^2], w [rad/s^2], shape (B, 3)."""
    fall: Array
    """Deceleration likewise, shape (B, 3)."""
    wheel_base: float
    max_steer: float
    steer_rate: float


@dataclass
class Wheels:
    """State of the drives, shapes (B, 3), (B, 3) and (B,)."""

    ramp: Array
    """Set point of the velocities after the limits of acceleration."""
    velocity: Array
    """vx, vy [m/s], w [rad/s] in base_link."""
    steer: Array
    """Steering angle [rad]."""


def draw_drives(rng: np.random.Generator, setup: Setup, count: int) -> Drives:
    """
    Draw what each drive does, within the stated model, or as far beyond as a breach goes.

    A stated drive lags no more than stated, brakes at the stated rate or harder, and gathers
    speed at most as stated.
    """
    robot = setup.robot
    lag = robot.actuator_lag * np.where(rng.random(count) < 0.5, 1.0, rng.random(count))
    spare = np.maximum(setup.actuation - lag, 0.0)
    share = np.where(rng.random(count) < 0.5, 1.0, rng.random(count))
    dead = np.floor(spare * (1.0 if setup.breach else share) / DT + 1e-9).astype(np.int64)
    b = setup.deceleration
    harder = np.where(rng.random(count) < 0.5, 1.0, rng.uniform(1.0, 1.5, count))
    fall = b * (0.7 if setup.breach else harder)
    gain = np.where(rng.random(count) < 0.5, 1.0, rng.uniform(0.5, 1.0, count))
    turn = np.full(count, robot.turn_acceleration)
    side = robot.lateral_acceleration
    with np.errstate(divide='ignore'):
        blend = np.where(lag > 0, 1.0 - np.exp(-DT / lag), 1.0)
    return Drives(
        robot.drive, blend[:, None], dead,
        np.stack((robot.acceleration * gain, side * gain, turn), axis=-1),
        np.stack((np.broadcast_to(fall, count), np.broadcast_to(
            np.minimum(fall, side), count), turn), axis=-1),
        robot.wheel_base, robot.max_steer, robot.steer_rate)


def advance(drives: Drives, wheels: Wheels, pose: Array, target: Array) -> tuple[Wheels, Array]:
    """
    Go one step of DT.

    :param pose: x, y [m], yaw [rad], shape (B, 3).
    :param target: command in effect, shape (B, 3).
    :return: wheels and pose after it.
    """
    steer = wheels.steer
    if drives.kind == 'ackermann':
        steer = _steered(drives, wheels, target)
        target = np.stack((target[:, 0], np.zeros(len(target)), np.zeros(len(target))), axis=-1)
    slowing = (np.abs(target) < np.abs(wheels.ramp)) | (target * wheels.ramp < 0)
    step = np.where(slowing, drives.fall, drives.rise) * DT
    ramp = wheels.ramp + np.clip(target - wheels.ramp, -step, step)
    velocity = wheels.velocity + drives.blend * (ramp - wheels.velocity)
    if drives.kind == 'ackermann':
        velocity[:, 2] = velocity[:, 0] * np.tan(steer) / drives.wheel_base
    return Wheels(ramp, velocity, steer), moved(pose, velocity, DT)


def _steered(drives: Drives, wheels: Wheels, target: Array) -> Array:
    """Steering angles after a step; a command without speed leaves them."""
    v = target[:, 0]
    with np.errstate(divide='ignore', invalid='ignore'):
        wish = np.arctan(drives.wheel_base * target[:, 2] / v)
    wish = np.where(np.abs(v) < CRAWL, wheels.steer, wish)
    wish = np.clip(wish, -drives.max_steer, drives.max_steer)
    step = drives.steer_rate * DT
    return np.asarray(wheels.steer + np.clip(wish - wheels.steer, -step, step))


def moved(pose: Array, velocity: Array, time: Array | float) -> Array:
    """
    Move along the arc of a twist.

    :param time: [s], shape (B,) or one for all; negative goes back.
    """
    half = 0.5 * velocity[:, 2] * time
    chord = time * np.sinc(half / np.pi)
    c, s = np.cos(pose[:, 2] + half), np.sin(pose[:, 2] + half)
    vx, vy = velocity[:, 0], velocity[:, 1]
    return np.stack((pose[:, 0] + chord * (c * vx - s * vy),
                     pose[:, 1] + chord * (s * vx + c * vy), pose[:, 2] + 2 * half), axis=-1)
