import numpy as np
import pytest

from synth_nodes.tasks.course import Course, ErrandPool
from synth_nodes.types import RobotSpec
from synth_nodes.world.layouts import generate_scene


@pytest.fixture(scope='module')
def course():
    return Course([generate_scene('clutter', 0), generate_scene('rooms', 1)], RobotSpec())


def test_errands_depend_on_their_number_alone(course):
    forward, backward = (ErrandPool(course, 4, 2.0, 6.0, 3) for _ in range(2))
    keys = [(m, k) for m in (0, 1) for k in range(4)]
    first = [forward.errand(*key) for key in keys]
    second = [backward.errand(*key) for key in reversed(keys)][::-1]
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a.start, b.start) and np.array_equal(a.path, b.path)
    assert len({e.start.tobytes() for e in first}) == len(keys)
    assert forward.errand(0, 0) is first[0]


def test_ways_in_scenes_lead_around_boxes_and_posts(course):
    pool = ErrandPool(course, 8, 4.0, 10.0, 0)
    scene = course.atlas.sources[0]
    assert len(scene.cylinders)
    for k in range(8):
        errand = pool.errand(0, k)
        steps = np.hypot(*np.diff(errand.path, axis=0).T)
        assert steps.sum() > 3.5
        for x, y, radius, *_ in scene.cylinders:
            gap = np.hypot(errand.path[:, 0] - x, errand.path[:, 1] - y).min() - radius
            assert gap > RobotSpec().radius - 0.02
