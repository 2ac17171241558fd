"""Line following by pose, cloned from the expert: a dense network, trained in a minute."""

from collections.abc import Mapping
from typing import cast

import numpy as np
import torch
from torch import nn, Tensor

from synth_nodes.envs.settings import LineFollowingSettings
from synth_nodes.policy.flat import FlatPolicy
from synth_nodes.train.clone import clone, CloneSettings, Inputs
from synth_nodes.train.fit import torch_threads
from synth_nodes.train.ppo_run import contract_of, held_back, make_task, RlResult
from synth_nodes.train.progress import Cancelled, never, Report, silent
from synth_nodes.train.trial_and_error import provenance, score
from synth_nodes.types import FloatArray

_SIGNS = {'line': (-1.0, -1.0), 'ahead': (1.0, -1.0), 'velocity': (1.0, -1.0, -1.0)}
"""What each part of an observation is multiplied by when left and right are swapped."""


class LineClone(nn.Module):
    """A dense network as what the expert of line following is cloned into."""

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


def train_line_pose(settings: CloneSettings, environment: LineFollowingSettings,
                    episodes: int = 200, report: Report = silent, cancelled: Cancelled = never,
                    command: str = '') -> RlResult:
    """
    Clone the expert of line following into a dense network.

    :param settings: how; environment: scenes, robot, rules.
    :param episodes: runs on tracks that were not learned from, which score it.
    :param command: the command line that started this, for the contract.
    :raises WorkCancelled: when told to stop.
    """
    task = make_task(environment)
    shapes = {name: low.shape for name, (low, _) in task.bounds().items()}
    with torch_threads(settings.threads):
        torch.manual_seed(settings.seed)
        net = FlatPolicy(shapes, environment.robot)
        clone(LineClone(net, tuple(shapes)), task, settings, report, cancelled)
        net.eval()
        with torch.no_grad():
            scores = score(net, held_back(environment), episodes, settings.seed)
    origin = provenance('behaviour cloning with DAgger', command, settings, environment)
    return RlResult(net, contract_of(environment, origin, scores))
