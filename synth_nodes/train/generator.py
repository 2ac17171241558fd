"""Training a generator of scans: checks, early stopping, checkpoints that resume exactly."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
import io
from pathlib import Path
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch
from torch import Tensor

from synth_nodes.errors import InputError
from synth_nodes.files import write_atomically
from synth_nodes.generators.autoregressive import Autoregressive
from synth_nodes.generators.coding import condition, encode, resolution_of
from synth_nodes.generators.learned import make, save
from synth_nodes.generators.model import Case, Generator, GeneratorSettings
from synth_nodes.generators.pairs import Pairs
from synth_nodes.train.progress import Cancelled, check, never, Progress, Report, silent

CHECKPOINT = 'checkpoint.pt'
CHECKED = 256
"""Scans that a check looks at, at most."""
Array = NDArray[np.float64]


@dataclass
class _Run:
    """Where training stands; all of it is in a checkpoint."""

    step: int = 0
    best: float = float('inf')
    stale: int = 0
    seconds: float = 0.0
    weights: Mapping[str, Tensor] | None = None
    history: list[dict[str, float]] | None = None


def train_generator(settings: GeneratorSettings, train: Pairs, validation: Pairs, out: Path,
                    origin: Mapping[str, Any] | None = None, report: Report = silent,
                    cancelled: Cancelled = never) -> dict[str, Any]:
    """
    Train, keep the best weights, write them; go on from a checkpoint in `out` if there is one.

    The score of a check is how far errors, returns and their change from beam to beam of drawn
    scans are distributed from those of the validation scans (:func:`profile_distance`).

    :param train: pairs to learn from; validation: pairs of other places or times, for checks.
    :param out: folder of the generator.
    :param origin: where the pairs came from, for the card.
    :return: scores: `profile_distance`, `seconds`, `steps`, `parameters`, `perplexity` for a
        transformer.
    :raises InputError: when there are too few pairs, or a checkpoint is of other settings.
    :raises WorkCancelled: when told to stop; the checkpoint stays.
    """
    if min(len(train), len(validation)) < 20:
        raise InputError(f'{len(train)} and {len(validation)} pairs are too few to train a '
                         'generator; it takes 20 of each')
    torch.manual_seed(settings.seed)
    step = float(train.angles[1] - train.angles[0])
    data, held = (_case(p, step, settings) for p in (train, validation))
    generator = make(settings)
    run = _resumed(out, generator, settings)
    generator.module.train()
    while run.step < settings.steps and run.stale < settings.patience:
        begin = time.perf_counter()
        losses = _stretch(generator, data, settings, run, report, cancelled)
        score = _score(generator, held, settings)
        run.history = [*(run.history or []), {'step': run.step, 'score': score, **losses}]
        run.stale = 0 if score < run.best else run.stale + 1
        if score < run.best:
            run.best = score
            run.weights = {k: v.clone() for k, v in generator.module.state_dict().items()}
        run.seconds += time.perf_counter() - begin
        _checkpoint(out, generator, settings, run)
        report(Progress(f'training {settings.kind}', run.step, settings.steps,
                        {**losses, 'score': score}))
    if run.weights is not None:
        generator.module.load_state_dict(run.weights)
    scores = {'profile_distance': run.best, 'seconds': run.seconds, 'steps': run.step,
              'parameters': sum(p.numel() for p in generator.module.parameters())}
    if isinstance(generator, Autoregressive):
        scores['perplexity'] = generator.perplexity(_rows(held, torch.arange(
            min(len(held.u), CHECKED))))
    resolution = resolution_of(torch.from_numpy(train.real))
    save(out, generator, settings, {
        'step': step, 'resolution': resolution, 'scores': scores, 'origin': dict(origin or {}),
        'history': run.history or []})
    (out / CHECKPOINT).unlink(missing_ok=True)
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
    return Case(*(t.to(settings.device)
                  for t in (condition(ideal, step, settings.reach), u, returned)))


def _rows(case: Case, rows: Tensor) -> Case:
    return Case(case.condition[rows], case.u[rows], case.returned[rows])


def _mirrored(case: Case) -> Case:
    return Case(case.condition.flip(2), case.u.flip(1), case.returned.flip(1))


def _stretch(generator: Generator, data: Case, settings: GeneratorSettings, run: _Run,
             report: Report, cancelled: Cancelled) -> dict[str, float]:
    """Train until the next check; mean losses."""
    sums: dict[str, float] = {}
    count = min(settings.check_every, settings.steps - run.step)
    for k in range(count):
        check(cancelled)
        rows = torch.randint(len(data.u), (min(settings.batch_size, len(data.u)),))
        case = _rows(data, rows.to(data.u.device))
        case = _mirrored(case) if torch.rand(()) < 0.5 else case
        losses = generator.train_step(case, run.step / settings.steps)
        for name, value in losses.items():
            sums[name] = sums.get(name, 0.0) + value / count
        run.step += 1
        if k % 25 == 0:
            report(Progress(f'training {settings.kind}', run.step, settings.steps, losses))
    return sums


@torch.no_grad()
def _score(generator: Generator, held: Case, settings: GeneratorSettings) -> float:
    few = _rows(held, torch.arange(0, len(held.u), max(1, len(held.u) // CHECKED)))
    generator.module.eval()
    u, returned = generator.sample(few.condition, torch.Generator().manual_seed(settings.seed))
    generator.module.train()
    return profile_distance(u.cpu(), returned.cpu(), Case(*(t.cpu() for t in few)))


def _checkpoint(out: Path, generator: Generator, settings: GeneratorSettings, run: _Run) -> None:
    buffer = io.BytesIO()
    torch.save({'settings': asdict(settings), 'run': run.__dict__, 'state': generator.state(),
                'random': torch.get_rng_state()}, buffer)
    write_atomically(out / CHECKPOINT, buffer.getvalue())


def _resumed(out: Path, generator: Generator, settings: GeneratorSettings) -> _Run:
    path = out / CHECKPOINT
    if not path.is_file():
        return _Run()
    content = torch.load(path, map_location=settings.device, weights_only=True)
    mine = {k: v for k, v in asdict(settings).items() if k != 'device'}
    if {k: v for k, v in content['settings'].items() if k != 'device'} != mine:
        raise InputError(f'checkpoint {path}: was written with other settings; give the same ones '
                         'to go on, or another folder')
    generator.restore(content['state'])
    torch.set_rng_state(content['random'].cpu())
    return _Run(**content['run'])
