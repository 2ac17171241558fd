import numpy as np
import pytest

from synth_nodes.ros.latency import LatencyRing


def test_nothing_measured_says_nothing():
    assert LatencyRing().summary() == {}


def test_percentiles_are_those_of_the_samples():
    ring = LatencyRing(1000)
    samples = np.random.default_rng(1).exponential(1e-3, 500)
    for sample in samples:
        ring.add(sample)
    summary = ring.summary()
    assert summary['latency_p99_ms'] == pytest.approx(np.percentile(samples, 99) * 1e3)
    assert summary['latency_max_ms'] == pytest.approx(samples.max() * 1e3)


def test_old_samples_are_forgotten_but_counted():
    ring = LatencyRing(10)
    for _ in range(10):
        ring.add(1.0)
    for _ in range(10):
        ring.add(0.002)
    assert ring.count == 20
    assert ring.summary()['latency_max_ms'] == pytest.approx(2.0)
