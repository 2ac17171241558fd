import numpy as np
import pytest
import torch

from synth_nodes.policy.goal_reaching import command_limits
from synth_nodes.policy.networks import RingConv, ScanPolicy
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import RobotSpec

ROBOT, SPEC = RobotSpec(), ObservationSpec()


@pytest.fixture
def net():
    torch.manual_seed(0)
    return ScanPolicy(SPEC, ROBOT, hidden=32)


def inputs(batch, seed=0):
    rng = torch.Generator().manual_seed(seed)
    return (8.0 * torch.rand(batch, SPEC.history, SPEC.sectors, generator=rng),
            torch.randn(batch, 3, generator=rng), torch.randn(batch, 3, generator=rng))


def test_ring_convolution_turns_with_its_input():
    conv = RingConv(2, 3, 5, 1)
    x = torch.randn(1, 2, 24)
    assert torch.allclose(conv(x.roll(7, -1)), conv(x).roll(7, -1), atol=1e-6)


def test_commands_stay_within_limits_for_absurd_inputs(net):
    scan, goal, velocity = inputs(64)
    out = net(scan, goal * 1e4, velocity * 1e4).detach().numpy()
    low, high = command_limits(ROBOT)
    assert (out >= np.array(low) - 1e-6).all() and (out <= np.array(high) + 1e-6).all()


def test_goal_at_the_robot_and_scan_of_zeros_give_finite_commands(net):
    out = net(torch.zeros(1, 3, 72), torch.zeros(1, 3), torch.zeros(1, 3))
    assert torch.isfinite(out).all()


def test_normaliser_centres_features_and_leaves_what_never_varies(net):
    scan, goal, velocity = inputs(500)
    velocity[:, 1] = 0.0
    net.fit_normaliser(scan, goal, velocity)
    features = (torch.log(scan + 0.2) - net.feature_mean) / net.feature_std
    assert features.mean().abs() < 1e-4 and abs(float(features.std()) - 1) < 0.01
    assert net.state_std[5] == 1.0


def test_normaliser_travels_with_the_weights(net):
    net.fit_normaliser(*inputs(100))
    other = ScanPolicy(SPEC, ROBOT, hidden=32)
    other.load_state_dict(net.state_dict())
    assert torch.equal(net(*inputs(5, 1)), other(*inputs(5, 1)))


def test_numpy_observations_give_the_same_as_tensors(net):
    scan, goal, velocity = inputs(4)
    named = {'scan': scan.numpy(), 'goal': goal.numpy(), 'velocity': velocity.numpy()}
    assert np.allclose(net.act(named), net(scan, goal, velocity).detach().numpy())
