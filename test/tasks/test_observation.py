from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.tasks.observation import ObservationBuilder, ObservationSpec, SectorPooling
from synth_nodes.types import LidarSpec

SPEC = ObservationSpec()
LIDAR = LidarSpec()


def sector_at(bearing, spec=SPEC):
    return int(np.abs(np.angle(np.exp(1j * (spec.bearings - bearing)))).argmin())


def test_bearings_rise_from_straight_behind():
    assert SPEC.bearings[0] == pytest.approx(-np.pi + np.pi / 72)
    assert (np.diff(SPEC.bearings) > 0).all()


def test_nearest_beam_of_a_sector_counts():
    ranges = np.full(360, 5.0)
    ranges[np.abs(LIDAR.angles - np.pi / 2 - 0.02).argmin()] = 1.5
    pooled = SectorPooling(SPEC, LIDAR)(ranges)[0]
    assert pooled[sector_at(np.pi / 2 + 0.02)] == pytest.approx(1.5)
    assert (pooled == 5.0).sum() == 71


def test_special_ranges_read_as_rep_117_says():
    ranges = np.full(360, np.inf)
    ranges[:5] = np.nan
    ranges[5] = np.nan
    ranges[10] = -np.inf
    pooled = SectorPooling(SPEC, LIDAR)(ranges)[0]
    assert pooled[0] == 0.0, 'nothing but invalid beams: the cautious value'
    assert pooled[1] == SPEC.range_max, 'one invalid beam among empty ones is left out'
    assert pooled[2] == 0.0, 'too near'
    assert (pooled[3:] == SPEC.range_max).all()


@pytest.mark.parametrize('beams', [36, 181, 720])
def test_every_sector_is_covered_by_a_full_circle(beams):
    pooling = SectorPooling(SPEC, LidarSpec(beams=beams))
    assert pooling.covered.all()
    assert (pooling(np.full(beams, 2.0)) == 2.0).all()


def test_sectors_outside_the_field_of_view_read_empty():
    pooling = SectorPooling(SPEC, LidarSpec(beams=181, field_of_view=np.pi))
    pooled = pooling(np.full(181, 2.0))[0]
    assert pooled[sector_at(0.0)] == 2.0
    assert pooled[sector_at(np.pi - 0.1)] == SPEC.range_max
    assert 35 <= pooling.covered.sum() <= 38


@settings(max_examples=60)
@given(st.floats(-0.2, 0.2), st.floats(-0.2, 0.2), st.floats(-np.pi, np.pi),
       st.floats(-np.pi, np.pi), st.floats(0.8, 5.0))
def test_mounted_lidar_sees_a_wall_where_base_link_has_it(x, y, yaw, direction, distance):
    # A wall whose foot point, seen from base_link, is at this direction and distance.
    lidar = replace(LIDAR, mount=(x, y, yaw))
    normal = np.array([np.cos(direction), np.sin(direction)])
    along = np.cos(lidar.angles + yaw - direction)
    gap = distance - normal @ (x, y)
    with np.errstate(divide='ignore'):
        ranges = np.where(along > 1e-6, gap / np.maximum(along, 1e-6), np.inf)
    pooled = SectorPooling(SPEC, lidar)(ranges)[0]
    assert pooled.min() == pytest.approx(min(distance, SPEC.range_max), abs=0.02)
    facing = np.cos(SPEC.bearings - direction)
    truth = np.where(facing > 0.3, distance / np.maximum(facing, 1e-6), np.nan)
    near = (truth < 6.0)
    assert np.abs(pooled[near] / truth[near] - 1.0).max() < 0.35


def test_wrong_number_of_beams_names_both_numbers():
    with pytest.raises(InputError, match=r'180 beams, but lidar\.beams = 360'):
        ObservationBuilder(SPEC, LIDAR).push(np.ones(180), 0.0)


def test_history_holds_scans_a_period_apart_newest_first():
    builder = ObservationBuilder(SPEC, LIDAR)
    for k in range(20):
        builder.push(np.full(360, 1.0 + 0.1 * k), 0.05 * k)
    scan = builder.build(np.zeros((1, 3)), np.zeros((1, 3)))['scan'][0]
    assert np.allclose(scan[:, 0], [2.9, 2.5, 2.1])


def test_first_scan_fills_the_history():
    builder = ObservationBuilder(SPEC, LIDAR, batch=2)
    assert not builder.ready
    builder.push(np.full((2, 360), 3.0), 0.0)
    assert builder.ready
    builder.push(np.full((2, 360), 4.0), 0.2)
    builder.reset([1])
    assert not builder.ready
    builder.push(np.full((2, 360), 5.0), 0.4)
    scan = builder.build(np.zeros((2, 3)), np.zeros((2, 3)))['scan']
    assert np.allclose(scan[0, :, 0], [5.0, 4.0, 3.0])
    assert np.allclose(scan[1, :, 0], 5.0)


def test_clock_that_jumps_back_starts_the_history_anew():
    builder = ObservationBuilder(SPEC, LIDAR)
    builder.push(np.full(360, 1.0), 100.0)
    builder.push(np.full(360, 2.0), 1.0)
    assert (builder.build(np.zeros((1, 3)), np.zeros((1, 3)))['scan'] == 2.0).all()


def test_observation_is_float32_and_clips_the_distance_left():
    builder = ObservationBuilder(SPEC, LIDAR, batch=2)
    with pytest.raises(RuntimeError):
        builder.build(np.zeros((2, 3)), np.zeros((2, 3)))
    builder.push(np.ones((2, 360)), 0.0)
    seen = builder.build([[1.0, 0.5, 30.0], [1.0, 0.0, 0.5]], np.zeros((2, 3)))
    assert {k: v.shape for k, v in seen.items()} == {
        'scan': (2, 3, 72), 'goal': (2, 3), 'velocity': (2, 3)}
    assert all(v.dtype == np.float32 for v in seen.values())
    assert seen['goal'][:, 2].tolist() == [3.0, 0.5]
