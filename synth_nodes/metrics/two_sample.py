"""
Classifier two-sample test: whether a network can tell real from synthetic.

Lopez-Paz and Oquab 2017 (arXiv:1610.06545). 0.5 means that it cannot, 1 that it always can. Where
groups are given (places, drives), a group is in training or in test, never in both.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.metrics.distances import Measured
from synth_nodes.metrics.scans import channels, F, fit, FitPlan, REACH, ScanNet, Scans, scores

Array = NDArray[np.float64]


def auc(positive: Array, negative: Array) -> float:
    """Area under the ROC curve: chance that a positive scores above a negative."""
    n, m = len(positive), len(negative)
    above = ranks(np.concatenate((positive, negative)))[:n].sum() - n * (n + 1) / 2
    return float(above / (n * m))


def ranks(values: Array) -> Array:
    """Give the ranks of values (N,), the lowest first and from 1 on; ties share their mean."""
    _, which, sizes = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(sizes) - (sizes - 1) / 2)[which])


def two_sample_auc(real: Scans, synthetic: Scans, groups: NDArray[np.integer] | None = None,
                   folds: int = 5, seed: int = 0, reach: float = REACH,
                   plan: FitPlan | None = None) -> Measured:
    """
    Train a network to tell them apart, and test it on records it has not seen.

    :param real: [m], shape (N, beams).
    :param synthetic: [m], shape (N, beams): record k belongs to the place and pose of real k, if
        groups are given.
    :param groups: shape (N,), of both; blocks of neighbours in time where None.
    :return: area under the ROC curve over all held-out records; the interval is from the folds.
    :raises InputError: on too few records or beams that differ.
    """
    if real.shape[1:] != synthetic.shape[1:]:
        raise InputError(f'scans of {real.shape[1]} and {synthetic.shape[1]} beams cannot be '
                         'compared')
    if min(len(real), len(synthetic)) < 20 * folds:
        raise InputError(f'{len(real)} and {len(synthetic)} scans are too few for a test in '
                         f'{folds} folds; it takes {20 * folds}')
    return separability(channels(real, reach), channels(synthetic, reach), lambda: ScanNet(2),
                        groups, folds, seed, plan)


def separability(real: NDArray[np.float32], synthetic: NDArray[np.float32],
                 make: Callable[[], F], groups: NDArray[np.integer] | None = None,
                 folds: int = 5, seed: int = 0, plan: FitPlan | None = None) -> Measured:
    """
    Tell records of any kind apart, as :func:`two_sample_auc` does scans.

    :param real, synthetic: what the network takes, shapes (N, ...) and (M, ...).
    :param make: makes the network, with two classes.
    """
    held_real = _folds(len(real), groups, folds, seed)
    held_fake = _folds(len(synthetic), groups, folds, seed)
    base = plan or FitPlan(seed=seed)
    areas = []
    for fold in range(folds):
        x = np.concatenate((real[held_real != fold], synthetic[held_fake != fold]))
        y = np.repeat([1, 0], [(held_real != fold).sum(), (held_fake != fold).sum()])
        net = fit(x, y.astype(np.int64), make, base)
        areas.append(auc(scores(net, real[held_real == fold])[:, 1],
                         scores(net, synthetic[held_fake == fold])[:, 1]))
    half = 2.776 * float(np.std(areas, ddof=1)) / np.sqrt(folds) if folds == 5 else (
        2.0 * float(np.std(areas, ddof=1)) / np.sqrt(folds))
    centre = float(np.mean(areas))
    return Measured(centre, max(centre - half, 0.0), min(centre + half, 1.0))


def _folds(count: int, groups: NDArray[np.integer] | None, folds: int,
           seed: int) -> NDArray[np.int64]:
    """Deal records to folds, whole groups at a time, shape (N,)."""
    blocks = 8 * folds
    own = groups if groups is not None and len(groups) == count else (
        np.arange(count) * blocks // max(count, 1))
    names, number = np.unique(own, return_inverse=True)
    if len(names) < folds:
        own = np.arange(count) * blocks // max(count, 1)
        names, number = np.unique(own, return_inverse=True)
    dealt = np.random.default_rng([43, seed]).permutation(len(names)) % folds
    return np.asarray(dealt[number], np.int64)
