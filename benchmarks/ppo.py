"""
Learning goal reaching: our PPO, that of Stable-Baselines3 and that of rsl_rl, in one run.

    python benchmarks/ppo.py [--seconds 60] [--threads 2] [--systems ours-512 sb3-64 ...]

Each learns the same task (32 beams, 32 sectors, one scan, three scenes, four people) with two
layers of 64, on as many threads, for the same wall time, so run it on a machine that does nothing
else. The numbers in a name are those of robots and of steps between updates (32 if none). A line
says what it did: steps a second, end to end, and the time until nine tenths of the last 200
episodes succeeded. rsl_rl (`rsl-rl-lib`) is measured where it can be imported.
"""

import argparse
from dataclasses import replace
from itertools import product
import time

from learning import Robots
import numpy as np
import torch

from synth_nodes.envs.batch import BatchEnv
from synth_nodes.envs.goal_reaching import GoalReachingTask
from synth_nodes.envs.settings import GoalReachingSettings
from synth_nodes.train.ppo import Ppo
from synth_nodes.train.ppo_run import make_agent
from synth_nodes.train.ppo_settings import PpoSettings

BASE = GoalReachingSettings(errands=64, scenes=1)
SETTINGS = replace(BASE, lidar=replace(BASE.lidar, beams=32),
                   observation=replace(BASE.observation, sectors=32, history=1))
HIDDEN = (64, 64)
RECENT, ENOUGH = 200, 0.9


class Clock:
    """Counts steps and the last episodes."""

    def __init__(self, options):
        self.start, self.steps, self.reached, self.last = time.perf_counter(), 0, None, []
        self.options = options

    def add(self, steps, won):
        """Count steps, and episodes that ended, as successes."""
        self.steps += steps
        self.last = [*self.last, *won][-RECENT:]
        if self.reached is None and len(self.last) == RECENT and np.mean(self.last) >= ENOUGH:
            self.reached = self.passed
        if self.options.until_reached and self.reached is not None:
            return False
        return self.passed < self.options.seconds

    @property
    def passed(self):
        return time.perf_counter() - self.start


class Counted(BatchEnv):
    """Tells a clock what happens."""

    clock, going = None, True

    def step(self, action):
        super().step(action)
        if self.clock is not None:
            ended = self.terminated | self.truncated
            driven = self.batch - int(self.begun.sum())
            self.going = self.clock.add(driven, self.success[ended].tolist())


def ours(task, options, seed, robots=1024, horizon=32):
    settings = replace(PpoSettings(), hidden=HIDDEN, robots=robots, horizon=horizon,
                       threads=options.threads, seed=seed)
    env = Counted(task, settings.robots, threads=options.threads)
    agent = make_agent(settings, SETTINGS, {n: p.shape[1:] for n, p in env.observation.items()})
    torch.set_num_threads(1)        # it has threads of its own
    ppo = Ppo(env, agent, settings)
    ppo.fit_normalisers(actor=True)
    ppo.begin(1)
    clock = env.clock = Clock(options)
    while env.going:
        ppo.collect()
        ppo.learn()
    return clock


def stable_baselines(task, options, seed, robots=1024, horizon=32):
    from stable_baselines3 import PPO

    class Stop(Exception):
        pass

    class Ended(Robots):
        def step_wait(self):
            if not self.batch.going:
                raise Stop
            return super().step_wait()

    env = Ended(task, robots)
    env.batch = Counted(task, robots, threads=options.threads)
    torch.set_num_threads(options.threads)
    model = PPO('MultiInputPolicy', env, n_steps=horizon, batch_size=robots * horizon // 4,
                n_epochs=4, learning_rate=1e-3, seed=seed, device='cpu',
                policy_kwargs={'net_arch': list(HIDDEN), 'log_std_init': -0.5})
    env.reset()
    clock = env.batch.clock = Clock(options)
    try:
        model.learn(10**9)
    except Stop:
        return clock
    raise AssertionError('unreachable')


def rsl(task, options, seed, robots=1024, horizon=32):
    from rsl_rl.env import VecEnv
    from rsl_rl.runners import OnPolicyRunner
    from tensordict import TensorDict

    class Stop(Exception):
        pass

    class Env(VecEnv):
        def __init__(self):
            self.batch = Counted(task, robots, threads=options.threads)
            self.num_envs, self.num_actions, self.device, self.cfg = robots, 2, 'cpu', {}
            self.max_episode_length = 1600
            self.episode_length_buf = torch.zeros(robots, dtype=torch.long)
            self.batch.reset(0)

        def get_observations(self):
            parts = [torch.from_numpy(p.reshape(robots, -1).copy())
                     for p in self.batch.observation.values()]
            return TensorDict({'policy': torch.cat(parts, dim=1)}, batch_size=robots)

        def step(self, actions):
            if not self.batch.going:
                raise Stop
            batch = self.batch
            batch.step(actions.numpy())
            done = torch.from_numpy(batch.terminated | batch.truncated).clone()
            return (self.get_observations(), torch.from_numpy(batch.reward.copy()), done,
                    {'time_outs': torch.from_numpy(batch.truncated.copy())})

    model = {'class_name': 'MLPModel', 'hidden_dims': list(HIDDEN), 'activation': 'elu',
             'obs_normalization': True}
    gaussian = {'class_name': 'GaussianDistribution', 'init_std': 0.6, 'std_type': 'scalar'}
    config = {
        'num_steps_per_env': horizon, 'save_interval': 10**9, 'obs_groups': {
            'actor': ['policy'], 'critic': ['policy']},
        'actor': {**model, 'distribution_cfg': gaussian}, 'critic': dict(model),
        'algorithm': {
            'class_name': 'PPO', 'num_learning_epochs': 4, 'num_mini_batches': 4,
            'clip_param': 0.2, 'gamma': 0.99, 'lam': 0.95, 'value_loss_coef': 1.0,
            'entropy_coef': 0.002, 'learning_rate': 1e-3, 'max_grad_norm': 1.0,
            'use_clipped_value_loss': True, 'schedule': 'adaptive', 'desired_kl': 0.01,
            'rnd_cfg': None, 'symmetry_cfg': None}}
    torch.manual_seed(seed)
    torch.set_num_threads(options.threads)
    env = Env()
    runner = OnPolicyRunner(env, config, None, 'cpu')
    clock = env.batch.clock = Clock(options)
    try:
        runner.learn(10**9)
    except Stop:
        return clock
    raise AssertionError('unreachable')


SYSTEMS = {'ours': ours, 'sb3': stable_baselines, 'rsl_rl': rsl}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--seconds', type=float, default=60.0, help='wall time of each')
    parser.add_argument('--until-reached', action='store_true',
                        help='end a run once nine tenths succeed')
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--seeds', type=int, default=1, help='runs of each system')
    parser.add_argument('--systems', nargs='+', metavar='NAME-ROBOTS-STEPS',
                        default=['ours', 'ours-512-8', 'sb3', 'sb3-64-128', 'rsl_rl'],
                        help='of ours, sb3, rsl_rl')
    options = parser.parse_args()
    unknown = [name for name in options.systems if name.split('-')[0] not in SYSTEMS]
    if unknown:
        parser.error(f'{unknown[0]} is none of {", ".join(SYSTEMS)}')
    rates, soonest = {}, {}
    for name, seed in product(options.systems, range(options.seeds)):
        task = GoalReachingTask(SETTINGS)
        for number in range(SETTINGS.errands):  # ways are planned before the clock starts
            for place in range(task.maps):
                task.pool.errand(place, number)
        system, *sizes = name.split('-')
        try:
            clock = SYSTEMS[system](task, options, seed, *map(int, sizes))
        except ImportError as error:
            print(f'{name:10s} cannot be imported: {error}')
            continue
        rates.setdefault(name, []).append(clock.steps / clock.passed)
        soonest.setdefault(name, []).append(clock.reached or np.inf)
        reached = 'not reached' if clock.reached is None else f'{clock.reached:.1f} s'
        print(f'{name:10s} {rates[name][-1] / 1e3:7.1f} k steps/s, '
              f'{clock.steps / 1e3:6.0f} k steps; 90 % success: {reached}; at the end '
              f'{np.mean(clock.last or [0.0]):.2f} of {len(clock.last)} episodes', flush=True)
    for what, figures, best in (('steps/s', rates, max), ('time to 90 % success', soonest, min)):
        means = {name: float(np.mean(values)) for name, values in figures.items()}
        both = [[f for n, f in means.items() if n.startswith(system) and f < np.inf]
                for system in ('ours', 'sb3')]
        if all(both):
            print(f'{what}, ours / Stable-Baselines3, each at its best: '
                  f'{best(both[0]) / best(both[1]):.2f}')


if __name__ == '__main__':
    main()
