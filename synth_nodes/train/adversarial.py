"""Scans and images moved against a network as it learns: FGSM (Goodfellow et al. 2015, eq. 1)."""

from collections.abc import Callable

import torch
from torch import Tensor

from synth_nodes.train.settings import AdversarialSettings, ImageAdversarialSettings


def harden(scan: Tensor, loss: Callable[[Tensor], Tensor], settings: AdversarialSettings,
           range_max: float) -> Tensor:
    """
    Move the scans at the head of a batch so that the loss rises most.

    :param scan: [m], shape (N, ...); what is at range_max returned nothing and stays.
    :param loss: of whole scans of that shape.
    :param settings: what share, and how far.
    :return: scans with the first `share` of them moved; the network's gradients are not touched.
    """
    if not round(settings.share * len(scan)):
        return scan
    radius = settings.deviations * (settings.noise_std + settings.noise_slope * scan)
    moved = _raised(scan, loss, radius, settings.share).clamp(0.0, range_max)
    return torch.where(scan < range_max, moved, scan)


def harden_images(image: Tensor, loss: Callable[[Tensor], Tensor],
                  settings: ImageAdversarialSettings) -> Tensor:
    """
    Move the images at the head of a batch so that the loss rises most.

    :param image: 0 to 255, shape (N, H, W, 3).
    :param loss: of float images of that shape.
    :param settings: what share, and how far.
    :return: as of :func:`harden`.
    """
    if not round(settings.share * len(image)):
        return image
    image = image.float()
    radius = settings.deviations * torch.sqrt(
        settings.read_noise ** 2 + settings.shot_noise ** 2 * image / 255.0)
    return _raised(image, loss, radius, settings.share).clamp(0.0, 255.0)


def _raised(seen: Tensor, loss: Callable[[Tensor], Tensor], radius: Tensor,
            share: float) -> Tensor:
    """Move the first `share` of a batch by its radius along the sign of the loss's slope."""
    free = seen.detach().clone().requires_grad_()
    slope, = torch.autograd.grad(loss(free), free)
    chosen = torch.arange(len(seen), device=seen.device) < round(share * len(seen))
    return torch.where(chosen.reshape(-1, *([1] * (seen.ndim - 1))),
                       seen + radius * slope.nan_to_num().sign(), seen)
