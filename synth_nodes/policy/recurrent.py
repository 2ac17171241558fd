"""Policies that read the scans one after another, the oldest first: a gated recurrent unit."""

from typing import cast

import torch
from torch import nn, Tensor

from synth_nodes.policy.networks import GoalPolicy, RingConv
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import RobotSpec


class ScanEncoder(nn.Module):
    """From one scan to features, by convolutions over its sectors and a dense layer."""

    def __init__(self, sectors: int, features: int) -> None:
        """
        Build.

        :param sectors: of a scan.
        :param features: how many come out.
        """
        super().__init__()
        self.convs = nn.Sequential(RingConv(1, 16, 5, 2), nn.ELU(), RingConv(16, 12, 5, 2),
                                   nn.ELU(), nn.Flatten())
        with torch.no_grad():
            flat = self.convs(torch.zeros(1, 1, sectors)).shape[1]
        self.dense = nn.Sequential(nn.Linear(flat, features), nn.ELU())

    def forward(self, scan: Tensor) -> Tensor:  # (B, sectors) -> (B, features)
        return cast(Tensor, self.dense(self.convs(scan[:, None])))


class RecurrentPolicy(GoalPolicy):
    """
    A gated recurrent unit (Cho et al. 2014) over the history of every observation.

    It begins anew with each observation, so the exported graph carries no state from one decision
    to the next: a missed cycle or a restart cannot leave it in a state it never learned.
    """

    def __init__(self, spec: ObservationSpec, robot: RobotSpec, hidden: int = 128) -> None:
        """
        Build with unfitted normalisers.

        :param spec: layout of observations.
        :param robot: whose limits bound the commands.
        :param hidden: size of the unit's state and width of the dense layers.
        """
        super().__init__(spec, robot, hidden)
        self.history = spec.history
        self.scan = ScanEncoder(spec.sectors, hidden)
        self.inward = nn.Linear(hidden, 3 * hidden)
        self.inner = nn.Linear(hidden, 3 * hidden)

    def encode(self, features: Tensor) -> Tensor:
        """Encode a history of scans, (B, history, sectors) -> (B, hidden)."""
        state = torch.zeros_like(self.scan(features[:, 0]))
        for k in reversed(range(self.history)):
            reset, update, fresh = self.inward(self.scan(features[:, k])).chunk(3, dim=-1)
            reset_h, update_h, fresh_h = self.inner(state).chunk(3, dim=-1)
            keep = torch.sigmoid(update + update_h)
            new = torch.tanh(fresh + torch.sigmoid(reset + reset_h) * fresh_h)
            state = keep * state + (1 - keep) * new
        return state
