"""A policy that reads the scans by attention: a small causal Transformer."""

from typing import cast

import torch
from torch import nn, Tensor

from synth_nodes.policy.networks import GoalPolicy
from synth_nodes.policy.recurrent import ScanEncoder
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import RobotSpec

_HEADS = 4


class Block(nn.Module):
    """Causal self-attention, then a dense pair, each beside the identity (Xiong et al. 2020)."""

    mask: Tensor

    def __init__(self, size: int, length: int) -> None:
        """
        Build.

        :param size: features of a token, a multiple of four.
        :param length: tokens in a sequence.
        """
        super().__init__()
        self.length, self.size = length, size
        self.before, self.between = nn.LayerNorm(size), nn.LayerNorm(size)
        self.mix, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.dense = nn.Sequential(nn.Linear(size, 2 * size), nn.ELU(), nn.Linear(2 * size, size))
        later = torch.full((length, length), -1e4).triu(1)
        self.register_buffer('mask', later, persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:  # (B * T, D) -> (B * T, D)
        tokens = tokens + self.out(self._attend(self.mix(self.before(tokens))))
        return tokens + cast(Tensor, self.dense(self.between(tokens)))

    def _attend(self, mixed: Tensor) -> Tensor:  # (B * T, 3 D) -> (B * T, D)
        each = self.size // _HEADS
        parts = mixed.reshape(-1, self.length, 3, _HEADS, each)
        query, key, value = (parts[:, :, k].transpose(1, 2) for k in range(3))  # (B, H, T, D / H)
        weight = torch.softmax(query @ key.transpose(-1, -2) / each ** 0.5 + self.mask, dim=-1)
        return (weight @ value).transpose(1, 2).reshape(-1, self.size)


class AttentionPolicy(GoalPolicy):
    """
    Two blocks of a causal Transformer over the scans, the oldest first; the newest decides.

    All it knows stands in the observation, so the exported graph has no state.
    """

    def __init__(self, spec: ObservationSpec, robot: RobotSpec, hidden: int = 128) -> None:
        """
        Build with unfitted normalisers.

        :param spec: layout of observations.
        :param robot: whose limits bound the commands.
        :param hidden: features of a scan, a multiple of four, and width of the dense layers.
        """
        super().__init__(spec, robot, hidden)
        self.history, self.hidden = spec.history, hidden
        self.scan = ScanEncoder(spec.sectors, hidden)
        self.place = nn.Parameter(0.02 * torch.randn(spec.history, hidden))
        self.blocks = nn.ModuleList([Block(hidden, spec.history) for _ in range(2)])

    def encode(self, features: Tensor) -> Tensor:
        """Encode a history of scans, (B, history, sectors) -> (B, hidden)."""
        scans = [self.scan(features[:, k]) for k in reversed(range(self.history))]
        tokens = (torch.stack(scans, dim=1) + self.place).reshape(-1, self.hidden)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens.reshape(-1, self.history, self.hidden)[:, -1]
