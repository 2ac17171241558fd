from dataclasses import replace

import numpy as np
import pytest
import torch

from synth_nodes.envs.settings import LineFollowingSettings
from synth_nodes.export.onnx import export_policy
from synth_nodes.infer.session import start_session
from synth_nodes.policy.choice import ChoicePolicy
from synth_nodes.train.dqn import train_dqn
from synth_nodes.train.dqn_settings import DqnSettings
from synth_nodes.train.journal import JOURNAL_FILE, read_journal
from synth_nodes.train.memory import Memory
from synth_nodes.train.progress import WorkCancelled
from synth_nodes.types import RobotSpec

SMALL = replace(DqnSettings().quick(), steps=16 * 96, segment=32, batch_size=16, hidden=(16,))
LINE = replace(LineFollowingSettings(), scenes=1)
OFF, ON = torch.tensor([False]), torch.tensor([True])


def memory(rewards, terminated=(), truncated=(), begun=()):
    """One robot whose observation is the number of the moment."""
    out = Memory([(1,)], 1, 16)
    for k, reward in enumerate(rewards):
        out.see([torch.tensor([[float(k)]])])
        out.note(torch.tensor([k]), torch.tensor([reward]), *(
            ON if k in some else OFF for some in (terminated, truncated, begun)))
    out.see([torch.tensor([[float(len(rewards))]])])
    return out


def drawn(of, steps=2):
    """By moment: reward, discount, the moment asked for its value."""
    draw = of.draw(400, steps, 0.5, torch.Generator().manual_seed(0))
    return {int(a): (float(r), float(d), int(later)) for a, r, d, later in zip(
        draw.action, draw.reward, draw.discount, draw.later[0][:, 0], strict=True)}


def test_rewards_of_several_steps_are_summed_up():
    assert drawn(memory([1.0, 2.0, 4.0])) == {0: (2.0, 0.25, 2), 1: (4.0, 0.25, 3)}


def test_nothing_is_summed_or_expected_beyond_the_end_of_an_episode():
    assert drawn(memory([1.0, 2.0, 0.0, 8.0], terminated=[1], begun=[2])) == {
        0: (2.0, 0.0, 2), 1: (2.0, 0.0, 2)}


def test_what_was_late_is_worth_what_its_last_observation_is():
    assert drawn(memory([1.0, 2.0, 0.0, 8.0], truncated=[1], begun=[2])) == {
        0: (2.0, 0.25, 2), 1: (2.0, 0.5, 2)}


def test_a_cut_is_no_end_and_nothing_crosses_it():
    of = memory([1.0, 2.0])
    of.cut()
    for k in (3, 4, 5):
        of.see([torch.tensor([[float(k)]])])
        of.note(torch.tensor([k]), torch.tensor([1.0]), OFF, OFF, OFF)
    of.see([torch.tensor([[6.0]])])
    assert drawn(of) == {0: (2.0, 0.25, 2), 1: (2.0, 0.5, 2), 3: (1.5, 0.25, 5),
                         4: (1.5, 0.25, 6)}


def test_a_full_memory_forgets_the_oldest():
    of = memory([float(k) for k in range(40)])
    assert sorted(drawn(of)) == list(range(25, 39))


def test_policy_gives_the_command_of_the_largest_value():
    net = ChoicePolicy({'line': (2,)}, RobotSpec(), (0.0, 1.0), (-1.0, 0.0, 1.0), (8,))
    parts = torch.randn(50, 2)
    best = net.values(parts).argmax(dim=1)
    assert torch.equal(net(parts), net.commands[best])
    assert net.commands.numpy() == pytest.approx(np.array(
        [[0.0, -1.5], [0.0, 0.0], [0.0, 1.5], [0.8, -1.5], [0.8, 0.0], [0.8, 1.5]]))


def weights(result):
    return torch.cat([p.flatten() for p in result.net.state_dict().values()])


def test_a_stopped_run_goes_on_to_the_same_weights_and_exports(tmp_path):
    whole = train_dqn(SMALL, LINE, tmp_path / 'whole', episodes=2)
    calls = []

    def stop():
        calls.append(0)
        return len(calls) > 50

    with pytest.raises(WorkCancelled, match=r'50 of 96 steps .*checkpoint\.pt'):
        train_dqn(SMALL, LINE, tmp_path / 'parts', cancelled=stop, episodes=2)
    state = torch.load(tmp_path / 'parts' / 'checkpoint.pt', weights_only=True)['state']
    assert state['moments'] == 50 and len(state['driven']) == 18    # its segment has 32
    parts = train_dqn(SMALL, LINE, tmp_path / 'parts', episodes=2)
    assert torch.equal(weights(whole), weights(parts))
    rows = [[{k: row[k] for k in ('step', 'success', 'episodes', 'reward', 'loss')}
             for row in read_journal(tmp_path / name / JOURNAL_FILE)]
            for name in ('whole', 'parts')]
    assert rows[0] == rows[1]
    contract = export_policy(whole.net, whole.contract, tmp_path / 'whole')
    content = (tmp_path / 'whole' / 'policy.onnx').read_bytes()
    session = start_session(content, contract, 'policy', 'cpu')
    feed = {t.name: torch.rand(5, *t.shape[1:]).numpy() for t in contract.inputs}
    command = torch.from_numpy(session.run(['command'], feed)[0])
    assert all((row == whole.net.commands).all(dim=1).any() for row in command)
