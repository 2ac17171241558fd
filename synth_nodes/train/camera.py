"""Training a learned camera on renders of flawed cameras beside ideal ones."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
import torch
from torch import nn

from synth_nodes.dataset.frames import frame_pairs, FramePairs
from synth_nodes.errors import InputError
from synth_nodes.generators.camera_card import LATENT
from synth_nodes.generators.camera_model import (
    CameraLearner,
    CameraSettings,
    make_camera,
    Shots,
    to_frames,
)
from synth_nodes.generators.camera_net import CameraNet
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.train import loop
from synth_nodes.train.checkpoint import Checkpoint, random_states, restore_random
from synth_nodes.train.journal import Journal
from synth_nodes.train.progress import Cancelled, never, Progress, Report, silent

CHECKPOINT = 'checkpoint.pt'
CHECKED, FITTED = 128, 512
"""Frames that a check looks at, and that the latents are fitted to, at most."""
HELD_BACK = 500_009
"""Added to the seed of scenes and cameras that only decide when to stop."""
Array = NDArray[np.float64]


@dataclass(frozen=True)
class TrainedCamera:
    """A learned camera and how training went."""

    net: CameraNet
    scores: dict[str, float]
    history: tuple[dict[str, float], ...]


def train_camera(settings: CameraSettings, out: Path, spec: CameraSpec | None = None,
                 report: Report = silent, cancelled: Cancelled = never,
                 tensorboard: bool = False) -> TrainedCamera:
    """
    Render pairs, train, keep the best weights; go on from a checkpoint in `out` if there is one.

    A check's score is :func:`profile_distance` on scenes and cameras that are not learned from.

    :param spec: field of view and mount of the cameras; the default where None.
    :param out: folder of the checkpoint, which stays until :func:`forget`.
    :param tensorboard: whether the journal is kept for TensorBoard too.
    :return: scores are `profile_distance`, `seconds`, `steps`, `parameters`, `pairs`.
    :raises InputError: when there is too little to learn from, or a checkpoint is of other
        settings.
    :raises WorkCancelled: when told to stop; the checkpoint stays.
    """
    own = settings.frames
    held = replace(own, seed=(own.seed + HELD_BACK) % 2**31, scenes=max(2, own.scenes // 2),
                   cameras=max(2, own.cameras // 2), frames=max(2, own.frames // 4))
    if own.cameras * own.frames < 40:
        raise InputError(f'{own.cameras} cameras of {own.frames} frames are too few to train a '
                         'learned camera; it takes 40 frames in all')

    def told(done: int, total: int) -> None:
        report(Progress('drawing frames', done, total))

    pairs, apart = frame_pairs(own, spec, told), frame_pairs(held, spec)
    torch.manual_seed(settings.seed)
    work = _Work(settings, pairs, apart)
    identity = {k: v for k, v in asdict(settings).items() if k != 'device'}
    identity['spec'] = asdict(spec or CameraSpec())
    journal = Journal(out, tensorboard)
    run = loop.train(
        work, loop.Plan(f'training {settings.kind}', settings.steps, settings.check_every,
                        settings.patience), Checkpoint(out / CHECKPOINT, identity), report,
        cancelled, journal, settings.device)
    journal.draw()
    net = work.learner.net
    return TrainedCamera(net, {
        'profile_distance': run.best, 'seconds': run.seconds, 'steps': run.step,
        'parameters': sum(p.numel() for p in net.parameters()), 'pairs': len(pairs)},
        tuple(run.history))


def forget(out: Path) -> None:
    """Remove the checkpoint of training that is done."""
    (out / CHECKPOINT).unlink(missing_ok=True)


class _Work:
    """What the shared loop trains."""

    def __init__(self, settings: CameraSettings, pairs: FramePairs, held: FramePairs) -> None:
        self.learner: CameraLearner = make_camera(settings)
        self._settings, self._pairs = settings, pairs
        few = np.arange(0, len(held), max(1, len(held) // CHECKED))
        self._held = Shots.of(held, few, settings.device)
        self._real = frame_profile(held.ideal[few], held.real[few])
        self.module: nn.Module = self.learner.net
        every = np.arange(0, len(pairs), max(1, len(pairs) // FITTED))
        self._fitted = Shots.of(pairs, every, settings.device)

    def step(self, step: int) -> Mapping[str, float]:
        rows = torch.randint(len(self._pairs), (self._settings.batch_size,)).numpy()
        shots = Shots.of(self._pairs, rows, self._settings.device)
        if torch.rand(()) < 0.5:
            shots = Shots(shots.ideal.flip(3), shots.real.flip(3), -shots.turn)
        return self.learner.train_step(shots, step / self._settings.steps)

    @torch.no_grad()
    def score(self) -> float:
        self.learner.finish(self._fitted)
        chance = torch.Generator().manual_seed(self._settings.seed)
        ideal = self._held.ideal
        latent = torch.randn(len(ideal), LATENT, generator=chance).to(ideal)
        noise = torch.randn(ideal.shape, generator=chance).to(ideal)
        drawn = self.learner.net(ideal, self._held.turn, latent, noise)
        return profile_distance(frame_profile(to_frames(ideal), to_frames(drawn)), self._real)

    def state(self) -> dict[str, Any]:
        return {'learner': self.learner.state(), 'random': random_states()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.learner.restore(state['learner'])
        restore_random(state['random'])


def frame_profile(ideal: NDArray[np.uint8], real: NDArray[np.uint8]) -> Array:
    """
    Describe what became of each frame in a few numbers.

    They are, in parts of 255: mean change and its spread by colour, grain, sharpness against the
    ideal frame, brightness of the corners against the middle, and change along the rows.

    :param ideal, real: shape (N, H, W, 3).
    :return: shape (N, 11).
    """
    x, y = (f.astype(np.float32) / 255 for f in (ideal, real))
    change = y - x
    smooth = np.stack([cv2.blur(f, (3, 3)) for f in y])
    grain = (y - smooth).std(axis=(1, 2)).mean(axis=1)
    sharp = [np.abs(np.diff(np.stack([cv2.GaussianBlur(i, (0, 0), 1.5) for i in f]), axis=2))
             .mean(axis=(1, 2, 3)) for f in (x, y)]
    height, width = x.shape[1:3]
    ratio = change / (x + 0.1)
    corner = np.concatenate([ratio[:, r, c].reshape(len(x), -1)
                             for r in (slice(0, height // 5), slice(-height // 5, None))
                             for c in (slice(0, width // 5), slice(-width // 5, None))], axis=1)
    middle = ratio[:, height // 3:-height // 3, width // 3:-width // 3].reshape(len(x), -1)
    edges = [np.abs(change[:, :, side]).mean(axis=(1, 2))
             for side in (slice(0, width // 5), slice(-width // 5, None))]
    return np.column_stack((change.mean(axis=(1, 2)), change.std(axis=(1, 2)), grain,
                            sharp[1] - sharp[0], corner.mean(1) - middle.mean(1), *edges)
                           ).astype(np.float64)


def profile_distance(drawn: Array, real: Array) -> float:
    """Mean gap of the quantiles of each number of a profile, in units of its real spread."""
    shares = np.linspace(0.02, 0.98, 49)
    gap = np.abs(np.quantile(drawn, shares, axis=0) - np.quantile(real, shares, axis=0))
    return float((gap.mean(axis=0) / (real.std(axis=0) + 1e-6)).mean())
