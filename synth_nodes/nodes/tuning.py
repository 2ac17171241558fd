"""Learning on from the current policy, and judging what came out. No ROS."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from synth_nodes.export.onnx import export_policy
from synth_nodes.export.registry import files_in, read_pair, Registry
from synth_nodes.infer.session import load_policy
from synth_nodes.monitor.drift import features, Reference
from synth_nodes.nodes.parameters import TrainerParameters
from synth_nodes.policy.families import rebuild_network
from synth_nodes.policy.networks import GoalPolicy
from synth_nodes.tasks.course import Course
from synth_nodes.tasks.fleet import Fleet
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.train.evaluate import evaluate, Evaluation, EvaluationSettings, Policy
from synth_nodes.train.finetune import fine_tune
from synth_nodes.train.gate import worse
from synth_nodes.train.progress import Cancelled, Report
from synth_nodes.train.rollout import Gatherer, Round
from synth_nodes.train.samples import Samples
from synth_nodes.train.tune_settings import TuneSettings
from synth_nodes.types import GridMap


def tune_current(settings: TrainerParameters, registry: Registry, maps: Sequence[GridMap],
                 samples: Samples, out: Path, report: Report, cancelled: Cancelled) -> list[str]:
    """
    Fine-tune the current policy, as `synth-nodes train finetune` does, and export what comes out.

    Simulated drives, labelled by the expert, are mixed in at least as many as recordings, so that
    what was learned first is not forgotten. The contract gets the comparison before and after
    (classes, errands in the maps held back) as the score `fine_tuning`, and what was learned from
    as the new reference of drift.

    :return: why the new policy must not take over; nothing where it may.
    :raises InputError: when the current policy is of another layout or network, or there are too
        few samples or maps.
    :raises WorkCancelled: when told to stop.
    """
    current = registry.current()
    content, contract = read_pair(*files_in(registry.path()))
    contract.check_observation(settings.bc.observation, f'policy {current}')
    net = rebuild_network(content, contract, f'policy {current}')
    rehearsal = _drives(settings, net, maps, report, cancelled)

    def drive(policy: Policy) -> Evaluation:
        return _errands(settings, policy, contract.observation, maps, report, cancelled)

    tuned = fine_tune(net, samples, settings.robot, _tune_settings(settings), drive,
                      report, cancelled, rehearsal)
    learned = Samples.join([samples, rehearsal])
    reference = Reference.of(features(learned.scan, learned.goal, learned.velocity))
    origin = {**contract.provenance, 'tuned_from': current, 'samples_recorded': len(samples),
              'samples_replayed': len(rehearsal), 'features': reference.to_json()}
    export_policy(tuned.net, replace(contract, provenance=origin, scores={
        'validation_loss': tuned.report['after']['loss'], 'fine_tuning': tuned.report}), out)
    return list(tuned.worse)


def reasons_against(settings: TrainerParameters, registry: Registry, maps: Sequence[GridMap],
                    out: Path, report: Report, cancelled: Cancelled) -> list[str]:
    """
    Say why a policy trained anew must not take over; nothing where it may, or there is none yet.

    Both drive the same errands in the maps that are held back.
    """
    if registry.current() is None:
        return []

    def drive(folder: Path) -> Evaluation:
        session = load_policy(folder, settings.robot)
        return _errands(settings, session.act, session.contract.observation, maps, report,
                        cancelled)

    return worse(drive(registry.path()).total, drive(out).total, settings.gate_slack)


def _tune_settings(settings: TrainerParameters) -> TuneSettings:
    return replace(
        TuneSettings(), seed=settings.bc.seed, threads=settings.bc.threads,
        method=settings.tune_method, learning_rate=settings.tune_rate,
        epochs=settings.tune_epochs, slack=settings.gate_slack,
        least_tested=settings.gate_samples)


def _errands(settings: TrainerParameters, policy: Policy, spec: ObservationSpec,
             maps: Sequence[GridMap], report: Report, cancelled: Cancelled) -> Evaluation:
    return evaluate(policy, list(maps)[-settings.bc.validation_buildings:], settings.robot,
                    settings.lidar, spec, EvaluationSettings(
                        episodes=settings.gate_episodes, actors=settings.bc.actors),
                    report, cancelled)


def _drives(settings: TrainerParameters, net: GoalPolicy, maps: Sequence[GridMap],
            report: Report, cancelled: Cancelled) -> Samples:
    """Drive in the maps that the gate does not use."""
    bc, lidar = settings.bc, settings.lidar
    course = Course(list(maps)[:-bc.validation_buildings], settings.robot)
    fleet = Fleet(course, lidar, bc.observation, bc.actors,
                  np.arange(bc.robots) % len(course.planners), bc.seed)
    gatherer = Gatherer(course, fleet, bc, 1.0 / lidar.rate, bc.seed)
    return gatherer.drive(Round(net.act, max(1, round(bc.seconds * lidar.rate)),
                                'driving against forgetting'), report, cancelled)
