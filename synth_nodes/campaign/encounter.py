"""Whether and how robots meet things within a cycle, exactly."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.campaign.batch import Batch
from synth_nodes.campaign.contact import gaps, seen_from
from synth_nodes.campaign.setups import DT
from synth_nodes.safety.body import Body

Array = NDArray[np.float64]
FINER = 8
"""Parts into which a step is divided where a meeting could hide in it."""


@dataclass(frozen=True)
class Encounter:
    """How B robots and K things moved, in T moments."""

    poses: Array
    """Shape (T, B, 3)."""
    ways: Array
    """Of the things since the start [m], shape (T, B, K, 2)."""
    speeds: Array | None = None
    """Velocities of the robots, shape (T, B, 3)."""

    def of(self, rows: NDArray[np.intp]) -> 'Encounter':
        """Pick robots."""
        return Encounter(self.poses[:, rows], self.ways[:, rows],
                         None if self.speeds is None else self.speeds[:, rows])

    def finer(self) -> 'Encounter':
        """Divide each step; within it all goes straight."""
        return Encounter(_finer(self.poses), _finer(self.ways),
                         None if self.speeds is None else _finer(self.speeds))

    def gaps(self, batch: Batch, body: Body) -> Array:
        """Room between footprint and things [m], shape (T, B, K)."""
        scene, (moments, count) = batch.scene, self.poses.shape[:2]
        pose = self.poses.reshape(-1, 3)

        def seen(ends: Array) -> Array:
            there = (ends + self.ways).reshape(moments * count, -1, 2)
            return seen_from(there, pose)
        a = seen(scene.a)
        b = seen(scene.b) if batch.setup.family == 'walls' else None
        radius = np.broadcast_to(scene.radius, self.ways.shape[:3]).reshape(len(pose), -1)
        return gaps(body, a, b, radius).reshape(self.ways.shape[:3])


@dataclass(frozen=True)
class Meeting:
    """First contacts of M robots."""

    rows: NDArray[np.intp]
    """Which robots, shape (M,)."""
    speed: Array
    """Of the fastest part of each footprint [m/s], shape (M,)."""
    impact: Array
    """Of the footprint where it touches [m/s], shape (M,)."""
    thing: NDArray[np.intp]
    """Which thing each touches, shape (M,)."""


NO_MEETING = Meeting(np.zeros(0, np.intp), np.zeros(0), np.zeros(0), np.zeros(0, np.intp))
Moment = tuple[Array, Array, Array]
"""Poses (B, 3), velocities (B, 3) and ways (B, K, 2) of one moment."""


def track(moments: list[Moment], moving: bool) -> Encounter:
    """
    Put moments together, the first of which is the start of the cycle.

    :param moving: whether things move at all.
    """
    poses, speeds, ways = zip(*moments, strict=True)
    way = np.stack(ways) if moving else np.broadcast_to(ways[0], (len(ways), *ways[0].shape))
    return Encounter(np.stack(poses), way, np.stack(speeds))


def closest(batch: Batch, body: Body, gap: Array, met: Encounter) -> Meeting:
    """
    Find the robots that touch something within a cycle.

    :param gap: room at its start [m], shape (B,).
    """
    assert met.speeds is not None
    most = _speed(met.speeds, body).max(axis=0) + batch.scene.speed.max(axis=1)
    near = np.flatnonzero(gap <= most * DT * (len(met.poses) - 1) + 1e-6)
    if not len(near):
        return NO_MEETING
    some, part = met.of(near), batch.take(near)
    room = some.gaps(part, body).min(axis=(0, 2))
    hidden = np.flatnonzero(room <= most[near] * DT)
    if not len(hidden):
        return NO_MEETING
    near, part, some = near[hidden], part.take(hidden), some.of(hidden).finer()
    room = some.gaps(part, body)
    touching = np.flatnonzero((room <= 0.0).any(axis=(0, 2)))
    return _meeting(part.take(touching), body, near[touching], some.of(touching),
                    room[:, touching])


def _meeting(batch: Batch, body: Body, rows: NDArray[np.intp], met: Encounter,
             room: Array) -> Meeting:
    """Look at the first contact of each robot."""
    assert met.speeds is not None
    index = np.arange(len(rows))
    first = (room <= 0.0).any(axis=2).argmax(axis=0)
    thing = room[first, index].argmin(axis=1)
    velocity, pose, scene = met.speeds[first, index], met.poses[first, index], batch.scene
    way = met.ways[first, index, thing]
    a, b = (seen_from((e[index, thing] + way)[:, None], pose)[:, 0] for e in (scene.a, scene.b))
    along = b - a
    length = np.maximum((along * along).sum(axis=-1), 1e-18)
    part = np.clip(-(a * along).sum(axis=-1) / length, 0.0, 1.0)
    x, y = (a + part[:, None] * along).T
    impact = np.hypot(velocity[:, 0] - velocity[:, 2] * y, velocity[:, 1] + velocity[:, 2] * x)
    return Meeting(rows, _speed(velocity, body), impact, thing)


def _speed(velocity: Array, body: Body) -> Array:
    """Bound on the speed of any part of the footprint [m/s], shape (...)."""
    v = np.hypot(velocity[..., 0], velocity[..., 1])
    return np.asarray(v + np.abs(velocity[..., 2]) * body.radius)


def _finer(moments: Array) -> Array:
    """Interpolate along the first axis."""
    parts = np.arange(FINER).reshape((-1,) + (1,) * moments.ndim) / FINER
    between = moments[None, :-1] + parts * (moments[1:] - moments[:-1])
    inner = np.swapaxes(between, 0, 1).reshape(-1, *moments.shape[1:])
    return np.concatenate((inner, moments[-1:]))
