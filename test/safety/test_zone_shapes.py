"""Exact contact with circles and with polygons of any form."""

import math

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.safety.nav2_zones import inside_circle, inside_polygon
from synth_nodes.safety.sources import shifted
from synth_nodes.safety.zone_shapes import (
    circle_times,
    convex_hull,
    convex_pieces,
    in_circle,
    in_polygon,
    polygon_times,
)

ELL = np.array([[0, 0], [2, 0], [2, 1], [1, 1], [1, 2], [0, 2]], float)
coordinate = st.floats(-3, 3)
speed = st.sampled_from([0.0, 1e-9, 1e-4, -1e-4]) | st.floats(-2, 2)
twists = st.tuples(speed, speed, speed).map(lambda t: np.array(t, float))
points = st.tuples(coordinate, coordinate).map(lambda p: np.array([p], float))


SLACK = 1e-5
OFFSETS = SLACK * np.array([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)])


def first_inside(inside, point, twist, horizon, step=2e-3):
    """Reference: try the exact pose at every instant of a fine grid; borders are left out."""
    times = np.arange(0.0, horizon, step)
    seen = np.concatenate([shifted(point, twist, t) for t in times])
    hit = np.flatnonzero(np.all([inside(seen + o) for o in OFFSETS], axis=0))
    return times[hit[0]] if len(hit) else np.inf


def assert_agrees(time, inside, point, twist):
    horizon = min(3.0, 2 * math.pi / max(abs(twist[2]), 1e-3))
    # Stepping may miss what is exact, or find it a step late; it never finds more.
    assert time <= first_inside(inside, point, twist, horizon)
    if np.isfinite(time) and time < horizon:
        assert inside(shifted(point, twist, time) + OFFSETS).any()


@settings(max_examples=150, deadline=None)
@given(points, twists, st.floats(0.1, 1.5))
def test_circle_is_met_when_stepping_meets_it(point, twist, radius):
    time = circle_times(point, twist, radius)[0]
    assert_agrees(time, lambda p: inside_circle(p, radius), point, twist)


@settings(max_examples=150, deadline=None)
@given(points, twists)
def test_concave_polygon_is_met_when_stepping_meets_it(point, twist):
    time = polygon_times(point, twist, ELL)[0]
    assert_agrees(time, lambda p: inside_polygon(p, ELL), point, twist)


def test_circle_by_hand():
    # |p - v t|^2 = 1 with p = (1.2, 0), v = (0.5, 0.2): 0.29 t^2 - 1.2 t + 0.44 = 0.
    expected = (1.2 - math.sqrt(1.2 ** 2 - 4 * 0.29 * 0.44)) / (2 * 0.29)
    times = circle_times(np.array([[1.2, 0.0]]), np.array([0.5, 0.2, 0.0]), 1.0)
    assert times[0] == pytest.approx(expected)
    # On the spot a circle about base_link never meets anything; half a turn of radius 1 about
    # (0, 1) leads to (0, 2), where it meets a point in a distance of 0.5 m at pi minus the angle
    # whose half has the sine 0.25.
    assert circle_times(np.array([[1.2, 0.0]]), np.array([0, 0, 1.0]), 1.0)[0] == np.inf
    times = circle_times(np.array([[0.0, 2.0]]), np.array([1.0, 0, 1.0]), 0.5)
    assert times[0] == pytest.approx(math.pi - 2 * math.asin(0.25))


def test_border_belongs_to_a_polygon():
    border = np.array([[2.0, 0.5], [1.0, 1.5], [0.5, 0.0], [0.5, 2.0], [2.0, 0.0], [1.5, 1.0]])
    assert in_polygon(border, ELL).all()
    assert not in_polygon(border + 0.01, ELL).all()


@pytest.mark.parametrize('corners', [ELL, ELL[::-1], np.roll(ELL, 2, axis=0)])
def test_pieces_are_convex_and_cover_the_polygon(corners):
    pieces = convex_pieces(tuple(map(tuple, corners.tolist())))
    grid = np.stack(np.meshgrid(np.linspace(-0.5, 2.5, 61) + 0.003,
                                np.linspace(-0.5, 2.5, 61) + 0.007), axis=-1).reshape(-1, 2)
    covered = np.any([inside_polygon(grid, piece) for piece in pieces], axis=0)
    assert (covered == inside_polygon(grid, corners)).all()
    for piece in pieces:
        assert len(convex_pieces(tuple(map(tuple, piece.tolist())))) == 1


def test_polygon_that_crosses_itself_counts_with_its_hull():
    bow = ((0.0, 0.0), (2.0, 2.0), (2.0, 0.0), (0.0, 2.0))
    piece, = convex_pieces(bow)
    assert sorted(map(tuple, piece.tolist())) == sorted(bow)


def test_hull_leaves_out_what_is_inside():
    assert len(convex_hull([(0, 0), (2, 0), (2, 2), (0, 2), (1, 1), (1, 0)])) == 4


def test_many_circles_are_met_at_their_first_moment():
    rng = np.random.default_rng(0)
    for twist in ((0.5, 0.0, 0.0), (-0.4, 0.3, 0.0), (0.5, 0.1, 0.8), (0.3, -0.4, -1.5),
                  (0.0, 0.0, 1.0), (0.6, 0.0, 1e-7), (0.0, 0.0, 0.0)):
        twist = np.array(twist)
        points = rng.uniform(-1.5, 1.5, (60, 2))
        found = circle_times(points, twist, 0.7)
        horizon = min(6.0, 2 * np.pi / max(abs(twist[2]), 1e-9))
        times = np.linspace(0.0, horizon, 1201)
        away = np.array([np.hypot(*shifted(points, twist, t).T) for t in times]) - 0.7
        inside = away <= 0.0
        first = np.where(inside.any(axis=0), times[inside.argmax(axis=0)], np.inf)
        met = np.isfinite(first)
        assert (found[met] <= first[met] + 1e-9).all() and met.any()
        assert (found[met] >= first[met] - times[1] - 1e-9).all()
        for point, time in zip(points[~met], found[~met], strict=True):
            assert time > horizon or np.hypot(*shifted(point[None], twist, time)[0]) <= 0.7 + 1e-6


def test_point_that_turns_on_the_circle_or_beside_it_is_not_met_again():
    spin = np.array((0.0, 0.0, 1.0))
    points = np.array([(0.7, 0.0), (0.7 + 0.9e-6, 0.0), (0.71, 0.0), (0.0, -0.3)])
    assert circle_times(points, spin, 0.7).tolist() == [0.0, 0.0, np.inf, 0.0]


@pytest.mark.parametrize('turned', [False, True])
def test_pieces_of_a_comb_share_no_ground_and_leave_none_out(turned):
    comb = [(0, 0), (5, 0), (5, 3), (4, 3), (4, 1), (3, 1), (3, 2), (2, 2), (2, 1), (1, 1),
            (1, 3), (0, 3)]
    comb = [(float(x), float(y)) for x, y in (comb[::-1] if turned else comb)]
    pieces = convex_pieces(tuple(comb))
    areas = []
    for piece in pieces:
        after = np.roll(piece, -1, axis=0)
        areas.append(float((piece[:, 0] * after[:, 1] - piece[:, 1] * after[:, 0]).sum() / 2))
    assert min(areas) > 0.0 and sum(areas) == pytest.approx(5 + 2 + 2 + 1)
    points = np.random.default_rng(1).uniform(-0.5, 5.5, (500, 2))
    inside = np.sum([in_polygon(points, piece) for piece in pieces], axis=0)
    assert (inside == in_polygon(points, np.array(comb)).astype(int)).all()


def test_convex_polygon_is_one_piece_as_it_is_and_always_counter_clockwise():
    box = ((0.0, 0.0), (2.0, 0.0), (2.0, 1.0), (0.0, 1.0))
    assert convex_pieces(box)[0].tolist() == [list(c) for c in box]
    piece, = convex_pieces(box[::-1])
    assert piece.tolist() == [list(c) for c in box]
    flat, = convex_pieces(((0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (2.0, 1.0)))
    assert len(flat) == 4


@pytest.mark.parametrize('corners', [
    ((0.0, 0.0), (0.0, 0.0), (2.0, 0.0), (2.0, 1.0)),
    ((0.0, 0.0), (2.0, 0.0), (1.0, 0.0), (3.0, 0.0)),
    ((0.0, 0.0), (4.0, 0.0), (4.0, 2.0), (2.0, 0.0), (0.0, 2.0))])
def test_corners_that_repeat_or_touch_still_cover_the_polygon(corners):
    pieces = convex_pieces(corners)
    points = np.array([*corners, np.mean(corners[1:3], axis=0)])
    assert np.any([in_polygon(points, piece) for piece in pieces], axis=0).all()


def test_star_drawn_in_one_stroke_counts_with_its_hull():
    star = [(float(np.cos(a)), float(np.sin(a))) for a in np.arange(5) * 4 * np.pi / 5]
    piece, = convex_pieces(tuple(star))
    assert sorted(map(tuple, piece.tolist())) == sorted(star)


def test_border_is_as_wide_as_single_precision_needs_and_ends_at_the_corners():
    box = np.array([(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)])
    points = np.array([(0.5, -0.9e-6), (0.5, -2e-6), (1.0 + 0.9e-6, 0.5), (1.0 + 2e-6, 0.5),
                       (1.1, 0.0), (-0.1, 1.0), (0.5, 1.0), (0.0, 0.25)])
    assert in_polygon(points, box).tolist() == [True, False, True, False, False, False, True, True]
    assert in_circle(np.array([(0.0, 1.0 + 0.9e-6), (0.0, 1.0 + 2e-6)]), 1.0).tolist() == [
        True, False]


def test_polygon_is_met_by_its_nearest_part():
    corners = np.array([(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)], float)
    points = np.array([(3.0, 0.5), (1.5, 1.5), (2.5, 1.5), (1.0, 1.5), (5.0, 2.5)])
    ahead = polygon_times(points, np.array((0.5, 0.0, 0.0)), corners)
    assert ahead == pytest.approx([2.0, 1.0, 3.0, 0.0, np.inf])
