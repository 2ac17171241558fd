"""Fitting a policy network to samples."""

from collections.abc import Iterator
from contextlib import contextmanager
import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from synth_nodes.policy.networks import ScanPolicy
from synth_nodes.train.progress import Cancelled, check, Progress, Report
from synth_nodes.train.samples import Samples
from synth_nodes.train.settings import BcSettings

Batch = tuple[Tensor, Tensor, Tensor, Tensor]
_BETA = 0.05
"""Error, as a share of the command's half span, up to which the loss is quadratic."""


@dataclass(frozen=True)
class Epoch:
    """One pass over the training samples."""

    train_loss: float
    validation_loss: float


class Fitter:
    """Fits one network again and again as samples come in."""

    def __init__(self, net: ScanPolicy, settings: BcSettings, seed: int) -> None:
        self.net = net
        self._settings = settings
        self._generator = torch.Generator().manual_seed(seed)

    def fit(
        self, train: Samples, validation: Samples, epochs: int, label: str,
        report: Report, cancelled: Cancelled,
    ) -> list[Epoch]:
        """
        Fit until the epochs are done or the validation loss stops falling; keep the best.

        :param train: samples to learn from, mirrored left to right by chance.
        :param validation: samples that only decide when to stop.
        :param epochs: passes over the training samples, at most.
        :param label: for progress reports.
        :return: what each pass reached.
        :raises WorkCancelled: when told to stop.
        """
        s = self._settings
        optimiser = torch.optim.AdamW(
            self.net.parameters(), lr=s.learning_rate, weight_decay=s.weight_decay)
        per_epoch = max(1, len(train) // s.batch_size)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, s.learning_rate, total_steps=epochs * per_epoch + 1, pct_start=0.15)
        history: list[Epoch] = []
        best, state, stale = np.inf, copy.deepcopy(self.net.state_dict()), 0
        for epoch in range(epochs):
            loss = 0.0
            self.net.train()
            for batch in self._batches(train):
                check(cancelled)
                loss += self._step(batch, optimiser)
                schedule.step()
            history.append(Epoch(loss / per_epoch, self.loss(validation)))
            report(Progress(label, epoch + 1, epochs, {
                'train_loss': history[-1].train_loss,
                'validation_loss': history[-1].validation_loss}))
            if history[-1].validation_loss < best:
                best, stale = history[-1].validation_loss, 0
                state = copy.deepcopy(self.net.state_dict())
            elif (stale := stale + 1) >= s.patience:
                break
        self.net.load_state_dict(state)
        return history

    @torch.no_grad()
    def loss(self, samples: Samples) -> float:
        """Mean loss over samples."""
        self.net.eval()
        total = 0.0
        for begin in range(0, len(samples), 4096):
            part = samples.take(np.arange(begin, min(begin + 4096, len(samples))))
            total += float(self._loss(_tensors(part))) * len(part)
        return total / max(len(samples), 1)

    def _step(self, batch: Batch, optimiser: torch.optim.Optimizer) -> float:
        optimiser.zero_grad(set_to_none=True)
        loss = self._loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        optimiser.step()
        return float(loss.detach())

    def _loss(self, batch: Batch) -> Tensor:
        scan, goal, velocity, command = batch
        error = (self.net(scan, goal, velocity) - command) / self.net.half_span
        return functional.smooth_l1_loss(error, torch.zeros_like(error), beta=_BETA)

    def _batches(self, samples: Samples) -> Iterator[Batch]:
        size = min(self._settings.batch_size, len(samples))
        order = torch.randperm(len(samples), generator=self._generator).numpy()
        for begin in range(0, len(order) - size + 1, size):
            batch = _tensors(samples.take(order[begin:begin + size]))
            if torch.rand(1, generator=self._generator) < 0.5:
                batch = mirrored(batch)
            yield batch


def mirrored(batch: Batch) -> Batch:
    """Swap left and right: as valid a sample as the original, for robots that are symmetric."""
    scan, goal, velocity, command = batch
    return (scan.flip(-1), goal * torch.tensor([1.0, -1.0, 1.0]),
            velocity * torch.tensor([1.0, -1.0, -1.0]), command * torch.tensor([1.0, -1.0]))


def _tensors(samples: Samples) -> Batch:
    return (torch.from_numpy(samples.scan).float(), torch.from_numpy(samples.goal),
            torch.from_numpy(samples.velocity), torch.from_numpy(samples.command))


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch use so many threads, and set the old number again at the end."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
