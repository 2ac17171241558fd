"""The loop that trainings share: steps, checks, early stopping, checkpoints, exact resume."""

from collections.abc import Mapping
from dataclasses import dataclass, field
import time
from typing import Any, Protocol

from torch import nn, Tensor

from synth_nodes.train.checkpoint import Checkpoint
from synth_nodes.train.journal import Journal
from synth_nodes.train.progress import Cancelled, Progress, Report, WorkCancelled

_REPORT_EVERY = 25
"""Steps between reports of progress."""


class Work(Protocol):
    """What is trained."""

    @property
    def module(self) -> nn.Module:
        """The weights of which the best are kept."""

    def step(self, step: int) -> Mapping[str, float]:
        """Train one step, the `step`-th; returns its losses."""

    def score(self) -> float:
        """Say how good the weights are on what was held back; less is better."""

    def state(self) -> dict[str, Any]:
        """All that it takes to go on: weights, optimisers, what chance draws next."""

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what :meth:`state` gave."""


@dataclass(frozen=True)
class Plan:
    """How long to train, and when to look."""

    name: str
    """For progress reports."""
    steps: int
    check_every: int
    """Steps between checks, each of which writes a checkpoint."""
    patience: int
    """Checks without a better score after which training stops."""
    score_name: str = 'score'


@dataclass
class Stand:
    """Where training stands; all of it is in a checkpoint."""

    step: int = 0
    best: float = float('inf')
    stale: int = 0
    seconds: float = 0.0
    weights: dict[str, Tensor] | None = None
    """The best so far."""
    history: list[dict[str, float]] = field(default_factory=list)
    """Step, score and mean losses at each check."""
    sums: dict[str, float] = field(default_factory=dict)
    """Losses since the last check, added up, and their number by the name ''."""

    def add(self, losses: Mapping[str, float]) -> None:
        """Count a step that is done."""
        self.step += 1
        for name, value in {**losses, '': 1.0}.items():
            self.sums[name] = self.sums.get(name, 0.0) + value

    def take_means(self) -> dict[str, float]:
        """Give the mean losses since the last check, and begin to add up anew."""
        count = self.sums.pop('')
        means = {name: value / count for name, value in self.sums.items()}
        self.sums = {}
        return means

    def judge(self, score: float, module: nn.Module) -> None:
        """Keep the weights if they are the best so far."""
        self.stale = 0 if score < self.best else self.stale + 1
        if score < self.best:
            self.best = score
            self.weights = {k: v.clone() for k, v in module.state_dict().items()}


def train(work: Work, plan: Plan, checkpoint: Checkpoint, report: Report, cancelled: Cancelled,
          journal: Journal | None = None, device: str = 'cpu') -> Stand:
    """
    Train until the steps are done or the score stops falling; leave the best weights loaded.

    Whatever ends the process, what is trained since the newest checkpoint is all that is lost,
    and going on gives the weights that would have come without the interruption.

    :param checkpoint: gone on from if there is one; it stays, for the caller to remove.
    :param cancelled: asked at each step whether to write a checkpoint and stop.
    :param journal: told of every check.
    :param device: of the weights.
    :return: where training ended.
    :raises InputError: when the checkpoint is of other settings, or damaged.
    :raises WorkCancelled: when told to stop.
    """
    stand = _resumed(work, checkpoint, device)
    if journal is not None:
        journal.go_on(stand.step)
    work.module.train()
    begin = time.perf_counter() - stand.seconds
    while stand.step < plan.steps and stand.stale < plan.patience:
        if cancelled():
            _save(work, stand, checkpoint)
            raise WorkCancelled(f'cancelled at step {stand.step}; {checkpoint.path} goes on there')
        losses = work.step(stand.step)
        stand.add(losses)
        stand.seconds = time.perf_counter() - begin
        if stand.step % plan.check_every and stand.step < plan.steps:
            if stand.step % _REPORT_EVERY == 1:
                report(Progress(plan.name, stand.step, plan.steps, losses))
            continue
        score = work.score()
        means = stand.take_means()
        stand.history.append({'step': stand.step, plan.score_name: score, **means})
        stand.judge(score, work.module)
        stand.seconds = time.perf_counter() - begin
        _save(work, stand, checkpoint)
        scores = {**means, plan.score_name: score}
        if journal is not None:
            journal.add(stand.step, scores)
        report(Progress(plan.name, stand.step, plan.steps, scores))
    if stand.weights is not None:
        work.module.load_state_dict(stand.weights)
    return stand


def _save(work: Work, stand: Stand, checkpoint: Checkpoint) -> None:
    checkpoint.save({'stand': dict(vars(stand)), 'work': work.state()})


def _resumed(work: Work, checkpoint: Checkpoint, device: str) -> Stand:
    content = checkpoint.load(device)
    if content is None:
        return Stand()
    work.restore(content['work'])
    return Stand(**content['stand'])
