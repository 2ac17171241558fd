"""
A gait: from what a walker sees to a mixture of what it does next (Bishop 1994).

Autoregressive: drawn step after step, each seen from where the last one led, it gives tracks. The
network is small enough for the kernels of worlds to run it for every person, with the weights
that :meth:`TrackNet.gait` gives them.
"""

from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray
import torch
from torch import nn, Tensor

from synth_nodes.settings import setting
from synth_nodes.world.gait import Gait, LEAST, MOST, OUTPUTS, PARTS, SEEN, WIDTH
from synth_nodes.world.stroll import Samples


@dataclass(frozen=True)
class TrackSettings:
    """How a gait is trained, and where people walk by social forces if no tracks are given."""

    seed: int = setting(0, 'Seed of everything drawn by chance.', low=0, high=2**31 - 1)
    steps: int = setting(8000, 'Steps of the optimiser, at most.', low=1, high=10**7)
    batch_size: int = setting(512, 'Samples in a step.', low=2, high=65536)
    learning_rate: float = setting(4e-3, 'Largest step size.', low=1e-6, high=0.1)
    check_every: int = setting(250, 'Steps between checks and checkpoints.', low=1, high=10**6)
    patience: int = setting(
        5, 'Checks without a better score after which it stops early.', low=1, high=10**6)
    places: int = setting(
        24, 'Generated places that people walk in by social forces.', low=2, high=10**4)
    people: int = setting(12, 'People in each at a time.', low=1, high=200)
    seconds: float = setting(
        90.0, 'Time that they walk.', unit='s', low=10.0, high=1e4)
    threads: int = setting(1, 'Threads that torch may use.', low=1, high=256)
    device: str = setting('cpu', "Where it is trained: 'cpu', 'cuda', ...")


class TrackNet(nn.Module):
    """Two hidden layers; inputs and outputs are scaled by what the training samples are like."""

    centre: Tensor
    scale: Tensor
    unit: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(SEEN, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.last = nn.Linear(WIDTH, OUTPUTS)
        self.register_buffer('centre', torch.zeros(SEEN))
        self.register_buffer('scale', torch.ones(SEEN))
        self.register_buffer('unit', torch.ones(()))

    @torch.no_grad()
    def scale_to(self, samples: Samples) -> None:
        """Take the scales of some samples."""
        seen = torch.from_numpy(samples.seen)
        self.centre.copy_(seen.mean(0))
        self.scale.copy_(seen.std(0).clamp(min=1e-2))
        self.unit.copy_(torch.tensor(float(samples.change.std()) or 1.0))

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """
        Say what comes next.

        :param seen: shape (N, SEEN).
        :return: log weights (N, PARTS), means [m/s] (N, PARTS, 2) and log deviations (N, PARTS, 2)
            of the change of velocity.
        """
        h = torch.tanh(self.second(torch.tanh(self.first((seen - self.centre) / self.scale))))
        weight, mean, spread = self.last(h).split((PARTS, 2 * PARTS, 2 * PARTS), 1)
        shape = (-1, PARTS, 2)
        return (torch.log_softmax(weight, 1), self.unit * mean.reshape(shape),
                (spread.reshape(shape) + self.unit.log()).clamp(LEAST, MOST))

    def surprise(self, seen: Tensor, change: Tensor) -> Tensor:
        """Mean negative log likelihood [nats] of changes of velocity, shape (N, 2)."""
        weight, mean, spread = self(seen)
        z = (change[:, None] - mean) * torch.exp(-spread)
        density = weight - (0.5 * z ** 2 + spread).sum(2) - math.log(2.0 * math.pi)
        return -torch.logsumexp(density, 1).mean()

    @torch.no_grad()
    def gait(self, period: float) -> Gait:
        """Give the weights to the kernels, all scales within them."""
        scale, centre = _numpy(self.scale), _numpy(self.centre)
        first = np.ascontiguousarray(_numpy(self.first.weight).T / scale[:, None])
        last, bias = _numpy(self.last.weight).T.copy(), _numpy(self.last.bias).copy()
        unit = float(self.unit)
        last[:, PARTS:3 * PARTS] *= unit
        bias[PARTS:3 * PARTS] *= unit
        bias[3 * PARTS:] += math.log(unit)
        return Gait(True, period, first, _numpy(self.first.bias) - centre @ first,
                    np.ascontiguousarray(_numpy(self.second.weight).T), _numpy(self.second.bias),
                    last, bias)


def _numpy(values: Tensor) -> NDArray[np.float64]:
    return values.detach().cpu().double().numpy()
