"""Fitting a collision predictor: balanced batches, early stopping, checkpoints that resume."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from synth_nodes.errors import InputError
from synth_nodes.files import write_atomically
from synth_nodes.policy.risk_network import mirrored, RiskNetwork
from synth_nodes.train.progress import Cancelled, check, Progress, Report
from synth_nodes.train.risk_samples import RiskSamples
from synth_nodes.train.risk_settings import RiskSettings

CHECKED = 4096
"""Samples of each data set and kind that a check looks at, at most."""
Batch = tuple[Tensor, Tensor, Tensor]
Pool = tuple[RiskSamples, NDArray[np.int64]]
"""Samples, and the numbers (record * K + command) of those of one kind."""


@dataclass(frozen=True)
class Stage:
    """One fit: what to do, and under which name its checkpoint lies."""

    name: str
    steps: int
    rate: float
    identity: str
    """Says of what data the stage learns: a checkpoint of others is refused."""


@dataclass
class _Run:
    """Where a fit stands; all of it is in a checkpoint."""

    step: int = 0
    best: float = float('inf')
    stale: int = 0
    weights: Mapping[str, Tensor] | None = None
    history: list[dict[str, float]] | None = None


def fit_risk(net: RiskNetwork, stage: Stage, train: Sequence[RiskSamples],
             validation: Sequence[RiskSamples], settings: RiskSettings, out: Path,
             report: Report, cancelled: Cancelled) -> list[dict[str, float]]:
    """
    Fit, keep the weights with the least validation loss; go on from a checkpoint if there is one.

    Each batch has as many collisions as none, and as many samples of each data set.

    :param train: samples of each data set to learn from.
    :param validation: samples of each that only decide when to stop.
    :param out: folder of the checkpoint, which stays until :func:`forget`.
    :return: losses at each check.
    :raises InputError: when no command collides or all do, or a checkpoint is of other settings.
    :raises WorkCancelled: when told to stop; the checkpoint stays.
    """
    pools = [pool for samples in train for pool in _pools(samples, settings.horizon)]
    held = _held([pool for samples in validation for pool in _pools(samples, settings.horizon)])
    optimiser = torch.optim.AdamW(net.parameters(), lr=stage.rate,
                                  weight_decay=settings.weight_decay)
    chance = torch.Generator().manual_seed(settings.seed)
    path = out / f'checkpoint-{stage.name}.pt'
    run = _resumed(path, stage, settings, net, optimiser, chance)
    while run.step < stage.steps and run.stale < settings.patience:
        loss = 0.0
        count = min(settings.check_every, stage.steps - run.step)
        net.train()
        for _ in range(count):
            check(cancelled)
            _set_rate(optimiser, stage, run.step)
            loss += _step(net, optimiser, _batch(pools, settings, chance)) / count
            run.step += 1
        score = _loss(net, held)
        run.history = [*(run.history or []),
                       {'step': run.step, 'loss': loss, 'validation': score}]
        run.stale = 0 if score < run.best else run.stale + 1
        if score < run.best:
            run.best = score
            run.weights = {k: v.clone() for k, v in net.state_dict().items()}
        _checkpoint(path, stage, settings, run, net, optimiser, chance)
        report(Progress(stage.name, run.step, stage.steps, {'loss': loss, 'validation': score}))
    if run.weights is not None:
        net.load_state_dict(run.weights)
    return run.history or []


def forget(out: Path) -> None:
    """Remove the checkpoints of training that is done."""
    for path in out.glob('checkpoint-*.pt'):
        path.unlink()


def batch_of(samples: RiskSamples, number: NDArray[np.int64], horizon: float) -> Batch:
    """
    Make tensors of some samples.

    :param number: record * K + command, shape (B,).
    :return: scans (B, history, sectors), commands (B, 3), 1 for a collision else 0 (B,).
    """
    row, k = np.divmod(number, samples.contact.shape[1])
    return (torch.from_numpy(samples.sectors[samples.history[row]]),
            torch.from_numpy(samples.command[row, k]),
            torch.from_numpy((samples.contact[row, k] <= horizon).astype(np.float32)))


def share_of(samples: Sequence[RiskSamples], horizon: float) -> float:
    """Share of collisions, each data set counting alike."""
    return float(np.mean([(s.contact <= horizon).mean() for s in samples]))


def _pools(samples: RiskSamples, horizon: float) -> tuple[Pool, Pool]:
    hit = (samples.contact <= horizon).ravel()
    if not 0 < hit.sum() < hit.size:
        raise InputError(f'{int(hit.sum())} of {hit.size} samples to learn from or to check by '
                         f'collide within {horizon:g} s: it takes both kinds; give more data')
    return (samples, np.flatnonzero(hit)), (samples, np.flatnonzero(~hit))


def _batch(pools: Sequence[Pool], settings: RiskSettings, chance: torch.Generator) -> Batch:
    size = max(1, settings.batch_size // len(pools))
    parts = []
    for samples, numbers in pools:
        pick = torch.randint(len(numbers), (size,), generator=chance).numpy()
        parts.append(batch_of(samples, numbers[pick], settings.horizon))
    scan, command, hit = (torch.cat(part) for part in zip(*parts, strict=True))
    slow = torch.rand(len(scan), generator=chance) < settings.slow_share
    scan = torch.where(slow[:, None, None], scan[:, :1], scan)
    if torch.rand((), generator=chance) < 0.5:
        scan, command = mirrored(scan, command)
    return scan, command, hit


def _held(pools: Sequence[Pool]) -> list[Pool]:
    """Thin pools out evenly to what a check looks at."""
    return [(s, n[::max(1, len(n) // CHECKED)]) for s, n in pools]


@torch.no_grad()
def _loss(net: RiskNetwork, held: Sequence[Pool]) -> float:
    """Mean over pools, so that collisions and data sets count alike."""
    net.eval()
    losses = []
    for number, (samples, numbers) in enumerate(held):
        scan, command, _ = batch_of(samples, numbers, 0.0)
        want = torch.full((len(scan),), float(number % 2 == 0))
        losses.append(float(binary_cross_entropy_with_logits(net.logit(scan, command), want)))
    return float(np.mean(losses))


def _step(net: RiskNetwork, optimiser: torch.optim.Optimizer, batch: Batch) -> float:
    scan, command, hit = batch
    optimiser.zero_grad(set_to_none=True)
    loss = binary_cross_entropy_with_logits(net.logit(scan, command), hit)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimiser.step()
    return float(loss.detach())


def _set_rate(optimiser: torch.optim.Optimizer, stage: Stage, step: int) -> None:
    """Rise over the first twentieth, then fall along a cosine."""
    done = step / stage.steps
    rate = stage.rate * min(1.0, (step + 1) / (0.05 * stage.steps + 1)) * (
        0.5 + 0.5 * float(np.cos(np.pi * done)))
    for group in optimiser.param_groups:
        group['lr'] = rate


def _identity(stage: Stage, settings: RiskSettings) -> dict[str, object]:
    own = {k: v for k, v in asdict(settings).items() if k != 'threads'}
    return {'stage': asdict(stage), 'settings': own}


def _checkpoint(path: Path, stage: Stage, settings: RiskSettings, run: _Run, net: RiskNetwork,
                optimiser: torch.optim.Optimizer, chance: torch.Generator) -> None:
    buffer = io.BytesIO()
    torch.save({**_identity(stage, settings), 'run': run.__dict__, 'net': net.state_dict(),
                'optimiser': optimiser.state_dict(), 'chance': chance.get_state()}, buffer)
    write_atomically(path, buffer.getvalue())


def _resumed(path: Path, stage: Stage, settings: RiskSettings, net: RiskNetwork,
             optimiser: torch.optim.Optimizer, chance: torch.Generator) -> _Run:
    if not path.is_file():
        return _Run()
    content = torch.load(path, weights_only=True)
    if {k: content[k] for k in ('stage', 'settings')} != _identity(stage, settings):
        raise InputError(f'checkpoint {path}: was written with other settings or data; give the '
                         'same ones to go on, or another folder')
    net.load_state_dict(content['net'])
    optimiser.load_state_dict(content['optimiser'])
    chance.set_state(content['chance'])
    return _Run(**content['run'])
