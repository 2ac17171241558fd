"""Which network a policy is made of: by name for a new one, by its file for one that is there."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from synth_nodes.errors import InputError
from synth_nodes.policy.attention import AttentionPolicy
from synth_nodes.policy.contract import PolicyContract
from synth_nodes.policy.dense import DensePolicy
from synth_nodes.policy.networks import Adapter, GoalPolicy, ScanPolicy
from synth_nodes.policy.recurrent import RecurrentPolicy
from synth_nodes.policy.weights import initialisers
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import RobotSpec

FAMILIES: Mapping[str, type[GoalPolicy]] = {
    'conv': ScanPolicy, 'mlp': DensePolicy, 'gru': RecurrentPolicy,
    'transformer': AttentionPolicy}


def build_network(name: str, spec: ObservationSpec, robot: RobotSpec, **sizes: Any) -> GoalPolicy:
    """
    Make a network with fresh weights.

    :param name: of the family, see `goal_reaching.NETWORKS`.
    :param spec: layout of observations.
    :param robot: whose limits bound the commands.
    :param sizes: `hidden`, and of convolutions `channels`.
    :raises InputError: when the sizes don't fit the family.
    """
    if name == 'transformer' and sizes.get('hidden', 128) % 4:
        raise InputError(f"setting 'hidden' = {sizes['hidden']} must be a multiple of 4 for "
                         "network 'transformer'")
    return FAMILIES[name](spec, robot, **sizes)


def rebuild_network(content: bytes, contract: PolicyContract, where: str) -> GoalPolicy:
    """
    Make the network that a policy was exported from, with its weights, out of the ONNX file.

    The exporter keeps the names of weights, so no other file is needed; the 'ring' of PPO is of
    family 'conv'. That it decides as the file does is for the caller to check (`export.parity`).

    :param content: of `policy.onnx`.
    :param where: name of the file, for messages.
    :raises InputError: when the file holds no network of a known family.
    """
    held = initialisers(content)
    name = contract.provenance.get('settings', {}).get('network', 'conv')
    name = 'conv' if name == 'ring' else name
    try:
        net = build_network(name, contract.observation, contract.robot, **_sizes(name, held))
        if 'adapter.down.weight' in held:
            width, size = held['adapter.down.weight'].shape
            net.adapter = Adapter(size, width)
        # A bias of zeros is the one thing that the exporter leaves out.
        net.load_state_dict({
            key: held[key] if key in held or not key.endswith('bias') else torch.zeros_like(value)
            for key, value in net.state_dict().items()})
    except (KeyError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"{where}: its network, '{name}', cannot be tuned or compressed ({reason}); give "
            f"a policy of {', '.join(FAMILIES)} (train bc) or ring (train ppo) that was not "
            'compressed yet') from None
    return net.eval()


def _sizes(name: str, held: Mapping[str, Tensor]) -> dict[str, Any]:
    sizes: dict[str, Any] = {'hidden': held['head.0.weight'].shape[0]}
    if name == 'conv':
        sizes['channels'] = tuple(held[f'convs.{k}.conv.weight'].shape[0] for k in (0, 2))
    return sizes
