"""Which policies can be tuned and compressed, and how others are refused."""

from dataclasses import replace
import shutil

import pytest

from synth_nodes.cli import main
from synth_nodes.errors import InputError
from synth_nodes.export.rebuild import rebuild_policy
from synth_nodes.infer.locate import locate_policy
from synth_nodes.policy.contract import read_contract


@pytest.mark.parametrize('verb', [('train', 'finetune', '--policy'), ('export', '--int8')])
@pytest.mark.parametrize('word, task', [('line', 'line_camera'), ('dock', 'docking')])
def test_policies_for_other_tasks_are_refused(verb, word, task, tmp_path, capsys):
    assert main([*verb, word, '--out', str(tmp_path / 'out')]) == 2
    told = capsys.readouterr().err
    assert f"'{task}', but 'goal_reaching' is wanted" in told and f'{word}_policy.onnx' in told
    assert not (tmp_path / 'out').exists()


def test_a_file_of_any_name_is_read_with_the_contract_beside_it(tmp_path):
    for source, suffix in zip(locate_policy(), ('.onnx', '.json'), strict=True):
        shutil.copy(source, tmp_path / f'mine{suffix}')
    content, contract, net = rebuild_policy(*locate_policy(tmp_path / 'mine.onnx'))
    assert content == (tmp_path / 'mine.onnx').read_bytes()
    assert net.training is False and contract.task == 'goal_reaching'


def test_a_network_that_cannot_be_rebuilt_is_refused_with_those_that_can(tmp_path):
    model, contract_file = locate_policy()
    given = read_contract(contract_file)
    settings = {**given.provenance['settings'], 'network': 'flat'}
    other = tmp_path / 'other.json'
    other.write_text(replace(given, provenance={'settings': settings}).to_json())
    with pytest.raises(InputError, match="network, 'flat', cannot be tuned or compressed") as told:
        rebuild_policy(model, other)
    assert 'conv, mlp, gru, transformer' in str(told.value)
