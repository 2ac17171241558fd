from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.utils import parametrize

from synth_nodes.errors import InputError
from synth_nodes.export.onnx import export_policy
from synth_nodes.export.pipeline import fine_tune_and_export
from synth_nodes.export.registry import files_in
from synth_nodes.infer.session import load_policy
from synth_nodes.policy.families import build_network
from synth_nodes.policy.goal_reaching import goal_reaching_contract
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.train.evaluate import EvaluationSettings
from synth_nodes.train.finetune import fine_tune
from synth_nodes.train.gate import worsened
from synth_nodes.train.samples import Samples
from synth_nodes.train.settings import METHODS
from synth_nodes.train.tune_methods import LowRank, Tuning
from synth_nodes.train.tune_scores import classes_of, classification
from synth_nodes.train.tune_settings import TuneSettings
from synth_nodes.types import LidarSpec, RobotSpec

ROBOT, SPEC = RobotSpec(), ObservationSpec()
QUICK = replace(TuneSettings(), epochs=6, batch_size=64, learning_rate=3e-3)


def samples(count=600, seed=0):
    """Samples whose right command is to turn towards the point to steer for."""
    rng = np.random.default_rng(seed)
    goal = rng.uniform(-1.0, 1.0, (count, 3)).astype(np.float32)
    turn = np.arctan2(goal[:, 1], np.abs(goal[:, 0]) + 0.2)
    command = np.column_stack((0.3 * np.ones(count), turn / 1.6)).astype(np.float32)
    return Samples(rng.uniform(1.0, 8.0, (count, 3, 72)).astype(np.float16), goal,
                   np.zeros((count, 3), np.float32), command,
                   (np.arange(count) % 10).astype(np.int32))


@pytest.fixture
def net(one_thread):
    torch.manual_seed(0)
    made = build_network('conv', SPEC, ROBOT, hidden=32)
    seen = samples(200)
    made.fit_normaliser(*(torch.from_numpy(v) for v in (seen.scan, seen.goal, seen.velocity)))
    return made.eval()


def weights(net):
    return {name: value.clone() for name, value in net.state_dict().items()}


@pytest.mark.parametrize('method', METHODS)
def test_every_method_learns_and_leaves_a_plain_network(net, method):
    before, names = weights(net), set(net.state_dict())
    tuned = fine_tune(net, samples(1500), ROBOT,
                      replace(QUICK, method=method, epochs=10, learning_rate=1e-2))
    assert tuned.report['after']['loss'] < 0.9 * tuned.report['before']['loss']
    assert not any(parametrize.is_parametrized(m) for m in net.modules())
    changed = {n for n, v in net.state_dict().items() if n in before and
               not torch.equal(v, before[n])}
    if method == 'head':
        assert changed == {'head.0.weight', 'head.0.bias', 'head.2.weight', 'head.2.bias'}
    elif method == 'adapter':
        assert not changed and any(n.startswith('adapter.') for n in net.state_dict())
    elif method == 'lora':
        assert set(net.state_dict()) == names
        assert changed == {n for n in names if n.endswith('.weight')}


def test_merged_correction_decides_as_the_unmerged_one(net):
    tuning = Tuning(net, replace(QUICK, method='lora'))
    for name, parameter in net.named_parameters():
        if name.endswith('.b'):
            torch.nn.init.normal_(parameter, std=0.1)
    scan, goal, velocity = 8 * torch.rand(9, 3, 72), torch.randn(9, 3), torch.randn(9, 3)
    unmerged = net(scan, goal, velocity)
    tuning.finish()
    assert torch.allclose(net(scan, goal, velocity), unmerged, atol=1e-5)


def test_correction_of_low_rank_has_that_rank_and_begins_as_none():
    part = LowRank((12, 6, 5), 2)
    weight = torch.randn(12, 6, 5)
    assert torch.equal(part(weight), weight)
    torch.nn.init.normal_(part.b)
    assert torch.linalg.matrix_rank((part(weight) - weight).reshape(12, 30)) == 2


def test_shipped_size_trains_few_parameters_by_low_rank():
    tuning = Tuning(build_network('conv', SPEC, ROBOT), TuneSettings())
    assert tuning.trained <= 0.05 * tuning.total


def test_pull_towards_old_weights_keeps_them_nearer(net):
    start = weights(net)
    moved = []
    for anchor in (0.0, 1.0):
        net.load_state_dict(start)
        fine_tune(net, samples(), ROBOT, replace(QUICK, method='full', anchor=anchor))
        moved.append(sum(float((net.state_dict()[n] - v).square().sum())
                         for n, v in start.items()))
    assert moved[1] < 0.5 * moved[0]


def test_classes_and_their_scores_are_those_counted_by_hand():
    command = np.array([[0.0, 0.0], [0.5, 1.0], [0.5, 0.0], [0.5, -1.0], [0.0, 1.0]])
    right = classes_of(command, 0.8, 1.5)
    assert right.tolist() == [0, 1, 2, 3, 1]
    scores = classification(np.array([0, 1, 2, 2, 2]), right)
    assert scores['classes']['straight']['precision'] == pytest.approx(1 / 3)
    assert scores['classes']['left']['recall'] == 0.5
    assert scores['classes']['right']['f1'] == 0.0
    assert scores['f1'] == pytest.approx((1 + 2 / 3 + 0.5 + 0) / 4)


def test_each_gated_figure_that_gets_worse_is_named():
    before = {'loss': 0.1, 'f1': 0.9, 'success': 0.95, 'contact_rate': 0.01, 'efficiency': 0.9}
    assert worsened(before, before, 0.0) == []
    for name, value in {'loss': 0.2, 'f1': 0.8, 'success': 0.949, 'contact_rate': 0.05,
                        'efficiency': 0.899}.items():
        (reason,) = worsened(before, {**before, name: value}, 0.0)
        assert reason.startswith(name)
        assert worsened({**before, name: value}, before, 0.0) == []
    assert worsened(before, {**before, 'success': 0.945}, 0.01) == []
    assert worsened(before, {**before, 'efficiency': 0.8999}) == []  # reads the same


def test_rehearsal_is_learned_and_tested_beside_the_new_samples(net):
    settings = replace(QUICK, epochs=1)
    alone = fine_tune(net, samples(600), ROBOT, settings).report['samples']
    both = fine_tune(net, samples(600), ROBOT, settings,
                     rehearsal=samples(300, seed=1)).report['samples']
    assert both['tested'] == alone['tested'] + 60 and both['learned'] == 2 * alone['learned']


def test_few_places_are_split_in_time(net):
    one = replace(samples(), group=np.full(600, 7, np.int32))
    parts = one.in_parts(5)
    assert np.array_equal(parts.group, np.repeat(np.arange(5), 120))
    assert samples().in_parts(5).group.max() == 9
    report = fine_tune(net, one, ROBOT, replace(QUICK, epochs=1)).report
    assert report['in_parts'] and report['groups'] == 1
    assert report['samples'] == {'learned': 360, 'held_back': 120, 'tested': 120}


def test_a_few_samples_of_one_place_are_not_enough_to_promote_by(net):
    few = samples(40)
    few = replace(few, group=np.zeros(40, np.int32))
    few.command[:, 1] = 0.0
    worse = fine_tune(net, few, ROBOT, replace(QUICK, epochs=1, slack=0.5)).worse
    assert worse[-1] == ('8 samples to test on (none of stop, left, right) are fewer than '
                         'the 100 it takes; record more')
    with pytest.raises(InputError, match='4 samples are too few'):
        fine_tune(net, few.take(np.arange(4)), ROBOT, QUICK)


def test_exported_policy_is_tuned_compared_and_exported_again(net, tmp_path):
    export_policy(net, goal_reaching_contract(ROBOT, SPEC, LidarSpec()), tmp_path / 'old')
    settings = replace(QUICK, epochs=1, evaluation=EvaluationSettings(episodes=1))
    contract, _ = fine_tune_and_export(
        files_in(tmp_path / 'old'), settings, ROBOT, LidarSpec(beams=90), tmp_path / 'new',
        samples())
    assert load_policy(tmp_path / 'new', ROBOT).contract == contract
    told = contract.scores['fine_tuning']
    assert set(told['before']) == set(told['after']) and 'success' in told['after']
    assert contract.provenance['fine_tuned']['settings']['method'] == 'lora'
