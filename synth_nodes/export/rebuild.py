"""Policies that are learned on from or made smaller: read from their files, and checked."""

from pathlib import Path
from typing import NamedTuple

from synth_nodes.export.parity import check_parity
from synth_nodes.export.registry import read_pair
from synth_nodes.policy.contract import PolicyContract
from synth_nodes.policy.families import rebuild_network
from synth_nodes.policy.goal_reaching import TASK
from synth_nodes.policy.networks import GoalPolicy


class Rebuilt(NamedTuple):
    """A policy with the network that it was exported from."""

    content: bytes
    """Of the ONNX file."""
    contract: PolicyContract
    net: GoalPolicy


def rebuild_policy(model: Path, contract_file: Path) -> Rebuilt:
    """
    Read a goal-reaching policy, and make the network that it was exported from.

    :param model: ONNX file.
    :param contract_file: of its contract; `infer.locate.locate_policy` finds both.
    :raises InputError: when a file is missing or not the other's, the policy is for another
        task, or of a network that cannot be rebuilt.
    :raises ParityError: when the network does not decide as the file does.
    """
    content, contract = read_pair(model, contract_file)
    contract.check_task(TASK, str(model))
    net = rebuild_network(content, contract, str(model))
    check_parity(net, content, contract)
    return Rebuilt(content, contract, net)
