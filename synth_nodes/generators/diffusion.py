"""
Denoising diffusion (Ho et al. 2020), conditional on the ideal scan.

The network foretells the noise; the schedule is the cosine one (Nichol and Dhariwal 2021, eq. 17);
samples are drawn in few steps with DDIM (Song et al. 2021, eq. 12), eta = 1. Weights are averaged
over time for sampling.
"""

from collections.abc import Mapping
import copy
from itertools import pairwise
import math

import torch
from torch import nn, Tensor

from synth_nodes.generators.coding import CONDITIONS
from synth_nodes.generators.layers import normal, Trunk
from synth_nodes.generators.model import Case, GeneratorSettings, Stepper

STEPS = 25
"""Steps in which a sample is drawn."""
GAIN = 3.0
"""Errors are this much larger inside, so that their usual size is near that of the noise."""
CLEANEST = 3.5
"""How far a clean scan may be off inside, so that early steps do not run away."""
AVERAGE = 0.995


class Denoiser(nn.Module):
    """Noisy scan, condition and time to the noise."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.trunk = Trunk(CONDITIONS + 2, width, 5)
        self.time = nn.Sequential(nn.Linear(16, width), nn.SiLU(), nn.Linear(width, width))
        self.out = nn.Conv1d(width, 2, 1)

    def forward(self, noisy: Tensor, condition: Tensor, time: Tensor) -> Tensor:
        """
        Foretell the noise, shape (N, 2, beams).

        :param noisy: shape (N, 2, beams); time: 0 (clean) to 1 (noise), shape (N,).
        """
        rate = torch.exp(torch.arange(8, device=time.device) * (math.log(1000.0) / 8))
        phase = time[:, None] * rate
        shift = self.time(torch.cat((torch.sin(phase), torch.cos(phase)), 1))
        out: Tensor = self.out(self.trunk(torch.cat((noisy, condition[:, :CONDITIONS]), 1), shift))
        return out


def signal(time: Tensor) -> Tensor:
    """Share of the variance that is signal at a time from 0 to 1."""
    return torch.cos((time + 0.008) / 1.008 * math.pi / 2).pow(2).clamp(1e-4, 0.9999)


class Diffusion:
    """A diffusion model of scans."""

    def __init__(self, settings: GeneratorSettings) -> None:
        self._net = Denoiser(settings.width).to(settings.device)
        self._mean = copy.deepcopy(self._net)
        self.module: nn.Module = self._mean
        self._stepper = Stepper(self._net, settings.learning_rate, (0.9, 0.99))

    def train_step(self, case: Case, share: float) -> Mapping[str, float]:
        """Take a step; see Generator."""
        clean = case.joined() * case.u.new_tensor([GAIN, 1.0]).reshape(1, 2, 1)
        time = torch.rand(len(clean), device=clean.device)
        keep = signal(time)[:, None, None]
        noise = torch.randn_like(clean)
        guess = self._net(keep.sqrt() * clean + (1 - keep).sqrt() * noise, case.condition, time)
        loss = (guess - noise).pow(2).mean()
        self._stepper.step(loss, share)
        with torch.no_grad():
            for mean, now in zip(self._mean.parameters(), self._net.parameters(), strict=True):
                mean.lerp_(now, 1 - AVERAGE)
        return {'denoising': float(loss.detach())}

    @torch.no_grad()
    def sample(self, condition: Tensor,
               generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Draw; see Generator."""
        count, _, beams = condition.shape
        shape = (count, 2, beams)
        x = normal(shape, condition, generator)
        times = torch.linspace(1.0, 0.0, STEPS + 1, device=condition.device)
        for now, then in pairwise(times):
            x = _denoised(self._mean, x, condition, now, then,
                          normal(shape, condition, generator))
        return (x[:, 0] / GAIN).clamp(-1.0, 1.0), (x[:, 1] > 0).to(x)

    def state(self) -> dict[str, object]:
        """Give weights and memory; see Generator."""
        return {'net': self._mean.state_dict(), 'now': self._net.state_dict(),
                'optimiser': self._stepper.optimiser.state_dict()}

    def restore(self, state: Mapping[str, object]) -> None:
        """Take a state back; see Generator."""
        self._mean.load_state_dict(state['net'])  # type: ignore[arg-type]
        self._net.load_state_dict(state['now'])  # type: ignore[arg-type]
        self._stepper.optimiser.load_state_dict(state['optimiser'])  # type: ignore[arg-type]


def _denoised(net: nn.Module, x: Tensor, condition: Tensor, now: Tensor, then: Tensor,
              noise: Tensor) -> Tensor:
    """Take one step from time `now` to `then` (DDIM with eta = 1, the ancestral sampler)."""
    a, b = signal(now), signal(then)
    guess = net(x, condition, now.expand(len(x)))
    clean = ((x - (1 - a).sqrt() * guess) / a.sqrt()).clamp(-CLEANEST, CLEANEST)
    spread = ((1 - b) / (1 - a) * (1 - a / b)).clamp(min=0.0).sqrt()
    last = (then <= 0).to(x)
    along = (1 - b - spread ** 2).clamp(min=0.0).sqrt()
    out: Tensor = b.sqrt() * clean + (1 - last) * (along * guess + spread * noise)
    return out
