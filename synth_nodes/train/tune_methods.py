"""What fine-tuning may change of a policy network: everything, or few parameters beside it."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn, Tensor
from torch.nn.utils import parametrize

from synth_nodes.policy.networks import Adapter, GoalPolicy
from synth_nodes.train.tune_settings import TuneSettings


class LowRank(nn.Module):
    """
    A correction of low rank to a weight (LoRA, Hu et al. 2021): W + B A.

    Convolutions are taken as matrices of their output channels. It begins as none.
    """

    def __init__(self, shape: Sequence[int], rank: int) -> None:
        """
        Build.

        :param shape: of the weight.
        :param rank: of the correction; no more than the weight has.
        """
        super().__init__()
        rows = shape[0]
        columns = int(torch.Size(shape).numel()) // rows
        rank = min(rank, rows, columns)
        self.a = nn.Parameter(torch.randn(rank, columns) / columns ** 0.5)
        self.b = nn.Parameter(torch.zeros(rows, rank))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + (self.b @ self.a).reshape(weight.shape)


class Tuning:
    """A network made ready for fine-tuning; :meth:`finish` makes it plain again."""

    def __init__(self, net: GoalPolicy, settings: TuneSettings) -> None:
        """
        Freeze what stays, and add what is learned beside it.

        :param net: changed in place.
        """
        self.net = net
        self.total = sum(p.numel() for p in net.parameters())
        """Parameters of the network before."""
        net.dropout.p = settings.dropout
        if settings.method != 'full':
            net.requires_grad_(False)
        if settings.method == 'head':
            net.head.requires_grad_(True)
        elif settings.method == 'adapter':
            # One that an earlier fine-tuning left is gone on with.
            if not isinstance(net.adapter, Adapter):
                net.adapter = Adapter(cast(nn.Linear, net.head[2]).in_features, settings.width)
            net.adapter.requires_grad_(True)
        elif settings.method == 'lora':
            for layer in _layers(net):
                weight = cast(Tensor, layer.weight)
                parametrize.register_parametrization(
                    layer, 'weight', LowRank(weight.shape, settings.rank))
        self._learned = [p for p in net.parameters() if p.requires_grad]
        self._old = [p.detach().clone() for p in self._learned]
        self.trained = sum(p.numel() for p in self._learned)
        """Parameters that are learned."""

    def distance(self) -> Tensor:
        """Squared distance of what is learned from where it began."""
        parts = [((p - old) ** 2).sum()
                 for p, old in zip(self._learned, self._old, strict=True)]
        return torch.stack(parts).sum()

    def finish(self) -> None:
        """Merge corrections into the weights: a plain network, as fast as before."""
        for layer in _layers(self.net):
            if parametrize.is_parametrized(layer, 'weight'):
                parametrize.remove_parametrizations(layer, 'weight')
        self.net.dropout.p = 0.0
        self.net.requires_grad_(True)
        self.net.eval()


def _layers(net: GoalPolicy) -> list[nn.Module]:
    """Layers with a weight matrix, without those of an adapter."""
    own = set(net.adapter.modules())
    return [m for m in net.modules() if isinstance(m, (nn.Linear, nn.Conv1d)) and m not in own]
