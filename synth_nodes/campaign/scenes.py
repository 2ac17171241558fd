"""Random scenes: what stands and moves around a robot, and what of it a sensor shows."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from synth_nodes.campaign.contact import gaps
from synth_nodes.campaign.pilots import Pilots
from synth_nodes.campaign.setups import Setup
from synth_nodes.safety.body import body_of

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
POLES, SLOTS, RING = 10, 40, 12


@dataclass(frozen=True)
class Scene:
    """B scenes of K solid things; the robot starts at the origin of each."""

    SHARED: ClassVar[tuple[str, ...]] = ('owner',)

    a: Array
    """An end of each thing's axis [m], shape (B, K, 2); NaN where there is none."""
    b: Array
    """The other end, shape (B, K, 2)."""
    radius: Array
    """Of each thing about its axis [m], shape (B, K)."""
    samples: Array
    """What a sensor shows: points relative to `a` of their thing, shape (B, N, 2), or NaN."""
    owner: NDArray[np.intp]
    """Thing that each point belongs to, shape (N,)."""
    speed: Array
    """Of each thing [m/s], shape (B, K)."""
    aim: Array
    """Where a thing heads for that does not hunt the robot, shape (B, K, 2)."""
    hunting: Flags
    """Whether it heads for the robot all the time, shape (B, K)."""
    halt: Array
    """How near a thing comes to a standing robot [m], shape (B,)."""


def draw_scene(rng: np.random.Generator, setup: Setup, pilots: Pilots, need: Array) -> Scene:
    """
    Draw a scene for each pilot.

    :param need: room around the footprint at the start [m], shape (B,); nothing is nearer.
    """
    draw = {'poles': _poles, 'walls': _walls, 'movers': _movers, 'boxed': _boxed}[setup.family]
    a, b, radius = draw(rng, setup, pilots, need)
    a, b = _set_back(setup, a, b, radius, need, pilots.way)
    samples, owner = _surface(setup, a, b, radius)
    size = radius.shape
    speed, hunting = np.zeros(size), np.zeros(size, bool)
    aim = np.zeros((*size, 2))
    if setup.family == 'movers':
        top = setup.rules.braking.other_speed
        full = rng.random((size[0], 2)) < 0.5
        speed[:, :2] = top * np.where(full, 1.0, rng.uniform(0.2, 1.0, full.shape))
        hunting[:, :2] = rng.random(full.shape) < 0.5
        aim[:, :2] = pilots.ahead(rng.uniform(0.0, 1.5, full.shape)) * 3.0 - 2.0 * a[:, :2]
    least = setup.rules.escape.clearance + setup.noise + 0.005
    return Scene(a, b, radius, samples, owner, speed, aim, hunting,
                 least + rng.uniform(0.0, 0.1, size[0]))


def _poles(rng: np.random.Generator, setup: Setup, pilots: Pilots,
           need: Array) -> tuple[Array, Array, Array]:
    """Thin poles, about the commanded way and anywhere around."""
    count = len(need)
    on_way = pilots.ahead(rng.uniform(0.2, 2.5, (count, POLES)))
    on_way = on_way + rng.normal(0.0, 0.35, on_way.shape)
    turn = rng.uniform(-np.pi, np.pi, (count, POLES))
    reach = setup.robot.radius + need[:, None] + rng.exponential(0.5, (count, POLES))
    around = reach[..., None] * np.stack((np.cos(turn), np.sin(turn)), axis=-1)
    points = np.where(np.arange(POLES)[:, None] % 3 < 2, on_way, around)
    absent = np.arange(POLES) >= rng.integers(1, POLES + 1, (count, 1))
    points[absent] = np.nan
    return points, points, np.zeros((count, POLES))


def _walls(rng: np.random.Generator, setup: Setup, pilots: Pilots,
           need: Array) -> tuple[Array, Array, Array]:
    """Two walls: one across the way, a corner, a passage or a door."""
    count = len(need)
    kind = rng.integers(4, size=count)
    middle = pilots.ahead(setup.robot.radius + need + rng.uniform(0.0, 1.0, count))
    heading = np.arctan2(pilots.way[:, 1], pilots.way[:, 0])
    tilt = heading + np.pi / 2 + rng.normal(0.0, 0.6, count)
    length = setup.gap * (SLOTS // 2 - 1)
    across, along = _unit(tilt), _unit(heading + rng.normal(0.0, 0.15, count))
    left = np.stack((-along[:, 1], along[:, 0]), axis=-1)
    width = float(np.abs(setup.robot.polygon).max()) + setup.rules.braking.margin
    half = (width * rng.uniform(0.6, 1.6, count))[:, None]
    start = middle - length / 2 * across
    corner = [start, start + length * across, start, start + length * _unit(tilt + np.pi / 2)]
    row = [start, start + length * across, start + length * across, start + 2 * length * across]
    passage = [middle + half * left, middle + half * left + length * along,
               middle - half * left, middle - half * left + length * along]
    door = [middle + half * left, middle + half * left + length * left,
            middle - half * left, middle - half * left - length * left]
    ends = np.choose(kind[:, None, None], [np.stack(k, axis=1) for k in (
        row, corner, passage, door)])
    return ends[:, ::2], ends[:, 1::2], np.zeros((count, 2))


def _movers(rng: np.random.Generator, setup: Setup, pilots: Pilots,
            need: Array) -> tuple[Array, Array, Array]:
    """Two round movers, and four poles that stand."""
    count = len(need)
    turn = rng.uniform(-np.pi, np.pi, (count, 2))
    reach = setup.robot.radius + need[:, None] + rng.uniform(0.1, 1.5, (count, 2))
    movers = reach[..., None] * _unit(turn)
    poles = _poles(rng, setup, pilots, need)[0][:, :4]
    largest = setup.gap * RING / (2 * np.pi)
    radius = np.concatenate((rng.uniform(0.3, 1.0, (count, 2)) * largest,
                             np.zeros((count, 4))), axis=1)
    movers[rng.random(count) < 0.5, 1] = np.nan
    points = np.concatenate((movers, poles), axis=1)
    return points, points, radius


def _boxed(rng: np.random.Generator, setup: Setup, pilots: Pilots,
           need: Array) -> tuple[Array, Array, Array]:
    """Poles close around the footprint."""
    count, body = len(need), body_of(setup.robot.footprint)
    edge = rng.integers(len(body.corners), size=(count, POLES))
    part = rng.uniform(0.0, 1.0, (count, POLES, 1))
    points = (1 - part) * body.corners[edge] + part * np.roll(body.corners, -1, axis=0)[edge]
    room = rng.uniform(0.0, 2 * setup.rules.braking.margin, (count, POLES))
    points = points + (need[:, None] + 1e-4 + room)[..., None] * body.normals[edge]
    return points, points, np.zeros((count, POLES))


def _unit(angle: Array) -> Array:
    return np.stack((np.cos(angle), np.sin(angle)), axis=-1)


def _set_back(setup: Setup, a: Array, b: Array, radius: Array, need: Array,
              way: Array) -> tuple[Array, Array]:
    """Move scenes along the way until nothing is nearer than needed; drop what still is."""
    body = body_of(setup.robot.footprint)
    for _ in range(3):
        lack = need - gaps(body, a, b, radius).min(axis=1)
        push = (np.maximum(lack, 0.0) * 1.2)[:, None, None] * way[:, None]
        a, b = a + push, b + push
    near = gaps(body, a, b, radius) < need[:, None]
    a, b = a.copy(), b.copy()
    a[near], b[near] = np.nan, np.nan
    return a, b


def _surface(setup: Setup, a: Array, b: Array,
             radius: Array) -> tuple[Array, NDArray[np.intp]]:
    """Set points on all things, no farther from each other than the gap."""
    if setup.family == 'walls':
        along = b - a
        parts = np.maximum(np.ceil(np.hypot(*along.T).T / setup.gap), 1.0)[..., None]
        steps = np.arange(SLOTS // 2) / parts
        points = np.where(steps <= 1.0, steps, np.nan)[..., None] * along[..., None, :]
        count = radius.shape[1]
        return (points.reshape(len(a), -1, 2),
                np.repeat(np.arange(count), SLOTS // 2))
    movers = 2 if setup.family == 'movers' else 0
    ring = _unit(np.arange(RING) * 2 * np.pi / RING)
    rings = (radius[:, :movers, None, None] * ring).reshape(len(a), -1, 2)
    rest = np.zeros((len(a), radius.shape[1] - movers, 2))
    owner = np.concatenate((np.repeat(np.arange(movers), RING),
                            np.arange(movers, radius.shape[1])))
    return np.concatenate((rings, rest), axis=1), owner

