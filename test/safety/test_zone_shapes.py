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
