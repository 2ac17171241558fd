import numpy as np
import pytest

from synth_nodes.tasks.planner import Planner
from synth_nodes.tasks.sighting import Looks, Memory, THICK, unexplained, view
from synth_nodes.types import FREE, GridMap, OCCUPIED, RobotSpec

ANGLES = np.linspace(-np.pi, np.pi, 360, endpoint=False) + 0.003
NO_MOUNT = (0.0, 0.0, 0.0)


@pytest.fixture(scope='module')
def planner():
    cells = np.full((120, 200), FREE, np.int8)
    cells[[0, -1]] = cells[:, [0, -1]] = OCCUPIED
    return Planner(GridMap(cells, 0.05, name='hall'), RobotSpec())


def hall_ranges(pose, things=(), radius=0.25):
    """Ranges to the walls of the hall of 10 m x 6 m, and to discs in it."""
    bearings = ANGLES + pose[2]
    c, s = np.cos(bearings), np.sin(bearings)
    with np.errstate(divide='ignore'):
        ranges = np.minimum(np.where(c > 0, 9.95 - pose[0], 0.05 - pose[0]) / c,
                            np.where(s > 0, 5.95 - pose[1], 0.05 - pose[1]) / s)
    for x, y in things:
        along = c * (x - pose[0]) + s * (y - pose[1])
        off = s * (x - pose[0]) - c * (y - pose[1])
        hit = (along > 0.0) & (np.abs(off) < radius)
        near = along - np.sqrt(np.maximum(radius ** 2 - off ** 2, 0.0))
        ranges = np.where(hit, np.minimum(ranges, near), ranges)
    return ranges


def look(pose, things=()):
    return view(np.asarray(pose), NO_MOUNT, ANGLES, hall_ranges(pose, things))


def test_walls_of_the_map_are_explained_and_a_person_is_not(planner):
    pose = (2.0, 3.0, 0.7)
    assert not len(unexplained(planner, look(pose), 5.0, 0.2))
    points = unexplained(planner, look(pose, [(3.5, 3.0)]), 5.0, 0.2)
    away = np.hypot(*(points - (3.5, 3.0)).T)
    assert len(points) > 30 and away.max() < 0.29 + THICK
    assert points[:, 0].max() > 3.5  # also what the person hides of itself


def test_what_is_out_of_sight_or_unseen_does_not_count(planner):
    pose = (2.0, 3.0, 0.0)
    assert not len(unexplained(planner, look(pose, [(6.0, 3.0)]), 3.0, 0.2))
    blind = view(np.asarray(pose), NO_MOUNT, ANGLES, np.full(360, np.inf))
    assert not len(unexplained(planner, blind, 3.0, 0.2))


def test_mount_of_the_laser_counts():
    seen = view(np.array((1.0, 2.0, np.pi / 2)), (0.2, 0.1, np.pi), np.zeros(1), np.ones(1))
    assert seen.origin == pytest.approx((0.9, 2.2))
    assert np.cos(seen.bearings[0] - 1.5 * np.pi) == pytest.approx(1.0)


def test_what_the_scan_looks_past_is_forgotten_and_what_is_hidden_is_not(planner):
    pose, first, second = (2.0, 3.0, 0.0), (3.2, 3.0), (2.0, 4.5)
    seen = look(pose, [first, second])
    memory = Memory()
    memory.add(unexplained(planner, seen, 3.0, 0.2), 0.0)
    count = len(memory.points)
    memory.forget(seen, 1.0, 10.0)
    memory.add(unexplained(planner, seen, 3.0, 0.2), 1.0)
    assert len(memory.points) == count
    memory.forget(look(pose, [second]), 2.0, 10.0)
    assert np.hypot(*(memory.points - second).T).max() < 0.33 + THICK
    assert 0 < len(memory.points) < count
    memory.forget(look(pose, [(2.0, 3.8)]), 3.0, 10.0)  # hides the second, which stays
    assert len(memory.points)


def test_what_is_old_is_forgotten(planner):
    pose = (2.0, 3.0, 0.0)
    seen = look(pose, [(3.2, 3.0)])
    memory = Memory()
    memory.add(unexplained(planner, seen, 3.0, 0.2), 0.0)
    memory.forget(seen, 10.0, 10.0)
    assert len(memory.points)
    memory.forget(seen, 10.1, 10.0)
    assert not len(memory.points)


def test_only_what_was_there_some_time_ago_stands(planner):
    pose, looks = (2.0, 3.0, 0.0), Looks()
    for now in np.arange(0.0, 5.0, 0.5):
        seen = look(pose, [(3.2, 3.0), (2.0, 4.0 - 0.4 * now)])
        standing = looks.standing(unexplained(planner, seen, 3.0, 0.2), now, 2.0, 4.0)
        assert bool(len(standing)) == (now >= 2.0)
        assert not len(standing) or np.hypot(*(standing - (3.2, 3.0)).T).max() < 0.4 + THICK


def test_a_look_of_long_ago_tells_nothing(planner):
    seen, looks = look((2.0, 3.0, 0.0), [(3.2, 3.0)]), Looks()
    points = unexplained(planner, seen, 3.0, 0.2)
    assert not len(looks.standing(points, 0.0, 1.0, 3.0))
    assert len(looks.standing(points, 2.9, 1.0, 3.0))
    assert not len(looks.standing(points, 6.0, 1.0, 3.0))
