"""How far a command may be followed, and which contacts lie within it."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.safety.body import body_of
from synth_nodes.safety.braking import (
    allowed_scale,
    closing_ratio,
    contact_times,
    keeping,
    LEVEL_STEP,
    motion_of,
    paces,
    Sweep,
)
from synth_nodes.types import RobotSpec

ROBOT = RobotSpec()
BODY = body_of(ROBOT.footprint)
CORNER = float(np.hypot(0.21, 0.18))


@settings(deadline=None)
@given(st.floats(0.01, 5.0), st.floats(0.05, 1.0), st.floats(0.05, 3.0), st.floats(0.0, 2.0))
def test_allowed_part_uses_up_the_time_to_contact_exactly(contact, tau, brake, closing):
    s = float(allowed_scale(*(np.array([v]) for v in (contact, tau, brake, closing)))[0])
    used = s * tau + s * s * brake / 2 + closing * (tau + s * brake)
    assert 0.0 <= s <= 1.0
    if 0.0 < s < 1.0:
        assert used == pytest.approx(contact)
    assert s < 1.0 or used <= contact + 1e-9
    assert s > 0.0 or contact <= closing * tau + 1e-9


def test_what_is_never_met_allows_all_and_no_more():
    parts = allowed_scale(np.array([np.inf, 0.0, 99.0]), np.ones(3), np.ones(3), np.ones(3))
    assert parts.tolist() == [1.0, 0.0, 1.0]


def test_pace_and_braking_time_are_those_of_the_slowest_axis():
    twists = np.array([(0.8, 0.0, 0.0), (0.0, 0.0, 2.0), (0.3, -0.4, -1.0)])
    speed, brake = paces(twists, BODY, ROBOT, 1.0)
    assert speed == pytest.approx([0.8, 2 * CORNER, 0.5 + CORNER])
    assert brake == pytest.approx([0.8, 0.5, 0.5])
    assert paces(twists, BODY, ROBOT, 9.0)[1] == pytest.approx([0.8 / 1.5, 0.5, 0.5 / 1.5])
    sideways = replace(ROBOT, drive='omnidirectional', lateral_acceleration=0.2)
    assert paces(twists, BODY, sideways, 1.0)[1] == pytest.approx([0.8, 0.5, 2.0])
    assert paces(-twists, BODY, sideways, 1.0)[1] == pytest.approx([0.8, 0.5, 2.0])


def sweep(twist, levels, horizon, extra=0.0):
    return Sweep(motion_of(np.array(twist, float), BODY, ROBOT, 1.5), np.array(levels, float),
                 horizon, extra)


def test_each_point_is_met_at_its_own_level():
    points = np.array([(1.21, 0.0), (1.21, 0.0), (0.5, 0.25), (0.5, 0.25)])
    times, = contact_times(BODY, points, [sweep((0.5, 0, 0), (0.0, 0.1, 0.0, 0.1), 5.0)])
    assert times[:2] == pytest.approx([2.0, 1.8])
    assert np.isinf(times[2]) and times[3] == pytest.approx(0.38)


def test_contacts_beyond_the_horizon_are_left_out_only_where_they_are_far():
    ahead = np.array([(CORNER + 0.5 * 2.0 + d, 0.0) for d in (-0.01, 0.01, 0.09, 0.11)])
    times, = contact_times(BODY, ahead, [sweep((0.5, 0, 0), np.zeros(4), 2.0)])
    assert np.isfinite(times).tolist() == [True, False, False, False]
    times, = contact_times(BODY, ahead, [sweep((0.5, 0, 0), np.zeros(4), 2.0, 0.1)])
    assert np.isfinite(times).tolist() == [True, True, True, False]


def test_highest_level_says_how_far_is_far():
    ahead = np.array([(0.3, 0.0), (float(np.hypot(0.31, 0.28)) + 1.0 - 0.01, 0.0)])
    times, = contact_times(BODY, ahead, [sweep((0.5, 0, 0), (0.0, 0.1), 2.0)])
    assert np.isfinite(times).all()


def test_turning_sweeps_with_the_corners_not_the_middle():
    beside = np.array([(0.0, CORNER - 0.01), (0.0, CORNER + 0.01)])
    times, = contact_times(BODY, beside, [sweep((0, 0, 1.0), np.zeros(2), 2.0)])
    assert np.isfinite(times).tolist() == [True, False]
    driving, turning = contact_times(BODY, beside, [
        sweep((0.5, 0, 0), np.zeros(2), 2.0), sweep((0, 0, 1.0), np.zeros(2), 2.0)])
    assert np.isinf(driving).all() and turning[0] == times[0]


def test_many_points_are_met_when_each_alone_is():
    rng = np.random.default_rng(0)
    points = rng.uniform(-1.5, 1.5, (400, 2))
    levels = rng.uniform(0.0, 0.1, 400)
    for twist in ((0.5, 0, 0), (0.5, 0, 0.8), (0, 0, -1.0), (-0.2, 0.3, 0.4)):
        times, = contact_times(BODY, points, [sweep(twist, levels, 2.0)])
        for k in range(0, 400, 7):
            alone, = contact_times(BODY, points[k:k + 1], [sweep(twist, levels[k:k + 1], 2.0)])
            assert min(times[k], 2.0) == min(alone[0], 2.0)


def test_what_comes_nearer_is_weighed_by_the_speed_of_passing_it():
    twists = np.array([(0.5, 0.0, 0.0), (0.5, 0.2, 2.0), (0.0, 0.0, 0.0)])
    points = np.array([(1.0, 0.0), (0.4, -0.3), (1.0, 1.0)])
    ratio = closing_ratio(twists.T, *points.T, np.array((0.25, 1.0, 1e-6)))
    # At (0.4, -0.3) the second robot passes with (0.5 + 0.6, 0.2 + 0.8) m/s.
    assert ratio == pytest.approx([0.5, 1.0 / np.hypot(1.1, 1.0), 1.0])


def test_levels_kept_are_the_present_ones_where_those_are_lower_and_never_below_the_lowest():
    kept = keeping(0.05, np.array((0.2, 0.051, 0.04, -5.0)), BODY)
    assert kept == pytest.approx([0.05, 0.05, 0.04 - LEVEL_STEP, BODY.lowest])


def test_way_beyond_the_horizon_counts_only_where_it_is_asked_for():
    motion = motion_of(np.array((0.5, 0.0, 0.0)), BODY, ROBOT, 1.5)
    assert (motion.speed, motion.brake_time) == pytest.approx((0.5, 0.5 / 1.5))
    ahead = np.array([(CORNER + 0.5 * 2.0 + 0.3, 0.0)])
    assert np.isinf(contact_times(BODY, ahead, [Sweep(motion, np.zeros(1), 2.0)])[0]).all()


def test_farthest_corner_says_how_far_is_far():
    wedge = body_of((0.5, 0.0, -0.2, 0.3, -0.3, -0.1))
    motion = motion_of(np.array((0.5, 0.0, 0.0)), wedge, ROBOT, 1.5)
    ahead = np.array([(0.5 + 0.5 * 2.0 - 0.01, 0.0)])
    times, = contact_times(wedge, ahead, [Sweep(motion, np.zeros(1), 2.0)])
    assert times[0] == pytest.approx(1.98)


def test_sideways_speed_reaches_as_far_and_a_kept_level_yields_a_millimetre():
    beside = np.array([(0.0, CORNER + 0.5 * 2.0 - 0.01), (0.0, CORNER + 0.5 * 2.0 + 0.01)])
    times, = contact_times(BODY, beside, [sweep((0.0, 0.5, 0.0), np.zeros(2), 2.0)])
    assert np.isfinite(times).tolist() == [True, False]
    assert keeping(0.05, np.array((0.04,)), BODY) == pytest.approx([0.039])


def test_arc_that_ends_with_the_horizon_is_left_out_where_it_is_far():
    on_the_way = np.array([(2 * np.sin(a), 2 * (1 - np.cos(a))) for a in (0.5, 1.0)])
    times, = contact_times(BODY, on_the_way, [sweep((1.0, 0.0, 0.5), np.zeros(2), 1.0)])
    assert np.isfinite(times).tolist() == [True, False]
