from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.tasks.path import PathFollower, resample, to_base

coordinate = st.floats(-50.0, 50.0)
polyline = st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=20)


@given(polyline)
def test_resampled_path_keeps_its_ends_and_even_spacing(points):
    path = resample(points)
    assert np.allclose(path[0], points[0])
    assert np.allclose(path[-1], points[-1])
    steps = np.hypot(*np.diff(path, axis=0).T)
    assert (steps < 0.16).all()


@pytest.mark.parametrize('path, word', [
    ([], 'shape'), ([[1.0, 2.0, 3.0]], 'shape'), ([[0.0, np.nan]], 'finite')])
def test_broken_path_is_refused_in_one_line(path, word):
    with pytest.raises(InputError, match=word) as caught:
        resample(path)
    assert '\n' not in str(caught.value)


@given(st.floats(-np.pi, np.pi), coordinate, coordinate, coordinate, coordinate)
def test_to_base_keeps_distance_and_undoes_the_pose(yaw, x, y, u, v):
    base = to_base(np.array([[u, v]]), np.array([[x, y, yaw]]))[0]
    back = (x + np.cos(yaw) * base[0] - np.sin(yaw) * base[1],
            y + np.sin(yaw) * base[0] + np.cos(yaw) * base[1])
    assert np.allclose(back, (u, v), atol=1e-9)


def test_carrot_lies_at_lookahead_on_a_straight_path():
    follower = PathFollower([[[0.0, 0.0], [10.0, 0.0]]])
    assert np.allclose(follower.goal([[0.0, 0.0, 0.0]]), [[1.2, 0.0, 10.0]], atol=0.01)
    assert np.allclose(follower.goal([[1.0, 0.0, np.pi / 2]]), [[0.0, -1.2, 9.0]], atol=0.01)


def test_carrot_is_nearer_before_a_sharp_bend():
    corner = [[0.0, 0.0], [1.0, 0.0], [1.0, 5.0]]
    x, y, left = PathFollower([corner]).goal([[0.5, 0.0, 0.0]])[0]
    assert np.hypot(x, y) < 0.9
    assert left == pytest.approx(5.5, abs=0.02)


def test_progress_does_not_jump_between_passes_of_a_path_that_returns():
    there_and_back = [[0.0, 0.0], [6.0, 0.0], [6.0, 0.4], [0.0, 0.4]]
    follower = PathFollower([there_and_back])
    for x in np.arange(0.0, 3.0, 0.1):
        left = follower.goal([[x, 0.15, 0.0]])[0, 2]
    assert left == pytest.approx(6.0 - x + 6.4, abs=0.15)


def test_robot_put_elsewhere_is_found_on_its_path_again():
    follower = PathFollower([[[0.0, 0.0], [20.0, 0.0]]])
    follower.goal([[0.0, 0.0, 0.0]])
    assert follower.goal([[15.0, 0.1, 0.0]])[0, 2] == pytest.approx(5.0, abs=0.11)


def test_remaining_distance_falls_to_zero_at_the_end():
    follower = PathFollower([[[0.0, 0.0], [3.0, 0.0]]])
    lefts = [follower.goal([[x, 0.0, 0.0]])[0, 2] for x in np.linspace(0.0, 3.0, 61)]
    assert (np.diff(lefts) <= 1e-9).all()
    assert lefts[-1] == pytest.approx(0.0, abs=1e-9)


def test_path_of_one_point_is_steered_for():
    x, y, left = PathFollower([[[1.0, 1.0]]]).goal([[0.0, 0.0, 0.0]])[0]
    assert (x, y) == (1.0, 1.0)
    assert left == pytest.approx(np.sqrt(2.0))


@settings(max_examples=50)
@given(st.lists(polyline, min_size=1, max_size=4), st.integers(0, 10**6))
def test_batch_gives_what_each_robot_gets_alone(paths, seed):
    pose = np.random.default_rng(seed).uniform(-3, 3, (3, len(paths), 3))
    spec = ObservationSpec(lookahead=0.8)
    together = PathFollower(paths, spec)
    alone = [PathFollower([p], spec) for p in paths]
    for at in pose:
        rows = [f.goal(at[k:k + 1])[0] for k, f in enumerate(alone)]
        assert np.allclose(together.goal(at), rows, atol=1e-9)
