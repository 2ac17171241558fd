"""Policy networks for goal reaching: normaliser inside, outputs within the robot's limits."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import torch
from torch import nn, Tensor

from synth_nodes.policy.goal_reaching import command_limits
from synth_nodes.tasks.observation import Observation, ObservationSpec
from synth_nodes.types import FloatArray, RobotSpec

_FLOOR = 0.2
"""Added to distances before their logarithm is taken [m]."""


class RingConv(nn.Module):
    """A 1-D convolution over sectors of a full circle: the first is the last one's neighbour."""

    def __init__(self, channels_in: int, channels_out: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels_in, channels_out, width, stride)
        self.pad = width // 2

    def forward(self, x: Tensor) -> Tensor:  # (B, C, S) -> (B, C', S / stride)
        ring = torch.cat((x[..., -self.pad:], x, x[..., :self.pad]), dim=-1)
        return cast(Tensor, self.conv(ring))


class Adapter(nn.Module):
    """A narrow pair of layers beside the identity (Houlsby et al. 2019); begins as none."""

    def __init__(self, size: int, width: int) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(size, width), nn.Linear(width, size)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + cast(Tensor, self.up(nn.functional.elu(self.down(x))))


class GoalPolicy(nn.Module, ABC):
    """
    From scan history, goal and velocity to a command; how scans are encoded is the family's.

    Distances enter as logarithms, because a decimetre matters near a wall and not far from it.
    """

    feature_mean: Tensor
    feature_std: Tensor
    state_mean: Tensor
    state_std: Tensor
    centre: Tensor
    half_span: Tensor

    def __init__(self, spec: ObservationSpec, robot: RobotSpec, hidden: int) -> None:
        """
        Build with unfitted normalisers.

        :param spec: layout of observations.
        :param robot: whose limits bound the commands.
        :param hidden: features of a scan history, and width of the dense layers.
        """
        super().__init__()
        self.adapter: nn.Module = nn.Identity()
        """Takes the features; an :class:`Adapter` where fine-tuning put one."""
        self.dropout = nn.Dropout(0.0)
        self.head = nn.Sequential(
            nn.Linear(hidden + 7, hidden), nn.ELU(), nn.Linear(hidden, 2), nn.Tanh())
        low, high = (torch.tensor(v) for v in command_limits(robot))
        self.register_buffer('centre', (high + low) / 2)
        self.register_buffer('half_span', (high - low) / 2)
        self.register_buffer('feature_mean', torch.zeros(1, spec.history, 1))
        self.register_buffer('feature_std', torch.ones(1, spec.history, 1))
        self.register_buffer('state_mean', torch.zeros(7))
        self.register_buffer('state_std', torch.ones(7))

    @abstractmethod
    def encode(self, features: Tensor) -> Tensor:
        """
        Encode a history of scans.

        :param features: normalised logarithms of distances, shape (B, history, sectors).
        :return: shape (B, hidden).
        """

    def forward(self, scan: Tensor, goal: Tensor, velocity: Tensor) -> Tensor:
        """
        Decide.

        :param scan: [m], shape (B, history, sectors), newest first.
        :param goal: shape (B, 3): x, y of the point to steer for [m], distance left [m].
        :param velocity: vx, vy [m/s], wz [rad/s], shape (B, 3).
        :return: vx [m/s], wz [rad/s], shape (B, 2), within the robot's limits.
        """
        features = (torch.log(scan + _FLOOR) - self.feature_mean) / self.feature_std
        state = (self._state(goal, velocity) - self.state_mean) / self.state_std
        seen = self.dropout(self.adapter(self.encode(features)))
        out = self.head(torch.cat((seen, state), dim=-1))
        return cast(Tensor, self.centre + self.half_span * out)

    @staticmethod
    def _state(goal: Tensor, velocity: Tensor) -> Tensor:  # (B, 3), (B, 3) -> (B, 7)
        x, y = goal[:, 0:1], goal[:, 1:2]
        distance = torch.sqrt(x * x + y * y + 1e-4)
        return torch.cat((x / distance, y / distance, distance, goal[:, 2:3], velocity), dim=-1)

    @torch.no_grad()
    def fit_normaliser(self, scan: Tensor, goal: Tensor, velocity: Tensor) -> None:
        """Set the normalisers to mean and spread of a training set's inputs."""
        features = torch.log(scan.float() + _FLOOR)
        self.feature_mean.copy_(features.mean(dim=(0, 2), keepdim=True))
        self.feature_std.copy_(features.std(dim=(0, 2), keepdim=True).clamp_min(1e-2))
        state = self._state(goal, velocity)
        self.state_mean.copy_(state.mean(dim=0))
        # What never varied (vy of a differential drive) stays in, unscaled.
        spread = state.std(dim=0)
        self.state_std.copy_(torch.where(spread < 1e-3, torch.ones_like(spread), spread))

    @torch.no_grad()
    def act(self, observation: Observation | Mapping[str, FloatArray]) -> FloatArray:
        """Decide on numpy observations; returns vx [m/s], wz [rad/s], shape (B, 2)."""
        tensors = [torch.from_numpy(np.ascontiguousarray(observation[name], np.float32)).to(
            self.centre.device) for name in ('scan', 'goal', 'velocity')]
        return cast(FloatArray, self(*tensors).cpu().numpy())


class ScanPolicy(GoalPolicy):
    """Convolutions over the sectors, the scans of the history as channels."""

    def __init__(
        self, spec: ObservationSpec, robot: RobotSpec, channels: Sequence[int] = (32, 24),
        hidden: int = 128,
    ) -> None:
        """
        Build with unfitted normalisers.

        :param spec: layout of observations.
        :param robot: whose limits bound the commands.
        :param channels: of the two convolutions.
        :param hidden: width of the two dense layers.
        """
        super().__init__(spec, robot, hidden)
        self.convs = nn.Sequential(
            RingConv(spec.history, channels[0], 5, 2), nn.ELU(),
            RingConv(channels[0], channels[1], 5, 2), nn.ELU(), nn.Flatten())
        with torch.no_grad():
            flat = self.convs(torch.zeros(1, spec.history, spec.sectors)).shape[1]
        self.squeeze = nn.Sequential(nn.Linear(flat, hidden), nn.ELU())

    def encode(self, features: Tensor) -> Tensor:
        """Encode a history of scans, (B, history, sectors) -> (B, hidden)."""
        return cast(Tensor, self.squeeze(self.convs(features)))
