"""
How far tracks of people are from others: what each person does, and how near people come.

One-dimensional Wasserstein distances (their unit is that of what is compared), and a two-sample
test on short windows.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import nn, Tensor

from synth_nodes.errors import InputError
from synth_nodes.metrics.distances import Measured
from synth_nodes.metrics.scans import FeatureNet, FitPlan
from synth_nodes.metrics.two_sample import separability
from synth_nodes.world.tracks import RADIUS, Tracks

Array = NDArray[np.float64]
WINDOW, CHANNELS = 12, 5
"""Frames of a window of the two-sample test, and what there is of each."""
TURNING = 0.2
"""Speed [m/s] from which on a way has a curvature."""
TIGHTEST, FARTHEST = 5.0, 3.0
"""Curvatures [1/m] and gaps [m] beyond these count as these."""
FEWEST, MOST = 200, 4000
"""Windows of each side in the two-sample test."""
FIT = FitPlan(steps=400, batch_size=128)
FIGURES = ('speed', 'acceleration', 'curvature', 'gap')


class Motions(NamedTuple):
    """What people do, moment by moment; each of shape (K,) of its own."""

    speed: Array
    """[m/s]."""
    acceleration: Array
    """Length of the change of velocity in a second [m/s2]."""
    curvature: Array
    """Of the way, without its sign [1/m]."""
    gap: Array
    """To the nearest other one, at most 3 m [m]."""
    window: NDArray[np.float32]
    """Velocities along and across their mean [m/s], ten times their changes, and gaps [m], shape
    (N, 5, 12)."""


def motions(tracks: list[Tracks]) -> Motions:
    """Measure what the people of several places do."""
    parts = [_motions(t) for t in tracks]
    return Motions(*(np.concatenate([getattr(p, name) for p in parts])
                     for name in Motions._fields))


def wasserstein(a: Array, b: Array) -> float:
    """Distance of two distributions of one number, from samples (N,) and (M,); in its unit."""
    share = (np.arange(1024) + 0.5) / 1024
    return float(np.abs(np.quantile(a, share) - np.quantile(b, share)).mean())


def distances(real: Motions, drawn: Motions, seed: int = 0) -> dict[str, Any]:
    """
    Compare what people do.

    :return: Wasserstein distances by the names of `FIGURES`, and `auc` with its interval; None
        for both where a side has too few windows to learn from.
    """
    found: dict[str, Any] = {name: wasserstein(getattr(real, name), getattr(drawn, name))
                             for name in FIGURES}
    if min(len(real.window), len(drawn.window)) < FEWEST:
        return {**found, 'auc': None, 'auc_interval': None}
    area = window_auc(real.window, drawn.window, seed)
    return {**found, 'auc': area.value, 'auc_interval': [area.low, area.high]}


def window_auc(real: NDArray[np.float32], drawn: NDArray[np.float32], seed: int = 0) -> Measured:
    """
    Train a network to tell windows apart, and test it on windows of other people.

    :param real, drawn: shape (N, 5, 12), in the order of :func:`motions`.
    :raises InputError: on fewer than `FEWEST`.
    """
    if min(len(real), len(drawn)) < FEWEST:
        raise InputError(f'{len(real)} and {len(drawn)} windows of {WINDOW} frames are too few '
                         f'to compare; it takes {FEWEST}: give longer or more tracks')
    few = [part[np.linspace(0, len(part) - 1, min(len(part), MOST)).astype(int)]
           for part in (real, drawn)]
    return separability(few[0], few[1], WindowNet, seed=seed, plan=FIT)


class WindowNet(FeatureNet):
    """Two dense layers over windows."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Sequential(nn.Flatten(), nn.Linear(CHANNELS * WINDOW, 96), nn.GELU(),
                                   nn.Linear(96, 48), nn.Tanh())
        self.score = nn.Linear(48, 2)

    def features(self, x: Tensor) -> Tensor:
        """Windows (N, 5, 12) to features (N, 48)."""
        out: Tensor = self.dense(x)
        return out

    def forward(self, x: Tensor) -> Tensor:
        """Windows (N, 5, 12) to scores (N, 2)."""
        out: Tensor = self.score(self.features(x))
        return out


def _motions(tracks: Tracks) -> Motions:
    velocity = np.diff(tracks.at, axis=0) / tracks.period
    speed = np.hypot(velocity[..., 0], velocity[..., 1])
    change = np.diff(velocity, axis=0) / tracks.period
    before, after = velocity[:-1], velocity[1:]
    cross = before[..., 0] * after[..., 1] - before[..., 1] * after[..., 0]
    turn = np.abs(np.arctan2(cross, (before * after).sum(-1)))
    mean = 0.5 * (speed[:-1] + speed[1:])
    brisk = np.minimum(speed[:-1], speed[1:]) > TURNING
    gap = _gaps(tracks)
    return Motions(
        speed[np.isfinite(speed)], _finite(np.hypot(change[..., 0], change[..., 1])),
        np.minimum((turn[brisk] / tracks.period) / mean[brisk], TIGHTEST), gap[tracks.there],
        _windows(velocity, gap[1:]))


def _gaps(tracks: Tracks) -> Array:
    """Gap of each to the nearest other, shape (frames, N) [m]; `FARTHEST` where none is near."""
    out = np.full(tracks.at.shape[:2], FARTHEST)
    for frame, at in enumerate(tracks.at):
        here = np.flatnonzero(np.isfinite(at[:, 0]))
        if len(here) > 1:
            apart = np.hypot(*np.moveaxis(at[here, None] - at[None, here], -1, 0))
            np.fill_diagonal(apart, np.inf)
            out[frame, here] = np.minimum(apart.min(axis=1) - 2.0 * RADIUS, FARTHEST)
    return out


def _windows(velocity: Array, gap: Array) -> NDArray[np.float32]:
    """Cut windows that follow one another, person after person, shape (N, 5, 12)."""
    out = []
    for k in range(velocity.shape[1]):
        there = np.flatnonzero(np.isfinite(velocity[:, k, 0]))
        for begin in range(0, len(there) - WINDOW + 1, WINDOW // 2):
            rows = there[begin:begin + WINDOW]
            if rows[-1] - rows[0] != WINDOW - 1:
                continue
            v = velocity[rows, k]
            way = v.sum(axis=0)
            ux, uy = way / (np.hypot(*way) + 1e-9)
            told = np.stack((v @ (ux, uy), v @ (-uy, ux)))
            change = 10.0 * np.diff(told, axis=1, prepend=told[:, :1])
            out.append(np.concatenate((told, change, gap[None, rows, k])))
    return np.array(out, np.float32).reshape(-1, CHANNELS, WINDOW)


def _finite(values: Array) -> Array:
    return np.asarray(values[np.isfinite(values)])


