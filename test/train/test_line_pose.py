from dataclasses import replace

import pytest
import torch

from synth_nodes.envs.settings import LineFollowingSettings
from synth_nodes.errors import InputError
from synth_nodes.policy.flat import FlatPolicy
from synth_nodes.train.clone import CloneFitter, CloneSettings
from synth_nodes.train.clone_keeper import CHECKPOINT, forget
from synth_nodes.train.flat_clone import FlatClone
from synth_nodes.train.journal import read_journal
from synth_nodes.train.line_pose import train_line_pose
from synth_nodes.train.progress import WorkCancelled
from synth_nodes.types import RobotSpec

LINES = replace(LineFollowingSettings(), scenes=1)


def test_a_short_training_already_follows_lines():
    settings = replace(CloneSettings(), robots=24, rounds=2, steps=100, epochs=6,
                       final_epochs=25, batch_size=64, half=False)
    result = train_line_pose(settings, LINES, 6)
    assert result.contract.task == 'line_following'
    assert result.contract.scores['success'] >= 0.5


def test_left_and_right_are_swapped_in_all_parts():
    net = FlatClone(FlatPolicy({'line': (2,), 'ahead': (1, 2), 'velocity': (3,)}, RobotSpec()),
                    ('line', 'ahead', 'velocity'))
    parts = {'line': torch.tensor([[0.1, 0.2]]), 'ahead': torch.tensor([[[0.3, 0.4]]]),
             'velocity': torch.tensor([[0.5, 0.0, 0.6]])}
    swapped, command = net.mirrored(parts, torch.tensor([[0.5, 0.7]]))
    assert torch.equal(swapped['line'], -parts['line'])
    assert torch.equal(swapped['ahead'], torch.tensor([[[0.3, -0.4]]]))
    assert torch.equal(swapped['velocity'], torch.tensor([[0.5, 0.0, -0.6]]))
    assert torch.equal(command, torch.tensor([[0.5, -0.7]]))


class _Killer:
    """Breaks training off at the step after one of a stage."""

    def __init__(self, stage, passes):
        self.wanted, self.hit = (stage, passes), False

    def report(self, progress):
        self.hit |= (progress.stage, progress.step) == self.wanted

    def cancelled(self):
        return self.hit


def test_a_training_that_was_broken_off_ends_with_the_weights_of_one_without_a_stop(tmp_path):
    settings = replace(CloneSettings(), robots=4, rounds=3, steps=10, every=2, epochs=2,
                       final_epochs=2, batch_size=16)
    whole = train_line_pose(settings, LINES, 1, out=tmp_path / 'whole')
    killer = _Killer('fitting, round 2 of 3', 1)
    with pytest.raises(WorkCancelled):
        train_line_pose(settings, LINES, 1, killer.report, killer.cancelled, out=tmp_path)
    assert (tmp_path / CHECKPOINT).is_file()
    with pytest.raises(InputError, match='learning_rate'):
        train_line_pose(replace(settings, learning_rate=1e-3), LINES, 1, out=tmp_path)
    done = []
    again = train_line_pose(settings, LINES, 1, lambda p: done.append(p.stage), out=tmp_path)
    assert 'fitting, round 1 of 3' not in done and 'fitting, round 3 of 3' in done
    assert all(torch.equal(a, b) for a, b in zip(
        whole.net.state_dict().values(), again.net.state_dict().values(), strict=True))
    steps = [[line['step'] for line in read_journal(folder / 'journal.jsonl')]
             for folder in (tmp_path, tmp_path / 'whole')]
    assert steps == [list(range(1, 7))] * 2 and (tmp_path / 'curves.png').is_file()
    forget(tmp_path)
    assert not (tmp_path / CHECKPOINT).exists()


def test_going_on_draws_what_would_have_been_drawn_such_as_sensors_to_drop():
    net = FlatClone(FlatPolicy({'line': (2,)}, RobotSpec()), ('line',))
    fitter = CloneFitter(net, CloneSettings())
    stand = fitter.stand([])
    drawn = torch.rand(3)
    fitter.go_on(stand)
    assert torch.equal(torch.rand(3), drawn)
