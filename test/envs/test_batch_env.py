from dataclasses import replace

import numpy as np
import pytest
import torch

from synth_nodes.envs import batch as batch_module
from synth_nodes.envs.batch import BatchEnv
from synth_nodes.envs.goal_reaching import GoalReachingTask
from synth_nodes.envs.line_following import LineFollowingTask
from synth_nodes.envs.settings import GoalReachingSettings, LineFollowingSettings
from synth_nodes.errors import InputError
from synth_nodes.tasks.goal_reaching import GoalReachingRules
from synth_nodes.tasks.line_following import LineFollowingRules
from synth_nodes.types import LidarSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.building import generate_building
from synth_nodes.world.randomise import Randomisation

GOALS = GoalReachingSettings(
    layouts=('clutter', 'rooms'), scenes=1, errands=16, max_length=6.0,
    lidar=LidarSpec(beams=90, range_max=8.0), actors=ActorSettings(count=1))


@pytest.fixture(scope='module')
def goals():
    return GoalReachingTask(GOALS)


@pytest.fixture(scope='module')
def lines():
    return LineFollowingTask(LineFollowingSettings(scenes=1, rules=LineFollowingRules(length=6.0)))


def record(env, steps, seed):
    """Bytes of everything that a run of random actions gives."""
    rng = np.random.default_rng(seed)
    env.reset(seed)
    out = []
    for _ in range(steps):
        env.step(rng.uniform(-1, 1, (env.batch, 2)))
        out += [v.tobytes() for v in env.observation.values()]
        out += [env.reward.tobytes(), env.terminated.tobytes(), env.begun.tobytes()]
    return b''.join(out)


@pytest.mark.parametrize('task', ['goals', 'lines'])
def test_same_seed_gives_the_same_bytes_whatever_the_threads(task, request, monkeypatch):
    monkeypatch.setattr(batch_module, 'SHARD', 4)
    made = request.getfixturevalue(task)
    first = record(BatchEnv(made, 10, threads=1), 40, 3)
    threaded = BatchEnv(made, 10, threads=2)
    assert record(threaded, 40, 3) == first
    assert record(threaded, 40, 3) == first
    assert record(threaded, 40, 4) != first
    threaded.close()


@pytest.mark.parametrize('task', ['goals', 'lines'])
def test_the_expert_succeeds(task, request):
    env = BatchEnv(request.getfixturevalue(task), 16)
    env.reset(0)
    won = ended = 0
    total = np.zeros(16)
    for _ in range(400):
        env.step(env.expert())
        won += int(env.success.sum())
        ended += int((env.terminated | env.truncated).sum())
        total += env.reward
    assert ended >= 16
    assert won >= 0.9 * ended
    assert total.mean() > 8.0


def test_arrays_keep_their_memory_and_torch_views_them(goals):
    env = BatchEnv(goals, 4)
    env.reset(0)
    scan, reward = (torch.from_numpy(a) for a in (env.observation['scan'], env.reward))
    before = scan.clone()
    for _ in range(10):
        env.step(np.tile([1.0, 0.3], (4, 1)))
    assert scan.data_ptr() == env.observation['scan'].ctypes.data
    assert not torch.equal(scan, before)
    assert np.array_equal(reward.numpy(), env.reward) and reward.abs().sum() > 0


def test_an_episode_that_ended_begins_anew_in_the_next_step(goals):
    env = BatchEnv(goals, 8)
    env.reset(0)
    for _ in range(300):
        env.step(np.tile([1.0, 0.0], (8, 1)))
        ended = env.terminated | env.truncated
        if ended.any():
            break
    assert ended.any() and not env.success[ended].any()
    assert (env.reward[ended] < -5.0).all()
    env.step(np.ones((8, 2)))
    assert np.array_equal(env.begun, ended)
    assert not (env.terminated | env.truncated)[ended].any()
    assert not env.reward[ended].any()
    assert not env.observation['velocity'][ended].any()
    scan = env.observation['scan'][ended]
    assert np.array_equal(scan, np.repeat(scan[:, :1], scan.shape[1], axis=1))


def test_time_that_is_up_truncates(goals):
    env = BatchEnv(goals, 2)
    env.reset(0)
    steps = 0
    while not env.truncated.any() and steps < 1100:
        env.step(np.zeros((2, 2)))
        steps += 1
    assert env.truncated.any() and not env.terminated[env.truncated].any()
    assert steps > 20.0 * GOALS.lidar.rate


def test_reset_of_some_leaves_the_others_where_they_are(lines):
    env = BatchEnv(lines, 6)
    env.reset(0)
    for _ in range(5):
        env.step(np.tile([1.0, 0.0], (6, 1)))
    before = {k: v.copy() for k, v in env.observation.items()}
    mask = np.array([True, False] * 3)
    env.reset(mask=mask)
    for name, part in env.observation.items():
        assert np.array_equal(part[~mask], before[name][~mask])
    assert not env.observation['velocity'][mask].any()
    assert (env.observation['velocity'][~mask, 0] > 0.0).all()


def test_losing_the_line_ends_the_run(lines):
    env = BatchEnv(lines, 4)
    env.reset(0)
    for _ in range(200):
        env.step(np.tile([0.6, 1.0], (4, 1)))
        if env.terminated.any():
            break
    assert env.terminated.any() and not env.success.any()


def test_own_maps_and_rules_are_used():
    rules = GoalReachingRules(tolerance=1.5, arrival=100.0)
    settings = replace(GOALS, rules=rules, actors=ActorSettings(count=0))
    env = BatchEnv(GoalReachingTask(settings, [generate_building(5, 14.0, 10.0)]), 4)
    env.reset(1)
    best = 0.0
    for _ in range(250):
        env.step(env.expert())
        best = max(best, float(env.reward.max()))
    assert best > 90.0


def test_wrong_use_is_refused_in_words(goals):
    with pytest.raises(InputError, match='at least 1'):
        BatchEnv(goals, 0)
    env = BatchEnv(goals, 2)
    with pytest.raises(InputError, match=r'call reset\(\)'):
        env.step(np.zeros((2, 2)))
    env.reset()
    with pytest.raises(InputError, match='3 rows'):
        env.step(np.zeros((3, 2)))
    with pytest.raises(InputError, match='mask'):
        env.reset(mask=np.zeros(3, bool))
    with pytest.raises(InputError, match='no painted line'):
        LineFollowingTask(LineFollowingSettings(layouts=('clutter',), scenes=1))


SPREAD = Randomisation(speed=(0.6, 1.4), lag=(0.5, 3.0), slip=(0.0, 0.1), people=(0.0, 1.0),
                       mount_shift=0.1, mount_turn=0.2)


@pytest.mark.parametrize('task', ('goals', 'lines'))
def test_each_robot_and_each_episode_draw_their_own_within_the_ranges(task):
    if task == 'goals':
        env = BatchEnv(GoalReachingTask(replace(GOALS, randomisation=SPREAD)), 6)
    else:
        env = BatchEnv(LineFollowingTask(
            LineFollowingSettings(scenes=1, randomisation=SPREAD)), 6)
    runs = []
    for seed in (3, 3, 4):
        env.reset(seed)
        for _ in range(20):
            env.step(np.tile([1.0, 0.0], (6, 1)))
        runs.append(env.observation['velocity'].copy())
        low, high = env.bounds['velocity']
        assert ((low <= runs[-1]) & (runs[-1] <= high)).all()
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])
    world = worlds_of(env)
    top = world.domain.drives[:, 0] / env.task.robot.max_speed
    assert len(np.unique(top)) == 6
    assert ((top >= 0.6) & (top <= 1.4)).all()
    env.reset(mask=np.arange(6) < 3)
    again = world.domain.drives[:, 0] / env.task.robot.max_speed
    assert np.array_equal(again[3:], top[3:])
    assert not (again[:3] == top[:3]).any()


def worlds_of(env):
    robots = env._shards[0].robots
    return robots.fleet.world if hasattr(robots, 'fleet') else robots._world


def test_a_drawn_mount_shows_in_the_scan():
    spread = Randomisation(mount_turn=0.5)
    still = replace(GOALS, actors=ActorSettings(count=0))
    scans = []
    for settings in (still, replace(still, randomisation=spread)):
        env = BatchEnv(GoalReachingTask(settings), 4)
        scans.append(env.reset(2)['scan'].copy())
    assert not np.allclose(scans[0], scans[1], atol=0.2)


def test_drawing_maps_is_refused_in_words():
    with pytest.raises(InputError, match='more scenes'):
        GoalReachingTask(replace(GOALS, randomisation=Randomisation(any_map=True)))
