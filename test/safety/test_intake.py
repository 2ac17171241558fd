"""Sensors of every kind, and what makes their data unusable."""

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.safety.intake import Header, Intake, thinned
from synth_nodes.safety.mounts import mount_of
from synth_nodes.safety.nav2_zones import Mask
from synth_nodes.safety.rules import SourceRules
from synth_nodes.safety.zone_settings import SourceSettings

ANGLES = np.linspace(-np.pi, np.pi, 360, endpoint=False)
BOX = np.array(((0.5, 0.5), (-0.5, 0.5), (-0.5, -0.5), (0.5, -0.5)))


def intake(kind='scan', pose=(0.0,) * 6, masks=(), rules=SourceRules(), **values):  # noqa: B008
    return Intake('eye', SourceSettings(kind=kind, **values), rules, mount_of(pose), masks)


def scan(eye, ranges=2.0, stamp=1.0, **header):
    ranges = np.broadcast_to(np.asarray(ranges, np.float32), (360,)).copy()
    eye.take_scan(ranges, ANGLES, 0.05, 12.0, Header(stamp, **header))
    return eye.source(stamp)


def test_before_any_data_a_source_is_refused():
    source = intake().source(5.0)
    assert not source.valid and source.age == np.inf and 'no data' in source.reason


def test_scanner_upside_down_sees_left_and_right_the_right_way_round():
    ranges = np.full(360, np.inf)
    ranges[180 + 45] = 1.0
    for pose, y in (((0.0,) * 6, 0.707), ((0.0, 0.0, 0.2, np.pi, 0.0, 0.0), -0.707)):
        points = scan(intake(pose=pose), ranges).points_base
        assert points == pytest.approx(np.array([(0.707, y)]), abs=1e-3)


@pytest.mark.parametrize('sector', [(0.1,), (0.5, -0.5), (0.0, 1.0, 2.0)])
def test_sector_that_is_none_is_refused(sector):
    with pytest.raises(InputError, match="source 'eye': 'sector'"):
        intake('pointcloud', sector=sector)


def test_tilted_scanner_is_refused_with_the_tilt():
    source = scan(intake(pose=(0, 0, 0, 0, 0.3, 0)))
    assert not source.valid and '0.30 rad' in source.reason


def test_age_counts_from_the_stamp_and_the_own_timeout_goes_along():
    eye = intake(timeout=0.7)
    scan(eye, stamp=1.0)
    assert eye.source(1.2).age == pytest.approx(0.2) and eye.source(1.2).timeout == 0.7


@pytest.mark.parametrize(('frame', 'first', 'then', 'valid'), [
    ('laser', 'laser', 'laser', True), ('laser', 'laser', 'camera', False),
    ('', 'laser', 'laser', True), ('', 'laser', 'camera', False), ('', '', 'laser', True)])
def test_frame_is_the_configured_one_or_stays_that_of_the_first_message(frame, first, then,
                                                                       valid):
    eye = intake(frame=frame)
    assert scan(eye, stamp=1.0, frame=first).valid
    source = scan(eye, stamp=1.1, frame=then)
    assert source.valid == valid
    assert valid or source.reason == "its frame is 'camera', not 'laser'"


def test_wrong_frame_from_the_start_is_refused_where_one_is_configured():
    assert "not 'laser'" in scan(intake(frame='laser'), frame='base_scan').reason


def test_sensor_without_a_pose_is_refused():
    eye = Intake('eye', SourceSettings(), SourceRules())
    assert 'pose in base_link is not known' in scan(eye).reason


def test_exclusions_hide_points_of_their_height():
    cart = Mask('cart', BOX, low=0.1, high=0.4)
    low, high = (intake('pointcloud', masks=[cart], min_height=-1.0), np.array(
        ((0.2, 0.2, 0.3), (0.2, 0.2, 0.5), (0.8, 0.0, 0.3), (0.2, 0.2, 0.0))))
    low.take_cloud(high, Header(1.0))
    assert sorted(map(tuple, low.source(1.0).points_base.round(3))) == [(0.2, 0.2), (0.8, 0.0)]
    mast = [Mask('mast', None, 0.6)]
    assert len(scan(intake(masks=mast), 0.5).points_base) == 0
    assert len(scan(intake(masks=mast), 0.7).points_base) == 360
    # A scan lies in the plane of its sensor.
    assert len(scan(intake(pose=(0, 0, 0.3, 0, 0, 0), masks=[cart]), 0.4).points_base) == 0
    assert len(scan(intake(pose=(0, 0, 0.5, 0, 0, 0), masks=[cart]), 0.4).points_base) == 360


def test_cloud_is_cut_to_its_band_and_range_and_placed_by_its_mount():
    eye = intake('pointcloud', (0.2, 0.0, 0.3, -np.pi / 2, 0.0, -np.pi / 2), max_range=3.0)
    eye.take_cloud(np.array(((0.0, 0.0, 1.0), (0.0, 0.28, 1.0), (0.0, -2.0, 1.0),
                             (0.0, 0.0, 2.9), (np.nan, 0.0, 1.0)), np.float32), Header(1.0))
    # Ahead in the band; on the floor; above; beyond; not measured.
    assert eye.source(1.0).points_base == pytest.approx(np.array([(1.2, 0.0)]), abs=1e-6)


def test_cloud_without_a_finite_point_is_blind_and_an_empty_one_is_not():
    eye = intake('pointcloud')
    eye.take_cloud(np.full((9, 3), np.nan, np.float32), Header(1.0))
    assert 'finite' in eye.source(1.0).reason
    eye.take_cloud(np.zeros((0, 3), np.float32), Header(1.0))
    assert eye.source(1.0).valid


@given(hnp.arrays(np.float64, st.tuples(st.integers(0, 60), st.just(2)),
                  elements=st.floats(-5, 5)), st.floats(0.01, 0.5))
def test_thinning_keeps_a_point_near_every_point(points, cell):
    kept = thinned(points, cell)
    assert len(np.unique(np.floor(kept / cell), axis=0)) == len(kept)
    for point in points:
        assert np.hypot(*(kept - point).T).min() <= cell * np.sqrt(2) + 1e-9
    assert {tuple(p) for p in kept} <= {tuple(p) for p in points}


@pytest.mark.parametrize(('distance', 'points', 'valid'), [
    (1.0, 26, True), (np.inf, 0, True), (4.5, 0, True), (np.nan, 0, False), (0.01, 0, False),
    (-np.inf, 0, False)])
def test_range_is_an_arc_or_nothing_or_unusable(distance, points, valid):
    eye = intake('range', (0.1, 0.0, 0.2, 0.0, 0.0, 0.0))
    eye.take_range(distance, 0.5, 0.02, 4.0, Header(1.0))
    source = eye.source(1.0)
    assert (len(source.points_base), source.valid) == (points, valid)
    if points:
        away = source.points_base - (0.1, 0.0)
        assert np.hypot(*away.T) == pytest.approx(1.0, abs=1e-6)
        assert np.abs(np.arctan2(away[:, 1], away[:, 0])).max() == pytest.approx(0.25, abs=1e-6)
        assert np.hypot(*np.diff(away, axis=0).T).max() <= 0.0201


def test_border_of_a_polygon_is_solid():
    eye = intake('polygon')
    eye.take_polygon(BOX + np.array((2.0, 0.0)), Header(1.0))
    points = eye.source(1.0).points_base
    assert np.abs(np.abs(points - (2.0, 0.0)).max(axis=1) - 0.5).max() < 1e-6
    assert len(points) == 4 * 51
    eye.take_polygon(BOX * np.nan, Header(1.1))
    assert 'not all finite' in eye.source(1.1).reason
    eye.take_polygon(np.zeros((0, 2)), Header(1.2))
    assert eye.source(1.2).valid and len(eye.source(1.2).points_base) == 0


def repeat(eye, count, travel, ranges=2.0, step=0.05):
    """Feed a scan again and again while the robot covers a way; the newest source."""
    for k in range(count):
        source = scan(eye, ranges, 1.0 + step * k, travel=travel * k / max(count - 1, 1))
    return source


@pytest.mark.parametrize(('count', 'travel', 'ranges', 'valid'), [
    (5, 0.05, 2.0, False), (4, 9.0, 2.0, True), (50, 0.04, 2.0, True), (50, 9.0, np.inf, True)])
def test_frozen_scan_of_a_moving_robot_is_refused_and_a_still_one_is_not(count, travel, ranges,
                                                                        valid):
    source = repeat(intake(rules=SourceRules(empty='free')), count, travel, ranges)
    assert source.valid == valid
    assert valid or 'it is frozen: 5 times the same to the bit' in source.reason


def test_frozen_scan_thaws_with_the_first_that_differs_and_the_test_can_be_switched_off():
    eye = intake()
    assert not repeat(eye, 9, 1.0).valid
    assert scan(eye, 2.01, 3.0, travel=1.1).valid
    assert repeat(intake(rules=SourceRules(frozen_scans=0)), 9, 1.0).valid


def test_message_that_comes_twice_is_no_frozen_sensor():
    eye = intake()
    for _ in range(20):
        source = scan(eye, 2.0, 1.0, travel=1.0)
    assert source.valid


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2 ** 31 - 1), st.integers(1, 40))
def test_noisy_scans_are_never_frozen(seed, count):
    rng, eye = np.random.default_rng(seed), intake()
    for k in range(count):
        source = scan(eye, 2.0 + rng.normal(0, 0.01, 360), 1.0 + 0.05 * k, travel=0.1 * k)
    assert source.valid
