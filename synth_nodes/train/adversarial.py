"""Scans moved against a network while it learns: FGSM (Goodfellow et al. 2015, eq. 1)."""

from collections.abc import Callable

import torch
from torch import Tensor

from synth_nodes.train.settings import AdversarialSettings


def harden(scan: Tensor, loss: Callable[[Tensor], Tensor], settings: AdversarialSettings,
           range_max: float) -> Tensor:
    """
    Move the scans at the head of a batch so that the loss rises most.

    :param scan: [m], shape (N, ...); what is at range_max returned nothing and stays.
    :param loss: of whole scans of that shape.
    :param settings: what share, and how far.
    :return: scans with the first `share` of them moved; the network's gradients are not touched.
    """
    count = round(settings.share * len(scan))
    if not count:
        return scan
    seen = scan.detach().clone().requires_grad_()
    slope, = torch.autograd.grad(loss(seen), seen)
    radius = settings.deviations * (settings.noise_std + settings.noise_slope * scan)
    moved = (scan + radius * slope.sign()).clamp(0.0, range_max)
    chosen = (torch.arange(len(scan)) < count).reshape(-1, *([1] * (scan.ndim - 1)))
    return torch.where(chosen & (scan < range_max), moved, scan)
