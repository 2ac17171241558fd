"""Networks over the named parts of any observation: the normaliser inside, parts side by side."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import nn, Tensor

from synth_nodes.policy.goal_reaching import command_limits
from synth_nodes.types import RobotSpec

Shapes = Mapping[str, tuple[int, ...]]
"""Shape of each part of one robot's observation, in the order of the network's inputs."""
_FLOOR = 0.2
"""Added to distances before their logarithm is taken [m]."""
_MOST = 8.0
"""Normalised features are clipped to this many standard deviations."""


def _feature(name: str, part: Tensor) -> Tensor:
    """Turn a part into features, (B, ...) to (B, N): a scan by logarithm, a goal by direction."""
    if name == 'scan':
        return torch.log(part + _FLOOR).flatten(1)
    if name == 'goal':
        x, y = part[:, 0:1], part[:, 1:2]
        distance = torch.sqrt(x * x + y * y + 1e-4)
        return torch.cat((x / distance, y / distance, torch.log(distance + _FLOOR), part[:, 2:3]),
                         dim=-1)
    if name == 'dock':
        return _dock_features(part)
    return part.flatten(1)


def _dock_features(dock: Tensor) -> Tensor:
    """
    Say where a dock is as one looks at it: also along and aside of its axis, finely when near.

    :param dock: x, y [m], sine and cosine of its yaw, age [s], shape (B, 5).
    :return: shape (B, 12).
    """
    x, y, sine, cosine, age = (dock[:, k:k + 1] for k in range(5))
    way, aside = cosine * x + sine * y, sine * x - cosine * y
    lane = (aside / (way.abs() + 0.05)).clamp(-2.0, 2.0)
    near = (torch.tanh(v / w) for v, w in ((way, 0.03), (way, 0.2), (aside, 0.03), (sine, 0.1)))
    return torch.cat((x, y, sine, cosine, age, way, aside, lane, *near), dim=-1)


class Features(nn.Module):
    """All parts of an observation as one normalised vector."""

    mean: Tensor
    std: Tensor

    def __init__(self, shapes: Shapes) -> None:
        """Build with an unfitted normaliser."""
        super().__init__()
        self._names = tuple(shapes)
        with torch.no_grad():
            self.width = self._raw([torch.zeros(1, *shape) for shape in shapes.values()]).shape[1]
        self.register_buffer('mean', torch.zeros(self.width))
        self.register_buffer('std', torch.ones(self.width))

    def _raw(self, parts: Sequence[Tensor]) -> Tensor:
        return torch.cat([_feature(n, p) for n, p in zip(self._names, parts, strict=True)], dim=-1)

    def forward(self, *parts: Tensor) -> Tensor:
        """From parts (B, ...) to (B, width)."""
        return torch.clamp((self._raw(parts) - self.mean) / self.std, -_MOST, _MOST)

    @torch.no_grad()
    def fit_normaliser(self, *parts: Tensor) -> None:
        """Set the normaliser to mean and spread of these observations."""
        raw = self._raw(parts)
        self.mean.copy_(raw.mean(dim=0))
        spread = raw.std(dim=0)
        # What never varied (vy of a differential drive) stays in, unscaled.
        self.std.copy_(torch.where(spread < 1e-3, torch.ones_like(spread), spread))


def dense(width: int, hidden: Sequence[int], out: int, gain: float) -> nn.Sequential:
    """
    Make dense layers with ELU between them.

    Orthogonal weights, the last layer's scaled by `gain`: a new policy stands nearly still
    (Andrychowicz et al. 2021, What Matters for On-Policy Deep Actor-Critic Methods).
    """
    sizes = [width, *hidden, out]
    layers: list[nn.Module] = []
    for k, (here, there) in enumerate(pairwise(sizes)):
        linear = nn.Linear(here, there)
        last = k == len(hidden)
        nn.init.orthogonal_(linear.weight, gain if last else 2**0.5)
        nn.init.zeros_(linear.bias)
        layers += [linear] if last else [linear, nn.ELU()]
    return nn.Sequential(*layers)


class FlatPolicy(nn.Module):
    """From any observation to a command within the robot's limits, through dense layers."""

    centre: Tensor
    half_span: Tensor

    def __init__(self, shapes: Shapes, robot: RobotSpec,
                 hidden: Sequence[int] = (128, 128)) -> None:
        """
        Build with an unfitted normaliser.

        :param shapes: of the parts, such as scan, goal and velocity.
        :param robot: whose limits bound the commands.
        :param hidden: widths of the layers between.
        """
        super().__init__()
        self.features = Features(shapes)
        self.head = dense(self.features.width, hidden, 2, 0.01)
        low, high = (torch.tensor(v) for v in command_limits(robot))
        self.register_buffer('centre', (high + low) / 2)
        self.register_buffer('half_span', (high - low) / 2)

    def forward(self, *parts: Tensor) -> Tensor:
        """From parts (B, ...) to vx [m/s], wz [rad/s], shape (B, 2)."""
        out = torch.tanh(self.head(self.features(*parts)))
        return self.centre + self.half_span * out

    def fit_normaliser(self, *parts: Tensor) -> None:
        """Set the normaliser to mean and spread of these observations."""
        self.features.fit_normaliser(*parts)


class Critic(nn.Module):
    """From any observation to what is still to be gained."""

    def __init__(self, shapes: Shapes, hidden: Sequence[int] = (128, 128)) -> None:
        """Build with an unfitted normaliser."""
        super().__init__()
        self.features = Features(shapes)
        self.head = dense(self.features.width, hidden, 1, 1.0)

    def forward(self, *parts: Tensor) -> Tensor:
        """From parts (B, ...) to values, shape (B,)."""
        return cast(Tensor, self.head(self.features(*parts))[:, 0])

    def fit_normaliser(self, *parts: Tensor) -> None:
        """Set the normaliser to mean and spread of these observations."""
        self.features.fit_normaliser(*parts)
