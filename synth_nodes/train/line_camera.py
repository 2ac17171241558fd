"""Line following by camera: training, and a suite of tracks that says how well it goes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch

from synth_nodes.envs.line_camera import flawless, Flaws, LineCameraTask
from synth_nodes.envs.settings import LineCameraSettings
from synth_nodes.policy.camera_networks import CameraPolicy
from synth_nodes.policy.contract import PolicyContract
from synth_nodes.policy.line_camera import line_camera_contract
from synth_nodes.sensors.image_chance import ChanceFlaws
from synth_nodes.settings import flatten
from synth_nodes.train.clone import clone, CloneSettings
from synth_nodes.train.clone_keeper import CloneKeeper
from synth_nodes.train.evaluate import wilson
from synth_nodes.train.fit import Epoch, torch_threads
from synth_nodes.train.progress import Cancelled, check, never, Progress, Report, silent
from synth_nodes.train.trial_and_error import identity
from synth_nodes.train.versions import versions
from synth_nodes.types import FloatArray
from synth_nodes.world.layouts import generate_scene
from synth_nodes.world.scene import Scene, Surface

FIRST_TEST = 10000
"""Seed of the first track of the suite; training stays below."""
_PART = 25
"""Tracks driven at once, so that their scenes fit into memory."""
_FLOORS = ('concrete', 'carpet', 'tiles', 'planks', 'plain')
Policy = Callable[[Mapping[str, FloatArray]], FloatArray]


@dataclass(frozen=True)
class Run:
    """How one track was driven."""

    scene: Scene
    success: bool
    """Whether the end was reached in time, without contact, on the line."""
    error: NDArray[np.float64]
    """Distance from the line at every step [m], shape (T,)."""
    way: NDArray[np.float64]
    """x, y [m] of base_link at every step, shape (T, 2)."""
    last: NDArray[np.uint8]
    """The last image seen, shape (H, W, 3)."""


@dataclass(frozen=True)
class LineResult:
    """A trained policy and how training went."""

    net: CameraPolicy
    contract: PolicyContract
    """Without checksum: the network is not exported yet."""
    history: tuple[Epoch, ...]


def tracks(count: int, first: int, paint: bool = False) -> list[Scene]:
    """
    Generate tracks, straight and curved in turn.

    :param first: seed of the first.
    :param paint: give every floor another surface and brightness, for training.
    """
    rng = np.random.default_rng([45, first])
    made = [generate_scene(('track_straight', 'track_curved')[k % 2], first + k)
            for k in range(count)]
    return [_repainted(scene, rng) for scene in made] if paint else made


def _repainted(scene: Scene, rng: np.random.Generator) -> Scene:
    grey, tint = rng.uniform(0.35, 0.8), rng.uniform(0.92, 1.08, 3)
    red, green, blue = np.clip(grey * tint, 0.0, 1.0).tolist()
    floor = Surface(str(rng.choice(_FLOORS)), (red, green, blue),
                    (0.8 * red, 0.8 * green, 0.8 * blue), float(rng.uniform(1.5, 4.0)),
                    float(rng.uniform(0.1, 0.5)))
    return replace(scene, surfaces=(floor, *scene.surfaces[1:]))


def train_line_camera(
    settings: CloneSettings, task: LineCameraSettings, scenes: int = 24, suite: int = 0,
    report: Report = silent, cancelled: Cancelled = never, command: str = '',
    out: Path | None = None, tensorboard: bool = False,
) -> LineResult:
    """
    Clone the expert that knows where the line is into a network that sees it.

    :param settings: how; task: camera, robot, speed.
    :param scenes: tracks to learn on, every second with the floor of the suite.
    :param suite: tracks of the suite that score the policy, under random flaws; 0 for none.
    :param command: the command line that started this, for the contract.
    :param out: folder for a checkpoint after each pass, from which the same call goes on, and for
        the journal and its picture; None for neither.
    :param tensorboard: whether the journal is kept for TensorBoard too.
    :raises InputError: when robot, camera and tracks do not go together, or the checkpoint is of
        other settings.
    :raises WorkCancelled: when told to stop; the last checkpoint stays.
    """
    half = scenes // 2
    made = tracks(half, 0, paint=True) + tracks(scenes - half, half)
    with torch_threads(settings.threads):
        torch.manual_seed(settings.seed)
        net = CameraPolicy(task.camera, task.line.robot)
        history, samples = clone(
            net, LineCameraTask(task, made, ChanceFlaws(settings.seed)), settings, report,
            cancelled, CloneKeeper(out, {**identity(settings, task), 'scenes': scenes},
                                   tensorboard))
        scores: dict[str, Any] = {
            'validation_loss': round(history[-1].validation_loss, 6), 'epochs': len(history)}
        if suite:
            scores['tracks'] = summary(evaluate_line(
                net.act, task, suite, ChanceFlaws(FIRST_TEST), report, cancelled))
    provenance = {
        'algorithm': 'behaviour cloning with DAgger', 'command': command, 'seed': settings.seed,
        'settings': flatten(settings), 'task': flatten(task), 'samples': samples,
        'versions': versions()}
    contract = line_camera_contract(task.line.robot, task.camera, provenance, scores)
    return LineResult(net, contract, tuple(history))


def evaluate_line(
    policy: Policy | None, task: LineCameraSettings, count: int, flaws: Flaws = flawless,
    report: Report = silent, cancelled: Cancelled = never,
) -> list[Run]:
    """
    Drive the suite: one run on each of `count` tracks that were never trained on.

    :param policy: what drives, such as `PolicySession.act`; the expert where None.
    :param flaws: what the sensor makes of true images.
    :return: a run for each track, in their order; the same arguments give the same.
    """
    runs: list[Run] = []
    for first in range(0, count, _PART):
        scenes = tracks(min(_PART, count - first), FIRST_TEST + first)
        runs += _drive(policy, LineCameraTask(task, scenes, flaws), scenes, cancelled)
        report(Progress('driving tracks', len(runs), count))
    return runs


def _drive(policy: Policy | None, task: LineCameraTask, scenes: Sequence[Scene],
           cancelled: Cancelled) -> list[Run]:
    batch = len(scenes)
    robots = task.robots(np.arange(batch, dtype=np.int64), FIRST_TEST)
    seen = {name: np.zeros((batch, *low.shape), np.float32)
            for name, (low, _) in task.bounds().items()}
    robots.begin(np.arange(batch))
    robots.observe(seen)
    done, won = np.zeros(batch, bool), np.zeros(batch, bool)
    last = seen['image'].astype(np.uint8)
    errors: list[list[float]] = [[] for _ in scenes]
    ways: list[list[NDArray[np.float64]]] = [[] for _ in scenes]
    while not done.all():
        check(cancelled)
        for b in np.flatnonzero(~done):
            errors[b].append(abs(float(robots.line.offset[b])))
            ways[b].append(robots.line.world.pose[b, :2].copy())
            last[b] = seen['image'][b]
        command = robots.expert() if policy is None else np.asarray(policy(seen), float)
        robots.step(np.where(done[:, None], 0.0, command))
        robots.observe(seen)
        outcome = robots.judge()
        won |= ~done & outcome.success
        done |= outcome.success | outcome.failure | outcome.late
    return [Run(scene, bool(won[b]), np.array(errors[b]), np.array(ways[b]), last[b])
            for b, scene in enumerate(scenes)]


def summary(runs: Sequence[Run]) -> dict[str, Any]:
    """Success with its 95 % interval; distance from the line [m] over all steps of all runs."""
    won = sum(run.success for run in runs)
    low, high = wilson(won, len(runs))
    error = np.concatenate([run.error for run in runs])
    return {'tracks': len(runs), 'success': round(won / len(runs), 4),
            'success_low': round(low, 4), 'success_high': round(high, 4),
            'mean_error': round(float(error.mean()), 4),
            'p95_error': round(float(np.percentile(error, 95)), 4)}
