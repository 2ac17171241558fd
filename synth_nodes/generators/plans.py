"""
A variational autoencoder of floor plans (Kingma and Welling 2014).

The likelihood of each cell is Bernoulli. KL counts a tenth and is annealed (Bowman et al. 2016;
beta-VAE, Higgins et al. 2017): with its full weight the latent collapses. So the latents of real
plans are not normal; a normal distribution with their mean and covariance is fitted to them
afterwards (ex-post density estimation, Ghosh et al. 2020). What is drawn is then pulled to what
the autoencoder knows by encoding and decoding it a few times (walkback, Bengio et al. 2013).
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import nn, Tensor
from torch.nn import functional

from synth_nodes.settings import setting
from synth_nodes.world.plan_grids import COLUMNS, ROWS

LATENT = 48
ENCODER, DECODER = (12, 24, 16), (48, 32, 16)
KL_WEIGHT = 0.1
WALKS = 3
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
    plans: int = setting(6_000, 'Plans to learn from.', low=64, high=10**7)
    maps_share: float = setting(
        0.5, 'Share of them cut out of the maps that are given.', low=0.0, high=1.0)
    threads: int = setting(1, 'Threads that torch may use.', low=1, high=256)
    device: str = setting('cpu', "Where it is trained: 'cpu', 'cuda', ...")


class PlanNet(nn.Module):
    """Encoder, decoder, and the distribution of latents."""

    latent_mean: Tensor
    latent_root: Tensor

    def __init__(self) -> None:
        super().__init__()
        sizes = (3, *ENCODER)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1)
                                  for a, b in pairwise(sizes))
        self.moments = nn.Linear(ENCODER[-1] * ROWS // 8 * COLUMNS // 8, 2 * LATENT)
        self.inlet = nn.Linear(LATENT, DECODER[0] * ROWS // 8 * COLUMNS // 8)
        self.up = nn.ModuleList(nn.Conv2d(a, b, 3, 1, 1)
                                for a, b in pairwise(DECODER))
        self.norms = nn.ModuleList(nn.GroupNorm(4, b) for b in DECODER[1:])
        self.out = nn.Conv2d(DECODER[-1], 4, 3, 1, 1)
        self.register_buffer('latent_mean', torch.zeros(LATENT))
        self.register_buffer('latent_root', torch.eye(LATENT))
        y, x = torch.meshgrid(torch.linspace(-1, 1, ROWS), torch.linspace(-1, 1, COLUMNS),
                              indexing='ij')
        self.register_buffer('_where', torch.stack((x, y))[None], persistent=False)

    def encode(self, plan: Tensor) -> tuple[Tensor, Tensor]:
        """Plans (N, 1, ROWS, COLUMNS) to mean and log variance, each (N, LATENT)."""
        h = torch.cat((plan, self._where.expand(plan.shape[0], -1, -1, -1)), 1)  # type: ignore[operator]
        for conv in self.down:
            h = functional.silu(conv(h))
        mean, log_variance = self.moments(h.flatten(1)).chunk(2, 1)
        return mean, log_variance.clamp(-8.0, 4.0)

    def decode(self, z: Tensor) -> Tensor:
        """Latents (N, LATENT) to logits of solid cells, (N, 1, ROWS, COLUMNS)."""
        h = self.inlet(z).view(-1, DECODER[0], ROWS // 8, COLUMNS // 8)
        for conv, norm in zip(self.up, self.norms, strict=True):
            h = functional.silu(norm(conv(functional.interpolate(h, scale_factor=2.0))))
        out: Tensor = functional.pixel_shuffle(self.out(h), 2)
        return out

    def forward(self, noise: Tensor) -> Tensor:
        """Turn normal numbers (N, LATENT) into chances that cells are solid, (N, R, C)."""
        logit = self.decode(self.latent_mean + noise @ self.latent_root.T)
        for _ in range(WALKS):
            logit = self.decode(self.encode((logit > 0).to(noise))[0])
        return torch.sigmoid(logit)[:, 0]

    def loss(self, plan: Tensor, kl_weight: float) -> tuple[Tensor, dict[str, float]]:
        """Negative lower bound [nats a plan] with the KL term weighed, and its parts."""
        mean, log_variance = self.encode(plan)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        error = functional.binary_cross_entropy_with_logits(
            self.decode(z), plan, reduction='sum') / len(plan)
        kl = 0.5 * (mean ** 2 + log_variance.exp() - 1.0 - log_variance).sum(1).mean()
        return error + kl_weight * kl, {'error': float(error.detach()), 'kl': float(kl.detach())}

    @torch.no_grad()
    def fit_latents(self, plans: Tensor) -> None:
        """Fit the normal distribution of latents to those of some plans."""
        mean, log_variance = self.encode(plans)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        self.latent_mean.copy_(z.mean(0))
        off = (z - self.latent_mean).double()
        spread = off.T @ off / max(len(z) - 1, 1)
        self.latent_root.copy_(torch.linalg.cholesky(
            spread + 1e-6 * torch.eye(LATENT).to(spread)))
