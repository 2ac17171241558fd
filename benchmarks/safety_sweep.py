"""
The safety core against independent references: missed hits, and speeds raised by more obstacles.

    python benchmarks/safety_sweep.py [--count 1000000] [--zones 1000000] [--seed 0]

Sweep: random polygons, twists and points. The reference knows nothing of the core's algebra: it
moves the point by the exact rotation about the centre of the arc in small steps and tests which
side of each edge it is on; between two steps no point moves more than 1 mm, and only what the
reference sees 1 mm deep inside counts as a hit for sure. Missed: not found, or found later than
the reference saw it. Monotonicity: the same robot, velocity and command judged with some points,
with one more obstacle, with one more unseen point, with a bar of obstacles (a zone filled with
points), and at a higher learned risk; a violation is a higher speed. Zones of a user's are added
one after the other, at a random place of the list, some of them held from before; the core's
verdict, which does not depend on them, is asked for once a scene.
"""

import argparse
from collections.abc import Iterator
from functools import partial
from unittest import mock

import numpy as np

from synth_nodes.safety import user_zones
from synth_nodes.safety.body import body_of
from synth_nodes.safety.core import judge, judge_batch
from synth_nodes.safety.nav2_zones import ACTIONS, SubZone, UserZone
from synth_nodes.safety.nav2_zones import SHAPES as ZONE_SHAPES
from synth_nodes.safety.risk import capped
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.sources import PointSource, RobotState
from synth_nodes.safety.sweep import entry_times
from synth_nodes.safety.user_zones import Held, judge_with_zones
from synth_nodes.safety.zone_shapes import convex_hull
from synth_nodes.settings import build
from synth_nodes.types import RobotSpec, Verdict

SHAPES = ((0.21, 0.18, -0.21, 0.18, -0.21, -0.18, 0.21, -0.18),
          (0.5, 0.0, -0.2, 0.3, -0.3, -0.1),
          (0.3, 0.0, 0.0, 0.2, -0.3, 0.0, 0.0, -0.2))
DEPTH = 0.001
CHUNK = 2000


def reference(points: np.ndarray, twists: np.ndarray, corners: np.ndarray,
              horizon: float) -> np.ndarray:
    """First time [s] at which each point is DEPTH inside a polygon, by small steps, (M,)."""
    edges = np.roll(corners, -1, axis=0) - corners
    normals = np.stack((edges[:, 1], -edges[:, 0]), axis=1) / np.hypot(*edges.T)[:, None]
    offsets = (normals * corners).sum(axis=1)
    speed = np.hypot(twists[:, 0], twists[:, 1]) + np.abs(twists[:, 2]) * 1.5
    steps = int(np.ceil(horizon * speed.max() / DEPTH)) + 1
    out = np.full(len(points), np.inf)
    place = points[:, 0] + 1j * points[:, 1]
    velocity = twists[:, 0] + 1j * twists[:, 1]
    dt = horizon / steps
    turn = np.exp(-1j * twists[:, 2] * dt)
    half = twists[:, 2] * dt / 2
    shift = velocity * dt * np.exp(1j * half) * np.sinc(half / np.pi)
    for k in range(steps + 1):
        deep = np.max([n[0] * place.real + n[1] * place.imag - o
                       for n, o in zip(normals, offsets, strict=True)], axis=0) <= -DEPTH
        out = np.where(deep & np.isinf(out), k * dt, out)
        place = (place - shift) * turn
    return out


def missed_hits(count: int, seed: int) -> tuple[int, int]:
    """Return the number of missed hits, and of hits, among random motions."""
    rng = np.random.default_rng(seed)
    missed = hits = 0
    while hits < count:
        body = body_of(SHAPES[int(rng.integers(len(SHAPES)))])
        pace = rng.uniform(0.05, 1.0)
        twists = rng.uniform((-pace, -pace, -2 * pace), (pace, pace, 2 * pace), (CHUNK, 3))
        twists[:: 5, 2] = 0.0
        twists[1:: 5, :2] = 0.0
        twists[2:: 5, 2] *= 1e-6
        way = rng.uniform(0.0, 1.2, CHUNK) * pace
        heading = np.arctan2(twists[:, 1], twists[:, 0]) + rng.uniform(-0.6, 0.6, CHUNK)
        ring = body.radius * rng.uniform(0.3, 1.2, CHUNK) + way
        points = ring[:, None] * np.stack((np.cos(heading), np.sin(heading)), axis=1)
        truth = reference(points, twists, body.corners, 1.5)
        found = entry_times(points, twists, np.tile(body.corners, (CHUNK, 1, 1)))
        sure = np.isfinite(truth)
        hits += int(sure.sum())
        missed += int((found[sure] > truth[sure] + 1e-9).sum())
    return missed, hits


def raised_speeds(count: int, seed: int) -> tuple[int, int]:
    """Return the number of times that more obstacles or risk raised the speed, and of trials."""
    rng = np.random.default_rng(seed)
    raised = trials = 0
    while trials < count:
        kind = ('differential', 'ackermann', 'omnidirectional')[int(rng.integers(3))]
        robot = RobotSpec(drive=kind)
        rules = build(SafetyRules, {'braking.other_speed': float(rng.choice((0.0, 0.3))),
                                    'source.min_points': int(rng.integers(1, 4))})
        velocity = rng.uniform((-0.2, 0.0, -1.5), (0.8, 0.0, 1.5), (CHUNK, 3))
        command = rng.uniform((-0.3, 0.0, -1.6), (0.9, 0.0, 1.6), (CHUNK, 3))
        if kind == 'omnidirectional':
            velocity[:, 1], command[:, 1] = rng.uniform(-0.5, 0.5, (2, CHUNK))
        points = rng.uniform(-1.2, 1.2, (CHUNK, 8, 2))
        points[rng.random((CHUNK, 8)) < 0.5] = np.nan
        more = rng.uniform(-1.2, 1.2, (CHUNK, 1, 2))
        bar = more + np.linspace(-0.3, 0.3, 7)[:, None] * rng.uniform(-1, 1, (CHUNK, 1, 2))
        age, grown = rng.uniform(0.0, 0.1, CHUNK), rng.random(CHUNK) < 0.3

        judged = partial(judge_batch, rules, robot, velocity)
        first = judged(points, age, command, grown).command
        others = [
            judged(np.concatenate((points, more), axis=1), age, command, grown).command,
            judged(np.concatenate((points, bar), axis=1), age, command, grown).command,
            judged(points, age, command, grown, more).command,
            _by_risk(rules, first, command, rng)]
        for other in others:
            raised += int((np.abs(other).sum(axis=1) > np.abs(first).sum(axis=1) + 1e-12).sum())
            trials += CHUNK
    return raised, trials


def _by_risk(rules: SafetyRules, first: np.ndarray, command: np.ndarray,
             rng: np.random.Generator) -> np.ndarray:
    """Commands let through, shape (B, 3), when a learned risk comes on top."""
    risks = rng.random(len(first))
    return np.array([capped(rules.risk, Verdict(
        tuple(float(v) for v in out), 'pass', '', '', np.inf, np.inf, ''), wish, float(r)).command
        for out, wish, r in zip(first, command, risks, strict=True)])


def raised_by_zones(count: int, seed: int) -> tuple[int, int, int]:
    """Return how often one more zone raised the speed, lowered it, and of how many trials."""
    raised = lowered = trials = 0
    scenes = _scenes_with_zones(seed)
    while trials < count:
        steps = np.concatenate([np.diff(speeds) for speeds in next(scenes)])
        raised += int((steps > 1e-12).sum())
        lowered += int((steps < -1e-12).sum())
        trials += len(steps)
    return raised, lowered, trials


def _scenes_with_zones(seed: int) -> Iterator[list[list[float]]]:
    """Draw scenes; of each speeds let through without zones and with ever more, five times."""
    rng = np.random.default_rng(seed)
    both = [build(SafetyRules, {'braking.other_speed': v}) for v in (0.0, 0.3)]
    while True:
        kind = ('differential', 'ackermann', 'omnidirectional')[int(rng.integers(3))]
        robot, rules = RobotSpec(drive=kind), both[int(rng.integers(2))]
        velocity = rng.uniform((-0.1, 0.0, -0.5), (0.5, 0.0, 0.5))
        command = rng.uniform((-0.3, 0.0, -1.0), (0.9, 0.0, 1.0))
        if kind == 'omnidirectional':
            velocity[1], command[1] = rng.uniform(-0.3, 0.3, 2)
        away, around = rng.uniform(0.3, 2.5, 6), rng.uniform(-np.pi, np.pi, 6)
        points = away[:, None] * np.stack((np.cos(around), np.sin(around)), axis=1)
        sources = (PointSource('scan', points, float(rng.uniform(0.0, 0.1)), True),)
        asked = (rules, robot, RobotState(velocity, 0.0), sources, command)
        core = judge(*asked)
        if not any(core.command):
            continue
        with mock.patch.object(user_zones, 'judge', return_value=core):
            speed = float(np.abs(core.command).sum())
            scene = [[speed, *_with_zones(asked, rng)] for _ in range(5)]
        yield scene


def _with_zones(asked: tuple, rng: np.random.Generator) -> list[float]:
    """Speeds let through with one, two and three zones, the newest anywhere among the others."""
    zones: list[UserZone] = []
    held: dict[str, Held] = {}
    speeds = []
    for number in range(3):
        zone = _zone(f'z{number}', rng)
        zones.insert(int(rng.integers(len(zones) + 1)), zone)
        if rng.random() < 0.2:
            held[zone.name] = Held(float(rng.random()), 3, 0, 0.0)
        verdict = judge_with_zones(*asked, zones, held=held).verdict
        speeds.append(float(np.abs(verdict.command).sum()))
    return speeds


def _zone(name: str, rng: np.random.Generator) -> UserZone:
    """Draw a zone of any shape and action; of some the shape is not known yet."""
    shape, action = str(rng.choice(ZONE_SHAPES)), str(rng.choice(ACTIONS))

    def corners() -> np.ndarray:
        return np.asarray(convex_hull([tuple(p) for p in rng.uniform(-1.5, 1.5, (6, 2))]))
    parts = tuple(SubZone(str(k), corners(), -0.5, 0.4 + k, -1.0, 1.0) for k in range(2))
    return UserZone(
        name, shape, action,
        corners() if shape in ('polygon', 'footprint') and rng.random() < 0.97 else None,
        float(rng.uniform(0.2, 1.5)) if shape == 'circle' else None,
        parts if shape == 'velocity_polygon' else (), bool(rng.integers(2)),
        int(rng.integers(1, 4)), *rng.uniform((0.0, 0.05, 0.05), (1.0, 1.0, 1.5)).tolist(),
        time_before_collision=float(rng.uniform(0.5, 4.0)),
        release_after=int(rng.integers(1, 4)))


def main() -> None:
    """Count and print."""
    arguments = argparse.ArgumentParser(description='The safety core against references.')
    arguments.add_argument('--count', type=int, default=1_000_000)
    arguments.add_argument('--zones', type=int, default=1_000_000,
                           help='trials with one more zone')
    arguments.add_argument('--seed', type=int, default=0)
    options = arguments.parse_args()
    missed, hits = missed_hits(options.count, options.seed)
    print(f'swept contact: {missed} missed of {hits} hits', flush=True)
    raised, trials = raised_speeds(options.count, options.seed)
    print(f'monotonicity: {raised} raised speeds in {trials} trials', flush=True)
    by_zones, lowered, zoned = raised_by_zones(options.zones, options.seed)
    print(f'one more zone: {by_zones} raised speeds in {zoned} trials, {lowered} lowered')
    print(f'missed hits and raised speeds: {missed + raised + by_zones}')


if __name__ == '__main__':
    main()
