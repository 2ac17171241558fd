"""How a drive follows its commands: closed forms of lag, limits, dead time and arcs."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.types import RobotSpec
from synth_nodes.world.jit import inline

SHORTEST_STEP = 0.004
"""Commands closer in time than this [s] share a place in the dead-time queue."""


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

    @classmethod
    def of(cls, robot: RobotSpec) -> 'Drive':
        """Take the limits of a robot."""
        return cls(*(float(v) for v in (
            robot.max_speed, robot.max_reverse_speed, robot.max_turn_rate, robot.acceleration,
            robot.deceleration, robot.turn_acceleration, robot.actuator_lag,
            robot.command_latency)))


class Queue(NamedTuple):
    """Commands that have been given and not yet taken effect, for B robots."""

    due: NDArray[np.float64]
    """Shape (B, Q): when each takes effect [s], a ring."""
    command: NDArray[np.float64]
    """Shape (B, Q, 2): v [m/s], w [rad/s]."""
    ends: NDArray[np.int64]
    """Shape (B, 2): index of the oldest, and how many wait."""
    target: NDArray[np.float64]
    """Shape (B, 2): the command in effect."""

    @classmethod
    def empty(cls, batch: int, latency: float) -> 'Queue':
        """Make room for what may wait during the dead time."""
        size = int(latency / SHORTEST_STEP) + 4
        return cls(np.zeros((batch, size)), np.zeros((batch, size, 2)),
                   np.zeros((batch, 2), np.int64), np.zeros((batch, 2)))


@inline
def give(queue: Queue, drive: Drive, b: int, now: float, v: float, w: float) -> None:
    """Queue a command, limited to what the drive can do; it takes effect a dead time later."""
    v = min(max(v, -drive.max_reverse_speed), drive.max_speed)
    w = min(max(w, -drive.max_turn_rate), drive.max_turn_rate)
    size = queue.due.shape[1]
    first, count = queue.ends[b]
    newest = (first + count - 1) % size
    crowded = count > 0 and now + drive.latency - queue.due[b, newest] < SHORTEST_STEP
    if not crowded:
        newest = (newest + 1) % size
        queue.due[b, newest] = now + drive.latency
        queue.ends[b, 1] += 1
    queue.command[b, newest, 0] = v
    queue.command[b, newest, 1] = w


@inline
def take_due(queue: Queue, b: int, now: float) -> float:
    """Put into effect what is due; return the time [s] until the next is, inf when none waits."""
    size = queue.due.shape[1]
    while queue.ends[b, 1] > 0:
        first = queue.ends[b, 0]
        wait = queue.due[b, first] - now
        if wait > 1e-9:
            return float(wait)
        queue.target[b, 0] = queue.command[b, first, 0]
        queue.target[b, 1] = queue.command[b, first, 1]
        queue.ends[b, 0] = (first + 1) % size
        queue.ends[b, 1] -= 1
    return np.inf


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
        end, mean = _approach(0.0, target, rise, lag, rest)
        return end, (0.5 * value * to_zero + mean * rest) / step
    return _approach(value, target, rise if abs(target) > abs(value) else fall, lag, step)


@inline
def _approach(
        value: float, target: float, limit: float, lag: float, step: float) -> tuple[float, float]:
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
    x: float, y: float, yaw: float, v: float, w: float, t: float,
) -> tuple[float, float, float]:
    """
    Move along the exact arc of a constant twist.

    :param v: forward speed [m/s]; w: turn rate [rad/s]; t: duration [s].
    :return: x, y, yaw at its end; yaw is not wrapped.
    """
    half = 0.5 * w * t
    chord = v * t * (1.0 - half * half / 6.0 if abs(half) < 1e-4 else np.sin(half) / half)
    return x + chord * np.cos(yaw + half), y + chord * np.sin(yaw + half), yaw + 2.0 * half
