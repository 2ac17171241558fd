from dataclasses import replace
import json

import numpy as np
import pytest
import torch

from synth_nodes.export.onnx import export_policy, to_onnx
from synth_nodes.export.parity import check_parity, ParityError
from synth_nodes.policy.contract import read_contract
from synth_nodes.policy.goal_reaching import goal_reaching_contract
from synth_nodes.policy.networks import ScanPolicy
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import LidarSpec, RobotSpec

CONTRACT = goal_reaching_contract(RobotSpec(), ObservationSpec(), LidarSpec())


def network(seed=0):
    torch.manual_seed(seed)
    return ScanPolicy(ObservationSpec(), RobotSpec(), hidden=32)


@pytest.fixture(scope='module')
def content():
    return to_onnx(network(), CONTRACT)


def test_exported_file_decides_as_the_network(content):
    assert check_parity(network(), content, CONTRACT) <= 1e-5


def test_file_of_other_weights_fails_the_parity_check(content):
    with pytest.raises(ParityError, match='differs from the network'):
        check_parity(network(1), content, CONTRACT)


def test_export_names_no_source_file_and_is_small(content):
    assert b'.py' not in content and b'site-packages' not in content
    assert len(content) < 500_000


def test_same_weights_give_the_same_bytes(content):
    assert to_onnx(network(), CONTRACT) == content


def test_export_writes_both_files_with_checksum_and_parity(tmp_path, content):
    out = tmp_path / 'policy'
    contract = export_policy(network(), CONTRACT, out, {'success': 0.5})
    assert (out / 'policy.onnx').read_bytes() == content
    assert read_contract(out / 'policy.json') == contract
    contract.check_file(content, 'policy.onnx')
    assert contract.scores['success'] == 0.5
    assert contract.scores['parity_max_difference'] <= 1e-5
    assert sorted(p.name for p in tmp_path.iterdir()) == ['policy']
    assert json.loads((out / 'policy.json').read_text())['inputs'][0]['name'] == 'scan'


def test_failed_export_leaves_the_old_files(tmp_path):
    out = tmp_path / 'policy'
    export_policy(network(), CONTRACT, out)
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    broken = network()
    with torch.no_grad():
        broken.head[0].weight[:] = np.nan
    with pytest.raises(ParityError):
        export_policy(broken, replace(CONTRACT), out)
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ['policy']
