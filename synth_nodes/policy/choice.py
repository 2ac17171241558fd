"""A network that values a few commands and gives the best one."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import nn, Tensor

from synth_nodes.policy.flat import dense, Features, Shapes
from synth_nodes.tasks.actions import to_command
from synth_nodes.types import RobotSpec


class ChoicePolicy(nn.Module):
    """
    From any observation to one of a grid of commands.

    Dueling (Wang et al. 2016): what the situation is worth, and what each command adds to it.
    """

    commands: Tensor

    def __init__(self, shapes: Shapes, robot: RobotSpec, speeds: Sequence[float],
                 turns: Sequence[float], hidden: Sequence[int] = (128, 128)) -> None:
        """
        Build with an unfitted normaliser.

        :param shapes: of the parts of an observation.
        :param speeds: as shares of the robot's limits, in [-1, 1].
        :param turns: likewise; every speed goes with every turn.
        """
        super().__init__()
        self.features = Features(shapes)
        self.trunk = nn.Sequential(dense(self.features.width, hidden[:-1], hidden[-1], 2**0.5),
                                   nn.ELU())
        self.worth = nn.Linear(hidden[-1], 1)
        self.gain = nn.Linear(hidden[-1], len(speeds) * len(turns))
        grid = torch.cartesian_prod(torch.tensor(speeds), torch.tensor(turns))
        self.register_buffer('commands', torch.from_numpy(
            to_command(grid.numpy(), robot)).float())

    def values(self, *parts: Tensor) -> Tensor:
        """Value every command, shape (B, commands)."""
        seen = self.trunk(self.features(*parts))
        gain = self.gain(seen)
        return cast(Tensor, self.worth(seen) + gain - gain.mean(dim=1, keepdim=True))

    def forward(self, *parts: Tensor) -> Tensor:
        """From parts (B, ...) to vx [m/s], wz [rad/s], shape (B, 2)."""
        return self.commands[self.values(*parts).argmax(dim=1)]

    def fit_normaliser(self, *parts: Tensor) -> None:
        """Set the normaliser to mean and spread of these observations."""
        self.features.fit_normaliser(*parts)
