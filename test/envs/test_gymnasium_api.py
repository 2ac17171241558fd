from dataclasses import replace
import warnings

import gymnasium
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
import numpy as np
import pytest
import torch

from synth_nodes.envs.registration import (
    GOAL_REACHING,
    LINE_CAMERA,
    LINE_FOLLOWING,
    register,
)
from synth_nodes.envs.settings import (
    GoalReachingSettings,
    LineCameraSettings,
    LineFollowingSettings,
)
from synth_nodes.envs.settings import (
    LINE_CAMERA as CAMERA,
)
from synth_nodes.errors import InputError
from synth_nodes.train.fit import torch_threads
from synth_nodes.types import LidarSpec
from synth_nodes.world.actors import ActorSettings

SETTINGS = {
    GOAL_REACHING: GoalReachingSettings(
        layouts=('clutter',), scenes=2, errands=8, max_length=6.0,
        lidar=LidarSpec(beams=90, range_max=8.0), actors=ActorSettings(count=1)),
    LINE_FOLLOWING: LineFollowingSettings(scenes=1)}
LINES = LineCameraSettings(SETTINGS[LINE_FOLLOWING], replace(CAMERA, width=16, height=16))
both = pytest.mark.parametrize('name', list(SETTINGS))


@both
def test_gymnasiums_own_checker_has_no_complaint(name):
    env = gymnasium.make(name, settings=SETTINGS[name])
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        check_env(env.unwrapped)


@both
def test_registered_names_need_no_import(name):
    register()
    env = gymnasium.make(f'synth_nodes.envs.registration:{name}', settings=SETTINGS[name])
    observed, info = env.reset(seed=0)
    assert env.observation_space.contains(observed)
    assert info == {'is_success': False}


@both
def test_vector_environment_fits_its_spaces(name):
    env = gymnasium.make_vec(name, num_envs=5, settings=SETTINGS[name])
    assert env.metadata['autoreset_mode'] is AutoresetMode.NEXT_STEP
    assert env.num_envs == 5 and env.action_space.shape == (5, 2)
    observed, _ = env.reset(seed=0)
    env.action_space.seed(0)
    assert env.observation_space.contains(observed)
    for _ in range(60):
        observed, reward, terminated, truncated, info = env.step(env.action_space.sample())
        assert env.observation_space.contains(observed)
        assert reward.shape == terminated.shape == truncated.shape == (5,)
        assert (reward.dtype, terminated.dtype, truncated.dtype) == (np.float32, bool, bool)
        ended = terminated | truncated
        assert ('is_success' in info) == bool(ended.any())
        if ended.any():
            assert np.array_equal(info['_is_success'], ended)
    env.close()


@both
def test_what_a_step_returns_is_kept_unless_asked_otherwise(name):
    for copy in (True, False):
        env = gymnasium.make_vec(name, num_envs=2, settings=SETTINGS[name], copy=copy)
        first, _ = env.reset(seed=0)
        second, *_ = env.step(np.ones((2, 2), np.float32))
        assert np.shares_memory(first['velocity'], second['velocity']) != copy


@both
def test_seeds_repeat_and_later_resets_go_on(name):
    envs = [gymnasium.make_vec(name, num_envs=3, settings=SETTINGS[name]) for _ in range(2)]
    runs = []
    for env in envs:
        parts = [env.reset(seed=7)[0], env.reset()[0], env.reset()[0]]
        runs.append([{k: v.tobytes() for k, v in part.items()} for part in parts])
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[0][1] != runs[0][2]


def test_line_following_by_camera_shows_gymnasium_images_of_8_bits():
    env = gymnasium.make(LINE_CAMERA, settings=LINES)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        check_env(env.unwrapped)
    image = env.reset(seed=0)[0]['image']
    assert image.dtype == np.uint8 and image.shape == (16, 16, 3) and image.std() > 3.0
    several = gymnasium.make_vec(LINE_CAMERA, num_envs=3, settings=LINES, copy=False)
    observed, _ = several.reset(seed=0)
    assert several.observation_space.contains(observed)
    later, *_ = several.step(np.ones((3, 2), np.float32))
    assert several.observation_space.contains(later)
    several.close()


def test_options_of_reset_are_refused():
    env = gymnasium.make(LINE_FOLLOWING, settings=SETTINGS[LINE_FOLLOWING])
    with pytest.raises(InputError, match="no option 'low'"):
        env.reset(options={'low': 1})


def test_stable_baselines_trains_on_goals():
    from stable_baselines3 import PPO

    settings = replace(SETTINGS[GOAL_REACHING], scenes=1)
    env = gymnasium.make(GOAL_REACHING, settings=settings)
    with torch_threads(1):
        model = PPO('MultiInputPolicy', env, n_steps=128, batch_size=64, n_epochs=2, seed=0,
                    device='cpu')
        before = {k: v.clone() for k, v in model.policy.state_dict().items()}
        model.learn(256)
    assert model.num_timesteps == 256
    after = model.policy.state_dict()
    assert all(torch.isfinite(v).all() for v in after.values())
    assert any(not torch.equal(before[k], v) for k, v in after.items())
    action, _ = model.predict(env.reset(seed=0)[0])
    assert env.action_space.contains(action)
