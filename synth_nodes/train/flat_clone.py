"""A network over the parts of an observation as what an expert is cloned into."""

from collections.abc import Mapping
from typing import cast

import numpy as np
import torch
from torch import nn, Tensor

from synth_nodes.policy.flat import FlatPolicy
from synth_nodes.train.clone import Inputs
from synth_nodes.types import FloatArray

_SIGNS = {'line': (-1.0, -1.0), 'ahead': (1.0, -1.0), 'velocity': (1.0, -1.0, -1.0),
          'dock': (1.0, -1.0, -1.0, 1.0, 1.0)}
"""What each part of an observation is multiplied by when left and right are swapped."""


class FlatClone(nn.Module):
    """A dense network over parts that are points, directions and speeds."""

    def __init__(self, net: FlatPolicy, names: tuple[str, ...]) -> None:
        """
        Take the network.

        :param names: of the parts it takes, in their order.
        """
        super().__init__()
        self.net, self._names = net, names

    @torch.no_grad()
    def act(self, observation: Mapping[str, FloatArray]) -> FloatArray:
        """Decide on numpy observations; returns vx [m/s], wz [rad/s], shape (B, 2)."""
        parts = (torch.from_numpy(np.asarray(observation[n], np.float32)) for n in self._names)
        return cast(FloatArray, self.net(*parts).numpy())

    def error(self, inputs: Mapping[str, Tensor], command: Tensor) -> Tensor:
        """Compare with the right commands, as a share of half their span, shape (B, 2)."""
        decided = self.net(*(inputs[n] for n in self._names))
        return cast(Tensor, (decided - command) / self.net.half_span)

    @staticmethod
    def mirrored(inputs: Mapping[str, Tensor], command: Tensor,
                 ) -> tuple[dict[str, Tensor], Tensor]:
        """Swap left and right."""
        return ({name: part * torch.tensor(_SIGNS[name]) for name, part in inputs.items()},
                command * torch.tensor([1.0, -1.0]))

    def fit_normaliser(self, inputs: Inputs) -> None:
        """Set the normaliser by a training set."""
        self.net.fit_normaliser(
            *(torch.from_numpy(np.asarray(inputs[n], np.float32)) for n in self._names))
