import hypothesis
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest
from ray_reference import disc_ranges, random_grid, ray_ranges

from synth_nodes.errors import InputError
from synth_nodes.sensors.lidar import cast
from synth_nodes.sensors.marching import trace
from synth_nodes.types import GridMap
from synth_nodes.world.atlas import MapAtlas

NEAR = 5e-6


def free_point(rng, grid):
    cells = np.argwhere(~grid.solid())
    row, column = cells[rng.integers(len(cells))] + rng.random(2)
    return grid.to_map(np.array([column, row]))


@given(seed=st.integers(0, 10_000), yaw=st.floats(-3.0, 3.0), resolution=st.floats(0.02, 0.4))
@hypothesis.settings(max_examples=40, deadline=None)
def test_ranges_equal_an_exact_walk_over_cell_squares(seed, yaw, resolution):
    rng = np.random.default_rng(seed)
    grid = GridMap(random_grid(rng), resolution, (*rng.uniform(-9, 9, 2), yaw))
    pose = np.array([*free_point(rng, grid), rng.uniform(-7, 7)])
    angles = np.sort(rng.uniform(-np.pi, np.pi, 40))
    reach = 20.0 * resolution
    got = cast(MapAtlas.build([grid]), np.zeros(1, int), pose[None], angles, reach)[0]
    # A ray that grazes a corner may count either way: shrunk squares bound it from above.
    nearest = ray_ranges(grid, pose, angles, np.inf, 1e-9)
    farthest = ray_ranges(grid, pose, angles, np.inf, -1e-9)
    assert np.all((got >= nearest - NEAR) | ((nearest > reach - NEAR) & np.isinf(got)))
    assert np.all((got <= farthest + NEAR) | (farthest > reach - NEAR))


@given(seed=st.integers(0, 10_000))
@hypothesis.settings(max_examples=20, deadline=None)
def test_a_ray_alone_sees_what_it_sees_among_many(seed):
    rng = np.random.default_rng(seed)
    grid = GridMap(random_grid(rng), 1.0)
    atlas = MapAtlas.build([grid])
    x, y = free_point(rng, grid)
    angles = np.sort(rng.uniform(-np.pi, np.pi, 30))
    many = cast(atlas, np.zeros(1, int), np.array([[x, y, 0.0]]), angles, 12.0)[0]
    start, _, width = atlas.arrays.shape[0]
    alone = [trace(atlas.arrays.jump, start, width, x + 1, y + 1, np.cos(a), np.sin(a), 12.0)
             for a in angles]
    assert many == pytest.approx(np.array(alone), abs=1e-5)


@given(seed=st.integers(0, 10_000), turn=st.floats(0.2, 2 * np.pi - 1e-3),
       centre=st.floats(-10.0, 10.0))
@hypothesis.settings(max_examples=60, deadline=None)
def test_discs_are_seen_by_the_beams_that_meet_them(seed, turn, centre):
    rng = np.random.default_rng(seed)
    grid = GridMap(np.zeros((200, 200), np.int8), 0.1, (-10.0, -10.0, 0.0))
    pose = np.array([*rng.uniform(-1, 1, 2), rng.uniform(-7, 7)])
    angles = centre + np.linspace(-turn / 2, turn / 2, 90)
    discs = np.c_[rng.uniform(-5, 5, (6, 2)), np.zeros((6, 2)), rng.uniform(0.05, 1.0, 6)]
    got = cast(MapAtlas.build([grid]), np.zeros(1, int), pose[None], angles, 6.0, discs[None])[0]
    want = disc_ranges(pose, angles, discs)
    want[want > 6.0] = np.inf
    grazing = np.isfinite(want) != np.isfinite(got)
    assert grazing.sum() <= 1
    assert got[~grazing] == pytest.approx(want[~grazing], abs=1e-4)


def test_rays_along_cell_edges_and_axes_end_at_the_wall():
    occupancy = np.zeros((40, 40), np.int8)
    occupancy[:, 30] = 100
    atlas = MapAtlas.build([GridMap(occupancy, 0.1)])
    angles = np.array([-np.pi / 2, 0.0, np.pi / 2, np.pi])
    pose = np.array([[1.0, 2.0, 0.0], [1.05, 2.05, 0.0]])
    got = cast(atlas, np.zeros(2, int), pose, angles, 10.0)
    assert got == pytest.approx(
        np.array([[2.0, 2.0, 2.0, 1.0], [2.05, 1.95, 1.95, 1.05]]), abs=1e-6)


def test_each_sensor_sees_its_own_map():
    empty = np.zeros((50, 50), np.int8)
    atlas = MapAtlas.build([GridMap(empty, 0.1), GridMap(empty, 0.05, (0.0, 0.0, 0.0))])
    pose = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
    got = cast(atlas, np.array([0, 1]), pose, np.array([0.0]), 10.0)
    assert got[:, 0] == pytest.approx([4.0, 1.5])


def test_nothing_in_range_reads_infinite_and_a_sensor_in_a_wall_reads_zero():
    occupancy = np.zeros((200, 200), np.int8)
    occupancy[0, 0] = 100
    atlas = MapAtlas.build([GridMap(occupancy, 0.1)])
    pose = np.array([[10.0, 10.0, 0.0], [0.05, 0.05, 0.0], [-3.0, 1.0, 0.0]])
    got = cast(atlas, np.zeros(3, int), pose, np.linspace(-3, 3, 7), 5.0)
    assert np.isinf(got[0]).all()
    assert (got[1:] == 0.0).all()


def test_unknown_cells_stop_beams():
    occupancy = np.zeros((20, 20), np.int8)
    occupancy[:, 10] = -1
    got = cast(MapAtlas.build([GridMap(occupancy, 0.1)]), np.zeros(1, int),
               np.array([[0.5, 1.0, 0.0]]), np.array([0.0]), 5.0)
    assert got[0, 0] == pytest.approx(0.5)


@pytest.mark.parametrize('angles', ([0.0, 0.0], [1.0, 0.0], [0.0, 7.0], []))
def test_beams_that_do_not_increase_within_a_turn_are_refused(angles):
    atlas = MapAtlas.build([GridMap(np.zeros((9, 9), np.int8), 0.1)])
    with pytest.raises(InputError, match='increase'):
        cast(atlas, np.zeros(1, int), np.zeros((1, 3)), np.array(angles), 5.0)


def test_shapes_that_do_not_fit_are_refused():
    atlas = MapAtlas.build([GridMap(np.zeros((9, 9), np.int8), 0.1)])
    beam = np.array([0.0])
    with pytest.raises(InputError, match='sensor_pose'):
        cast(atlas, np.zeros(1, int), np.zeros((1, 2)), beam, 5.0)
    with pytest.raises(InputError, match='actors'):
        cast(atlas, np.zeros(1, int), np.zeros((1, 3)), beam, 5.0, np.zeros((2, 1, 5)))
    with pytest.raises(InputError, match='map_index'):
        cast(atlas, np.ones(1, int), np.zeros((1, 3)), beam, 5.0)
    with pytest.raises(InputError, match='NaN'):
        cast(atlas, np.zeros(1, int), np.full((1, 3), np.nan), beam, 5.0)
