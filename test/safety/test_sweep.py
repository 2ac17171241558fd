"""The swept contact against a reference that samples the motion finely."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.safety.body import body_of
from synth_nodes.safety.sweep import entry_times, may_touch, meetings, on_ring, rings_of

BOX = (0.21, 0.18, -0.21, 0.18, -0.21, -0.18, 0.21, -0.18)
WEDGE = (0.5, 0.0, -0.2, 0.3, -0.3, -0.1)
HEXAGON = tuple(float(v) for k in range(6)
                for v in (0.3 * np.cos(k * np.pi / 3), 0.3 * np.sin(k * np.pi / 3)))
SHAPES = st.sampled_from([BOX, WEDGE, HEXAGON])


def seen_from_robot(points, twist, t):
    """Points (N, 2) in the robot's frame at times t (T,): (T, N, 2); by the matrix exponential."""
    vx, vy, w = twist
    out = []
    for time in t:
        a = w * time
        if abs(w) > 1e-7:
            x = (vx * np.sin(a) - vy * (1 - np.cos(a))) / w
            y = (vx * (1 - np.cos(a)) + vy * np.sin(a)) / w
        else:
            x, y = vx * time, vy * time
        c, s = np.cos(a), np.sin(a)
        out.append((points - (x, y)) @ np.array([[c, -s], [s, c]]))
    return np.array(out)


def sampled_entry(points, twist, body, horizon, steps):
    t = np.linspace(0.0, horizon, steps)
    ways = seen_from_robot(points, twist, t)
    inside = np.array([body.gauge(p) for p in ways]) <= 0.0
    return np.where(inside.any(axis=0), t[inside.argmax(axis=0)], np.inf)


def exact_entry(points, twist, body):
    n = len(points)
    return entry_times(points, np.tile(twist, (n, 1)), np.tile(body.corners, (n, 1, 1)))


def visible(limit):
    """Numbers up to the limit, none so small that their squares vanish."""
    return st.floats(-limit, limit).map(lambda v: v if abs(v) > 1e-12 else 0.0)


component = st.one_of(st.just(0.0), visible(1.0),
                      st.sampled_from([1e-12, -1e-9, 1e-7, -1e-5]))


@settings(max_examples=80, deadline=None)
@given(SHAPES, component, component, st.one_of(st.just(0.0), component, visible(2.5)),
       st.integers(0, 2 ** 31))
def test_sweep_misses_no_hit_and_invents_none(shape, vx, vy, w, seed):
    body = body_of(shape)
    points = np.random.default_rng(seed).uniform(-1.2, 1.2, (80, 2))
    twist = np.array([vx, vy, w])
    exact = exact_entry(points, twist, body)
    sampled = sampled_entry(points, twist, body, 3.0, 1500)
    hit = np.isfinite(sampled)
    assert (exact[hit] <= sampled[hit] + 1e-6).all()
    found = np.isfinite(exact) & (exact <= 3.0)
    for point, t in zip(points[found], exact[found], strict=True):
        at = seen_from_robot(point[None], twist, [t])[0]
        assert abs(body.gauge(at)[0]) < 1e-6 or t == 0.0
    assert (exact[body.gauge(points) <= 0] == 0.0).all()


@settings(max_examples=150, deadline=None)
@given(SHAPES, component, component, visible(2.5), st.integers(0, 2 ** 31))
def test_ring_prunes_only_what_is_never_hit(shape, vx, vy, w, seed):
    body = body_of(shape)
    points = np.random.default_rng(seed).uniform(-2.0, 2.0, (300, 2))
    twist = np.array([vx, vy, w])
    touched = np.isfinite(exact_entry(points, twist, body))
    assert may_touch(points, twist, body.corners)[touched].all()


def test_ring_prunes_points_beside_a_straight_way():
    points = np.array([[1.0, 0.0], [1.0, 0.3], [1.0, -0.3], [-1.0, 0.1]])
    kept = may_touch(points, np.array([0.5, 0.0, 0.0]), body_of(BOX).corners)
    assert kept.tolist() == [True, False, False, True]


@pytest.mark.parametrize('twist', [
    (0.5, 0.0, 0.0), (-0.3, 0.4, 0.0), (0.5, 0.1, 0.8), (0.5, 0.1, -0.8), (0.1, -0.05, 2.0),
    (0.02, 0.03, -1.0), (0.0, 0.0, 1.0), (0.0, -0.45, 1.0), (0.0, 0.45, -1.0)])
@pytest.mark.parametrize('shape', [BOX, WEDGE, HEXAGON])
def test_ring_is_as_wide_as_the_polygon_and_no_wider(shape, twist):
    corners = body_of(shape).corners
    rings = rings_of(np.array([twist]), corners[None])
    scale = np.abs(twist).max() * (-1.0 if twist[2] < 0.0 else 1.0)
    vx, vy, w = rings[:3, 0]
    assert (vx, vy, w) == pytest.approx(tuple(c / scale for c in twist))
    grid = np.stack(np.meshgrid(*2 * (np.linspace(-0.55, 0.55, 221),)), axis=-1).reshape(-1, 2)
    along = np.linspace(0.0, 1.0, 101)[:, None, None]
    edge = (corners + along * (np.roll(corners, -1, axis=0) - corners)).reshape(-1, 2)
    inside = np.concatenate((edge, grid[body_of(shape).gauge(grid) <= 0.0]))
    value = w * (inside ** 2).sum(axis=1) + 2 * (vy * inside[:, 0] - vx * inside[:, 1])
    assert rings[3:, 0] == pytest.approx([value.min(), value.max()], abs=1e-3)
    assert on_ring(inside[:, 0], inside[:, 1], rings).all()


def test_straight_and_turning_contacts_come_when_geometry_says():
    body = body_of(BOX)
    ahead = exact_entry(np.array([[1.21, 0.0]]), np.array([0.5, 0.0, 0.0]), body)
    assert ahead[0] == pytest.approx(2.0)
    behind = exact_entry(np.array([[-1.21, 0.0]]), np.array([0.5, 0.0, 0.0]), body)
    assert behind[0] == np.inf
    r = 0.2
    beside = exact_entry(np.array([[0.0, r]]), np.array([0.0, 0.0, 1.0]), body)
    assert beside[0] == pytest.approx(np.pi / 2 - np.arcsin(0.18 / r))
    out_of_reach = exact_entry(np.array([[0.3, 0.0]]), np.array([0.0, 0.0, 1.0]), body)
    assert out_of_reach[0] == np.inf


@pytest.mark.parametrize('shape', [BOX, WEDGE, HEXAGON])
def test_straight_ways_in_any_direction_are_met_where_lines_cross_the_edges(shape):
    body = body_of(shape)
    rng = np.random.default_rng(5)
    for angle in np.linspace(-3.0, 3.0, 24):
        twist = np.array((0.7 * np.cos(angle), 0.7 * np.sin(angle), 0.0))
        points = rng.uniform(-1.2, 1.2, (80, 2))
        # How far each edge is yet, and how fast it comes: in from the last of those ahead.
        level, pace = points @ body.normals.T - body.offsets, twist[:2] @ body.normals.T
        enter = np.where(pace > 0.0, level / pace, -np.inf).max(axis=1)
        leave = np.where(pace < 0.0, level / pace, np.inf).min(axis=1)
        expected = np.where((enter <= leave) & (leave >= 0.0), np.maximum(enter, 0.0), np.inf)
        assert exact_entry(points, twist, body) == pytest.approx(expected)


def test_thin_point_between_two_chords_is_hit():
    body = body_of(BOX)
    corner = body.radius - 1e-6
    points = corner * np.stack((np.cos(a := np.linspace(0.8, 2.2, 400)), np.sin(a)), axis=1)
    assert np.isfinite(exact_entry(points, np.array([0.0, 0.0, 3.0]), body)).all()


@settings(max_examples=100, deadline=None)
@given(SHAPES, st.floats(-0.05, 0.5), st.integers(0, 2 ** 31))
def test_level_polygon_is_where_the_gauge_says(shape, level, seed):
    body = body_of(shape)
    corners = body.level(max(level, body.lowest))
    assert np.allclose(body.gauge(corners), max(level, body.lowest), atol=1e-9)


@pytest.mark.parametrize('footprint', [
    (0.2, 0.2, -0.2, 0.2), (0.2, 0.2, -0.2, 0.2, 0.0),
    (0.21, -0.18, -0.21, -0.18, -0.21, 0.18, 0.21, 0.18),
    (0.3, 0.3, 0.0, 0.05, -0.3, 0.3, -0.3, -0.3, 0.3, -0.3),
    (1.2, 0.2, 0.8, 0.2, 0.8, -0.2, 1.2, -0.2)])
def test_footprint_that_is_no_convex_outline_is_refused(footprint):
    with pytest.raises(InputError, match='footprint'):
        body_of(footprint)


@pytest.mark.parametrize('twist', [(0.5, 0.0, 0.0), (0.4, 0.1, 0.9), (0.0, 0.0, -1.2)])
def test_several_levels_at_once_are_met_when_each_is_alone(twist):
    body, rng = body_of(BOX), np.random.default_rng(3)
    points = rng.uniform(-1.5, 1.5, (60, 2))
    levels = rng.uniform(0.0, 0.2, (2, 60))
    corners = body.corners.T[..., None, None] + body.mitres.T[..., None, None] * levels
    found = meetings(points.T, np.array(twist)[:, None], corners)
    for level, times in zip(levels, found, strict=True):
        alone = entry_times(points, np.tile(twist, (60, 1)), body.level(level))
        assert times == pytest.approx(alone, rel=1e-12)
    assert np.isinf(found).any() and np.isfinite(found).any()
