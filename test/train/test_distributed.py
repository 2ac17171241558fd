"""Two processes over gloo learn what one learns, at the same global batch."""

import os
from pathlib import Path
import subprocess
import sys

import numpy as np
import torch

from synth_nodes.policy.networks import ScanPolicy
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.train.distributed import Group, joined
from synth_nodes.train.fit import Fitter
from synth_nodes.train.progress import never, silent
from synth_nodes.train.samples import Samples
from synth_nodes.train.settings import BcSettings
from synth_nodes.types import RobotSpec

# Of a batch of 33 one process takes 17, the other 16.
SETTINGS = BcSettings(batch_size=33, learning_rate=1e-3)


def samples(count, seed):
    rng = np.random.default_rng(seed)
    return Samples(rng.uniform(1.0, 8.0, (count, 3, 72)).astype(np.float16),
                   rng.normal(size=(count, 3)).astype(np.float32),
                   np.zeros((count, 3), np.float32),
                   rng.uniform(-0.3, 0.3, (count, 2)).astype(np.float32),
                   np.zeros(count, np.int32))


def fit(file):
    """Fit, in a process of torchrun's or alone; the last process writes the weights."""
    torch.set_num_threads(1)
    with joined() as group:
        torch.manual_seed(0)
        net = ScanPolicy(ObservationSpec(), RobotSpec(), hidden=16)
        history = Fitter(net, SETTINGS, 0).fit(
            samples(200, 0), samples(50, 1), 3, 'fitting', silent, never)
        if group.rank == group.size - 1:
            torch.save({'net': net.state_dict(), 'size': group.size,
                        'losses': [e.train_loss for e in history]}, file)


def test_two_processes_give_the_weights_of_one(tmp_path):
    environment = {**os.environ, 'OMP_NUM_THREADS': '1'}
    done = subprocess.run(
        [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--local-addr',
         '127.0.0.1', '--nproc-per-node', '2', __file__, str(tmp_path / 'two.pt')],
        env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    fit(tmp_path / 'one.pt')
    one, two = (torch.load(tmp_path / f'{name}.pt') for name in ('one', 'two'))
    assert (one['size'], two['size']) == (1, 2)
    np.testing.assert_allclose(one['losses'], two['losses'], rtol=1e-5)
    for name, weight in one['net'].items():
        torch.testing.assert_close(two['net'][name], weight, rtol=0, atol=1e-6)


def test_one_process_alone_takes_all_rows_and_leaves_gradients_alone():
    group, weight = Group(), torch.nn.Parameter(torch.ones(2))
    weight.grad = torch.tensor([1.0, 2.0])
    group.average([weight], 1.0)
    assert group.share(np.arange(5)).tolist() == [0, 1, 2, 3, 4] and group.first
    assert weight.grad.tolist() == [1.0, 2.0] and group.from_first('a') == 'a'


if __name__ == '__main__':
    fit(Path(sys.argv[1]))
