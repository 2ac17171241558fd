"""
The distribution of latents given conditions, as a mixture of normal ones.

It is fitted afterwards to the latents of real things (ex-post density estimation, Ghosh et al.
2020): parts by k-means (Lloyd 1982) of latents and conditions together, and in each part a mean
that is linear in the conditions, and a covariance of low rank with a diagonal (factor analysis).
One normal distribution would put what it draws between the kinds that there are.
"""

import math

import torch
from torch import nn, Tensor

PARTS, RANK = 32, 12
"""Of the mixture, and of the covariance of each part."""
PULL = 2.0
"""How far apart a deviation of a condition sets two, in units of the latents."""
PRIOR = 150
"""Samples that the common covariance counts for beside those of a part."""
ROUNDS = 25
"""Of k-means."""
FEWEST = 8
"""Samples for each part; with fewer there are fewer parts."""
NEVER = -1e4
"""Logarithm of the weight of a part that is not used."""


class LatentMixture(nn.Module):
    """Turns normal numbers and conditions into latents."""

    weight: Tensor
    middle: Tensor
    spread: Tensor
    mean: Tensor
    factor: Tensor
    rest: Tensor

    def __init__(self, latent: int, condition: int) -> None:
        super().__init__()
        self.latent, self.rank = latent, min(RANK, latent)
        for name, value in (
                ('weight', torch.full((PARTS,), NEVER)), ('middle', torch.zeros(PARTS, condition)),
                ('spread', torch.ones(PARTS, condition)),
                ('mean', torch.zeros(PARTS, 1 + condition, latent)),
                ('factor', torch.zeros(PARTS, self.rank, latent)),
                ('rest', torch.ones(PARTS, latent))):
            self.register_buffer(name, value)

    @property
    def noise(self) -> int:
        """How many normal numbers a latent takes."""
        return 1 + self.rank + self.latent

    def forward(self, noise: Tensor, asked: Tensor) -> Tensor:
        """
        Draw latents, (N, latent).

        :param noise: normal numbers, (N, self.noise); the first chooses the part.
        :param asked: standardised conditions, (N, C).
        """
        off = (asked[:, None] - self.middle) ** 2 / self.spread + self.spread.log()
        likely = torch.cumsum(torch.softmax(self.weight - 0.5 * off.sum(-1), 1), 1)
        at = 0.5 * (1.0 + torch.erf(noise[:, :1] / math.sqrt(2.0)))
        part = (at > likely).sum(1).clamp(max=PARTS - 1)
        out = torch.einsum('nc,ncz->nz', _with_one(asked), self.mean[part])
        out = out + torch.einsum('nr,nrz->nz', noise[:, 1:1 + self.rank], self.factor[part])
        return out + noise[:, 1 + self.rank:] * self.rest[part]

    @torch.no_grad()
    def fit(self, z: Tensor, asked: Tensor) -> None:
        """Fit to latents of things that there are, (N, latent), and their conditions, (N, C)."""
        count = max(1, min(PARTS, len(z) // FEWEST))
        label = _parts(torch.cat((z, PULL * asked), 1), count)
        z, asked = z.double(), asked.double()
        found, common = [], torch.zeros(self.latent, self.latent).to(z)
        for k in range(count):
            mine = label == k
            mean, off = _regressed(z[mine], asked[mine])
            found.append((int(mine.sum()), asked[mine], mean, off.T @ off))
            common += off.T @ off / len(z)
        self.weight.fill_(NEVER)
        for k, (size, its, mean, scatter) in enumerate(found):
            self.weight[k] = math.log(max(size, 1) / len(z)) if size else NEVER
            self.middle[k] = its.mean(0) if size else 0.0
            self.spread[k] = (its.var(0, correction=0) if size else 1.0) + 0.01
            self.mean[k] = mean
            factor, rest = _factors((scatter + PRIOR * common) / (size + PRIOR), self.rank)
            self.factor[k], self.rest[k] = factor, rest


def _with_one(asked: Tensor) -> Tensor:
    return torch.cat((torch.ones_like(asked[:, :1]), asked), 1)


def _parts(points: Tensor, count: int) -> Tensor:
    """Sort points (N, D) into that many parts by k-means; shape (N,)."""
    order = torch.randperm(len(points), generator=torch.Generator().manual_seed(0))
    centres = points[order[:count].to(points.device)].clone()
    label = torch.zeros(len(points), dtype=torch.long)
    for _ in range(ROUNDS):
        label = torch.cdist(points, centres).argmin(1)
        for k in range(count):
            if bool((label == k).any()):
                centres[k] = points[label == k].mean(0)
    return label


def _regressed(z: Tensor, asked: Tensor) -> tuple[Tensor, Tensor]:
    """Give the linear mean of latents given conditions, (1 + C, latent), and what is off it."""
    terms = _with_one(asked)
    ridge = torch.full_like(terms[0], 0.01 * len(z)) if len(z) else torch.ones_like(terms[0])
    ridge[0] = 1e-6
    mean = torch.linalg.solve(terms.T @ terms + torch.diag(ridge), terms.T @ z)
    return mean, z - terms @ mean


def _factors(covariance: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Split a covariance into factors, (rank, latent), and deviations beside them, (latent,)."""
    values, vectors = torch.linalg.eigh(covariance)
    factor = (vectors[:, -rank:] * values[-rank:].clamp_min(0.0).sqrt()).T
    rest = covariance.diagonal() - (factor ** 2).sum(0)
    return factor, rest.clamp_min(1e-6).sqrt()
