"""Two robots and a server over loopback: weights travel, samples stay."""

import socket
import subprocess
import sys

import numpy as np
import pytest
import torch

from synth_nodes.policy.networks import ScanPolicy
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.train.federated import serve, take_part, take_weights, weights_of
from synth_nodes.train.fit import Fitter
from synth_nodes.train.progress import never, silent
from synth_nodes.train.samples import Samples
from synth_nodes.train.settings import BcSettings
from synth_nodes.types import RobotSpec

SETTINGS = BcSettings(batch_size=32, epochs=1)
SIZES = (96, 32)


def samples(count, seed):
    rng = np.random.default_rng(seed)
    return Samples(rng.uniform(1.0, 8.0, (count, 3, 72)).astype(np.float16),
                   rng.normal(size=(count, 3)).astype(np.float32),
                   np.zeros((count, 3), np.float32),
                   rng.uniform(-0.3, 0.3, (count, 2)).astype(np.float32),
                   np.zeros(count, np.int32))


def network():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return ScanPolicy(ObservationSpec(), RobotSpec(), hidden=16)


def test_a_round_is_the_mean_of_the_robots_weights_by_their_samples(tmp_path):
    pytest.importorskip('flwr', reason='Flower is not installed: it lowers protobuf, see '
                        'docs/dependencies.md')
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        address = f'127.0.0.1:{free.getsockname()[1]}'
    jobs = [subprocess.Popen([sys.executable, __file__, role, address, str(tmp_path / 'net.npz')])
            for role in ('server', '0', '1')]
    assert [job.wait(200) for job in jobs] == [0, 0, 0]
    with np.load(tmp_path / 'net.npz') as data:
        served = list(data.values())
    learned = []
    for robot, count in enumerate(SIZES):
        net = network()
        Fitter(net, SETTINGS, 0).fit(samples(count, robot), samples(20, 9), 1, '', silent, never)
        learned.append(weights_of(net))
    for one, two, mean in zip(*learned, served, strict=True):
        np.testing.assert_allclose(mean, (96 * one + 32 * two) / 128, atol=1e-6)


def test_weights_set_are_the_weights_given():
    one, two = network(), network()
    with torch.no_grad():
        one.head[0].weight += 1.0
    take_weights(two, weights_of(one))
    assert torch.equal(one.head[0].weight, two.head[0].weight)


def main(role, address, file):
    if role == 'server':
        net = serve(address, network(), rounds=1, clients=2)
        np.savez(file, *weights_of(net))
    else:
        take_part(address, network(), samples(SIZES[int(role)], int(role)), samples(20, 9),
                  SETTINGS)


if __name__ == '__main__':
    main(*sys.argv[1:])
