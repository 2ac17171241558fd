"""
How fast a command may be followed so that the robot can always still stop in time.

The braking rule is the stopping distance of road and machine safety (reaction way plus braking
way: ISO 13855:2010, clause 5, S = K*T + C; the same form as RSS, Shalev-Shwartz et al. 2017,
lemma 2), written for a twist that is scaled by s and keeps its curvature. In the command's own
time, in which contact comes after T at s = 1, a robot that follows s*twist for the reaction time
tau and then brakes along the arc within s*t_b travels s*tau + s^2*t_b/2. What comes nearer with
speed V over all that time takes V*(tau + s*t_b) of the way, which the point, passing at speed u,
has in V*(tau + s*t_b)/u. So s is allowed while

    s*tau + s^2*t_b/2 + (V/u)*(tau + s*t_b) <= T,      t_b = max(v/b, |w|/alpha).

For straight motion this is  v*tau + v^2/(2b) + V*t_stop + margin <= gap: T is counted to the
footprint grown by the margin.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.body import Body
from synth_nodes.safety.sweep import entry_times, may_touch
from synth_nodes.types import RobotSpec

Array = NDArray[np.float64]
LEVEL_STEP = 0.001
"""Loss of clearance [m] that still counts as none."""
_FEW = 128
"""Points that are swept without looking first whether they can be hit at all."""


@dataclass(frozen=True)
class Motion:
    """A twist whose following is to be judged, with the times that its stopping takes."""

    twist: Array
    """vx [m/s], vy [m/s], w [rad/s] in base_link, shape (3,)."""
    speed: float
    """Upper bound [m/s] on the speed of any part of the footprint."""
    brake_time: float
    """Time [s] from full twist to standstill."""


@dataclass(frozen=True)
class Sweep:
    """A motion along which the time to contact with each point is asked for."""

    motion: Motion
    levels: Array
    """Level of the footprint that counts as contact with each point [m], shape (N,)."""
    horizon: float
    """Contacts later than this [s] are of no interest."""
    extra: float = 0.0
    """Way [m] by which contacts beyond the horizon are still of interest."""


def motion_of(twist: Array, body: Body, robot: RobotSpec, deceleration: float) -> Motion:
    """Describe a twist: the speed of its fastest part and the time braking takes."""
    speed, brake_time = paces(np.asarray(twist)[None], body, robot, deceleration)
    return Motion(twist, float(speed[0]), float(brake_time[0]))


def paces(twists: Array, body: Body, robot: RobotSpec, deceleration: float) -> tuple[Array, Array]:
    """
    Return bounds on the speed [m/s] of any part of the footprint, and times [s] to brake.

    :param twists: vx, vy [m/s], w [rad/s], shape (B, 3).
    :param deceleration: trusted [m/s^2]; the lower of this and the robot's own counts.
    :return: shapes (B,) and (B,).
    """
    v, w = np.hypot(twists[:, 0], twists[:, 1]), np.abs(twists[:, 2])
    brake = np.maximum(v / min(deceleration, robot.deceleration), w / robot.turn_acceleration)
    if robot.drive == 'omnidirectional':
        brake = np.maximum(brake, np.abs(twists[:, 1]) / robot.lateral_acceleration)
    return v + w * body.radius, brake


def allowed_scale(contact: Array, tau: Array, brake_time: Array,
                  closing: Array | float) -> Array:
    """
    Largest part s of a twist, in [0, 1], from which the robot stops before contact.

    :param contact: time T to contact at full twist [s], shape (M,), inf for never.
    :param tau: reaction time [s], shape (M,), positive.
    :param brake_time: t_b [s], shape (M,).
    :param closing: V/u, shape (M,), or one for all.
    """
    room = contact - closing * tau
    linear = tau + closing * brake_time
    with np.errstate(invalid='ignore'):
        s = 2 * room / (linear + np.sqrt(linear * linear + 2 * brake_time
                                         * np.maximum(room, 0.0)))
    return np.where(np.isinf(contact), 1.0, np.minimum(np.maximum(s, 0.0), 1.0))


def contact_times(body: Body, points: Array, sweeps: Sequence[Sweep]) -> list[Array]:
    """
    Find the times to contact along several motions at once.

    :param points: base_link [m], shape (N, 2).
    :return: for each sweep the time [s] at which each point meets the footprint's level, shape
        (N,); inf where never, or not within the sweep's horizon.
    """
    distance = np.hypot(points[:, 0], points[:, 1])
    asked, corners, twists = [], [], []
    for sweep in sweeps:
        top = body.level(float(sweep.levels.max(initial=0.0)))
        radius = float(np.hypot(top[:, 0], top[:, 1]).max())
        twist = sweep.motion.twist
        speed = float(np.hypot(twist[0], twist[1]) + abs(twist[2]) * radius)
        near = np.flatnonzero(distance <= radius + speed * sweep.horizon + sweep.extra)
        if len(near) > _FEW:
            near = near[may_touch(points[near], twist, top)]
        asked.append(near)
        corners.append(body.level(sweep.levels[near]))
        twists.append(np.broadcast_to(twist, (len(near), 3)))
    found = entry_times(points[np.concatenate(asked)], np.concatenate(twists),
                        np.concatenate(corners))
    times = [np.full(len(points), np.inf) for _ in sweeps]
    for out, near, part in zip(times, asked, np.split(found, np.cumsum(
            [len(near) for near in asked])[:-1]), strict=True):
        out[near] = part
    return times


def closing_ratio(twist: Array, x: Array, y: Array, other_speed: Array | float) -> Array:
    """
    V/u for each point, shape (M,): speed of what may come nearer over that of passing it.

    :param twist: of each point's robot, shape (3, M), or (3, 1) where all have the same.
    :param x, y: of the points, base_link [m], shape (M,).
    :param other_speed: V [m/s], shape (M,) or one for all.
    """
    vx, vy, w = twist
    passing = np.hypot(vx - w * y, vy + w * x)
    return np.asarray(other_speed / np.maximum(passing, 1e-6))


def keeping(level: float, gauge: Array, body: Body) -> Array:
    """
    Levels that a point must not cross: `level`, or its present one where it is nearer already.

    A point that has come too near thereby stops every motion that brings it nearer still, and
    none that lets it go.

    :param gauge: present level of each point [m], shape (N,).
    """
    return np.maximum(np.minimum(level, gauge - LEVEL_STEP), body.lowest)
