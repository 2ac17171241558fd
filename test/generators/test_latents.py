import numpy as np
import pytest

torch = pytest.importorskip('torch')

from synth_nodes.generators.latents import LatentMixture  # noqa: E402


def two_kinds(count):
    """Latents of two kinds, told apart by the first condition; the second moves them along."""
    rng = np.random.default_rng(0)
    kind, slope = rng.choice((-1.0, 1.0), count), rng.standard_normal(count)
    z = np.column_stack((3.0 * kind, 2.0 * slope, *rng.standard_normal((3, count)) * 0.1))
    return (torch.from_numpy(z).float(),
            torch.from_numpy(np.column_stack((kind, slope))).float())


def test_latents_follow_the_conditions_and_keep_to_the_kinds_there_are():
    z, asked = two_kinds(2000)
    net = LatentMixture(5, 2)
    net.fit(z, asked)
    noise = torch.randn((500, net.noise), generator=torch.Generator().manual_seed(1))
    drawn = net(noise, asked[:500])
    assert (drawn[:, 0] * asked[:500, 0] > 2.0).float().mean() > 0.98
    assert (drawn[:, 1] - 2.0 * asked[:500, 1]).abs().mean() < 0.4
    assert drawn[:, 2:].std() == pytest.approx(0.1, rel=0.2)


def test_without_a_hint_both_kinds_are_drawn_and_nothing_between():
    z, asked = two_kinds(2000)
    net = LatentMixture(5, 1)
    net.fit(z, asked[:, 1:])
    drawn = net(torch.randn((800, net.noise), generator=torch.Generator().manual_seed(1)),
                asked[:800, 1:])[:, 0]
    assert 0.3 < (drawn > 0).float().mean() < 0.7 and (drawn.abs() > 2.0).float().mean() > 0.95


def test_few_samples_make_fewer_parts():
    z, asked = two_kinds(10)
    net = LatentMixture(5, 2)
    net.fit(z, asked)
    assert (net.weight > -100.0).sum() == 1
    assert torch.isfinite(net(torch.randn(64, net.noise), asked[:1].expand(64, -1))).all()
