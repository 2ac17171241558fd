"""Scans as sources: what counts as free, as an obstacle, as blind."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.sources import (
    age_problem,
    carried,
    points_from_scan,
    PointSource,
    refusal,
    RobotState,
    scan_source,
    Sent,
    shifted,
    usable_beams,
    widest_gap,
)
from synth_nodes.types import LidarSpec

RULES = SafetyRules().source
ANGLES = LidarSpec(beams=360).angles


def test_points_stand_in_base_frame():
    points, invalid = points_from_scan(np.array([2.0, 1.0]), np.array([0.0, np.pi / 2]), 0.1, 10.0,
                                       (0.1, 0.2, np.pi / 2))
    assert points == pytest.approx(np.array([[0.1, 2.2], [-0.9, 0.2]]))
    assert invalid == 0.0


@pytest.mark.parametrize('bad', [np.nan, -np.inf, 0.0, 0.04, -1.0])
def test_nan_minus_infinity_and_too_short_are_invalid_not_free(bad):
    ranges = np.array([1.0, bad, np.inf, 30.0])
    points, invalid = points_from_scan(ranges, np.zeros(4), 0.05, 12.0, (0, 0, 0))
    assert len(points) == 1
    assert invalid == 0.25


def test_scan_without_beams_is_all_invalid():
    assert points_from_scan(np.zeros(0), np.zeros(0), 0.0, 1.0, (0, 0, 0))[1] == 1.0


@pytest.mark.parametrize(('bad', 'valid'), [
    (slice(0, 0), True), (slice(None, None, 10), True), (slice(None, None, 4), False),
    (slice(0, 19), True), (slice(0, 25), False), (slice(0, 360), False)])
def test_source_is_invalid_where_too_many_beams_are(bad, valid):
    ranges = np.full(360, np.inf)
    ranges[bad] = np.nan
    source = scan_source(RULES, 'scan', ranges, ANGLES, 0.05, 12.0, (0, 0, 0), 0.0)
    assert source.valid == valid
    assert bool(source.reason) != valid


def test_blind_run_is_closed_over_the_seam_of_a_full_circle():
    usable = np.ones(360, bool)
    usable[:15] = usable[-15:] = False
    assert widest_gap(usable, ANGLES) == pytest.approx(np.radians(30), rel=0.01)
    half = np.linspace(-1.5, 1.5, 360)
    assert widest_gap(usable, half) == pytest.approx(15 * 3.0 / 359)


def test_scan_whose_angles_do_not_fit_is_invalid():
    source = scan_source(RULES, 'scan', np.ones(10), ANGLES, 0.05, 12.0, (0, 0, 0), 0.0)
    assert not source.valid and '10 ranges' in source.reason and len(source.points_base) == 0


@settings(max_examples=100)
@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=1,
                max_size=50), st.floats(0, 1), st.floats(1, 50))
def test_every_beam_is_a_point_free_or_invalid(ranges, low, high):
    r = np.array(ranges)
    points, invalid = points_from_scan(r, np.zeros(len(r)), low, high, (0, 0, 0))
    free = (usable_beams(r, low) & (r > high)).sum()
    assert len(points) + free + round(invalid * len(r)) == len(r)
    assert np.isfinite(points).all()


@settings(max_examples=100)
@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(-2, 2), st.floats(0, 0.5))
def test_shift_undoes_the_motion_of_the_robot(vx, vy, w, age):
    points, steps = np.array([[1.0, 0.5], [-0.3, 2.0]]), 2000
    x = y = yaw = 0.0
    dt = age / steps
    for _ in range(steps):
        mid = yaw + w * dt / 2
        x += (vx * np.cos(mid) - vy * np.sin(mid)) * dt
        y += (vx * np.sin(mid) + vy * np.cos(mid)) * dt
        yaw += w * dt
    c, s = np.cos(yaw), np.sin(yaw)
    want = (points - (x, y)) @ np.array([[c, -s], [s, c]])
    assert shifted(points, np.array([vx, vy, w]), age) == pytest.approx(want, abs=1e-6)


def test_state_carries_velocity_and_age():
    state = RobotState(np.zeros(3), 0.1)
    assert state.velocity.shape == (3,) and state.age == 0.1 and state.pending.shape == (0, 3)


def test_commands_stay_pending_until_replaced_a_reaction_time_ago():
    sent = Sent()
    assert sent.pending.shape == (0, 3)
    for k, v in enumerate((0.5, 0.5, 0.2, 0.2, 0.0)):
        sent = sent.after(0.1 * k, (v, 0.0, 0.0), 0.15)
    assert sent.pending[:, 0].tolist() == [0.2, 0.0]
    assert sent.after(0.6, (0.0, 0.0, 0.0), 0.15).pending[:, 0].tolist() == [0.0]


def test_command_sent_again_is_one_and_the_one_replaced_long_enough_ago_is_gone():
    sent = Sent().after(1.0, (0.5, 0.0, 0.0), 0.25).after(1.1, (0.5, 0.0, 0.0), 0.25)
    assert sent.commands == ((1.0, (0.5, 0.0, 0.0)),)
    sent = sent.after(2.0, (0.2, 0.1, 0.3), 0.25)
    assert sent.pending.tolist() == [[0.5, 0.0, 0.0], [0.2, 0.1, 0.3]]
    assert sent.after(2.25, (0.2, 0.1, 0.3), 0.25).pending.tolist() == [[0.2, 0.1, 0.3]]
    assert len(sent.after(2.24, (0.2, 0.1, 0.3), 0.25).pending) == 2


def test_range_of_just_the_bounds_is_a_point():
    points, invalid = points_from_scan(np.array([0.05, 12.0, 12.001, 0.0499]), np.zeros(4), 0.05,
                                       12.0, (0, 0, 0))
    assert points[:, 0].tolist() == [0.05, 12.0] and invalid == 0.25
    assert usable_beams(np.array([1e-6, 0.9e-6, -0.5]), -1.0).tolist() == [True, False, False]


def test_widest_gap_of_few_beams_of_none_and_of_all():
    two = np.array([0.0, 0.1])
    assert widest_gap(np.zeros(0, bool), two[:0]) == 2 * np.pi
    assert widest_gap(np.array([False]), two[:1]) == 2 * np.pi
    assert widest_gap(np.array([True]), two[:1]) == 0.0
    assert widest_gap(np.array([False, False]), two) == 2 * np.pi
    assert widest_gap(np.array([True, True]), two) == 0.0
    assert widest_gap(np.array([True, False]), two) == pytest.approx(0.1)
    assert widest_gap(np.array([True, False]), two[::-1]) == pytest.approx(0.1)


def test_widest_of_several_gaps_counts_and_ends_meet_only_in_a_full_circle():
    usable = np.ones(360, bool)
    usable[[5, 6, 7, 100, 101, 358, 359]] = False
    assert widest_gap(usable, ANGLES) == pytest.approx(3 * np.radians(1), rel=0.01)
    usable[:5] = False
    assert widest_gap(usable, ANGLES) == pytest.approx(10 * np.radians(1), rel=0.01)
    nearly = np.arange(358) * 2 * np.pi / 360 - np.pi
    assert widest_gap(usable[2:], nearly) == pytest.approx(6 * np.radians(1))


def scan(ranges, angles=ANGLES, **limits):
    return scan_source(replace(RULES, **limits), 'scan', ranges, angles, 0.05, 12.0, (0, 0, 0),
                       0.07)


def test_share_and_gap_of_just_the_limits_are_valid_and_more_is_not():
    ranges = np.full(8, 3.0)
    ranges[[1, 2, 5]] = np.nan
    angles = np.arange(8) / 8.0
    wide = {'max_invalid': 1.0, 'max_invalid_angle': 0.25}
    assert scan(ranges, angles, **wide).valid
    late = scan(ranges, angles, **{**wide, 'max_invalid_angle': 0.2})
    assert not late.valid and late.reason == 'it is blind over 0.25 rad, more than 0.20 rad'
    assert scan(ranges, angles, max_invalid=0.375, max_invalid_angle=1.0).valid
    many = scan(ranges, angles, max_invalid=0.3, max_invalid_angle=1.0)
    assert not many.valid and many.reason == '38% of its beams are invalid, more than 30%'
    assert (len(many.points_base), many.age, late.age, scan(ranges, angles).age) == (
        5, 0.07, 0.07, 0.07)


def test_scan_in_rows_is_no_scan():
    square = scan(np.ones((2, 2)), np.zeros((2, 2)))
    assert not square.valid and '4 ranges do not fit 4 angles' in square.reason


@pytest.mark.parametrize(('values', 'words'), [
    ({}, ''), ({'valid': False}, 'it is marked invalid'),
    ({'valid': False, 'reason': 'asleep'}, 'asleep'),
    ({'age': 9.0}, 'its data is 9.00 s old, more than 0.30 s'),
    ({'age': 9.0, 'timeout': 10.0}, ''),
    ({'age': 0.2, 'timeout': 0.1}, 'its data is 0.20 s old, more than 0.10 s'),
    ({'age': -0.5}, 'its data is stamped 0.50 s ahead of the clock'),
    ({'points_base': np.zeros(4)}, 'its points have shape (4,), not (N, 2)'),
    ({'points_base': np.zeros((4, 3))}, 'its points have shape (4, 3), not (N, 2)'),
    ({'points_base': np.array([[0.0, np.nan]])}, 'its points are not all finite'),
    ({'unseen_base': np.array([[0.0, np.inf]])}, 'its points are not all finite')])
def test_source_is_refused_with_the_reason(values, words):
    rules = replace(RULES, timeout=0.3, future_tolerance=0.1)
    source = PointSource(**{'name': 'scan', 'points_base': np.ones((1, 2)), 'age': 0.0,
                            'valid': True, **values})
    assert refusal(rules, source) == words


def test_age_of_just_the_bounds_will_do():
    rules = replace(RULES, timeout=0.25, future_tolerance=0.125)
    assert age_problem(rules, 0.25) == age_problem(rules, -0.125) == ''
    assert 'old' in age_problem(rules, 0.251) and 'ahead' in age_problem(rules, -0.126)
    assert 'old' in age_problem(rules, np.nan)


def test_many_robots_carry_their_points_as_each_alone_does():
    rng = np.random.default_rng(0)
    points, velocity, age = rng.uniform(-2, 2, (3, 4, 2)), rng.uniform(-1, 1, (3, 3)), \
        np.array([0.0, 0.2, 0.5])
    velocity[0] = 0.0
    x, y = carried(points[..., 0], points[..., 1], velocity.T[:, :, None], age[:, None])
    for k in range(3):
        assert np.stack((x[k], y[k]), axis=1) == pytest.approx(
            shifted(points[k], velocity[k], age[k]))


def test_unseen_space_matters_up_to_five_metres_unless_told_otherwise():
    half = LidarSpec(field_of_view=np.pi, beams=180)
    source = scan_source(RULES, 'scan', np.full(180, np.inf), half.angles, 0.05, 12.0, (0, 0, 0),
                         0.0, footprint=(0.2, 0.2, -0.2, 0.2, -0.2, -0.2, 0.2, -0.2))
    assert 4.8 < np.hypot(*source.unseen_base.T).max() < 5.0


@pytest.mark.parametrize(('first', 'last'), [(5, 10), (10, 5), (1, 12)])
def test_blind_run_over_the_seam_counts_whole_however_it_is_parted(first, last):
    usable = np.ones(360, bool)
    usable[:first] = usable[360 - last:] = False
    assert widest_gap(usable, ANGLES) == pytest.approx(np.radians(first + last), rel=0.01)
