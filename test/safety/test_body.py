"""The robot's outline: what its numbers say, each against its own definition."""

import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.safety.body import body_of

BOX = (0.3, 0.2, -0.1, 0.2, -0.1, -0.2, 0.3, -0.2)
WEDGE = (0.5, 0.0, -0.2, 0.3, -0.3, -0.1)
PENTAGON = (0.4, 0.0, 0.2, 0.25, -0.2, 0.2, -0.2, -0.2, 0.2, -0.25)
FLAT = (0.2, 0.2, 0.0, 0.2, -0.2, 0.2, -0.2, -0.2, 0.2, -0.2)
SHAPES = pytest.mark.parametrize('shape', [BOX, WEDGE, PENTAGON, FLAT])


def lengths(corners):
    return np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)


def test_numbers_of_a_box():
    body = body_of(BOX)
    assert body.corners.tolist() == [[0.3, 0.2], [-0.1, 0.2], [-0.1, -0.2], [0.3, -0.2]]
    assert body.normals == pytest.approx(np.array([[0, 1], [-1, 0], [0, -1], [1, 0]]))
    assert body.offsets == pytest.approx([0.2, 0.1, 0.2, 0.3])
    assert body.mitres == pytest.approx(np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]))
    assert body.radius == pytest.approx(np.hypot(0.3, 0.2))
    assert body.levers == pytest.approx([0.3, 0.2, 0.3, 0.2])
    assert body.stretch == pytest.approx(np.sqrt(2))
    # Both widths are 0.4 m, so the box is gone at 0.2 m; a tenth of it is kept.
    assert body.lowest == pytest.approx(-0.18)


@SHAPES
def test_gauge_is_the_farthest_of_the_edges(shape):
    body = body_of(shape)
    middle = (body.corners + np.roll(body.corners, -1, axis=0)) / 2
    for d in (-0.05, 0.0, 0.2):
        assert body.gauge(middle + d * body.normals) == pytest.approx(np.full(len(middle), d))
    assert np.hypot(*body.normals.T) == pytest.approx(1.0)
    assert body.gauge(np.zeros((1, 2)))[0] == pytest.approx(-body.offsets.min())


@SHAPES
def test_level_moves_each_edge_by_as_much(shape):
    body = body_of(shape)
    levels = np.array((body.lowest, -0.01, 0.0, 0.3))
    for m, corners in zip(levels, body.level(levels), strict=True):
        assert corners == pytest.approx(body.level(float(m)))
        for k in range(len(corners)):
            after = (k + 1) % len(corners)
            for corner in (corners[k], corners[after]):
                assert corner @ body.normals[k] == pytest.approx(body.offsets[k] + m)
    moved = np.hypot(*(body.level(1.0) - body.corners).T)
    assert body.stretch == pytest.approx(moved.max())
    assert body.radius == pytest.approx(np.hypot(*body.corners.T).max())


@SHAPES
def test_lowest_level_keeps_a_tenth_of_the_edge_that_vanishes_first(shape):
    body = body_of(shape)
    kept = lengths(body.level(body.lowest)) / lengths(body.corners)
    assert body.lowest < 0.0 and kept.min() == pytest.approx(0.1)


@SHAPES
def test_levers_reach_to_the_farthest_corner_along_each_edge(shape):
    body = body_of(shape)
    for normal, lever in zip(body.normals, body.levers, strict=True):
        along = np.array((-normal[1], normal[0]))
        assert lever == pytest.approx(max(abs(float(c @ along)) for c in body.corners))


@SHAPES
def test_joints_put_each_corner_where_its_two_moved_edges_meet(shape):
    body = body_of(shape)
    out = np.linspace(0.05, 0.2, len(body.corners))
    before = np.roll(np.arange(len(out)), 1)
    shift = body.joints[:, 0] * out[before] + body.joints[:, 1] * out
    moved = body.corners + shift.T
    n, m = body.normals[before], body.normals
    turned = np.abs(n[:, 0] * m[:, 1] - n[:, 1] * m[:, 0]) > 1e-6
    for k in np.flatnonzero(turned):
        for edge in (before[k], k):
            assert moved[k] @ body.normals[edge] == pytest.approx(body.offsets[edge] + out[edge])
    for k in np.flatnonzero(~turned):
        mean = (out[before[k]] + out[k]) / 2
        assert shift[:, k] == pytest.approx(body.normals[k] * mean)


@pytest.mark.parametrize(('footprint', 'words'), [
    ((), 'has 0 numbers'), ((0.2, 0.2, -0.2, 0.2), 'has 4 numbers'),
    ((0.2, 0.2, -0.2, 0.2, 0.0, -0.2, 0.1), 'has 7 numbers'),
    ((0.2, 0.2, 0.2, 0.2, -0.2, 0.0, 0.2, -0.2), 'not a convex outline'),
    ((0.2, 0.2, 0.0, -0.3, -0.2, 0.2), 'not a convex outline'),
    (2 * WEDGE, 'not a convex outline'),
    ((0.5, 0.1, 0.3, 0.2, 0.01, 0.1), 'does not contain base_link')])
def test_what_is_no_outline_is_refused_and_why(footprint, words):
    with pytest.raises(InputError, match=words):
        body_of(footprint)


def test_base_link_may_lie_on_the_outline_and_edges_may_be_short():
    assert body_of((0.4, 0.2, 0.0, 0.2, 0.0, -0.2, 0.4, -0.2)).offsets.min() == 0.0
    assert len(body_of((0.0001, 0.2, 0.0, 0.2, -0.2, 0.0, 0.0, -0.2, 0.2, 0.0)).corners) == 5
    assert len(body_of((0.2, 0.2, 0.1998, 0.2, -0.2, 0.2, 0.0, -0.2)).corners) == 4
