import hypothesis
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.types import GridMap
from synth_nodes.world.atlas import free_squares, MapAtlas, nearest_solid, to_cell, to_point


def random_solid(seed, rows=15, columns=19):
    rng = np.random.default_rng(seed)
    solid = rng.random((rows, columns)) < rng.uniform(0.02, 0.4)
    return np.pad(solid, 1, constant_values=True)


@given(st.integers(0, 10_000))
@hypothesis.settings(max_examples=20, deadline=None)
def test_stored_squares_are_free_and_cannot_grow(seed):
    solid = random_solid(seed)
    height, width = solid.shape
    squares = free_squares(solid).reshape(4, height, width)
    for quadrant in range(4):
        flipped = solid[::1 if quadrant < 2 else -1, ::1 if quadrant % 2 == 0 else -1]
        got = squares[quadrant][::1 if quadrant < 2 else -1, ::1 if quadrant % 2 == 0 else -1]
        for i in range(height):
            for j in range(width):
                side = got[i, j]
                assert not flipped[i:i + side, j:j + side].any()
                assert flipped[i:i + side + 1, j:j + side + 1].any()


@given(st.integers(0, 10_000))
@hypothesis.settings(max_examples=20, deadline=None)
def test_nearest_square_is_the_nearest(seed):
    solid = random_solid(seed)
    rows, columns = np.nonzero(solid)
    i, j = np.indices(solid.shape).reshape(2, -1, 1)
    away = np.hypot(np.where(rows == i, 0, abs(rows - i) - 0.5),
                    np.where(columns == j, 0, abs(columns - j) - 0.5))
    distance, nearest = nearest_solid(solid)
    assert distance == pytest.approx(away.min(axis=1), abs=1e-5)
    row, column = np.divmod(nearest, solid.shape[1])
    assert solid[row, column].all()
    index = np.searchsorted(rows * solid.shape[1] + columns, nearest)
    assert away[np.arange(len(index)), index] == pytest.approx(distance, abs=1e-5)


def test_coordinates_agree_with_the_map_and_turn_back():
    grid = GridMap(np.zeros((7, 9), np.int8), 0.3, (2.0, -1.0, 0.7))
    arrays = MapAtlas.build([GridMap(np.zeros((4, 4), np.int8), 0.1), grid]).arrays
    column, row = to_cell(arrays, 1, 2.5, 0.4)
    assert np.array([column, row]) - 1 == pytest.approx(grid.to_cells(np.array([2.5, 0.4])))
    assert to_point(arrays, 1, column, row) == pytest.approx((2.5, 0.4))


def test_worlds_spread_over_the_maps_in_turn():
    atlas = MapAtlas.build([GridMap(np.zeros((4, 4), np.int8), 0.1)] * 3)
    assert atlas.indices(None, 5).tolist() == [0, 1, 2, 0, 1]


@pytest.mark.parametrize('index', (np.array([0, 1]), np.array([-1]), np.array([0.0])))
def test_an_index_that_names_no_map_is_refused(index):
    atlas = MapAtlas.build([GridMap(np.zeros((4, 4), np.int8), 0.1)])
    with pytest.raises(InputError, match='map_index'):
        atlas.indices(index, 1)


def test_maps_without_room_are_refused():
    with pytest.raises(InputError, match='at least one map'):
        MapAtlas.build([])
    with pytest.raises(InputError, match='no free cell'):
        MapAtlas.build([GridMap(np.full((4, 4), -1, np.int8), 0.1)])
    with pytest.raises(InputError, match='resolution'):
        MapAtlas.build([GridMap(np.zeros((4, 4), np.int8), 0.0)])
