"""Making a policy smaller, and saying what that did to its decisions, its speed and its size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.export.onnx import export_policy, to_onnx
from synth_nodes.export.prune import prune_network
from synth_nodes.export.quantise import quantise
from synth_nodes.export.rebuild import rebuild_policy
from synth_nodes.export.staging import staged_folder
from synth_nodes.policy.contract import CONTRACT_FILE, POLICY_FILE, PolicyContract
from synth_nodes.train.changed import drive_errands, recordings
from synth_nodes.train.evaluate import Policy
from synth_nodes.train.fit import Fitter, torch_threads
from synth_nodes.train.progress import Cancelled, never, Report, silent
from synth_nodes.train.samples import Samples
from synth_nodes.train.settings import BcSettings
from synth_nodes.train.tune_settings import TuneSettings
from synth_nodes.types import FloatArray

Feed = Mapping[str, NDArray[np.float32]]
_DECISIONS = 2000


@dataclass(frozen=True)
class Compression:
    """How a policy is made smaller."""

    prune: float = 0.0
    """Share of channels and units to remove; 0 for none."""
    int8: bool = False
    """Whether to turn layers to eight bits."""
    slack: float = 0.01
    """Success that may be lost, and contacts that may be won, as a share."""


def compress(
    policy: tuple[Path, Path], wanted: Compression, settings: TuneSettings, out_dir: Path,
    report: Report = silent, cancelled: Cancelled = never, command: str = '',
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """
    Compress an exported policy, compare it with the original, and write the pair of files.

    A pruned network is taught again by the original's own decisions (distillation).

    :param policy: its ONNX file and its contract file, as `infer.locate.locate_policy` gives them.
    :param wanted: how.
    :param settings: of the drives it is taught on and scored by, and of the teaching.
    :param out_dir: for the two files.
    :param command: the command line that started this, for the contract.
    :return: figures before and after; reasons why it must not be promoted, none where it may.
    :raises InputError: when nothing is wanted, the policy is for another task, or of a kind that
        cannot be pruned.
    :raises WorkCancelled: when told to stop; nothing was written.
    """
    if not wanted.prune and not wanted.int8:
        raise InputError('nothing to do: give --prune SHARE, --int8 or both')
    content, old, net = rebuild_policy(*policy)
    spec, robot, lidar = old.observation, old.robot, old.lidar
    samples = recordings(settings, robot, lidar, spec, net.act, report, cancelled)
    samples = replace(samples, command=np.asarray(net.act(_feed(samples)), np.float32))
    if wanted.prune:
        net = prune_network(net, wanted.prune, spec, robot)
        _teach(Fitter(net, _teaching(settings), settings.seed), samples, settings, report,
               cancelled)
    new = replace(old, provenance={**old.provenance, 'compressed': {
        'command': command, 'from': old.sha256, 'pruned': wanted.prune, 'int8': wanted.int8}},
        scores={})
    smaller = to_onnx(net, new)
    if wanted.int8:
        smaller = quantise(smaller, _feed(samples))
    told = _compared(content, smaller, samples, old, settings, report, cancelled)
    new = replace(new, scores={'compression': told})
    if wanted.int8:
        with staged_folder(out_dir) as place:
            (place / POLICY_FILE).write_bytes(smaller)
            (place / CONTRACT_FILE).write_text(new.for_file(smaller).to_json(), encoding='utf-8')
    else:
        export_policy(net, new, out_dir)
    return told, tuple(_worse(told, wanted.slack))


def _teaching(settings: TuneSettings) -> BcSettings:
    return replace(BcSettings(), batch_size=settings.batch_size, patience=settings.patience,
                   learning_rate=2e-3)


def _teach(fitter: Fitter, samples: Samples, settings: TuneSettings, report: Report,
           cancelled: Cancelled) -> None:
    held = samples.group % 5 == 0
    with torch_threads(settings.threads):
        fitter.fit(samples.take(~held), samples.take(held), settings.epochs, 'teaching again',
                   report, cancelled)


def _feed(samples: Samples) -> dict[str, NDArray[np.float32]]:
    return {'scan': samples.scan.astype(np.float32), 'goal': samples.goal,
            'velocity': samples.velocity}


def _compared(before: bytes, after: bytes, samples: Samples, contract: PolicyContract,
              settings: TuneSettings, report: Report, cancelled: Cancelled) -> dict[str, Any]:
    deciders = {'before': _decider(before), 'after': _decider(after)}
    latency = _latencies(deciders, _feed(samples))
    told: dict[str, Any] = {}
    for name, content in (('before', before), ('after', after)):
        total = drive_errands(deciders[name], settings, contract.robot, contract.lidar,
                              contract.observation, report, cancelled).total
        told[name] = {'bytes': len(content), **latency[name], 'success': total.success,
                      'contact_rate': total.contact_rate, 'speed': total.speed}
    given = deciders['after'](_feed(samples))
    spread = samples.command.std(axis=0).clip(1e-6)
    error = np.sqrt(((given - samples.command) ** 2).mean(axis=0)) / spread
    told['error_of_spread'] = float(error.max())
    return told


def _worse(told: Mapping[str, Any], slack: float) -> Sequence[str]:
    lost = told['before']['success'] - told['after']['success']
    won = told['after']['contact_rate'] - told['before']['contact_rate']
    return [f'{name} by {amount:.3f}, allowed is {slack:g}' for name, amount in (
        ('success fell', lost), ('contacts rose', won)) if amount > slack + 1e-9]


def _decider(content: bytes) -> Policy:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, ['CPUExecutionProvider'])
    names = [i.name for i in session.get_inputs()]

    def act(observation: Mapping[str, FloatArray]) -> FloatArray:
        given = session.run(None, {n: np.asarray(observation[n], np.float32) for n in names})[0]
        return np.asarray(given)

    return act


def _latencies(deciders: Mapping[str, Policy], feed: Feed) -> dict[str, dict[str, float]]:
    """Time decisions for one robot in turn, so that both meet the same moments of a machine."""
    times: dict[str, list[float]] = {name: [] for name in deciders}
    for k in range(_DECISIONS):
        row = k % len(feed['scan'])
        one = {name: value[row:row + 1] for name, value in feed.items()}
        for name, act in deciders.items():
            begun = time.perf_counter()
            act(one)
            times[name].append(time.perf_counter() - begun)
    return {name: {'p50_us': float(1e6 * np.percentile(t, 50)),
                   'p99_us': float(1e6 * np.percentile(t, 99))} for name, t in times.items()}
