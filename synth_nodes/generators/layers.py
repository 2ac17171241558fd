"""Convolutions over beams that all generators are built of; any number of beams fits."""

import torch
from torch import nn, Tensor
from torch.nn import functional


class Residual(nn.Module):
    """Two dilated convolutions around which the input is carried."""

    def __init__(self, width: int, dilation: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.second = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.norm = nn.GroupNorm(4, width)

    def forward(self, x: Tensor, shift: Tensor | None = None) -> Tensor:
        """Beams (N, width, B) to beams; `shift` (N, width) is added to every beam."""
        h = self.first(functional.silu(self.norm(x)))
        if shift is not None:
            h = h + shift[:, :, None]
        out: Tensor = x + self.second(functional.silu(h))
        return out


class Trunk(nn.Module):
    """Channels in, `width` features of each beam out, each aware of 60 beams around it."""

    def __init__(self, channels: int, width: int, depth: int = 4, stride: int = 1) -> None:
        """With a stride there are features of every so many beams alone."""
        super().__init__()
        self.inlet = nn.Conv1d(channels, width, 2 + stride, stride, 1)
        self.blocks = nn.ModuleList(Residual(width, 2 ** k) for k in range(depth))

    def forward(self, x: Tensor, shift: Tensor | None = None) -> Tensor:
        """Channels (N, C, B) to features (N, width, B)."""
        h = self.inlet(x)
        for block in self.blocks:
            h = block(h, shift)
        out: Tensor = h
        return out


def normal(shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Draw normal numbers on the device of `like`; from a CPU generator, so that seeds repeat."""
    return torch.randn(shape, generator=generator).to(like)


def uniform(shape: tuple[int, ...], like: Tensor, generator: torch.Generator | None) -> Tensor:
    """Draw numbers in [0, 1), as :func:`normal` does."""
    return torch.rand(shape, generator=generator).to(like)
