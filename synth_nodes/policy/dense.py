"""A policy of dense layers alone."""

from typing import cast

from torch import nn, Tensor

from synth_nodes.policy.networks import GoalPolicy
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import RobotSpec


class DensePolicy(GoalPolicy):
    """Two dense layers over all sectors of all scans."""

    def __init__(self, spec: ObservationSpec, robot: RobotSpec, hidden: int = 128) -> None:
        """
        Build with unfitted normalisers.

        :param spec: layout of observations.
        :param robot: whose limits bound the commands.
        :param hidden: width of the dense layers.
        """
        super().__init__(spec, robot, hidden)
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(spec.history * spec.sectors, hidden), nn.ELU(),
            nn.Linear(hidden, hidden), nn.ELU())

    def encode(self, features: Tensor) -> Tensor:
        """Encode a history of scans, (B, history, sectors) -> (B, hidden)."""
        return cast(Tensor, self.layers(features))
