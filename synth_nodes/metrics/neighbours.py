"""
What nearest neighbours tell: whether training data are copied and real data covered.

Density and coverage: Naeem et al. 2020 (arXiv:2002.09797), eq. 5 and 6. Copying: as Meehan,
Chaudhuri and Dasgupta 2020 (arXiv:2004.05675), a generator that copies lies nearer to its
training data than unseen real data does.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.metrics.distances import check_pair, Measured, with_interval, with_intervals

Array = NDArray[np.float64]
RESAMPLES = 200
"""Of the distances, for the interval of z."""


@dataclass(frozen=True)
class Copying:
    """Outcome of the copying test."""

    share: Measured
    """Of the synthetic records, how many lie nearer to a training record than nine tenths of the
    unseen real ones do to theirs; 0.1 is what chance gives."""
    z: Measured
    """Mann-Whitney z of the distances, its interval from a bootstrap of them; below about -3 the
    generator copies."""
    exact: int
    """Synthetic records that are a training record, to single precision."""


def nearest(a: Array, b: Array) -> Array:
    """Distance of each record of a (N, D) to the nearest of b (M, D), shape (N,)."""
    out = np.empty(len(a))
    squares = (b * b).sum(1)
    for k in range(0, len(a), 512):
        part = a[k:k + 512]
        d = (part * part).sum(1)[:, None] + squares[None] - 2.0 * part @ b.T
        out[k:k + 512] = np.sqrt(np.maximum(d.min(axis=1), 0.0))
    return out


def copying(train: Array, unseen: Array, synthetic: Array, seed: int = 0) -> Copying:
    """
    Test whether synthetic records are copies of training records.

    :param train: real records that the generator learned from, shape (N, D).
    :param unseen: real records that it did not see, shape (M, D).
    :param synthetic: shape (K, D).
    :param seed: of the resampling for the interval.
    """
    check_pair(train, unseen)
    check_pair(train, synthetic)
    real, fake = nearest(unseen, train), nearest(synthetic, train)
    rng = np.random.default_rng(seed)
    drawn = [_mann_whitney(rng.choice(fake, len(fake)), rng.choice(real, len(real)))
             for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, (0.025, 0.975)).tolist()
    scale = float(np.abs(train).max()) or 1.0
    share = with_interval(_near_share, real, fake, seed=seed,
                          most=max(len(fake), len(real))).within(0.0, 1.0)
    return Copying(share, Measured(_mann_whitney(fake, real), low, high),
                   int((fake < 3e-6 * scale).sum()))


def _mann_whitney(a: Array, b: Array) -> float:
    """Give z of the ranks of a (N,) among those of b (M,); below 0 where a's are lower."""
    n, m = len(a), len(b)
    ranks = np.empty(n + m)
    ranks[np.argsort(np.concatenate((a, b)), kind='stable')] = np.arange(1, n + m + 1)
    u = ranks[:n].sum() - n * (n + 1) / 2
    return float((u - n * m / 2) / np.sqrt(n * m * (n + m + 1) / 12))


def _near_share(real: Array, fake: Array) -> float:
    """Share of distances (K,) that are below the lowest tenth of others (M,)."""
    return float((fake <= np.quantile(real, 0.1)).mean())


def density_coverage(real: Array, synthetic: Array, k: int = 5) -> tuple[float, float]:
    """
    Measure fidelity and diversity.

    :return: density, about 1 for a perfect generator; and coverage, the share of real records
        with a synthetic one among their k nearest neighbours' distance, in [0, 1].
    """
    check_pair(real, synthetic)
    squares = (real * real).sum(1)
    own = np.maximum(squares[:, None] + squares[None] - 2.0 * real @ real.T, 0.0)
    np.fill_diagonal(own, np.inf)
    radius = np.partition(own, k - 1, axis=1)[:, k - 1]
    across = np.maximum(squares[:, None] + (synthetic ** 2).sum(1)[None]
                        - 2.0 * real @ synthetic.T, 0.0)
    inside = across <= radius[:, None]
    return float(inside.sum(axis=0).mean() / k), float(inside.any(axis=1).mean())


def measured_density_coverage(real: Array, synthetic: Array,
                              seed: int = 0) -> tuple[Measured, Measured]:
    """Measure :func:`density_coverage` with intervals."""
    dense, covered = with_intervals(density_coverage, real, synthetic, seed=seed)
    return dense.within(0.0), covered.within(0.0, 1.0)
