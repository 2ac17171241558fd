"""The collision predictor's network: what it is shown, and that it is a function of that alone."""

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from synth_nodes.export.onnx import to_onnx  # noqa: E402
from synth_nodes.export.parity import check_parity  # noqa: E402
from synth_nodes.policy.collision import collision_contract  # noqa: E402
from synth_nodes.policy.risk_network import mirrored, RiskNetwork  # noqa: E402
from synth_nodes.tasks.observation import ObservationSpec  # noqa: E402
from synth_nodes.types import LidarSpec, RobotSpec  # noqa: E402
from synth_nodes.world.drive import arc  # noqa: E402

SPEC, ROBOT = ObservationSpec(), RobotSpec()


def network(seed: int = 0) -> RiskNetwork:
    torch.manual_seed(seed)
    return RiskNetwork(SPEC, ROBOT, 1.0).eval()


def inputs(count: int = 50, seed: int = 0):
    rng = np.random.default_rng(seed)
    scan = rng.uniform(0.3, 8.0, (count, SPEC.history, SPEC.sectors)).astype(np.float32)
    command = (rng.uniform(-1, 1, (count, 3)) * (0.8, 0.5, 1.5)).astype(np.float32)
    command[:5, 2] = 0.0
    return torch.from_numpy(scan), torch.from_numpy(command)


def test_gaps_are_those_of_the_box_moved_along_the_commanded_arc():
    net, (scan, command) = network(), inputs(20)
    gap = net._gaps(scan[:, 0], command).numpy()
    for b in range(20):
        vx, vy, turn = (float(v) for v in command[b])
        points = scan[b, 0].numpy()[:, None] * np.stack(
            (np.cos(SPEC.bearings), np.sin(SPEC.bearings)), axis=1)
        for k in (0, 7):
            x, y, yaw = arc(0.0, 0.0, 0.0, vx, turn, (k + 1) / 8, vy)
            c, s = np.cos(yaw), np.sin(yaw)
            local = np.abs((points - (x, y)) @ np.array([[c, -s], [s, c]])) - (0.21, 0.18)
            want = np.hypot(*np.maximum(local, 0).T) + np.minimum(local.max(axis=1), 0)
            np.testing.assert_allclose(gap[b, k], want, atol=2e-3)


def test_gap_is_negative_once_the_robot_would_stand_on_the_obstacle():
    net, scan = network(), torch.full((1, SPEC.history, SPEC.sectors), 8.0)
    scan[0, 0, 36] = 0.5
    ahead = net._gaps(scan[:, 0], torch.tensor([[0.5, 0.0, 0.0]]))[0, :, 36]
    assert (ahead.diff() < 0).all() and ahead[0] > 0.2 and ahead[-1] < 0
    back = net._gaps(scan[:, 0], torch.tensor([[-0.2, 0.0, 0.0]]))[0, :, 36]
    assert (back.diff() > 0).all()


def test_probability_is_within_bounds_and_falls_with_the_temperature_s_pull():
    net, (scan, command) = network(), inputs()
    with torch.no_grad():
        plain = net(scan, command)
        net.temperature.fill_(4.0)
        soft = net(scan, command)
        net.prior.fill_(-3.0)
        rare = net(scan, command)
    assert plain.shape == (50, 1) and ((plain >= 0) & (plain <= 1)).all()
    assert ((soft - 0.5).abs() <= (plain - 0.5).abs() + 1e-7).all() and (rare < soft).all()


def test_mirroring_twice_gives_the_sample_back_and_once_mirrors_the_gaps():
    net, (scan, command) = network(), inputs()
    other = mirrored(scan, command)
    torch.testing.assert_close(mirrored(*other), (scan, command))
    torch.testing.assert_close(net.features(*other), net.features(scan, command).flip(-1),
                               atol=2e-3, rtol=0)


def test_normaliser_gives_features_of_mean_zero_and_spread_one():
    net, (scan, command) = network(), inputs(400)
    net.fit_normaliser(scan, command)
    seen = (net.features(scan, command) - net.mean) / net.std
    assert seen.mean(dim=(0, 2)).abs().max() < 1e-3
    torch.testing.assert_close(seen.std(dim=(0, 2)), torch.ones(seen.shape[1]), atol=1e-2, rtol=0)


def test_export_gives_what_the_network_gives():
    net = network()
    net.fit_normaliser(*inputs(200))
    contract = collision_contract(ROBOT, SPEC, LidarSpec(), 1.0)
    assert check_parity(net, to_onnx(net, contract), contract) <= 1e-5
