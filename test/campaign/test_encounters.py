"""Rooms and contacts against brute force."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.campaign.batch import draw_batch
from synth_nodes.campaign.contact import gaps, NEAR, seen_from
from synth_nodes.campaign.encounter import closest, track
from synth_nodes.campaign.setups import DT
from synth_nodes.safety.body import body_of
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.types import RobotSpec

BODY = body_of(RobotSpec().footprint)
WEDGE = body_of((0.35, 0.0, -0.2, 0.25, -0.25, -0.15))
COORDINATE = st.floats(-0.7, 0.7)


def brute(body, a, b):
    """Distance of a finely sampled segment to a finely sampled outline; 0 inside."""
    line = a + np.linspace(0, 1, 400)[:, None] * (b - a)
    if body.gauge(line).min() <= 0:
        return 0.0
    corners = body.corners
    rim = np.concatenate([p + np.linspace(0, 1, 300)[:, None] * (q - p)
                          for p, q in zip(corners, np.roll(corners, -1, axis=0), strict=True)])
    return float(np.hypot(*(line[:, None] - rim).transpose(2, 0, 1)).min())


@settings(max_examples=60, deadline=None)
@given(COORDINATE, COORDINATE, COORDINATE, COORDINATE, st.sampled_from([BODY, WEDGE]))
def test_room_to_a_segment_is_that_of_fine_sampling(ax, ay, bx, by, body):
    a, b = np.array((ax, ay)), np.array((bx, by))
    room = gaps(body, a[None], b[None], np.zeros(1))[0]
    assert room == pytest.approx(brute(body, a, b), abs=6e-3) or room > NEAR - 1e-9
    assert room <= brute(body, a, b) + 1e-9


@settings(max_examples=60, deadline=None)
@given(COORDINATE, COORDINATE, st.floats(0, 0.1), st.sampled_from([BODY, WEDGE]))
def test_room_to_a_disc_is_that_to_its_centre_less_its_radius(x, y, radius, body):
    point = np.array([[x, y]])
    room = gaps(body, point, None, np.array([radius]))[0]
    centre = gaps(body, point, point, np.zeros(1))[0]
    assert room >= centre - radius - 1e-9
    assert room == pytest.approx(centre - radius, abs=1e-9) or centre >= NEAR - 1e-9


def test_nothing_is_infinitely_far():
    nothing = np.full((3, 2), np.nan)
    assert np.isinf(gaps(BODY, nothing, None, np.zeros(3))).all()


def passing(speed, x, y, steps=10):
    """Let the default robot pass a pole straight ahead at so many metres a second."""
    plan = (SafetyRules(), RobotSpec())
    batch = next(b for b in (draw_batch(0, k, 1, fixed=plan) for k in range(40))
                 if b.setup.family == 'poles')
    scene = batch.scene
    scene.a[:] = scene.b[:] = np.nan
    scene.a[0, 0] = scene.b[0, 0] = (x, y)
    scene.radius[:] = 0.0
    way = np.zeros(scene.a.shape)
    moments = [(np.array([[speed * DT * k, 0.0, 0.0]]), np.array([[speed, 0.0, 0.0]]), way)
               for k in range(steps + 1)]
    met = track(moments, False)
    gap = gaps(BODY, seen_from(scene.a, met.poses[0]), None, scene.radius).min(axis=1)
    return closest(batch, BODY, gap, met)


def test_pole_that_a_corner_only_grazes_between_two_steps_is_found():
    # 30 m/s: 15 cm a step. The corner's front edge passes x = 0.21 + 0.15 k.
    meeting = passing(30.0, 0.43, 0.179)
    assert meeting.rows.tolist() == [0] and meeting.impact[0] == pytest.approx(30.0)
    assert not len(passing(30.0, 0.43, 0.181).rows)


def test_impact_is_the_speed_where_it_touches_and_the_thing_is_named():
    meeting = passing(1.0, 0.23, 0.0)
    assert meeting.impact[0] == pytest.approx(1.0) and meeting.thing[0] == 0
    assert not len(passing(1.0, 0.30, 0.0).rows)
