"""When a verdict is told: on change, and once a second."""

from types import SimpleNamespace

import pytest

from synth_nodes.ros import verdicts


@pytest.fixture
def sayer(monkeypatch):
    """Make one without a publisher, whose time is `sayer.clock`."""
    monkeypatch.setattr(verdicts, 'advertise', lambda *_: None)
    monkeypatch.setattr(verdicts, 'time', SimpleNamespace(monotonic=lambda: sayer.clock))
    node = SimpleNamespace(get_fully_qualified_name=lambda: '/monitor')
    sayer = verdicts._Sayer(node, 'safety/verdict', 'verdict', print)
    sayer.clock = 100.0
    return sayer


def test_same_is_told_once_a_second_and_a_change_at_once(sayer):
    told = []
    for k in range(60):
        sayer.clock = 100.0 + 0.05 * k + 1e-6
        gist = ('stop' if 30 <= k < 33 else 'pass', 'braking')
        if sayer.due(gist):
            told.append(k)
    assert told == [0, 20, 30, 33, 53]
