from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.tasks.planner import clearance_field, NoPathError, Planner
from synth_nodes.tasks.search import shortest_way, way_lengths
from synth_nodes.types import FREE, GridMap, OCCUPIED, RobotSpec, UNKNOWN
from synth_nodes.world.building import generate_building

ROBOT = RobotSpec()


def hall(width=10.0, height=6.0, origin=(0.0, 0.0, 0.0), resolution=0.05):
    cells = np.full((round(height / resolution), round(width / resolution)), FREE, np.int8)
    cells[[0, -1]] = OCCUPIED
    cells[:, [0, -1]] = OCCUPIED
    return GridMap(cells, resolution, origin, 'hall')


def with_wall(grid, gap):
    """Wall across the middle with a door of some width."""
    cells = grid.occupancy.copy()
    middle, half = cells.shape[1] // 2, round(gap / 2 / grid.resolution)
    centre = cells.shape[0] // 2
    cells[:, middle:middle + 2] = OCCUPIED
    cells[centre - half:centre + half, middle:middle + 2] = FREE
    return GridMap(cells, grid.resolution, grid.origin, 'two_rooms')


def test_clearance_is_never_more_than_the_true_gap():
    field = clearance_field(hall())
    assert field[60, 100] == pytest.approx(2.95, abs=0.1)
    assert field[60, 100] <= 2.975
    assert field[0, 0] == 0.0


def test_unknown_cells_are_not_driven_on():
    grid = hall()
    grid.occupancy[:, 100:] = UNKNOWN
    planner = Planner(grid, ROBOT)
    with pytest.raises(NoPathError, match=r'goal \(8.00, 3.00\) is not in free space'):
        planner.plan((2.0, 3.0), (8.0, 3.0))


def test_path_goes_through_the_door_with_clearance():
    grid = with_wall(hall(), 1.0)
    planner = Planner(grid, ROBOT)
    path = planner.plan((2.0, 1.0), (8.0, 5.0))
    assert np.allclose(path[0], (2.0, 1.0))
    assert np.allclose(path[-1], (8.0, 5.0))
    at_door = path[np.abs(path[:, 0] - 5.05).argmin()]
    assert at_door[1] == pytest.approx(3.0, abs=0.15)


def test_door_narrower_than_the_robot_is_no_way():
    planner = Planner(with_wall(hall(), 0.5), ROBOT)
    with pytest.raises(NoPathError, match='no way from'):
        planner.plan((2.0, 1.0), (8.0, 5.0))


def test_start_near_a_wall_is_moved_to_free_space():
    path = Planner(hall(), ROBOT).plan((0.2, 3.0), (8.0, 3.0))
    assert path[0, 0] == pytest.approx(0.45, abs=0.15)


@pytest.mark.parametrize('start', [(np.nan, 0.0), (1.0, 2.0, 3.0), (-40.0, 0.0)])
def test_bad_start_is_refused_in_one_line(start):
    with pytest.raises(NoPathError, match='start') as caught:
        Planner(hall(), ROBOT).plan(start, (8.0, 3.0))
    assert '\n' not in str(caught.value)


def test_map_without_room_for_the_robot_is_refused():
    with pytest.raises(InputError, match='no free place for a robot'):
        Planner(hall(1.0, 0.5), ROBOT)


def test_turned_and_moved_map_gives_the_turned_and_moved_path():
    plain = Planner(hall(), ROBOT).plan((2.0, 1.5), (8.0, 4.5))
    moved_map = hall(origin=(3.0, -2.0, 0.7))
    start, goal = moved_map.to_map(np.array([[2.0, 1.5], [8.0, 4.5]]) / 0.05)
    moved = Planner(moved_map, ROBOT).plan(start, goal)
    assert np.allclose(moved, moved_map.to_map(plain / 0.05), atol=1e-6)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000))
def test_paths_in_buildings_keep_clear_and_evenly_spaced(seed):
    grid = generate_building(seed % 4, 14.0, 10.0)
    planner = Planner(grid, ROBOT)
    rng = np.random.default_rng(seed)
    start = planner.sample_start(rng)
    field = clearance_field(grid)
    for goal in planner.sample_goals(rng, start, 3, 2.0, 15.0):
        path = planner.plan(start, goal)
        steps = np.hypot(*np.diff(path, axis=0).T)
        assert (steps < 0.11).all()
        assert steps.sum() < 18.0
        column, row = np.floor(grid.to_cells(path)).astype(int).T
        assert field[row, column].min() > ROBOT.radius


def test_goals_that_are_too_far_are_refused_with_the_farthest_distance():
    planner = Planner(hall(), ROBOT)
    with pytest.raises(NoPathError, match='farthest reachable place is'):
        planner.sample_goals(np.random.default_rng(0), (2.0, 2.0), 1, 100.0, 200.0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_a_star_finds_ways_as_cheap_as_dijkstra(seed):
    rng = np.random.default_rng(seed)
    cost = np.ones((12, 15), np.float32)
    cost[rng.random(cost.shape) < 0.3] = np.inf
    start, goal = (0, 0), (11, 14)
    cost[start] = cost[goal] = 1.0
    way = shortest_way(cost, start, goal)
    length = way_lengths(cost, start)[goal]
    if way is None:
        assert np.isinf(length)
    else:
        assert np.isfinite(cost[tuple(way.T)]).all()
        assert np.hypot(*np.diff(way, axis=0).T).sum() == pytest.approx(length, rel=1e-5)
