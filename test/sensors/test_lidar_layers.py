"""Layers: against planar scans, a slow walk through space, the floor, and the camera."""

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.sensors.camera import Camera
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.sensors.echoes import Echoes
from synth_nodes.sensors.layers import beam_times, directions, LayerLidar
from synth_nodes.sensors.lidar import Lidar
from synth_nodes.sensors.marching import Beams
from synth_nodes.sensors.scan_settings import PointsSpec, ScanEffects
from synth_nodes.types import GridMap, LidarSpec
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.scene import Scene, Surface

IDEAL = LidarSpec(beams=90, noise_std=0.0, noise_slope=0.0, dropout=0.0, range_max=20.0,
                  range_min=0.01)
LAYERS = PointsSpec(layers=9, elevation_min=-0.6, elevation_max=0.6, height=0.7)
HERE = np.zeros(1, int)
PEOPLE = np.array([[[1.5, 1.2, 0.3, 0.1, 0.3], [-1.0, -1.5, 0.0, 0.2, 0.25]]])


def hall(height=2.6, **parts):
    """Furnish a hall of 8 m x 6 m about the origin."""
    cells = np.zeros((120, 160), np.int8)
    cells[[0, 1, -1, -2]] = 100
    cells[:, [0, 1, -1, -2]] = 100
    cells[80:90, 30:40] = 100
    grid = GridMap(cells, 0.05, (-4.0, -3.0, 0.0), 'hall')
    return Scene(grid, **{
        'boxes': np.array([[2.0, -1.0, 0.4, 0.8, 0.5, 0.5, 1], [-1.0, 1.0, 1.0, 0.4, 0.3, 1.4, 1],
                           [0.9, 1.9, 0.0, 0.5, 0.5, 0.69, 1]]),
        'cylinders': np.array([[2.5, 1.5, 0.3, 1.0, 1], [-2.5, -1.5, 0.2, 0.3, 1]]),
        'wall_height': height, **parts})


@pytest.fixture(scope='module')
def atlas():
    return MapAtlas.build([hall()])


def inside(scene, points, people):
    """Tell which points in space, shape (N, 3), are in something; written out plainly."""
    xy, z = points[:, :2], points[:, 2]
    cells = np.floor(scene.grid.to_cells(xy)).astype(int)
    rows, columns = scene.grid.occupancy.shape
    known = ((cells >= 0) & (cells < (columns, rows))).all(axis=1)
    j, i = np.clip(cells, 0, (columns - 1, rows - 1)).T
    out = ~known | scene.grid.solid()[i, j] | (z <= 0) | (z >= scene.wall_height)
    for x, y, yaw, length, width, height, _ in scene.boxes:
        local = (xy - (x, y)) @ np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
        out |= (np.abs(local) <= (length / 2, width / 2)).all(axis=1) & (z <= height)
    for x, y, radius, height, _ in scene.cylinders:
        out |= (np.hypot(*(xy - (x, y)).T) <= radius) & (z <= height)
    for x, y, _, _, radius in people:
        far = np.hypot(*(xy - (x, y)).T) / radius
        out |= (far <= 1.0) & (z <= 0.82 * 1.75)
        out |= (far <= 0.75) & (z > 0.82 * 1.75) & (z <= 0.86 * 1.75)
        out |= (far <= 0.42) & (z > 0.86 * 1.75) & (z <= 1.75)
    return out


@settings(max_examples=8, deadline=None)
@given(st.floats(-0.6, 0.6), st.floats(-0.5, 0.5), st.floats(-3.1, 3.1), st.floats(0.1, 2.4))
def test_ranges_are_those_of_a_slow_walk_through_space(atlas, x, y, yaw, height):
    scene = atlas.sources[0]
    spec, points = (dataclasses.replace(IDEAL, beams=24),
                    dataclasses.replace(LAYERS, height=height))
    got = LayerLidar(spec, points, atlas).scan(np.array([[x, y, yaw]]), HERE, PEOPLE).ranges[0]
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0], [np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
    ways = directions(spec, points).reshape(-1, 3) @ turn.T
    steps = np.arange(0.0, 11.0, 0.004)
    start, cube = np.array([x, y, height]), np.indices((3, 3, 3)).reshape(3, -1).T - 1
    for way, found in zip(ways, got.ravel(), strict=True):
        want = steps[np.argmax(inside(scene, start + steps[:, None] * way, PEOPLE[0]))]
        assert found < want + 1e-4
        # A walk may step across a corner; then something must be right there.
        assert found > want - 0.0042 or inside(
            scene, start + found * way + 1e-4 * cube, PEOPLE[0]).any()


@settings(max_examples=30, deadline=None)
@given(st.floats(-0.6, 0.6), st.floats(-0.5, 0.5), st.floats(-3.1, 3.1))
def test_level_layer_is_the_planar_scan(x, y, yaw):
    tall = hall(boxes=np.array([[2.0, -1.0, 0.4, 0.8, 0.5, 1.5, 1]]),
                cylinders=np.array([[2.5, 1.5, 0.3, 1.0, 1]]))
    tall_atlas = MapAtlas.build([tall])
    pose = np.array([[x, y, yaw]])
    layers = LayerLidar(IDEAL, LAYERS, tall_atlas).scan(pose, HERE, PEOPLE).ranges[0]
    planar = Lidar(IDEAL, tall_atlas).scan(pose, HERE, PEOPLE)[0]
    assert LAYERS.elevations[4] == 0.0
    assert layers[4] == pytest.approx(planar, abs=1e-4)


def test_points_on_the_floor_lie_at_zero_and_on_the_ceiling_at_its_height(atlas):
    scan = LayerLidar(IDEAL, LAYERS, atlas).scan(np.zeros((1, 3)), HERE)
    z = LAYERS.height + (directions(IDEAL, LAYERS) * scan.ranges[0][..., None])[..., 2]
    assert z.min() > -1e-5 and z.max() < 2.6 + 1e-5
    # The lowest layer meets the floor 1 m away, where there is only floor.
    assert z[0] == pytest.approx(np.zeros(90), abs=1e-5)
    free = np.abs(IDEAL.angles) < 0.2
    assert z[-1][free] == pytest.approx(np.full(free.sum(), 2.6), abs=1e-5)


def test_open_sky_returns_nothing():
    sky = MapAtlas.build([hall(ceiling=-1, boxes=np.zeros((0, 7)), cylinders=np.zeros((0, 5)))])
    ranges = LayerLidar(IDEAL, LAYERS, sky).scan(np.zeros((1, 3)), HERE).ranges[0]
    # At the wall, 3.9 m ahead, the highest beam is 3.4 m up.
    assert np.isposinf(ranges[-1][45]) and np.isfinite(ranges[4]).all()


def test_low_things_are_overlooked_and_their_tops_are_seen(atlas):
    spec = dataclasses.replace(IDEAL, beams=3, field_of_view=0.02)
    high = dataclasses.replace(LAYERS, layers=1, height=0.8)
    pose = np.array([[0.9, 1.0, np.pi / 2]])
    assert LayerLidar(spec, high, atlas).scan(pose, HERE).ranges[0, 0, 1] == pytest.approx(1.9)
    down = dataclasses.replace(high, layers=2, elevation_min=-0.1, elevation_max=0.0)
    top = LayerLidar(spec, down, atlas).scan(pose, HERE).ranges[0, 0, 1]
    assert top == pytest.approx(0.11 / np.sin(0.1), abs=1e-4)


@pytest.mark.parametrize('yaw', [0.0, 1.1, 2.5, -1.7])
def test_camera_depth_agrees_along_the_same_rays(yaw):
    scene = hall()
    atlas = MapAtlas.build([scene])
    camera = CameraSpec(width=161, height=121, mount=(0.0, 0.0, 0.9), horizontal_fov=1.2)
    pose = np.array([[0.1, -0.2, yaw]])
    depth = Camera(camera, [scene]).render(pose, actors=PEOPLE).depth[0]
    lidar = Echoes.of(IDEAL, atlas, ScanEffects(), dataclasses.replace(LAYERS, height=0.9))
    off, good, count = np.zeros(0), 0, 0
    for u in range(4, 161, 8):
        right = (u - 80.0) / camera.focal
        flat = np.hypot(1.0, right)
        slopes = (60.0 - np.arange(121.0)) / camera.focal / flat
        column = dataclasses.replace(lidar, slopes=slopes, beams=Beams.of(
            np.array([-np.arctan(right)])))
        ranges, powers = np.empty((1, 121, 1), np.float32), np.empty((1, 121, 1), np.float32)
        column.measure(pose, HERE, np.zeros((1, 3)), None, PEOPLE, np.zeros(1, np.uint64), ranges,
                       powers)
        along = ranges[0, :, 0] / np.sqrt(1.0 + slopes ** 2) / flat
        same = np.abs(along - depth[:, u]) < 2e-3 * along
        good, count = good + same.sum(), count + same.size
        off = np.append(off, np.abs(along - depth[:, u])[same])
    # Pixels on an edge may show either side of it.
    assert good / count > 0.97
    assert off.mean() < 2e-4


def test_layers_of_a_column_share_its_time():
    times = beam_times(dataclasses.replace(IDEAL, rate=10.0))
    assert times[0] == 0.0 and times[-1] == pytest.approx(0.1 * 89 / 90)
    wall = MapAtlas.build([hall(boxes=np.zeros((0, 7)), cylinders=np.zeros((0, 5)))])
    spec = dataclasses.replace(IDEAL, rate=10.0)
    lidar = LayerLidar(spec, dataclasses.replace(LAYERS, elevation_min=-0.08, elevation_max=0.08),
                       wall, effects=ScanEffects(motion=True))
    scan = lidar.scan(np.zeros((1, 3)), HERE, velocity=np.array([[2.0, 0.0, 0.0]])).ranges[0]
    ahead = scan[:, 45] * directions(spec, lidar.points)[:, 45, 0]
    assert ahead == pytest.approx(np.full(9, 3.9 - 2.0 * times[45]), abs=1e-4)


def test_mirrors_on_the_floor_and_materials_count_in_layers_too():
    scene = hall(surfaces=(Surface(material='mirror'), Surface(), Surface()),
                 boxes=np.zeros((0, 7)), cylinders=np.zeros((0, 5)), ceiling=-1)
    lidar = LayerLidar(IDEAL, LAYERS, MapAtlas.build([scene]), effects=ScanEffects(
        surfaces=True, speckle=0.0))
    scan = lidar.scan(np.zeros((1, 3)), HERE)
    # Down to the floor, up again, to the wall at 3.9 m.
    assert scan.ranges[0, 0, 45] == pytest.approx(3.9 / np.cos(0.6), rel=1e-4)
    assert scan.intensities[0, 0, 45] == pytest.approx(
        0.81 * 0.7 * np.cos(0.6) / (3.9 / np.cos(0.6)) ** 2, rel=1e-3)


def test_impossible_layers_are_refused(atlas):
    with pytest.raises(InputError, match='elevation_min'):
        LayerLidar(IDEAL, PointsSpec(layers=3, elevation_min=0.2, elevation_max=0.1), atlas)
    with pytest.raises(InputError, match=r'points.height = 3.0 m must be below'):
        LayerLidar(IDEAL, PointsSpec(layers=3, height=3.0), atlas)
    with pytest.raises(InputError, match='base_pose holds NaN'):
        LayerLidar(IDEAL, LAYERS, atlas).scan(np.full((1, 3), np.nan), HERE)
