import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.tasks import goal_reaching, line_following
from synth_nodes.tasks.actions import to_action, to_command
from synth_nodes.tasks.path import PathFollower
from synth_nodes.tasks.rewards import centring, nearness, progress, unsteadiness
from synth_nodes.types import RobotSpec

ROBOT = RobotSpec()  # 0.8 m/s ahead, 0.2 m/s back, 1.5 rad/s
NOTHING = np.zeros((1, 2))
FALSE, TRUE = np.array([False]), np.array([True])


def test_progress_is_the_distance_gained_within_a_bound():
    gained = progress(np.array([5.0, 5.0, 5.0]), np.array([4.96, 5.01, 1.0]), 0.06)
    assert gained == pytest.approx([0.04, -0.01, 0.06])


def test_nearness_grows_linearly_from_comfort_to_contact():
    assert nearness(np.array([0.3, 0.25, 0.1, 0.0]), 0.25) == pytest.approx([0, 0, 0.6, 1.0])


def test_unsteadiness_is_the_mean_square_change_as_a_share_of_the_limits():
    cost = unsteadiness(np.array([[0.8, 0.0], [0.4, 1.5]]), np.zeros((2, 2)), ROBOT)
    assert cost == pytest.approx([0.5, (0.25 + 1.0) / 2])


def test_centring_is_a_bell_about_the_line():
    assert centring(np.array([0.0, 0.1, -0.1, 0.2]), 0.1) == pytest.approx(
        [1.0, np.exp(-0.5), np.exp(-0.5), np.exp(-2.0)])


def test_goal_reward_adds_its_terms_by_weight():
    rules = goal_reaching.GoalReachingRules()
    one = np.array([1.0])
    plain = goal_reaching.GoalStep(5.04 * one, 5.0 * one, one, FALSE, FALSE, NOTHING, NOTHING)
    cases = ((plain, 0.12 - 0.1 * 0.05),
             (plain._replace(arrived=TRUE), 0.12 - 0.005 + 10.0),
             (plain._replace(contact=TRUE, clearance=0 * one), 0.12 - 0.005 - 5.0 - 0.5 * 0.05),
             (plain._replace(command=np.array([[0.8, 0.0]])), 0.12 - 0.005 - 0.004 * 0.5))
    for step, expected in cases:
        assert goal_reaching.reward(rules, step, ROBOT, 0.05) == pytest.approx([expected])


def test_line_reward_counts_progress_only_near_the_line_and_setbacks_in_full():
    rules = line_following.LineFollowingRules()
    one = np.array([1.0])
    on = line_following.LineStep(5.04 * one, 5.0 * one, 0 * one, FALSE, FALSE, NOTHING, NOTHING)
    off = on._replace(offset=0.1 * one)
    cases = ((on, 0.12 - 0.005), (off, 0.12 * np.exp(-0.5) - 0.005),
             (off._replace(left_before=4.96 * one), -0.12 - 0.005),
             (on._replace(arrived=TRUE), 0.12 - 0.005 + 5.0),
             (on._replace(failed=TRUE), 0.12 - 0.005 - 5.0))
    for step, expected in cases:
        assert line_following.reward(rules, step, ROBOT, 0.05) == pytest.approx([expected])


def test_arrival_needs_nearness_without_contact():
    arrived = goal_reaching.has_arrived(np.array([0.2, 0.3, 0.2]), np.array([0, 0, 1], bool), 0.25)
    assert arrived.tolist() == [True, False, False]


def test_time_allowed_grows_with_the_way():
    assert goal_reaching.time_allowed(np.array([8.0]), 0.8, 4.0) == pytest.approx([60.0])


def test_actions_scale_to_the_limits_and_back():
    actions = np.array([[1.0, -1.0], [-1.0, 0.5], [0.5, 3.0]])
    command = to_command(actions, ROBOT)
    assert command == pytest.approx(np.array([[0.8, -1.5], [-0.2, 0.75], [0.4, 1.5]]))
    assert to_action(command, ROBOT) == pytest.approx(np.clip(actions, -1, 1))


def test_broken_actions_are_refused():
    with pytest.raises(InputError, match='shape'):
        to_command(np.zeros(2), ROBOT)
    with pytest.raises(InputError, match='NaN'):
        to_command(np.array([[0.0, np.nan]]), ROBOT)


def test_line_is_seen_from_base_link():
    follower = PathFollower([[[0.0, 0.0], [5.0, 0.0]]])
    pose = np.array([[1.0, 0.2, np.pi / 2]])
    left = follower.locate(pose[:, :2])
    seen = line_following.observe(follower, pose, np.zeros((1, 3)),
                                  line_following.LineFollowingRules(ahead=(0.5, 1.0)))
    assert left == pytest.approx([4.0], abs=0.01)
    assert seen['line'] == pytest.approx(np.array([[0.2, np.pi / 2]]), abs=1e-6)
    assert seen['ahead'][0] == pytest.approx(np.array([[-0.2, -0.5], [-0.2, -1.0]]), abs=1e-6)


@pytest.mark.parametrize('closed', [True, False])
def test_stretches_follow_the_line_in_both_directions(closed):
    turn = np.linspace(0.0, 2.0 * np.pi if closed else np.pi, 200)
    circle = 3.0 * np.column_stack((np.cos(turn), np.sin(turn)))
    ways = set()
    for seed in range(12):
        path = line_following.stretch(circle, np.random.default_rng(seed), 6.0)
        steps = np.hypot(*np.diff(path, axis=0).T)
        assert steps.max() < 0.11
        assert np.hypot(*path.T) == pytest.approx(3.0, abs=0.01)
        assert (5.9 < steps.sum() < 6.1) if closed else (2.9 < steps.sum() < 6.1)
        ways.add(bool(
            path[0, 0] * path[1, 1] - path[0, 1] * path[1, 0] > 0))
    assert ways == {True, False}


def test_a_line_without_length_is_refused():
    with pytest.raises(InputError, match='no length'):
        line_following.stretch(np.ones((3, 2)), np.random.default_rng(0), 5.0)
