"""How far a policy or a collision predictor moves when its scans are attacked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from synth_nodes.settings import setting
from synth_nodes.tasks.course import Course
from synth_nodes.tasks.fleet import Fleet
from synth_nodes.tasks.observation import Observation, ObservationSpec
from synth_nodes.train.attack import (
    attack,
    Bounds,
    changes,
    Model,
    random_noise,
    scan_bounds,
    STEPS,
)
from synth_nodes.train.evaluate import evaluate, EvaluationSettings, Policy
from synth_nodes.train.progress import Progress, Report, silent
from synth_nodes.types import GridMap, LidarSpec, RobotSpec
from synth_nodes.world.people import ActorSettings

Array = NDArray[np.float32]
TURNING = 0.1
"""Turn [rad/s] from which on a robot turns to one side."""


@dataclass(frozen=True)
class AttackSettings:
    """What is attacked, and how hard."""

    seed: int = setting(0, 'Seed of errands and of noise.', low=0, high=2**31 - 1)
    samples: int = setting(128, 'Moments attacked, of robots under way.', low=1, high=100_000)
    deviations: float = setting(
        3.0, "How far a range or a colour may be moved, in deviations of its sensor's noise.",
        low=0.0, high=100.0)
    steps: int = setting(STEPS, 'Steps of PGD.', low=2, high=1000)
    episodes: int = setting(
        0, 'Errands driven in closed loop under FGSM in each map, for a policy; takes a minute '
        'for six.', low=0, high=10_000)
    read_noise: float = setting(
        2.0, "Deviation of the camera's noise in the dark, of 255, for a policy of images.",
        low=0.0, high=100.0)
    shot_noise: float = setting(
        4.0, 'Deviation of its photon noise at full brightness, of 255.', low=0.0, high=100.0)
    threshold: float = setting(
        0.2, 'Probability whose crossing is a flip, for a collision predictor.',
        low=0.0, high=1.0)


def moments(maps: Sequence[GridMap], robot: RobotSpec, lidar: LidarSpec, spec: ObservationSpec,
            settings: AttackSettings) -> tuple[Observation, Array]:
    """
    Let the expert drive among people, and pick moments.

    :return: observations of `samples` moments, and what the expert commands, shape (N, 2).
    """
    rng = np.random.default_rng([83, settings.seed])
    course = Course(maps, robot)
    fleet = Fleet(course, lidar, spec, ActorSettings(),
                  np.arange(min(64, settings.samples)) % len(maps), settings.seed)
    fleet.begin(np.arange(len(fleet.map_index)),
                [course.errand(rng, int(m), 3.0, 20.0) for m in fleet.map_index])
    parts: list[dict[str, Array]] = []
    while len(parts) * len(fleet.map_index) < settings.samples:
        for _ in range(20):
            fleet.step(np.asarray(fleet.expert()))
        seen = fleet.observe()
        parts.append({'scan': np.array(seen['scan'], np.float32), 'goal': seen['goal'].copy(),
                      'velocity': seen['velocity'].copy(),
                      'command': np.array(fleet.expert(), np.float32)})
    joined = {name: np.concatenate([p[name] for p in parts])[:settings.samples]
              for name in parts[0]}
    command = joined.pop('command')
    return cast(Observation, joined), command


def bounds_of(scan: Array, lidar: LidarSpec, spec: ObservationSpec, deviations: float) -> Bounds:
    """Bound pooled scans by the noise of the lidar."""
    return scan_bounds(scan, lidar.noise_std, lidar.noise_slope, spec.range_max, deviations)


def command_changes(plain: NDArray[np.floating], moved: NDArray[np.floating]) -> dict[str, Any]:
    """
    Sum up how far commands moved, shape (N, 2).

    :return: `speed` [m/s] and `turn` [rad/s] with mean, p95 and max, and `flips`, the share of
        the moments of turning in which the robot turns to the other side.
    """
    turns = np.abs(plain[:, 1]) > TURNING
    other = turns & (np.abs(moved[:, 1]) > TURNING) & (plain[:, 1] * moved[:, 1] < 0)
    return {'speed': changes(plain[:, 0], moved[:, 0]), 'turn': changes(plain[:, 1], moved[:, 1]),
            'flips': float(other.sum() / max(turns.sum(), 1))}


def attack_policy(policy: Policy, maps: Sequence[GridMap], robot: RobotSpec, lidar: LidarSpec,
                  spec: ObservationSpec, settings: AttackSettings,
                  report: Report = silent) -> dict[str, Any]:
    """
    Measure how far commands move under attack, beside random noise of the same size.

    :return: by attack: `speed` [m/s] and `turn` [rad/s] with mean, p95 and max, and `flips`, the
        share of moments in which the robot turns to the other side; `closed_loop` where asked for.
    """
    seen, _ = moments(maps, robot, lidar, spec, settings)
    model = _model_of(policy, seen)
    scale = np.array([robot.max_speed, robot.max_turn_rate], np.float32)
    plain = model(seen['scan'], np.arange(len(seen['scan'])))

    def row(moved: NDArray[np.floating]) -> dict[str, Any]:
        return command_changes(plain, moved)

    out = _attacked(model, seen['scan'], lidar, spec, settings, scale, row, report)
    if settings.episodes:
        chosen = EvaluationSettings(episodes=settings.episodes, seed=settings.seed)
        out['closed_loop'] = {
            name: evaluate(act, maps, robot, lidar, spec, chosen, report).to_dict()['all']
            for name, act in (('unharmed', policy),
                              ('fgsm', _harmed(policy, lidar, spec, settings, scale)))}
    return out


def attack_predictor(model: Model, seen: Array, lidar: LidarSpec, spec: ObservationSpec,
                     settings: AttackSettings, report: Report = silent) -> dict[str, Any]:
    """
    Measure how far the probability of a collision moves under attack.

    :param model: scans to probabilities, shape (N, 1).
    :param seen: scans, shape (N, history, sectors) [m].
    :return: by attack: `probability` with mean, p95 and max; `flips`, the share of moments in
        which it crosses the threshold, and `hidden`, that in which it falls below it.
    """
    plain = model(seen, np.arange(len(seen)))[:, 0]

    def row(moved: NDArray[np.floating]) -> dict[str, Any]:
        before, after = plain > settings.threshold, moved[:, 0] > settings.threshold
        return {'probability': changes(plain, moved[:, 0]),
                'flips': float((before != after).mean()),
                'hidden': float((before & ~after).sum() / max(before.sum(), 1))}

    return _attacked(model, seen, lidar, spec, settings, np.ones(1, np.float32), row, report)


def _attacked(model: Model, seen: Array, lidar: LidarSpec, spec: ObservationSpec,
              settings: AttackSettings, scale: Array, row: Any,
              report: Report) -> dict[str, Any]:
    bounds = bounds_of(seen, lidar, spec, settings.deviations)
    rows = np.arange(len(seen))
    out: dict[str, Any] = {}
    tries = (('random', None), ('fgsm', 1), ('pgd', settings.steps))
    for k, (name, steps) in enumerate(tries):
        moved = random_noise(seen, bounds, settings.seed) if steps is None else attack(
            model, seen, bounds, scale, steps, settings.seed)
        out[name] = row(np.asarray(model(moved, rows)))
        report(Progress('attacking', k + 1, len(tries)))
    return out


def _model_of(policy: Policy, seen: Observation) -> Model:
    """See a policy as a function of its scans alone, the rest as it was at each moment."""
    def model(scan: Array, rows: NDArray[np.int64]) -> NDArray[np.floating]:
        given: Any = {'scan': scan, 'goal': seen['goal'][rows], 'velocity': seen['velocity'][rows]}
        return np.asarray(policy(given))

    return model


def _harmed(policy: Policy, lidar: LidarSpec, spec: ObservationSpec, settings: AttackSettings,
            scale: Array) -> Policy:
    """Make a policy that sees every scan as FGSM left it."""
    def act(seen: Observation) -> NDArray[np.floating]:
        scan = np.asarray(seen['scan'], np.float32)
        bounds = bounds_of(scan, lidar, spec, settings.deviations)
        moved = attack(_model_of(policy, seen), scan, bounds, scale)
        given: Any = {**seen, 'scan': moved}
        return np.asarray(policy(given))

    return act
