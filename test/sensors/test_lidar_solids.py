import hypothesis
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
from primitive_reference import scene_ranges
import pytest
from ray_reference import ray_ranges

from synth_nodes.sensors.depths import bearing
from synth_nodes.sensors.lidar import cast, Lidar
from synth_nodes.types import GridMap, LidarSpec
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.scene import Scene

OPEN = GridMap(np.zeros((300, 300), np.int8), 0.1, (-15.0, -15.0, 0.0))


def furnished(rng, grid=OPEN, count=8, spread=5.0):
    boxes = np.column_stack((
        rng.uniform(-spread, spread, (count, 2)), rng.uniform(-7, 7, count),
        rng.uniform(0.05, 2.0, (count, 2)), np.ones(count), np.zeros(count)))
    cylinders = np.column_stack((rng.uniform(-spread, spread, (count, 2)),
                                 rng.uniform(0.02, 0.8, count), np.ones(count), np.zeros(count)))
    return Scene(grid, boxes=boxes, cylinders=cylinders)


@given(seed=st.integers(0, 100_000), even=st.booleans(), turn=st.floats(0.1, 2 * np.pi - 1e-3),
       centre=st.floats(-10.0, 10.0))
@hypothesis.settings(max_examples=80, deadline=None)
def test_boxes_and_cylinders_are_seen_where_every_ray_against_each_finds_them(
        seed, even, turn, centre):
    rng = np.random.default_rng(seed)
    scene = furnished(rng)
    pose = np.array([*rng.uniform(-4, 4, 2), rng.uniform(-7, 7)])
    share = np.linspace(-0.5, 0.5, 120) if even else np.sort(rng.uniform(-0.5, 0.5, 120))
    angles = centre + turn * share
    got = cast(MapAtlas.build([scene]), np.zeros(1, int), pose[None], angles, 6.0)[0]
    nearest = scene_ranges(pose, angles, scene.boxes, scene.cylinders, 1e-6)
    farthest = scene_ranges(pose, angles, scene.boxes, scene.cylinders, -1e-6)
    # Where a beam grazes an edge it may count either way, and nothing else may differ.
    assert np.all((got >= nearest - 1e-5) | (nearest > 6.0 - 1e-4))
    assert np.all((got <= farthest + 1e-5) | (farthest > 6.0 - 1e-4))


@given(seed=st.integers(0, 100_000))
@hypothesis.settings(max_examples=25, deadline=None)
def test_the_nearer_of_walls_and_solids_is_seen(seed):
    rng = np.random.default_rng(seed)
    occupancy = np.where(rng.random((60, 60)) < 0.03, 100, 0).astype(np.int8)
    grid = GridMap(occupancy, 0.2, (-6.0, -6.0, 0.3))
    scene = furnished(rng, grid, 4, 4.0)
    row, column = rng.permutation(np.argwhere(~grid.solid()))[0] + 0.4
    pose = np.array([*grid.to_map(np.array([column, row])), rng.uniform(-3, 3)])
    angles = np.sort(rng.uniform(-np.pi, np.pi, 50))
    got = cast(MapAtlas.build([scene]), np.zeros(1, int), pose[None], angles, 5.0)[0]
    bounds = [np.minimum(ray_ranges(grid, pose, angles, np.inf, g),
                         scene_ranges(pose, angles, scene.boxes, scene.cylinders, g))
              for g in (1e-6, -1e-6)]
    assert np.all((got >= bounds[0] - 1e-5) | (bounds[0] > 5.0 - 1e-4))
    assert np.all((got <= bounds[1] + 1e-5) | (bounds[1] > 5.0 - 1e-4))


def test_a_sensor_inside_a_box_or_cylinder_reads_zero():
    scene = Scene(OPEN, boxes=np.array([[0, 0, 0.5, 1, 1, 1, 0.0]]),
                  cylinders=np.array([[5, 0, 0.5, 1, 0.0]]))
    pose = np.array([[0.1, 0.1, 0.0], [5.1, 0.0, 1.0], [2.5, 0.0, 0.0]])
    got = cast(MapAtlas.build([scene]), np.zeros(3, int), pose, np.linspace(-3, 3, 9), 9.0)
    assert (got[:2] == 0.0).all()
    assert got[2, 4] == pytest.approx(2.0)


def test_each_sensor_sees_the_solids_of_its_own_map():
    box = Scene(OPEN, boxes=np.array([[3, 0, 0, 1, 4, 1, 0.0]]))
    post = Scene(OPEN, cylinders=np.array([[3, 0, 0.25, 1, 0.0]]))
    atlas = MapAtlas.build([OPEN, box, post])
    got = cast(atlas, np.arange(3), np.zeros((3, 3)), np.array([0.0]), 9.0)[:, 0]
    assert got[1:] == pytest.approx([2.5, 2.75])
    assert np.isinf(got[0])


@given(st.floats(-5, 5), st.floats(-5, 5))
@hypothesis.settings(max_examples=200, deadline=None)
def test_bearings_are_true_to_the_stated_error(ahead, left):
    hypothesis.assume(abs(ahead) + abs(left) > 1e-6)
    off = bearing(ahead, left) - np.arctan2(left, ahead)
    assert abs((off + np.pi) % (2 * np.pi) - np.pi) < 3e-8


def test_each_robot_may_have_a_mount_of_its_own():
    spec = LidarSpec(beams=3, field_of_view=0.2, noise_std=0.0, noise_slope=0.0, dropout=0.0)
    atlas = MapAtlas.build([Scene(OPEN, boxes=np.array([[4, 0, 0, 2, 20, 1, 0.0]]))])
    offset = np.array([[0.0, 0.0, 0.0], [0.3, 0.5, 0.0], [0.0, 0.0, 0.25]])
    got = Lidar(spec, atlas).scan(np.zeros((3, 3)), np.zeros(3, int), mount_offset=offset)
    assert got[:, 1] == pytest.approx([3.0, 2.7, 3.0 / np.cos(0.25)])


@pytest.mark.parametrize('count', (1, 2, 15, 16, 17, 31, 33, 39, 40, 41, 80, 129))
def test_a_beam_reads_the_same_whatever_beams_and_solids_come_with_it(count):
    rng = np.random.default_rng(7)
    occupancy = np.where(rng.random((60, 60)) < 0.01, 100, 0).astype(np.int8)
    occupancy[28:33, 28:33] = 0
    grid = GridMap(occupancy, 0.2, (-6.0, -6.0, 0.3))
    scene = furnished(rng, grid, 90, 6.0)
    scene = Scene(grid, boxes=scene.boxes[np.hypot(*scene.boxes[:, :2].T) > 2.0],
                  cylinders=scene.cylinders[np.hypot(*scene.cylinders[:, :2].T) > 1.0])
    atlas, pose = MapAtlas.build([scene]), np.array([[0.05, 0.03, 1.0]])
    angles = np.sort(rng.uniform(-np.pi, np.pi, 130))
    people = np.column_stack((rng.uniform(1, 5, (40, 2)), np.zeros((40, 2)), np.full(40, 0.1)))
    alone, together = (
        cast(atlas, np.zeros(1, int), pose, part, 5.0, people[None])[0]
        for part in (angles[count - 1:count], angles[:count]))
    every = cast(atlas, np.zeros(1, int), pose, angles, 5.0, people[None])[0]
    assert (together == every[:count]).all()
    assert alone[0] == every[count - 1]
    assert np.isfinite(every).any()
    assert (every > 0.0).all()
    assert len(scene.boxes) > 64
    assert len(scene.cylinders) > 64
