"""Docking by several sensors: training while they drop out, scores for each that is left."""

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from synth_nodes.envs.docking_senses import SensesSettings, SensesTask, SUBSETS
from synth_nodes.policy.docking_senses import senses_contract
from synth_nodes.policy.senses_network import SensesPolicy
from synth_nodes.sensors.image_chance import ChanceFlaws
from synth_nodes.tasks.dock_senses import SENSES
from synth_nodes.train.clone import CloneSettings
from synth_nodes.train.docking import Apprentice, Craft, learn
from synth_nodes.train.evaluate import Evaluation, Kept, map_score, MapScore, Policy
from synth_nodes.train.evaluate_docking import dock_all, DockingTrial, furnish
from synth_nodes.train.ppo_run import RlResult
from synth_nodes.train.progress import Cancelled, never, Progress, Report, silent
from synth_nodes.train.trial import Failure
from synth_nodes.types import GridMap
from synth_nodes.world.scene import Scene

DEFAULTS: dict[str, Any] = {
    'robots': 120, 'rounds': 5, 'steps': 150, 'every': 4, 'noise': 0.1, 'epochs': 4,
    'final_epochs': 14, 'half': False}
"""Settings of cloning that differ here."""
FIRST_TEST = 20000
"""Seed of the flaws of images in the suite; training stays below."""


def subset_name(present: Sequence[float]) -> str:
    """Name what is present: 'camera + lidar'."""
    return ' + '.join(n for n, p in zip(SENSES, present, strict=True) if p > 0.5)


def train_senses(settings: CloneSettings, environment: SensesSettings, episodes: int = 25,
                 report: Report = silent, cancelled: Cancelled = never, command: str = '',
                 out: Path | None = None, tensorboard: bool = False) -> RlResult:
    """
    Clone the expert of docking into a network that bears the loss of any sensor but the last.

    Arguments, return value and errors are those of `train_docking`.
    """
    docking = environment.docking

    def make() -> Apprentice:
        net = SensesPolicy(environment.camera, environment.observation, docking.robot)
        return Apprentice(net, net, SensesTask(environment, flaws=ChanceFlaws(settings.seed)))

    craft = Craft('behaviour cloning with DAgger and sensor dropout', make, evaluate_senses,
                  partial(senses_contract, docking.robot, docking.lidar, environment.camera,
                          environment.observation))
    return learn(craft, settings, environment, episodes, report, cancelled, command, out,
                 tensorboard)


def evaluate_senses(
    policy: Policy | None, maps: Sequence[GridMap | Scene], settings: SensesSettings,
    episodes: int, seed: int = 1000, report: Report = silent, cancelled: Cancelled = never,
) -> Evaluation:
    """
    Score a policy with each set of sensors, the missing ones blank, in the same docks.

    :param maps: docks are stood in them, see `evaluate_docking`.
    :param episodes: in each map, with each set of sensors.
    :return: a score for each set, over all maps, and 'all' last; failures name set and map.
    :raises InputError: when a map has no room for a dock.
    """
    task = SensesTask(settings, furnish(maps, settings.docking))
    scores: list[MapScore] = []
    failures: list[Failure] = []
    books: list[DockingTrial] = []
    for k, present in enumerate(SUBSETS):
        task.present, task.flaws = present, ChanceFlaws(FIRST_TEST)
        trial = dock_all(policy, task, episodes, seed, cancelled=cancelled)
        books.append(trial)
        name = subset_name(present)
        scores.append(map_score(trial, np.ones(len(trial.done), bool), name))
        failures += [replace(f, map_name=f'{f.map_name}, {name}') for f in trial.failures()]
        report(Progress('docking with each set of sensors', k + 1, len(SUBSETS)))
    every = np.ones(sum(len(b.done) for b in books), bool)
    return Evaluation((*scores, map_score(_join(books), every, 'all')), tuple(failures))


def _join(books: Sequence[DockingTrial]) -> Kept:
    """Put the books of several trials one after the other."""
    return Kept(**{f.name: np.concatenate([getattr(b, f.name) for b in books])
                   for f in fields(Kept)})
