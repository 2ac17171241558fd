"""The monitor node as a process."""

from diagnostic_msgs.msg import DiagnosticArray
from drivers import health
import numpy as np
import pytest

pytestmark = pytest.mark.graph


def test_monitor_node_tells_sound_scans_from_broken_ones_and_drift_from_no_reference(
        peer, drivers):
    peer.start('monitor_node', 'quality_window:=10')
    diagnostics = peer.listen(DiagnosticArray, 'diagnostics')

    def said(words):
        status = health(diagnostics, ': scan quality')
        return status is not None and words in status.message

    # The drivers' scans are the same every time.
    assert peer.until(lambda: said('bit for bit'))
    rng = np.random.default_rng(0)

    def noisy():
        drivers.on, drivers.distance = True, rng.uniform(2.0, 3.0, 360)
        drivers.publish()
        drivers.stop()

    drivers.stop()

    peer.node.create_timer(0.05, noisy)
    assert peer.until(lambda: said('sound'), 20.0)
    assert health(diagnostics, ': drift') is not None
    assert peer.end() == [0]
