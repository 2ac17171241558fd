"""Fitting a policy network to samples."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
import copy
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from synth_nodes.policy.networks import GoalPolicy
from synth_nodes.train.adversarial import harden
from synth_nodes.train.augment import augment_scans
from synth_nodes.train.distributed import Group
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

    def __init__(self, net: GoalPolicy, settings: BcSettings, seed: int) -> None:
        """
        Take the network; processes that train together share each batch.

        :param net: stays on the device it is on.
        :param seed: of the order of samples, the same in all processes.
        """
        self.net = net
        self.chance = torch.Generator().manual_seed(seed)
        """Draws the order of samples and which batches are mirrored."""
        self._settings = settings
        self._group = Group()

    def fit(
        self, train: Samples, validation: Samples, epochs: int, label: str,
        report: Report, cancelled: Cancelled, begun: Mapping[str, Any] | None = None,
        note: Callable[[dict[str, Any]], None] | None = None,
    ) -> list[Epoch]:
        """
        Fit until the epochs are done or the validation loss stops falling; keep the best.

        :param train: samples to learn from, mirrored left to right by chance.
        :param validation: samples that only decide when to stop.
        :param epochs: passes over the training samples, at most.
        :param label: for progress reports.
        :param begun: what `note` was told last, to go on from.
        :param note: told after each pass where fitting stands, for a checkpoint.
        :return: what each pass reached.
        :raises WorkCancelled: when told to stop.
        """
        s = self._settings
        optimiser = torch.optim.AdamW(
            self.net.parameters(), lr=s.learning_rate, weight_decay=s.weight_decay)
        per_epoch = max(1, len(train) // s.batch_size)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, s.learning_rate, total_steps=epochs * per_epoch + 1, pct_start=0.15)
        stand = _Stand(copy.deepcopy(self.net.state_dict()))
        if begun is not None:
            stand = self._go_on(begun, optimiser, schedule)
        while len(stand.history) < epochs and stand.stale < s.patience:
            loss = 0.0
            self.net.train()
            for batch, weight in self._batches(train):
                check(cancelled)
                loss += self._step(self._hardened(self._augmented(batch)), weight, optimiser)
                schedule.step()
            stand.take(Epoch(self._group.sum(loss / per_epoch, self._device),
                             self.loss(validation)), self.net)
            if note is not None:
                note({'stand': {**vars(stand), 'history': [asdict(e) for e in stand.history]},
                      'net': self.net.state_dict(), 'optimiser': optimiser.state_dict(),
                      'schedule': schedule.state_dict(), 'chance': self.chance.get_state()})
            report(Progress(label, len(stand.history), epochs, asdict(stand.history[-1])))
        self.net.load_state_dict(stand.weights)
        return stand.history

    def _go_on(self, begun: Mapping[str, Any], optimiser: torch.optim.Optimizer,
               schedule: torch.optim.lr_scheduler.LRScheduler) -> '_Stand':
        self.net.load_state_dict(begun['net'])
        optimiser.load_state_dict(begun['optimiser'])
        schedule.load_state_dict(begun['schedule'])
        self.chance.set_state(begun['chance'].cpu())
        stand = begun['stand']
        return _Stand(**{**stand, 'history': [Epoch(**e) for e in stand['history']]})

    @torch.no_grad()
    def loss(self, samples: Samples) -> float:
        """Mean loss over samples."""
        self.net.eval()
        total = 0.0
        for begin in range(0, len(samples), 4096):
            part = samples.take(np.arange(begin, min(begin + 4096, len(samples))))
            total += float(self._loss(_tensors(part, self._device))) * len(part)
        return total / max(len(samples), 1)

    @property
    def _device(self) -> torch.device:
        return self.net.centre.device

    def _step(self, batch: Batch, weight: float, optimiser: torch.optim.Optimizer) -> float:
        """Learn from this process's part of a batch; returns its part of the mean loss."""
        optimiser.zero_grad(set_to_none=True)
        loss = self._loss(batch)
        loss.backward()  # type: ignore[no-untyped-call]
        self._group.average(self.net.parameters(), weight)
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        optimiser.step()
        return weight * float(loss.detach())

    def _augmented(self, batch: Batch) -> Batch:
        scan, *rest = batch
        s = self._settings
        seen = augment_scans(scan, s.augment, self.chance, s.observation.range_max)
        return (seen, *rest)  # type: ignore[return-value]

    def _hardened(self, batch: Batch) -> Batch:
        scan, *rest = batch
        s = self._settings
        moved = harden(scan, lambda seen: self._loss((seen, *rest)),  # type: ignore[arg-type]
                       s.adversarial, s.observation.range_max)
        return (moved, *rest)  # type: ignore[return-value]

    def _loss(self, batch: Batch) -> Tensor:
        scan, goal, velocity, command = batch
        return command_loss((self.net(scan, goal, velocity) - command) / self.net.half_span)

    def _batches(self, samples: Samples) -> Iterator[tuple[Batch, float]]:
        """Give this process's part of each batch, and how large a part it is."""
        size = min(self._settings.batch_size, len(samples))
        order = torch.randperm(len(samples), generator=self.chance).numpy()
        for begin in range(0, len(order) - size + 1, size):
            rows = self._group.share(order[begin:begin + size])
            batch = _tensors(samples.take(rows), self._device)
            if torch.rand(1, generator=self.chance) < 0.5:
                batch = mirrored(batch)
            yield batch, len(rows) / size


@dataclass
class _Stand:
    """Where one fit stands."""

    weights: dict[str, Tensor]
    """The best so far."""
    best: float = float('inf')
    stale: int = 0
    history: list[Epoch] = field(default_factory=list)

    def take(self, epoch: Epoch, net: GoalPolicy) -> None:
        self.history.append(epoch)
        self.stale += 1
        if epoch.validation_loss < self.best:
            self.best, self.stale = epoch.validation_loss, 0
            self.weights = copy.deepcopy(net.state_dict())


def command_loss(error: Tensor) -> Tensor:
    """Weigh errors of commands, given as a share of half their span: quadratic, then linear."""
    return functional.smooth_l1_loss(error, torch.zeros_like(error), beta=_BETA)


def mirrored(batch: Batch) -> Batch:
    """Swap left and right: as valid a sample as the original, for robots that are symmetric."""
    scan, goal, velocity, command = batch
    return (scan.flip(-1), goal * goal.new_tensor([1.0, -1.0, 1.0]),
            velocity * goal.new_tensor([1.0, -1.0, -1.0]), command * goal.new_tensor([1.0, -1.0]))


def _tensors(samples: Samples, device: torch.device) -> Batch:
    scan, goal, velocity, command = (
        torch.from_numpy(array).to(device) for array in (
            samples.scan, samples.goal, samples.velocity, samples.command))
    return scan.float(), goal, velocity, command


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch use so many threads, and set the old number again at the end."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
