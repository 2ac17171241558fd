"""Nav2's semantics in batch are those of the single judge; the strict one is the node's."""

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.campaign.batch import draw_batch, View
from synth_nodes.campaign.judges import nav2_approach, nav2_stop, none, PEERS, strict
from synth_nodes.safety.core import judge
from synth_nodes.safety.nav2 import nav2_judge
from synth_nodes.safety.nav2_zones import SourceSetup, UserZone
from synth_nodes.safety.observed import Observed
from synth_nodes.safety.sources import PointSource, RobotState


def view(seed, count=20):
    """Random robots, points around them, and commands."""
    rng = np.random.default_rng(seed)
    setup = draw_batch(seed, 0, 1).setup
    points = rng.uniform(-1.2, 1.2, (count, 12, 2))
    points[rng.random((count, 12)) < 0.3] = np.nan
    command = rng.uniform(-1, 1, (count, 3)) * (setup.robot.max_speed, 0.0,
                                                setup.robot.max_turn_rate)
    command[:, 0] = np.maximum(command[:, 0], -setup.robot.max_reverse_speed)
    age = rng.uniform(0.0, 0.1, count)
    still = np.zeros((count, 3))
    return View(setup, points, still, still, age, 0.5 * command, command,
                rng.random(count) < 0.5, np.zeros((count, 1, 3)), np.arange(count), 0.0)


def seen(points):
    return Observed(SourceSetup('scan', timeout=0.0), points[~np.isnan(points[:, 0])], age=0.0)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10 ** 6), st.sampled_from([1.2, 2.0]), st.integers(1, 3))
def test_batched_approach_is_that_of_the_nav2_judge(seed, time, need):
    scene = view(seed)
    zone = UserZone('Footprint', 'polygon', 'approach', scene.setup.robot.polygon,
                    min_points=need, time_before_collision=time)
    answer = nav2_approach(time, 0.1, need)(scene)
    for row, command in enumerate(scene.command):
        single = nav2_judge([zone], [seen(scene.carried[row])], command).verdict
        assert answer.command[row] == pytest.approx(single.command, rel=1e-12, abs=1e-15)
        assert answer.obstacle[row] == (single.action == 'approach')


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10 ** 6), st.integers(1, 3))
def test_batched_stop_zone_is_that_of_the_nav2_judge(seed, need):
    scene = view(seed)
    polygon = scene.setup.robot.polygon
    low, high = polygon.min(axis=0) - 0.3, polygon.max(axis=0) + 0.3
    box = np.array([high, (low[0], high[1]), low, (high[0], low[1])])
    zone = UserZone('Stop', 'polygon', 'stop', box, min_points=need)
    answer = nav2_stop(0.3, need)(scene)
    for row, command in enumerate(scene.command):
        single = nav2_judge([zone], [seen(scene.carried[row])], command).verdict
        assert answer.command[row] == pytest.approx(single.command)


@pytest.mark.parametrize('seed', range(3))
def test_strict_answer_is_the_verdict_of_the_node(seed):
    scene = view(seed)
    answer = strict(scene)
    for row, command in enumerate(scene.command):
        points = scene.points[row][~np.isnan(scene.points[row, :, 0])]
        state = RobotState(scene.velocity[row], 0.0, scene.pending[row])
        first = judge(scene.setup.rules, scene.setup.robot, state,
                      [PointSource('scan', points, scene.age[row], True)], command)
        if not scene.grown[row]:
            assert answer.command[row] == pytest.approx(first.command, abs=1e-12)


def test_no_monitor_lets_all_through_and_the_peers_have_names():
    scene = view(1)
    assert np.array_equal(none(scene).command, scene.command)
    assert set(PEERS) == {'nav2_approach_1.2', 'nav2_approach_2.0', 'nav2_stop_0.3'}
