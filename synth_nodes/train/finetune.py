"""Fine-tuning: a trained policy goes on learning from recordings of another robot or place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
import time
from typing import Any

import numpy as np
import torch
from torch import Tensor

from synth_nodes.errors import InputError
from synth_nodes.policy.networks import GoalPolicy
from synth_nodes.train.evaluate import Evaluation, Policy
from synth_nodes.train.fit import Batch, Epoch, Fitter, torch_threads
from synth_nodes.train.gate import untested, worsened
from synth_nodes.train.progress import Cancelled, never, Report, silent
from synth_nodes.train.samples import Samples
from synth_nodes.train.settings import BcSettings
from synth_nodes.train.tune_methods import Tuning
from synth_nodes.train.tune_scores import classes_of, classification
from synth_nodes.train.tune_settings import TuneSettings
from synth_nodes.types import RobotSpec

Drive = Callable[[Policy], Evaluation]
"""Lets a policy drive the errands it is scored by."""
_GROUPS = 5
"""Groups it takes: a fifth of them to check by, a fifth to test on, the others to learn from."""


@dataclass(frozen=True)
class Tuned:
    """A fine-tuned policy, what it was and what it is worth."""

    net: GoalPolicy
    report: Mapping[str, Any]
    """`before` and `after` on the same samples and errands, and what was trained how long."""
    worse: tuple[str, ...]
    """Gated figures that got worse, in words: where there are any it must not be promoted."""


def fine_tune(
    net: GoalPolicy, samples: Samples, robot: RobotSpec, settings: TuneSettings,
    drive: Drive | None = None, report: Report = silent, cancelled: Cancelled = never,
    rehearsal: Samples | None = None,
) -> Tuned:
    """
    Let a network learn on.

    Of the groups of the samples a fifth each decide when to stop, and test before and after;
    where there are fewer than five, each is first cut into five parts that follow one another.
    Samples to rehearse are split likewise and mixed in, so that what was learned first is neither
    forgotten nor untested: of those to learn from at least as many as of the others.

    :param net: changed in place.
    :param samples: at least five.
    :param robot: whose commands they are.
    :param settings: how.
    :param drive: scores the policy in closed loop before and after; None for no such figures.
    :param rehearsal: of what the policy could do before; None for none.
    :return: the network, plain again, and its report.
    :raises InputError: when the samples are fewer.
    :raises WorkCancelled: when told to stop.
    """
    learn, hold, test = _split(samples, settings.seed)
    if rehearsal is not None:
        known, held, tested = _split(rehearsal, settings.seed)
        rows = np.random.default_rng(settings.seed).choice(len(known), max(len(known), len(learn)))
        learn, hold, test = (Samples.join(pair) for pair in (
            (learn, known.take(rows)), (hold, held), (test, tested)))
    with torch_threads(settings.threads):
        torch.manual_seed(settings.seed)
        before = _scores(net, test, robot, drive)
        began, cpu = time.perf_counter(), time.process_time()
        tuning = Tuning(net, settings)
        history = _Tuner(tuning, settings).fit(learn, hold, settings.epochs, 'fine-tuning',
                                               report, cancelled)
        tuning.finish()
        spent = time.perf_counter() - began, time.process_time() - cpu
        after = _scores(net, test, robot, drive)
    return Tuned(net, {
        'method': settings.method, 'samples': {'learned': len(learn), 'held_back': len(hold),
                                               'tested': len(test)},
        'groups': len(np.unique(samples.group)), 'in_parts': _cut(samples),
        'parameters': {'trained': tuning.trained, 'of': tuning.total,
                       'share': tuning.trained / tuning.total},
        'seconds': spent[0], 'cpu_seconds': spent[1], 'epochs': _losses(history),
        'before': before, 'after': after,
    }, (*worsened(before, after, settings.slack),
        *untested(before['classes'], settings.least_tested)))


class _Tuner(Fitter):
    """Fits what is learned, with a pull towards where it began."""

    def __init__(self, tuning: Tuning, settings: TuneSettings) -> None:
        s = settings
        super().__init__(tuning.net, replace(
            BcSettings(), batch_size=s.batch_size, learning_rate=s.learning_rate,
            weight_decay=s.weight_decay, patience=s.patience), s.seed)
        self._tuning, self._anchor = tuning, s.anchor

    def _loss(self, batch: Batch) -> Tensor:
        loss = super()._loss(batch)
        if self._anchor and self.net.training:
            loss = loss + self._anchor * self._tuning.distance()
        return loss


def _split(samples: Samples, seed: int) -> tuple[Samples, Samples, Samples]:
    if len(samples) < _GROUPS:
        raise InputError(f'{len(samples)} samples are too few to learn from, to check by and to '
                         f'test on; it takes {_GROUPS}, and many more to learn anything')
    samples = samples.in_parts(_GROUPS)
    groups = np.random.default_rng(seed).permutation(np.unique(samples.group))
    fifth = len(groups) // _GROUPS
    held = np.isin(samples.group, groups[:fifth])
    tested = np.isin(samples.group, groups[fifth:2 * fifth])
    return samples.take(~held & ~tested), samples.take(held), samples.take(tested)


def _cut(samples: Samples) -> bool:
    return len(np.unique(samples.group)) < _GROUPS


def _scores(net: GoalPolicy, test: Samples, robot: RobotSpec,
            drive: Drive | None) -> dict[str, Any]:
    loss = Fitter(net, BcSettings(), 0).loss(test)
    given = net.act({'scan': test.scan.astype(np.float32), 'goal': test.goal,
                     'velocity': test.velocity})
    limits = robot.max_speed, robot.max_turn_rate
    scores = {'loss': loss, **classification(classes_of(given, *limits),
                                             classes_of(test.command, *limits))}
    if drive is not None:
        total = drive(net.act).total
        scores |= {name: getattr(total, name) for name in (
            'success', 'success_low', 'success_high', 'contact_rate', 'efficiency', 'speed')}
    return scores


def _losses(history: list[Epoch]) -> list[dict[str, float]]:
    return [{'train_loss': e.train_loss, 'validation_loss': e.validation_loss} for e in history]
