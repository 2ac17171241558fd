"""Training a gait on recorded tracks, or on those of people who walk by social forces."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from synth_nodes.errors import InputError
from synth_nodes.generators.model import Stepper
from synth_nodes.generators.tracks import TrackNet, TrackSettings
from synth_nodes.metrics.tracks import distances, motions
from synth_nodes.train import loop
from synth_nodes.train.checkpoint import Checkpoint, learning_state, restore_learning
from synth_nodes.train.journal import Journal
from synth_nodes.train.progress import Cancelled, never, Progress, Report, silent
from synth_nodes.types import GridMap
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.gait import Gait
from synth_nodes.world.layouts import generate_scene
from synth_nodes.world.scene import Scene
from synth_nodes.world.social_forces import PERIOD, simulate
from synth_nodes.world.stroll import Course, course_of, play, Samples, samples_of
from synth_nodes.world.tracks import held_back, Tracks

CHECKPOINT = 'checkpoint.pt'
LAYOUTS = ('rooms', 'doors', 'clutter', 'yard', 'warehouse', 'learned')
"""What they walk in, in turn."""
LEAST = 500
"""Moments that it takes to learn."""
SCORED = 20_000
"""Moments held back that weights are scored by, at most."""


@dataclass(frozen=True)
class TrainedTracks:
    """A trained gait and how it went."""

    net: TrackNet
    period: float
    scores: dict[str, Any]
    history: tuple[dict[str, float], ...]
    real: Tracks
    """Of one place that was held back."""
    drawn: Tracks
    """Of the same people, walking as learned."""
    plain: Tracks
    """Of the same people, walking straight along ways."""


def simulated(settings: TrackSettings, maps: Sequence[GridMap],
              report: Report = silent) -> list[Tracks]:
    """
    Let people walk by social forces, in maps of the user's or generated scenes.

    :param maps: taken in turn; generated scenes if none.
    :raises InputError: when a map has no room for a person.
    """
    out = []
    for k in range(settings.places):
        place: GridMap | Scene = maps[k % len(maps)] if maps else generate_scene(
            LAYOUTS[k % len(LAYOUTS)], 1000 * settings.seed + k)
        out.append(simulate(MapAtlas.build([place]), settings.people, settings.seconds, PERIOD,
                            np.random.default_rng([83, settings.seed, k])))
        report(Progress('walking by social forces', k + 1, settings.places))
    return out


def train_tracks(settings: TrackSettings, places: Sequence[Tracks], out: Path,
                 report: Report = silent, cancelled: Cancelled = never,
                 tensorboard: bool = False) -> TrainedTracks:
    """
    Train, keep the best weights, judge; go on from a checkpoint in `out` if there is one.

    The score of a check is the negative log likelihood of what was held back, see `held_back`.

    :param places: tracks to learn from and to judge by, all of one period.
    :param out: folder of the checkpoint, which stays until :func:`forget`.
    :param tensorboard: whether the journal is kept for TensorBoard too.
    :raises InputError: when periods differ, there is too little, or a checkpoint is of other
        settings or data.
    :raises WorkCancelled: when told to stop; the checkpoint stays.
    """
    if len({round(p.period, 9) for p in places}) != 1:
        raise InputError('tracks have several periods: '
                         f'{sorted({p.period for p in places})} s; resample them to one')
    learned, held = (list(map(course_of, part)) for part in held_back(list(places)))
    train, check = _joined(learned), _joined(held)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        net = TrackNet()
    net.scale_to(train)
    net.to(settings.device)
    torch.manual_seed(settings.seed)
    identity = {k: v for k, v in asdict(settings).items() if k not in ('device', 'threads')}
    identity['tracks'] = _digest(train, check)
    journal = Journal(out, tensorboard)
    run = loop.train(_Work(net, train, check, settings), loop.Plan(
        'training a gait', settings.steps, settings.check_every, settings.patience),
        Checkpoint(out / CHECKPOINT, identity), report, cancelled, journal, settings.device)
    journal.draw()
    net.cpu().eval()
    period = places[0].period
    scores, drawn, plain = judge_gait(net.gait(period), learned, held, settings.seed)
    return TrainedTracks(net, period, {
        'surprise': run.best, 'seconds': run.seconds, 'steps': run.step,
        'parameters': sum(p.numel() for p in net.parameters()), 'moments': len(train.seen),
        'people': sum(len(c.pace) for c in learned), **scores},
        tuple(run.history), held[0].tracks, drawn[0], plain[0])


def judge_gait(gait: Gait, learned: Sequence[Course], held: Sequence[Course],
               seed: int) -> tuple[dict[str, Any], list[Tracks], list[Tracks]]:
    """
    Let the people of places that were held back walk as learned, and straight along ways.

    :return: scores: distances of each from the source, and of the source in other places from
        it, see `metrics.tracks.distances`; and what was walked.
    :raises InputError: on too few tracks.
    """
    drawn = [play(course, gait, seed + k) for k, course in enumerate(held)]
    plain = [play(course, Gait.off(), seed + k) for k, course in enumerate(held)]
    real = motions([course.tracks for course in held])
    other = motions([course.tracks for course in learned[:len(held)]])
    return {'drawn': distances(real, motions(drawn), seed),
            'ways': distances(real, motions(plain), seed),
            'source_elsewhere': distances(real, other, seed)}, drawn, plain


def forget(out: Path) -> None:
    """Remove the checkpoint of training that is done."""
    (out / CHECKPOINT).unlink(missing_ok=True)


def _joined(courses: Sequence[Course]) -> Samples:
    parts = [samples_of(course) for course in courses]
    samples = Samples(*(np.concatenate([getattr(p, name) for p in parts])
                        for name in Samples._fields))
    if len(samples.seen) < LEAST:
        names = ', '.join(c.tracks.name for c in courses)
        raise InputError(f'tracks of {names}: people walk at {len(samples.seen)} moments, but it '
                         f'takes {LEAST}; give longer or more tracks')
    return samples


def _digest(*parts: Samples) -> str:
    digest = hashlib.sha256()
    for samples in parts:
        digest.update(samples.seen.tobytes())
        digest.update(samples.change.tobytes())
    return digest.hexdigest()


class _Work:
    """What the shared loop trains."""

    def __init__(self, net: TrackNet, train: Samples, held: Samples,
                 settings: TrackSettings) -> None:
        self.module: nn.Module = net
        self._net, self._settings = net, settings
        few = np.linspace(0, len(held.seen) - 1, min(len(held.seen), SCORED)).astype(int)
        self._seen, self._change, self._held_seen, self._held_change = (
            torch.from_numpy(a).to(settings.device)
            for a in (train.seen, train.change, held.seen[few], held.change[few]))
        self._stepper = Stepper(net, settings.learning_rate, (0.9, 0.99))

    def step(self, step: int) -> Mapping[str, float]:
        rows = torch.randint(len(self._seen), (self._settings.batch_size,)).to(self._seen.device)
        loss = self._net.surprise(self._seen[rows], self._change[rows])
        self._stepper.step(loss, step / self._settings.steps)
        return {'loss': float(loss.detach())}

    @torch.no_grad()
    def score(self) -> float:
        return float(self._net.surprise(self._held_seen, self._held_change))

    def state(self) -> dict[str, Any]:
        return learning_state(self._net, self._stepper.optimiser)

    def restore(self, state: Mapping[str, Any]) -> None:
        restore_learning(state, self._net, self._stepper.optimiser)
