import dataclasses

import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.sensors.lidar import cast, Lidar
from synth_nodes.types import GridMap, LidarSpec
from synth_nodes.world.atlas import MapAtlas

IDEAL = LidarSpec(noise_std=0.0, noise_slope=0.0, dropout=0.0)


@pytest.fixture(scope='module')
def hall():
    return MapAtlas.build([GridMap(np.zeros((100, 100), np.int8), 0.1)])


def scans(atlas, spec, pose=(5.0, 5.0, 0.3), count=200, seed=3):
    lidar = Lidar(spec, atlas, seed)
    return lidar.scan(np.tile(pose, (count, 1)), np.zeros(count, int))


def test_without_noise_a_scan_is_the_ideal_cast(hall):
    got = scans(hall, IDEAL, count=1)
    want = cast(hall, np.zeros(1, int), np.array([[5.0, 5.0, 0.3]]), IDEAL.angles, 12.0)
    assert np.array_equal(got, want)


def test_a_scan_tells_its_ranges_before_noise_too(hall):
    spec = dataclasses.replace(IDEAL, noise_std=0.01, mount=(0.1, -0.2, 0.4))
    poses, ideal = np.tile((5.0, 5.0, 0.3), (4, 1)), np.empty((4, 360), np.float32)
    noisy = Lidar(spec, hall, 3).scan(poses, np.zeros(4, int), ideal=ideal)
    assert np.array_equal(ideal, Lidar(dataclasses.replace(spec, noise_std=0.0), hall).scan(
        poses, np.zeros(4, int)))
    assert np.array_equal(noisy, Lidar(spec, hall, 3).scan(poses, np.zeros(4, int)))
    with pytest.raises(InputError, match='ideal'):
        Lidar(spec, hall).scan(poses, np.zeros(4, int), ideal=ideal[:2])


def test_noise_has_the_stated_spread_at_every_range(hall):
    spec = dataclasses.replace(IDEAL, noise_std=0.01, noise_slope=0.004)
    ideal = scans(hall, IDEAL, count=1)[0]
    error = scans(hall, spec, count=3000) - ideal
    assert error.std(axis=0) / (0.01 + 0.004 * ideal) == pytest.approx(
        np.ones(360), abs=6 / np.sqrt(2 * 3000))
    assert abs(error.mean()) < 1e-4


def test_dropouts_come_at_the_stated_rate_as_no_return(hall):
    got = scans(hall, dataclasses.replace(IDEAL, dropout=0.1))
    assert np.isposinf(got).mean() == pytest.approx(0.1, abs=5 * np.sqrt(0.09 / got.size))


def test_what_is_too_near_or_too_far_reads_as_rep_117_says(hall):
    spec = dataclasses.replace(IDEAL, range_min=1.0, range_max=6.0)
    got = scans(hall, spec, (0.5, 5.0, 0.0), 1)[0]
    angles = spec.angles
    assert np.isneginf(got[0])
    assert np.isposinf(got[np.argmin(abs(angles))])
    assert np.isfinite(got[np.argmin(abs(angles - np.pi / 2))])


def test_mount_moves_and_turns_the_sensor(hall):
    spec = dataclasses.replace(
        IDEAL, mount=(0.2, 0.1, np.pi / 2), beams=2, field_of_view=0.02, range_max=20.0)
    got = scans(hall, spec, (5.0, 5.0, np.pi), 1)[0]
    # The laser stands at (4.8, 4.9) and looks along -y.
    assert got == pytest.approx([4.9, 4.9], abs=1e-3)


def test_same_seed_gives_the_same_scans_and_another_does_not(hall):
    spec = LidarSpec()
    assert np.array_equal(scans(hall, spec), scans(hall, spec))
    assert not np.array_equal(scans(hall, spec), scans(hall, spec, seed=4))


def test_actors_appear_in_scans(hall):
    lidar = Lidar(IDEAL, hall)
    actor = np.array([[[7.0, 5.0, 0.0, 0.0, 0.5]]])
    got = lidar.scan(np.array([[5.0, 5.0, 0.0]]), np.zeros(1, int), actor)[0]
    assert got[np.argmin(abs(IDEAL.angles))] == pytest.approx(1.5)


def test_impossible_lidars_are_refused(hall):
    with pytest.raises(InputError, match='mount'):
        Lidar(dataclasses.replace(IDEAL, mount=(0.0, 0.0)), hall)
    with pytest.raises(InputError, match='range_min'):
        Lidar(dataclasses.replace(IDEAL, range_min=3.0, range_max=2.0), hall)
