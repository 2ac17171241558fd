"""Scans moved against a network while it learns."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from synth_nodes.policy.networks import ScanPolicy  # noqa: E402
from synth_nodes.train.adversarial import harden  # noqa: E402
from synth_nodes.train.fit import Fitter  # noqa: E402
from synth_nodes.train.progress import never, silent  # noqa: E402
from synth_nodes.train.samples import Samples  # noqa: E402
from synth_nodes.train.settings import AdversarialSettings, BcSettings  # noqa: E402
from synth_nodes.types import RobotSpec  # noqa: E402

pytestmark = pytest.mark.usefixtures('one_thread')
HALF = AdversarialSettings(share=0.5, noise_std=0.02, noise_slope=0.01, deviations=2.0)


def test_half_of_the_scans_move_by_their_bound_so_that_the_loss_rises():
    torch.manual_seed(0)
    scan = torch.rand(6, 3, 10) * 4 + 1
    scan[:, :, 0] = 8.0
    way = torch.randn(3, 10)

    def loss(seen):
        return (seen * way).sum(dim=(1, 2)).pow(2).mean()

    out = harden(scan, loss, HALF, 8.0)
    assert torch.equal(out[3:], scan[3:]) and torch.equal(out[:, :, 0], scan[:, :, 0])
    moved = (out - scan)[:3, :, 1:].abs()
    torch.testing.assert_close(moved, 2 * (0.02 + 0.01 * scan[:3, :, 1:]), atol=1e-5, rtol=0)
    assert loss(out) > loss(scan)
    assert harden(scan, loss, replace(HALF, share=0.0), 8.0) is scan


def test_cloning_with_attacks_fits_and_is_another_network_than_without():
    settings = BcSettings(hidden=16, batch_size=64)
    spec, rng = settings.observation, np.random.default_rng(0)
    count = 256
    samples = Samples.empty(spec)
    samples = replace(
        samples, scan=rng.uniform(1, 5, (count, *samples.scan.shape[1:])).astype(
            samples.scan.dtype), goal=rng.uniform(0, 2, (count, 3)).astype(np.float32),
        velocity=np.zeros((count, 3), np.float32), command=np.full((count, 2), 0.3, np.float32),
        group=np.zeros(count, samples.group.dtype))
    weights = []
    for chosen in (settings, replace(settings, adversarial=HALF)):
        torch.manual_seed(0)
        net = ScanPolicy(spec, RobotSpec(), hidden=16)
        history = Fitter(net, chosen, 0).fit(samples, samples, 3, 'fitting', silent, never)
        assert history[-1].validation_loss < history[0].validation_loss
        weights.append(net.head[0].weight.detach())
    assert not torch.equal(*weights)
