import numpy as np
import pytest

from synth_nodes.monitor.quality import ScanQuality


def test_figures_of_a_stream_are_its_rate_gap_age_and_shares():
    quality = ScanQuality(10)
    scan = np.full(10, 2.0)
    assert quality.figures() == {}
    for stamp in (0.0, 0.1, 0.2, 0.5):
        scan = scan + 0.01
        quality.take(scan, stamp, stamp + 0.05)
    assert quality.figures() == pytest.approx(
        {'rate': 6.0, 'gap': 0.3, 'age': 0.05, 'no_return': 0.0, 'broken': 0.0, 'repeated': 0.0})


def test_broken_beams_missing_returns_and_repeated_scans_are_told_apart():
    quality = ScanQuality(2)
    scan = np.array([1.0, np.nan, np.inf, np.inf])
    for stamp in (0.0, 0.1, 0.2):
        quality.take(scan, stamp, stamp)
    figures = quality.figures()
    assert (figures['broken'], figures['no_return'], figures['repeated']) == (0.25, 0.5, 1.0)
