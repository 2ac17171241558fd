"""
Steps of the goal-reaching environment: drive, people, exact contact, lidar, observation, reward.

    python benchmarks/environment.py [--batch 1024] [--threads 2] [--rounds 60]
"""

import argparse
import time

import numpy as np

from synth_nodes.envs.batch import BatchEnv
from synth_nodes.envs.goal_reaching import GoalReachingTask
from synth_nodes.envs.line_following import LineFollowingTask
from synth_nodes.envs.settings import GoalReachingSettings, LineFollowingSettings


def rate(task, batch, threads, rounds):
    """Environment steps a second, the median over rounds after a warm-up that plans errands."""
    env = BatchEnv(task, batch, threads=threads)
    env.reset(0)
    rng, times = np.random.default_rng(0), []
    for k in range(30 + rounds):
        action = rng.uniform((0.0, -0.5), (1.0, 0.5), (batch, 2)).astype(np.float32)
        start = time.perf_counter()
        env.step(action)
        if k >= 30:
            times.append(time.perf_counter() - start)
    env.close()
    return batch / np.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--batch', type=int, default=1024)
    parser.add_argument('--threads', type=int, default=2)
    parser.add_argument('--rounds', type=int, default=60)
    options = parser.parse_args()
    run = options.batch, options.threads, options.rounds
    default = GoalReachingSettings()
    print(f'{options.batch} robots, {default.lidar.beams} beams of {default.lidar.range_max:g} m, '
          f'{default.actors.count} people each, {options.threads} threads')
    for layout in (*default.layouts, 'yard'):
        task = GoalReachingTask(GoalReachingSettings(layouts=(layout,), errands=64))
        print(f'  goal reaching, {layout:10s} {rate(task, *run) / 1e3:7.1f} k steps/s')
    lines = LineFollowingTask(LineFollowingSettings())
    print(f'  line following            {rate(lines, *run) / 1e3:7.1f} k steps/s')
    task = GoalReachingTask(GoalReachingSettings(errands=64))
    print(f'goal reaching, its own mixture of layouts: {rate(task, *run):.0f} steps/s')


if __name__ == '__main__':
    main()
