"""Line following by camera: training."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from synth_nodes.envs.line_camera import Flaws, Images, LineCameraTask
from synth_nodes.envs.settings import LineCameraSettings
from synth_nodes.generators.camera import degrader
from synth_nodes.policy.camera_networks import CameraPolicy
from synth_nodes.policy.contract import PolicyContract
from synth_nodes.policy.line_camera import line_camera_contract
from synth_nodes.sensors.image_chance import ChanceFlaws
from synth_nodes.settings import flatten
from synth_nodes.train.clone import clone, CloneSettings
from synth_nodes.train.clone_keeper import CloneKeeper
from synth_nodes.train.evaluate_line import evaluate_line, FIRST_TEST, summary, tracks
from synth_nodes.train.fit import Epoch, torch_threads
from synth_nodes.train.progress import Cancelled, never, Report, silent
from synth_nodes.train.trial_and_error import identity
from synth_nodes.train.versions import versions


@dataclass(frozen=True)
class LineResult:
    """A trained policy and how training went."""

    net: CameraPolicy
    contract: PolicyContract
    """Without checksum: the network is not exported yet."""
    history: tuple[Epoch, ...]


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
            net, LineCameraTask(task, made, flaws_of(settings)), settings, report,
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


def flaws_of(settings: CloneSettings) -> Flaws:
    """Draw the flaws of images by chance, or every second robot's as a learned camera tells it."""
    chance = ChanceFlaws(settings.seed)
    if not settings.augment.degrade:
        return chance
    learned = degrader(settings.augment.degrade, settings.seed)

    def both(images: Images) -> Images:
        out = chance(images)
        if len(images) > 1:
            out[1::2] = learned(images[1::2])
        return out

    return both
