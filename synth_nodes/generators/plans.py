"""
A conditional variational autoencoder of floor plans (Kingma and Welling 2014, Sohn et al. 2015).

Encoder and decoder are given what `synth_nodes.world.plan_conditions` measures. The likelihood of
each cell is Bernoulli. KL counts a tenth and is annealed (Bowman et al. 2016; beta-VAE, Higgins et
al. 2017): with its full weight the latent collapses. So the latents of real plans are not normal,
nor free of the conditions; their distribution is fitted to them afterwards
(`synth_nodes.generators.latents`). What is drawn is then pulled to what the autoencoder knows by
encoding and decoding it a few times (walkback, Bengio et al. 2013).
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn, Tensor
from torch.nn import functional

from synth_nodes.generators.latents import LatentMixture
from synth_nodes.settings import setting
from synth_nodes.world.plan_conditions import CONDITIONS
from synth_nodes.world.plan_grids import COLUMNS, ROWS

LATENT = 64
CONDITION = len(CONDITIONS)
ENCODER, DECODER = (16, 32, 12), (32, 48, 32)
KL_WEIGHT = 0.1
WALKS = 2
"""How often what is drawn is encoded and decoded again."""


@dataclass(frozen=True)
class PlanSettings:
    """How a generator of floor plans is trained."""

    seed: int = setting(0, 'Seed of everything drawn by chance.', low=0, high=2**31 - 1)
    steps: int = setting(2000, 'Steps of the optimiser, at most.', low=1, high=10**7)
    batch_size: int = setting(48, 'Plans in a step.', low=2, high=65536)
    learning_rate: float = setting(2e-3, 'Largest step size.', low=1e-6, high=0.1)
    check_every: int = setting(250, 'Steps between checks and checkpoints.', low=1, high=10**6)
    patience: int = setting(
        4, 'Checks without a better score after which it stops early.', low=1, high=10**6)
    plans: int = setting(16_000, 'Plans to learn from.', low=64, high=10**7)
    maps_share: float = setting(
        0.5, 'Share of them cut out of the maps that are given.', low=0.0, high=1.0)
    threads: int = setting(1, 'Threads that torch may use.', low=1, high=256)
    device: str = setting('cpu', "Where it is trained: 'cpu', 'cuda', ...")


class PlanNet(nn.Module):
    """Encoder, decoder, and the distribution of latents, each given a plan's conditions."""

    condition_mean: Tensor
    condition_deviation: Tensor
    _where: Tensor

    def __init__(self) -> None:
        super().__init__()
        sizes = (3, *ENCODER)
        small = ROWS // 8 * COLUMNS // 8
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1)
                                  for a, b in pairwise(sizes))
        self.more = nn.ModuleList(nn.Conv2d(b, b, 3, 1, 1) for b in ENCODER)
        self.moments = nn.Linear(ENCODER[-1] * small + CONDITION, 2 * LATENT)
        self.inlet = nn.Linear(LATENT + CONDITION, DECODER[0] * small)
        self.up = nn.ModuleList(nn.Conv2d(a, b, 3, 1, 1)
                                for a, b in pairwise(DECODER))
        self.again = nn.ModuleList(nn.Conv2d(b, b, 3, 1, 1) for b in DECODER)
        self.norms = nn.ModuleList(nn.GroupNorm(4, b) for b in DECODER[1:])
        self.tones = nn.ModuleList(nn.Linear(CONDITION, 2 * b) for b in DECODER[1:])
        self.out = nn.Conv2d(DECODER[-1], 4, 3, 1, 1)
        self.register_buffer('condition_mean', torch.zeros(CONDITION))
        self.register_buffer('condition_deviation', torch.ones(CONDITION))
        self.latents = LatentMixture(LATENT, CONDITION)
        y, x = torch.meshgrid(torch.linspace(-1, 1, ROWS), torch.linspace(-1, 1, COLUMNS),
                              indexing='ij')
        self.register_buffer('_where', torch.stack((x, y))[None], persistent=False)

    def standard(self, condition: Tensor) -> Tensor:
        """Tell conditions, shape (N, 3) in their units, in deviations from those learned."""
        return (condition - self.condition_mean) / self.condition_deviation

    def encode(self, plan: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
        """
        Turn plans into mean and log variance of latents, each (N, LATENT).

        :param plan: shape (N, 1, ROWS, COLUMNS); asked: standardised conditions, (N, 3).
        """
        h = torch.cat((plan, self._where.expand(plan.shape[0], -1, -1, -1)), 1)
        for conv, more in zip(self.down, self.more, strict=True):
            h = functional.silu(conv(h))
            h = h + functional.silu(more(h))
        mean, log_variance = self.moments(torch.cat((h.flatten(1), asked), 1)).chunk(2, 1)
        return mean, log_variance.clamp(-8.0, 4.0)

    def decode(self, z: Tensor, asked: Tensor) -> Tensor:
        """Latents (N, LATENT) to logits of solid cells, (N, 1, ROWS, COLUMNS)."""
        h = self.inlet(torch.cat((z, asked), 1))
        h = h.view(-1, DECODER[0], ROWS // 8, COLUMNS // 8)
        h = h + self.again[0](functional.silu(h))
        for conv, norm, tone, again in zip(self.up, self.norms, self.tones, self.again[1:],
                                           strict=True):
            gain, shift = tone(asked)[:, :, None, None].chunk(2, 1)
            h = norm(conv(functional.interpolate(h, scale_factor=2.0)))
            h = functional.silu(h * (1.0 + gain) + shift)
            h = h + functional.silu(again(h))
        out: Tensor = functional.pixel_shuffle(self.out(h), 2)
        return out

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        """
        Draw plans.

        :param noise: normal numbers, (N, self.latents.noise).
        :param condition: what is asked for, (N, 3), in its units.
        :return: chances that cells are solid, (N, R, C).
        """
        asked = self.standard(condition)
        logit = self.decode(self.latents(noise, asked), asked)
        for _ in range(WALKS):
            logit = self.decode(self.encode((logit > 0).to(noise), asked)[0], asked)
        return torch.sigmoid(logit)[:, 0]

    def loss(self, plan: Tensor, condition: Tensor,
             kl_weight: float) -> tuple[Tensor, dict[str, float]]:
        """Negative lower bound [nats a plan] with the KL term weighed, and its parts."""
        asked = self.standard(condition)
        mean, log_variance = self.encode(plan, asked)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        error = functional.binary_cross_entropy_with_logits(
            self.decode(z, asked), plan, reduction='sum') / len(plan)
        kl = 0.5 * (mean ** 2 + log_variance.exp() - 1.0 - log_variance).sum(1).mean()
        return error + kl_weight * kl, {'error': float(error.detach()), 'kl': float(kl.detach())}

    @torch.no_grad()
    def fit_conditions(self, condition: Tensor) -> None:
        """Standardise by those of some plans, shape (N, 3)."""
        self.condition_mean.copy_(condition.mean(0))
        self.condition_deviation.copy_(condition.std(0).clamp_min(1e-3))

    @torch.no_grad()
    def fit_latents(self, plans: Tensor, condition: Tensor) -> None:
        """Fit the distribution of latents given conditions to those of some plans."""
        asked = self.standard(condition)
        parts = [self.encode(plan, told) for plan, told in zip(
            torch.split(plans, 512), torch.split(asked, 512), strict=True)]
        mean, log_variance = (torch.cat(part) for part in zip(*parts, strict=True))
        self.latents.fit(mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean), asked)
