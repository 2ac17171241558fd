import numpy as np
import pytest

from synth_nodes.campaign.fleet_guard import FleetGuard
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.tasks.course import Course
from synth_nodes.tasks.fleet import Fleet
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.train.evaluate import evaluate, EvaluationSettings
from synth_nodes.types import LidarSpec, RobotSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.building import generate_building

ROBOT, LIDAR = RobotSpec(), LidarSpec(beams=180)
ALONE = ActorSettings(count=0)
FULL = np.array([ROBOT.max_speed, 0.0])


def ahead(observation):
    return np.tile(FULL, (len(observation['goal']), 1))


@pytest.fixture(scope='module')
def building():
    return generate_building(7, 14.0, 10.0)


def contacts(building, guard):
    settings = EvaluationSettings(episodes=8, max_length=8.0, patience=1.0, actors=ALONE)
    return evaluate(ahead, [building], ROBOT, LIDAR, settings=settings, guard=guard).total.contacts


def test_guard_keeps_a_blind_driver_from_walls(building):
    guard = FleetGuard(SafetyRules(), ROBOT, LIDAR)
    assert contacts(building, None) > 4
    assert contacts(building, guard) == 0
    assert guard.lowered > 0


def test_guard_stops_robots_whose_scans_say_nothing(building):
    course = Course([building], ROBOT)
    fleet = Fleet(course, LIDAR, ObservationSpec(), ALONE, np.zeros(2, np.int64), 0)
    rng = np.random.default_rng(0)
    fleet.begin([0, 1], [course.errand(rng, 0, 2.0, 8.0) for _ in range(2)])
    fleet.observe()
    fleet.ranges[0] = np.nan
    slow = np.tile((0.1, 0.0), (2, 1))
    out = FleetGuard(SafetyRules(), ROBOT, LIDAR)(fleet, slow, np.ones(2, bool))
    assert (out[0] == 0.0).all() and out[1, 0] > 0.0


def test_guard_gives_nothing_to_robots_that_are_done(building):
    course = Course([building], ROBOT)
    fleet = Fleet(course, LIDAR, ObservationSpec(), ALONE, np.zeros(2, np.int64), 0)
    rng = np.random.default_rng(0)
    fleet.begin([0, 1], [course.errand(rng, 0, 2.0, 8.0) for _ in range(2)])
    fleet.observe()
    out = FleetGuard(SafetyRules(), ROBOT, LIDAR)(
        fleet, np.tile((0.1, 0.0), (2, 1)), np.array([True, False]))
    assert out[0, 0] > 0.0 and (out[1] == 0.0).all()
