"""
The kernel of the wheel odometry: ways of wheels to poses, and their covariance to first order.

Beside the covariance of the pose goes that with the things that are wrong: a scale of each wheel,
the track, and two shares that the robot slips (Smith, Self, Cheeseman 1990).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.world.drive import arc
from synth_nodes.world.jit import inline, inline_maker, kernel


class Errors(NamedTuple):
    """What is wrong with the wheels of B robots."""

    scale: NDArray[np.float64]
    """Shape (B, W): share of each radius that is too much."""
    track: NDArray[np.float64]
    """Shape (B,): share that every turn is taken for more than it is."""
    slip: float
    """Standard deviation of a wheel's way after one metre [m]."""
    tick: float
    """Way of a rim between two ticks [m]; 0: ways are exact."""
    share: NDArray[np.float64]
    """Shape (2,): standard deviation of the shares of way and turn that the robot slips."""
    share_time: float
    """Time after which they have become others [s]."""


class Counter(NamedTuple):
    """What has been counted, and what is known about the errors."""

    way: NDArray[np.float64]
    """Shape (B, W): rolled so far as the encoder has it, in ticks where there are any, else m."""
    phase: NDArray[np.float64]
    """Shape (B, W): where in a tick each wheel has started."""
    body: NDArray[np.float64]
    """Shape (3, W): ways to dx, dy, dyaw."""
    rounding: NDArray[np.float64]
    """Shape (3, 3): covariance of dx, dy, dyaw by what a tick leaves out."""
    known: NDArray[np.float64]
    """Shape (E, E): covariance of scales, track, two shares; E = W + 3."""
    both: NDArray[np.float64]
    """Shape (B, 3, E): covariance of pose and these."""


@kernel
def advance(ways: NDArray[np.float64], dt: float, noise: NDArray[np.float64], errors: Errors,
            counter: Counter, pose: NDArray[np.float64], velocity: NDArray[np.float64],
            own: NDArray[np.float64], velocity_covariance: NDArray[np.float64]) -> None:
    """
    Advance poses and their covariances in place.

    :param ways: true ways of the rims [m], shape (B, W); noise: standard normal, likewise.
    :param own: covariance of the pose, but for what the present ticks leave out, (B, 3, 3).
    """
    wheels, many = ways.shape[1], counter.known.shape[0]
    by_error = np.zeros((3, many))
    by_slip = np.zeros((3, 3))
    fade = np.exp(-dt / errors.share_time)
    for b in range(ways.shape[0]):
        _clear(by_error)
        _clear(by_slip)
        moved = np.zeros(3)
        for w in range(wheels):
            variance = errors.slip * errors.slip * abs(ways[b, w])
            rolled = (1.0 + errors.scale[b, w]) * ways[b, w] + np.sqrt(variance) * noise[b, w]
            counted = _count(counter, errors.tick, b, w, rolled)
            for i in range(3):
                moved[i] += counter.body[i, w] * counted
                by_error[i, w] = counter.body[i, w] * counted
                for j in range(3):
                    by_slip[i, j] += counter.body[i, w] * counter.body[j, w] * variance
        moved[2] *= 1.0 + errors.track[b]
        by_error[2, wheels] = moved[2]
        by_error[0, wheels + 1], by_error[1, wheels + 1] = -moved[0], -moved[1]
        by_error[2, wheels + 2] = -moved[2]
        _spread_velocity(by_error, by_slip, counter, dt, velocity_covariance[b])
        _carry(moved, pose[b, 2], by_error, by_slip, counter.known, own[b], counter.both[b])
        for i in range(3):
            for e in range(wheels + 1, many):
                counter.both[b, i, e] *= fade
            velocity[b, i] = moved[i] / dt
        x, y, yaw = arc(pose[b, 0], pose[b, 1], pose[b, 2], velocity[b, 0], velocity[b, 2], dt,
                        velocity[b, 1])
        pose[b, 0], pose[b, 1] = x, y
        pose[b, 2] = yaw - 2.0 * np.pi * np.floor(yaw / (2.0 * np.pi) + 0.5)
    for k in range(2):
        e = wheels + 1 + k
        counter.known[e, e] += (1.0 - fade * fade) * (
            errors.share[k] ** 2 - counter.known[e, e])


# Loops over elements, here and below: slices take numba seconds to compile.
@inline
def _clear(matrix: NDArray[np.float64]) -> None:
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            matrix[i, j] = 0.0


@inline_maker
def _turned(c: float, s: float, x: float, y: float) -> NDArray[np.float64]:
    """Return the planar motion with a turn of cosine c and sine s, shape (3, 3)."""
    out = np.zeros((3, 3))
    out[0, 0], out[0, 1], out[0, 2] = c, -s, x
    out[1, 0], out[1, 1], out[1, 2] = s, c, y
    out[2, 2] = 1.0
    return out


@inline
def _count(counter: Counter, tick: float, b: int, w: int, rolled: float) -> float:
    """Count a wheel on; return the way [m] that its encoder has seen."""
    if tick <= 0.0:
        counter.way[b, w] += rolled
        return rolled
    before = counter.way[b, w]
    counter.way[b, w] += rolled / tick
    phase = counter.phase[b, w]
    return float(tick * (np.floor(counter.way[b, w] + phase) - np.floor(before + phase)))


@inline
def _spread_velocity(by_error: NDArray[np.float64], by_slip: NDArray[np.float64],
                     counter: Counter, dt: float, out: NDArray[np.float64]) -> None:
    """Fill in the covariance of the velocity; what a tick leaves out counts at both ends."""
    for i in range(3):
        for j in range(3):
            total = by_slip[i, j] + 2.0 * counter.rounding[i, j]
            for e in range(by_error.shape[1]):
                for f in range(by_error.shape[1]):
                    total += by_error[i, e] * counter.known[e, f] * by_error[j, f]
            out[i, j] = total / (dt * dt)


@inline_maker
def _carry(moved: NDArray[np.float64], yaw: float, by_error: NDArray[np.float64],
           by_slip: NDArray[np.float64], known: NDArray[np.float64], own: NDArray[np.float64],
           both: NDArray[np.float64]) -> None:
    """Carry the covariance of a pose and that with the errors along one short arc, in place."""
    many = known.shape[0]
    middle = yaw + 0.5 * moved[2]
    c, s = np.cos(middle), np.sin(middle)
    dx, dy = moved[0] * c - moved[1] * s, moved[0] * s + moved[1] * c
    turn, on = _turned(c, s, -0.5 * dy, 0.5 * dx), _turned(1.0, 0.0, -dy, dx)
    by = np.zeros((3, many))
    for i in range(3):
        for e in range(many):
            for j in range(3):
                by[i, e] += turn[i, j] * by_error[j, e]
    carried = np.zeros((3, many))
    gained = np.zeros((3, many))
    for i in range(3):
        for e in range(many):
            for j in range(3):
                carried[i, e] += on[i, j] * both[j, e]
            for f in range(many):
                gained[i, e] += by[i, f] * known[f, e]
    spread = np.zeros((3, 3))
    for i in range(3):
        for j in range(3):
            for k in range(3):
                for n in range(3):
                    spread[i, j] += (on[i, k] * own[k, n] * on[j, n]
                                     + turn[i, k] * by_slip[k, n] * turn[j, n])
            for e in range(many):
                spread[i, j] += (carried[i, e] * by[j, e] + by[i, e] * carried[j, e]
                                 + gained[i, e] * by[j, e])
    for i in range(3):
        for j in range(3):
            own[i, j] = spread[i, j]
        for e in range(many):
            both[i, e] = carried[i, e] + gained[i, e]
