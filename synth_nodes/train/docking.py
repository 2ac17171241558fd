"""Docking, cloned from the expert: a dense network over where the dock is thought to be."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from synth_nodes.envs.docking import DockingTask
from synth_nodes.envs.docking_settings import DockingSettings
from synth_nodes.envs.task import Task
from synth_nodes.policy.contract import PolicyContract
from synth_nodes.policy.docking import docking_contract
from synth_nodes.policy.flat import FlatPolicy
from synth_nodes.train.clone import Clone, clone, CloneSettings
from synth_nodes.train.clone_keeper import CloneKeeper
from synth_nodes.train.evaluate import Evaluation
from synth_nodes.train.evaluate_docking import evaluate_docking, suite
from synth_nodes.train.fit import torch_threads
from synth_nodes.train.flat_clone import FlatClone
from synth_nodes.train.ppo_run import RlResult
from synth_nodes.train.progress import Cancelled, never, Report, silent
from synth_nodes.train.trial_and_error import identity, provenance

DEFAULTS: dict[str, Any] = {
    'noise': 0.1, 'every': 2, 'rounds': 5, 'epochs': 6, 'final_epochs': 30, 'half': False}
"""Settings of cloning that differ here: gentle disturbances, for docks are near."""


class Apprentice(NamedTuple):
    """What is to learn docking."""

    clone: Clone
    """What the expert is cloned into: a torch module."""
    net: nn.Module
    """What is exported of it."""
    task: Task


class Craft(NamedTuple):
    """A way of docking: how it is learned, scored and described."""

    algorithm: str
    make: Callable[[], Apprentice]
    """Called once chance is seeded."""
    evaluate: Callable[..., Evaluation]
    """As `evaluate_docking`."""
    contract: Callable[[Mapping[str, Any], Mapping[str, Any]], PolicyContract]
    """From provenance and scores."""


def train_docking(settings: CloneSettings, environment: DockingSettings, episodes: int = 50,
                  report: Report = silent, cancelled: Cancelled = never, command: str = '',
                  out: Path | None = None, tensorboard: bool = False) -> RlResult:
    """
    Clone the expert of docking into a dense network.

    :param settings: how; environment: scenes, docks, robot, rules.
    :param episodes: in each scene of the suite that scores it; 0 for no score.
    :param command: the command line that started this, for the contract.
    :param out: folder for a checkpoint after each pass, from which the same call goes on, and for
        the journal and its picture; None for neither.
    :param tensorboard: whether the journal is kept for TensorBoard too.
    :raises InputError: when the checkpoint is of other settings, or a scene has no room for docks.
    :raises WorkCancelled: when told to stop; the last checkpoint stays.
    """
    def make() -> Apprentice:
        task = DockingTask(environment)
        shapes = {name: low.shape for name, (low, _) in task.bounds().items()}
        net = FlatPolicy(shapes, environment.robot)
        return Apprentice(FlatClone(net, tuple(shapes)), net, task)

    craft = Craft('behaviour cloning with DAgger', make, evaluate_docking,
                  partial(docking_contract, environment.robot, environment.lidar))
    return learn(craft, settings, environment, episodes, report, cancelled, command, out,
                 tensorboard)


def learn(craft: Craft, settings: CloneSettings, environment: Any, episodes: int, report: Report,
          cancelled: Cancelled, command: str, out: Path | None, tensorboard: bool = False,
          ) -> RlResult:
    """Clone the expert into an apprentice and score it; arguments are those of `train_docking`."""
    with torch_threads(settings.threads):
        torch.manual_seed(settings.seed)
        apprentice = craft.make()
        history, samples = clone(apprentice.clone, apprentice.task, settings, report, cancelled,
                                 CloneKeeper(out, identity(settings, environment), tensorboard))
        apprentice.net.eval()
        scores: dict[str, Any] = {'validation_loss': round(history[-1].validation_loss, 6)}
        if episodes:
            scores['held_back_scenes'] = craft.evaluate(
                apprentice.clone.act, suite(), environment, episodes, report=report,
                cancelled=cancelled).to_dict()
    origin = {**provenance(craft.algorithm, command, settings, environment), 'samples': samples}
    return RlResult(apprentice.net, craft.contract(origin, scores))


def quick(environment: DockingSettings) -> DockingSettings:
    """Make the scenes few: a trial of the whole chain in seconds."""
    return replace(environment, layouts=('rooms',), scenes=1)
