"""Docking, cloned from the expert: a dense network over where the dock is thought to be."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from synth_nodes.envs.docking import DockingTask
from synth_nodes.envs.docking_settings import DockingSettings
from synth_nodes.policy.docking import docking_contract
from synth_nodes.policy.flat import FlatPolicy
from synth_nodes.train.clone import clone, CloneSettings
from synth_nodes.train.clone_keeper import CloneKeeper
from synth_nodes.train.evaluate_docking import evaluate_docking, suite
from synth_nodes.train.fit import torch_threads
from synth_nodes.train.flat_clone import FlatClone
from synth_nodes.train.ppo_run import RlResult
from synth_nodes.train.progress import Cancelled, never, Report, silent
from synth_nodes.train.trial_and_error import identity, provenance

DEFAULTS: dict[str, Any] = {
    'noise': 0.1, 'every': 2, 'rounds': 5, 'epochs': 6, 'final_epochs': 30, 'half': False}
"""Settings of cloning that differ here: gentle disturbances, for docks are near."""


def train_docking(settings: CloneSettings, environment: DockingSettings, episodes: int = 50,
                  report: Report = silent, cancelled: Cancelled = never, command: str = '',
                  out: Path | None = None) -> RlResult:
    """
    Clone the expert of docking into a dense network.

    :param settings: how; environment: scenes, docks, robot, rules.
    :param episodes: in each scene of the suite that scores it; 0 for no score.
    :param command: the command line that started this, for the contract.
    :param out: folder for a checkpoint after each pass, from which the same call goes on, and for
        the journal and its picture; None for neither.
    :raises InputError: when the checkpoint is of other settings, or a scene has no room for docks.
    :raises WorkCancelled: when told to stop; the last checkpoint stays.
    """
    task = DockingTask(environment)
    shapes = {name: low.shape for name, (low, _) in task.bounds().items()}
    with torch_threads(settings.threads):
        torch.manual_seed(settings.seed)
        net = FlatPolicy(shapes, environment.robot)
        driver = FlatClone(net, tuple(shapes))
        history, samples = clone(driver, task, settings, report, cancelled,
                                 CloneKeeper(out, identity(settings, environment)))
        net.eval()
        scores: dict[str, Any] = {'validation_loss': round(history[-1].validation_loss, 6)}
        if episodes:
            scores['held_back_scenes'] = evaluate_docking(
                driver.act, suite(), environment, episodes, report=report,
                cancelled=cancelled).to_dict()
    origin = {**provenance('behaviour cloning with DAgger', command, settings, environment),
              'samples': samples}
    return RlResult(net, docking_contract(environment.robot, environment.lidar, origin, scores))


def quick(environment: DockingSettings) -> DockingSettings:
    """Make the scenes few: a trial of the whole chain in seconds."""
    return replace(environment, layouts=('rooms',), scenes=1)
