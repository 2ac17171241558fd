"""What lies inside a zone by Nav2's rules."""

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from zone_helpers import part, RULES, seen, SQUARE, zone

from synth_nodes.safety.nav2_zones import inside_circle, inside_polygon, Mask, sample_outline
from synth_nodes.safety.observed import nav2_points, strict_source

CORNERS = np.array(SQUARE)


@pytest.mark.parametrize(('point', 'expected'), [
    # Worked out by hand from the ray rule in polygon.cpp: py <= y_i and py > y_j, x_inter > px.
    ((-1.0, 0.0), True), ((1.0, 0.0), False), ((0.0, 1.0), True), ((0.0, -1.0), False),
    ((-1.0, 1.0), True), ((1.0, 1.0), False), ((-1.0, -1.0), False), ((0.0, 0.0), True),
    ((np.nan, 0.0), False), ((0.0, np.nan), False), ((-np.inf, 0.0), False),
    ((np.inf, 0.0), False),
])
@pytest.mark.parametrize('way_round', [1, -1])
def test_left_and_upper_borders_count_and_the_others_do_not(point, expected, way_round):
    assert inside_polygon(np.array([point]), CORNERS[::way_round])[0] == expected


def test_border_of_a_circle_is_outside():
    points = np.array([[1.0, 0.0], [0.999, 0.0], [np.nan, 0.0], [np.inf, 0.0]])
    assert inside_circle(points, 1.0).tolist() == [False, True, False, False]


@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(-2, 2)), min_size=1, max_size=20))
def test_concave_polygon_is_the_union_of_its_parts(points):
    ell = np.array([[0, 0], [2, 0], [2, 1], [1, 1], [1, 2], [0, 2]], float)
    low = np.array([[0, 0], [2, 0], [2, 1], [0, 1]], float)
    high = np.array([[0, 1], [1, 1], [1, 2], [0, 2]], float)
    p = np.array(points)
    union = inside_polygon(p, low) | inside_polygon(p, high)
    assert (inside_polygon(p, ell) == union).all()


def test_velocity_ranges_hold_their_bounds():
    sub = zone(shape='velocity_polygon', sub_zones=[part('slow', SQUARE, (0.0, 0.5))]).sub_zones[0]
    for velocity, expected in [((0.5, 0, 1.0), True), ((0.0, 9, -1.0), True),
                               ((0.51, 0, 0), False), ((0.2, 0, 1.01), False)]:
        assert sub.covers(np.array(velocity), False) == expected


@pytest.mark.parametrize(('direction', 'inside', 'wrapping'), [
    (0.0, True, False), (0.5, True, False), (3.0, False, True), (-3.0, False, True)])
def test_direction_ranges_of_holonomic_robots_may_wrap(direction, inside, wrapping):
    plain = part('a', SQUARE, (0, 1), direction_start_angle=-0.5, direction_end_angle=0.5)
    wrap = part('b', SQUARE, (0, 1), direction_start_angle=2.5, direction_end_angle=-2.5)
    subs = zone(shape='velocity_polygon', holonomic=True, sub_zones=[plain, wrap]).sub_zones
    velocity = np.array([np.cos(direction), np.sin(direction), 0.0]) * 0.999
    assert [s.covers(velocity, True) for s in subs] == [inside, wrapping]


def test_direction_at_rest_is_straight_ahead():
    back = part('back', SQUARE, (0, 1), direction_start_angle=2.5, direction_end_angle=-2.5)
    sub = zone(shape='velocity_polygon', holonomic=True, sub_zones=[back]).sub_zones[0]
    assert not sub.covers(np.zeros(3), True)


def test_outline_is_sampled_with_corners_twice():
    # polygon_source.cpp: ceil(1 / 0.4) = 3 parts, ends included, so 4 points an edge.
    points = sample_outline(np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float), 0.4)
    assert len(points) == 16
    assert np.allclose(points[:4], [[0, 0], [1 / 3, 0], [2 / 3, 0], [1, 0]])


def test_height_band_holds_its_bounds_and_spares_points_without_height():
    cloud = seen((1, 0), (2, 0), (3, 0), (4, 0), kind='pointcloud',
                 heights=[0.04, 0.05, 0.5, np.nan])
    assert nav2_points(cloud)[:, 0].tolist() == [2, 3, 4]
    # Without a band that was given, strict judgements leave nothing out.
    assert len(strict_source(cloud, RULES.source).points_base) == 4


def test_height_counts_for_point_clouds_alone():
    assert len(nav2_points(seen((1, 0), heights=[5.0]))) == 1


def test_mask_hides_within_its_height():
    mask = Mask('dock', None, radius=1.0, low=-0.1, high=0.1)
    points, heights = np.array([[1.0, 0], [1.01, 0], [0.5, 0]]), np.array([0.0, 0.0, 0.2])
    assert mask.hides(points, heights).tolist() == [True, False, False]
