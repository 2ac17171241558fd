"""Fitting a collision predictor: balanced batches, early stopping, checkpoints that resume."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from synth_nodes.errors import InputError
from synth_nodes.policy.risk_network import mirrored, RiskNetwork
from synth_nodes.train import loop
from synth_nodes.train.adversarial import harden
from synth_nodes.train.checkpoint import Checkpoint
from synth_nodes.train.progress import Cancelled, Report
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
    work = _Work(net, stage, settings, pools, held)
    own = {k: v for k, v in asdict(settings).items() if k != 'threads'}
    run = loop.train(
        work,
        loop.Plan(stage.name, stage.steps, settings.check_every, settings.patience, 'validation'),
        Checkpoint(out / f'checkpoint-{stage.name}.pt', {'stage': asdict(stage), **own}),
        report, cancelled)
    net.eval()
    return run.history


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


def _hardened(net: RiskNetwork, batch: Batch, settings: RiskSettings) -> Batch:
    scan, command, hit = batch
    moved = harden(scan, lambda seen: binary_cross_entropy_with_logits(
        net.logit(seen, command), hit), settings.adversarial, settings.observation.range_max)
    return moved, command, hit


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


class _Work:
    """What the shared loop trains."""

    def __init__(self, net: RiskNetwork, stage: Stage, settings: RiskSettings,
                 pools: Sequence[Pool], held: Sequence[Pool]) -> None:
        self.module = self._net = net
        self._stage, self._settings = stage, settings
        self._pools, self._held = pools, held
        self._optimiser = torch.optim.AdamW(net.parameters(), lr=stage.rate,
                                            weight_decay=settings.weight_decay)
        self._chance = torch.Generator().manual_seed(settings.seed)

    def step(self, step: int) -> Mapping[str, float]:
        _set_rate(self._optimiser, self._stage, step)
        batch = _hardened(self._net, _batch(self._pools, self._settings, self._chance),
                          self._settings)
        return {'loss': _step(self._net, self._optimiser, batch)}

    def score(self) -> float:
        loss = _loss(self._net, self._held)
        self._net.train()
        return loss

    def state(self) -> dict[str, Any]:
        return {'net': self._net.state_dict(), 'optimiser': self._optimiser.state_dict(),
                'chance': self._chance.get_state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._net.load_state_dict(state['net'])
        self._optimiser.load_state_dict(state['optimiser'])
        self._chance.set_state(state['chance'].cpu())
