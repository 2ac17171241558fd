from dataclasses import replace

import numpy as np
import pytest
import torch

from synth_nodes.envs.settings import LINE_CAMERA
from synth_nodes.errors import InputError
from synth_nodes.policy.camera_networks import CameraPolicy, normalised
from synth_nodes.policy.contract import PolicyContract
from synth_nodes.policy.line_camera import line_camera_contract
from synth_nodes.types import RobotSpec

CONTRACT = line_camera_contract(RobotSpec(), LINE_CAMERA)


def test_contract_with_a_camera_survives_json_and_speaks_of_no_lidar():
    text = CONTRACT.for_file(b'model').to_json()
    assert '"lidar"' not in text and '"pitch"' in text
    assert PolicyContract.from_json(text, 'policy.json') == CONTRACT.for_file(b'model')


@pytest.mark.parametrize(('change', 'name'), [
    ({'width': 128}, 'width'), ({'horizontal_fov': 1.4}, 'horizontal_fov'),
    ({'mount': (0.18, 0.0, 0.45)}, 'mount'), ({'pitch': 0.5}, 'pitch')])
def test_another_camera_is_refused_by_name(change, name):
    CONTRACT.check_camera(replace(LINE_CAMERA, mount=(0.19, 0.0, 0.35)), 'policy.onnx')
    with pytest.raises(InputError, match=f'camera.{name}'):
        CONTRACT.check_camera(replace(LINE_CAMERA, **change), 'policy.onnx')


def test_a_policy_for_another_task_is_refused():
    CONTRACT.check_task('line_camera', 'policy.onnx')
    with pytest.raises(InputError, match="task 'line_camera', but 'goal_reaching'"):
        CONTRACT.check_task('goal_reaching', 'policy.onnx')


def test_brightness_and_contrast_of_the_whole_image_do_not_matter():
    image = torch.randint(60, 120, (2, 64, 64, 3)).float()
    brighter = normalised(1.7 * image + 20.0)
    assert torch.allclose(normalised(image), brighter, atol=0.25)
    assert normalised(image).mean().abs() < 1e-4


def test_commands_stay_within_the_limits_of_the_robot():
    torch.manual_seed(0)
    net = CameraPolicy(LINE_CAMERA, RobotSpec())
    with torch.no_grad():
        net.head[-1].weight *= 1000.0
    out = net.act({'image': np.random.default_rng(0).integers(0, 256, (32, 64, 64, 3))})
    assert (np.abs(out) <= (0.8 + 1e-6, 1.5 + 1e-6)).all() and out[:, 0].min() >= -0.2 - 1e-6


def test_mirroring_swaps_left_and_right():
    image = torch.arange(2 * 4 * 4 * 3).reshape(2, 4, 4, 3)
    inputs, command = CameraPolicy.mirrored({'image': image}, torch.tensor([[0.5, 0.3]]))
    assert torch.equal(inputs['image'][:, :, 0], image[:, :, 3])
    assert command.tolist() == [[0.5, pytest.approx(-0.3)]]
