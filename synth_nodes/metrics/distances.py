"""
Distances between two samples of features, and intervals of any figure.

Fréchet distance: Heusel et al. 2017 (arXiv:1706.08500), eq. 6; biased for few records, so the
kernel distances stand beside it. KID: Bińkowski et al. 2018 (arXiv:1801.01401), section 4. MMD:
Gretton et al. 2012, eq. 3. Sliced Wasserstein: Bonneel et al. 2015, section 3.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError

Array = NDArray[np.float64]
BLOCKS = 10
"""Resamples that an interval is estimated from."""


@dataclass(frozen=True)
class Measured:
    """A figure with the interval that holds it with 95 % confidence."""

    value: float
    low: float
    high: float

    def within(self, low: float, high: float = math.inf) -> 'Measured':
        """Cut the interval off where no figure can be."""
        return Measured(self.value, max(self.low, low), min(self.high, high))


def check_pair(a: Array, b: Array, least: int = 20) -> None:
    """
    Refuse samples that cannot be compared.

    :raises InputError: on different widths, values that are not finite, or too few records.
    """
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
        raise InputError(f'samples of shapes {a.shape} and {b.shape} cannot be compared; they '
                         'must be (N, D) and (M, D)')
    if min(len(a), len(b)) < least:
        raise InputError(f'samples of {len(a)} and {len(b)} records are too few; it takes {least}')
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise InputError('samples hold values that are not finite')


def frechet(a: Array, b: Array) -> float:
    """Distance between the normal distributions fitted to a (N, D) and b (M, D)."""
    check_pair(a, b)
    mean_a, mean_b = a.mean(axis=0), b.mean(axis=0)
    cov_a, cov_b = np.cov(a.T).reshape(a.shape[1], -1), np.cov(b.T).reshape(b.shape[1], -1)
    values, vectors = np.linalg.eigh(cov_a)
    root = vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
    both = np.linalg.eigvalsh(root @ cov_b @ root)
    trace = np.trace(cov_a) + np.trace(cov_b) - 2.0 * np.sqrt(np.maximum(both, 0.0)).sum()
    return float(np.sum((mean_a - mean_b) ** 2) + max(trace, 0.0))


def kid(a: Array, b: Array) -> float:
    """Unbiased squared distance with the cubic kernel (x.y / D + 1)^3; may be below 0."""
    check_pair(a, b)
    width = a.shape[1]
    return _unbiased((a @ a.T / width + 1) ** 3, (b @ b.T / width + 1) ** 3,
                     (a @ b.T / width + 1) ** 3)


def mmd(a: Array, b: Array) -> float:
    """Unbiased squared distance with a Gaussian kernel as wide as the median distance."""
    check_pair(a, b)
    aa, bb, ab = _squares(a, a), _squares(b, b), _squares(a, b)
    width = max(float(np.median(ab)), 1e-12)
    return _unbiased(np.exp(-aa / width), np.exp(-bb / width), np.exp(-ab / width))


def sliced_wasserstein(a: Array, b: Array, directions: int = 128, seed: int = 0) -> float:
    """Mean distance of the sorted projections on random directions, in units of the features."""
    check_pair(a, b)
    rng = np.random.default_rng(seed)
    way = rng.standard_normal((a.shape[1], directions))
    way /= np.linalg.norm(way, axis=0)
    shares = (np.arange(256) + 0.5) / 256
    return float(np.abs(np.quantile(a @ way, shares, axis=0)
                        - np.quantile(b @ way, shares, axis=0)).mean())


def with_interval(figure: Callable[..., float], *samples: Array, seed: int = 0,
                  most: int = 4000) -> Measured:
    """
    Measure a figure of one sample or more on all records, and its scatter on halves of them.

    :param figure: of as many samples, shape (N, ...) each.
    :param most: records of each that are used.
    :return: the figure, and an interval from ten draws of half the records.
    """
    return with_intervals(lambda *part: (figure(*part),), *samples, seed=seed, most=most)[0]


def with_intervals(figures: Callable[..., Sequence[float]], *samples: Array, seed: int = 0,
                   most: int = 4000) -> list[Measured]:
    """Measure several figures at once, as :func:`with_interval` does one."""
    rng = np.random.default_rng(seed)
    used = [s[rng.permutation(len(s))[:most]] for s in samples]
    # Halves without replacement: repeated records would look like copies to a kernel.
    parts = np.array([figures(*(s[rng.permutation(len(s))[:max(20, len(s) // 2)]] for s in used))
                      for _ in range(BLOCKS)])
    half = 1.96 * np.std(parts, axis=0, ddof=1) * np.sqrt(0.5)
    return [Measured(float(value), float(value - h), float(value + h))
            for value, h in zip(figures(*used), half, strict=True)]


def _squares(a: Array, b: Array) -> Array:
    squares = ((a * a).sum(1)[:, None] + (b * b).sum(1)[None] - 2.0 * a @ b.T)
    return np.asarray(np.maximum(squares, 0.0))


def _unbiased(aa: Array, bb: Array, ab: Array) -> float:
    n, m = len(aa), len(bb)
    return float((aa.sum() - np.trace(aa)) / (n * (n - 1)) + (bb.sum() - np.trace(bb))
                 / (m * (m - 1)) - 2.0 * ab.mean())
