"""Robots and the points that concern them as flat arrays: a row for each point of each robot."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.body import Body
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.types import RobotSpec

Array = NDArray[np.float64]
Index = NDArray[np.intp]


@dataclass(frozen=True)
class Robots:
    """B robots of one kind and under the same rules, with one command each."""

    rules: SafetyRules
    robot: RobotSpec
    body: Body
    velocity: Array
    """Measured vx, vy [m/s], w [rad/s], shape (B, 3)."""
    command: Array
    """To be judged, within the limits of the robot, shape (B, 3)."""
    pending: Array
    """Commands that may still take effect, shape (B, C, 3)."""
    age: Array
    """Of the oldest points [s], shape (B,)."""
    delay: Array
    """Age of the velocity [s], shape (B,)."""
    grown: Array
    """What hysteresis adds to margins [m], shape (B,)."""


@dataclass(frozen=True)
class Rows:
    """M points."""

    robot: Index
    """Index of each one's robot, shape (M,), in increasing order."""
    x: Array
    """Present base_link [m], shape (M,)."""
    y: Array
    age: Array
    """Of its data [s], shape (M,)."""
    source: Index
    """Index of its source, shape (M,)."""
    unseen: NDArray[np.bool_]
    """Whether it bounds unseen space instead of being an obstacle, shape (M,)."""

    def each(self, values: Array) -> Array:
        """Give each point what its robot has: (..., B) to (..., M), or (..., 1) for one robot."""
        return values if values.shape[-1] == 1 else values[..., self.robot]

    def take(self, index: Index) -> 'Rows':
        """Pick rows."""
        return Rows(self.robot[index], self.x[index], self.y[index], self.age[index],
                    self.source[index], self.unseen[index])


def robots_of(rows: Rows, which: Index | NDArray[np.bool_] | slice) -> Index:
    """Robots that some rows belong to, in increasing order."""
    robot = rows.robot[which]
    if len(robot) == 0 or robot[0] == robot[-1]:
        return robot[:1]
    return np.unique(robot)


def strictest(rows: Rows, values: Array, free: float, min_points: int, robots: int) -> Index:
    """
    Find the row that binds each robot, shape (B,); -1 where none does.

    Of each source it is the min_points-th lowest, of these the lowest; of what bounds unseen
    space one point is enough. Only values below `free` count. Another point never raises the
    value of the row found.
    """
    out = np.full(robots, -1)
    if robots == 1 and min_points == 1:
        lowest = np.fmin.reduce(values, initial=free)
        if lowest < free:
            out[0] = (values == lowest).argmax()
        return out
    index = np.flatnonzero(values < free)
    if len(index) == 0:
        return out
    found, robot = values[index], rows.robot[index]
    chosen = np.arange(len(index)) if min_points == 1 else _lowest(
        rows, index, found, min_points)
    first = chosen[nearest(robot[chosen], found[chosen])]
    out[robot[first]] = index[first]
    return out


def nearest(robot: Index, values: Array) -> Index:
    """Index of the first lowest value of each robot that has any; `robot` in increasing order."""
    if len(robot) == 0:
        return np.zeros(0, np.intp)
    begins = np.flatnonzero(np.diff(robot, prepend=-1))
    lowest = np.minimum.reduceat(values, begins)
    sizes = np.diff(np.append(begins, len(robot)))
    equal = np.flatnonzero(values == np.repeat(lowest, sizes))
    return np.asarray(equal[np.diff(robot[equal], prepend=-1) > 0])


def _lowest(rows: Rows, index: Index, found: Array, min_points: int) -> Index:
    """Of each robot's sources pick the min_points-th lowest of the values found."""
    robot, unseen = rows.robot[index], rows.unseen[index]
    group = (robot * (int(rows.source[index].max()) + 1) + rows.source[index]) * 2 + unseen
    order = np.lexsort((found, group))
    begins = np.concatenate(([0], np.flatnonzero(np.diff(group[order])) + 1))
    sizes = np.diff(np.append(begins, len(order)))
    rank = np.arange(len(order)) - np.repeat(begins, sizes)
    return np.asarray(order[rank == np.where(unseen[order], 0, min_points - 1)])
