from dataclasses import replace

import pytest
import torch

from synth_nodes.errors import InputError
from synth_nodes.export.onnx import to_onnx
from synth_nodes.export.parity import check_parity
from synth_nodes.policy.families import build_network, FAMILIES, rebuild_network
from synth_nodes.policy.goal_reaching import goal_reaching_contract, NETWORKS
from synth_nodes.policy.networks import Adapter
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import LidarSpec, RobotSpec

ROBOT, SPEC = RobotSpec(), ObservationSpec()


def fitted(name):
    torch.manual_seed(0)
    net = build_network(name, SPEC, ROBOT, hidden=16)
    net.fit_normaliser(8.0 * torch.rand(50, 3, 72), torch.randn(50, 3), torch.randn(50, 3))
    # As after training: no two weights are alike, and none are zeros or ones.
    with torch.no_grad():
        for parameter in net.parameters():
            parameter += 0.01 * torch.randn_like(parameter)
    return net.eval()


def contract_of(name):
    contract = goal_reaching_contract(ROBOT, SPEC, LidarSpec())
    return replace(contract, provenance={'settings': {'network': name}})


def test_every_name_of_the_settings_is_a_family():
    assert set(FAMILIES) == set(NETWORKS)


@pytest.mark.parametrize('name', NETWORKS)
def test_exported_family_decides_alike_and_can_be_rebuilt_from_its_file(name):
    net, contract = fitted(name), contract_of(name)
    net.adapter = Adapter(16, 4)
    torch.nn.init.normal_(net.adapter.up.weight)
    content = to_onnx(net, contract)
    assert check_parity(net, content, contract, 64) < 1e-5
    again = rebuild_network(content, contract, 'policy.onnx')
    assert check_parity(again, content, contract, 64) < 1e-5
    for key, value in net.state_dict().items():
        assert torch.equal(value, again.state_dict()[key]), key


@pytest.mark.parametrize('name', ['gru', 'transformer'])
def test_order_of_scans_matters_to_what_reads_history(name):
    net = fitted(name)
    scan, goal, velocity = 8.0 * torch.rand(4, 3, 72), torch.randn(4, 3), torch.randn(4, 3)
    assert not torch.allclose(net(scan, goal, velocity), net(scan.flip(1), goal, velocity))


def test_attention_is_causal():
    block = fitted('transformer').blocks[0]
    tokens = torch.randn(3, 16)
    changed = tokens.clone()
    changed[2] += 1.0
    assert torch.equal(block(tokens)[:2], block(changed)[:2])
    changed = tokens.clone()
    changed[0] += torch.randn(16)
    assert not torch.allclose(block(tokens)[2], block(changed)[2])


def test_new_adapter_changes_nothing():
    x = torch.randn(5, 16)
    assert torch.equal(Adapter(16, 4)(x), x)


def test_file_of_another_family_is_refused():
    content = to_onnx(fitted('mlp'), contract_of('mlp'))
    with pytest.raises(InputError, match="network, 'gru', cannot be tuned or compressed"):
        rebuild_network(content, contract_of('gru'), 'policy.onnx')


def test_attention_needs_a_width_it_can_share_out():
    with pytest.raises(InputError, match='multiple of 4'):
        build_network('transformer', SPEC, ROBOT, hidden=30)
