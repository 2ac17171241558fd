"""
Goal reaching in maps that nothing was trained on: the shipped policy beside its peers.

    python benchmarks/held_back.py --map warehouse.yaml --log aces.log.gz [--seconds 300]

Peers are PPO of Stable-Baselines3, which learns for as much CPU time as `--seconds` says in the
generated scenes of our environment (64 robots, its setting that learns most in `ppo.py`), the
planner that knows map and people, and random commands. All drive the same errands among people,
without a safety monitor. The shipped policy takes some 300 s of CPU time to train. The last line
is its success less that of Stable-Baselines3.
"""

import argparse
from pathlib import Path
import time

from learning import Robots
import numpy as np
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
import torch

from synth_nodes.commands.inputs import load_maps
from synth_nodes.dataset.carmen import read_log
from synth_nodes.dataset.mapping import map_from_log
from synth_nodes.envs.goal_reaching import GoalReachingTask
from synth_nodes.envs.settings import GoalReachingSettings
from synth_nodes.infer.session import load_policy
from synth_nodes.resources import share
from synth_nodes.tasks.actions import to_command
from synth_nodes.train.evaluate import evaluate, EvaluationSettings, random_policy


class Until(BaseCallback):
    """Ends learning after some CPU time."""

    def __init__(self, seconds):
        super().__init__()
        self.end = time.process_time() + seconds

    def _on_step(self):
        return time.process_time() < self.end


def stable_baselines(settings, seconds):
    """Learn for some CPU time; returns what drives, and how many steps it learned from."""
    task = GoalReachingTask(settings)
    for number in range(settings.errands):      # ways are planned before the clock starts
        for place in range(task.maps):
            task.pool.errand(place, number)
    robots = Robots(task, 64)
    robots.reset()
    robots.step(np.zeros((64, 2), np.float32))      # compiles before the clock starts
    model = PPO('MultiInputPolicy', robots, n_steps=128, batch_size=2048, n_epochs=4,
                learning_rate=1e-3, seed=0, device='cpu',
                policy_kwargs={'net_arch': [128, 128], 'log_std_init': -0.5})
    model.learn(10**9, callback=Until(seconds))
    robots.close()

    def act(observation):
        return to_command(model.predict(dict(observation), deterministic=True)[0], settings.robot)
    return act, model.num_timesteps


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--map', type=Path, action='append', default=[])
    parser.add_argument('--log', type=Path, action='append', default=[])
    parser.add_argument('--seconds', type=float, default=300.0, help='CPU time to learn for')
    parser.add_argument('--episodes', type=int, default=50, help='errands in each map')
    options = parser.parse_args()
    torch.set_num_threads(1)
    settings = GoalReachingSettings()
    grids = load_maps(options.map) + [map_from_log(read_log(log)) for log in options.log]
    if not grids:
        parser.error('no map: give --map or --log')
    session = load_policy(share('models'), settings.robot)
    learned, steps = stable_baselines(settings, options.seconds)
    print(f'Stable-Baselines3 learned from {steps / 1e3:.0f} k steps in {options.seconds:.0f} s')
    drivers = {
        'ours': (session.act, session.contract.observation),
        'Stable-Baselines3': (learned, settings.observation),
        'planner': (None, None),
        'random': (random_policy(settings.robot), None)}
    scores = {}
    for name, (act, observation) in drivers.items():
        scores[name] = evaluate(act, grids, settings.robot, settings.lidar, observation,
                                EvaluationSettings(episodes=options.episodes))
        for row in scores[name].scores:
            print(f'{name:18s} {row.name:16s} success {row.success:.3f} ({row.success_low:.3f} '
                  f'to {row.success_high:.3f}), contacts {row.contacts} of {row.episodes}, late '
                  f'{row.timeouts}', flush=True)
    print('ours less Stable-Baselines3: '
          f'{scores["ours"].total.success - scores["Stable-Baselines3"].total.success:.3f}')


if __name__ == '__main__':
    main()
