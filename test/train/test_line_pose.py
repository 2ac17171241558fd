from dataclasses import replace

import torch

from synth_nodes.envs.settings import LineFollowingSettings
from synth_nodes.policy.flat import FlatPolicy
from synth_nodes.train.clone import CloneSettings
from synth_nodes.train.line_pose import LineClone, train_line_pose
from synth_nodes.types import RobotSpec

LINES = replace(LineFollowingSettings(), scenes=1)


def test_a_short_training_already_follows_lines():
    settings = replace(CloneSettings(), robots=24, rounds=2, steps=100, epochs=6,
                       final_epochs=25, batch_size=64, half=False)
    result = train_line_pose(settings, LINES, 6)
    assert result.contract.task == 'line_following'
    assert result.contract.scores['success'] >= 0.5


def test_left_and_right_are_swapped_in_all_parts():
    net = LineClone(FlatPolicy({'line': (2,), 'ahead': (1, 2), 'velocity': (3,)}, RobotSpec()),
                    ('line', 'ahead', 'velocity'))
    parts = {'line': torch.tensor([[0.1, 0.2]]), 'ahead': torch.tensor([[[0.3, 0.4]]]),
             'velocity': torch.tensor([[0.5, 0.0, 0.6]])}
    swapped, command = net.mirrored(parts, torch.tensor([[0.5, 0.7]]))
    assert torch.equal(swapped['line'], -parts['line'])
    assert torch.equal(swapped['ahead'], torch.tensor([[[0.3, -0.4]]]))
    assert torch.equal(swapped['velocity'], torch.tensor([[0.5, 0.0, -0.6]]))
    assert torch.equal(command, torch.tensor([[0.5, -0.7]]))
