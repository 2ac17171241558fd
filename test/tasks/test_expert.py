import numpy as np
import pytest

from synth_nodes.tasks.expert import Expert
from synth_nodes.train.evaluate import evaluate, EvaluationSettings
from synth_nodes.types import FREE, GridMap, LidarSpec, OCCUPIED, RobotSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.atlas import MapAtlas

ROBOT = RobotSpec()
NOBODY = np.zeros((1, 0, 5))


@pytest.fixture(scope='module')
def expert():
    cells = np.full((200, 200), FREE, np.int8)
    cells[[0, -1]] = cells[:, [0, -1]] = OCCUPIED
    return Expert(MapAtlas.build([GridMap(cells, 0.05, name='hall')]), ROBOT)


def ask(expert, pose=(5.0, 5.0, 0.0), goal=(1.2, 0.0, 4.0), actors=NOBODY, speed=0.0):
    return expert.act(np.zeros(1, np.int64), np.array([pose]), np.array([[speed, 0.0, 0.0]]),
                      np.asarray(actors, float).reshape(1, -1, 5), np.array([goal]))[0]


def test_open_way_is_driven_straight_at_full_speed(expert):
    assert ask(expert) == pytest.approx([ROBOT.max_speed, 0.0], abs=1e-9)


def test_goal_behind_is_turned_to_on_the_spot(expert):
    speed, turn = ask(expert, goal=(-1.0, 0.3, 4.0))
    assert speed == 0.0 and turn > 1.0


def test_standing_at_the_goal(expert):
    assert ask(expert, goal=(0.05, 0.02, 0.06)).tolist() == [0.0, 0.0]


def test_speed_falls_towards_the_goal_and_in_bends(expert):
    speeds = [ask(expert, goal=(d, 0.0, d))[0] for d in (1.0, 0.6, 0.3, 0.15)]
    assert speeds == sorted(speeds, reverse=True) and speeds[-1] < 0.12
    assert ask(expert, goal=(0.5, 0.3, 4.0))[0] < 0.75 * ROBOT.max_speed


def test_wall_ahead_is_not_driven_into(expert):
    pose = (10.0 - 0.05 - 0.21 - 0.08, 5.0, 0.0)
    assert ask(expert, pose, speed=0.4)[0] <= 0.05


def test_person_in_the_way_is_passed_or_waited_for(expert):
    speed, turn = ask(expert, actors=[6.0, 5.05, 0.0, 0.0, 0.25])
    assert speed < 0.6 or abs(turn) > 0.2
    near, _ = ask(expert, actors=[5.55, 5.0, 0.0, 0.0, 0.25], speed=0.3)
    assert near < 0.1


def test_mirrored_scene_gets_the_mirrored_command(expert):
    speed, turn = ask(expert, goal=(0.9, 0.5, 4.0), actors=[6.0, 5.4, 0.0, 0.0, 0.25])
    other = ask(expert, goal=(0.9, -0.5, 4.0), actors=[6.0, 4.6, 0.0, 0.0, 0.25])
    assert other == pytest.approx([speed, -turn], abs=1e-6)


def test_batch_gives_what_each_robot_gets_alone(expert):
    rng = np.random.default_rng(0)
    pose = np.column_stack((rng.uniform(1, 9, (20, 2)), rng.uniform(-3, 3, 20)))
    goal = np.column_stack((rng.uniform(-1, 1.2, (20, 2)), rng.uniform(0.2, 5, 20)))
    actors = np.concatenate((rng.uniform(1, 9, (20, 3, 2)), rng.uniform(-1, 1, (20, 3, 2)),
                             np.full((20, 3, 1), 0.25)), axis=2)
    together = expert.act(np.zeros(20, np.int64), pose, np.zeros((20, 3)), actors, goal)
    alone = [ask(expert, pose[k], goal[k], actors[k]) for k in range(20)]
    assert np.allclose(together, alone)
    low = (-ROBOT.max_reverse_speed, -ROBOT.max_turn_rate)
    assert (together >= low).all() and (together <= (ROBOT.max_speed, ROBOT.max_turn_rate)).all()


def test_person_who_plugs_a_lane_is_given_room():
    cells = np.full((200, 200), FREE, np.int8)
    cells[[0, -1]] = cells[:, [0, -1]] = cells[93, :] = cells[108, :] = OCCUPIED
    lane = Expert(MapAtlas.build([GridMap(cells, 0.05, name='lane')]), ROBOT)
    gaps = (0.3, 0.68, 1.2)
    speeds = [ask(lane, (5.0, 5.05, 0.0), actors=[5.46 + gap, 5.05, 0.0, 0.0, 0.25])[0]
              for gap in gaps]
    assert speeds[0] < 0.0 == speeds[1] < speeds[2]


def test_person_beyond_a_bend_does_not_stop_it(expert):
    bend = (0.45, 0.25, 4.0)
    assert ask(expert, goal=bend, actors=[6.25, 4.95, 0.0, 0.0, 0.25])[0] > 0.2


def test_posts_of_a_small_room_are_passed_between():
    y, x = np.mgrid[-2.5:2.5:0.05, -2.5:2.5:0.05]
    posts = np.hypot(*((v + 0.55) % 1.1 - 0.55 for v in (x, y))) < 0.15
    posts |= np.maximum(np.abs(x), np.abs(y)) > 2.4
    room = GridMap(np.where(posts, OCCUPIED, FREE).astype(np.int8), 0.05, name='posts')
    score = evaluate(None, [room], ROBOT, LidarSpec(beams=72), settings=EvaluationSettings(
        episodes=16, min_length=2.0, actors=ActorSettings(count=0))).total
    assert score.success == 1.0
