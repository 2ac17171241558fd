from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from synth_nodes.cli import main
from synth_nodes.envs.batch import BatchEnv
from synth_nodes.envs.settings import GoalReachingSettings, LineFollowingSettings
from synth_nodes.errors import InputError
from synth_nodes.export.onnx import export_policy
from synth_nodes.infer.session import load_policy
from synth_nodes.policy.networks import ScanPolicy
from synth_nodes.policy.weights import load_weights
from synth_nodes.train.journal import JOURNAL_FILE, read_journal
from synth_nodes.train.ppo import Agent, Ppo, Rollout
from synth_nodes.train.ppo_run import make_agent, make_task, train_ppo
from synth_nodes.train.ppo_settings import PpoSettings
from synth_nodes.train.progress import WorkCancelled
from synth_nodes.types import RobotSpec
from synth_nodes.world.actors import ActorSettings

SMALL = replace(PpoSettings().quick(), robots=16, horizon=8, steps=16 * 8 * 4, hidden=(16,))
LINE = replace(LineFollowingSettings(), scenes=1)
GOAL = replace(GoalReachingSettings(), layouts=('rooms',), scenes=1, errands=4, max_length=6.0,
               actors=ActorSettings(count=0))
POLICY = Path(__file__).resolve().parents[2] / 'models' / 'policy.onnx'


def rollout(reward, value, terminated, truncated):
    steps = len(reward)
    out = Rollout([], torch.zeros(steps, 1, 2), torch.zeros(steps, 1), torch.zeros(steps, 1, 2),
                  torch.tensor(value)[:, None], torch.tensor(reward)[:, None],
                  torch.tensor(terminated)[:, None], torch.tensor(truncated)[:, None],
                  torch.zeros(steps, 1, dtype=torch.bool))
    return out.advantages(0.9, 0.5)[:, 0].tolist()


def test_advantages_of_an_episode_that_goes_on():
    off = [False, False]
    last = 2.0 + 0.9 * 4.0 - 3.0
    first = 1.0 + 0.9 * 3.0 - 2.0 + 0.45 * last
    assert rollout([1.0, 2.0], [2.0, 3.0, 4.0], off, off) == pytest.approx([first, last])


def test_nothing_comes_after_success_or_failure():
    first = 1.0 - 2.0
    last = 2.0 + 0.9 * 4.0 - 3.0
    assert rollout([1.0, 2.0], [2.0, 3.0, 4.0], [True, False], [False, False]) == pytest.approx(
        [first, last])


def test_time_being_up_takes_nothing_from_what_would_have_come():
    first = 1.0 + 0.9 * 3.0 - 2.0
    last = 2.0 + 0.9 * 4.0 - 3.0
    assert rollout([1.0, 2.0], [2.0, 3.0, 4.0], [False, False], [True, False]) == pytest.approx(
        [first, last])


def weights(result):
    return torch.cat([p.flatten() for p in result.net.state_dict().values()])


def test_same_seed_gives_the_same_weights_and_another_seed_others(tmp_path):
    one, two = (train_ppo(SMALL, LINE, tmp_path / name, episodes=2) for name in 'ab')
    other = train_ppo(replace(SMALL, seed=1), LINE, tmp_path / 'c', episodes=2)
    assert torch.equal(weights(one), weights(two))
    assert not torch.equal(weights(one), weights(other))


def test_gradients_of_pieces_add_up_to_that_of_the_whole(monkeypatch):
    def gradients():
        settings = replace(SMALL, epochs=1, minibatches=1, gradient=1000.0)
        env = BatchEnv(make_task(LINE), settings.robots)
        agent = make_agent(settings, LINE, {n: p.shape[1:] for n, p in env.observation.items()})
        ppo = Ppo(env, agent, settings)
        ppo.fit_normalisers(actor=True)
        ppo.begin(1)
        ppo.collect()
        row = ppo.learn()
        found = [*agent.actor.parameters(), *agent.critic.parameters(), agent.log_spread]
        return torch.cat([p.grad.flatten() for p in found]), row

    whole, row = gradients()
    monkeypatch.setattr('synth_nodes.train.ppo._PIECE', 24)    # of 128 samples: the last has 8
    pieces, same = gradients()
    assert whole.norm() > 0.1 and torch.allclose(whole, pieces, atol=1e-5)
    assert row == pytest.approx(same, abs=1e-5)


def test_weights_do_not_depend_on_threads(tmp_path, monkeypatch):
    monkeypatch.setattr('synth_nodes.train.ppo._PIECE', 16)
    one, three = (train_ppo(replace(SMALL, threads=count), LINE, tmp_path / str(count), episodes=2)
                  for count in (1, 3))
    assert torch.equal(weights(one), weights(three))


def test_a_stopped_run_goes_on_to_the_same_weights_and_journal(tmp_path):
    whole = train_ppo(SMALL, LINE, tmp_path / 'whole', episodes=2)
    calls = []

    def stop():
        calls.append(0)
        return len(calls) > 3

    # Stopped within its second segment: nothing is lost.
    with pytest.raises(WorkCancelled, match=r'3 of 4 updates; .*checkpoint\.pt'):
        train_ppo(SMALL, LINE, tmp_path / 'parts', cancelled=stop, episodes=2)
    again = []

    def count():
        again.append(0)
        return False

    assert len(read_journal(tmp_path / 'parts' / JOURNAL_FILE)) == 3
    parts = train_ppo(SMALL, LINE, tmp_path / 'parts', cancelled=count, episodes=2)
    assert len(again) == 1 and torch.equal(weights(whole), weights(parts))
    clocks = ('time', 'seconds', 'steps_per_second')
    rows = [[{k: v for k, v in row.items() if k not in clocks}
             for row in read_journal(tmp_path / name / JOURNAL_FILE)]
            for name in ('whole', 'parts')]
    assert rows[0] == rows[1]


def test_a_run_that_is_killed_loses_no_more_than_the_time_between_checkpoints(
        tmp_path, monkeypatch):
    monkeypatch.setattr('synth_nodes.train.checkpoint.SAVE_EVERY', 0.0)
    settings = replace(SMALL, segment=100)

    def die(now):
        if now.step == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_ppo(settings, LINE, tmp_path / 'parts', report=die, episodes=2)
    state = torch.load(tmp_path / 'parts' / 'checkpoint.pt', weights_only=True)['state']
    assert state['updates'] == 2 and len(state['driven']) == 2
    whole, parts = (train_ppo(settings, LINE, tmp_path / name, episodes=2)
                    for name in ('whole', 'parts'))
    assert torch.equal(weights(whole), weights(parts))


def test_the_verb_keeps_its_journal_for_tensorboard_too(tmp_path):
    pytest.importorskip('tensorboardX')
    assert main(['train', 'ppo', '--quick', '--task', 'line', '--track', '--out',
                 str(tmp_path)]) == 0
    assert [file.name.startswith('events') for file in (tmp_path / 'tensorboard').iterdir()] == [
        True]


def test_a_run_does_not_go_on_under_other_settings(tmp_path):
    train_ppo(SMALL, LINE, tmp_path, episodes=2)
    with pytest.raises(InputError, match=r'other settings or data \(gamma\)'):
        train_ppo(replace(SMALL, gamma=0.9), LINE, tmp_path, episodes=2)


def test_learning_moves_towards_actions_that_paid(tmp_path):
    settings = replace(SMALL, robots=64, epochs=8, learning_rate=3e-3)
    env = BatchEnv(make_task(LINE), 64)
    shapes = {name: part.shape[1:] for name, part in env.observation.items()}
    agent = make_agent(settings, LINE, shapes)
    ppo = Ppo(env, agent, settings)
    ppo.fit_normalisers(actor=True)
    ppo.begin(1)
    ppo.collect()
    roll = ppo._rollout
    roll.reward[:] = roll.action[..., 0]
    roll.value[:] = 0.0
    with torch.no_grad():
        before = agent.mean([part[0] for part in roll.parts]).mean(dim=0)
    ppo.learn()
    with torch.no_grad():
        after = agent.mean([part[0] for part in roll.parts]).mean(dim=0)
    assert after[0] > before[0] + 0.02


def test_steps_that_begin_an_episode_are_left_out():
    env = BatchEnv(make_task(LINE), 4)
    shapes = {name: part.shape[1:] for name, part in env.observation.items()}
    settings = replace(SMALL, robots=4)
    agents = [make_agent(settings, LINE, shapes) for _ in range(2)]
    for k, agent in enumerate(agents):
        ppo = Ppo(env, agent, settings)
        ppo.fit_normalisers(actor=True)
        ppo.begin(1)
        ppo.collect()
        ppo._rollout.begun[3] = True
        ppo._rollout.terminated[2] = True
        ppo._rollout.reward[3] = 1000.0 * k
        ppo._rollout.odds[3] = 5.0 * k
        ppo.learn()
    same = (agent.actor.state_dict() for agent in agents)
    for one, other in zip(*(s.values() for s in same), strict=True):
        assert torch.equal(one, other)


def test_goal_policy_is_exported_as_policy_node_takes_it(tmp_path):
    result = train_ppo(SMALL, GOAL, tmp_path / 'run', episodes=2)
    export_policy(result.net, result.contract, tmp_path / 'run')
    session = load_policy(tmp_path / 'run', RobotSpec(), GOAL.observation, GOAL.lidar)
    assert session.contract.scores['held_back_scenes']['episodes'] == 2


def test_a_warm_start_begins_with_the_old_policy(tmp_path):
    settings = replace(SMALL, network='ring', hidden=(128,), critic_only=100)
    result = train_ppo(settings, GOAL, tmp_path, start=POLICY, episodes=2)
    old = ScanPolicy(GOAL.observation, GOAL.robot)
    load_weights(old, POLICY)
    for name, value in old.state_dict().items():
        assert torch.equal(value, result.net.state_dict()[name])


def test_a_start_of_another_shape_is_refused(tmp_path):
    with pytest.raises(InputError, match='does not fit'):
        train_ppo(replace(SMALL, network='ring', hidden=(64,)), GOAL, tmp_path, start=POLICY)
    assert not (tmp_path / 'checkpoint.pt').exists()


def test_a_ring_needs_a_scan(tmp_path):
    with pytest.raises(InputError, match='looks at scans'):
        train_ppo(replace(SMALL, network='ring'), LINE, tmp_path)


def test_agent_mean_undoes_the_scaling_to_commands():
    env = BatchEnv(make_task(LINE), 4)
    shapes = {name: part.shape[1:] for name, part in env.observation.items()}
    agent: Agent = make_agent(SMALL, LINE, shapes)
    parts = [torch.rand(4, *shape) for shape in shapes.values()]
    with torch.no_grad():
        command = agent.actor(*parts)
        share = agent.mean(parts)
    low, high = np.array([-0.2, -1.5]), np.array([0.8, 1.5])
    expected = (command.numpy() - (low + high) / 2) / ((high - low) / 2)
    assert share.numpy() == pytest.approx(expected, abs=1e-5)
