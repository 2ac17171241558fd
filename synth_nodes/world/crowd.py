"""People and carts: their manners, their state, and what strides they may take."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.world.atlas import AtlasArrays, to_cell
from synth_nodes.world.chance import uniform
from synth_nodes.world.collision import Body, disc_gap_within
from synth_nodes.world.gait import NEW, PASSED, RECALL
from synth_nodes.world.jit import inline
from synth_nodes.world.people import ActorSettings
from synth_nodes.world.ways import passable, Ways

HORIZON = 0.5
"""How far people foresee others [s]."""
SPARE = 0.1
"""Gap to others [m] that they leave."""
BESIDE = 0.2
"""How far people of a learned gait, who see others themselves, are kept off them [s]."""
NEAR = 1.5
"""How far beyond their own space people look out for a robot [m]."""
STEP = 0.05
"""Spacing of the checks along a stride [m]."""


class Manner(NamedTuple):
    """How people behave, as the kernels read it; see `ActorSettings`."""

    radius: float
    speed: float
    give_way: bool
    space: float
    patience: float
    pause: float

    @classmethod
    def of(cls, settings: ActorSettings) -> 'Manner':
        """Take the behaviour from the settings."""
        return cls(settings.radius, settings.speed, settings.give_way, settings.personal_space,
                   settings.patience, settings.pause)


@inline
def manner_of(row: NDArray[np.float64]) -> Manner:
    """Read the manner of one world from its row of a table, shape (6,)."""
    return Manner(row[0], row[1], row[2] > 0.0, row[3], row[4], row[5])


class Crowd(NamedTuple):
    """State of the people and carts in B worlds."""

    body: NDArray[np.float64]
    """Shape (B, A, 5): x, y [m], vx, vy [m/s] in `map`, radius [m]."""
    goal: NDArray[np.int64]
    """Shape (B, A): which place each walks to."""
    pace: NDArray[np.float64]
    """Shape (B, A): speed of each [m/s]."""
    rest: NDArray[np.float64]
    """Shape (B, A): how long each still stands [s]."""
    blocked: NDArray[np.float64]
    """Shape (B, A): how long each has been blocked [s]."""
    track: NDArray[np.int64]
    """Shape (B, A): which track a cart runs on; -1 for people."""
    along: NDArray[np.float64]
    """Shape (B, A): where on its track a cart is [m]."""
    sense: NDArray[np.float64]
    """Shape (B, A): 1 for a cart on its way to the track's end, -1 to its start."""
    recall: NDArray[np.float64]
    """Shape (B, A, 7): what a person of a learned gait remembers; see `gait.RECALL`."""

    @classmethod
    def empty(cls, batch: int, people: int, carts: int = 0) -> 'Crowd':
        """Make room; :mod:`synth_nodes.world.spawn` places them. Carts come last."""
        shape = (batch, people + carts)
        track = np.full(shape, -1, np.int64)
        track[:, people:] = 0
        return cls(np.zeros((*shape, 5)), np.zeros(shape, np.int64), np.zeros(shape),
                   np.zeros(shape), np.zeros(shape), track, np.zeros(shape), np.ones(shape),
                   np.zeros((*shape, RECALL)))


@inline
def new_goal(crowd: Crowd, ways: Ways, streams: NDArray[np.uint64], b: int, a: int) -> None:
    """Send a person to another place."""
    crowd.goal[b, a] = int(uniform(streams, b) * ways.flow.shape[0])
    crowd.blocked[b, a] = 0.0


@inline
def startle(crowd: Crowd, ways: Ways, manner: Manner, streams: NDArray[np.uint64],
            b: int, a: int) -> None:
    """Let whoever touched something stand for a moment; people then go elsewhere."""
    crowd.body[b, a, 2] = 0.0
    crowd.body[b, a, 3] = 0.0
    crowd.recall[b, a, PASSED] = NEW
    if crowd.track[b, a] >= 0:
        crowd.rest[b, a] = 0.5
        return
    crowd.rest[b, a] = max(0.5, manner.pause * uniform(streams, b))
    new_goal(crowd, ways, streams, b, a)


@inline
def on_floor(maps: AtlasArrays, ways: Ways, m: int, person: NDArray[np.float64],
             vx: float, vy: float, dt: float) -> bool:
    """Tell whether a stride keeps to where people may walk."""
    checks = max(1, int(np.ceil(np.sqrt(vx * vx + vy * vy) * dt / STEP)))
    for k in range(1, checks + 1):
        t = dt * k / checks
        column, row = to_cell(maps, m, person[0] + vx * t, person[1] + vy * t)
        if not passable(ways, m, column, row):
            return False
    return True


@inline
def clear_of_robot(give_way: bool, space: float, robot: Body, pose: NDArray[np.float64],
                   velocity: NDArray[np.float64], person: NDArray[np.float64],
                   vx: float, vy: float, gap: float, dt: float) -> bool:
    """Allow a stride into the personal space only if it leads away from the robot."""
    if not give_way or gap > NEAR + space:
        return True
    allowed = min(gap, space) - 1e-6
    c, s = np.cos(pose[2]), np.sin(pose[2])
    wx = c * velocity[0] - s * velocity[1]
    wy = s * velocity[0] + c * velocity[1]
    for t, robot_t in ((dt, 0.0), (HORIZON, 0.0), (HORIZON, HORIZON)):
        there = disc_gap_within(
            robot, pose[0] + wx * robot_t, pose[1] + wy * robot_t, pose[2],
            person[0] + vx * t, person[1] + vy * t, person[4], allowed)
        if there < allowed:
            return False
    return True


@inline
def clear_of_others(crowd: Crowd, b: int, a: int, vx: float, vy: float, horizon: float,
                    apart: float) -> bool:
    """
    Allow a stride that brings two people near each other only if it parts them.

    :param horizon: how far that is foreseen [s]; apart: the gap that is near [m].
    """
    person = crowd.body[b, a]
    for other in range(crowd.body.shape[1]):
        if other == a:
            continue
        mate = crowd.body[b, other]
        dx, dy = mate[0] - person[0], mate[1] - person[1]
        now = np.sqrt(dx * dx + dy * dy)
        touch = person[4] + mate[4]
        if now > touch + 1.5:
            continue
        dx += (mate[2] - vx) * horizon
        dy += (mate[3] - vy) * horizon
        if np.sqrt(dx * dx + dy * dy) < min(now - 1e-6, touch + apart):
            return False
    return True
