"""
Augmentation of camera images, a batch at a time, on the device the batch lies on.

Images are float, shape (N, C, H, W), in [0, 1]. Labels that a function changes are said.
"""

import torch
from torch import Tensor
from torch.nn import functional

from synth_nodes.errors import InputError

GREY = (0.299, 0.587, 0.114)
"""Weights of red, green, blue in brightness (ITU-R BT.601)."""


def mirror_images(images: Tensor, command: Tensor, which: Tensor) -> tuple[Tensor, Tensor]:
    """
    Swap left and right; the command is mirrored: vy and wz change sign.

    Exact for a camera that looks straight ahead from the middle.

    :param command: vx, (vy,) [m/s], wz [rad/s], shape (N, 2) or (N, 3).
    :param which: the images it is done to, bool, shape (N,).
    """
    mirrored = torch.cat((command[:, :1], -command[:, 1:]), dim=1)
    return (torch.where(which[:, None, None, None], images.flip(3), images),
            torch.where(which[:, None], mirrored, command))


def jitter_colours(images: Tensor, brightness: Tensor, contrast: Tensor,
                   saturation: Tensor) -> Tensor:
    """
    Change light and colours; the label is kept.

    :param brightness: factor, shape (N,); 1 changes nothing, as for the other two.
    :param contrast: factor about the mean brightness of the image.
    :param saturation: factor about the grey of each pixel.
    """
    def per_image(t: Tensor) -> Tensor:
        return t.reshape(-1, 1, 1, 1).to(images)

    weights = images.new_tensor(GREY).reshape(1, 3, 1, 1)
    lit = images * per_image(brightness)
    mean = (lit * weights).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    lit = mean + (lit - mean) * per_image(contrast)
    grey = (lit * weights).sum(1, keepdim=True)
    return (grey + (lit - grey) * per_image(saturation)).clamp(0.0, 1.0)


def rotate_images(images: Tensor, angle: Tensor) -> Tensor:
    """
    Turn about the middle, as a camera that hangs askew sees it; the label is kept.

    :param angle: counter-clockwise [rad], shape (N,); edges repeat outwards.
    """
    height, width = images.shape[2:]
    c, s = torch.cos(angle).to(images), torch.sin(angle).to(images)
    ratio = height / width
    zero = torch.zeros_like(c)
    matrix = torch.stack((torch.stack((c, -s * ratio, zero), 1),
                          torch.stack((s / ratio, c, zero), 1)), 1)
    return _sample(images, matrix)


def crop_images(images: Tensor, left: Tensor, top: Tensor, share: float) -> Tensor:
    """
    Zoom into a part; the label is kept, though what steering needs may be cut off.

    :param left, top: where the part begins, as shares of what is left over, shape (N,), in [0, 1].
    :param share: of width and height that remains, in (0, 1].
    :raises InputError: on a share out of range.
    """
    if not 0.0 < share <= 1.0:
        raise InputError(f'a share of {share} of the image is not within (0, 1]')
    x, y = ((2 * t.to(images) - 1) * (1 - share) for t in (left, top))
    zero, size = torch.zeros_like(x), torch.full_like(x, share)
    matrix = torch.stack((torch.stack((size, zero, x), 1), torch.stack((zero, size, y), 1)), 1)
    return _sample(images, matrix)


def cutout_images(images: Tensor, x: Tensor, y: Tensor, side: int) -> Tensor:
    """
    Grey out a square (DeVries and Taylor 2017); the label is kept.

    :param x, y: its middle [px], shape (N,).
    :param side: of the square [px].
    """
    height, width = images.shape[2:]
    column = torch.arange(width, device=images.device)
    row = torch.arange(height, device=images.device)
    across = (column[None] - x[:, None].to(images.device)).abs() * 2 <= side
    down = (row[None] - y[:, None].to(images.device)).abs() * 2 <= side
    return torch.where((down[:, :, None] & across[:, None, :])[:, None], 0.5, images)


def add_image_noise(images: Tensor, deviation: float, generator: torch.Generator) -> Tensor:
    """Add normal noise to each value; the label is kept."""
    noise = torch.randn(images.shape, generator=generator, device=generator.device)
    return (images + deviation * noise.to(images)).clamp(0.0, 1.0)


def mixup_images(images: Tensor, labels: Tensor, other: Tensor,
                 weight: Tensor) -> tuple[Tensor, Tensor]:
    """
    Blend each image, and its label with the same weight, with another (Zhang et al. 2018).

    :param labels: shape (N, ...); other: number of the other image, shape (N,).
    :param weight: of the image itself, in [0, 1], shape (N,).
    """
    def blend(t: Tensor) -> Tensor:
        w = weight.reshape(-1, *([1] * (t.ndim - 1))).to(t)
        return w * t + (1 - w) * t[other]

    return blend(images), blend(labels)


def _sample(images: Tensor, matrix: Tensor) -> Tensor:
    grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, mode='bilinear', padding_mode='border',
                                  align_corners=False)
