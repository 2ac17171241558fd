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
    """Steps in a second of wall time and of CPU time, medians after a warm-up that plans."""
    env = BatchEnv(task, batch, threads=threads)
    env.reset(0)
    rng, times = np.random.default_rng(0), []
    for k in range(30 + rounds):
        action = rng.uniform((0.0, -0.5), (1.0, 0.5), (batch, 2)).astype(np.float32)
        start = time.perf_counter(), time.process_time()
        env.step(action)
        if k >= 30:
            times.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    env.close()
    return batch / np.median(times, axis=0) / 1e3


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
    print('k steps in a second of wall time, of CPU time (all threads together):')
    for layout in (*default.layouts, 'yard'):
        task = GoalReachingTask(GoalReachingSettings(layouts=(layout,), errands=64))
        print('  goal reaching, {:10s} {:7.1f} {:7.1f}'.format(layout, *rate(task, *run)))
    lines = LineFollowingTask(LineFollowingSettings())
    print('  line following            {:7.1f} {:7.1f}'.format(*rate(lines, *run)))
    task = GoalReachingTask(GoalReachingSettings(errands=64))
    wall, cpu = rate(task, *run)
    print(f'goal reaching, its own mixture of layouts: {wall:.1f} k steps/s of wall time, '
          f'{cpu:.1f} of CPU time')


if __name__ == '__main__':
    main()
