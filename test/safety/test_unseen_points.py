"""Where the points that bound unseen space lie, by hand."""

import numpy as np
import pytest

from synth_nodes.safety.body import body_of
from synth_nodes.safety.unseen import SPACING, STRIP, unseen_points

DOT = body_of((0.01, 0.01, -0.01, 0.01, -0.01, -0.01, 0.01, -0.01))
"""A footprint so small that its strip ends 0.16 m from base_link."""
RING = np.arange(-180, 180) * np.pi / 180


def points_of(ranges, angles=RING, reach=2.0, range_max=12.0, mount=(0.0, 0.0, 0.0),
              smallest=0.05):
    ranges = np.asarray(ranges, float)
    usable = np.isfinite(ranges) | np.isposinf(ranges)
    return unseen_points(ranges, angles, usable, range_max, mount, DOT, reach, smallest)


def polar(points):
    return np.degrees(np.arctan2(points[:, 1], points[:, 0])), np.hypot(*points.T)


def ring(value=5.0, **others):
    ranges = np.full(360, value)
    for beam, r in others.items():
        ranges[int(beam[1:])] = r
    return ranges


def test_end_of_the_range_is_a_point_of_each_beam_that_met_nothing():
    found = points_of(ring(np.inf, b7=0.9, b8=1.0, b9=0.95), range_max=1.0)
    degrees, distance = polar(found)
    assert distance == pytest.approx(1.0)
    assert np.sort(degrees).round(3).tolist() == [d for d in range(-180, 180)
                                                  if d not in (-173, -171)]
    assert len(points_of(ring(np.inf), range_max=2.0)) == 0
    placed = points_of(ring(np.inf), range_max=1.0, mount=(0.3, -0.2, np.pi / 2))
    assert np.hypot(placed[:, 0] - 0.3, placed[:, 1] + 0.2) == pytest.approx(1.0)
    turned = points_of(np.where(RING < 0.5, 0.9, np.inf), range_max=1.0, mount=(0, 0, 1.0))
    first = float(np.degrees(RING[RING >= 0.5][0] + 1.0))
    assert polar(turned)[0][0] == pytest.approx(first)


def test_shadow_runs_along_the_nearer_beam_as_far_as_the_farther_saw():
    degrees, distance = polar(points_of(ring(1.35, b200=1.0)))
    assert degrees == pytest.approx(20.0)
    assert np.sort(distance) == pytest.approx([1.1, 1.1, 1.2, 1.2, 1.3, 1.3])
    degrees, distance = polar(points_of(ring(5.0, b359=1.65)))
    assert degrees == pytest.approx(179.0) and np.sort(distance)[::2] == pytest.approx(
        [1.75, 1.85, 1.95])
    degrees, distance = polar(points_of(np.where(np.arange(360) < 200, 1.0, 1.35)))
    assert sorted(set(degrees.round(3))) == [-180.0, 19.0] and len(distance) == 6


@pytest.mark.parametrize(('far', 'near', 'count'), [
    (1.25, 1.0, 0), (5.0, 2.0, 0), (5.0, 2.1, 0), (5.0, 1.95, 0), (5.0, 1.85, 2), (0.6, 0.3, 0),
    (5.0, 0.12, 36), (1.5, 1.0, 8)])
def test_small_steps_and_what_is_beyond_the_reach_cast_no_shadow(far, near, count):
    assert len(points_of(ring(far, b200=near))) == count


@pytest.mark.parametrize('smallest', [0.05, 0.1])
def test_run_of_invalid_beams_is_closed_where_the_smallest_obstacle_fits(smallest):
    ranges = ring(5.0)
    ranges[200:203] = np.nan
    degrees, distance = polar(points_of(ranges, smallest=smallest))
    start = smallest / np.radians(4)
    assert distance.min() == pytest.approx(start)
    front = degrees[np.abs(distance - start) < 1e-9]
    assert front.min() == pytest.approx(19.0) and front.max() == pytest.approx(23.0)
    assert np.radians(np.diff(np.unique(front.round(6))).max()) * start <= SPACING / 2 + 1e-9
    for edge in (19.0, 23.0):
        way = np.unique(distance[np.abs(degrees - edge) < 1e-6].round(6))
        assert way == pytest.approx(np.arange(start, 2.0, SPACING), abs=1e-6)
    assert ((np.abs(distance - start) < 1e-9) | np.isclose(degrees, 19.0)
            | np.isclose(degrees, 23.0)).all()
    assert len(points_of(ranges, smallest=0.2)) == 0


def test_edges_of_a_blind_run_end_with_what_their_beams_met_and_cast_no_shadow():
    ranges = ring(5.0)
    ranges[200:203] = np.nan
    ranges[180:200] = 1.0
    degrees, distance = polar(points_of(ranges))
    assert distance[np.isclose(degrees, 19.0)].max() < 1.0
    assert distance[np.isclose(degrees, 23.0)].max() > 1.9
    assert distance[np.isclose(degrees, 0.0)].max() > 1.85


def test_single_invalid_beam_hides_and_its_neighbours_do_not():
    ranges = ring(5.0, b200=np.nan)
    start = 0.05 / np.radians(2)
    assert polar(points_of(ranges))[1].min() == pytest.approx(start)
    assert len(points_of(ring(5.0))) == 0


def test_blind_sector_begins_at_the_strip_about_the_body_and_is_the_same_counted_backwards():
    angles = RING[90:271]
    found = points_of(np.full(181, 5.0), angles)
    gauge = DOT.gauge(found)
    assert gauge.min() == pytest.approx(STRIP)
    near = found[gauge < STRIP + 1e-9]
    assert np.hypot(*np.diff(near[near[:, 0] < -1e-9], axis=0).T).max() <= 1.1 * SPACING
    degrees, distance = polar(found)
    sides = np.isclose(np.abs(degrees), 90.0)
    assert (sides | (gauge < STRIP + 1e-9)).all()
    assert distance[sides].max() == pytest.approx(0.05 / np.pi + 19 * SPACING)
    back = points_of(np.full(181, 5.0), angles[::-1])
    assert sorted(map(tuple, back.round(9))) == sorted(map(tuple, found.round(9)))


def test_strip_is_measured_from_the_body_wherever_the_laser_is():
    angles = RING[90:271]
    found = points_of(np.full(181, 5.0), angles, mount=(0.05, 0.03, 0.0))
    gauge = DOT.gauge(found)
    assert gauge.min() == pytest.approx(STRIP)
    assert (gauge < STRIP + 1e-9).sum() > 10
    assert np.isclose(found[:, 0], 0.05)[gauge > STRIP + 1e-6].all()


def test_strip_behind_a_laser_far_from_base_link_is_bounded_as_densely():
    for x, y in ((0.3, 0.0), (-0.1, 0.1)):
        found = points_of(np.full(181, 5.0), RING[90:271], mount=(x, y, 0.0))
        near = found[(DOT.gauge(found) < STRIP + 1e-9) & (found[:, 0] < x - 0.01)]
        assert len(near) > 5 and np.hypot(*np.diff(near, axis=0).T).max() < SPACING


def test_blind_run_that_begins_at_the_reach_does_not_matter():
    ranges = ring(5.0)
    ranges[200:203] = np.nan
    start = 0.05 / float(RING[203] - RING[199])
    assert len(points_of(ranges, reach=start)) == 0 < len(points_of(ranges, reach=start + 0.01))


def test_one_invalid_beam_of_few_is_blind():
    angles = np.array((-0.3, -0.1, 0.1, 0.3))
    found = points_of([1.0, np.nan, 1.0, 1.0], angles, reach=0.9)
    degrees, _ = polar(found)
    assert (np.abs(degrees + 0.1 * 180 / np.pi) < 1.0).any()


@pytest.mark.parametrize('back', [False, True])
def test_two_beams_see_the_sector_between_them_and_nothing_else(back):
    angles = np.array((-0.1, 0.1))
    degrees, _ = polar(points_of([1.0, 1.0], angles[::-1] if back else angles))
    assert np.abs(degrees).min() > 5.7 and np.abs(degrees).max() > 170.0
