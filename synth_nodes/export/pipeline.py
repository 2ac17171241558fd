"""From settings to a policy on disk, in one call."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synth_nodes.export.onnx import export_policy
from synth_nodes.policy.contract import PolicyContract
from synth_nodes.train.bc import CHECKPOINT, train_bc
from synth_nodes.train.distributed import Group
from synth_nodes.train.progress import Cancelled, never, Progress, Report, silent
from synth_nodes.train.samples import Samples
from synth_nodes.train.settings import BcSettings
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
    (Path(out_dir) / CHECKPOINT).unlink(missing_ok=True)
    report(Progress('exporting', 1, 1))
    return contract
