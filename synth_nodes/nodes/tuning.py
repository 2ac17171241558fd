"""Learning on from the current policy, and judging what came out. No ROS."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from synth_nodes.export.onnx import export_policy
from synth_nodes.export.registry import read_pair, Registry
from synth_nodes.infer.session import load_policy
from synth_nodes.nodes.parameters import TrainerParameters
from synth_nodes.policy.families import rebuild_network
from synth_nodes.policy.networks import GoalPolicy
from synth_nodes.tasks.course import Course
from synth_nodes.tasks.fleet import Fleet
from synth_nodes.train.evaluate import evaluate, Evaluation, EvaluationSettings
from synth_nodes.train.fit import Fitter, torch_threads
from synth_nodes.train.gate import GATED, worse
from synth_nodes.train.progress import Cancelled, Report
from synth_nodes.train.rollout import Gatherer, Round
from synth_nodes.train.samples import Samples
from synth_nodes.types import GridMap


def tune_current(settings: TrainerParameters, registry: Registry, maps: Sequence[GridMap],
                 samples: Samples, out: Path, report: Report, cancelled: Cancelled) -> None:
    """
    Learn on from the current policy and export what comes out.

    Every tenth recording only decides when to stop. Simulated drives, labelled by the expert, are
    mixed in at least as many as recordings, so that what was learned first is not forgotten.

    :raises InputError: when the current policy is of another layout or network.
    :raises WorkCancelled: when told to stop.
    """
    content, contract = read_pair(registry.path())
    contract.check_observation(settings.bc.observation, f'policy {registry.current()}')
    net = rebuild_network(content, contract, f'policy {registry.current()}')
    bc = replace(settings.bc, learning_rate=settings.tune_rate)
    with torch_threads(bc.threads):
        torch.manual_seed(bc.seed)
        simulated = _drives(settings, net, maps, report, cancelled)
        held = np.isin(simulated.group, np.unique(simulated.group)[-bc.validation_buildings:])
        recorded = np.isin(samples.group, np.unique(samples.group)[9::10])
        keep = simulated.take(~held)
        rows = np.random.default_rng(bc.seed).choice(
            len(keep), max(len(keep), int((~recorded).sum())))
        history = Fitter(net, bc, bc.seed).fit(
            Samples.join([keep.take(rows), samples.take(~recorded)]),
            Samples.join([simulated.take(held), samples.take(recorded)]),
            settings.tune_epochs, 'learning on', report, cancelled)
    origin = {**contract.provenance, 'tuned_from': registry.current(),
              'samples_recorded': len(samples), 'samples_replayed': len(rows)}
    best = min(history, key=lambda e: e.validation_loss)
    export_policy(net, replace(contract, provenance=origin,
                               scores={'validation_loss': best.validation_loss}), out)


def reasons_against(settings: TrainerParameters, registry: Registry, maps: Sequence[GridMap],
                    out: Path, report: Report, cancelled: Cancelled) -> list[str]:
    """
    Say why a new policy must not take over; nothing where it may, or where there is none yet.

    Both drive the same errands in the maps that are held back.
    """
    if registry.current() is None:
        return []
    errands = EvaluationSettings(episodes=settings.gate_episodes, actors=settings.bc.actors)

    def drive(folder: Path) -> Evaluation:
        session = load_policy(folder, settings.robot)
        return evaluate(session.act, list(maps)[-settings.bc.validation_buildings:],
                        settings.robot, settings.lidar, session.contract.observation, errands,
                        report, cancelled)

    before, after = drive(registry.path()).total, drive(out).total
    return worse(before, after, dict.fromkeys(GATED, settings.gate_slack))


def _drives(settings: TrainerParameters, net: GoalPolicy, maps: Sequence[GridMap],
            report: Report, cancelled: Cancelled) -> Samples:
    bc, lidar = settings.bc, settings.lidar
    course = Course(maps, settings.robot)
    fleet = Fleet(course, lidar, bc.observation, bc.actors, np.arange(bc.robots) % len(maps),
                  bc.seed)
    gatherer = Gatherer(course, fleet, bc, 1.0 / lidar.rate, bc.seed)
    return gatherer.drive(Round(net.act, max(1, round(bc.seconds * lidar.rate)),
                                'driving against forgetting'), report, cancelled)
