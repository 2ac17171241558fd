"""
Fit every family of networks to the same samples, and compare driving, size and latency.

    python benchmarks/policies.py [--minutes 60] [--epochs 24] [--episodes 25]
"""

import argparse
from dataclasses import replace
import time

import numpy as np
import onnxruntime
import torch

from synth_nodes.export.onnx import to_onnx
from synth_nodes.export.parity import check_parity
from synth_nodes.infer.session import load_policy
from synth_nodes.policy.families import build_network
from synth_nodes.policy.goal_reaching import goal_reaching_contract, NETWORKS
from synth_nodes.train.changed import drive_errands, recordings
from synth_nodes.train.evaluate import EvaluationSettings
from synth_nodes.train.fit import Fitter
from synth_nodes.train.progress import never, silent
from synth_nodes.train.settings import BcSettings
from synth_nodes.train.tune_settings import TuneSettings
from synth_nodes.types import LidarSpec, RobotSpec

ROBOT, LIDAR = RobotSpec(), LidarSpec()
DECISIONS = 3000


def trained(name, train, held, settings):
    torch.manual_seed(settings.seed)
    net = build_network(name, settings.observation, ROBOT, hidden=settings.hidden)
    net.fit_normaliser(*(torch.from_numpy(v.copy()) for v in (
        train.scan, train.goal, train.velocity)))
    begun = time.process_time()
    history = Fitter(net, settings, settings.seed).fit(
        train, held, settings.final_epochs, name, silent, never)
    spent = time.process_time() - begun
    return net.eval(), min(e.validation_loss for e in history), spent


def session_of(net, contract):
    content = to_onnx(net, contract)
    check_parity(net, content, contract)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, ['CPUExecutionProvider'])


def latencies(sessions, samples):
    """Time all in turn, so that a busy moment of the machine meets each of them."""
    times = {name: [] for name in sessions}
    for k in range(DECISIONS):
        row = slice(k % len(samples), k % len(samples) + 1)
        feed = {'scan': samples.scan[row].astype(np.float32), 'goal': samples.goal[row],
                'velocity': samples.velocity[row]}
        for name, session in sessions.items():
            begun = time.perf_counter()
            session.run(None, feed)
            times[name].append(1e6 * (time.perf_counter() - begun))
    return {name: np.percentile(t, (50, 99)) for name, t in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[1])
    parser.add_argument('--minutes', type=float, default=60.0,
                        help='simulated drives to learn from [min]')
    parser.add_argument('--epochs', type=int, default=24)
    parser.add_argument('--episodes', type=int, default=25, help='errands in each of 4 buildings')
    options = parser.parse_args()
    torch.set_num_threads(1)
    settings = replace(BcSettings(), final_epochs=options.epochs, patience=options.epochs)
    tune = replace(TuneSettings(), minutes=options.minutes,
                   evaluation=EvaluationSettings(episodes=options.episodes))
    spec = settings.observation
    policy = load_policy('', ROBOT).act
    samples = recordings(tune, ROBOT, LIDAR, spec, policy, silent, never)
    held = samples.group % 5 == 0
    print(f'{len(samples)} samples', flush=True)
    contract = goal_reaching_contract(ROBOT, spec, LIDAR)
    rows, sessions = {}, {}
    for name in NETWORKS:
        net, loss, spent = trained(name, samples.take(~held), samples.take(held), settings)
        sessions[name] = session_of(net, contract)
        total = drive_errands(net.act, tune, ROBOT, LIDAR, spec, silent, never).total
        rows[name] = (f'{total.success:.3f} ({total.success_low:.3f} to {total.success_high:.3f}) '
                      f'| {total.contacts} | {loss:.4f} '
                      f'| {sum(p.numel() for p in net.parameters()):,} | {spent:.0f}')
        print(name, rows[name], flush=True)
    print('| network | success (95 %) | contacts | held-back loss | parameters | fitting, CPU [s] '
          '| ONNX p50 [us] | p99 [us] |\n|---|---|---|---|---|---|---|---|')
    for name, (half, most) in latencies(sessions, samples).items():
        print(f'| {name} | {rows[name]} | {half:.0f} | {most:.0f} |')


if __name__ == '__main__':
    main()
