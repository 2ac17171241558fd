"""Tracks and learned gaits: what there is to learn from tracks, and how people of a gait walk."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.types import RobotSpec
from synth_nodes.world.actors import choose_strides
from synth_nodes.world.atlas import AtlasArrays
from synth_nodes.world.chance import streams
from synth_nodes.world.collision import Body
from synth_nodes.world.crowd import Crowd, Manner
from synth_nodes.world.gait import BEFORE, describe, Gait, HERE, look_along, PASSED, SEEN
from synth_nodes.world.jit import inline, kernel, plain
from synth_nodes.world.people import ActorSettings, CartSettings
from synth_nodes.world.rails import build_rails, Rails
from synth_nodes.world.tracks import RADIUS, STILL, Tracks
from synth_nodes.world.ways import Ways, ways_to

PACE = 0.8
"""Quantile of a person's speeds that counts as the pace it likes."""
LONGEST_STEP = 0.1
"""Of people who are played [s]."""
AWAY = 1e6
"""Where those are who are not there [m]."""
SLACK = 4.0
"""Whoever needs this much longer than in the source [s], and twice its time, is taken out."""
Array = NDArray[np.float64]


class Samples(NamedTuple):
    """What walkers saw and did."""

    seen: NDArray[np.float32]
    """Shape (K, SEEN), see `gait.describe`."""
    change: NDArray[np.float32]
    """Of velocity within a period, along the way and across [m/s], shape (K, 2)."""


class Course(NamedTuple):
    """Who walks where in a place."""

    tracks: Tracks
    ways: Ways
    goal: NDArray[np.int64]
    """Which place of the ways each track ends at, shape (N,)."""
    pace: Array
    """[m/s], shape (N,)."""
    walking: NDArray[np.bool_]
    """From the first to the last moment in motion, shape (frames, N); standing before and after,
    slower than `STILL`, is not learned."""


def course_of(tracks: Tracks) -> Course:
    """
    Find goals, paces and ways of tracks; those who never walk are left out.

    :raises InputError: when their map has no room for a person.
    """
    speed = tracks.speed
    moves = np.nan_to_num(speed) > STILL
    walks = moves.any(axis=0)
    tracks = Tracks(tracks.at[:, walks], tracks.period, tracks.atlas, tracks.name)
    moves, speed = moves[:, walks], speed[:, walks]
    count = len(moves)
    first = moves.argmax(axis=0)
    last = count - 1 - moves[::-1].argmax(axis=0)
    frame = np.arange(count + 1)[:, None]
    pace = np.array([np.quantile(s[m], PACE) for s, m in zip(speed.T, moves.T, strict=True)])
    end = tracks.at[last + 1, np.arange(len(last))].reshape(-1, 2)
    ways, goal = ways_to(tracks.atlas, RADIUS, end)
    return Course(tracks, ways, goal, pace, (frame >= first) & (frame <= last))


def samples_of(course: Course) -> Samples:
    """Look at tracks through the eyes of those who walk; see :class:`Samples`."""
    most = int(course.walking.sum())
    seen, change = np.empty((most, SEEN)), np.empty((most, 2))
    tracks = course.tracks
    count = _gather(tracks.atlas.arrays, course.ways, tracks.at, course.walking, course.pace,
                    course.goal, tracks.period, seen, change)
    return Samples(seen[:count].astype(np.float32), change[:count].astype(np.float32))


@inline
def _take_places(at: Array, t: int, period: float, others: Array) -> None:
    """Say where all are in frame t, and how fast: rows of `others` as of `Crowd.body`."""
    for k in range(at.shape[1]):
        there = np.isfinite(at[t, k, 0])
        known = there and np.isfinite(at[t - 1, k, 0])
        for axis in range(2):
            others[k, axis] = at[t, k, axis] if there else AWAY
            others[k, 2 + axis] = (at[t, k, axis] - at[t - 1, k, axis]) / period if known else 0.0
        others[k, 4] = RADIUS


@kernel
def _gather(maps: AtlasArrays, ways: Ways, at: Array, walking: NDArray[np.bool_], pace: Array,
            goal: NDArray[np.int64], period: float, seen: Array, change: Array) -> int:
    others = np.empty((at.shape[1], 5))
    none = (0.0, 0.0, 0.0, 0.0, -1.0)
    count = 0
    for t in range(2, at.shape[0] - 1):
        _take_places(at, t, period, others)
        for k in range(at.shape[1]):
            near = at[t - 2:t + 2, k, 0]
            if not walking[t, k] or not np.isfinite(near[0] + near[1] + near[2] + near[3]):
                continue
            x, y, vx, vy = others[k, 0], others[k, 1], others[k, 2], others[k, 3]
            ux, uy, arrived = look_along(maps, ways, plain(0), goal[k], x, y)
            if arrived:
                continue
            px = (at[t - 1, k, 0] - at[t - 2, k, 0]) / period
            py = (at[t - 1, k, 1] - at[t - 2, k, 1]) / period
            describe(maps, ways, plain(0), others, k, (x, y, vx, vy, px, py), pace[k], ux, uy,
                     none, seen[count])
            wx = (at[t + 1, k, 0] - x) / period - vx
            wy = (at[t + 1, k, 1] - y) / period - vy
            change[count, 0] = wx * ux + wy * uy
            change[count, 1] = wy * ux - wx * uy
            count += 1
    return count


def play(course: Course, gait: Gait, seed: int) -> Tracks:
    """
    Let people walk as those of tracks did: begun where and when they began, to their goals.

    Each is given its first three frames, and taken out where it arrives. No robot is there. This
    is the code that moves people in worlds.

    :param gait: learned, or `Gait.off()` for people who walk straight along ways.
    """
    tracks, period = course.tracks, course.tracks.period
    there = tracks.there
    first = there.argmax(axis=0)
    long = np.array([t[f:f + 3].all() and len(t[f:]) >= 3
                     for t, f in zip(there.T, first, strict=True)], bool)
    rows = np.flatnonzero(long)
    start = np.stack([tracks.at[first[rows] + k, rows] for k in range(3)], axis=1)
    until = first[rows] + 2 * there[:, rows].sum(axis=0) + round(SLACK / period)
    robot, people = RobotSpec(), ActorSettings(give_way=False, pause=1.0)
    at = np.full((len(tracks.at), len(rows), 2), np.nan)
    crowd = Crowd.empty(1, len(rows))
    crowd.pace[0], crowd.goal[0] = course.pace[rows], course.goal[rows]
    _play(tracks.atlas.arrays, course.ways, build_rails(tracks.atlas, CartSettings()), gait,
          Manner.of(people), crowd, Body.of(robot), streams(seed, 1), start, first[rows], until,
          period, max(1, int(np.ceil(period / LONGEST_STEP - 1e-9))), at)
    return Tracks(at, period, tracks.atlas, tracks.name)


@inline
def _bring(crowd: Crowd, k: int, since: int, start: Array, period: float, radius: float) -> None:
    """Put person k where it is in the first frames; from the third on it walks."""
    body, recall = crowd.body[0, k], crowd.recall[0, k]
    before = max(since - 1, 0)
    for axis in range(2):
        body[axis] = start[k, since, axis]
        body[2 + axis] = (start[k, since, axis] - start[k, before, axis]) / period
        recall[HERE + axis] = start[k, before, axis]
        recall[BEFORE + axis] = (start[k, 1, axis] - start[k, 0, axis]) / period
    recall[PASSED] = period
    body[4] = radius
    crowd.rest[0, k] = 0.0 if since == 2 else np.inf


@kernel
def _play(maps: AtlasArrays, ways: Ways, rails: Rails, gait: Gait, manner: Manner, crowd: Crowd,
          robot: Body, chance: NDArray[np.uint64], start: Array, first: NDArray[np.int64],
          until: NDArray[np.int64], period: float, inner: int, at: Array) -> None:
    far, still = np.array([AWAY, -AWAY, 0.0]), np.zeros(3)
    body, dt = crowd.body[0], period / inner
    gone = np.zeros(first.size, np.bool_)
    for t in range(at.shape[0]):
        for k in range(first.size):
            since = t - first[k]
            if 0 <= since <= 2:
                _bring(crowd, k, since, start, period, manner.radius)
            gone[k] = gone[k] or t > until[k] or (since > 2 and crowd.rest[0, k] > 0.0)
            if since < 0 or gone[k]:
                body[k, 0], body[k, 1] = AWAY, AWAY + 10.0 * k
                crowd.rest[0, k] = np.inf
            else:
                at[t, k, 0], at[t, k, 1] = body[k, 0], body[k, 1]
        for _ in range(inner):
            choose_strides(maps, ways, rails, gait, manner, crowd, chance, robot, far, still,
                           plain(0), plain(0), dt)
            for k in range(first.size):
                body[k, 0] += body[k, 2] * dt
                body[k, 1] += body[k, 3] * dt
