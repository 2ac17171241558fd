"""
All the ways a robot may take until it stands, whatever becomes of its commands: a tube.

Known are the measured twist, the commands that may be in effect (one of them the command that is
judged) and the limits of the drive. At each instant every component of the twist then lies in an
interval: it can leave the measured value no faster than the drive allows, never leaves the hull
of measured value, commands and zero (a ramp moves towards its target and a lag averages), and
once a stop is in effect, at `tau` at the latest, it falls at the trusted deceleration or harder.

Time is cut into slices. In slice k the nominal twist c_k is the middle of the intervals and w_k
their half width. A body that follows another twist within them is off the nominal pose by a turn
of at most D_k = sum w_turn dt and, in the nominal frame, by at most (Gronwall's estimate,
componentwise)

    X_k = sum (w_x + V_x D^2/2 + V_y D) dt + sum_j (Theta_k - Theta_j) a_y,j dt_j,

likewise Y_k, with V = |c| + w, a_y the bracket of Y, and Theta the absolute turn of the nominal
motion. Each edge of the footprint, moved out by what these take along its normal, by the lever of
its corners times the turn, and by the way within the slice, bounds all footprints of the slice: a
convex polygon. A point outside the polygons of all slices is met by none of these motions. What
moves at V itself is outside while it stays V*t away. It is the reachability of verified obstacle
avoidance (Mitsch, Ghorbal, Platzer 2013, 2017: passive safety) with whole footprints.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import prod

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.body import Body
from synth_nodes.safety.rules import reaction_time, SafetyRules
from synth_nodes.safety.sources import sinc
from synth_nodes.types import RobotSpec

Array = NDArray[np.float64]
SHARPEST = 1.5
"""How many times its stated deceleration a drive may reach."""
ACTING, BRAKING = 2, 8
"""Slices until the command is in effect, as many until a stop is, and of braking."""
SIGNS = np.array((1.0, -1.0))[:, None, None]
TICKS = np.arange(BRAKING + 1)[:, None]
FEW = 16384
"""Levels of points on edges of polygons that are computed at once; of more, edge by edge."""
CRAWL = 0.05
"""Speed [m/s] below which the steering of an Ackermann drive cannot be told from its twist."""


@dataclass(frozen=True)
class Limits:
    """What a drive can do, as the tube needs it."""

    tau: float
    """Time [s] from a verdict until a stop by the next one is in effect; age not counted."""
    act: float
    """Time [s] until the command that is judged is in effect at the latest."""
    rise: Array
    """Fastest gain of |vx|, |vy| [m/s^2] and |w| [rad/s^2], shape (3, 1)."""
    fall: Array
    """Fastest loss of them, shape (3, 1)."""
    change: Array
    """The greater of both, shape (3, 1)."""
    brake: Array
    """Decelerations of vx, vy and w that are relied upon, shape (3, 1); turning of a steered drive
    stops with its travel: as good as infinite."""
    tail: float
    """Time [s] for which a lagging drive, due to stand, still moves faster than standstill."""
    curvature: float
    """Tightest arc of an Ackermann drive [1/m]; 0 for others."""
    curvature_change: float
    """Fastest change of that [1/m/s]."""
    steps: Array
    """Slices until a stop is in effect [s], shape (2 * ACTING, 1)."""


@dataclass(frozen=True)
class Tube:
    """
    Polygons of K slices for R robots, given by the lines of their E edges.

    R may be two axes: one for parts of the command that are tried, the last one for robots.
    """

    normal_x: Array
    """Outward normals in present base_link, shape (E, K, R)."""
    normal_y: Array
    offset: Array
    """Distance of the lines from base_link [m], shape (E, K, R)."""
    times: Array
    """End of each slice [s], shape (K, R)."""
    box: Array
    """Least x, least y, greatest x, greatest y [m] of all polygons, shape (4, R)."""

    def some(self, which: slice, parts: int = 0) -> 'Tube':
        """Take some of the tubes; with parts, their R = parts * robots gets two axes."""
        arrays = (a[..., which] for a in (
            self.normal_x, self.normal_y, self.offset, self.times, self.box))
        return Tube(*(a.reshape(*a.shape[:-1], parts, -1) if parts else a for a in arrays))

    @property
    def last(self) -> 'Tube':
        """The last slices, where the robots come to stand."""
        return Tube(self.normal_x[:, -1:], self.normal_y[:, -1:], self.offset[:, -1:],
                    self.times[-1:], self.box)

    def at(self, part: NDArray[np.intp]) -> 'Tube':
        """Pick one of the parts for each robot, shape (R,), where R has two axes."""
        robot = np.arange(len(part))
        return Tube(*(a[..., part, robot] for a in (
            self.normal_x, self.normal_y, self.offset, self.times, self.box)))


@lru_cache(maxsize=64)
def limits_of(rules: SafetyRules, robot: RobotSpec) -> Limits:
    """Collect the limits of a drive; each of its axes is taken to brake by itself."""
    brake = min(rules.braking.deceleration, robot.deceleration)
    gain, sharp = robot.acceleration, SHARPEST * robot.deceleration
    side, side_brake, turn = sharp, brake, robot.turn_acceleration
    if robot.drive == 'omnidirectional':
        side, side_brake = (SHARPEST * robot.lateral_acceleration,
                            min(brake, robot.lateral_acceleration))
    tightest = swing = 0.0
    if robot.drive == 'ackermann':
        tightest = float(np.tan(robot.max_steer)) / robot.wheel_base
        swing = robot.steer_rate / (robot.wheel_base * float(np.cos(robot.max_steer)) ** 2)
        turn = robot.max_speed * swing + max(gain, sharp) * tightest
    turn_brake = 1e9 if tightest else turn
    lag = robot.actuator_lag
    left = brake * lag / rules.standstill
    tau = reaction_time(rules, robot)
    act = tau - rules.command.period
    rise, fall = np.array([[gain], [side], [turn]]), np.array([[sharp], [side], [turn]])
    return Limits(
        tau, act, rise, fall, np.maximum(rise, fall),
        np.array([[brake], [side_brake], [turn_brake]]),
        lag * max(float(np.log(left)) - 1.0, 0.0) if left > 0.0 else 0.0, tightest, swing,
        np.repeat((act, tau - act), ACTING)[:, None] / ACTING)


def tubes(body: Body, limits: Limits, velocity: Array, targets: Array, age: Array,
          delay: Array) -> Tube:
    """
    Make the tubes of R robots.

    :param velocity: vx, vy [m/s], w [rad/s], shape (3, R).
    :param targets: commands that may be in effect until a stop is, shape (C, 3, R).
    :param age: of the points, which were carried to the present by the velocity [s], shape (R,).
    :param delay: age of the velocity [s], shape (R,).
    """
    upper, span = _intervals(limits, velocity, targets, delay)
    middle, width = (upper[0] - upper[1]) / 2, (upper[0] + upper[1]) / 2
    size = np.abs(middle)
    since = np.maximum(age * age / 2, age * delay) * limits.change
    turn, swing = middle[2] * span, size[2] * span
    heading, total, strayed, times = np.add.accumulate(
        np.array((turn, swing, width[2] * span, span)), axis=1)
    off = since[2] + strayed
    errors = _errors(size + width, width, off, span, total, total - swing, since)
    ways = size[:2] * span
    moved = errors + ways / 2 + ways[::-1] * swing / 8
    spread = np.minimum(off + swing / 2, 1.0)
    angle = heading - turn / 2
    c, s = np.cos(angle), np.sin(angle)
    steps = span * sinc(turn / 2) * np.array(_rotated(c, s, middle))
    x, y = np.add.accumulate(steps, axis=1) - steps / 2
    normals = body.normals.T[..., None, None]
    wide = np.abs(normals)
    grown = wide[0] * moved[0] + wide[1] * moved[1] + body.levers[:, None, None] * spread
    normal_x, normal_y = _rotated(c, s, normals)
    offset = body.offsets[:, None, None] + grown + normal_x * x + normal_y * y
    times[-1] += limits.tail
    return Tube(normal_x, normal_y, offset, times, _box(body, grown, c, s, x, y))


def _rotated(c: Array, s: Array, vectors: Array) -> tuple[Array, Array]:
    """Turn vectors (x, y, ...) by angles of which cosines and sines are given."""
    x, y = vectors[:2]
    return c * x - s * y, s * x + c * y


def clearances(tube: Tube, robot: NDArray[np.intp], x: Array, y: Array, speed: Array) -> Array:
    """
    Level [m] at which points stay outside their robots' tubes: positive outside, shape (..., M).

    :param robot: index of the robot of each point, shape (M,).
    :param x, y: base_link [m], shape (M,).
    :param speed: at which each point may move [m/s], shape (M,).
    """
    nx, ny, offset, times = tube.normal_x, tube.normal_y, tube.offset, tube.times
    if offset.shape[-1] > 1:
        nx, ny, offset, times = (a[..., robot] for a in (nx, ny, offset, times))
    if prod(offset.shape[:-1]) * len(x) <= FEW:
        outside = (nx * x + ny * y - offset).max(axis=0)
    else:
        outside = np.full((*times.shape[:-1], len(x)), -np.inf)
        for a, b, c in zip(nx, ny, offset, strict=True):
            level = a * x
            level += b * y
            level -= c
            np.maximum(outside, level, out=outside)
    outside -= times * speed
    return np.asarray(outside.min(axis=0))


def in_box(tube: Tube, robot: NDArray[np.intp], x: Array, y: Array,
           slack: Array) -> NDArray[np.bool_]:
    """
    Whether points are near enough to a tube to be less than a level outside, shape (..., M).

    :param slack: the level times the stretch of the footprint [m], shape (R,).
    """
    (low_x, low_y), (high_x, high_y) = tube.box[:2] - slack, tube.box[2:] + slack
    if tube.box.shape[-1] > 1:
        low_x, low_y, high_x, high_y = (a[..., robot] for a in (low_x, low_y, high_x, high_y))
    return np.asarray((x >= low_x) & (x <= high_x) & (y >= low_y) & (y <= high_y))


def _box(body: Body, grown: Array, c: Array, s: Array, x: Array, y: Array) -> Array:
    """Bounds of polygons whose edges have moved out by what they have grown, (E, K, R)."""
    before = np.concatenate((grown[-1:], grown[:-1]))
    first, second = body.joints.transpose(1, 0, 2)[..., None, None]
    cx, cy = body.corners.T[..., None, None] + first * before + second * grown
    both = np.array((x + c * cx - s * cy, y + s * cx + c * cy)).reshape(
        2, len(grown) * len(c), -1)
    return np.concatenate((both.min(axis=1), both.max(axis=1)))


def _errors(bound: Array, width: Array, off: Array, span: Array, total: Array, before: Array,
            since: Array) -> Array:
    """Bounds [m] on how far the true position is off the nominal one, shape (2, K, R)."""
    rates = width[:2] + bound[:2] * (off * off / 2) + bound[1::-1] * off
    steps = rates * span
    sums = since[:2, None] + np.add.accumulate(steps, axis=1)
    turned = total * sums[::-1] - np.add.accumulate(before * steps[::-1], axis=1)
    return np.asarray(sums + turned)


def _intervals(limits: Limits, velocity: Array, targets: Array,
               delay: Array) -> tuple[Array, Array]:
    """
    Intervals of the twist in each slice.

    :return: their upper ends and, negated, their lower ends, shape (2, 3, K, R); durations of the
        slices [s], shape (K, R).
    """
    reacting = len(limits.steps)
    ends = np.add.accumulate(limits.steps, axis=0) + delay
    upper = np.empty((2, 3, reacting + BRAKING, len(delay)))
    acting, braking = upper[:, :, :reacting], upper[:, :, reacting:]
    _upper(limits, velocity * SIGNS, targets[:, None] * SIGNS, ends, acting)
    if limits.curvature:
        arcs = _curvatures(limits, velocity, targets, ends)
        _steer(acting, arcs)
    top = acting[:, :, -1]
    whole = np.maximum((top.max(axis=0) / limits.brake).max(axis=0), 1e-9)
    span = np.empty(upper.shape[2:])
    span[:reacting], span[reacting:] = limits.steps, whole / BRAKING
    braking[:] = _braking(top, limits, TICKS * (whole / BRAKING))
    if limits.curvature:
        _steer(braking, (arcs[0][-1:], arcs[1][-1:]))
    return upper, span


def _upper(limits: Limits, velocity: Array, targets: Array, ends: Array, out: Array) -> None:
    """
    Upper ends of the intervals until a stop is in effect, shape (2, 3, 2 * ACTING, R).

    Until the command that is judged (the last of the targets) is in effect, any of the targets
    may be; from then on the twist moves towards that command, or to zero.

    :param velocity: of either sign, shape (2, 3, R); targets: likewise, shape (C, 2, 3, R).
    """
    most = np.maximum(np.maximum(targets.max(axis=0), velocity), 0.0)[:, :, None]
    last = np.maximum(targets[-1], 0.0)[:, :, None]
    # What moves the other way slows down at first, and then gains speed.
    gain = np.where(velocity >= 0.0, limits.rise, limits.change)[:, :, None]
    np.minimum(velocity[:, :, None] + gain * ends, most, out=out)
    before = out[:, :, ACTING - 1:ACTING]
    since = (ends[ACTING:] - ends[ACTING - 1]) - (limits.tau - limits.act) / ACTING
    sinking = np.maximum(before - limits.brake[:, None] * since, last)
    out[:, :, ACTING:] = np.where(before > last, sinking, np.minimum(out[:, :, ACTING:], last))


def _braking(top: Array, limits: Limits, steps: Array) -> Array:
    """Upper end of intervals, shape (2, 3, BRAKING, R), that was `top` when braking began."""
    top = top[:, :, None]
    return np.where(top > 0.0, np.maximum(top - limits.brake[:, None] * steps[:-1], 0.0),
                    np.minimum(top + limits.fall[:, None] * steps[1:], 0.0))


def _curvatures(limits: Limits, velocity: Array, targets: Array,
                ends: Array) -> tuple[Array, Array]:
    """Least and greatest curvature [1/m] of a steered drive in each slice of reacting."""
    top = limits.curvature

    def bounds(v: Array, w: Array, otherwise: float) -> tuple[Array, Array]:
        slow = np.abs(v) < CRAWL
        arc = np.clip(w / np.where(slow, 1.0, v), -top, top)
        return np.where(slow, -otherwise, arc), np.where(slow, otherwise, arc)
    first, last = bounds(velocity[0], velocity[2], top)
    some, more = bounds(targets[:, 0], targets[:, 2], 0.0)
    least = np.minimum(np.minimum(some.min(axis=0), first), 0.0)
    most = np.maximum(np.maximum(more.max(axis=0), last), 0.0)
    return (np.maximum(first - limits.curvature_change * ends, least),
            np.minimum(last + limits.curvature_change * ends, most))


def _steer(upper: Array, arcs: tuple[Array, Array]) -> None:
    """Put the turns that speeds and curvatures give together in the place of the stated ones."""
    turns = np.array([v * arc for v in (-upper[1, 0], upper[0, 0]) for arc in arcs])
    upper[0, 2], upper[1, 2] = turns.max(axis=0), -turns.min(axis=0)
