"""Augmentation of sequences: time runs faster or slower, in all that is measured."""

import torch
from torch import Tensor

from synth_nodes.errors import InputError


def time_warp(values: Tensor, rate: Tensor) -> Tensor:
    """
    Resample sequences so that time runs `rate` times faster; straight lines in between.

    The newest record, the last, stays where it is. Labels at it are kept, but for speeds: multiply
    velocities and commands by the rate (:func:`warp_speeds`).

    :param values: shape (N, T, ...).
    :param rate: shape (N,), in (0, 1]: a faster one would need records that are not there.
    :raises InputError: on a rate out of range.
    """
    if not bool(((rate > 0) & (rate <= 1)).all()):
        raise InputError(f'rates of {float(rate.min()):g} to {float(rate.max()):g} are not within '
                         '(0, 1]')
    length = values.shape[1]
    back = torch.arange(length - 1, -1, -1, device=values.device, dtype=values.dtype)
    at = (length - 1) - back[None] * rate[:, None].to(values)
    low = at.floor().long().clamp(0, length - 1)
    high = (low + 1).clamp(max=length - 1)
    share = (at - low).reshape(*at.shape, *([1] * (values.ndim - 2)))
    row = torch.arange(len(values), device=values.device)[:, None]
    first, second = values[row, low], values[row, high]
    blended = first + share * (second - first)
    # Between seen and unseen no line can be drawn: take the nearer record.
    whole = torch.isfinite(first) & torch.isfinite(second)
    return torch.where(whole, blended, torch.where(share < 0.5, first, second))


def warp_speeds(speeds: Tensor, rate: Tensor) -> Tensor:
    """Scale velocities or commands, shape (N, ...), to warped time: v times rate."""
    return speeds * rate.reshape(-1, *([1] * (speeds.ndim - 1))).to(speeds)
