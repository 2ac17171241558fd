"""Structured pruning: whole channels and units go, so that what is left is plainly smaller."""

from typing import cast

import torch
from torch import nn, Tensor

from synth_nodes.errors import InputError
from synth_nodes.policy.networks import Adapter, GoalPolicy, RingConv, ScanPolicy
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import RobotSpec


def prune_network(net: GoalPolicy, share: float, spec: ObservationSpec,
                  robot: RobotSpec) -> ScanPolicy:
    """
    Make a smaller network of the channels and units that matter most.

    What matters is told by the norm of the weights into a channel times that of those out of it
    (after Li et al. 2017). The rest goes from both sides, so the layers become smaller.

    :param net: a policy of family 'conv' without an adapter; stays as it is.
    :param share: of channels and units to remove, in (0, 1).
    :param spec: layout of its observations.
    :param robot: whose limits bound its commands.
    :return: a smaller network that has still to be taught again.
    :raises InputError: when the network is of another family.
    """
    if not isinstance(net, ScanPolicy) or isinstance(net.adapter, Adapter):
        raise InputError(f'{type(net).__name__} cannot be pruned; give a policy of network '
                         "'conv' without an adapter, or leave --prune out")
    if not 0.0 < share < 1.0:
        raise InputError(f'--prune {share:g} must lie between 0 and 1')
    first, second = (cast(RingConv, net.convs[k]).conv for k in (0, 2))
    squeeze, inner, outer = (cast(nn.Linear, layer) for layer in (
        net.squeeze[0], net.head[0], net.head[2]))
    each = squeeze.in_features // second.out_channels
    spread = squeeze.weight.reshape(squeeze.out_features, second.out_channels, each)
    one = _kept(first.weight, second.weight.transpose(0, 1), share)
    two = _kept(second.weight, spread.transpose(0, 1), share)
    units = _kept(squeeze.weight, inner.weight[:, :squeeze.out_features].T, share)
    hidden = _kept(inner.weight, outer.weight.T, share)
    small = ScanPolicy(spec, robot, (len(one), len(two)), len(units))
    columns = torch.cat((units, torch.arange(squeeze.out_features, inner.in_features)))
    flat = (two[:, None] * each + torch.arange(each)).flatten()
    everything, state = torch.arange(first.in_channels), net.state_dict()
    for name, rows, taken in (('convs.0.conv', one, everything), ('convs.2.conv', two, one),
                              ('squeeze.0', units, flat), ('head.0', hidden, columns),
                              ('head.2', torch.arange(2), hidden)):
        state[f'{name}.weight'] = state[f'{name}.weight'][rows][:, taken]
        state[f'{name}.bias'] = state[f'{name}.bias'][rows]
    small.load_state_dict(state)
    return small.eval()


def _kept(into: Tensor, out_of: Tensor, share: float) -> Tensor:
    """Channels to keep, increasing: weights of each into it and out of it in its row."""
    weight = into.detach().flatten(1).norm(dim=1) * out_of.detach().flatten(1).norm(dim=1)
    count = max(1, round(len(weight) * (1 - share)))
    return cast(Tensor, weight.argsort(descending=True)[:count].sort().values)
