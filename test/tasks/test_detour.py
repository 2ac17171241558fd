from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.tasks.course import Course, Errand
from synth_nodes.tasks.detour import Detours, DetourSettings
from synth_nodes.tasks.fleet import Fleet
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.tasks.path import path_length
from synth_nodes.tasks.planner import Planner
from synth_nodes.tasks.sighting import View
from synth_nodes.train.trial import Trial
from synth_nodes.types import FREE, GridMap, LidarSpec, OCCUPIED, RobotSpec
from synth_nodes.world.actors import ActorSettings

ROBOT, LIDAR = RobotSpec(), LidarSpec()
SETTINGS = DetourSettings(patience=3.0, still=1.0, room=1.2, retry=0.5, memory=20.0)
GOAL = np.array((8.0, 1.5))
START = np.array((2.0, 1.5, 0.0))
BEFORE_DOOR = np.array((4.2, 1.5, 0.0))
DOORS = (5.05, 1.5), (5.05, 4.5)


def two_doors():
    """Two rooms side by side, joined by two doors of 1 m."""
    cells = np.full((120, 200), FREE, np.int8)
    cells[[0, -1]] = cells[:, [0, -1]] = OCCUPIED
    cells[:, 100:102] = OCCUPIED
    for _, y in DOORS:
        middle = round(y / 0.05)
        cells[middle - 10:middle + 10, 100:102] = FREE
    return GridMap(cells, 0.05, name='two_doors')


@pytest.fixture(scope='module')
def planner():
    return Planner(two_doors(), ROBOT)


def watcher(planner, settings=SETTINGS):
    detours = Detours((planner,), np.zeros(1, np.int64), settings)
    detours.begin(np.zeros(1, np.int64), GOAL[None])
    return detours


def sees(pose, *things):
    """Make a scan of a few beams that end at given points."""
    away = np.array(things).reshape(-1, 2) - pose[:2]
    return View(np.array(pose[:2]), np.arctan2(away[:, 1], away[:, 0]), np.hypot(*away.T))


def across(door):
    """Points of something that fills a door."""
    return [(door[0], door[1] + y) for y in (-0.2, -0.1, 0.0, 0.1, 0.2)]


def wait(detours, pose, left, seen, begin, seconds):
    """Let a robot stand for a while; return when it got a way, and that way."""
    for now in np.arange(begin, begin + seconds, 0.05):
        ways = detours.step(now, np.asarray(pose)[None], np.array([left]), lambda _: seen)
        if ways:
            return now, ways[0]
    return None, None


def test_robot_before_a_blocked_door_is_sent_through_the_other_one(planner):
    detours = watcher(planner)
    when, way = wait(detours, BEFORE_DOOR, 3.8, sees(BEFORE_DOOR, *across(DOORS[0])), 10.0, 9.0)
    assert when == pytest.approx(10.0 + SETTINGS.patience, abs=0.06)
    assert np.hypot(*(way - DOORS[1]).T).min() < 0.2
    assert np.hypot(*(way - DOORS[0]).T).min() > ROBOT.radius
    assert way[0] == pytest.approx(BEFORE_DOOR[:2]) and way[-1] == pytest.approx(GOAL)
    assert detours.found[0] == 1 and detours.stood_aside[0] == 0


def test_robot_that_gets_on_keeps_its_way(planner):
    detours = watcher(planner)

    def look(row):
        raise AssertionError('asked for the scan of a robot that is not blocked')

    for k in range(400):
        pose = np.array((START[0] + 0.02 * k, START[1], 0.0))
        assert not detours.step(0.1 * k, pose[None], np.array([10.0 - 0.02 * k]), look)


def test_robots_at_their_goals_and_those_that_are_done_are_left_alone(planner):
    seen = sees(BEFORE_DOOR, *across(DOORS[0]))
    at_goal = np.array((*(GOAL - (0.2, 0.0)), 0.0))
    assert wait(watcher(planner), at_goal, 0.2, seen, 0.0, 10.0)[1] is None
    detours = watcher(planner)
    for now in np.arange(0.0, 10.0, 0.1):
        assert not detours.step(now, BEFORE_DOOR[None], np.array([3.8]), lambda _: seen,
                                np.zeros(1, bool))


def test_robot_that_sees_nothing_new_keeps_its_way(planner):
    assert wait(watcher(planner), BEFORE_DOOR, 3.8, sees(BEFORE_DOOR), 0.0, 10.0)[1] is None


def test_what_walks_by_is_not_planned_around(planner):
    detours = watcher(planner)
    for now in np.arange(0.0, 12.0, 0.05):
        seen = sees(BEFORE_DOOR, (5.0, 0.5 + 0.3 * now % 2.0))
        assert not detours.step(now, BEFORE_DOOR[None], np.array([3.8]), lambda _, s=seen: s)


def test_detour_that_is_too_long_is_not_taken(planner):
    seen = sees(BEFORE_DOOR, *across(DOORS[0]))
    detours = watcher(planner, replace(SETTINGS, longer=2.0, room=0.0))
    assert wait(detours, BEFORE_DOOR, 3.8, seen, 0.0, 10.0)[1] is None


def test_robot_does_not_return_to_the_door_it_was_sent_away_from(planner):
    detours = watcher(planner)
    wait(detours, BEFORE_DOOR, 3.8, sees(BEFORE_DOOR, *across(DOORS[0])), 0.0, 9.0)
    there = np.array((4.2, 4.5, 0.0))
    for k, left in enumerate(np.arange(9.0, 5.0, -0.2)):
        detours.step(4.0 + 0.2 * k, there[None], np.array([left]), lambda _: sees(there))
    now, way = wait(detours, there, 5.0, sees(there, *across(DOORS[1])), 8.0, 9.0)
    assert now is not None
    assert np.hypot(*(way - DOORS[0]).T).min() > 1.0  # aside instead
    assert detours.stood_aside[0] == 1


def test_without_another_way_the_robot_stands_aside_until_its_way_is_free(planner):
    blocked = [*across(DOORS[0]), *across(DOORS[1])]
    detours = watcher(planner, replace(SETTINGS, sight=8.0, stay=60.0))
    now, way = wait(detours, BEFORE_DOOR, 3.8, sees(BEFORE_DOOR, *blocked), 0.0, 9.0)
    aside = way[-1]
    assert np.hypot(*(np.array(blocked) - aside).T).min() > SETTINGS.room - 0.2
    assert path_length(way) < 2.0
    pose = np.array((*aside, 0.0))
    assert wait(detours, pose, 0.1, sees(pose, *blocked), now, 10.0)[1] is None
    free = sees(pose, *blocked)
    free.ranges[:5] = np.inf  # looks through the first door
    _, way = wait(detours, pose, 0.1, free, now + 10.0, 2.0)
    assert np.hypot(*(way - DOORS[0]).T).min() < 0.2 and way[-1] == pytest.approx(GOAL)


def test_robot_tries_its_way_again_when_it_stood_aside_for_long(planner):
    blocked = [*across(DOORS[0]), *across(DOORS[1])]
    detours = watcher(planner, replace(SETTINGS, sight=8.0, stay=6.0))
    begun, way = wait(detours, BEFORE_DOOR, 3.8, sees(BEFORE_DOOR, *blocked), 0.0, 9.0)
    pose = np.array((*way[-1], 0.0))
    now, way = wait(detours, pose, 0.1, sees(pose, *blocked), begun, 20.0)
    assert now == pytest.approx(begun + 6.0, abs=0.6)
    assert way[-1] == pytest.approx(GOAL)


def test_robot_before_a_taken_goal_stands_aside(planner):
    pose = np.array((7.2, 1.5, 0.0))
    seen = sees(pose, *((GOAL[0], GOAL[1] + y) for y in (-0.1, 0.0, 0.1)))
    _, way = wait(watcher(planner), pose, 0.8, seen, 0.0, 9.0)
    assert np.hypot(*(way[-1] - GOAL)) > 1.0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(-1.0, 11.0), st.floats(-1.0, 7.0)), max_size=6),
       st.floats(0.0, 0.3))
def test_places_beside_things_are_never_free(planner, points, gap):
    things = np.array(points).reshape(-1, 2)
    before = planner.free.copy()
    around = planner.around(things, gap)
    np.testing.assert_array_equal(planner.free, before)
    assert not (around.free & ~planner.free).any()
    rows, cols = np.nonzero(planner.free)
    centres = (2.0 * np.stack((cols, rows), axis=-1) + 1.5) * 0.05  # of their middle cells
    near = np.full(len(centres), np.inf)
    for thing in things:
        near = np.minimum(near, np.hypot(*(centres - thing).T))
    free = around.free[rows, cols]
    # Things are taken to a quarter of a cell.
    assert not (free & (near < planner.required + gap - 0.03)).any()
    assert (free | (near < planner.required + gap + 0.09)).all()


@pytest.mark.parametrize('detours', [None, SETTINGS], ids=['without', 'with'])
def test_robot_arrives_past_a_person_who_stands_in_a_door_only_by_a_detour(detours):
    course = Course([two_doors()], ROBOT)
    person = ActorSettings(count=1, speed=0.0, give_way=False)
    fleet = Fleet(course, LIDAR, ObservationSpec(), person, np.zeros(1, np.int64), 3,
                  detours=detours)
    fleet.begin([0], [Errand(START, course.planners[0].plan(START[:2], GOAL))])
    trial = Trial(fleet, ROBOT, LIDAR, 0.25, 4.0)
    while not trial.done.all():
        fleet.world.actors[0, 0, :2] = DOORS[0]
        fleet.observe()
        trial.advance(fleet.expert())
    assert bool(trial.arrived[0]) == (detours is not None)
    assert not trial.contact[0]
    assert fleet.lengths[0] == pytest.approx(6.0, abs=0.3)
    assert path_length(fleet.way(0)) == pytest.approx(fleet.lengths[0])
