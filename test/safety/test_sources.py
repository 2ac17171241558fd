"""Scans as sources: what counts as free, as an obstacle, as blind."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.sources import (
    points_from_scan,
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
    assert not source.valid and '10 ranges' in source.reason


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
    assert state.velocity.shape == (3,) and state.age == 0.1


def test_commands_stay_pending_until_replaced_a_reaction_time_ago():
    sent = Sent()
    assert sent.pending.shape == (0, 3)
    for k, v in enumerate((0.5, 0.5, 0.2, 0.2, 0.0)):
        sent = sent.after(0.1 * k, (v, 0.0, 0.0), 0.15)
    assert sent.pending[:, 0].tolist() == [0.2, 0.0]
    assert sent.after(0.6, (0.0, 0.0, 0.0), 0.15).pending[:, 0].tolist() == [0.0]
