"""Which point binds which robot, against a loop over all of them."""

import numpy as np
import pytest

from synth_nodes.safety.rows import robots_of, Rows, strictest


def rows_of(rng, count, robots):
    return Rows(np.sort(rng.integers(0, robots, count)), rng.uniform(-1, 1, count),
                rng.uniform(-1, 1, count), rng.uniform(0, 1, count), rng.integers(0, 3, count),
                rng.random(count) < 0.2)


def by_hand(rows, values, free, min_points, robot):
    """The value that binds: the lowest over sources of the min_points-th lowest of each."""
    found = []
    for source in range(3):
        for unseen in (False, True):
            mine = (rows.robot == robot) & (rows.source == source) & (rows.unseen == unseen)
            low = np.sort(values[mine & (values < free)])
            need = 1 if unseen else min_points
            found += [low[need - 1]] if len(low) >= need else []
    return min(found, default=None)


@pytest.mark.parametrize('min_points', [1, 2, 3])
def test_row_that_binds_is_the_one_that_a_loop_finds(min_points):
    rng = np.random.default_rng(min_points)
    for _ in range(60):
        rows = rows_of(rng, int(rng.integers(0, 40)), 4)
        values = rng.uniform(0, 1, len(rows.x)).round(2)
        index = strictest(rows, values, 0.6, min_points, 5)
        assert index.shape == (5,) and index[4] == -1
        for robot in range(4):
            expected = by_hand(rows, values, 0.6, min_points, robot)
            assert (index[robot] == -1) == (expected is None)
            if expected is not None:
                assert values[index[robot]] == expected and rows.robot[index[robot]] == robot


def test_value_of_just_what_is_free_does_not_bind():
    rows = rows_of(np.random.default_rng(0), 3, 1)
    assert strictest(rows, np.full(3, 1.0), 1.0, 1, 1).tolist() == [-1]
    assert strictest(rows, np.array((1.0, 0.5, 0.75)), 1.0, 1, 1).tolist() == [1]


def test_single_robot_is_bound_by_the_first_of_its_lowest_values():
    rows = rows_of(np.random.default_rng(0), 4, 1)
    assert strictest(rows, np.array((0.5, np.nan, 0.25, 0.25)), 1.0, 1, 1).tolist() == [2]
    assert strictest(rows, np.array((0.5, np.nan, 1.0, 1.0)), 0.5, 1, 1).tolist() == [-1]
    assert strictest(rows.take(np.zeros(0, int)), np.zeros(0), 1.0, 1, 1).tolist() == [-1]


def test_points_get_what_their_robots_have():
    rows = rows_of(np.random.default_rng(1), 30, 3)
    values = np.array((1.0, 2.0, 4.0))
    assert rows.each(values).tolist() == [values[r] for r in rows.robot]
    assert robots_of(rows, slice(None)).tolist() == sorted(set(rows.robot.tolist()))
    assert robots_of(rows, rows.robot == 1).tolist() == [1]
    assert robots_of(rows, rows.robot > 2).tolist() == []


def test_taken_rows_keep_their_columns():
    rows = rows_of(np.random.default_rng(0), 6, 2)
    few = rows.take(np.array((4, 1)))
    for name in ('robot', 'x', 'y', 'age', 'source', 'unseen'):
        assert getattr(few, name).tolist() == getattr(rows, name)[[4, 1]].tolist()
