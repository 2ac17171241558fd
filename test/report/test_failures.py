import numpy as np

from synth_nodes.report.failures import draw_failures
from synth_nodes.train.trial import Failure
from synth_nodes.world.building import generate_building


def failure(kind, place):
    way = np.array([[1.0, 1.0], [2.0, 1.0], [4.0, 1.0]])
    return Failure('office', 0, kind, way, way[:2], np.array([[place, 1.5]]))


def test_failures_become_one_picture(tmp_path):
    path = tmp_path / 'failures.png'
    shown = [failure('timeout', 2.0), failure('contact', 2.2)]
    assert draw_failures(shown, [generate_building(7, 14.0, 10.0)], path)
    assert path.read_bytes().startswith(b'\x89PNG')


def test_nothing_is_drawn_where_nothing_failed(tmp_path):
    path = tmp_path / 'failures.png'
    assert not draw_failures([], [], path)
    assert not path.exists()
