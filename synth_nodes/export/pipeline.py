"""From settings to a policy on disk, in one call."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synth_nodes.export.onnx import export_policy
from synth_nodes.export.rebuild import rebuild_policy
from synth_nodes.policy.contract import PolicyContract
from synth_nodes.policy.goal_reaching import goal_reaching_contract
from synth_nodes.settings import flatten
from synth_nodes.train.bc import train_bc
from synth_nodes.train.changed import drive_errands, recordings
from synth_nodes.train.clone_keeper import forget
from synth_nodes.train.distributed import Group
from synth_nodes.train.finetune import fine_tune, Tuned
from synth_nodes.train.progress import Cancelled, never, Progress, Report, silent
from synth_nodes.train.samples import Samples
from synth_nodes.train.settings import BcSettings
from synth_nodes.train.tune_settings import TuneSettings
from synth_nodes.types import GridMap, LidarSpec, RobotSpec


def train_and_export(
    settings: BcSettings,
    maps: Sequence[GridMap],
    robot: RobotSpec,
    lidar: LidarSpec,
    out_dir: Path | str,
    report: Report = silent,
    cancelled: Cancelled = never,
    extra_samples: Samples | None = None,
    command: str = '',
    data: Sequence[Mapping[str, Any]] = (),
    tensorboard: bool = False,
) -> PolicyContract | None:
    """
    Train by behaviour cloning, export, check, and write `policy.onnx` with `policy.json`.

    Arguments are those of :func:`synth_nodes.train.bc.train_bc`, and:

    :param out_dir: folder for the two files, both written once they are ready, the journal, and
        the checkpoint until then.
    :return: the contract as written, with scores; None in a process that only helps the first
        one to train.
    :raises InputError: on maps or samples that cannot be used.
    :raises WorkCancelled: when told to stop.
    :raises ParityError: when ONNX Runtime does not give what torch gives.
    """
    result = train_bc(settings, maps, robot, lidar, report, cancelled, extra_samples, command,
                      data, Path(out_dir), tensorboard)
    if not Group().first:
        return None
    report(Progress('exporting', 0, 1))
    contract = export_policy(result.net, result.contract, Path(out_dir))
    forget(Path(out_dir))
    report(Progress('exporting', 1, 1))
    return contract


def fine_tune_and_export(
    policy: tuple[Path, Path],
    settings: TuneSettings,
    robot: RobotSpec,
    lidar: LidarSpec,
    out_dir: Path | str,
    samples: Samples | None = None,
    report: Report = silent,
    cancelled: Cancelled = never,
    command: str = '',
    data: Sequence[Mapping[str, Any]] = (),
) -> tuple[PolicyContract, Tuned]:
    """
    Fine-tune an exported policy, compare, export, check, and write the pair of files.

    :param policy: its ONNX file and its contract file, as `infer.locate.locate_policy` gives them.
    :param settings: how.
    :param robot: it shall drive now.
    :param lidar: it sees with now.
    :param out_dir: folder for the two files.
    :param samples: recorded ones; simulated ones of this robot where None.
    :param command: the command line that started this, for the contract.
    :param data: what the samples are from, for the contract.
    :return: the contract as written, and the comparison: where `worse` says anything, the policy
        must not be promoted.
    :raises InputError: when the policy is for another task or cannot be rebuilt, or the samples
        don't do.
    :raises WorkCancelled: when told to stop; nothing was written.
    :raises ParityError: when ONNX Runtime does not give what torch gives.
    """
    _, old, net = rebuild_policy(*policy)
    spec = old.observation
    if samples is None:
        samples = recordings(settings, robot, lidar, spec, net.act, report, cancelled)
    samples.check(spec, 'samples to fine-tune on')
    tuned = fine_tune(
        net, samples, robot, settings, lambda act: drive_errands(
            act, settings, robot, lidar, spec, report, cancelled), report, cancelled)
    contract = goal_reaching_contract(robot, spec, lidar, {
        **old.provenance, 'fine_tuned': {
            'command': command, 'from': old.sha256, 'settings': flatten(settings),
            'data': list(data)}}, {'validation_loss': tuned.report['after']['loss']})
    contract = export_policy(tuned.net, contract, Path(out_dir), {'fine_tuning': tuned.report})
    return contract, tuned
