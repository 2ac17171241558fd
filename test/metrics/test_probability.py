import numpy as np
import pytest

pytest.importorskip('torch')

from synth_nodes.metrics.probability import (
    decisions,
    probability_scores,
    reliability,
)


def test_honest_probabilities_are_calibrated_and_overconfident_ones_are_not():
    rng = np.random.default_rng(0)
    p = rng.uniform(0, 1, 40_000)
    happened = rng.random(40_000) < p
    curve = reliability(p, happened)
    assert curve.ece < 0.02 and curve.count.sum() == 40_000
    assert np.abs(curve.predicted - curve.observed).max() < 0.05
    certain = np.where(p > 0.5, 0.99, 0.01)
    assert reliability(certain, happened).ece == pytest.approx(0.24, abs=0.01)


def test_empty_bins_weigh_nothing_and_the_edges_are_counted():
    curve = reliability(np.array([0.0, 1.0, 1.0]), np.array([False, True, True]))
    assert curve.ece == 0.0 and curve.count[[0, -1]].tolist() == [1, 2]
    assert np.isnan(curve.predicted[3])


def test_decisions_at_a_threshold():
    p, happened = np.array([0.9, 0.6, 0.3, 0.1]), np.array([True, False, True, False])
    assert decisions(p, happened, 0.5) == {'precision': 0.5, 'recall': 0.5, 'f1': 0.5}
    assert decisions(p, happened, 0.3)['recall'] == 1.0
    assert decisions(p, happened, 0.95) == {'precision': 0.0, 'recall': 0.0, 'f1': 0.0}
    scores = probability_scores(p, happened, (0.5, 0.2))
    assert scores['auroc'] == 0.75 and set(scores) == {'auroc', 'ece', 'at 0.5', 'at 0.2'}
