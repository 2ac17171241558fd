"""
The safety core's loops, compiled: the same verdicts, bit for bit, in a part of the time.

A robot needs only numpy; a campaign of millions of scenarios has numba at hand. Compiled is the
arithmetic of :mod:`synth_nodes.safety.tube` and the search for the highest rung; what is asked
of them, and every decision, stays with :mod:`synth_nodes.safety.batch`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.campaign import swift_kernels as kernels
from synth_nodes.safety.arcs import Arcs
from synth_nodes.safety.body import Body
from synth_nodes.safety.ladder import Ladder, Loops, Ways
from synth_nodes.safety.rows import Index, Rows
from synth_nodes.safety.sources import sinc
from synth_nodes.safety.sweep import chord_times
from synth_nodes.safety.tube import ACTING, Limits, Tube

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Polygons(Tube):
    """Tubes whose lines lie together, tube by tube; the arrays of a Tube are views of them."""

    lines: Array
    """Normals and offset of each edge, shape (T, K, E, 3); with an axis of parts, T = P * R."""
    ends: Array
    """Of the slices [s], shape (T, K)."""
    bounds: Array
    """Least x, least y, greatest x, greatest y [m], shape (T, 4)."""

    @classmethod
    def of(cls, lines: Array, ends: Array, bounds: Array, parts: int = 0) -> 'Polygons':
        """Give the views the shape (E, K, T), or (E, K, P, R) for P parts."""
        count, k, e, _ = lines.shape
        shape = (parts, count // parts) if parts else (count,)
        x, y, offset = (lines[..., j].transpose(2, 1, 0).reshape(e, k, *shape) for j in range(3))
        return cls(x, y, offset, ends.T.reshape(k, *shape), bounds.T.reshape(4, *shape),
                   lines, ends, bounds)

    def some(self, which: slice, parts: int = 0) -> 'Polygons':
        """Take some of the tubes; with parts, their T = P * R gets two axes."""
        return Polygons.of(self.lines[which], self.ends[which], self.bounds[which], parts)


class SwiftArcs(Arcs):
    """Arcs whose meetings with points are found by a compiled loop."""

    def entry(self, rows: Rows, levels: Array) -> Array:
        """Find when [s] the footprint's levels, shape (L, M), meet the points, shape (L, M)."""
        body, command = self.robots.body, self.robots.command
        count, most = levels.size, levels.size * len(body.corners)
        first, tag, chords = np.empty(count), np.empty(most, np.intp), np.empty((2, most))
        found = kernels.crossings(rows.x, rows.y, rows.robot, command, levels, body.corners,
                                  body.mitres, first, tag, chords)
        pair = tag[:found]
        point = pair % len(rows.x)
        with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
            times = chord_times(chords[:, :found], np.array((rows.x[point], rows.y[point])),
                                command[rows.robot[point]].T)
        met = np.full(count, np.inf)
        np.minimum.at(met, pair, times)
        return np.where(first == 0.0, 0.0, met).reshape(levels.shape)


class SwiftLadder(Ladder):
    """A ladder whose tubes are made, and whose points are tested, by compiled loops."""

    def tubes(self, robots: Index, parts: Array) -> Tube:
        """Make tubes of robots that follow parts of their commands."""
        scene, limits = self.arcs.robots, self.limits
        shape = len(robots), kernels.SLICES
        courses, turns, times = np.empty((*shape, 6)), np.empty((2, *shape)), np.empty(shape)
        drive, steered, begin, spent = _constants(limits)
        kernels.courses(robots, parts, scene.velocity, scene.pending, scene.command, scene.age,
                        scene.delay, drive, steered, begin, spent, courses, turns, times,
                        limits.tail)
        body = _edges(scene.body)
        lines, bounds = np.empty((*shape, len(body), 3)), np.empty((len(robots), 4))
        kernels.polygons(courses, np.cos(turns[0]), np.sin(turns[0]), sinc(turns[1]), body, lines,
                         bounds)
        return Polygons.of(lines, times, bounds)

    def free(self, tube: Tube, index: Index, rows: Rows, slack: Array) -> NDArray[np.bool_]:
        """Whether points stay as far outside as they must, shape (M,)."""
        assert isinstance(tube, Polygons)
        out = np.empty(len(index), bool)
        kernels.free(tube.lines, tube.ends, tube.bounds, slack, index, rows.x, rows.y,
                     *self.asked(rows), out)
        return out

    def keeps(self, tube: Tube, index: Index, rows: Rows, gauge: Array) -> NDArray[np.bool_]:
        """Whether an escape does not bring points nearer than half the clearance, shape (M,)."""
        assert isinstance(tube, Polygons)
        out = np.empty(len(index), bool)
        kernels.outside(tube.lines, tube.ends, index, rows.x, rows.y, self.kept(gauge), out)
        return out

    def ways(self, tube: Tube, who: Index, parts: Array) -> Ways:
        """Put tubes of robots, with an axis of rungs, beside the parts they are made for."""
        return SwiftWays(self, tube, who, parts)


class SwiftWays(Ways):
    """Tubes on ever larger parts of commands, tried from the largest on."""

    def highest(self, rows: Rows) -> Array:
        """Find the highest part at which each point is outside its tube, shape (M,), or 0."""
        tube, out = self.tube, np.empty(len(rows.x))
        assert isinstance(tube, Polygons)
        index = np.searchsorted(self.who, rows.robot)
        slack = self.ladder.slack(tube, self.who).ravel()
        kernels.highest(tube.lines, tube.ends, tube.bounds, slack, index, rows.x, rows.y,
                        *self.ladder.asked(rows), self.parts, out)
        return out

    def free_at(self, rung: Index, index: Index, rows: Rows) -> NDArray[np.bool_]:
        """Whether points stay as far outside as they must at one part for each robot."""
        tube, count = self.tube, len(self.who)
        assert isinstance(tube, Polygons)
        out, number = np.empty(len(index), bool), rung * count + np.arange(count)
        slack = self.ladder.slack(tube, self.who).ravel()
        kernels.free(tube.lines, tube.ends, tube.bounds, slack, number[index], rows.x, rows.y,
                     *self.ladder.asked(rows), out)
        return out


def _constants(limits: Limits) -> tuple[Array, Array, Array, Array]:
    """Lay out what :func:`kernels.courses` needs of a drive."""
    drive = np.concatenate((limits.rise, limits.fall, limits.brake), axis=1).T
    steered = np.array([limits.curvature, limits.curvature_change])
    spent = np.repeat((limits.act, limits.tau - limits.act), ACTING) / ACTING
    return np.ascontiguousarray(drive), steered, np.cumsum(spent), spent


def _edges(body: Body) -> Array:
    """Put normal, offset, lever, corner and joints of each edge together, shape (E, 10)."""
    (px, qx), (py, qy) = body.joints
    return np.column_stack((
        body.normals, body.offsets, body.levers, body.corners, px, qx, py, qy))


SWIFT = Loops(SwiftArcs, SwiftLadder)
"""The compiled loops, for :func:`synth_nodes.safety.core.judge_batch`."""
