"""How good probabilities of an event are: ranking, calibration, and decisions by thresholds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.metrics.two_sample import auc

Array = NDArray[np.float64]
BINS = 15


@dataclass(frozen=True)
class Reliability:
    """What was foretold beside what happened, in bins of equal width over [0, 1]."""

    predicted: Array
    """Mean probability in each bin, shape (bins,); NaN where it is empty."""
    observed: Array
    """Share of events in each bin, likewise."""
    count: NDArray[np.int64]
    """Number of probabilities in each bin."""

    @property
    def ece(self) -> float:
        """Expected calibration error: mean gap of the two, by count (Naeini et al. 2015)."""
        gap = np.abs(np.nan_to_num(self.predicted - self.observed))
        return float((gap * self.count).sum() / max(self.count.sum(), 1))


def reliability(probability: Array, happened: NDArray[np.bool_], bins: int = BINS) -> Reliability:
    """
    Compare probabilities with events.

    :param probability: in [0, 1], shape (N,).
    :param happened: shape (N,).
    """
    number = np.minimum((np.asarray(probability) * bins).astype(np.int64), bins - 1)
    count = np.bincount(number, minlength=bins)
    with np.errstate(invalid='ignore'):
        predicted = np.bincount(number, probability, bins) / count
        observed = np.bincount(number, happened, bins) / count
    return Reliability(predicted, observed, count.astype(np.int64))


def decisions(probability: Array, happened: NDArray[np.bool_],
              threshold: float) -> dict[str, float]:
    """Precision, recall and F1 of calling it an event from a threshold on; 0 where undefined."""
    called = np.asarray(probability) >= threshold
    right = float((called & happened).sum())
    precision = right / max(float(called.sum()), 1.0)
    recall = right / max(float(happened.sum()), 1.0)
    f1 = 2 * precision * recall / (precision + recall) if right else 0.0
    return {'precision': precision, 'recall': recall, 'f1': f1}


def probability_scores(probability: Array, happened: NDArray[np.bool_],
                       thresholds: Sequence[float]) -> dict[str, Any]:
    """
    Score probabilities.

    :param probability: in [0, 1], shape (N,).
    :param happened: shape (N,); some true and some false.
    :param thresholds: for precision, recall and F1.
    :return: `auroc`, `ece`, and a dictionary `at T` for each threshold.
    """
    return {'auroc': auc(probability[happened], probability[~happened]),
            'ece': reliability(probability, happened).ece,
            **{f'at {t:g}': decisions(probability, happened, t) for t in thresholds}}
