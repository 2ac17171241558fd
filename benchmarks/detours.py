"""
Success with and without detours, among people who walk and among people who stand for good.

    python benchmarks/detours.py --map tb3_sandbox.yaml [--episodes 100] [--driver expert]
"""

import argparse
from dataclasses import replace
from pathlib import Path

from synth_nodes.commands.inputs import load_maps
from synth_nodes.infer.session import load_policy
from synth_nodes.tasks.detour_settings import DetourSettings
from synth_nodes.train.evaluate import evaluate, EvaluationSettings
from synth_nodes.types import LidarSpec, RobotSpec


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--map', type=Path, action='append', required=True, metavar='M.yaml')
    parser.add_argument('--episodes', type=int, default=100, help='errands in each map')
    parser.add_argument('--seed', type=int, default=1000)
    parser.add_argument('--driver', choices=('policy', 'expert'), default='policy')
    options = parser.parse_args()
    robot, lidar = RobotSpec(), LidarSpec()
    act = load_policy('', robot, lidar=lidar).act if options.driver == 'policy' else None
    walking = EvaluationSettings(episodes=options.episodes, seed=options.seed)
    standing = replace(walking, actors=replace(walking.actors, speed=0.0))
    print(f'driver: {options.driver}\n'
          '| people | detours | success (95 %) | contacts | late | efficiency | time [s] |\n'
          '|---|---|---|---|---|---|---|')
    gained = []
    for people, settings in (('walk', walking), ('stand', standing)):
        arrived = []
        for detours in (None, DetourSettings()):
            s = evaluate(act, load_maps(options.map), robot, lidar, settings=settings,
                         detours=detours).total
            print(f'| {people} | {"no" if detours is None else "yes"} | {s.success:.1%} '
                  f'({100 * s.success_low:.1f} to {100 * s.success_high:.1f}) | {s.contacts} '
                  f'| {s.timeouts} | {s.efficiency:.3f} | {s.duration:.1f} ± '
                  f'{s.duration_half:.1f} |', flush=True)
            arrived.append(s.arrived)
        gained.append(arrived[1] - arrived[0])
    print(f'errands more that arrive with detours: {gained[0]} among walkers, {gained[1]} among '
          'standers')


if __name__ == '__main__':
    main()
