"""
A watch over the brakes: whether the drive slows down as the rules trust it to.

A drive within the stated model follows set points u by a dead time and a first-order lag L, act =
dead time + L together, and sheds speed at b or more. So the speed along an axis never exceeds

    R(t) = max_j [u_j - b max(0, t - e_j - act)],

u_j a set point and e_j the time at which the next replaced it (now, for the newest): up to then,
and for act after, it may be in effect; then speed falls at b at least. A lag lets the speed hang
over its ramp by b L (1 - exp(-s/L)) at most, as a dead time of L would while the ramp falls; where
it ends, on a set point U that stays in effect, up to b L/e remain (the lag's tail). Hence

    E(t) = max(R, min(U + b L, R + b L/e)).

The watch holds such bounds for a grid of weaker and later drives. Measured speed above the bound
of the stated drive, beyond noise, in a row, is the drive's breach of the model. From then on that
drive of the grid is relied upon that fits best of those that no measurement contradicts: with the
least sum of squares of what measured speeds are off [R, E] while slowing down, above it counted
twice, over the square of the noise, plus one for each step of the grid from the stated drive; and
half a step is added for what lies between two drives of the grid. The watch only ever goes to
weaker and later ones, until it is reset. Turning is not watched: its rate is no rule.
"""

from dataclasses import dataclass, replace
import math

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.rules import reaction_time, SafetyRules, stopping_distance
from synth_nodes.types import RobotSpec

Array = NDArray[np.float64]
PARTS = np.arange(1.0, 0.2, -0.125)
"""Parts of the stated deceleration that are told apart: 1 to 1/4."""
DELAYS = np.arange(0.0, 1.1, 0.25)
"""Additions to the stated reaction, as parts of it with the command period: 0 to 1."""
PAUSE = 1.0
"""After so long [s] without a command sent, what moved the robot is not known."""
AHEAD = 0.15
"""A measurement stamped so long [s] after the newest command is not believed."""


@dataclass(frozen=True)
class Brakes:
    """A drive that is weaker or later than the rules say."""

    deceleration: float
    """Of travel, to be relied upon [m/s^2]."""
    reaction: float
    """Latency and lag, in place of what the rules and the robot state [s]."""


def stated(rules: SafetyRules, robot: RobotSpec) -> Brakes:
    """Return the drive that rules and robot state."""
    return Brakes(min(rules.braking.deceleration, robot.deceleration),
                  reaction_time(rules, robot) - rules.command.period)


def tightened(rules: SafetyRules, robot: RobotSpec, brakes: Brakes) -> SafetyRules:
    """
    Return the rules with the brakes that are relied upon.

    Escapes become slower where they could no longer be stopped within `escape.distance`.
    """
    b, act = brakes.deceleration, brakes.reaction
    tight = replace(rules, braking=replace(
        rules.braking, deceleration=min(b, rules.braking.deceleration),
        reaction_time=max(act, rules.braking.reaction_time)))
    tau = reaction_time(tight, robot) + rules.source.timeout
    slowest = _speed_within(rules.escape.distance * (1 - 1e-9), b, tau)
    return replace(tight, escape=replace(rules.escape, speed=min(rules.escape.speed, slowest)))


def top_speed(rules: SafetyRules, robot: RobotSpec, brakes: Brakes) -> float:
    """
    Speed [m/s] from which weaker brakes need no more room than the stated ones at full speed.

    So the robot can still stop within what it was found, at start-up, to see: in
    v tau + v^2/(2b) + V (tau + v/b) <= the same of the stated drive at its highest speed.
    """
    fastest = max(robot.max_speed, robot.max_reverse_speed)
    tight, other = tightened(rules, robot, brakes), rules.braking.other_speed
    trusted = stated(rules, robot).deceleration
    before, tau = reaction_time(rules, robot), reaction_time(tight, robot)
    room = (stopping_distance(rules, robot, fastest, before)
            + other * (before + fastest / trusted) - other * tau)
    b = brakes.deceleration
    return min(_speed_within(room, b, tau + other / b), fastest)


def _speed_within(room: float, b: float, tau: float) -> float:
    """Solve v tau + v^2/(2b) = room for v [m/s]; 0 where there is no room."""
    return b * (math.sqrt(tau * tau + 2 * max(room, 0.0) / b) - tau)


class BrakeWatch:
    """Watches B drives of one kind; speeds of both directions of each axis apart."""

    def __init__(self, rules: SafetyRules, robot: RobotSpec, count: int = 1) -> None:
        """Begin with the stated drives, of which nothing has been seen."""
        trust, watch = stated(rules, robot), rules.brakes
        part, late = (g.ravel() for g in np.meshgrid(PARTS, DELAYS, indexing='ij'))
        tau, half = reaction_time(rules, robot), ((1 - PARTS[1]) / 2, DELAYS[1] / 2)
        self.grid = (trust, *(Brakes(trust.deceleration * float(p - half[0]),
                                     trust.reaction + tau * float(k + half[1]))
                              for p, k in zip(part[1:], late[1:], strict=True)))
        """Drives to rely on; the first is the stated one, the others are half a step weaker and
        later than those that measurements are compared with."""
        self._act = trust.reaction + tau * late + watch.time_noise
        self._noise, self._share, self._confirm = (
            watch.speed_noise, watch.scale_noise, watch.samples)
        self._axes = (0, 1) if robot.drive == 'omnidirectional' else (0,)
        limit = (math.inf, robot.lateral_acceleration)
        self._fall = part[:, None, None] * np.array([
            [min(trust.deceleration, limit[axis])] for axis in self._axes for _ in range(2)])
        self._lag = robot.actuator_lag
        self._steps = (1.0 - part) / (1.0 - PARTS[1]) + late / DELAYS[1]
        self._weaker = (part <= part[:, None]) & (late >= late[:, None])
        self.level = np.zeros(count, np.intp)
        """Index in the grid of the drive that is relied upon, shape (B,)."""
        self._begin(-math.inf)
        self._start = math.inf

    def _begin(self, now: float) -> None:
        """Forget what was commanded and measured, not what was found."""
        shape = (len(self.grid), self._fall.shape[1], len(self.level))
        self._start = self._sent = self._seen = now
        self._old = np.full(shape, -np.inf)
        self._queue: list[tuple[float, Array]] = []
        self._now = np.zeros(shape[1:])
        self._row, self._cost = np.zeros(shape[::2], np.intp), np.zeros(shape[::2])

    def take(self, rows: NDArray[np.intp]) -> None:
        """Go on with some of the drives."""
        self.level, self._old, self._now = (a[..., rows] for a in (
            self.level, self._old, self._now))
        self._row, self._cost = self._row[:, rows], self._cost[:, rows]
        self._queue = [(end, speed[:, rows]) for end, speed in self._queue]

    def reset(self) -> None:
        """Rely on the stated drives again."""
        self.level[:] = 0
        self._begin(-math.inf)
        self._start = math.inf

    def sent(self, now: float, commands: Array, known: bool = False) -> None:
        """
        Take what has been sent to the drives.

        To reverse is not taken for braking: many drives do it at their acceleration.

        :param now: present time [s].
        :param commands: vx, vy [m/s], w [rad/s], shape (B, 3).
        :param known: whether the drives followed these before already, as at the start of a run.
        """
        if not 0.0 <= now - self._sent <= PAUSE:
            self._begin(now)
            self._start = now - self._act[-1] if known else now
        ahead = self._split(commands)
        back = ahead.reshape(-1, 2, ahead.shape[1])[:, ::-1].reshape(ahead.shape)
        speeds = np.where(back > 0.0, self._now, ahead)
        if (speeds < self._now).any():
            self._queue.append((now, self._now))
        self._now, self._sent = speeds, now

    def look(self, velocity: Array, stamp: float) -> NDArray[np.bool_]:
        """
        Take measured velocities.

        :param velocity: vx, vy [m/s], w [rad/s], shape (B, 3).
        :param stamp: of the measurement [s]; one that is not newer than the last is left out.
        :return: which drives were found weaker or later than relied upon until now, shape (B,).
        """
        found = np.zeros(len(self.level), bool)
        if not max(self._start, self._seen) < stamp <= self._sent + AHEAD:
            return found
        self._seen = stamp
        speed = self._split(velocity)
        if stamp < self._start + self._act[-1]:
            self._queue.append((stamp, np.where(np.isfinite(speed), speed, 0.0)))
            return found
        bound, ramp, target = self._bound(stamp)
        over = (speed > bound * (1 + self._share) + self._noise).any(axis=1)
        self._row = np.where(over, self._row + 1, 0)
        slowing = (speed > target[0]) & np.isfinite(speed)
        with np.errstate(invalid='ignore'):
            off = np.maximum(np.maximum(ramp - speed, 2 * (speed - bound)), 0.0)
            self._cost += np.where(slowing, off ** 2, 0.0).sum(axis=1)
        return self._tightened()

    def _tightened(self) -> NDArray[np.bool_]:
        """Go on to weaker drives where those relied upon are contradicted, or fit worse."""
        self._cost[self._row >= self._confirm] = np.inf
        index = np.flatnonzero((self.level > 0) | np.isinf(self._cost[0]))
        cost = self._cost[:, index] / max(self._noise, 1e-3) ** 2 + self._steps[:, None]
        cost[~self._weaker[self.level[index]].T] = np.inf
        best = np.where(np.isinf(cost).all(axis=0), len(self.grid) - 1, cost.argmin(axis=0))
        found = np.zeros(len(self.level), bool)
        found[index] = best != self.level[index]
        self.level[index] = best
        return found

    def _split(self, twist: Array) -> Array:
        """Speeds ahead and back along each axis, shape (2 A, B)."""
        with np.errstate(invalid='ignore'):
            return np.asarray([np.maximum(sign * np.asarray(twist, float)[:, axis], 0.0)
                               for axis in self._axes for sign in (1.0, -1.0)])

    def _bound(self, time: float) -> tuple[Array, Array, Array]:
        """Bounds E, ramps R and set points U still in effect, (H, 2 A, B) each, at a time [s]."""
        while self._queue and self._queue[0][0] + self._act[-1] <= time:
            end, speed = self._queue.pop(0)
            self._old = np.maximum(self._old, speed + self._fall * (end - self._start))
        ramp = self._old + self._fall * (self._act[:, None, None] - (time - self._start))
        ramp = np.maximum(ramp, self._now)
        target = np.broadcast_to(self._now, ramp.shape)
        for end, speed in self._queue:
            late = np.maximum(time - end - self._act, 0.0)[:, None, None]
            ramp = np.maximum(ramp, speed - self._fall * late)
            target = np.where(late == 0.0, np.maximum(target, speed), target)
        tail = self._fall * self._lag
        return np.maximum(ramp, np.minimum(target + tail, ramp + tail / math.e)), ramp, target
