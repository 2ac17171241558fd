"""
Scans as a network takes them, and a feature network that learns the domain by itself.

Inception's features know photographs, not scans. This network learns from real scans alone, by
telling which flaw was added to one: noise, smoothing, dropouts, bias, quantisation, spikes. So
its features see what makes a sensor's output look real.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
import torch
from torch import nn, Tensor
from torch.nn import functional

from synth_nodes.errors import InputError

Array = NDArray[np.float64]
Scans = NDArray[np.float32]
FLAWS = ('none', 'noise', 'more noise', 'smooth', 'dropout', 'bias', 'quantised', 'spikes')
WIDTH = 32
"""Features of a scan."""
REACH = 10.0
"""Ranges [m] from which on all count the same, where nothing else is said."""


def channels(scan: Scans, reach: float = REACH) -> NDArray[np.float32]:
    """
    Turn ranges into what a network takes.

    :param scan: [m], shape (N, beams), REP-117 values.
    :return: range as a share of reach (1 for nothing seen), difference to the next beam, whether
        something was hit, whether the beam is invalid; shape (N, 4, beams).
    """
    hit = np.isfinite(scan) & (scan < reach)
    invalid = np.isnan(scan) | np.isneginf(scan)
    share = np.where(hit, scan, np.where(invalid, 0.0, reach)).astype(np.float32) / reach
    step = np.zeros_like(share)
    step[:, :-1] = np.clip((share[:, 1:] - share[:, :-1]) * reach, -1.0, 1.0)
    both = hit.copy()
    both[:, :-1] &= hit[:, 1:]
    step *= both
    return np.stack((share, 8.0 * step, hit.astype(np.float32), invalid.astype(np.float32)),
                    axis=1)


class FeatureNet(nn.Module):
    """A network that tells classes apart, and the features that it does so by."""

    def features(self, x: Tensor) -> Tensor:
        """Turn what it takes, (N, ...), into features, (N, width)."""
        raise NotImplementedError


F = TypeVar('F', bound=FeatureNet)


class ScanNet(FeatureNet):
    """Convolutions over beams: 4 channels in, `WIDTH` features and `classes` scores out."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        sizes = (4, 24, 32, 48)
        self.layers = nn.ModuleList(
            nn.Conv1d(a, b, 7, stride=2, padding=3, padding_mode='replicate')
            for a, b in pairwise(sizes))
        self.feature = nn.Linear(2 * sizes[-1] + 2 * sizes[0], WIDTH)
        self.score = nn.Linear(WIDTH, classes)

    def features(self, x: Tensor) -> Tensor:
        """Channels (N, 4, beams) to features (N, WIDTH)."""
        plain = (x.mean(dim=2), x.std(dim=2))
        for layer in self.layers:
            x = functional.gelu(layer(x))
        pooled = torch.cat((x.mean(dim=2), x.amax(dim=2), *plain), dim=1)
        return torch.tanh(self.feature(pooled))

    def forward(self, x: Tensor) -> Tensor:
        """Channels (N, 4, beams) to scores (N, classes)."""
        out: Tensor = self.score(self.features(x))
        return out


@dataclass(frozen=True)
class FitPlan:
    """How a scan network is fitted."""

    steps: int = 500
    batch_size: int = 64
    learning_rate: float = 4e-3
    weight_decay: float = 1e-3
    seed: int = 0


def fit(x: NDArray[np.float32], y: NDArray[np.int64], make: Callable[[], F], plan: FitPlan) -> F:
    """
    Fit a network to tell classes apart.

    :param x: what the network takes, shape (N, ...), as from :func:`channels`.
    :param y: class of each, shape (N,).
    :param make: makes the network, with weights drawn by chance.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        net = make()
        order = torch.Generator().manual_seed(plan.seed)
        optimiser = torch.optim.AdamW(net.parameters(), plan.learning_rate,
                                      weight_decay=plan.weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, plan.learning_rate,
                                                       total_steps=plan.steps)
        data, target = torch.from_numpy(x), torch.from_numpy(y)
        for _ in range(plan.steps):
            rows = torch.randint(len(data), (plan.batch_size,), generator=order)
            optimiser.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(net(data[rows]), target[rows])
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return net.eval()


@torch.no_grad()
def scores(net: FeatureNet, x: NDArray[np.float32]) -> Array:
    """Probabilities of each class, shape (N, classes)."""
    parts = [torch.softmax(net(torch.from_numpy(x[k:k + 2048])), dim=1)
             for k in range(0, len(x), 2048)]
    return torch.cat(parts).double().numpy()


@torch.no_grad()
def embed(net: FeatureNet, x: NDArray[np.float32]) -> Array:
    """Features, shape (N, WIDTH)."""
    parts = [net.features(torch.from_numpy(x[k:k + 2048])) for k in range(0, len(x), 2048)]
    return torch.cat(parts).double().numpy()


def flawed(scan: Scans, flaw: int, rng: np.random.Generator) -> Scans:
    """Add one of :data:`FLAWS` to scans, shape (N, beams)."""
    out: Scans = scan.copy()
    shape = scan.shape
    if flaw in (1, 2):
        out += rng.normal(0.0, 0.01 if flaw == 1 else 0.04, shape).astype(np.float32)
    elif flaw == 3:
        padded = np.pad(scan, ((0, 0), (1, 1)), mode='edge')
        middle = np.median(np.stack((padded[:, :-2], scan, padded[:, 2:])), axis=0)
        out = np.asarray(middle, np.float32)
    elif flaw == 4:
        out[rng.random(shape) < 0.04] = np.inf
    elif flaw == 5:
        out += np.float32(0.12) * rng.integers(0, 2, (shape[0], 1)).astype(np.float32) - 0.06
    elif flaw == 6:
        out = np.asarray(np.round(scan / 0.05) * 0.05, np.float32)
    elif flaw == 7:
        where = rng.random(shape) < 0.02
        out = np.asarray(np.where(where, out * rng.uniform(0.3, 0.95, shape), out), np.float32)
    return out


def learn_features(scan: Scans, reach: float = REACH, plan: FitPlan | None = None) -> ScanNet:
    """
    Train the feature network on real scans.

    :param scan: [m], shape (N, beams), 50 or more.
    :raises InputError: on too few scans.
    """
    if len(scan) < 50:
        raise InputError(f'{len(scan)} real scans are too few to learn features from; it takes 50')
    chosen = plan or FitPlan()
    rng = np.random.default_rng([41, chosen.seed])
    x = np.concatenate([channels(flawed(scan, k, rng), reach) for k in range(len(FLAWS))])
    y = np.repeat(np.arange(len(FLAWS)), len(scan))
    return fit(x, y, lambda: ScanNet(len(FLAWS)), chosen)


def inception_score(probabilities: Array) -> float:
    """Exponential of the mean divergence from the mean (Salimans et al. 2016), 1 to classes."""
    p = np.clip(probabilities, 1e-12, 1.0)
    return float(np.exp((p * (np.log(p) - np.log(p.mean(axis=0)))).sum(axis=1).mean()))
