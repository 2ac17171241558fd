"""Sensor data as the safety core takes it: points in base_link with an age and a judgement."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.body import body_of
from synth_nodes.safety.rules import SourceRules
from synth_nodes.safety.unseen import unseen_points

Array = NDArray[np.float64]


@dataclass(frozen=True)
class RobotState:
    """How the robot moves, as measured."""

    velocity: Array
    """vx [m/s], vy [m/s], w [rad/s] in base_link, shape (3,); NaN where unknown."""
    age: float
    """Time since the measurement [s]; negative for a stamp from the future."""
    pending: Array = field(default_factory=lambda: np.zeros((0, 3)))
    """Commands sent during the last reaction time, which may still take effect, shape (C, 3)."""


@dataclass(frozen=True)
class Sent:
    """Commands that went out and may still take effect."""

    commands: tuple[tuple[float, tuple[float, float, float]], ...] = ()
    """When each went out first [s], and what it was: vx, vy [m/s], w [rad/s]; oldest first."""

    def after(self, now: float, command: tuple[float, float, float], memory: float) -> 'Sent':
        """Add a command that goes out now, and forget those replaced `memory` [s] ago."""
        kept = self.commands
        if not kept or kept[-1][1] != command:
            kept = (*kept, (now, command))
        gone = [k for k in range(1, len(kept)) if kept[k][0] <= now - memory]
        return Sent(kept[gone[-1]:] if gone else kept)

    @property
    def pending(self) -> Array:
        """The commands, shape (C, 3)."""
        return np.array([c for _, c in self.commands], float).reshape(-1, 3)


@dataclass(frozen=True)
class PointSource:
    """What one sensor saw."""

    name: str
    """Name for verdicts, such as the topic."""
    points_base: Array
    """Obstacles in base_link at the time of measurement [m], shape (N, 2)."""
    age: float
    """Time since the measurement [s]; negative for a stamp from the future."""
    valid: bool
    """False where the sensor cannot be believed; the robot then stops."""
    reason: str = ''
    """Why it is not valid, one sentence."""
    unseen_base: Array = field(default_factory=lambda: np.zeros((0, 2)))
    """Points in base_link that bound space this sensor has not seen [m], shape (N, 2)."""
    timeout: float = 0.0
    """Oldest data of it that may be used [s]; 0: the rules' limit for all sources."""


def points_from_scan(ranges: Array, angles: Array, range_min: float, range_max: float,
                     mount: Sequence[float]) -> tuple[Array, float]:
    """
    Convert a planar scan to obstacle points.

    Ranges are read as REP-117 has them: +inf, or anything beyond range_max, is free space up to
    range_max. NaN, -inf (too near) and values below range_min are not: they count as invalid.

    :param ranges: [m], shape (N,).
    :param angles: beam angles in the laser frame [rad], shape (N,).
    :param mount: pose of the laser in base_link: x [m], y [m], yaw [rad].
    :return: points in base_link [m], shape (M, 2), and the part of invalid beams, 0 to 1
        (1 for a scan without beams).
    """
    ranges, angles = np.asarray(ranges, float), np.asarray(angles, float)
    if ranges.size == 0:
        return np.zeros((0, 2)), 1.0
    usable = usable_beams(ranges, range_min)
    hit = usable & (ranges <= range_max)
    r, a = ranges[hit], angles[hit] + mount[2]
    points = np.stack((mount[0] + r * np.cos(a), mount[1] + r * np.sin(a)), axis=1)
    return points, 1.0 - float(usable.mean())


def usable_beams(ranges: Array, range_min: float) -> NDArray[np.bool_]:
    """Beams, shape (N,), that say something: neither NaN, -inf nor shorter than range_min [m]."""
    with np.errstate(invalid='ignore'):
        return np.asarray(ranges >= max(range_min, 1e-6))


def widest_gap(usable: NDArray[np.bool_], angles: Array) -> float:
    """
    Widest angle [rad] that a run of neighbouring unusable beams leaves unseen.

    A run counts from the usable beam before it to the one after, less one beam; a scan over the
    full circle is closed into a ring.

    :param usable: shape (N,).
    :param angles: increasing or decreasing beam angles [rad], shape (N,).
    """
    n = len(usable)
    if n < 2 or not usable.any():
        return 2 * np.pi if not usable.any() else 0.0
    if usable.all():
        return 0.0
    step = abs(float(angles[-1] - angles[0])) / (n - 1)
    flags = usable
    if step * n > 2 * np.pi - 1.5 * step:
        flags = np.roll(usable, -int(np.argmax(usable)))
    edges = np.flatnonzero(np.diff(np.concatenate(([1], flags.astype(np.int8), [1]))))
    return float((edges[1::2] - edges[::2]).max()) * step


def scan_source(rules: SourceRules, name: str, ranges: Array, angles: Array, range_min: float,
                range_max: float, mount: Sequence[float], age: float, *,
                footprint: tuple[float, ...] = (), reach: float = 5.0) -> PointSource:
    """
    Make a source of a scan, invalid where too much of the scan says nothing.

    :param ranges: [m], shape (N,); the other arguments as for :func:`points_from_scan`.
    :param age: time since the measurement [s].
    :param footprint: of the robot, as in RobotSpec; with it the source says what is unseen.
    :param reach: how far from the laser unseen space matters [m]; see
        :func:`synth_nodes.safety.rules.unseen_reach`.
    """
    ranges, angles = np.asarray(ranges, float), np.asarray(angles, float)
    if ranges.ndim != 1 or ranges.shape != angles.shape:
        return PointSource(name, np.zeros((0, 2)), age, False,
                           f'{ranges.size} ranges do not fit {angles.size} angles')
    points, invalid = points_from_scan(ranges, angles, range_min, range_max, mount)
    if invalid > rules.max_invalid:
        return PointSource(name, points, age, False, f'{invalid:.0%} of its beams are invalid, '
                           f'more than {rules.max_invalid:.0%}')
    usable = usable_beams(ranges, range_min)
    gap = widest_gap(usable, angles)
    if gap > rules.max_invalid_angle:
        return PointSource(name, points, age, False, f'it is blind over {gap:.2f} rad, '
                           f'more than {rules.max_invalid_angle:.2f} rad')
    if not footprint or rules.unseen == 'free':
        return PointSource(name, points, age, True)
    hidden = unseen_points(ranges, angles, usable, range_max, mount, body_of(footprint), reach,
                           rules.smallest_obstacle)
    return PointSource(name, points, age, True, unseen_base=hidden)


def refusal(rules: SourceRules, source: PointSource) -> str:
    """Say why a source may not be used; empty where it may."""
    if not source.valid:
        return source.reason or 'it is marked invalid'
    own = replace(rules, timeout=source.timeout) if source.timeout else rules
    late = age_problem(own, source.age)
    if late:
        return f'its data {late}'
    points = source.points_base
    if points.ndim != 2 or points.shape[1] != 2:
        return f'its points have shape {points.shape}, not (N, 2)'
    if not (np.isfinite(points).all() and np.isfinite(source.unseen_base).all()):
        return 'its points are not all finite'
    return ''


def age_problem(rules: SourceRules, age: float) -> str:
    """Say what is wrong with an age [s]; empty where it will do. NaN is never fresh."""
    if not age <= rules.timeout:
        return f'is {age:.2f} s old, more than {rules.timeout:.2f} s'
    if age < -rules.future_tolerance:
        return f'is stamped {-age:.2f} s ahead of the clock'
    return ''


def shifted(points: Array, velocity: Array, age: float) -> Array:
    """
    Carry points from the base_link of their measurement to the present one.

    :param points: [m], shape (N, 2).
    :param velocity: of the robot, held constant: vx, vy [m/s], w [rad/s], shape (3,).
    :param age: time since the measurement [s].
    """
    x, y = carried(points[:, 0], points[:, 1], velocity[:, None], np.array([age]))
    return np.stack((x, y), axis=1)


def carried(x: Array, y: Array, velocity: Array, age: Array) -> tuple[Array, Array]:
    """
    Carry coordinates of points, shape (..., N), as :func:`shifted` does.

    :param velocity: shape (3, ..., 1), or (3,) with one age; age: [s], shape (..., 1).
    """
    vx, vy, w = velocity
    turn = w * age
    half = turn / 2
    chord, c, s = sinc(half) * age, np.cos(half), np.sin(half)
    x, y = x - chord * (vx * c - vy * s), y - chord * (vx * s + vy * c)
    c, s = np.cos(turn), np.sin(turn)
    return x * c + y * s, y * c - x * s


def sinc(angle: Array) -> Array:
    """Sine of an angle [rad] over the angle; 1 at 0."""
    angle = np.where(angle == 0.0, 1e-20, angle)
    return np.asarray(np.sin(angle) / angle)
