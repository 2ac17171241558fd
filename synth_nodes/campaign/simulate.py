"""Drive a batch of scenarios under a monitor, each until it is decided."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.campaign.batch import Answer, Batch, Judge, taken, View
from synth_nodes.campaign.contact import placed, seen_from
from synth_nodes.campaign.drive import advance, Wheels
from synth_nodes.campaign.encounter import closest, Encounter, Meeting, track
from synth_nodes.campaign.history import History
from synth_nodes.campaign.pilots import OPEN_LOOP
from synth_nodes.campaign.sensing import noisy
from synth_nodes.campaign.setups import DT
from synth_nodes.safety.body import body_of
from synth_nodes.safety.rules import reaction_time

Array = NDArray[np.float64]
Rows = NDArray[np.intp]
CLEAR, COLLISION, CREPT, STRUCK, HELD = range(5)
STATUSES = ('clear', 'collision', 'run into while creeping', 'run into while standing', 'held')
"""
How a scenario ends. A collision is a contact of a moving robot with what stands, or, faster than
the escape speed, with what comes at it. What comes at a robot that creeps at escape speed, or
stands, is counted by itself: escapes take what is near to stand still. Where all commands of the
last reaction time were escapes, the drive may blend two of them, to twice that speed.
"""
CREEPING = 1.001
"""Part of the escape speed up to which a robot counts as creeping: rounding, no more."""
HELD_FOR = 0.5
"""Time [s] of standing still after which a held robot is done."""
CROWDED = 0.85
"""Part of the robots that must still be on their way; else the others are let go of."""


@dataclass(frozen=True)
class Results:
    """What came of B scenarios under one monitor."""

    status: NDArray[np.int64]
    impact: Array
    """Speed of the robot at the point of contact [m/s]; 0 where there was none."""
    nearest: Array
    """Least room between footprint and anything, at the start of a cycle [m]."""
    final: Array
    """That room at the end [m]."""
    time: Array
    """Duration [s]."""
    cycles: NDArray[np.int64]
    """Cycles in which motion was asked for."""
    stops: NDArray[np.int64]
    """Of these, with a stop because of an obstacle."""
    faults: NDArray[np.int64]
    """Of these, with a stop for want of data."""
    passed: Array
    """Sum over these of the part of the speed that was let through."""
    held_for: Array
    """Longest time for which an obstacle's stop made the robot stand [s]."""

    @classmethod
    def empty(cls, count: int) -> 'Results':
        """Begin with nothing."""
        impact, time, passed, held = np.zeros((4, count))
        status, cycles, stops, faults = np.zeros((4, count), np.int64)
        nearest, final = np.full((2, count), np.inf)
        return cls(status, impact, nearest, final, time, cycles, stops, faults, passed, held)


class Drivers:
    """The robots of a batch that are still on their way, and their results."""

    def __init__(self, batch: Batch, judge: Judge) -> None:
        """Put all robots at their start."""
        self.batch, self.judge = batch, judge
        self.results = Results.empty(len(batch))
        self.rows: Rows = np.arange(len(batch))
        self.body = body_of(batch.setup.robot.footprint)
        self.fastest = self._fastest()
        oldest = round(batch.setup.rules.source.timeout / DT) + int(batch.spans.max()) + 2
        self.history = History(batch, oldest)
        steer = np.zeros(len(batch))
        if batch.setup.robot.drive == 'ackermann':
            v, w = batch.velocity[:, 0], batch.velocity[:, 2]
            base = batch.setup.robot.wheel_base
            steer = np.arctan(base * np.divide(w, v, out=np.zeros(len(v)), where=v != 0))
        self.wheels = Wheels(batch.velocity.copy(), batch.velocity.copy(), steer)
        self.pose = np.zeros((len(batch), 3))
        self.way = np.zeros(batch.scene.a.shape)
        longest = int(batch.drives.dead.max(initial=0))
        self.react = round(reaction_time(batch.setup.rules, batch.setup.robot) / DT)
        late = max(longest, self.react) // int(batch.spans.min()) + 3
        self.given = np.broadcast_to(batch.velocity, (late, *batch.velocity.shape)).copy()
        self.since = [-longest - 1]
        self.alive = np.ones(len(batch), bool)
        self.grown = np.zeros(len(batch), bool)
        self.standing = np.zeros(len(batch))
        self.slow_for = np.zeros(len(batch))
        self.rested = np.full(batch.scene.radius.shape, np.inf)

    def run(self) -> Results:
        """Drive until all is decided."""
        step = 0
        for span in self.batch.spans.tolist():
            gap = self._leave(step)
            if not len(self.rows):
                break
            answer = self._judged(step, span)
            met = self._drive(answer.command, step, span, gap)
            step += span
            self._meet(closest(self.batch, self.body, gap, met), step)
        return self.results

    def _fastest(self) -> float:
        robot = self.batch.setup.robot
        side = robot.max_lateral_speed if robot.drive == 'omnidirectional' else 0.0
        return float(np.hypot(max(robot.max_speed, robot.max_reverse_speed), side)
                     + robot.max_turn_rate * robot.radius
                     + self.batch.setup.rules.braking.other_speed)

    def _gap(self) -> Array:
        now = Encounter(self.pose[None], self.way[None])
        return np.asarray(now.gaps(self.batch, self.body)[0].min(axis=1))

    def _decided(self, step: int, gap: Array) -> NDArray[np.bool_]:
        """Whether a scenario is over: its time is up, nothing can be met, or it is held."""
        left = self.batch.end - step * DT
        held = (self.standing > HELD_FOR) & ~self.batch.scene.speed.any(axis=1)
        constant = (self.batch.pilots.code <= 2) | (self.batch.pilots.code >= OPEN_LOOP)
        return np.asarray((left <= 0) | (gap > self.fastest * left) | (held & constant))

    def _judged(self, step: int, span: int) -> Answer:
        """Let the monitor judge what the pilots ask for."""
        batch = self.batch
        view = self._view(step)
        answer = self.judge(view)
        wanted, allowed = self._speed(view.command), self._speed(answer.command)
        asked = self.alive & (wanted > 1e-6)
        stop = asked & (allowed < 1e-6)
        results, rows = self.results, self.rows
        results.cycles[rows] += asked
        results.stops[rows] += stop & answer.obstacle
        results.faults[rows] += stop & ~answer.obstacle
        results.passed[rows] += np.where(asked, allowed / np.maximum(wanted, 1e-9), 0.0)
        self.grown = answer.obstacle
        creep = batch.setup.rules.escape.speed * CREEPING
        self.slow_for = np.where(allowed <= creep, self.slow_for + span * DT, 0.0)
        standing = self._speed(self.wheels.velocity) < batch.setup.still
        self.standing = np.where(standing & stop & answer.obstacle, self.standing + span * DT, 0.0)
        results.held_for[rows] = np.maximum(results.held_for[rows], self.standing)
        return answer

    def _view(self, step: int) -> View:
        """Show the newest scans."""
        batch, scene = self.batch, self.batch.scene
        stamp, number = batch.sensors.newest(step)
        oldest = step - self.history.length + 1
        lost = stamp < oldest
        then = np.maximum(stamp, oldest)
        way = self.history.way(then)
        base = scene.a if way is None else scene.a + way
        world = base[:, scene.owner] + scene.samples
        pose = self.history.pose(then)
        points = noisy(batch.keys, seen_from(world, pose), number, batch.setup.noise)
        points[lost] = np.nan
        command = batch.pilots.commands(step * DT, self._nearest(points, pose))
        return View(batch.setup, points, pose, self.pose, np.asarray((step - stamp) * DT, float),
                    self.wheels.velocity.copy(), command, self.grown, self._pending(step),
                    self.rows, step * DT)

    def _nearest(self, points: Array, pose: Array) -> Array:
        """Find the nearest points, present base_link [m], of pilots that look; shape (B, 2)."""
        nearest = np.full((len(points), 2), np.nan)
        look = np.flatnonzero(self.batch.pilots.code >= OPEN_LOOP)
        carried = seen_from(placed(points[look], pose[look]), self.pose[look])
        square = np.nan_to_num((carried ** 2).sum(axis=-1), nan=np.inf)
        nearest[look] = carried[np.arange(len(look)), square.argmin(axis=1)]
        return nearest

    def _pending(self, step: int) -> Array:
        """Commands, shape (B, C, 3), that were sent during the last reaction time."""
        count = sum(1 for start in self.since[1:] if start >= step - self.react)
        index = np.arange(len(self.since) - count, len(self.since)) % len(self.given)
        first = [0] if step <= self.react else []
        return np.asarray(self.given[[*first, *index.tolist()]].transpose(1, 0, 2))

    def _drive(self, command: Array, step: int, span: int, gap: Array) -> Encounter:
        """Let all drive for a cycle."""
        batch = self.batch
        late = len(self.given)
        self.given[len(self.since) % late] = command
        self.since.append(step)
        start = np.array(self.since[-late + 1:])
        first = len(self.since) - len(start)
        velocity = self._movers(gap, span)
        if velocity is not None:
            self.rested = np.where(velocity.any(axis=-1), 0.0, self.rested + span * DT)
        moments = [(self.pose, self.wheels.velocity, self.way)]
        everyone = np.arange(len(self.rows))
        for k in range(step, step + span):
            index = first + np.searchsorted(start, k - batch.drives.dead, side='right') - 1
            target = self.given[index % late, everyone]
            self.wheels, self.pose = advance(batch.drives, self.wheels, self.pose, target)
            self.way = self.way + velocity * DT if velocity is not None else self.way
            self.history.put(k + 1, self.pose, self.way)
            moments.append((self.pose, self.wheels.velocity, self.way))
        return track(moments, velocity is not None)

    def _movers(self, gap: Array, span: int) -> Array | None:
        """Velocities of things during a cycle [m/s], shape (B, K, 2); None: all stand."""
        scene = self.batch.scene
        if self.history.ways is None:
            return None
        goal = np.where(scene.hunting[..., None], self.pose[:, None, :2], scene.aim)
        apart = goal - scene.a - self.way
        distance = np.hypot(apart[..., 0], apart[..., 1])
        speed = np.minimum(scene.speed, distance / (span * DT))
        still = self._speed(self.wheels.velocity) < self.batch.setup.still
        near = np.maximum(gap - scene.halt, 0.0) / (span * DT)
        speed = np.where(still[:, None], np.minimum(speed, near[:, None]), speed)
        velocity = (speed / np.maximum(distance, 1e-9))[..., None] * apart
        return np.asarray(np.nan_to_num(velocity))

    def _meet(self, meeting: Meeting, step: int) -> None:
        """End the scenarios in which there was contact."""
        fresh = self.alive[meeting.rows]
        rows, speed = meeting.rows[fresh], meeting.speed[fresh]
        setup, results, where = self.batch.setup, self.results, self.rows[meeting.rows[fresh]]
        creep = setup.rules.escape.speed * CREEPING + setup.still
        # Commands given while a thing still came have not taken effect before this time is over.
        react = self.react * DT
        blended = self.slow_for[rows] >= react
        coming = self.rested[rows, meeting.thing[fresh]] < react
        creeping = coming & (speed <= np.where(blended, 2 * creep, creep))
        results.status[where] = np.where(speed <= setup.still, STRUCK, np.where(
            creeping, CREPT, COLLISION))
        results.impact[where] = np.where(speed <= setup.still, 0.0, meeting.impact[fresh])
        results.nearest[where] = results.final[where] = 0.0
        results.time[where] = step * DT
        self.alive[rows] = False

    def _leave(self, step: int) -> Array:
        """Write down what is decided, let go of it now and then, and return the room left."""
        results, gap = self.results, self._gap()
        rows = self.rows[self.alive]
        results.nearest[rows] = np.minimum(results.nearest[rows], gap[self.alive])
        over = self.alive & self._decided(step, gap)
        where = self.rows[over]
        results.final[where] = gap[over]
        results.time[where] = step * DT
        held = over & (self.standing > HELD_FOR)
        results.status[self.rows[held]] = HELD
        self.alive &= ~over
        if self.alive.mean() < CROWDED:
            stay = np.flatnonzero(self.alive)
            self._keep(stay)
            gap = gap[stay]
        return gap

    def _keep(self, stay: Rows) -> None:
        self.rows = self.rows[stay]
        self.batch = taken(self.batch, stay)
        self.history.take(stay)
        self.wheels = taken(self.wheels, stay)
        self.pose, self.way = self.pose[stay], self.way[stay]
        self.given = self.given[:, stay]
        self.grown, self.standing = self.grown[stay], self.standing[stay]
        self.slow_for, self.rested = self.slow_for[stay], self.rested[stay]
        self.alive = self.alive[stay]

    def _speed(self, twist: Array) -> Array:
        """Bound on the speed of any part of the footprint [m/s], shape (B,)."""
        return np.asarray(np.hypot(twist[:, 0], twist[:, 1])
                          + np.abs(twist[:, 2]) * self.body.radius)
