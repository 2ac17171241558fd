from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.tasks.course import Course
from synth_nodes.train.evaluate import evaluate, EvaluationSettings, random_policy, wilson
from synth_nodes.train.progress import WorkCancelled
from synth_nodes.types import FREE, GridMap, LidarSpec, OCCUPIED, RobotSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.building import generate_building

ROBOT, LIDAR = RobotSpec(), LidarSpec(beams=120)
ALONE = ActorSettings(count=0)
FEW = EvaluationSettings(episodes=6, max_length=10.0, actors=ALONE)


@pytest.fixture(scope='module')
def building():
    return generate_building(7, 14.0, 10.0)


@given(st.integers(0, 300), st.integers(0, 300))
def test_wilson_interval_contains_the_proportion(hits, misses):
    low, high = wilson(hits, hits + misses)
    assert 0.0 <= low <= high <= 1.0
    if hits + misses:
        assert low - 1e-12 <= hits / (hits + misses) <= high + 1e-12


def test_wilson_interval_of_a_known_case():
    # Newcombe (1998), Statistics in Medicine 17, table I: 81 of 263 gives 0.2553 to 0.3662.
    assert wilson(81, 263) == (pytest.approx(0.2553, abs=1e-4), pytest.approx(0.3662, abs=1e-4))


def test_expert_arrives_without_contact(building):
    total = evaluate(None, [building], ROBOT, LIDAR, settings=FEW).total
    assert (total.arrived, total.contacts, total.timeouts) == (6, 0, 0)
    assert total.efficiency > 0.85
    assert total.clearance > 0.0


def test_robot_that_stands_still_runs_out_of_time(building):
    settings = EvaluationSettings(episodes=3, max_length=4.0, actors=ALONE)
    total = evaluate(lambda seen: np.zeros((len(seen['scan']), 2)), [building], ROBOT, LIDAR,
                     settings=settings).total
    assert (total.arrived, total.contacts, total.timeouts) == (0, 0, 3)


def test_robot_that_drives_blindly_touches_something(building):
    total = evaluate(lambda seen: np.tile([0.8, 0.0], (len(seen['scan']), 1)), [building],
                     ROBOT, LIDAR, settings=FEW).total
    assert total.contacts >= 5
    assert total.contact_low > 0.3


def test_same_seed_gives_the_same_scores_and_maps_are_kept_apart(building):
    maps = [building, generate_building(8, 14.0, 10.0)]
    settings = EvaluationSettings(episodes=2, max_length=6.0, seed=3)
    first = evaluate(None, maps, ROBOT, LIDAR, settings=settings)
    assert first == evaluate(None, maps, ROBOT, LIDAR, settings=settings)
    assert list(first.to_dict()) == ['building_7', 'building_8', 'all']
    assert first.total.episodes == 4


def test_evaluation_stops_when_told(building):
    with pytest.raises(WorkCancelled):
        evaluate(None, [building], ROBOT, LIDAR, settings=FEW, cancelled=lambda: True)


def test_map_that_is_too_small_for_the_ways_asked_for_is_refused():
    cells = np.full((40, 40), FREE, np.int8)
    cells[[0, -1]] = cells[:, [0, -1]] = OCCUPIED
    course = Course([GridMap(cells, 0.05, name='closet')], ROBOT)
    with pytest.raises(InputError, match='closet'):
        course.errand(np.random.default_rng(0), 0, 5.0, 10.0)


def test_failures_tell_where_each_errand_ended(building):
    result = evaluate(random_policy(ROBOT), [building], ROBOT, LIDAR,
                      settings=EvaluationSettings(episodes=6, max_length=8.0, patience=1.0))
    total = result.total
    kinds = [failure.kind for failure in result.failures]
    assert kinds.count('contact') == total.contacts
    assert kinds.count('timeout') == total.timeouts
    assert len(kinds) == total.episodes - total.arrived > 0
    for failure in result.failures:
        assert failure.map_name == building.name
        assert np.hypot(*(failure.track[0] - failure.way[0])) < 0.1
        assert np.hypot(*np.diff(failure.track, axis=0).T).max() < 0.3


def test_a_driver_that_stands_is_late_and_steady(building):
    def stand(observation):
        return np.zeros((len(observation['goal']), 2))

    result = evaluate(stand, [building], ROBOT, LIDAR, settings=replace(FEW, patience=1.0))
    assert result.total.timeouts == 6
    assert {failure.kind for failure in result.failures} == {'timeout'}


def test_expert_has_intervals_about_its_means(building):
    total = evaluate(None, [building], ROBOT, LIDAR, settings=FEW).total
    assert 0.0 < total.duration_half < total.duration
    assert 0.0 < total.unsteadiness < 0.5
