"""How far a command must be lowered until no way that the robot may take meets a point."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.arcs import Arcs
from synth_nodes.safety.braking import keeping
from synth_nodes.safety.rows import Index, robots_of, Rows
from synth_nodes.safety.tube import clearances, in_box, Limits, Tube, tubes

Array = NDArray[np.float64]
RUNGS = 8
"""Parts of a command that are tried, and as many in between: 1/64 of a command is told apart."""
FEW = 64
"""Points that are tested without looking first whether they are near at all."""


@dataclass(frozen=True)
class Ladder:
    """Tubes of robots for parts of their commands."""

    arcs: Arcs
    limits: Limits

    def tubes(self, robots: Index, parts: Array) -> Tube:
        """
        Make tubes of robots that follow parts of their commands.

        :param robots: shape (R,); parts: shape (R,).
        """
        scene = self.arcs.robots
        targets = np.concatenate((scene.pending[robots].transpose(1, 2, 0),
                                  (scene.command[robots].T * parts)[None]))
        return tubes(scene.body, self.limits, np.ascontiguousarray(scene.velocity[robots].T),
                     targets, scene.age[robots], scene.delay[robots])

    def start(self) -> tuple[Tube, tuple[Tube, Tube] | None]:
        """
        Make the tubes of the full commands; for a single robot, those of :meth:`first` with them.

        For one robot the number of calls counts, not the number of tubes.
        """
        count = len(self.arcs.speed)
        if count != 1:
            return self.tubes(np.arange(count), np.ones(count)), None
        parts = np.concatenate(([1.0], self.arcs.creep, self.rungs(np.zeros(1), 1 / RUNGS)[:, 0]))
        tube = self.tubes(np.zeros(len(parts), np.intp), parts)
        return tube.some(slice(1)), (tube.some(slice(1, 2)), tube.some(slice(2, None), RUNGS - 1))

    def slack(self, tube: Tube, robots: Index) -> Array:
        """How far outside its tube a point may still bind a robot [m], shape (R,)."""
        scene = self.arcs.robots
        return np.asarray(scene.body.stretch * (
            scene.rules.escape.clearance + scene.rules.braking.other_speed * (
                tube.times[-1] + scene.age[robots])))

    def free(self, tube: Tube, index: Index, rows: Rows, slack: Array) -> NDArray[np.bool_]:
        """
        Whether points stay as far outside as they must, shape (M,), or (P, M) for P parts.

        :param index: of each point's tube, shape (M,); slack: of the tubes, shape (R,).
        """
        beyond = ~in_box(tube, index, rows.x, rows.y, slack)
        if len(index) <= FEW:
            speed, least = self.asked(rows)
            return beyond | (clearances(tube, index, rows.x, rows.y, speed) >= least)
        close = (~(beyond if beyond.ndim == 1 else beyond.all(axis=0))).nonzero()[0]
        if len(close):
            near = rows.take(close)
            speed, least = self.asked(near)
            beyond[..., close] |= clearances(tube, index[close], near.x, near.y, speed) >= least
        return beyond

    def keeps(self, tube: Tube, index: Index, rows: Rows, gauge: Array) -> NDArray[np.bool_]:
        """Whether an escape does not bring points nearer than half the clearance, shape (M,)."""
        return clearances(tube, index, rows.x, rows.y, np.zeros(len(gauge))) >= self.kept(gauge)

    def asked(self, rows: Rows) -> tuple[Array, Array]:
        """Speeds of points [m/s] and the levels [m] below which they bind, each of shape (M,)."""
        rules = self.arcs.robots.rules
        speed = np.where(rows.unseen, 0.0, rules.braking.other_speed)
        return speed, np.where(rows.unseen, 0.0, rules.escape.clearance) + speed * rows.age

    def kept(self, gauge: Array) -> Array:
        """Levels [m] below which points must not come in an escape, shape (M,)."""
        clearance = self.arcs.robots.rules.escape.clearance
        return keeping(clearance, gauge, self.arcs.robots.body) - clearance / 2

    def rungs(self, base: Array, step: float) -> Array:
        """Parts of commands that are tried from bases of shape (R,) on, shape (RUNGS - 1, R)."""
        return np.asarray(base + step * np.arange(1, RUNGS)[:, None])

    def first(self, slow: Index, fast: Index) -> tuple[Tube, Tube]:
        """
        Make the tubes of robots at creep speed and, with an axis of rungs, on the first rungs.

        Both at once, which for few robots takes half the time.
        """
        rungs = self.rungs(np.zeros(len(fast)), 1 / RUNGS)
        tube = self.tubes(np.concatenate((slow, np.tile(fast, RUNGS - 1))), np.concatenate(
            (self.arcs.creep[slow], rungs.ravel())))
        return tube.some(slice(len(slow))), tube.some(slice(len(slow), None), RUNGS - 1)

    def refine(self, rows: Rows, base: Array, step: float) -> Array:
        """
        Find the highest rung at which each point is still outside its robot's tube, shape (M,).

        :param base: part of the command of which it is known already, one for all points of a
            robot, shape (M,).
        :param step: from rung to rung.
        """
        who = robots_of(rows, slice(None))
        parts = self.rungs(base[np.searchsorted(rows.robot, who)], step)
        tube = self.tubes(np.tile(who, RUNGS - 1), parts.ravel()).some(slice(None), RUNGS - 1)
        return np.maximum(self.ways(tube, who, parts).highest(rows), base)

    def ways(self, tube: Tube, who: Index, parts: Array) -> 'Ways':
        """Put tubes of robots, with an axis of rungs, beside the parts they are made for."""
        return Ways(self, tube, who, parts)

    def braking(self) -> Array:
        """
        Part of each command from which the drive brakes as hard as from none, shape (B,).

        Until the next verdict is in effect the set point falls at the full rate either way. (A
        steered drive would also turn its wheels: none.)
        """
        scene = self.arcs.robots
        if self.limits.curvature:
            return np.zeros(len(scene.command))
        left = np.abs(scene.velocity) - self.limits.fall[:, 0] * (
            self.limits.tau + scene.delay[:, None])
        same = scene.velocity * scene.command > 0.0
        asked = np.abs(scene.command)
        part = np.where(asked > 0.0, np.where(same, left, 0.0) / np.maximum(asked, 1e-12), 1.0)
        return np.asarray(np.minimum(np.maximum(part.min(axis=1), 0.0), 1.0))


@dataclass(frozen=True)
class Ways:
    """Tubes of robots that follow ever larger parts of their commands."""

    ladder: Ladder
    tube: Tube
    """With an axis of P parts before that of R robots."""
    who: Index
    """The robots, in increasing order, shape (R,)."""
    parts: Array
    """Increasing, shape (P, R)."""

    def highest(self, rows: Rows) -> Array:
        """Find the highest part at which each point is outside its tube, shape (M,), or 0."""
        if len(rows.x) <= FEW:
            return self._tried(self.tube, rows)
        # What is met where the robot comes to stand, on all rungs, need not be looked at further.
        out = self._tried(self.tube.last, rows)
        left = out.nonzero()[0]
        out[left] = self._tried(self.tube, rows.take(left))
        return out

    def _tried(self, tube: Tube, rows: Rows) -> Array:
        index = np.searchsorted(self.who, rows.robot)
        slack = self.ladder.slack(self.tube, self.who)
        free = self.ladder.free(tube, index, rows, slack)
        return np.asarray(np.where(free, self.parts[:, index], 0.0).max(axis=0))

    def above(self, rows: Rows, bound: Array) -> Array:
        """
        Find the points that are outside their tubes at the first part above a bound.

        :param bound: the same for all points of a robot, shape (M,).
        :return: that part, or 0 where the point is inside or there is no such part, shape (M,).
        """
        index = np.searchsorted(self.who, rows.robot)
        limit = np.zeros(len(self.who))
        limit[index] = bound
        rung = (self.parts <= limit).sum(axis=0)
        known = rung < len(self.parts)
        rung[~known] = 0
        part = self.parts[rung, np.arange(len(rung))]
        return np.where(self.free_at(rung, index, rows) & known[index], part[index], 0.0)

    def free_at(self, rung: Index, index: Index, rows: Rows) -> NDArray[np.bool_]:
        """
        Whether points stay as far outside as they must at one part for each robot, shape (M,).

        :param rung: index of that part, shape (R,); index: of each point's robot, shape (M,).
        """
        tube = self.tube.at(rung)
        return self.ladder.free(tube, index, rows, self.ladder.slack(tube, self.who))


@dataclass(frozen=True)
class Loops:
    """Who does the arithmetic for many points and tubes; whoever does, the same bits come out."""

    arcs: type[Arcs] = Arcs
    ladder: type[Ladder] = Ladder


NUMPY = Loops()
"""What a robot needs no more than numpy for."""
