from dataclasses import replace
import json
import subprocess
import sys

import numpy as np
import pytest
import torch

from synth_nodes.errors import InputError
from synth_nodes.export.onnx import export_policy
from synth_nodes.export.registry import Registry
from synth_nodes.infer.locate import locate_policy
from synth_nodes.infer.session import load_policy
from synth_nodes.policy.contract import read_contract
from synth_nodes.policy.goal_reaching import goal_reaching_contract
from synth_nodes.policy.networks import ScanPolicy
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import LidarSpec, RobotSpec

ROBOT, SPEC, LIDAR = RobotSpec(), ObservationSpec(), LidarSpec()


@pytest.fixture(scope='module')
def net():
    torch.manual_seed(0)
    return ScanPolicy(SPEC, ROBOT, hidden=32)


@pytest.fixture(scope='module')
def exported(net, tmp_path_factory):
    folder = tmp_path_factory.mktemp('exported') / 'policy'
    export_policy(net, goal_reaching_contract(ROBOT, SPEC, LIDAR), folder)
    return folder


@pytest.fixture
def copy(exported, tmp_path):
    """A copy of the exported pair that a test may damage."""
    for name in ('policy.onnx', 'policy.json'):
        (tmp_path / name).write_bytes((exported / name).read_bytes())
    return tmp_path


def observations(batch=1, seed=0):
    rng = np.random.default_rng(seed)
    return {'scan': rng.uniform(0.2, 8, (batch, 3, 72)).astype(np.float32),
            'goal': rng.uniform(-1, 1, (batch, 3)).astype(np.float32),
            'velocity': rng.uniform(-0.5, 0.5, (batch, 3)).astype(np.float32)}


def refused(*args, **kwargs):
    with pytest.raises(InputError) as caught:
        load_policy(*args, **kwargs)
    assert '\n' not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize('batch', [1, 7])
def test_session_decides_as_the_network_for_any_batch(net, exported, batch):
    policy = load_policy(exported, ROBOT, SPEC, LIDAR)
    seen = observations(batch)
    assert np.abs(policy.act(seen) - net.act(seen)).max() <= 1e-5


def test_session_reports_providers_and_warm_up(exported):
    policy = load_policy(exported / 'policy.onnx', ROBOT)
    assert policy.providers[-1] == 'CPUExecutionProvider'
    assert policy.warm_up_latency > 0.0


def test_slower_robot_gets_the_same_arc_within_its_limits(exported):
    seen = observations(50)
    free = load_policy(exported, ROBOT).act(seen)
    slow = load_policy(exported, replace(ROBOT, max_speed=0.1, max_turn_rate=0.3)).act(seen)
    assert (np.abs(slow) <= [0.1 + 1e-6, 0.3 + 1e-6]).all()
    ahead = free[:, 0] > 0.01
    assert np.allclose(slow[ahead, 1] / slow[ahead, 0], free[ahead, 1] / free[ahead, 0], rtol=1e-3)


def test_wrong_shape_is_an_error_that_names_the_input(exported):
    with pytest.raises(ValueError, match="'scan'"):
        load_policy(exported, ROBOT).act({**observations(), 'scan': np.ones((1, 3, 36))})


def test_truncated_model_is_refused(copy):
    content = (copy / 'policy.onnx').read_bytes()
    (copy / 'policy.onnx').write_bytes(content[:len(content) // 2])
    assert 'truncated' in refused(copy, ROBOT)


def test_model_with_another_checksum_is_refused(copy):
    content = bytearray((copy / 'policy.onnx').read_bytes())
    content[-100] ^= 1
    (copy / 'policy.onnx').write_bytes(content)
    assert 'sha256' in refused(copy, ROBOT)


def test_file_that_is_no_model_is_refused_even_with_a_matching_contract(copy):
    junk = b'not a model at all'
    contract = read_contract(copy / 'policy.json').for_file(junk)
    (copy / 'policy.onnx').write_bytes(junk)
    (copy / 'policy.json').write_text(contract.to_json())
    assert 'not a model ONNX Runtime can run' in refused(copy, ROBOT)


def test_contract_of_other_inputs_than_the_graph_is_refused(copy):
    data = json.loads((copy / 'policy.json').read_text())
    data['inputs'][0]['shape'] = ['batch', 5, 72]
    (copy / 'policy.json').write_text(json.dumps(data))
    assert "input 'scan'" in refused(copy, ROBOT)


def test_robot_observation_and_lidar_that_do_not_fit_are_refused(exported):
    big = replace(ROBOT, footprint=(0.5, 0.5, -0.5, 0.5, -0.5, -0.5, 0.5, -0.5))
    assert 'robot.footprint' in refused(exported, big)
    assert 'observation.history' in refused(exported, ROBOT, replace(SPEC, history=5))
    assert 'lidar.field_of_view' in refused(
        exported, ROBOT, SPEC, replace(LIDAR, field_of_view=2.0))


def test_missing_policy_and_unknown_device_are_refused(exported, tmp_path):
    assert "parameter 'model'" in refused(tmp_path / 'none.onnx', ROBOT)
    assert "parameter 'model'" in refused(tmp_path, ROBOT)
    assert "parameter 'device'" in refused(exported, ROBOT, device='tpu')


def test_cuda_that_is_not_there_is_said_and_not_claimed(exported):
    import onnxruntime

    if 'CUDAExecutionProvider' in onnxruntime.get_available_providers():
        pytest.skip('this machine has CUDA')
    assert 'CPUExecutionProvider' in refused(exported, ROBOT, device='cuda')
    assert load_policy(exported, ROBOT, device='auto').providers == ('CPUExecutionProvider',)


def test_registry_gives_its_current_version(exported, tmp_path):
    registry = Registry(tmp_path)
    version = registry.add(exported)
    assert 'no policy at' in refused(tmp_path, ROBOT)
    registry.promote(version)
    assert load_policy(tmp_path, ROBOT).path.parent.name == version
    assert locate_policy(tmp_path)[0] == registry.path() / 'policy.onnx'


def test_shipped_policy_fits_the_default_robot_and_drives_towards_an_open_goal():
    policy = load_policy('', ROBOT, SPEC, LIDAR)
    seen = {'scan': np.full((2, 3, 72), 6.0), 'velocity': np.zeros((2, 3)),
            'goal': np.array([[1.2, 0.0, 3.0], [0.0, 1.2, 3.0]])}
    ahead, left = policy.act(seen)
    assert ahead[0] > 0.5 and abs(ahead[1]) < 0.3
    assert left[0] < 0.4 and left[1] > 0.5
    assert policy.contract.provenance['command']


def test_inference_needs_numpy_and_onnx_runtime_alone():
    code = ('import sys, synth_nodes.infer.session, synth_nodes.tasks.path;'
            'print([m for m in ("torch", "numba", "cv2", "matplotlib", "rosbags", "rclpy")'
            ' if m in sys.modules])')
    done = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
    assert done.stdout.strip() == '[]', done.stderr
