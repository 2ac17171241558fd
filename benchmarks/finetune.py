"""
Fine-tune the shipped policy to changed robots by each method, from ten minutes of recordings.

    python benchmarks/finetune.py [--episodes 12] [--change NAME] [--method full]
"""

import argparse
from dataclasses import replace
import time

from synth_nodes.export.registry import read_pair
from synth_nodes.infer.locate import locate_policy
from synth_nodes.policy.families import rebuild_network
from synth_nodes.train.changed import drive_errands, recordings
from synth_nodes.train.evaluate import EvaluationSettings
from synth_nodes.train.finetune import fine_tune
from synth_nodes.train.progress import never, silent
from synth_nodes.train.tune_settings import TuneSettings
from synth_nodes.types import LidarSpec, RobotSpec

SLIPPING = replace(RobotSpec(), slip=0.3, turn_slip=0.3)
MOVED = replace(LidarSpec(), mount=(0.1, 0.0, 0.0))
CHANGES = {
    'track +15 %, lidar moved 10 cm, 30 % slip': (SLIPPING, 1 / 1.15),
    'the same, turns 40 % short, drive slow by 0.6 s': (
        replace(SLIPPING, actuator_lag=0.4, command_latency=0.2), 0.6),
    'the same, body 20 cm longer and 16 cm wider': (
        replace(SLIPPING, footprint=(0.36, 0.26, -0.26, 0.26, -0.26, -0.26, 0.36, -0.26)),
        1 / 1.15),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--episodes', type=int, default=12, help='errands in each of 4 buildings')
    parser.add_argument('--change', choices=CHANGES, action='append')
    parser.add_argument('--method', action='append')
    options = parser.parse_args()
    model, contract_file = locate_policy('')
    content, contract = read_pair(model, contract_file)
    spec = contract.observation
    base = replace(TuneSettings(), evaluation=EvaluationSettings(episodes=options.episodes))
    print('| change | method | trained | success before | after | contacts before | after '
          '| loss before | after | F1 before | after | CPU [s] | wall [s] |\n'
          '|---|---|---|---|---|---|---|---|---|---|---|---|---|')
    for change in options.change or CHANGES:
        robot, gain = CHANGES[change]
        begun = time.process_time()
        settings = replace(base, turn_gain=gain)
        net = rebuild_network(content, contract, str(model))
        samples = recordings(settings, robot, MOVED, spec, net.act, silent, never)
        recorded = time.process_time() - begun
        def score(act, settings=settings, robot=robot):
            return drive_errands(act, settings, robot, MOVED, spec, silent, never)

        before = score(net.act)
        for method in options.method or ('full', 'lora'):
            net = rebuild_network(content, contract, str(model))
            rate = 5e-4 if method == 'full' else settings.learning_rate
            driven = [before]

            def drive(act, driven=driven, score=score):
                return driven.pop() if driven else score(act)

            tuned = fine_tune(net, samples, robot, replace(
                settings, method=method, learning_rate=rate), drive)
            told = tuned.report
            pairs = ' | '.join(f'{told[when][name]:.3f}' for name in (
                'success', 'contact_rate', 'loss', 'f1') for when in ('before', 'after'))
            print(f"| {change} | {method} | {100 * told['parameters']['share']:.1f} % | {pairs} "
                  f"| {told['cpu_seconds']:.1f} | {told['seconds']:.1f} |", flush=True)
        print(f'{len(samples)} samples, recorded in {recorded:.1f} s of CPU time', flush=True)


if __name__ == '__main__':
    main()
