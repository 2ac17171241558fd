"""Faults: each does what it says, and nothing is lost unless it is dropped."""

from dataclasses import fields, replace
from itertools import chain

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.sensors.fault_settings import FaultSettings
from synth_nodes.sensors.fault_values import (
    ACCEL_SCALE,
    image_channels,
    imu_channels,
    in_sector,
    odometry_channels,
    scan_channels,
)
from synth_nodes.sensors.faults import FaultLine, Reading, switched
from synth_nodes.types import LidarSpec

LIDAR = LidarSpec()
SCAN = scan_channels(LIDAR)
PERIOD = 50_000_000


def scan(k, distance=4.0):
    """Make the k-th scan; its first range tells which it is."""
    ranges = np.full(LIDAR.beams, distance, np.float32)
    ranges[0] = 1.0 + 0.001 * k
    return Reading(k * PERIOD, 'laser', {'ranges': ranges})


def run(line, count=40, first=0):
    """Send scans through a line; return what left at each step."""
    return [line.take(scan(k), k * PERIOD) for k in range(first, first + count)]


def numbers(readings):
    return [round((float(r.arrays['ranges'][0]) - 1.0) * 1000) for r in readings]


def sent(settings, count=40, seed=1):
    line = FaultLine(SCAN, settings, seed)
    return numbers(r for step in run(line, count) for r in step) + numbers(line.flush())


def spoiled(settings, arrays, channels, seed=0):
    line = FaultLine(channels, settings, seed)
    [out] = line.take(Reading(5, 'somewhere', arrays), 5)
    return out.arrays


def ranges_after(ranges, **settings):
    return spoiled(FaultSettings(**settings), {'ranges': np.asarray(ranges, np.float32)},
                   SCAN)['ranges']


def test_all_faults_are_off_by_default_and_readings_pass_as_they_are():
    assert FaultSettings().active == {} and not FaultSettings().values
    line, reading = FaultLine(SCAN), scan(3)
    assert line.take(reading, reading.stamp)[0] is reading


def test_freeze_repeats_the_values_with_fresh_stamps_until_switched_off():
    line = FaultLine(SCAN)
    run(line, 2)
    line.switch(FaultSettings(freeze=True))
    frozen = [r for step in run(line, 4, first=2) for r in step]
    assert numbers(frozen) == [2] * 4
    assert [r.stamp for r in frozen] == [k * PERIOD for k in range(2, 6)]
    line.switch(FaultSettings())
    assert numbers(line.take(scan(6), 6 * PERIOD)) == [6]
    line.switch(FaultSettings(freeze=True))
    assert numbers(line.take(scan(7), 7 * PERIOD)) == [7]


def test_frozen_values_do_not_follow_the_memory_of_the_sensor():
    line = FaultLine(SCAN, FaultSettings(freeze=True))
    reading = scan(0)
    line.take(reading, 0)
    reading.arrays['ranges'][:] = 9.0
    assert numbers(line.take(reading, PERIOD)) == [0]


def test_frozen_stamp_stays_while_values_go_on():
    line = FaultLine(SCAN, FaultSettings(freeze_stamp=True))
    out = [r for step in run(line, 3) for r in step]
    assert numbers(out) == [0, 1, 2] and [r.stamp for r in out] == [0] * 3


def test_future_stamp_and_wrong_frame():
    line = FaultLine(SCAN, FaultSettings(future_stamp=0.4, wrong_frame='banana'))
    [out] = line.take(scan(2), 2 * PERIOD)
    assert out.stamp == 2 * PERIOD + 400_000_000 and out.frame_id == 'banana'


def test_delay_holds_until_the_time_has_passed_not_earlier():
    line = FaultLine(SCAN, FaultSettings(delay=0.12))
    assert line.take(scan(0), 0) == []
    assert line.release(119_999_999) == [] and line.held == 1
    assert numbers(line.release(120_000_000)) == [0] and not line.held


def test_shorter_delay_lets_what_is_held_go_in_order():
    line = FaultLine(SCAN, FaultSettings(delay=5.0))
    run(line, 5)
    line.switch(FaultSettings())
    assert numbers(line.take(scan(5), 5 * PERIOD)) == [0, 1, 2, 3, 4, 5]


def test_held_readings_leave_when_time_goes_back():
    line = FaultLine(SCAN, FaultSettings(delay=1.0))
    line.take(scan(100), 100 * PERIOD)
    assert numbers(line.release(0)) == [100]


def test_jitter_varies_the_delay_within_its_bounds_and_keeps_the_order():
    line = FaultLine(SCAN, FaultSettings(delay=0.02, jitter=0.03), seed=3)
    waits, order = [], []
    for k in range(60):
        leaving = line.take(scan(k), k * PERIOD)
        for now in range(k * PERIOD, (k + 1) * PERIOD, 1_000_000):
            for out in leaving + line.release(now):
                waits.append(now - out.stamp)
                order += numbers([out])
            leaving = []
    order += numbers(line.flush())
    assert order == list(range(60))
    assert min(waits) >= 20_000_000 and max(waits) <= 51_000_000
    assert np.std(waits) > 5e6


def test_drop_loses_about_its_share_and_counts_it():
    line = FaultLine(SCAN, FaultSettings(drop=0.3), seed=5)
    left = sum(len(step) for step in run(line, 1000))
    assert 620 < left < 780 and line.counts['dropped'] == 1000 - left


def test_duplicates_are_the_same_message_twice():
    line = FaultLine(SCAN, FaultSettings(duplicate=1.0))
    first, second = line.take(scan(4), 4 * PERIOD)
    assert first is second and line.counts['duplicated'] == 1


def test_out_of_order_lets_the_next_one_overtake():
    assert sent(FaultSettings(out_of_order=1.0), 6) == [1, 0, 3, 2, 5, 4]
    assert sent(FaultSettings(out_of_order=0.3), 40) != list(range(40))


def test_overtaken_reading_leaves_when_the_fault_is_switched_off():
    line = FaultLine(SCAN, FaultSettings(out_of_order=1.0))
    assert line.take(scan(0), 0) == [] and line.held == 1
    line.switch(FaultSettings())
    assert numbers(line.release(PERIOD)) == [0]


chances = st.floats(0.0, 1.0)
times = st.floats(0.0, 2.0)


@given(duplicate=chances, out_of_order=chances, delay=times, jitter=times,
       freeze_stamp=st.booleans(), future_stamp=times, seed=st.integers(0, 2**31 - 1),
       end=st.integers(0, 30))
def test_nothing_is_lost_without_drop(duplicate, out_of_order, delay, jitter, freeze_stamp,
                                      future_stamp, seed, end):
    line = FaultLine(SCAN, FaultSettings(
        duplicate=duplicate, out_of_order=out_of_order, delay=delay, jitter=jitter,
        freeze_stamp=freeze_stamp, future_stamp=future_stamp), seed)
    out = [r for step in run(line, end) for r in step]
    line.switch(FaultSettings())
    out += [r for step in run(line, 30 - end, first=end) for r in step] + line.flush()
    seen = numbers(out)
    assert set(seen) == set(range(30)) and not line.held
    assert len(seen) == 30 + line.counts['duplicated']


@given(seed=st.integers(0, 2**31 - 1), drop=chances, jitter=times, rain=chances)
def test_same_seed_gives_the_same_faults(seed, drop, jitter, rain):
    settings = FaultSettings(drop=drop, jitter=jitter, false_returns=rain, duplicate=0.3)
    first, second = (run(FaultLine(SCAN, settings, seed)) for _ in range(2))
    assert [len(step) for step in first] == [len(step) for step in second]
    for a, b in zip(chain(*first), chain(*second), strict=True):
        assert a.stamp == b.stamp
        np.testing.assert_array_equal(a.arrays['ranges'], b.arrays['ranges'])


def test_one_fault_does_not_change_what_another_draws():
    alone = sent(FaultSettings(drop=0.4))
    both = sent(FaultSettings(drop=0.4, duplicate=0.5))
    assert sorted(set(both)) == alone


def test_bias_shifts_ranges_and_what_leaves_the_scale_reads_as_rep_117_has_it():
    out = ranges_after([3.0, np.inf, -np.inf, np.nan, 0.1, 11.9], bias=0.3)
    np.testing.assert_allclose(out, [3.3, np.inf, -np.inf, np.nan, 0.4, np.inf], rtol=1e-6)
    assert ranges_after([3.0, 0.1], bias=-0.2).tolist() == pytest.approx([2.8, -np.inf])


@given(centre=st.floats(-3.2, 3.2), width=st.floats(0.05, 6.3))
def test_blind_sector_hides_the_beams_in_it_and_no_others(centre, width):
    out = ranges_after(np.full(360, 4.0), blind_centre=centre, blind_width=width)
    away = np.abs(np.angle(np.exp(1j * (LIDAR.angles - centre))))
    assert np.isnan(out[away < width / 2 - 1e-6]).all()
    assert (out[away > width / 2 + 1e-6] == 4.0).all()


@pytest.mark.parametrize(('word', 'value'), [('inf', np.inf), ('zero', 0.0), ('nan', np.nan)])
def test_blind_sector_reads_what_it_is_told_to(word, value):
    out = ranges_after(np.full(360, 4.0), blind_width=6.3, blind_reads=word)
    np.testing.assert_array_equal(out, value)


def test_all_max_and_all_nan():
    assert (ranges_after(np.full(360, 4.0), all_max=True) == LIDAR.range_max).all()
    assert np.isnan(ranges_after(np.full(360, 4.0), all_nan=True)).all()
    # The later stage hides the earlier one.
    assert np.isnan(ranges_after(np.full(360, 4.0), all_nan=True, all_max=True, bias=1.0)).all()


@given(share=chances, seed=st.integers(0, 2**31 - 1), far=st.sampled_from([0.5, 4.0, np.inf]))
def test_false_returns_are_never_farther_than_the_truth(share, seed, far):
    truth = np.full(360, far, np.float32)
    out = spoiled(FaultSettings(false_returns=share), {'ranges': truth}, SCAN, seed)['ranges']
    changed = out != truth
    assert (out[changed] >= LIDAR.range_min).all() and (out[changed] <= min(far, 12.0)).all()
    assert abs(changed.mean() - share) < 0.2


def test_given_arrays_are_never_written_to():
    for field in fields(FaultSettings):
        value = {'bool': True, 'float': 0.5}.get(field.type.__name__)
        if value is None:
            continue
        reading = scan(1)
        before = reading.arrays['ranges'].copy()
        FaultLine(SCAN, switched(FaultSettings(), field.name, value)).take(reading, 0)
        np.testing.assert_array_equal(reading.arrays['ranges'], before)


def test_imu_faults():
    arrays = {'angular_velocity': np.array((0.0, 0.0, 0.5)), 'yaw': np.array([0.2]),
              'linear_acceleration': np.array((0.3, 0.4, 9.81)), 'variances': np.ones(3)}
    channels = imu_channels()
    out = spoiled(FaultSettings(bias=0.1), arrays, channels)
    assert out['angular_velocity'] == pytest.approx([0.1, 0.1, 0.6])
    assert out['linear_acceleration'] == pytest.approx([0.4, 0.5, 9.91])
    assert out['yaw'] == pytest.approx([0.2]) and out['variances'] == pytest.approx([1, 1, 1])
    out = spoiled(FaultSettings(all_max=True), arrays, channels)
    assert (out['linear_acceleration'] == ACCEL_SCALE).all()
    out = spoiled(FaultSettings(all_nan=True), arrays, channels)
    assert np.isnan(out['yaw']).all() and np.isnan(out['angular_velocity']).all()
    out = spoiled(FaultSettings(blind_width=0.2, blind_reads='zero'), arrays, channels)
    assert out['linear_acceleration'] == pytest.approx([0.0, 0.4, 9.81])
    out = spoiled(FaultSettings(bias=100.0), arrays, channels)
    assert (out['angular_velocity'] == 35.0).all()


def test_odometry_faults():
    arrays = {'pose': np.array((1.0, 2.0, 0.5)), 'velocity': np.array((0.4, 0.0, 0.1))}
    out = spoiled(FaultSettings(bias=0.1), arrays, odometry_channels())
    assert out['velocity'] == pytest.approx([0.5, 0.1, 0.2])
    assert out['pose'] == pytest.approx([1.0, 2.0, 0.5])
    out = spoiled(FaultSettings(all_nan=True), arrays, odometry_channels())
    assert np.isnan(out['pose']).all() and np.isnan(out['velocity']).all()
    out = spoiled(FaultSettings(all_max=True), arrays, odometry_channels())
    assert out['pose'].tolist() == [1000.0, 1000.0, np.pi]
    out = spoiled(FaultSettings(false_returns=1.0), arrays, odometry_channels())
    assert np.abs(out['velocity']).max() <= 10.0 and out['velocity'][0] != 0.4


def test_image_faults():
    camera = CameraSpec(width=40, height=30)
    channels = image_channels(camera)
    arrays = {'rgb': np.full((30, 40, 3), 100, np.uint8),
              'depth': np.full((30, 40), 2.0, np.float32),
              'label': np.full((30, 40), 2, np.uint8)}
    out = spoiled(FaultSettings(bias=0.1), arrays, channels)
    assert (out['rgb'] == 126).all() and out['depth'] == pytest.approx(np.full((30, 40), 2.1))
    assert (out['label'] == 2).all() and out['rgb'].dtype == np.uint8
    assert (spoiled(FaultSettings(bias=1.0), arrays, channels)['rgb'] == 255).all()
    out = spoiled(FaultSettings(all_nan=True), arrays, channels)
    assert not out['rgb'].any() and np.isnan(out['depth']).all()
    out = spoiled(FaultSettings(all_max=True), arrays, channels)
    assert (out['rgb'] == 255).all() and (out['depth'] == 12.0).all()
    out = spoiled(FaultSettings(false_returns=0.5), arrays, channels)
    assert 0.4 < (out['depth'] != 2.0).mean() < 0.6 and (out['depth'] <= 2.0).all()
    whole = (out['rgb'] != 100).all(axis=-1).mean()
    assert 0.4 < whole < 0.6


def test_blind_sector_to_the_left_hides_the_left_columns_of_an_image():
    camera = CameraSpec(width=40, height=30)
    arrays = {'depth': np.full((30, 40), 2.0, np.float32)}
    out = spoiled(FaultSettings(blind_centre=0.6, blind_width=0.6), arrays,
                  image_channels(camera))['depth']
    assert np.isnan(out[:, :5]).all() and (out[:, 20:] == 2.0).all()


def test_sector_closes_behind():
    assert in_sector(np.array([3.1, -3.1, 0.0, np.nan]), 3.14, 0.3).tolist() == [
        True, True, False, False]


def test_active_faults_are_named():
    settings = FaultSettings(freeze=True, delay=0.2, blind_centre=1.0)
    assert settings.active == {'freeze': True, 'delay': 0.2}
    assert replace(settings, freeze=False) == switched(settings, 'freeze', False)
