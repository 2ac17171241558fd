"""What comes back from matt, black, glass, mirrors, metal and reflectors."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.sensors.lidar import Lidar
from synth_nodes.sensors.scan_settings import ScanEffects
from synth_nodes.sensors.surfaces import OPTICS, pane_passes, wall_normals
from synth_nodes.types import GridMap, LidarSpec
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.scene import MATERIALS, Scene, Surface

SURFACES = tuple(Surface(material=m) for m in MATERIALS)
KIND = {m: k for k, m in enumerate(MATERIALS)}
CALM = ScanEffects(surfaces=True, speckle=0.0)
HERE = np.zeros(1, int)


def spec(beams=3, width=0.002, **parts):
    return LidarSpec(**{'beams': beams, 'field_of_view': width, 'noise_std': 0.0,
                        'noise_slope': 0.0, 'dropout': 0.0, 'range_max': 30.0, **parts})


def scene(boxes=(), walls='matt', patches=(), cells=None, **parts):
    cells = np.zeros((80, 80), np.int8) if cells is None else cells
    grid = GridMap(cells, 20.0 / len(cells), (-10.0, -10.0, 0.0))
    return MapAtlas.build([Scene(grid, SURFACES, floor=0, walls=KIND[walls], ceiling=-1,
                                 boxes=np.array(boxes, float).reshape(-1, 7),
                                 patches=np.array(patches, float).reshape(-1, 6), **parts)])


def wall(material, distance, turn=0.0):
    """Stand a long box with the middle of its face at that distance along x."""
    x, y = distance + 0.05 * np.cos(turn), 0.05 * np.sin(turn)
    return (x, y, turn, 0.1, 6.0, 2.0, KIND[material])


def look(atlas, effects=CALM, yaw=0.0, count=1, **parts):
    """Range and power of a beam along x from the origin."""
    lidar = Lidar(spec(**parts), atlas, 5, effects)
    powers = np.empty((count, lidar.spec.beams), np.float32)
    poses = np.tile((0.0, 0.0, yaw), (count, 1))
    ranges = lidar.scan(poses, np.zeros(count, int), intensities=powers)
    middle = lidar.spec.beams // 2
    return ranges[:, middle], powers[:, middle]


@settings(max_examples=60, deadline=None)
@given(st.floats(0.5, 9.0), st.floats(-1.3, 1.3))
def test_power_is_lambertian(distance, turn):
    (got,), (power,) = look(scene([wall('matt', distance, turn)]))
    want = 0.7 * np.cos(turn) / distance ** 2
    if want < CALM.threshold:
        assert got == np.inf and power == 0.0
    else:
        assert got == pytest.approx(distance, abs=1e-5)
        assert power == pytest.approx(want, rel=1e-4)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(['matt', 'black']), st.floats(1.0, 9.0), st.floats(-1.4, 1.4),
       st.floats(2.0, 15.0))
def test_a_surface_drops_out_where_the_power_law_says(material, distance, turn, black_range):
    effects = ScanEffects(surfaces=True, speckle=0.0, black_range=black_range)
    reach = black_range * np.sqrt(OPTICS[KIND[material], 0] * np.cos(turn) / 0.1)
    if abs(reach - distance) < 1e-3:
        return
    (got,), _ = look(scene([wall(material, distance, turn)]), effects)
    assert np.isfinite(got) == (distance < reach)


def test_metal_shines_straight_on_and_is_dark_aslant():
    powers = [look(scene([wall('metal', 2.0, turn)]))[1][0] for turn in (0.0, 0.1, 0.5)]
    assert powers[0] == pytest.approx((0.15 + 3.0) / 4, rel=1e-4)
    assert powers[0] > 1.5 * powers[1] > 10 * powers[2]
    assert powers[2] == pytest.approx(0.15 * np.cos(0.5) / 4, rel=0.02)


def test_reflector_is_far_brighter_than_paper():
    assert look(scene([wall('reflector', 5.0)]))[1][0] == pytest.approx(100.0 / 25, rel=1e-4)


@pytest.mark.parametrize(('angle', 'share'), [
    (0.0, (1 - 0.04) / (1 + 0.04)), (np.pi / 2 - 1e-6, 0.0)])
def test_pane_lets_through_what_fresnel_says(angle, share):
    assert pane_passes(np.cos(angle)) == pytest.approx(share, abs=1e-4)


def test_pane_follows_snell_and_fresnel_at_every_angle():
    for angle in np.linspace(0.01, 1.5, 40):
        inner = np.arcsin(np.sin(angle) / 1.5)
        s = (np.sin(angle - inner) / np.sin(angle + inner)) ** 2
        p = (np.tan(angle - inner) / np.tan(angle + inner)) ** 2
        want = 0.5 * ((1 - s) / (1 + s) + (1 - p) / (1 + p))
        assert pane_passes(np.cos(angle)) == pytest.approx(want, rel=1e-9)


def glass_wall(turn):
    """Give a pane as a box and as cells of the grid, before a matt wall at 6 m."""
    return scene([wall('glass', 2.0, turn), (6.5, 0, 0, 1.0, 12.0, 2.0, 0)])


def test_glass_is_seen_itself_only_when_met_straight_on():
    for turn, want in ((0.0, 2.0), (0.1, 2.0), (0.15, 6.0), (0.5, 6.0)):
        ranges, _ = look(glass_wall(turn), count=300)
        assert np.median(ranges) == pytest.approx(want, abs=1e-4), turn


@pytest.mark.parametrize('turn', [0.3, 1.0, 1.35])
def test_glass_passes_light_as_often_as_fresnel_says(turn):
    ranges, powers = look(glass_wall(turn), count=6000)
    through = np.abs(ranges - 6.0) < 1e-4
    share = pane_passes(np.cos(turn))
    assert through.mean() == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / 6000))
    assert powers[through] == pytest.approx(0.7 / 36 * share ** 2, rel=1e-3)


@pytest.mark.parametrize('yaw', [0.3, -0.5])
def test_glass_in_the_grid_shows_what_is_behind(yaw):
    cells = np.zeros((400, 400), np.int8)
    cells[100:300, 240:244] = 100
    cells[:, 320:324] = 100
    glass = scene(patches=[(2.1, 0.0, 0.0, 0.2, 20.0, KIND['glass'])], cells=cells)
    ranges, _ = look(glass, yaw=yaw, count=400)
    seen = np.abs(ranges - 6.0 / np.cos(yaw)) < 1e-3
    assert seen.mean() > 0.85
    plain, _ = look(scene(cells=cells), yaw=yaw)
    assert plain[0] == pytest.approx(2.0 / np.cos(yaw), abs=1e-4)


def test_glass_before_a_wall_ends_at_the_wall():
    cells = np.zeros((400, 400), np.int8)
    cells[:, 240:260] = 100
    atlas = scene(patches=[(2.1, 0.0, 0.0, 0.2, 20.0, KIND['glass'])], cells=cells)
    ranges, _ = look(atlas, yaw=0.4, count=300)
    assert np.median(ranges) == pytest.approx(2.2 / np.cos(0.4), abs=1e-3)


@settings(max_examples=60, deadline=None)
@given(st.floats(-1.2, 1.2), st.floats(1.0, 4.0), st.floats(-0.25, 0.25))
def test_mirror_gives_the_whole_path(turn, distance, yaw):
    beside = [(-3.5, 0, 0, 1, 15, 2, 0), (0, 6.5, 0, 15, 1, 2, 0), (0, -6.5, 0, 15, 1, 2, 0)]
    atlas = scene([wall('mirror', distance, turn), *beside])
    (got,), (power,) = look(atlas, yaw=yaw)
    # Independent: reflect the ray in complex numbers, then meet the three walls as lines.
    d, n = np.exp(1j * yaw), np.exp(1j * turn)
    first = distance * np.cos(turn) / (d * n.conjugate()).real
    at = first * d
    if abs(((at - distance) * n.conjugate()).imag) > 2.9 or first < 0:
        return
    out = -(n * n) * d.conjugate()
    if abs(out.imag) < 1e-6:
        return
    ways = [(edge - p) / v for edge, p, v in (
        (-3.0, at.real, out.real), (6.0, at.imag, out.imag), (-6.0, at.imag, out.imag))
        if (edge - p) * v > 0]
    want = first + min(ways)
    if want > 9.0 or out.real > -0.05:
        return
    assert got == pytest.approx(want, rel=1e-4)
    assert power == pytest.approx(0.81 * 0.7 * (
        abs(out.real) if min(ways) == ways[0] else abs(out.imag)) / want ** 2, rel=1e-3)


def test_mirror_on_a_straight_wall_of_the_grid_reflects_too():
    cells = np.zeros((400, 400), np.int8)
    cells[:, 240:244] = 100
    cells[:, 120:124] = 100
    atlas = scene(patches=[(2.1, 0.0, 0.0, 0.2, 20.0, KIND['mirror'])], cells=cells)
    (got,), _ = look(atlas, yaw=0.3)
    assert got == pytest.approx((2.0 + 5.8) / np.cos(0.3), abs=1e-3)


def test_two_mirrors_face_to_face_lose_the_light():
    (got,), (power,) = look(scene([wall('mirror', 1.0), wall('mirror', -2.0)]))
    assert got == np.inf and power == 0.0


def test_reflected_light_meets_the_robot_s_surroundings_not_itself():
    (got,), _ = look(scene([wall('mirror', 2.0), (-1.5, 0, 0, 1, 2, 2, 0)]))
    assert got == pytest.approx(2.0 + 3.0, abs=1e-4)


@settings(max_examples=40, deadline=None)
@given(st.floats(-np.pi, np.pi))
def test_normals_of_slanted_walls_are_near_the_true_ones(angle):
    rows, columns = np.indices((80, 80)) - 39.5
    cells = np.where(np.cos(angle) * columns + np.sin(angle) * rows < -3.0, 100, 0)
    normals = wall_normals(GridMap(cells.astype(np.int8), 0.05)).reshape(82, 82)[1:-1, 1:-1]
    middle = np.hypot(rows, columns) < 25
    off = np.abs(np.angle(np.exp(1j * (normals[middle] - angle))))
    assert np.isfinite(off).sum() > 20
    assert np.nanmax(off) < 0.15 and np.nanmean(off) < 0.06


@pytest.mark.parametrize('thick', [1, 2, 6])
def test_normals_of_walls_along_the_axes_are_exact_on_both_sides(thick):
    cells = np.zeros((60, 60), np.int8)
    cells[:, 30:30 + thick] = 100
    normals = wall_normals(GridMap(cells, 0.05)).reshape(62, 62)[1:-1, 1:-1]
    assert np.abs(np.cos(normals[10:50, 29]) + 1.0).max() < 1e-6
    assert np.abs(normals[10:50, 30 + thick]).max() < 1e-5


def test_speckle_spreads_the_power_and_keeps_its_mean():
    atlas = scene([wall('matt', 2.0)])
    _, powers = look(atlas, ScanEffects(surfaces=True, speckle=0.2), count=8000)
    assert np.log(powers).std() == pytest.approx(0.2, abs=0.01)
    assert powers.mean() == pytest.approx(0.7 / 4, rel=0.01)


def test_noise_grows_as_the_power_falls():
    effects = ScanEffects(surfaces=True, speckle=0.0, power_noise=0.02)
    for material, distance in (('matt', 8.0), ('black', 4.0), ('black', 6.0)):
        ranges, powers = look(scene([wall(material, distance)]), effects, count=4000)
        want = 0.02 * effects.threshold / powers[0]
        assert ranges.std() == pytest.approx(want, rel=0.06)
        assert ranges.mean() == pytest.approx(distance, abs=5 * want / np.sqrt(4000))


def test_materials_count_only_where_they_are_asked_for():
    atlas = scene([wall('mirror', 2.0)])
    (got,), _ = look(atlas, ScanEffects(divergence=1e-6))
    assert got == pytest.approx(2.0, abs=1e-4)


def test_beams_without_a_range_have_no_intensity():
    lidar = Lidar(LidarSpec(beams=360, dropout=0.3), scene(), 1, CALM)
    powers = np.empty((1, 360), np.float32)
    ranges = lidar.scan(np.array([[-9.97, 0.0, 0.0]]), HERE, intensities=powers)
    assert np.array_equal(np.isfinite(ranges), powers > 0.0)
    assert np.isposinf(ranges).any() and np.isneginf(ranges).any()


def test_intensities_need_effects():
    with pytest.raises(InputError, match='needs effects'):
        Lidar(spec(), scene()).scan(np.zeros((1, 3)), HERE,
                                    intensities=np.zeros((1, 3), np.float32))
