"""
What a camera makes of an ideal frame, as a network: a lens, light, and convolutions.

The latent says which camera it is. From it and the robot's turn a small network foretells two
smooth fields, as polynomials of the place in the image: where each pixel looks (lens distortion,
the shear of a rolling shutter) and how bright it is (vignette, exposure, colour cast).
Convolutions add what is local (blur, smear, saturation), and tell the deviation of the noise of
each pixel. All of it fits frames of any size.
"""

from itertools import pairwise

import torch
from torch import nn, Tensor
from torch.nn import functional

from synth_nodes.generators.camera_card import LATENT

WARP_DEGREE, LIGHT_DEGREE = 5, 2
CODE = 32


def monomials(x: Tensor, y: Tensor, degree: int) -> Tensor:
    """Stack all x^i y^j with i + j up to the degree, last axis."""
    return torch.stack([x ** i * y ** j for i in range(degree + 1)
                        for j in range(degree + 1 - i)], -1)


def places(like: Tensor) -> tuple[Tensor, Tensor]:
    """Give x and y of pixel centres, -1 to 1 from edge to edge, shape (H, W), for (N, C, H, W)."""
    height, width = like.shape[2:]
    y = (torch.arange(height, device=like.device, dtype=like.dtype) * 2 + 1) / height - 1
    x = (torch.arange(width, device=like.device, dtype=like.dtype) * 2 + 1) / width - 1
    return x.expand(height, width), y[:, None].expand(height, width)


def terms(degree: int) -> int:
    """Count the monomials of :func:`monomials`."""
    return (degree + 1) * (degree + 2) // 2


class Modulated(nn.Module):
    """A convolution whose outputs the code scales and shifts (FiLM, Perez et al. 2018)."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1, padding_mode='replicate')
        self.film = nn.Linear(CODE, 2 * channels_out)

    def forward(self, x: Tensor, code: Tensor) -> Tensor:
        """Frames (N, C, H, W) and code (N, CODE) to frames."""
        scale, shift = self.film(code)[:, :, None, None].chunk(2, 1)
        return functional.silu(self.conv(x) * (1 + scale) + shift)


class CameraNet(nn.Module):
    """Ideal frame, turn, latent and noise to a realistic frame."""

    latent_mean: Tensor
    latent_root: Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.camera = nn.Sequential(nn.Linear(LATENT + 1, 2 * CODE), nn.SiLU(),
                                    nn.Linear(2 * CODE, CODE), nn.SiLU())
        self.warp = nn.Linear(CODE, 2 * terms(WARP_DEGREE))
        self.light = nn.Linear(CODE, 3 * terms(LIGHT_DEGREE))
        self.first, self.second = Modulated(5, width), Modulated(width, width)
        self.out = nn.Conv2d(width, 6, 3, padding=1, padding_mode='replicate')
        for layer in (self.warp, self.light, self.out):
            for values in layer.parameters():
                nn.init.zeros_(values)
        self.register_buffer('latent_mean', torch.zeros(LATENT))
        self.register_buffer('latent_root', torch.eye(LATENT))

    def forward(self, ideal: Tensor, turn: Tensor, latent: Tensor, noise: Tensor) -> Tensor:
        """
        Draw a frame.

        :param ideal: in [0, 1], shape (N, 3, H, W).
        :param turn: of the robot [rad/s], shape (N, 1).
        :param latent: normal numbers, shape (N, 8): the camera.
        :param noise: normal numbers, shape (N, 3, H, W).
        :return: in [0, 1], shape (N, 3, H, W).
        """
        mean, deviation = self.moments(ideal, turn, self.latent_mean + latent @ self.latent_root.T)
        return (mean + deviation * noise).clamp(0.0, 1.0)

    def moments(self, ideal: Tensor, turn: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Foretell mean and deviation of each value for a camera z as the encoder tells it."""
        code = self.camera(torch.cat((z, turn), 1))
        x, y = places(ideal)
        bent = self._field(self.warp(code), x, y, WARP_DEGREE)
        grid = torch.stack((x, y), -1) + 0.1 * bent
        seen = functional.grid_sample(ideal, grid, mode='bilinear', padding_mode='border',
                                      align_corners=False)
        light = self._field(self.light(code), x, y, LIGHT_DEGREE).permute(0, 3, 1, 2)
        seen = seen * torch.exp(light)
        where = torch.stack((x, y)).expand(ideal.shape[0], -1, -1, -1)
        h = self.second(self.first(torch.cat((seen, where), 1), code), code)
        more, spread = self.out(h).chunk(2, 1)
        return seen + more, 0.002 + 0.05 * functional.softplus(spread)

    @staticmethod
    def _field(coefficients: Tensor, x: Tensor, y: Tensor, degree: int) -> Tensor:
        """Evaluate polynomials, coefficients (N, C * terms), at every pixel, (N, H, W, C)."""
        basis = monomials(x, y, degree)                       # (H, W, terms)
        table = coefficients.reshape(coefficients.shape[0], -1, basis.shape[2])
        return torch.einsum('nct,hwt->nhwc', table, basis)


class FrameEncoder(nn.Module):
    """Pairs of frames to the camera that took them: mean and log variance of the latent."""

    def __init__(self, width: int) -> None:
        super().__init__()
        sizes = (8, width, 2 * width, 2 * width, 2 * width)
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, 2, 1)
                                   for a, b in pairwise(sizes))
        self.head = nn.Sequential(nn.Linear(12 * sizes[-1] + 1, 64), nn.SiLU(),
                                  nn.Linear(64, 2 * LATENT))

    def forward(self, ideal: Tensor, real: Tensor, turn: Tensor) -> tuple[Tensor, Tensor]:
        """Frames (N, 3, H, W) and turn (N, 1) to mean and log variance, shape (N, 8)."""
        where = torch.stack(places(ideal)).expand(ideal.shape[0], -1, -1, -1)
        h = torch.cat((ideal, 4 * (real - ideal), where), 1)
        for conv in self.convs:
            h = functional.silu(conv(h))
        pooled = functional.adaptive_avg_pool2d(h, (3, 4)).flatten(1)
        mean, log_variance = self.head(torch.cat((pooled, turn), 1)).chunk(2, 1)
        return mean, log_variance.clamp(-10.0, 4.0)
