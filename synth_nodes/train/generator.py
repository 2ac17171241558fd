"""Training a generator of scans: checks, early stopping, checkpoints that resume exactly."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from synth_nodes.errors import InputError
from synth_nodes.generators.autoregressive import Autoregressive
from synth_nodes.generators.coding import condition, encode, resolution_of
from synth_nodes.generators.learned import make, save
from synth_nodes.generators.model import Case, Generator, GeneratorSettings
from synth_nodes.generators.pairs import Pairs
from synth_nodes.train import loop
from synth_nodes.train.checkpoint import Checkpoint, random_states, restore_random
from synth_nodes.train.journal import Journal
from synth_nodes.train.progress import Cancelled, never, Report, silent

CHECKPOINT = 'checkpoint.pt'
CHECKED = 256
"""Scans that a check looks at, at most."""
Array = NDArray[np.float64]


def train_generator(settings: GeneratorSettings, train: Pairs, validation: Pairs, out: Path,
                    origin: Mapping[str, Any] | None = None, report: Report = silent,
                    cancelled: Cancelled = never, tensorboard: bool = False) -> dict[str, Any]:
    """
    Train, keep the best weights, write them; go on from a checkpoint in `out` if there is one.

    The score of a check is how far errors, returns and their change from beam to beam of drawn
    scans are distributed from those of the validation scans (:func:`profile_distance`).

    :param train: pairs to learn from; validation: pairs of other places or times, for checks.
    :param out: folder of the generator.
    :param origin: where the pairs came from, for the card.
    :param tensorboard: whether the journal is kept for TensorBoard too.
    :return: scores: `profile_distance`, `seconds`, `steps`, `parameters`, `perplexity` for a
        transformer.
    :raises InputError: when there are too few pairs, or a checkpoint is of other settings or
        pairs.
    :raises WorkCancelled: when told to stop; the checkpoint stays.
    """
    if min(len(train), len(validation)) < 20:
        raise InputError(f'{len(train)} and {len(validation)} pairs are too few to train a '
                         'generator; it takes 20 of each')
    torch.manual_seed(settings.seed)
    step = float(train.angles[1] - train.angles[0])
    data, held = (_case(p, step, settings) for p in (train, validation))
    generator = make(settings)
    identity = {k: v for k, v in asdict(settings).items() if k != 'device'}
    identity['pairs'] = [train.digest(), validation.digest()]
    checkpoint = Checkpoint(out / CHECKPOINT, identity)
    journal = Journal(out, tensorboard)
    run = loop.train(
        _Work(generator, data, held, settings),
        loop.Plan(f'training {settings.kind}', settings.steps, settings.check_every,
                  settings.patience),
        checkpoint, report, cancelled, journal, settings.device)
    scores = {'profile_distance': run.best, 'seconds': run.seconds, 'steps': run.step,
              'parameters': sum(p.numel() for p in generator.module.parameters())}
    if isinstance(generator, Autoregressive):
        scores['perplexity'] = generator.perplexity(_rows(held, torch.arange(
            min(len(held.u), CHECKED))))
    resolution = resolution_of(torch.from_numpy(train.real))
    save(out, generator, settings, {
        'step': step, 'resolution': resolution, 'scores': scores, 'origin': dict(origin or {}),
        'history': run.history})
    journal.draw()
    checkpoint.remove()
    return scores


def profile_distance(u: Tensor, returned: Tensor, real: Case) -> float:
    """
    Say how far drawn scans are distributed from real ones: mean gap of quantiles and shares.

    Compared are errors, their size, their change from beam to beam, and how often beams and
    pairs of neighbours do not return.
    """
    def profile(u: Tensor, returned: Tensor) -> list[Tensor]:
        seen = u[returned > 0.5]
        pair = (returned[:, 1:] > 0.5) & (returned[:, :-1] > 0.5)
        step = (u[:, 1:] - u[:, :-1])[pair]
        lost = 1 - returned
        shares = torch.stack((lost.mean(), (lost[:, 1:] * lost[:, :-1]).mean()))
        grid = torch.linspace(0.01, 0.99, 99)
        return [torch.quantile(_few(a), grid) if len(a) else torch.zeros(99)
                for a in (seen, seen.abs(), step, step.abs())] + [shares.repeat(10)]

    pairs = zip(profile(u, returned), profile(real.u, real.returned), strict=True)
    return float(torch.cat([(a - b).abs() for a, b in pairs]).mean())


def _few(values: Tensor) -> Tensor:
    """Thin values out: torch's quantiles take no more than 16 million."""
    return values[::max(1, len(values) // 100_000)]


def _case(pairs: Pairs, step: float, settings: GeneratorSettings) -> Case:
    ideal, real = torch.from_numpy(pairs.ideal), torch.from_numpy(pairs.real)
    u, returned = encode(real, ideal, settings.reach)
    given = condition(ideal, step, settings.reach, resolution_of(real))
    return Case(*(t.to(settings.device) for t in (given, u, returned)))


def _rows(case: Case, rows: Tensor) -> Case:
    return Case(case.condition[rows], case.u[rows], case.returned[rows])


def _mirrored(case: Case) -> Case:
    return Case(case.condition.flip(2), case.u.flip(1), case.returned.flip(1))


class _Work:
    """What the shared loop trains."""

    def __init__(self, generator: Generator, data: Case, held: Case,
                 settings: GeneratorSettings) -> None:
        self._generator, self._data, self._settings = generator, data, settings
        self._few = _rows(held, torch.arange(0, len(held.u), max(1, len(held.u) // CHECKED)))
        self.module = generator.module

    def step(self, step: int) -> Mapping[str, float]:
        data, s = self._data, self._settings
        rows = torch.randint(len(data.u), (min(s.batch_size, len(data.u)),))
        case = _rows(data, rows.to(data.u.device))
        case = _mirrored(case) if torch.rand(()) < 0.5 else case
        return self._generator.train_step(case, step / s.steps)

    @torch.no_grad()
    def score(self) -> float:
        self.module.eval()
        u, returned = self._generator.sample(
            self._few.condition, torch.Generator().manual_seed(self._settings.seed))
        self.module.train()
        return profile_distance(u.cpu(), returned.cpu(), Case(*(t.cpu() for t in self._few)))

    def state(self) -> dict[str, Any]:
        return {'generator': self._generator.state(), 'random': random_states()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._generator.restore(state['generator'])
        restore_random(state['random'])
