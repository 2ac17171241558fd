import math

import numpy as np

from synth_nodes.tasks.mission import draw_goals, Event, Mission
from synth_nodes.tasks.planner import Planner
from synth_nodes.types import GridMap, RobotSpec

GOALS = np.array([(2.0, 0.0), (4.0, 0.0)])


def new_mission(timeout: float = 10.0) -> Mission:
    return Mission(GOALS, [2.0, 2.0], tolerance=0.3, timeout=timeout)


def drive(mission: Mission, places: list[tuple[float, float]], start: float = 0.0) -> list[Event]:
    return [mission.step(start + i, place) for i, place in enumerate(places)]


def test_goals_are_sent_one_after_another() -> None:
    mission = new_mission()
    events = drive(mission, [(0.0, 0.0), (1.0, 0.0), (1.8, 0.0), (3.0, 0.0), (3.9, 0.0)])
    assert events == [Event.SEND, Event.NONE, Event.SEND, Event.NONE, Event.FINISHED]
    assert [r.reached for r in mission.results] == [True, True]


def test_results_say_time_and_way_of_each_goal() -> None:
    mission = new_mission()
    drive(mission, [(0.0, 0.0), (1.0, 0.0), (1.8, 0.0), (3.9, 0.0)])
    first, second = mission.results
    assert (first.sent, first.ended) == (0.0, 2.0)
    assert math.isclose(first.driven, 1.8)
    assert math.isclose(first.distance, 0.2)
    assert math.isclose(second.driven, 2.1)


def test_a_goal_that_takes_too_long_is_missed_and_the_next_is_sent() -> None:
    mission = new_mission(timeout=3.0)
    events = drive(mission, [(0.0, 0.0)] * 7)
    assert events == [Event.SEND, Event.NONE, Event.NONE, Event.SEND, Event.NONE, Event.NONE,
                      Event.FINISHED]
    assert [r.reached for r in mission.results] == [False, False]
    assert mission.describe_last().startswith('goal 2 of 2 missed by 4.0 m')


def test_a_finished_mission_stays_finished() -> None:
    mission = new_mission()
    drive(mission, [(0.0, 0.0), (2.0, 0.0), (4.0, 0.0)])
    assert mission.step(99.0, (0.0, 0.0)) is Event.FINISHED
    assert len(mission.results) == 2


def test_drawn_goals_form_a_chain_of_ways_of_fitting_length() -> None:
    cells = np.full((120, 200), 100, np.int8)
    cells[2:-2, 2:-2] = 0
    planner = Planner(GridMap(cells, 0.05), RobotSpec())
    goals, lengths = draw_goals(planner, 3, (1.0, 1.0), 6, 2.0, 5.0)
    again, _ = draw_goals(planner, 3, (1.0, 1.0), 6, 2.0, 5.0)
    assert np.array_equal(goals, again)
    places = np.vstack(((1.0, 1.0), goals))
    straight = np.hypot(*np.diff(places, axis=0).T)
    assert len(lengths) == 6
    # In an open hall a way is hardly longer than the straight line, and never shorter.
    assert all(s - 0.2 <= length <= 6.0 for s, length in zip(straight, lengths, strict=True))
    assert all(planner.is_free(goal) for goal in goals)
