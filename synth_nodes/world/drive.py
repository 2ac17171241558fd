"""How a drive follows its commands: closed forms of lag, limits, dead time and arcs."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.types import RobotSpec
from synth_nodes.world.jit import inline

SHORTEST_STEP = 0.004
"""Commands closer in time than this [s] share a place in the dead-time queue."""
DIFFERENTIAL, ACKERMANN, OMNIDIRECTIONAL = 0.0, 1.0, 2.0
KINDS = {'differential': DIFFERENTIAL, 'ackermann': ACKERMANN, 'omnidirectional': OMNIDIRECTIONAL}
CRAWL = 1e-3
"""Below this speed [m/s] a command says nothing about how to steer."""


class Drive(NamedTuple):
    """Limits of a drive, as the kernels read them; see `RobotSpec`."""

    max_speed: float
    max_reverse_speed: float
    max_turn_rate: float
    acceleration: float
    deceleration: float
    turn_acceleration: float
    lag: float
    latency: float
    kind: float = DIFFERENTIAL
    wheel_base: float = 0.4
    max_steer: float = 0.6
    steer_rate: float = 2.0
    max_lateral_speed: float = 0.5
    lateral_acceleration: float = 1.0
    slip: float = 0.0
    turn_slip: float = 0.0
    slip_time: float = 2.0

    @classmethod
    def of(cls, robot: RobotSpec) -> 'Drive':
        """Take the limits of a robot."""
        return cls(*(float(v) for v in (
            robot.max_speed, robot.max_reverse_speed, robot.max_turn_rate, robot.acceleration,
            robot.deceleration, robot.turn_acceleration, robot.actuator_lag,
            robot.command_latency, KINDS[robot.drive], robot.wheel_base, robot.max_steer,
            robot.steer_rate, robot.max_lateral_speed, robot.lateral_acceleration, robot.slip,
            robot.turn_slip, robot.slip_time)))


@inline
def drive_of(row: NDArray[np.float64]) -> Drive:
    """Read the drive of one world from its row of a table, shape (17,)."""
    return Drive(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], row[9],
                 row[10], row[11], row[12], row[13], row[14], row[15], row[16])


class Queue(NamedTuple):
    """Commands that have been given and not yet taken effect, for B robots."""

    due: NDArray[np.float64]
    """Shape (B, Q): when each takes effect [s], a ring."""
    command: NDArray[np.float64]
    """Shape (B, Q, 3): vx, vy [m/s], wz [rad/s]."""
    ends: NDArray[np.int64]
    """Shape (B, 2): index of the oldest, and how many wait."""
    target: NDArray[np.float64]
    """Shape (B, 3): the command in effect."""

    @classmethod
    def empty(cls, batch: int, latency: float) -> 'Queue':
        """Make room for what may wait during the dead time."""
        size = int(latency / SHORTEST_STEP) + 4
        return cls(np.zeros((batch, size)), np.zeros((batch, size, 3)),
                   np.zeros((batch, 2), np.int64), np.zeros((batch, 3)))


@inline
def give(queue: Queue, drive: Drive, b: int, now: float, v: float, w: float,
         vy: float = 0.0) -> None:
    """
    Queue a command, limited to what the drive can do; it takes effect a dead time later.

    :param v: forward speed [m/s]; w: turn rate [rad/s]; vy: speed to the left [m/s].
    """
    v = min(max(v, -drive.max_reverse_speed), drive.max_speed)
    w = min(max(w, -drive.max_turn_rate), drive.max_turn_rate)
    side = drive.max_lateral_speed if drive.kind == OMNIDIRECTIONAL else 0.0
    size = queue.due.shape[1]
    first, count = queue.ends[b, 0], queue.ends[b, 1]
    newest = (first + count - 1) % size
    crowded = count > 0 and now + drive.latency - queue.due[b, newest] < SHORTEST_STEP
    if not crowded:
        newest = (newest + 1) % size
        queue.due[b, newest] = now + drive.latency
        queue.ends[b, 1] += 1
    queue.command[b, newest, 0] = v
    queue.command[b, newest, 1] = min(max(vy, -side), side)
    queue.command[b, newest, 2] = w


@inline
def take_due(queue: Queue, b: int, now: float) -> float:
    """Put into effect what is due; return the time [s] until the next is, inf when none waits."""
    size = queue.due.shape[1]
    while queue.ends[b, 1] > 0:
        first = queue.ends[b, 0]
        wait = queue.due[b, first] - now
        if wait > 1e-9:
            return float(wait)
        for k in range(3):
            queue.target[b, k] = queue.command[b, first, k]
        queue.ends[b, 0] = (first + 1) % size
        queue.ends[b, 1] -= 1
    return np.inf


@inline
def follow(drive: Drive, target: NDArray[np.float64], wheels: NDArray[np.float64],
           span: float) -> tuple[float, float, float]:
    """
    Let what the wheels do follow the command in effect, in place.

    :param target: vx, vy [m/s], wz [rad/s] in base_link.
    :param wheels: vx, vy, wz as the wheels roll, and the steering angle [rad], shape (4,).
    :param span: [s].
    :return: means of vx, vy, wz over the span.
    """
    wheels[0], vx = respond(wheels[0], target[0], drive.acceleration, drive.deceleration,
                            drive.lag, span)
    if drive.kind == ACKERMANN:
        wheels[3], steer = approach(wheels[3], steering(drive, target, wheels[3]),
                                    drive.steer_rate, drive.lag, span)
        wheels[2] = wheels[0] * np.tan(wheels[3]) / drive.wheel_base
        return vx, 0.0, vx * np.tan(steer) / drive.wheel_base
    vy = 0.0
    if drive.kind == OMNIDIRECTIONAL:
        wheels[1], vy = respond(wheels[1], target[1], drive.lateral_acceleration,
                                drive.lateral_acceleration, drive.lag, span)
    wheels[2], w = respond(wheels[2], target[2], drive.turn_acceleration,
                           drive.turn_acceleration, drive.lag, span)
    return vx, vy, w


@inline
def steering(drive: Drive, target: NDArray[np.float64], now: float) -> float:
    """
    Choose the angle whose curvature is that of a command, as far as the drive can steer.

    A command without speed leaves the wheels as they are: such a drive cannot turn in place.

    :param target: vx, vy [m/s], wz [rad/s] in base_link; now: present angle [rad].
    """
    if abs(target[0]) < CRAWL:
        return now
    wanted = np.arctan(drive.wheel_base * target[2] / target[0])
    return float(min(max(wanted, -drive.max_steer), drive.max_steer))


@inline
def respond(
    value: float, target: float, rise: float, fall: float, lag: float, step: float,
) -> tuple[float, float]:
    """
    Follow a set point for a while: a first-order lag whose slope is limited. Closed form.

    :param value: velocity at the start; target: the set point.
    :param rise: largest acceleration away from zero; fall: towards zero.
    :param lag: time constant [s]; step: duration [s].
    :return: velocity at the end, and its mean over the step.
    """
    if value * target < 0.0:
        to_zero = abs(value) / fall
        if to_zero >= step:
            end = value - np.sign(value) * fall * step
            return end, 0.5 * (value + end)
        rest = step - to_zero
        end, mean = approach(0.0, target, rise, lag, rest)
        return end, (0.5 * value * to_zero + mean * rest) / step
    return approach(value, target, rise if abs(target) > abs(value) else fall, lag, step)


@inline
def approach(
        value: float, target: float, limit: float, lag: float, step: float) -> tuple[float, float]:
    """Do as :func:`respond` with one limit of the slope in all directions."""
    error = target - value
    ramp = min(max(abs(error) / limit - lag, 0.0), step)
    middle = value + np.sign(error) * limit * ramp
    area = 0.5 * (value + middle) * ramp
    rest = step - ramp
    if rest <= 0.0:
        return middle, area / step
    if lag <= 0.0:
        return target, (area + target * rest) / step
    decay = np.exp(-rest / lag)
    area += target * rest + (middle - target) * lag * (1.0 - decay)
    return target + (middle - target) * decay, area / step


@inline
def arc(
    x: float, y: float, yaw: float, v: float, w: float, t: float, vy: float = 0.0,
) -> tuple[float, float, float]:
    """
    Move along the exact arc of a constant twist.

    :param v: forward speed [m/s]; w: turn rate [rad/s]; t: duration [s]; vy: speed to the left.
    :return: x, y, yaw at its end; yaw is not wrapped.
    """
    half = 0.5 * w * t
    chord = t * (1.0 - half * half / 6.0 if abs(half) < 1e-4 else np.sin(half) / half)
    ahead, left = v * chord, vy * chord
    c, s = np.cos(yaw + half), np.sin(yaw + half)
    return x + ahead * c - left * s, y + ahead * s + left * c, yaw + 2.0 * half
