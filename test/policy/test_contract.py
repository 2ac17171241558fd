from dataclasses import replace
import json

import pytest

from synth_nodes.errors import InputError
from synth_nodes.policy.contract import PolicyContract, read_contract
from synth_nodes.policy.goal_reaching import command_limits, goal_reaching_contract
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import LidarSpec, RobotSpec

ROBOT, SPEC, LIDAR = RobotSpec(), ObservationSpec(), LidarSpec()
CONTRACT = goal_reaching_contract(ROBOT, SPEC, LIDAR, {'seed': 3}, {'success': 1.0})


def refused(call, *args):
    with pytest.raises(InputError) as caught:
        call(*args)
    assert '\n' not in str(caught.value)
    return str(caught.value)


def test_contract_survives_json():
    contract = CONTRACT.for_file(b'model')
    assert PolicyContract.from_json(contract.to_json(), 'policy.json') == contract


def test_contract_states_every_input_with_shape_unit_frame_rate_and_range():
    for tensor in (*CONTRACT.inputs, *CONTRACT.outputs):
        assert tensor.shape[0] == 'batch'
        assert tensor.unit and tensor.frame and tensor.meaning
        assert tensor.rate == LIDAR.rate
        assert all(a < b or a == b == 0 for a, b in zip(tensor.low, tensor.high, strict=True))
    assert CONTRACT.outputs[0].low, CONTRACT.outputs[0].high == command_limits(ROBOT)


def test_file_that_is_cut_or_changed_is_refused():
    contract = CONTRACT.for_file(b'0123456789')
    contract.check_file(b'0123456789', 'policy.onnx')
    assert 'truncated: 4 of 10 bytes' in refused(contract.check_file, b'0123', 'policy.onnx')
    assert 'sha256' in refused(contract.check_file, b'012345678X', 'policy.onnx')


@pytest.mark.parametrize('change, name', [
    ({'footprint': (0.4, 0.18, -0.21, 0.18, -0.21, -0.18, 0.4, -0.18)}, 'robot.footprint'),
    ({'deceleration': 0.3}, 'robot.deceleration'),
    ({'drive': 'ackermann'}, 'robot.drive'),
    ({'command_latency': 0.5}, 'robot.command_latency'),
])
def test_robot_that_the_policy_did_not_learn_with_is_refused(change, name):
    message = refused(CONTRACT.check_robot, replace(ROBOT, **change), 'policy.onnx')
    assert name in message and 'train' in message


@pytest.mark.parametrize('change', [
    {}, {'max_speed': 0.4}, {'deceleration': 3.0}, {'footprint': (0.1, 0.1, -0.1, 0.1, 0.0, -0.1)},
])
def test_milder_robot_fits(change):
    CONTRACT.check_robot(replace(ROBOT, **change), 'policy.onnx')


def test_other_observation_layout_is_refused_by_name():
    message = refused(CONTRACT.check_observation, replace(SPEC, sectors=36), 'policy.onnx')
    assert 'observation.sectors' in message and '36' in message and '72' in message


@pytest.mark.parametrize('change, name', [
    ({'field_of_view': 3.1}, 'lidar.field_of_view'), ({'range_max': 2.0}, 'lidar.range_max')])
def test_lidar_that_shows_too_little_is_refused(change, name):
    assert name in refused(CONTRACT.check_lidar, replace(LIDAR, **change), 'policy.onnx')
    CONTRACT.check_lidar(replace(LIDAR, beams=720, noise_std=0.03), 'policy.onnx')


@pytest.mark.parametrize('text, word', [
    ('{', 'not JSON'), ('[]', 'schema'), ('{"schema": 99}', 'schema 99'),
    ('{"schema": 1}', "lacks 'robot'")])
def test_broken_contract_is_refused_in_one_line(text, word):
    assert word in refused(PolicyContract.from_json, text, 'policy.json')


def test_contract_with_an_unknown_robot_parameter_is_refused():
    data = json.loads(CONTRACT.to_json())
    data['robot']['wings'] = 2
    assert "'wings'" in refused(PolicyContract.from_json, json.dumps(data), 'policy.json')


def test_missing_contract_says_what_is_needed(tmp_path):
    assert '.json beside it' in refused(read_contract, tmp_path / 'policy.json')
