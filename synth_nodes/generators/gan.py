"""
Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, eq. 3), conditional on ideal scans.

Critic: E[C(fake)] - E[C(real)] + 10 E[(|grad C(mix)| - 1)^2]. Generator: -E[C(fake)]. A return is
drawn from its chance and passed on straight through (Bengio et al. 2013). The generator's weights
are averaged over time for sampling. The penalty, the dearest part, is of half of each batch.
"""

from collections.abc import Mapping
import copy
from typing import Any

import torch
from torch import nn, Tensor

from synth_nodes.generators.coding import CONDITIONS
from synth_nodes.generators.layers import normal, Trunk, uniform
from synth_nodes.generators.model import Case, GeneratorSettings, Stepper

NOISE = 8
"""Channels of noise of each beam; as many again are the same for all beams of a scan."""
PENALTY = 10.0
CRITIC_STEPS = 2
AVERAGE = 0.995


class Maker(nn.Module):
    """Condition and noise to errors and returns."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.trunk = Trunk(CONDITIONS + 2 * NOISE, width)
        self.out = nn.Conv1d(width, 2, 1)

    def forward(self, condition: Tensor, noise: Tensor, whole: Tensor, draw: Tensor) -> Tensor:
        """
        Make scans.

        :param noise: normal, shape (N, 8, beams); whole: the same for all beams, shape (N, 8, 1).
        :param draw: uniform in [0, 1), shape (N, beams).
        :return: errors and returns (-1 or 1) as channels, shape (N, 2, beams).
        """
        spread = whole.expand(-1, -1, condition.shape[2])
        out = self.out(self.trunk(torch.cat((condition[:, :CONDITIONS], noise, spread), 1)))
        chance = torch.sigmoid(out[:, 1] + 3.0)
        hard = (draw < chance).to(chance)
        returned = hard + chance - chance.detach()
        return torch.stack((torch.tanh(0.3 * out[:, 0]) * returned, 2 * returned - 1), 1)


class Critic(nn.Module):
    """Condition and scan to a score."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.trunk = Trunk(CONDITIONS + 3, width, stride=2)
        self.out = nn.Linear(2 * width, 1)

    def forward(self, condition: Tensor, scan: Tensor) -> Tensor:
        """Score scans, shape (N,)."""
        # Errors of millimetres must be seen: a steeper view of u beside u itself.
        fine = torch.tanh(12.0 * scan[:, :1])
        h = self.trunk(torch.cat((condition[:, :CONDITIONS], scan, fine), 1))
        out: Tensor = self.out(torch.cat((h.mean(2), h.std(2)), 1))[:, 0]
        return out


class Gan:
    """A generative adversarial network of scans."""

    def __init__(self, settings: GeneratorSettings) -> None:
        device = settings.device
        self._maker, self._critic = Maker(settings.width), Critic(settings.width)
        self._maker, self._critic = self._maker.to(device), self._critic.to(device)
        self._mean = copy.deepcopy(self._maker)
        self.module: nn.Module = self._mean
        rate = min(settings.learning_rate, 5e-4)
        self._make = Stepper(self._maker, rate, (0.0, 0.9))
        self._judge = Stepper(self._critic, 2 * rate, (0.0, 0.9))

    def train_step(self, case: Case, share: float) -> Mapping[str, float]:
        """Take steps of the critic, then one of the generator; see Generator."""
        real = case.joined()
        for _ in range(CRITIC_STEPS):
            with torch.no_grad():
                fake = self._maker(case.condition, *_noise(case.condition, None))
            judged = self._critic(case.condition, fake) - self._critic(case.condition, real)
            some = slice(None, -(-len(real) // 2))
            penalty = self._penalty(case.condition[some], real[some], fake[some])
            self._judge.step(judged.mean() + PENALTY * penalty, share)
        fake = self._maker(case.condition, *_noise(case.condition, None))
        loss = -self._critic(case.condition, fake).mean()
        self._make.step(loss, share)
        with torch.no_grad():
            for mean, now in zip(self._mean.parameters(), self._maker.parameters(), strict=True):
                mean.lerp_(now, 1 - AVERAGE)
        return {'wasserstein': float(-judged.mean().detach()), 'penalty': float(penalty.detach())}

    def _penalty(self, condition: Tensor, real: Tensor, fake: Tensor) -> Tensor:
        mix = torch.rand(len(real), 1, 1, device=real.device)
        between = (mix * real + (1 - mix) * fake).requires_grad_()
        grad, = torch.autograd.grad(self._critic(condition, between).sum(), between,
                                    create_graph=True)
        length = torch.sqrt(grad.flatten(1).pow(2).sum(1) + 1e-12)
        return ((length - 1.0) ** 2).mean()

    @torch.no_grad()
    def sample(self, condition: Tensor,
               generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Draw; see Generator."""
        out = self._mean(condition, *_noise(condition, generator))
        return out[:, 0], (out[:, 1] > 0).to(out)

    def state(self) -> dict[str, object]:
        """Give weights and memory; see Generator."""
        return {'net': self._mean.state_dict(), 'maker': self._maker.state_dict(),
                'critic': self._critic.state_dict(), 'make': self._make.optimiser.state_dict(),
                'judge': self._judge.optimiser.state_dict()}

    def restore(self, state: Mapping[str, object]) -> None:
        """Take a state back; see Generator."""
        parts: dict[str, Any] = {'net': self._mean, 'maker': self._maker, 'critic': self._critic,
                 'make': self._make.optimiser, 'judge': self._judge.optimiser}
        for name, part in parts.items():
            part.load_state_dict(state[name])


def _noise(condition: Tensor, generator: torch.Generator | None) -> tuple[Tensor, Tensor, Tensor]:
    count, _, beams = condition.shape
    return (normal((count, NOISE, beams), condition, generator),
            normal((count, NOISE, 1), condition, generator),
            uniform((count, beams), condition, generator))
