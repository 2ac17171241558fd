"""
Drift: whether observations are still distributed as those a policy learned from.

A policy's contract carries a reference: for each feature of its training observations the edges of
ten bins and the share of samples in each. A running window of what the robot sees is compared with
it by the population stability index (Siddiqi 2006, Credit Risk Scorecards, ch. 16): the sum over
bins of (p - q) ln(p / q). Below 0.1 nothing has changed, above 0.25 much has, as it is usually
read for samples that do not depend on one another; those of a drive do, and move it further.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.types import FloatArray

FEATURES = ('nearest', 'openness', 'blocked_share', 'change', 'goal_distance', 'goal_bearing',
            'speed', 'turn')
BINS = 10
_NEAR = 1.0
"""Distance below which a sector counts as blocked [m]."""
Array = NDArray[np.float64]


def features(scan: FloatArray, goal: FloatArray, velocity: FloatArray) -> Array:
    """
    Reduce observations to what drift is looked for in.

    :param scan: [m], shape (N, history, sectors); goal: shape (N, 3); velocity: (N, 3).
    :return: shape (N, 8), in the order of :data:`FEATURES`: nearest sector [m], mean logarithm
        of the sectors, share of sectors nearer than 1 m, mean change from the oldest scan to the
        newest [m], distance [m] and bearing [rad] of the point to steer for, vx [m/s], wz
        [rad/s].
    """
    scans = np.asarray(scan, float)
    newest = scans[:, 0]
    x, y = goal[:, 0], goal[:, 1]
    return np.column_stack((
        newest.min(1), np.log(newest + 0.2).mean(1), (newest < _NEAR).mean(1),
        np.abs(newest - scans[:, -1]).mean(1), np.hypot(x, y), np.arctan2(y, x),
        velocity[:, 0], velocity[:, 2])).astype(float)


@dataclass(frozen=True)
class Reference:
    """How the features of a training set are distributed."""

    edges: Array
    """Inner edges of the bins: quantiles, shape (8, 9)."""
    shares: Array
    """Share of samples in each bin, shape (8, 10); unequal where many samples are alike."""

    @classmethod
    def of(cls, values: Array) -> 'Reference':
        """Take the reference of features, shape (N, 8)."""
        edges = np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1], axis=0).T
        edges = np.round(edges, 6)
        return cls(edges, _shares(edges, values))

    def to_json(self) -> dict[str, Any]:
        """Plain values by feature, for a contract."""
        return {name: {'edges': self.edges[k].tolist(),
                       'shares': np.round(self.shares[k], 6).tolist()}
                for k, name in enumerate(FEATURES)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> 'Reference':
        """
        Read what :meth:`to_json` gave.

        :raises InputError: when it has other features or bins.
        """
        try:
            edges = np.array([content[name]['edges'] for name in FEATURES], float)
            shares = np.array([content[name]['shares'] for name in FEATURES], float)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f'reference of drift in a contract is not usable ({error}); train '
                             'the policy anew') from None
        if edges.shape != (len(FEATURES), BINS - 1) or shares.shape != (len(FEATURES), BINS):
            raise InputError(f'reference of drift in a contract has shapes {edges.shape} and '
                             f'{shares.shape}; train the policy anew')
        return cls(edges, shares)

    def stability(self, values: Array) -> Array:
        """
        Compare features with the reference.

        :param values: shape (N, 8).
        :return: population stability index of each feature, shape (8,); half a sample is added
            to every bin, so that an empty one does not count as infinitely far.
        """
        count = len(values)
        p = (_shares(self.edges, values) * count + 0.5) / (count + 0.5 * BINS)
        q = (self.shares * count + 0.5) / (count + 0.5 * BINS)
        return np.asarray(((p - q) * np.log(p / q)).sum(1))


class DriftWatch:
    """Compares a running window of observations with a reference."""

    def __init__(self, reference: Reference | None, window: int) -> None:
        """:param reference: None where the policy's contract has none: nothing is judged then."""
        self.reference = reference
        self._window: deque[Array] = deque(maxlen=window)

    def take(self, values: Array) -> None:
        """Take the features of one observation, shape (8,)."""
        self._window.append(np.asarray(values, float))

    def figures(self) -> dict[str, float]:
        """Index of each feature; empty until the window is full, or without a reference."""
        if self.reference is None or len(self._window) < (self._window.maxlen or 0):
            return {}
        index = self.reference.stability(np.stack(self._window))
        return dict(zip(FEATURES, index.tolist(), strict=True))


def _shares(edges: Array, values: Array) -> Array:
    count = max(len(values), 1)
    return np.stack([
        np.bincount(np.searchsorted(row, values[:, k], 'right'), minlength=BINS) / count
        for k, row in enumerate(edges)])
