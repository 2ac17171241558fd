"""Nav2's time to collision, step by step."""

from functools import partial
import math

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from zone_helpers import SQUARE

from synth_nodes.safety.nav2_motion import collision_time
from synth_nodes.safety.nav2_zones import inside_circle, inside_polygon

SQUARE_INSIDE = partial(inside_polygon, corners=np.array(SQUARE))
ROUND = partial(inside_circle, radius=1.0)


def time_to(inside, point, velocity, horizon=1.0, step=0.1, need=1):
    return collision_time(inside, np.array([point], float), np.array(velocity, float), need,
                          horizon, step)[0]


def test_time_is_that_before_the_step_that_hits():
    # Gap 0.35 m at 1 m/s: inside after the 4th step of 0.1 s, which began at 0.3 s.
    assert time_to(ROUND, (1.35, 0), (1, 0, 0)) == pytest.approx(0.3)
    # A hit in the first step gives 0, as does a point that is inside at once.
    assert time_to(ROUND, (1.05, 0), (1, 0, 0)) == 0.0
    assert time_to(ROUND, (0.5, 0), (1, 0, 0)) == 0.0


def test_one_step_beyond_the_horizon_is_looked_at():
    # Times 0, 0.1, 0.2 of a horizon of 0.25 s: the last step ends at 0.3 s.
    assert time_to(ROUND, (1.29, 0), (1, 0, 0), horizon=0.25) == pytest.approx(0.2)
    assert time_to(ROUND, (1.31, 0), (1, 0, 0), horizon=0.25) == -1.0


def test_turning_square_meets_a_point_between_side_and_corner():
    # A point at 1.4 m on the x axis is inside while cos(a) < 1/1.4 and sin(a) < 1/1.4, from
    # a = 0.7752 rad to 0.7956 rad. At pi/4 rad/s that begins at 0.987 s.
    assert math.acos(1 / 1.4) == pytest.approx(0.7752, abs=1e-4)
    w = math.pi / 4
    assert time_to(SQUARE_INSIDE, (1.4, 0), (0, 0, w), step=0.01) == pytest.approx(0.98)


def test_chords_leap_over_a_corner():
    # At 0.8 rad/s in steps of 0.1 s the angles are 0.72 and 0.80 rad: neither is in between.
    assert time_to(SQUARE_INSIDE, (1.4, 0), (0, 0, 0.8), horizon=1.1) == -1.0


def test_steps_go_straight_and_turn_afterwards():
    # 1 m/s and pi/2 rad/s in one step of 1 s: to (1, 0) first, then the turn; the arc would end
    # at (2/pi, 2/pi).
    tiny = partial(inside_circle, radius=0.01)
    assert time_to(tiny, (1.0, 0.0), (1, 0, math.pi / 2), horizon=0.5, step=1.0) == 0.0
    arc = 2 / math.pi
    assert time_to(tiny, (arc, arc), (1, 0, math.pi / 2), horizon=0.5, step=1.0) == -1.0
    # The second step goes along y.
    assert time_to(tiny, (1.0, 1.0), (1, 0, math.pi / 2), horizon=1.5, step=1.0) == 1.0


def test_too_few_points_are_no_collision():
    assert time_to(ROUND, (1.05, 0), (1, 0, 0), need=2) == -1.0


@settings(max_examples=50)
@given(st.floats(1.0, 3.0), st.floats(0.1, 2.0), st.sampled_from([0.02, 0.05, 0.1]))
def test_on_a_straight_way_the_time_is_short_by_no_more_than_a_step(x, v, step):
    exact = (x - 1.0) / v
    time = time_to(ROUND, (x, 0), (v, 0, 0), horizon=4.0, step=step)
    if exact < 3.9:
        assert exact - step - 1e-9 <= time <= exact + 1e-9
