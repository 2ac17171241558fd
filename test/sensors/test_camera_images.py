import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.sensors.camera import Camera
from synth_nodes.sensors.camera_spec import BOX, CameraSpec, FLOOR, LABELS, SKY, WALL
from synth_nodes.sensors.image_noise import expose, frame_keys, smear
from synth_nodes.types import GridMap
from synth_nodes.world.building import generate_building
from synth_nodes.world.scene import Light, Scene, Surface
from synth_nodes.world.scene_dress import dress, DressSettings

HALL = GridMap(np.pad(np.zeros((78, 78), np.int8), 1, constant_values=100), 0.1,
               (-4.0, -4.0, 0.0), 'hall')
FLAWED = CameraSpec(
    width=64, height=48, pitch=0.1, read_noise=3.0, shot_noise=5.0, vignette=0.3, blur=0.7,
    depth_noise=0.01, depth_dropout=0.05, readout_time=0.02, exposure_time=0.01,
    auto_exposure=0.3, distortion=(-0.2, 0.05, 0.0, 0.0, 0.0))


@pytest.fixture(scope='module')
def scenes():
    return [dress(generate_building(k, 12.0, 9.0), k, DressSettings(boxes=3, cylinders=2))
            for k in range(2)]


def start(scenes, batch, seed=3):
    rng = np.random.default_rng(seed)
    poses = np.empty((batch, 3))
    actors = np.zeros((batch, 2, 5))
    for b in range(batch):
        line = scenes[b % 2].lines[0].points
        k = rng.integers(len(line))
        poses[b] = (*line[k], rng.uniform(-3, 3))
        actors[b, :, :2] = line[rng.integers(len(line), size=2)]
        actors[b, :, 2:] = (0.5, 0.2, 0.25)
    return poses, actors, rng.uniform(-1, 1, (batch, 3))


def same(a, b):
    return all(np.array_equal(getattr(a, n), getattr(b, n), equal_nan=n == 'depth')
               for n in ('rgb', 'depth', 'label'))


def test_same_seed_gives_the_same_images_and_another_does_not(scenes):
    poses, actors, velocity = start(scenes, 4)
    runs = []
    for seed in (1, 1, 2):
        camera = Camera(FLAWED, scenes, seed)
        runs.append([camera.capture(poses, None, actors, velocity) for _ in range(2)])
    assert all(same(a, b) for a, b in zip(runs[0], runs[1], strict=True))
    assert not same(runs[0][0], runs[2][0]) and not same(runs[0][0], runs[0][1])
    assert np.array_equal(runs[0][0].label, runs[2][0].label)


@pytest.mark.parametrize('threads', [1, 3])
def test_an_image_does_not_depend_on_its_batch(scenes, threads):
    poses, actors, velocity = start(scenes, 5)
    index = np.array([0, 1, 0, 1, 0])
    camera = Camera(FLAWED, scenes, threads=threads)
    every = camera.render(poses, index, actors, velocity)
    for b in range(5):
        part = slice(b, b + 1)
        one = camera.render(poses[part], index[part], actors[part], velocity[part])
        assert np.array_equal(one.rgb[0], every.rgb[b])
        assert np.array_equal(one.depth[0], every.depth[b])
        assert np.array_equal(one.label[0], every.label[b])


def test_noise_of_a_camera_does_not_depend_on_its_batch(scenes):
    poses, actors, velocity = start(scenes, 4)
    many = Camera(FLAWED, scenes, 7).capture(poses, np.zeros(4, int), actors, velocity)
    few = Camera(FLAWED, scenes, 7).capture(poses[:2], np.zeros(2, int), actors[:2], velocity[:2])
    assert np.array_equal(many.rgb[:2], few.rgb)


def test_labels_fit_depth():
    spec = CameraSpec(width=80, height=60)
    scene = Scene(HALL, boxes=[[2.0, 0.0, 0.0, 0.4, 0.4, 0.3, 1]])
    frames = Camera(spec, [scene]).render(np.zeros((1, 3)))
    label, depth = frames.label[0], frames.depth[0]
    assert set(np.unique(label)) == {FLOOR, WALL, BOX}
    assert len(LABELS) == 7
    assert depth[label == WALL] == pytest.approx(3.9 - 0.18, abs=1e-4)
    assert depth[label == BOX].min() == pytest.approx(1.8 - 0.18, abs=1e-4)
    rows = np.nonzero(label == FLOOR)[0]
    assert rows.min() > 29.5


def test_open_sky_has_no_depth():
    frames = Camera(CameraSpec(width=64, height=64, horizontal_fov=1.6),
                    [Scene(HALL, ceiling=-1, wall_height=0.6)]).render(np.zeros((1, 3)))
    sky = frames.label[0] == SKY
    assert sky.any() and np.isinf(frames.depth[0][sky]).all()
    assert np.isfinite(frames.depth[0][~sky]).all()


def test_camera_in_a_wall_sees_nothing():
    frames = Camera(CameraSpec(width=32, height=24), [Scene(HALL)]).render([[50.0, 0.0, 0.0]])
    assert not frames.depth.any() and not frames.rgb.any()


def test_shadow_darkens_the_floor_beside_a_box():
    def frame(shadow):
        scene = Scene(HALL, boxes=[[1.5, 0.0, 0.0, 0.4, 0.4, 0.3, 1]], light=Light(shadow=shadow))
        return Camera(CameraSpec(pitch=0.2), [scene]).render(np.zeros((1, 3)))

    dark, plain = frame(0.6), frame(0.0)
    change = plain.rgb[0].astype(int).sum(-1) - dark.rgb[0].astype(int).sum(-1)
    assert (change >= 0).all() and change[dark.label[0] != FLOOR].max() == 0
    assert change.max() > 60


def test_supersampling_leaves_depth_and_labels_and_smooths_colour(scenes):
    poses, actors, _ = start(scenes, 2)
    frames = [Camera(CameraSpec(width=64, height=48, supersample=n), scenes).render(
        poses, None, actors) for n in (1, 3)]
    assert np.array_equal(frames[0].depth, frames[1].depth)
    assert np.array_equal(frames[0].label, frames[1].label)
    assert frames[0].rgb.mean() == pytest.approx(frames[1].rgb.mean(), abs=2.0)
    assert not np.array_equal(frames[0].rgb, frames[1].rgb)


def test_supersampling_mixes_colours_along_edges():
    surfaces = tuple(Surface('plain', (c, c, c), contrast=0.0) for c in (0.2, 0.5, 0.8, 1.0))
    scene = Scene(HALL, surfaces=surfaces, boxes=[[1.5, 0.1, 0.4, 0.4, 0.4, 0.5, 3]],
                  light=Light(shadow=0.0))
    shades = [len(np.unique(Camera(CameraSpec(width=64, height=48, supersample=n), [scene]).render(
        np.zeros((1, 3))).rgb)) for n in (1, 3)]
    assert shades[1] > shades[0] + 10


def test_noise_has_the_stated_energy():
    plain = Surface('plain', (0.5, 0.5, 0.5), contrast=0.0)
    scene = Scene(HALL, surfaces=(plain,) * 3)
    spec = CameraSpec(width=160, height=120, read_noise=4.0, shot_noise=6.0, depth_noise=0.01)
    true = Camera(spec, [scene]).render(np.zeros((1, 3)))
    seen = Camera(spec, [scene]).capture(np.zeros((1, 3)))
    wall = true.label[0] == WALL
    level = true.rgb[0][wall].astype(float)
    error = seen.rgb[0][wall] - level
    expected = 16.0 + 36.0 * level.mean() / 255.0 + 1 / 12
    assert error.var() == pytest.approx(expected, rel=0.03)
    assert abs(error.mean()) < 0.1
    scaled = (seen.depth[0][wall] - true.depth[0][wall]) / true.depth[0][wall] ** 2
    assert scaled.std() == pytest.approx(0.01, rel=0.03)


def test_measured_depth_has_the_values_of_rep_117():
    spec = CameraSpec(width=64, height=48, depth_min=0.9, depth_max=3.0, depth_dropout=0.1)
    camera = Camera(spec, [Scene(HALL)])
    true, seen = camera.render(np.zeros((1, 3))).depth, camera.capture(np.zeros((1, 3))).depth
    assert (seen[true < 0.9] == -np.inf).all()
    middle = (true > 0.9) & (true < 3.0)
    assert np.isnan(seen[middle]).mean() == pytest.approx(0.1, abs=0.04)
    rest = seen[true > 3.0]
    assert (np.isinf(rest) | np.isnan(rest)).all()


def test_rolling_shutter_shears_a_turning_image():
    spec = CameraSpec(width=160, height=120, readout_time=0.05)
    scene = Scene(HALL, cylinders=[[2.0, 0.0, 0.1, 2.5, 1]])
    camera = Camera(spec, [scene])
    still = camera.render(np.zeros((1, 3)))
    turning = camera.render(np.zeros((1, 3)), velocity=np.array([[0.0, 0.0, 1.0]]))

    def middle(frames, row):
        return np.nonzero(frames.label[0, row] == 5)[0].mean()

    assert middle(still, 5) == pytest.approx(middle(still, 75), abs=0.6)
    # Turning left moves what is ahead to the right; one row later, a little farther.
    shift = middle(turning, 75) - middle(turning, 5)
    assert shift == pytest.approx(0.05 * 70 / 120 * spec.focal * 2.0 / 1.82, abs=1.2)


def test_automatic_exposure_reaches_middle_grey():
    dim = Scene(HALL, light=Light(ambient=0.1, strength=0.1))
    camera = Camera(CameraSpec(width=64, height=48, auto_exposure=0.5), [dim])
    for _ in range(20):
        frames = camera.capture(np.zeros((1, 3)))
    assert frames.rgb.mean() == pytest.approx(110.0, rel=0.1)


@pytest.mark.parametrize('gain', [0.5, 1.7, 16.0])
def test_exposure_scales_brightness_until_it_saturates(gain):
    true = Camera(CameraSpec(width=64, height=48), [Scene(HALL)]).render(np.zeros((1, 3))).rgb
    seen = Camera(CameraSpec(width=64, height=48, exposure=gain), [Scene(HALL)]).capture(
        np.zeros((1, 3))).rgb
    assert np.abs(seen - np.minimum(true * gain, 255.0)).max() <= 1.0


def test_vignette_takes_its_share_in_the_corners_and_nothing_in_the_middle():
    plain = Surface('plain', (0.5, 0.5, 0.5), contrast=0.0)
    scene = Scene(HALL, surfaces=(plain,) * 3)
    spec = CameraSpec(width=65, height=49, vignette=0.4)
    true = Camera(spec, [scene]).render(np.zeros((1, 3))).rgb[0].astype(float)
    seen = Camera(spec, [scene]).capture(np.zeros((1, 3))).rgb[0]
    assert np.abs(seen[24, 32] - true[24, 32]).max() <= 1.0
    for v, u in ((0, 0), (0, 64), (48, 0), (48, 64)):
        assert np.abs(seen[v, u] - 0.6 * true[v, u]).max() <= 1.0


def test_turning_smears_a_point_over_the_angle_turned_while_the_shutter_is_open():
    spec = CameraSpec(exposure_time=0.04)
    image = np.zeros((1, 9, 320, 3), np.uint8)
    image[0, :, 160] = 240
    smear(image, spec, np.array([1.0]))
    length = round(0.04 * spec.focal)
    lit = np.nonzero(image[0, 4, :, 0])[0]
    assert len(lit) == length == lit[-1] - lit[0] + 1
    assert image[0, 4, lit, 0] == pytest.approx(240 / length, abs=1.0)
    assert abs(lit.mean() - 160) <= 0.5


@pytest.mark.parametrize('arguments', [
    {'base_pose': np.zeros((2, 2))}, {'base_pose': np.full((1, 3), np.nan)},
    {'base_pose': np.zeros((1, 3)), 'actors': np.zeros((1, 2, 4))},
    {'base_pose': np.zeros((1, 3)), 'velocity': np.zeros((2, 3))},
    {'base_pose': np.zeros((1, 3)), 'scene_index': np.array([3])}])
def test_misfitting_input_is_refused(arguments):
    with pytest.raises(InputError):
        Camera(CameraSpec(width=16, height=16), [Scene(HALL)]).render(**arguments)


def test_noise_of_neighbours_rows_colours_and_frames_is_unrelated():
    rgb = np.full((2, 200, 600), 128, np.uint8)
    keys = frame_keys(5, 2, 0)
    expose(rgb, np.ones(2), np.ones((200, 600), np.float32), 8.0, 0.0, keys)
    noise = (rgb - 128.0) / 8.0
    pairs = ((noise[:, :, 1:], noise[:, :, :-1]), (noise[:, 1:], noise[:, :-1]),
             (noise[:, :, 3:], noise[:, :, :-3]), (noise[0], noise[1]))
    for one, other in pairs:
        # A correlation of n independent pairs scatters by 1 / sqrt(n).
        assert abs((one * other).mean()) < 5.0 / np.sqrt(one.size)
    assert noise.var() == pytest.approx(1.0 + 1.0 / 12.0 / 64.0, rel=0.01)
    assert (np.abs(noise).max(), abs((noise ** 3).mean()) < 0.02) == (24.0 / 8.0, True)


def test_colour_gain_tints_and_another_spec_shares_the_scenes(scenes):
    poses, _, _ = start(scenes, 2)
    plain = Camera(CameraSpec(width=64, height=48), scenes)
    tint = plain.with_spec(CameraSpec(width=64, height=48, colour_gain=(0.5, 1.0, 0.25)))
    true, seen = plain.capture(poses).rgb.astype(float), tint.capture(poses).rgb.astype(float)
    assert np.abs(seen - true * (0.5, 1.0, 0.25)).max() <= 1.0
    small = plain.with_spec(CameraSpec(width=32, height=24), 3)
    assert small.capture(poses).rgb.shape == (2, 24, 32, 3)
    assert plain.capture(poses).rgb.shape == (2, 48, 64, 3)
    with pytest.raises(InputError, match='red, green, blue'):
        plain.with_spec(CameraSpec(colour_gain=(1.0, 1.0)))
