from dataclasses import replace

import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from synth_nodes.commands.inputs import settings_from_words
from synth_nodes.dataset.camera_records import CameraRecords, CameraSettings
from synth_nodes.dataset.clean import cleaned
from synth_nodes.dataset.describe import draw, figures, lines
from synth_nodes.dataset.generate import generate, GenerateSettings
from synth_nodes.dataset.merge import merge
from synth_nodes.dataset.pixel_labels import PIXEL_SURFACES
from synth_nodes.dataset.reader import DataSet
from synth_nodes.dataset.store import Writer
from synth_nodes.dataset.to_bag import export_bag
from synth_nodes.errors import InputError
from synth_nodes.sensors.cast import cast
from synth_nodes.sensors.lens import rays
from synth_nodes.types import GridMap, LidarSpec, RobotSpec
from synth_nodes.world.actors import ActorSettings, CartSettings
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.places import open_place
from synth_nodes.world.scene import FloorLine, Scene

SETTINGS = GenerateSettings(
    records=90, robots=6, errands=4, seed=4, arcs=False, draws=0, line_time=0.6,
    actors=ActorSettings(count=2), carts=CartSettings(count=1))
CAMERA = CameraSettings(on=True, width=33, height=25)
ROBOT, LIDAR = RobotSpec(), LidarSpec(beams=36)
NAME = {name: k for k, name in enumerate(PIXEL_SURFACES)}


def hall(**more) -> Scene:
    """A hall from (0, 0) to (10, 8), with a line for carts, a tall box and a tall post."""
    cells = np.full((180, 220), 100, np.int8)
    cells[10:170, 10:210] = 0
    return Scene(GridMap(cells, 0.05, (-0.5, -0.5, 0.0), 'hall'), **{
        'boxes': np.array([[7.0, 4.0, 0.3, 0.6, 0.5, 1.8, 1]]),
        'cylinders': np.array([[3.0, 5.0, 0.25, 2.0, 1]]),
        'lines': (FloorLine(np.array([[1.0, 2.0], [9.0, 2.0]]), 0.5),), **more})


@pytest.fixture(scope='module')
def seen(tmp_path_factory) -> DataSet:
    folder = tmp_path_factory.mktemp('seen') / 'set'
    generate(replace(SETTINGS, camera=CAMERA), [hall()], ROBOT, LIDAR, folder)
    return DataSet(folder)


def records(scene: Scene | GridMap, pose, actors=None, people=0, camera=CAMERA):
    """Fields of records from given poses, and the atlas and camera they are of."""
    pose = np.atleast_2d(np.asarray(pose, float))
    atlas, spec = MapAtlas.build([scene]), camera.spec(0.2)
    discs = np.zeros((len(pose), 0, 5)) if actors is None else np.asarray(actors, float)
    columns = CameraRecords(spec, atlas, 0).columns(
        pose, np.zeros(len(pose), np.int64), discs, people, np.zeros((len(pose), 3)))
    return columns, atlas, spec


def test_camera_is_switched_by_its_name_and_is_off_otherwise():
    on = settings_from_words(GenerateSettings, ['camera=true', 'camera.width=40'], {})
    assert on.camera == CameraSettings(on=True, width=40) and on.camera.spec(0.2).rate == 5.0
    assert not GenerateSettings().camera.on
    with pytest.raises(InputError, match="unknown parameter 'actors'"):
        settings_from_words(GenerateSettings, ['actors=true'], {})
    with pytest.raises(InputError, match=r"'camera.on' = 3 must be true or false"):
        settings_from_words(GenerateSettings, ['camera=3'], {})


def test_every_class_of_pixel_is_named_as_beams_name_it():
    """From the middle of the hall: a person ahead, the post left, a cart right, a wall behind."""
    actors = np.tile([[5.0, 4.0, 0.0, 0.0, 0.25], [3.0, 2.5, 0.0, 0.0, 0.4]], (4, 1, 1))
    pose = [(3.0, 4.0, yaw) for yaw in (0.0, np.pi / 2, -np.pi / 2, np.pi)]
    columns, _, _ = records(hall(), pose, actors, 1)
    surface = columns['pixel_surface']
    middle = [PIXEL_SURFACES[k] for k in surface[:, 12, 16]]
    assert middle == ['person', 'furniture', 'cart', 'wall']
    assert {'floor', 'line', 'wall', 'cart'} <= {PIXEL_SURFACES[k] for k in np.unique(surface[2])}
    up = records(hall(), (3.0, 4.0, 0.0), camera=replace(CAMERA, pitch=-0.8))[0]
    assert (up['pixel_surface'] == NAME['ceiling']).mean() > 0.6
    open_sky = records(hall(ceiling=-1), (3.0, 4.0, 0.0), camera=replace(CAMERA, pitch=-0.8))[0]
    sky = open_sky['pixel_surface'] == NAME['none']
    assert sky.mean() > 0.6 and np.isinf(open_sky['depth'][sky]).all()


def test_a_camera_inside_a_wall_sees_nothing():
    columns, _, _ = records(hall(), (9.9, 4.0, 0.0))
    assert (columns['pixel_surface'] == NAME['none']).all()


def test_pixels_of_the_middle_row_meet_what_beams_of_the_lidar_meet(seen):
    """A level camera's middle row lies in a plane, as a scan does."""
    at = seen.schema.sensor['camera']['mount']
    assert at[1] == 0.0 and seen.schema.sensor['camera']['height'] % 2
    scene, pose = hall(), seen.read('pose')
    place = pose + np.stack((np.cos(pose[:, 2]), np.sin(pose[:, 2]), 0 * pose[:, 2]), -1) * at[0]
    bearing = -np.arctan(rays(CAMERA.spec(0.2))[12, :, 0])
    depth, surface = (seen.read(n)[:, 12] for n in ('depth', 'pixel_surface'))
    alone = cast(MapAtlas.build([scene]), np.zeros(90, int), place, bearing[::-1], 30.0)[:, ::-1]
    reach = depth / np.cos(bearing)
    moving = np.isin(surface, (NAME['person'], NAME['cart']))
    assert 0.005 < moving.mean() < 0.5 and np.isin(surface, range(1, 5)).all()
    known = np.isfinite(depth)
    off = np.abs(reach - alone)[known & ~moving]
    assert (off < 0.02).mean() > 0.99  # the others graze an edge
    assert (reach[known & moving] < alone[known & moving] - 0.1).mean() > 0.95
    turn = place[:, 2, None] + bearing
    end = place[:, None, :2] + reach[..., None] * np.stack((np.cos(turn), np.sin(turn)), -1)
    at_wall = (np.abs(end - (5.0, 4.0)) > (4.97, 3.97)).any(axis=-1)
    assert (at_wall == (surface == NAME['wall']))[known].mean() > 0.995


def test_furniture_in_the_grid_of_a_building_is_told_as_by_beams():
    scene = open_place('', 3).scene
    atlas = MapAtlas.build([scene])
    rows, columns = np.nonzero(~scene.grid.solid())
    rng = np.random.default_rng(1)
    pick = rng.integers(len(rows), size=40)
    pose = np.column_stack((scene.grid.to_map(np.column_stack((columns[pick], rows[pick])) + 0.5),
                            rng.uniform(-3, 3, 40)))
    camera = replace(CAMERA, mount=(0.0, 0.0, 0.4))
    from synth_nodes.dataset.beam_labels import BeamLabels

    got = records(scene, pose, camera=camera)[0]
    bearing = -np.arctan(rays(camera.spec(0.2))[12, :, 0])
    beams, _ = BeamLabels(atlas, bearing[::-1], 100.0).label(pose, np.zeros(40, int))
    row = got['pixel_surface'][:, 12]
    assert (row == NAME['furniture']).mean() > 0.05
    assert (row == beams[:, ::-1]).mean() > 0.99


def test_depth_and_classes_are_those_of_a_camera_that_is_pitched_and_turned():
    """The floor, seen in closed form: height above it over the drop of each ray."""
    camera = replace(CAMERA, pitch=0.5, yaw=0.4, mount=(0.1, 0.05, 0.5))
    columns, _, spec = records(hall(boxes=np.zeros((0, 7))), (4.0, 4.0, 0.3), camera=camera)
    rotation, place = spec.optical_in_base()
    directions = np.concatenate((rays(spec), np.ones((25, 33, 1))), axis=-1) @ rotation.T
    floor = np.isin(columns['pixel_surface'][0], (NAME['floor'], NAME['line']))
    assert floor.mean() > 0.5
    np.testing.assert_allclose(columns['depth'][0][floor],
                               (-place[2] / directions[..., 2])[floor], rtol=1e-3)


def test_the_same_seed_gives_the_same_images_and_without_a_camera_nothing_changes(seen, tmp_path):
    generate(replace(SETTINGS, camera=CAMERA), [hall()], ROBOT, LIDAR, tmp_path / 'again')
    generate(SETTINGS, [hall()], ROBOT, LIDAR, tmp_path / 'blind')
    for file in sorted((seen.folder / 'chunks').rglob('*.npy')):
        same = file.relative_to(seen.folder)
        assert file.read_bytes() == (tmp_path / 'again' / same).read_bytes()
        if file.stem not in ('image', 'depth', 'pixel_surface'):
            assert file.read_bytes() == (tmp_path / 'blind' / same).read_bytes()
    blind = DataSet(tmp_path / 'blind').schema
    assert 'camera' not in blind.sensor and 'floor' not in blind.sensor['surfaces']
    assert not any(name.startswith('camera') for name in blind.origin['settings'])
    with pytest.raises(InputError, match="has no field 'depth', it has no field 'image'"):
        generate(replace(SETTINGS, camera=CAMERA), [hall()], ROBOT, LIDAR, tmp_path / 'blind',
                 append=True)


def test_noise_changes_depth_and_colour_but_no_label(seen, tmp_path):
    noisy = replace(CAMERA, read_noise=8.0, depth_noise=0.02, depth_dropout=0.1)
    generate(replace(SETTINGS, camera=noisy), [hall()], ROBOT, LIDAR, tmp_path / 'noisy')
    out = DataSet(tmp_path / 'noisy')
    np.testing.assert_array_equal(out.read('pixel_surface'), seen.read('pixel_surface'))
    assert 0.05 < np.isnan(out.read('depth')).mean() < 0.15
    assert (out.read('image') != seen.read('image')).mean() > 0.5


def test_figures_and_picture_tell_of_the_camera(seen, tmp_path):
    summary = figures(seen)
    camera = summary['camera']
    assert (camera['width'], camera['height'], camera['frames']) == (33, 25, 90)
    whole = np.bincount(seen.read('pixel_surface').ravel(), minlength=len(PIXEL_SURFACES))
    np.testing.assert_allclose([camera['pixels'][n] for n in PIXEL_SURFACES], whole / whole.sum())
    assert camera['brightness'] == pytest.approx(seen.read('image').mean())
    assert any(line.startswith('  pixels: none') for line in lines(summary, _nothing()))
    assert list(summary['labels']['surface']) == list(PIXEL_SURFACES[:6])
    draw(seen, tmp_path / 'seen.png')
    assert (tmp_path / 'seen.png').stat().st_size > 20_000


def _nothing():
    from synth_nodes.dataset.clean import Findings

    return Findings((), np.zeros(0, bool))


def test_sets_with_images_are_merged_cleaned_and_loaded(seen, tmp_path):
    bad = np.zeros(90, bool)
    bad[::3] = True
    cleaned(seen, tmp_path / 'clean', bad)
    kept = DataSet(tmp_path / 'clean')
    np.testing.assert_array_equal(kept.read('image'), seen.read('image')[~bad])
    merge([seen.folder, tmp_path / 'clean'], tmp_path / 'both')
    both = DataSet(tmp_path / 'both')
    assert len(both) == 150 and not both.verify()
    np.testing.assert_array_equal(both.read('depth')[90:], kept.read('depth'))
    pytest.importorskip('torch')
    from synth_nodes.dataset.loader import loader, LoaderPlan

    split = seen.schema.places[0].split
    batch = next(iter(loader(seen, LoaderPlan(split, ('image', 'pixel_surface'), 16))))
    assert tuple(batch['image'].shape) == (16, 25, 33, 3)
    assert tuple(batch['pixel_surface'].shape) == (16, 25, 33)


def test_chunks_of_large_records_are_small(seen, tmp_path):
    large = replace(seen.schema, fields=(*seen.schema.fields, replace(
        seen.schema.column('image'), name='large', shape=(1024, 1024, 3))))
    writer = Writer(tmp_path / 'large', large)
    rows = {f.name: np.zeros((22, *f.shape), f.dtype) for f in large.fields}
    writer.place('hall')
    writer.append(rows)
    assert writer.written == 21  # of 3 MiB each in 64 MiB


def test_an_exported_set_reads_back_with_images_calibration_and_path(seen, tmp_path):
    number, rows = next(iter(seen.sequences()))
    export_bag(seen, tmp_path / 'bag', number)
    got: dict[str, list] = {}
    with AnyReader([tmp_path / 'bag']) as reader:
        for connection, time_ns, raw in reader.messages():
            message = reader.deserialize(raw, connection.msgtype)
            got.setdefault(connection.topic, []).append(message)
            stamp = message.header.stamp
            assert stamp.sec * 10**9 + stamp.nanosec == time_ns
    first = seen.take(rows[:1])
    image, depth = got['/camera/image_raw'], got['/camera/depth/image_raw'][0]
    assert len(image) == len(rows) and image[0].header.frame_id == 'camera_optical'
    assert (image[0].encoding, image[0].step, depth.encoding) == ('rgb8', 99, '32FC1')
    np.testing.assert_array_equal(image[0].data.reshape(25, 33, 3), first['image'][0])
    np.testing.assert_array_equal(depth.data.view(np.float32).reshape(25, 33), first['depth'][0])
    classes = got['/camera/surface/image_raw'][0]
    np.testing.assert_array_equal(classes.data.reshape(25, 33), first['pixel_surface'][0])
    info, spec = got['/camera/camera_info'][0], CAMERA.spec(0.2)
    np.testing.assert_allclose(info.k.reshape(3, 3), spec.matrix)
    np.testing.assert_allclose(info.p.reshape(3, 4), spec.projection)
    plan = got['/plan'][0]
    assert plan.header.frame_id == 'base_link'
    points = [(p.pose.position.x, p.pose.position.y) for p in plan.poses]
    np.testing.assert_allclose(points, first['path'][0][:len(points)], atol=1e-6)
    assert (first['path'][0][len(points):] == first['path'][0][-1]).all()
