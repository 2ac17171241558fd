"""
Let PPO of Stable-Baselines3 learn line following on a batch of robots, and print the curve.

    python benchmarks/learning.py [--task lines|goals] [--steps 400000] [--robots 64]
"""

import argparse
import time

import numpy as np
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.vec_env import VecEnv
import torch

from synth_nodes.envs.batch import BatchEnv
from synth_nodes.envs.goal_reaching import GoalReachingTask
from synth_nodes.envs.line_following import LineFollowingTask
from synth_nodes.envs.settings import GoalReachingSettings, LineFollowingSettings
from synth_nodes.envs.spaces import action_space, observation_space


class Robots(VecEnv):
    """A batch behind Stable-Baselines3's API, which begins a new episode in the same step."""

    def __init__(self, task, count):
        self.batch = BatchEnv(task, count)
        self.total = np.zeros(count)
        super().__init__(count, observation_space(task), action_space())

    def reset(self):
        self.batch.reset(0)
        return self.seen()

    def seen(self):
        return {name: part.copy() for name, part in self.batch.observation.items()}

    def step_async(self, actions):
        self.actions = actions

    def step_wait(self):
        batch = self.batch
        batch.step(self.actions)
        reward, done = batch.reward.copy(), batch.terminated | batch.truncated
        self.total += reward
        infos = [{} for _ in range(self.num_envs)]
        for k in np.flatnonzero(done):
            infos[k] = {'terminal_observation': {n: p[k].copy()
                                                 for n, p in batch.observation.items()},
                        'TimeLimit.truncated': bool(batch.truncated[k]),
                        'return': self.total[k], 'success': bool(batch.success[k])}
        self.total[done] = 0.0
        if done.any():
            batch.reset(mask=done)
        return self.seen(), reward, done, infos

    def close(self):
        self.batch.close()

    def get_attr(self, name, indices=None):
        return [None] * self.num_envs

    def set_attr(self, name, value, indices=None):
        raise AttributeError(name)

    def env_method(self, name, *args, indices=None, **kwargs):
        raise AttributeError(name)

    def env_is_wrapped(self, wrapper, indices=None):
        return [False] * self.num_envs


class Curve(BaseCallback):
    """Prints the mean return and the share of successes of the episodes between two lines."""

    def __init__(self, every):
        super().__init__()
        self.every, self.episodes, self.start = every, [], time.process_time()

    def _on_step(self):
        self.episodes += [(i['return'], i['success']) for i in self.locals['infos'] if i]
        return True

    def _on_rollout_end(self):
        if self.num_timesteps % self.every == 0 and self.episodes:
            mean, share = np.mean(np.array(self.episodes, float), axis=0)
            print(f'{self.num_timesteps:9d} steps {len(self.episodes):5d} episodes, mean return '
                  f'{mean:7.2f}, success {share:.2f}, CPU time '
                  f'{time.process_time() - self.start:5.0f} s', flush=True)
            self.episodes.clear()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--task', choices=('lines', 'goals'), default='lines')
    parser.add_argument('--steps', type=int, default=400_000)
    parser.add_argument('--robots', type=int, default=64)
    options = parser.parse_args()
    torch.set_num_threads(1)
    task = (LineFollowingTask(LineFollowingSettings()) if options.task == 'lines' else
            GoalReachingTask(GoalReachingSettings(scenes=1, errands=64)))
    robots = Robots(task, options.robots)
    model = PPO('MultiInputPolicy', robots, n_steps=128, batch_size=2048, n_epochs=6,
                learning_rate=1e-3, seed=0, device='cpu',
                policy_kwargs={'net_arch': [64, 64], 'log_std_init': -0.7})
    model.learn(options.steps, callback=Curve(128 * options.robots * 6))
    robots.close()


if __name__ == '__main__':
    main()
