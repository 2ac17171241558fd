"""Goal reaching on both back ends, side by side: same errands and actions, same episodes."""

from dataclasses import replace

import numpy as np
import pytest

from synth_nodes.envs.batch import BatchEnv
from synth_nodes.envs.goal_reaching import GoalReachingTask
from synth_nodes.envs.settings import GoalReachingSettings
from synth_nodes.errors import InputError
from synth_nodes.gpu.device import open_device
from synth_nodes.tasks.goal_reaching import GoalReachingRules
from synth_nodes.tasks.observation import ObservationBuilder, ObservationSpec
from synth_nodes.types import LidarSpec

wp = pytest.importorskip('warp', reason='needs the extra gpu-sim (NVIDIA Warp)')
torch = pytest.importorskip('torch', reason='needs torch')
BATCH = 40
SETTINGS = GoalReachingSettings(
    layouts=('rooms', 'clutter'), scenes=1, errands=12, max_length=6.0,
    lidar=LidarSpec(beams=180, range_max=8.0, rate=10.0), rules=GoalReachingRules(patience=1.0))
MOVED = replace(
    SETTINGS, lidar=replace(SETTINGS.lidar, beams=60, mount=(0.15, -0.05, 0.4)),
    observation=ObservationSpec(sectors=90, history=4, history_period=0.3, lookahead=2.0))
FLAGS = ('terminated', 'truncated', 'success', 'begun')


class Told(GoalReachingTask):
    """The same task, but the robots' errands are those that another environment drew."""

    leader = None

    def robots(self, map_index, seed):
        robots = super().robots(map_index, seed)
        robots._rng = self
        return robots

    def integers(self, high, size):
        begun = np.asarray(self.leader.begun)
        numbers = self.leader.errand.numpy()[begun if size < BATCH else slice(None)] % high
        assert len(numbers) == size
        return numbers


@pytest.fixture(scope='module')
def device():
    return open_device('cpu')


def both(settings, device, seed=3):
    from synth_nodes.gpu.batch import DeviceEnv
    task = Told(settings)
    task.leader = DeviceEnv(task, BATCH, device, seed)
    task.leader.reset()
    host = BatchEnv(task, BATCH, seed)
    host.reset()
    return host, task.leader


def assert_same(host, other):
    for name in FLAGS:
        np.testing.assert_array_equal(
            np.asarray(getattr(other, name)), getattr(host, name), err_msg=name)
    np.testing.assert_allclose(np.asarray(other.reward), host.reward, rtol=0.0, atol=1e-5)
    for name, part in host.observation.items():
        np.testing.assert_allclose(np.asarray(other.observation[name]), part, rtol=0.0,
                                   atol=1e-4, err_msg=name)


@pytest.mark.parametrize('settings', [SETTINGS, MOVED], ids=['central', 'moved'])
def test_episodes_are_those_of_the_numba_environment(device, settings):
    host, other = both(settings, device)
    assert_same(host, other)
    ended = dict.fromkeys(FLAGS, 0)
    rng = np.random.default_rng(0)
    driven = np.arange(BATCH) % 4 > 1
    for k in range(300):
        if k % 20 == 0:
            action = rng.uniform((-1.2, -0.5), (1.2, 0.5), (BATCH, 2)).astype(np.float32)
            action[::4] = 0.0
        action[driven] = host.expert()[driven]
        other.step(action)
        host.step(action)
        if k % 5 == 0:
            assert_same(host, other)
        for name in FLAGS:
            ended[name] += getattr(host, name).sum()
    assert_same(host, other)
    assert ended['success'] > 20 and ended['terminated'] > ended['success'] + 10
    assert ended['truncated'] > 0 and ended['begun'] > 40


def test_observations_live_on_the_device_and_keep_their_memory(device):
    from synth_nodes.gpu.batch import DeviceEnv
    env = DeviceEnv(GoalReachingTask(SETTINGS), BATCH, device)
    first = env.reset()
    places = {name: part.data_ptr() for name, part in first.items()}
    action = torch.rand((BATCH, 2)) * 2.0 - 1.0
    before = first['scan'].clone()
    env.step(action)
    assert {name: part.data_ptr() for name, part in env.observation.items()} == places
    assert (first['scan'] != before).any()
    env.reset(seed=9)
    assert {name: part.data_ptr() for name, part in env.observation.items()} == places


def test_same_seed_same_episodes(device):
    from synth_nodes.gpu.batch import DeviceEnv
    task, seen = GoalReachingTask(SETTINGS), []
    for seed in (1, 1, 2):
        env = DeviceEnv(task, BATCH, device)
        env.reset(seed)
        for _ in range(20):
            env.step(np.full((BATCH, 2), 0.4, np.float32))
        seen.append(env.observation['scan'].clone())
    assert torch.equal(seen[0], seen[1]) and not torch.equal(seen[0], seen[2])


def test_a_mask_begins_some_episodes_anew(device):
    from synth_nodes.gpu.batch import DeviceEnv
    env = DeviceEnv(GoalReachingTask(SETTINGS), BATCH, device)
    env.reset(4)
    for _ in range(8):
        env.step(np.full((BATCH, 2), 0.5, np.float32))
    time = env.world.time.clone()
    mask = np.arange(BATCH) % 2 == 0
    env.reset(mask=mask)
    assert not env.world.time[torch.from_numpy(mask)].any()
    assert torch.equal(env.world.time[1::2], time[1::2]) and time.min() > 0.0


def test_wrong_actions_are_refused_or_said(device):
    from synth_nodes.gpu.batch import DeviceEnv
    env = DeviceEnv(GoalReachingTask(SETTINGS), BATCH, device)
    with pytest.raises(InputError, match='call reset'):
        env.step(np.zeros((BATCH, 2), np.float32))
    env.reset()
    with pytest.raises(InputError, match=r'action is float32 of shape \(3, 2\)'):
        env.step(np.zeros((3, 2), np.float32))
    env.step(np.full((BATCH, 2), np.nan, np.float32))
    with pytest.raises(InputError, match='NaN'):
        env.check()


@pytest.mark.parametrize('period', (0.025, 0.05, 0.1, 0.07))
def test_history_is_picked_as_the_observation_builder_does(period):
    from synth_nodes.gpu.sectors import scan_lags
    spec, lidar = ObservationSpec(history=5, history_period=0.18), LidarSpec(beams=8)
    builder = ObservationBuilder(spec, lidar)
    for k in range(80):
        builder.push(np.full((1, 8), 0.01 + 0.05 * k), k * period)
    scan = builder.build(np.zeros((1, 3)), np.zeros((1, 3)))['scan'][0, :, 0]
    back = np.round((scan[0] - scan) / 0.05) if scan[0] < 8.0 else None
    np.testing.assert_array_equal(scan_lags(spec, period), back)
