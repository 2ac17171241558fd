"""A network from recent scans and a command to the probability of a collision."""

from typing import cast

import numpy as np
import torch
from torch import nn, Tensor

from synth_nodes.policy.networks import RingConv
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import RobotSpec

_FLOOR = 0.2
"""Added to distances before their logarithm is taken [m]."""
_KNEE = 0.3
"""Gap [m] at which a gap's feature is half of what it can be."""
_MOMENTS = 8
"""Moments of the way ahead at which the gap to every sector's obstacle is taken."""


class RiskNetwork(nn.Module):
    """
    Convolutions over sectors that see each obstacle as the robot will come to it.

    Features of a sector are the logarithms of its distances, newest and older, and the gap between
    the footprint's bounding box and its newest obstacle at moments of the commanded arc: what
    stands still is nearly told by them; what moves, hides or is noise is left to learning.
    """

    mean: Tensor
    std: Tensor
    command_scale: Tensor
    prior: Tensor
    temperature: Tensor
    bearing: Tensor
    centre: Tensor
    extent: Tensor
    moments: Tensor

    def __init__(self, spec: ObservationSpec, robot: RobotSpec, horizon: float,
                 channels: int = 32, hidden: int = 64) -> None:
        """
        Build with an unfitted normaliser.

        :param spec: layout of the scans.
        :param robot: whose footprint and limits count.
        :param horizon: time [s] within which a collision counts.
        :param channels: of the two convolutions.
        :param hidden: width of the dense layer.
        """
        super().__init__()
        count = spec.history + _MOMENTS
        self.convs = nn.Sequential(RingConv(count, channels, 5, 1), nn.ELU(),
                                   RingConv(channels, channels, 5, 2), nn.ELU())
        self.head = nn.Sequential(nn.Linear(2 * channels + 3, hidden), nn.ELU(),
                                  nn.Linear(hidden, 1))
        low, high = robot.polygon.min(axis=0), robot.polygon.max(axis=0)
        limits = (robot.max_speed, robot.max_lateral_speed, robot.max_turn_rate)
        for name, value in {
                'mean': np.zeros((1, count, 1)), 'std': np.ones((1, count, 1)),
                'command_scale': np.array(limits), 'prior': np.zeros(()),
                'temperature': np.ones(()), 'centre': (low + high) / 2, 'extent': (high - low) / 2,
                'bearing': np.stack((np.cos(spec.bearings), np.sin(spec.bearings))),
                'moments': horizon * np.arange(1, _MOMENTS + 1) / _MOMENTS}.items():
            self.register_buffer(name, torch.tensor(value, dtype=torch.float32))

    def forward(self, scan: Tensor, command: Tensor) -> Tensor:
        """
        Give the calibrated probability.

        :param scan: [m], shape (B, history, sectors), newest first.
        :param command: vx, vy [m/s], wz [rad/s], shape (B, 3).
        :return: in [0, 1], shape (B, 1).
        """
        logit = (self.logit(scan, command) + self.prior) / self.temperature
        return torch.sigmoid(logit)[:, None]

    def logit(self, scan: Tensor, command: Tensor) -> Tensor:
        """Log-odds where collisions are as frequent as none, not calibrated, shape (B,)."""
        seen = self.convs((self.features(scan, command) - self.mean) / self.std)
        told = torch.cat((seen.amax(-1), seen.mean(-1), command / self.command_scale), dim=-1)
        return cast(Tensor, self.head(told))[:, 0]

    def features(self, scan: Tensor, command: Tensor) -> Tensor:
        """Distances and gaps ahead, shape (B, history + moments, sectors)."""
        gap = self._gaps(scan[:, 0], command)
        return torch.cat((torch.log(scan + _FLOOR), gap / (gap.abs() + _KNEE)), dim=1)

    def _gaps(self, near: Tensor, command: Tensor) -> Tensor:  # (B, S), (B, 3) -> (B, T, S)
        vx, vy, turn = (command[:, k, None] for k in range(3))
        turn = torch.where(turn.abs() < 1e-3, torch.full_like(turn, 1e-3), turn)
        angle = turn * self.moments                       # (B, T)
        along, aside = torch.sin(angle) / turn, 2 * torch.sin(angle / 2) ** 2 / turn
        dx = near[:, None] * self.bearing[0] - (vx * along - vy * aside)[..., None]
        dy = near[:, None] * self.bearing[1] - (vx * aside + vy * along)[..., None]
        c, s = torch.cos(angle)[..., None], torch.sin(angle)[..., None]
        out_x = (c * dx + s * dy - self.centre[0]).abs() - self.extent[0]
        out_y = (c * dy - s * dx - self.centre[1]).abs() - self.extent[1]
        outside = torch.sqrt(out_x.clamp_min(0) ** 2 + out_y.clamp_min(0) ** 2)
        return outside + torch.maximum(out_x, out_y).clamp_max(0)

    @torch.no_grad()
    def fit_normaliser(self, scan: Tensor, command: Tensor) -> None:
        """Set the normaliser to mean and spread of the features of some samples."""
        features = self.features(scan, command)
        self.mean.copy_(features.mean(dim=(0, 2), keepdim=True))
        self.std.copy_(features.std(dim=(0, 2), keepdim=True).clamp_min(1e-2))


def mirrored(scan: Tensor, command: Tensor) -> tuple[Tensor, Tensor]:
    """Swap left and right: as valid a sample as the original, for robots that are symmetric."""
    return scan.flip(-1), command * torch.tensor([1.0, -1.0, -1.0])
