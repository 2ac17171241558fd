"""What scanners see together."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.safety.sight import seen_together, View, view_of_cloud, view_of_cone
from synth_nodes.safety.sources import PointSource

FULL = np.linspace(-np.pi, np.pi, 360, endpoint=False)
HALF = np.linspace(-np.pi / 2, np.pi / 2, 181)


def view(distance=3.0, angles=FULL, mount=(0.0, 0.0, 0.0)):
    return View(np.broadcast_to(np.asarray(distance, float), (len(angles),)).copy(), angles, 0.05,
                12.0, mount)


@given(st.floats(-6, 6), st.floats(-6, 6), st.floats(-3, 3), st.booleans(), st.booleans())
def test_scan_sees_up_to_what_it_met_in_all_of_its_field_and_no_farther(x, y, yaw, half, back):
    angles = HALF if half else FULL
    angles = angles[::-1] if back else angles
    seen = bool(view(3.0, angles, (0.1, 0.2, yaw)).sees(np.array([(x, y)]))[0])
    dx, dy = x - 0.1, y - 0.2
    bearing = (np.arctan2(dy, dx) - yaw + np.pi) % (2 * np.pi) - np.pi
    inside = not half or abs(bearing) < np.pi / 2 - 0.02
    outside = half and abs(bearing) > np.pi / 2 + 0.02
    if np.hypot(dx, dy) < 2.99 and inside:
        assert seen
    if np.hypot(dx, dy) > 3.01 or outside:
        assert not seen


@pytest.mark.parametrize('bad', [np.nan, -np.inf, 0.01])
def test_beam_that_says_nothing_sees_nothing_and_hides_its_neighbourhood(bad):
    ranges = np.full(360, 3.0)
    ranges[180] = bad
    assert not view(ranges).sees(np.array([(1.0, 0.0), (1.0, 0.01), (1.0, -0.01)])).any()
    assert view(ranges).sees(np.array([(1.0, 0.05), (1.0, -0.05)])).all()


def test_beam_without_an_echo_sees_up_to_its_range():
    assert view(np.inf).sees(np.array([(11.9, 0.0), (12.1, 0.0)])).tolist() == [True, False]


def test_unseen_space_is_what_no_scanner_has_seen():
    points = np.array([(-1.0, 0.0), (-4.0, 0.0), (0.5, 0.0)])
    front = PointSource('front', np.zeros((0, 2)), 0.0, True, unseen_base=points)
    rear = PointSource('rear', np.zeros((0, 2)), 0.0, True, unseen_base=points[2:])
    looks = view(3.0, HALF), view(3.0, HALF, (0.0, 0.0, np.pi))
    one, two = seen_together((front, rear), looks)
    assert one.unseen_base.tolist() == [[-4.0, 0.0], [0.5, 0.0]]
    assert two.unseen_base.tolist() == []
    assert seen_together((front, rear), (looks[0], None)) == (front, rear)


def test_scan_of_a_single_beam_sees_nothing():
    assert not view(3.0, FULL[180:181]).sees(np.array([(1.0, 0.0), (0.0, 0.0)])).any()


def test_full_circle_has_no_seam_and_a_sector_ends_with_its_last_beam():
    around = np.array([(-1.0, 0.0), (-1.0, 0.01), (-1.0, -0.01)])
    for angles in (FULL, FULL[::-1], np.linspace(-np.pi, np.pi, 361)):
        assert view(3.0, angles).sees(around).all()
    within = np.array([(np.cos(FULL[-1] - 0.01), np.sin(FULL[-1] - 0.01))])
    for gap in (FULL[:-1], FULL[:-2]):
        assert not view(3.0, gap).sees(within).any()
    edge = np.array([(0.001, 1.0), (-0.01, 1.0)])
    assert view(3.0, HALF).sees(edge).tolist() == [True, False]


def test_nearer_of_two_beams_bounds_what_is_seen_between_them():
    ranges = np.full(360, 3.0)
    ranges[181] = 1.0
    between = [np.array([(d * np.cos(a), d * np.sin(a))]) for d in (0.99, 1.01)
               for a in (0.5 * (FULL[180] + FULL[181]), 0.5 * (FULL[181] + FULL[182]))]
    assert [bool(view(ranges).sees(p)[0]) for p in between] == [True, True, False, False]
    beside = 0.5 * (FULL[182] + FULL[183])
    assert view(ranges).sees(2.0 * np.array([(np.cos(beside), np.sin(beside))])).all()


def test_views_of_two_are_needed_and_none_asks_itself():
    points = np.array([(1.0, 0.0)])
    one = PointSource('one', np.zeros((0, 2)), 0.0, True, unseen_base=points)
    two = PointSource('two', np.zeros((0, 2)), 0.0, True, unseen_base=points)
    assert seen_together((one, two), (view(), None)) == (one, two)
    blind = view(np.nan)
    first, second = seen_together((one, two), (view(), blind))
    assert first.unseen_base.tolist() == points.tolist() and len(second.unseen_base) == 0


def test_two_beams_see_between_them_and_a_range_too_short_to_be_one_sees_nothing():
    two = np.array((-0.1, 0.1))
    assert view(3.0, two).sees(np.array([(1.0, 0.0), (1.0, 0.2)])).tolist() == [True, False]
    assert not view(0.01).sees(np.array([(0.005, 0.0)])).any()


def test_circle_that_almost_closes_is_seen_over_its_last_sliver():
    angles = -np.pi + np.arange(360) * 2 * np.pi / 360.3
    last = np.pi - 0.1 * 2 * np.pi / 360.3
    assert view(3.0, angles).sees(np.array([(np.cos(last), np.sin(last))])).all()


def test_cloud_sees_up_to_the_nearest_obstacle_else_to_the_farthest_point():
    # A little to either side of the axes, for only between two directions that see it is seen.
    floor = np.array([(d, y) for d in (1.0, 2.0, 4.0) for y in (-0.01, 0.01)]
                     + [(0.01, 3.0), (-0.01, 3.0), (np.nan, 0.0)])
    wall = np.array([(0.02, 2.5), (-0.02, 2.8)])
    seen = view_of_cloud(wall, floor, (0.0, 0.0), 10.0, ())
    points = np.array([(3.9, 0.0), (4.1, 0.0), (0.0, 2.4), (0.0, 2.6), (-0.1, 0.0)])
    assert seen.sees(points).tolist() == [True, False, True, False, False]


def test_cloud_from_beside_the_middle_sees_from_there_and_its_sector_up_to_max_range():
    seen = view_of_cloud(np.zeros((0, 2)), np.zeros((0, 2)), (1.0, 0.0), 5.0, (3.0, 3.4))
    points = np.array([(0.9, 0.0), (-3.9, 0.0), (-4.1, 0.0), (1.1, 0.0), (1.0, 1.0)])
    assert seen.sees(points).tolist() == [True, True, False, False, False]


@given(st.floats(0.2, 4.0), st.floats(0.1, 1.0), st.floats(-3, 3), st.floats(-3, 3),
       st.floats(0.0, 5.0))
def test_cone_sees_what_lies_within_it_before_what_it_met(distance, width, yaw, off, way):
    point = np.array([(1.0 + way * np.cos(yaw + off), 2.0 + way * np.sin(yaw + off))])
    seen = view_of_cone(distance, width, 3.0, (1.0, 2.0, yaw)).sees(point)[0]
    if abs(abs(off) - width / 2) > 1e-9 and abs(way - min(distance, 3.0)) > 1e-9 and way > 1e-6:
        assert seen == (abs(off) < width / 2 and way < min(distance, 3.0))
