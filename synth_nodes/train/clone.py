"""Behaviour cloning with DAgger of any task that has an expert (Ross, Gordon, Bagnell 2011)."""

from collections.abc import Iterator, Mapping
import copy
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from synth_nodes.envs.task import Task
from synth_nodes.errors import InputError
from synth_nodes.settings import setting
from synth_nodes.train.adversarial import harden_images
from synth_nodes.train.augment import augment_images
from synth_nodes.train.checkpoint import random_states, restore_random
from synth_nodes.train.clone_keeper import CloneKeeper
from synth_nodes.train.disturbance import Disturbance
from synth_nodes.train.fit import command_loss, Epoch
from synth_nodes.train.progress import Cancelled, check, Progress, Report
from synth_nodes.train.settings import ImageAdversarialSettings, ImageAugmentation
from synth_nodes.types import FloatArray

Inputs = Mapping[str, NDArray[np.generic]]


class Clone(Protocol):
    """A network that can be cloned into; see `synth_nodes.policy.camera_networks`."""

    def act(self, observation: Mapping[str, FloatArray]) -> FloatArray:
        """Decide on numpy observations: vx [m/s], wz [rad/s], shape (B, 2)."""

    def error(self, inputs: Mapping[str, Tensor], command: Tensor) -> Tensor:
        """Compare with the right commands, as a share of half their span, shape (B, 2)."""

    def mirrored(self, inputs: Mapping[str, Tensor], command: Tensor,
                 ) -> tuple[dict[str, Tensor], Tensor]:
        """Swap left and right."""

    def fit_normaliser(self, inputs: Inputs) -> None:
        """Set the normaliser by a training set."""


@dataclass(frozen=True)
class CloneSettings:
    """How a policy is cloned from a task's expert."""

    seed: int = setting(0, 'Seed of everything drawn by chance.', low=0, high=2**31 - 1)
    robots: int = setting(96, 'Robots driven at once.', low=2, high=8192)
    rounds: int = setting(
        4, 'Rounds of driving; the expert drives the first, the policy the others.',
        low=1, high=100)
    steps: int = setting(250, 'Actions of each robot in a round.', low=10, high=100000)
    every: int = setting(5, 'Actions between samples of a robot.', low=1, high=1000)
    noise: float = setting(
        0.25, 'Standard deviation of exploration noise, as a share of the command limits.',
        low=0.0, high=2.0)
    epochs: int = setting(4, 'Passes over the samples after each round.', low=1, high=1000)
    final_epochs: int = setting(
        12, 'Passes over them after the last round.', low=1, high=1000)
    batch_size: int = setting(256, 'Samples in a step of the optimiser.', low=8, high=65536)
    learning_rate: float = setting(2e-3, 'Largest step size.', low=1e-6, high=1.0)
    weight_decay: float = setting(1e-4, 'Decoupled weight decay.', low=0.0, high=1.0)
    held_back: float = setting(
        0.1, 'Share of the robots whose samples only measure the loss.', low=0.01, high=0.5)
    half: bool = setting(
        True, 'Compute in bfloat16 where the network can; images are normalised in full.')
    threads: int = setting(1, 'Threads that torch may use.', low=1, high=256)
    augment: ImageAugmentation = setting(  # noqa: RUF009
        ImageAugmentation(), 'What is done to images while it learns.')
    adversarial: ImageAdversarialSettings = setting(  # noqa: RUF009
        ImageAdversarialSettings(), 'Attacks to learn to bear.')

    def quick(self) -> 'CloneSettings':
        """Make these settings small: a trial of the whole chain in seconds, no good policy."""
        return replace(self, robots=8, rounds=2, steps=20, epochs=1, final_epochs=1)


@dataclass(frozen=True)
class Lesson:
    """N observations with the command that was right."""

    inputs: Inputs
    """Arrays (N, ...) by name; images are of 8 bits."""
    command: NDArray[np.float32]
    """vx [m/s], wz [rad/s], shape (N, 2)."""

    def __len__(self) -> int:
        return len(self.command)

    @classmethod
    def join(cls, parts: list['Lesson']) -> 'Lesson':
        """Put lessons one after another."""
        return cls({name: np.concatenate([p.inputs[name] for p in parts])
                    for name in parts[0].inputs},
                   np.concatenate([p.command for p in parts]))


def clone(net: Clone, task: Task, settings: CloneSettings, report: Report,
          cancelled: Cancelled, keeper: CloneKeeper | None = None) -> tuple[list[Epoch], int]:
    """
    Clone the expert of a task into a network.

    :param net: a torch module; the same arguments give the same weights on the same machine.
    :param task: what to do, and where.
    :param keeper: keeps where training stands after each pass; goes on from there, to the weights
        that would have come without the stop. Rounds that were done are driven again, each by
        the weights that drove it, so that no samples need to lie on disk.
    :return: every pass over the samples, all rounds one after another; number of samples.
    :raises InputError: when images are to be augmented or attacked where they are not all that is
        seen.
    :raises WorkCancelled: when told to stop.
    """
    if set(task.bounds()) != {'image'} and (
            settings.augment != ImageAugmentation() or settings.adversarial.share):
        raise InputError('augment.* and adversarial.* are for policies that see images alone, as '
                         'of synth-nodes train line-camera; leave them out')
    kept = keeper or CloneKeeper(None, {})
    driver, fitter = _Driver(task, settings), CloneFitter(net, settings)
    held = max(1, round(settings.held_back * settings.robots))
    train: list[Lesson] = []
    validation: list[Lesson] = []
    history: list[Epoch] = []
    for k in range(settings.rounds):
        label = f'round {k + 1} of {settings.rounds}'
        for lesson in driver.drive(net if k else None, f'driving, {label}', report, cancelled):
            validation.append(_part(lesson, slice(None, held)))
            train.append(_part(lesson, slice(held, None)))
        if k < len(kept.rounds):
            fitter.go_on(kept.rounds[k])
            history += [Epoch(**e) for e in kept.rounds[k]['history']]
            continue
        learn, hold = Lesson.join(train), Lesson.join(validation)
        if k == 0:
            net.fit_normaliser(learn.inputs)
        last = k == settings.rounds - 1
        passes = fitter.fit(learn, hold, settings.final_epochs if last else settings.epochs,
                            f'fitting, {label}', report, cancelled, kept)
        history += passes
        kept.end_round(fitter.stand(passes))
    kept.draw()
    return history, sum(map(len, train))


class _Driver:
    """Drives robots round after round and labels what they see with the expert's commands."""

    def __init__(self, task: Task, settings: CloneSettings) -> None:
        self._settings, batch = settings, settings.robots
        self._rng = np.random.default_rng([44, settings.seed])
        self._robots = task.robots(np.arange(batch, dtype=np.int64) % task.maps, settings.seed)
        self._seen = {name: np.zeros((batch, *low.shape), np.float32)
                      for name, (low, _) in task.bounds().items()}
        self._disturbance = Disturbance(self._rng, batch, task.robot, settings.noise, 0.05)
        self._begin(np.arange(batch))

    def drive(self, policy: Clone | None, label: str, report: Report,
              cancelled: Cancelled) -> Iterator[Lesson]:
        """Drive one round; the samples of all robots at one moment come together."""
        s = self._settings
        for step in range(s.steps):
            check(cancelled)
            right = self._robots.expert()
            if step % s.every == 0:
                yield Lesson({name: part.astype(np.uint8 if name == 'image' else np.float32)
                              for name, part in self._seen.items()}, right.astype(np.float32))
            command = right if policy is None else np.asarray(policy.act(self._seen), float)
            self._robots.step(command + self._disturbance.draw())
            self._robots.observe(self._seen)
            outcome = self._robots.judge()
            self._begin(np.flatnonzero(outcome.success | outcome.failure | outcome.late))
            report(Progress(label, step + 1, s.steps))

    def _begin(self, rows: NDArray[np.int64]) -> None:
        if len(rows):
            self._robots.begin(rows)
            self._robots.observe(self._seen)
            self._disturbance.begin(rows)


class CloneFitter:
    """Fits a network to lessons: 8-bit images, channels last, bfloat16, a fused optimiser."""

    def __init__(self, net: Clone, settings: CloneSettings) -> None:
        assert isinstance(net, torch.nn.Module)
        self.net: torch.nn.Module = net
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._clone = net
        self._settings = settings
        self._generator = torch.Generator().manual_seed(settings.seed)

    def stand(self, history: list[Epoch]) -> dict[str, Any]:
        """Give weights, what chance draws next, and the passes so far."""
        return {'net': copy.deepcopy(self.net.state_dict()), 'chance': self._generator.get_state(),
                'torch': random_states(), 'history': [asdict(e) for e in history]}

    def go_on(self, stand: Mapping[str, Any]) -> None:
        """Take weights and chance that :meth:`stand` gave."""
        self.net.load_state_dict(stand['net'])
        self._generator.set_state(stand['chance'].cpu())
        restore_random(stand['torch'])
        self.net.eval()

    def fit(self, train: Lesson, validation: Lesson, epochs: int, label: str, report: Report,
            cancelled: Cancelled, keeper: CloneKeeper | None = None) -> list[Epoch]:
        """
        Fit; the last weights stay, for the step size has fallen to nothing by then.

        :param keeper: told after each pass where fitting stands; asked where to begin.
        :raises WorkCancelled: when told to stop.
        """
        s, kept = self._settings, keeper or CloneKeeper(None, {})
        size = min(s.batch_size, len(train))
        per_epoch = len(train) // size
        optimiser = torch.optim.AdamW(self.net.parameters(), lr=s.learning_rate,
                                      weight_decay=s.weight_decay, fused=True)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, s.learning_rate, total_steps=epochs * per_epoch + 1, pct_start=0.15)
        history: list[Epoch] = []
        if kept.fit is not None:
            self.go_on(kept.fit)
            optimiser.load_state_dict(kept.fit['optimiser'])
            schedule.load_state_dict(kept.fit['schedule'])
            history = [Epoch(**e) for e in kept.fit['history']]
        for epoch in range(len(history), epochs):
            self.net.train()
            total = torch.zeros(())
            order = torch.randperm(len(train), generator=self._generator)
            for k in range(per_epoch):
                check(cancelled)
                total += self._step(train, order[k * size:(k + 1) * size], optimiser)
                schedule.step()
            history.append(Epoch(float(total) / per_epoch, self.loss(validation)))
            kept.note({**self.stand(history), 'optimiser': optimiser.state_dict(),
                       'schedule': schedule.state_dict()})
            report(Progress(label, epoch + 1, epochs, {
                'train_loss': history[-1].train_loss,
                'validation_loss': history[-1].validation_loss}))
        self.net.eval()
        return history

    @torch.no_grad()
    def loss(self, lesson: Lesson) -> float:
        """Mean loss over samples, in full precision."""
        self.net.eval()
        total = 0.0
        for begin in range(0, len(lesson), 512):
            inputs, command = _tensors(lesson, torch.arange(begin, min(begin + 512, len(lesson))))
            total += float(command_loss(self._clone.error(inputs, command))) * len(command)
        return total / max(len(lesson), 1)

    def _step(self, train: Lesson, index: Tensor, optimiser: torch.optim.Optimizer) -> Tensor:
        inputs, command = _tensors(train, index)
        if torch.rand(1, generator=self._generator) < 0.5:
            inputs, command = self._clone.mirrored(inputs, command)
        if 'image' in inputs:
            s = self._settings
            seen = augment_images(inputs['image'], s.augment, self._generator)
            inputs['image'] = harden_images(
                seen, lambda image: self._loss({**inputs, 'image': image}, command), s.adversarial)
        optimiser.zero_grad(set_to_none=True)
        loss = self._loss(inputs, command)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        optimiser.step()
        return loss.detach()

    def _loss(self, inputs: Mapping[str, Tensor], command: Tensor) -> Tensor:
        with torch.autocast('cpu', torch.bfloat16, enabled=self._settings.half):
            return command_loss(self._clone.error(inputs, command))


def _part(lesson: Lesson, rows: slice) -> Lesson:
    return Lesson({name: part[rows] for name, part in lesson.inputs.items()},
                  lesson.command[rows])


def _tensors(lesson: Lesson, index: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    inputs = {name: torch.from_numpy(part)[index] for name, part in lesson.inputs.items()}
    return inputs, torch.from_numpy(lesson.command)[index]
