import subprocess
import sys

import numpy as np
import pytest

from synth_nodes.envs.batch import BatchEnv
from synth_nodes.envs.goal_reaching import GoalReachingTask
from synth_nodes.envs.line_following import LineFollowingTask
from synth_nodes.envs.settings import GoalReachingSettings, LineFollowingSettings
from synth_nodes.errors import InputError
from synth_nodes.gpu.device import open_device
from synth_nodes.gpu.port import open_env

SETTINGS = GoalReachingSettings(layouts=('clutter',), scenes=1, errands=6, max_length=6.0)


@pytest.mark.parametrize('device', ['cpu', 'warp'])
def test_both_back_ends_are_driven_by_the_same_lines(device):
    if device == 'warp':
        pytest.importorskip('warp', reason='needs the extra gpu-sim (NVIDIA Warp)')
    env = open_env(GoalReachingTask(SETTINGS), 8, device, seed=2)
    assert isinstance(env, BatchEnv) == (device == 'cpu')
    env.reset()
    total = 0.0
    for _ in range(30):
        env.step(np.tile(np.float32([0.6, 0.1]), (8, 1)))
        total += float(env.reward.sum())
        assert env.observation['scan'].shape == (8, 3, 72)
        assert not (env.begun & env.success).any()
    low, high = env.bounds['goal']
    goal = np.asarray(env.observation['goal'])
    assert total != 0.0 and ((goal >= low) & (goal <= high)).all()
    env.close()


def test_a_task_that_no_device_runs_is_refused():
    task = LineFollowingTask(LineFollowingSettings(scenes=1))
    with pytest.raises(InputError, match="device = 'cuda:0' runs goal reaching alone"):
        open_env(task, 4, 'cuda:0')


def test_missing_device_is_said_with_the_remedy():
    pytest.importorskip('warp', reason='needs the extra gpu-sim (NVIDIA Warp)')
    with pytest.raises(InputError, match="device = 'cuda:7' is not one of cpu"):
        open_device('cuda:7')


def test_importing_the_port_needs_no_warp():
    block = 'import sys; sys.modules["warp"] = None; import synth_nodes.gpu.port'
    done = subprocess.run([sys.executable, '-c', block], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_missing_warp_is_said_with_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, 'warp', None)
    with pytest.raises(InputError, match=r'synth_nodes\[gpu-sim\]'):
        open_device('cuda:0')
