from dataclasses import replace
import json

import numpy as np
import pytest
import torch

from synth_nodes.errors import InputError
from synth_nodes.export.compress import compress, Compression
from synth_nodes.export.onnx import export_policy, to_onnx
from synth_nodes.export.prune import prune_network
from synth_nodes.export.quantise import quantise
from synth_nodes.export.registry import files_in
from synth_nodes.infer.session import load_policy
from synth_nodes.policy.families import build_network
from synth_nodes.policy.goal_reaching import goal_reaching_contract
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.train.evaluate import EvaluationSettings
from synth_nodes.train.tune_settings import TuneSettings
from synth_nodes.types import LidarSpec, RobotSpec

ROBOT, SPEC = RobotSpec(), ObservationSpec()
CONTRACT = goal_reaching_contract(ROBOT, SPEC, LidarSpec(beams=90))


@pytest.fixture
def net(one_thread):
    torch.manual_seed(0)
    made = build_network('conv', SPEC, ROBOT, hidden=32)
    made.fit_normaliser(8.0 * torch.rand(50, 3, 72), torch.randn(50, 3), torch.randn(50, 3))
    return made.eval()


def inputs(count):
    generator = torch.Generator().manual_seed(1)
    return (8.0 * torch.rand(count, 3, 72, generator=generator),
            torch.randn(count, 3, generator=generator), torch.randn(count, 3, generator=generator))


@torch.no_grad()
def silence(layer, rows):
    layer.weight[rows] = 0.0
    layer.bias[rows] = 0.0


def test_what_does_nothing_is_pruned_without_a_difference(net):
    silence(net.convs[0].conv, slice(0, 8))
    silence(net.convs[2].conv, slice(4, 10))
    silence(net.squeeze[0], slice(1, 9))
    silence(net.head[0], slice(20, 28))
    small = prune_network(net, 0.25, SPEC, ROBOT)
    assert small.convs[0].conv.out_channels == 24 and small.convs[2].conv.out_channels == 18
    assert small.squeeze[0].out_features == 24
    assert torch.allclose(small(*inputs(20)), net(*inputs(20)), atol=1e-6)
    assert (sum(p.numel() for p in small.parameters())
            < 0.65 * sum(p.numel() for p in net.parameters()))


def test_other_families_and_shares_are_refused(net):
    with pytest.raises(InputError, match='cannot be pruned'):
        prune_network(build_network('mlp', SPEC, ROBOT), 0.3, SPEC, ROBOT)
    with pytest.raises(InputError, match='between 0 and 1'):
        prune_network(net, 1.0, SPEC, ROBOT)


def test_quantised_graph_keeps_its_inputs_and_nearly_its_decisions(net):
    import onnxruntime

    names = ('scan', 'goal', 'velocity')
    feed = {n: v.numpy() for n, v in zip(names, inputs(300), strict=True)}
    content = quantise(to_onnx(net, CONTRACT), feed)
    session = onnxruntime.InferenceSession(content, providers=['CPUExecutionProvider'])
    given = session.run(None, feed)[0]
    with torch.no_grad():
        right = net(*inputs(300)).numpy()
    error = np.abs(given - right).max(axis=0) / right.std(axis=0)
    assert 0.0 < error.max() < 1.0
    assert b'QuantizeLinear' in content


def test_compressed_policy_loads_and_its_figures_are_written(net, tmp_path):
    export_policy(net, CONTRACT, tmp_path / 'old')
    settings = replace(TuneSettings(), minutes=0.5, buildings=5, epochs=1,
                       evaluation=EvaluationSettings(episodes=1))
    told, worse = compress(files_in(tmp_path / 'old'), Compression(0.3, True, 1.0), settings,
                           tmp_path / 'new')
    assert worse == () and told['before']['bytes'] > told['after']['bytes']
    written = json.loads((tmp_path / 'new' / 'policy.json').read_text())
    assert written['scores']['compression']['error_of_spread'] == told['error_of_spread']
    assert load_policy(tmp_path / 'new', ROBOT).warm_up_latency > 0


def test_nothing_to_do_is_refused(tmp_path):
    with pytest.raises(InputError, match='nothing to do'):
        compress(files_in(tmp_path), Compression(), TuneSettings(), tmp_path / 'new')
