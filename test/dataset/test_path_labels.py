from dataclasses import replace

import numpy as np
import pytest

from synth_nodes.dataset.drives import drive_fields
from synth_nodes.dataset.generate import generate, GenerateSettings
from synth_nodes.dataset.label_log import label_set, LabelSettings
from synth_nodes.dataset.lines import to_map
from synth_nodes.dataset.merge import merge
from synth_nodes.dataset.reader import DataSet
from synth_nodes.dataset.schema import Schema
from synth_nodes.dataset.store import Writer
from synth_nodes.errors import InputError
from synth_nodes.tasks.path import PathFollower
from synth_nodes.tasks.planner import clearance_field
from synth_nodes.types import GridMap, LidarSpec, RobotSpec
from synth_nodes.world.actors import ActorSettings

ROBOT = RobotSpec()
SETTINGS = GenerateSettings(records=400, robots=8, errands=4, seed=2, arcs=False, draws=0,
                            noise=1.0, line_time=1.0, actors=ActorSettings(count=0))


@pytest.fixture(scope='module')
def hall() -> GridMap:
    """A hall of 10 m x 10 m with two walls to drive around."""
    cells = np.full((220, 220), 100, np.int8)
    cells[10:210, 10:210] = 0
    cells[70:76, 10:150] = cells[140:146, 70:210] = 100
    return GridMap(cells, 0.05, (-0.5, -0.5, 0.0), 'hall')


@pytest.fixture(scope='module')
def driven(hall, tmp_path_factory) -> DataSet:
    folder = tmp_path_factory.mktemp('path') / 'set'
    generate(SETTINGS, [hall], ROBOT, LidarSpec(beams=36), folder)
    return DataSet(folder)


def in_map(data: DataSet) -> np.ndarray:
    """Points of all paths in `map`, shape (N, P, 2)."""
    pose, path = data.read('pose'), data.read('path').astype(float)
    flat = to_map(path.reshape(-1, 2), np.repeat(pose, path.shape[1], axis=0))
    return flat.reshape(path.shape)


def test_a_path_starts_beside_the_robot_and_its_points_are_evenly_spaced(driven):
    path, left = driven.read('path'), driven.read('goal')[:, 2]
    assert path.shape == (400, 16, 2) and driven.schema.sensor['path_spacing'] == 0.5
    steps = np.hypot(*np.moveaxis(np.diff(path, axis=1), -1, 0))
    far = left > 8.5
    assert far.sum() > 20 and steps.max() < 0.51
    assert (steps[far] > 0.4).mean() > 0.95  # less in bends alone, whose chords are shorter
    firsts = [rows[0] for _, rows in driven.sequences()]
    assert np.hypot(*path[firsts, 0].T).max() < 0.15
    # Nothing of the way ahead is nearer than where it starts, but for the step to the next point.
    assert (np.hypot(*path[:, 0].T) <= np.hypot(*np.moveaxis(path, -1, 0)).min(axis=1) + 0.1).all()


def test_a_path_keeps_to_free_space_and_ends_at_the_goal_of_its_drive(driven, hall):
    points = in_map(driven)
    cells = np.floor(hall.to_cells(points)).astype(int)
    assert clearance_field(hall)[cells[..., 1], cells[..., 0]].min() > ROBOT.radius
    left = driven.read('goal')[:, 2]
    near, ends = left < 7.0, []
    for _, rows in driven.sequences():
        last = points[rows[near[rows]], -1]
        assert np.abs(last - last[:1]).max(initial=0.0) < 1e-4
        ends += last[:1].tolist()
    assert len(ends) > 8
    direct = np.hypot(*(points[:, -1] - driven.read('pose')[:, :2]).T)
    assert (direct[near] <= left[near] + 0.02).all()
    # Behind the end there is nothing but the end.
    behind = left < 2.0
    assert behind.any() and (driven.read('path')[behind, 6:] == driven.read('path')[behind, -1:]
                             ).all()


def test_the_point_to_steer_for_lies_on_the_path(driven):
    path, goal = driven.read('path').astype(float), driven.read('goal')[:, :2]
    share = np.linspace(0.0, 1.0, 11)[:, None]
    fine = (path[:, :-1, None] * (1 - share) + path[:, 1:, None] * share).reshape(len(path), -1, 2)
    away = np.hypot(*np.moveaxis(fine - goal[:, None], -1, 0)).min(axis=1)
    assert away.max() < 0.12 and np.median(away) < 0.03


def test_way_ahead_is_that_of_each_path_alone_and_mirrors():
    augment = pytest.importorskip('synth_nodes.dataset.augment_scans')
    import torch

    bend = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]])
    short = np.array([[0.0, 0.0], [0.8, 0.6]])
    pose = np.array([[1.0, 0.2, 0.1], [0.0, 0.0, 0.0], [1.0, 0.2, 0.1]])
    follower = PathFollower([bend, short, bend])
    follower.goal(pose)
    out = follower.ahead(pose, 5, 1.0)
    np.testing.assert_array_equal(out[0], out[2])
    np.testing.assert_allclose(to_map(out[0], np.repeat(pose[:1], 5, 0)),
                               [(1, 0), (2, 0), (3, 0), (3, 1), (3, 2)], atol=1e-9)
    np.testing.assert_allclose(out[1], [(0, 0)] + [(0.8, 0.6)] * 4, atol=1e-9)
    flip = np.array([1.0, -1.0])
    mirrored = PathFollower([bend * flip, short * flip, bend * flip])
    mirrored.goal(pose * [1.0, -1.0, -1.0])
    which = torch.tensor([True, True, False])
    got = augment.mirror_points(torch.from_numpy(out), which).numpy()
    np.testing.assert_allclose(got[:2], mirrored.ahead(pose * [1.0, -1.0, -1.0], 5, 1.0)[:2],
                               atol=1e-12)
    np.testing.assert_array_equal(got[2], out[2])


def test_recorded_drives_get_the_path_to_where_they_were_later(driven, hall, tmp_path):
    names = ('stamp', 'sequence', 'place', 'scan', 'laser_pose', 'odom', 'velocity', 'command')
    schema = Schema.of('real', drive_fields(36), places=driven.schema.places, sensor={
        k: driven.schema.sensor[k] for k in ('angles', 'range_min', 'range_max')})
    with Writer(tmp_path / 'real', schema) as writer:
        writer.append({n: driven.read(n) for n in names})
    label_set(DataSet(tmp_path / 'real'), tmp_path / 'out', ROBOT, LabelSettings(
        resolution=0.1, path_points=8, path_spacing=0.25))
    out = DataSet(tmp_path / 'out')
    path, goal = out.read('path'), out.read('goal')
    assert path.shape[1:] == (8, 2) and out.schema.sensor['path_spacing'] == 0.25
    known = np.isfinite(goal).all(axis=1)
    assert known.mean() > 0.5 and (np.isfinite(path).all(axis=(1, 2)) == known).all()
    points = in_map(out)[known]
    cells = np.floor(hall.to_cells(points)).astype(int)
    assert clearance_field(hall)[cells[..., 1], cells[..., 0]].min() > 0.15
    ends = 0
    for _, rows in out.sequences():
        last = rows[known[rows] & (goal[rows, 2] < 1.5)]
        place = out.read('pose')[rows, :2]
        for row in last[::5]:
            ends += 1
            assert np.hypot(*(place - in_map(out)[row, -1]).T).min() < 0.2
    assert ends > 5


def test_sets_with_and_without_a_path_are_told_apart_by_name(driven, hall, tmp_path):
    less = replace(SETTINGS, path_points=0, records=8, seed=9)
    generate(less, [hall], ROBOT, LidarSpec(beams=36), tmp_path / 'old')
    old = DataSet(tmp_path / 'old')
    assert 'path' not in {f.name for f in old.schema.fields} | old.schema.sensor.keys()
    with pytest.raises(InputError, match="has no field 'path', its sensor differs in 'path_spac"):
        generate(replace(less, path_points=16), [hall], ROBOT, LidarSpec(beams=36),
                 tmp_path / 'old', append=True)
    generate(replace(less, seed=10), [hall], ROBOT, LidarSpec(beams=36), tmp_path / 'old',
             append=True)
    assert len(DataSet(tmp_path / 'old')) == 16
    with pytest.raises(InputError, match="only it has the field 'path'"):
        merge([driven.folder, tmp_path / 'old'], tmp_path / 'both')
