"""
What a beam may tell, given the beams before it: a mixture over the steps a sensor tells ranges in.

Most of a scan goes on where the beam before it was, so the mixture's parts are centred not on the
ideal range alone, but on the last range told as well, on where the last two point to, and on where
the ideal scan's slope leads from the last; two wide parts take what no map knows. A step of the
sensor has the probability that a logistic distribution has between its edges (Salimans et al.
2017, eq. 2), so that a coarse and a fine sensor are one model.
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from synth_nodes.generators.coding import FINE, SPAN

NEAR, WIDE = 6, 2
"""Parts centred on something, and parts that are not."""
OUTPUTS = 1 + 3 * (NEAR + WIDE)
HISTORY = 7
"""Numbers that :func:`history` makes."""
SHIFT = 0.1
"""Offset [m] from its centre that a part has for each unit the network gives."""
STEEPEST = 0.5
"""Largest rise [m] from beam to beam that is carried on."""
FINEST = 1e-3
"""Step [m] of a sensor that tells ranges in no steps."""


class Beam(NamedTuple):
    """What is known before a beam; all of the same shape."""

    ideal: Tensor
    """Ideal range, at most the reach [m]."""
    rise: Tensor
    """How much it is above that of the beam before [m]."""
    resolution: Tensor
    """Step in which the sensor tells ranges [m]."""
    last: Tensor
    """Last range that was told [m]."""
    step: Tensor
    """Rise of the last range above the one before; 0 unless both returned [m]."""
    returned: Tensor
    """1 where the beam before returned."""


def history(beam: Beam) -> Tensor:
    """Describe a beam's past to the network, shape (..., 7)."""
    gaps = torch.stack((
        beam.last - beam.ideal, beam.last + beam.step - beam.ideal,
        beam.last + beam.rise - beam.ideal, beam.step, beam.rise), -1)
    return torch.cat((beam.returned[..., None], _squashed(gaps),
                      (beam.resolution * 20.0)[..., None]), -1)


def parts(out: Tensor, beam: Beam, reach: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """
    Turn what the network gives into distributions.

    :param out: shape (..., 25).
    :return: logit of a return, shape (...); log weights, centres [m] and log scales of the parts,
        each of shape (..., 8).
    """
    weight, shift, scale = out[..., 1:].chunk(3, -1)
    onward = beam.last + beam.step.clamp(-STEEPEST, STEEPEST)
    along = beam.last + beam.rise.clamp(-STEEPEST, STEEPEST)
    centre = torch.stack((beam.ideal, beam.ideal, beam.last, onward, along, beam.last), -1)
    centres = torch.cat((centre + SHIFT * shift[..., :NEAR],
                         reach * torch.sigmoid(shift[..., NEAR:])), -1)
    usual = torch.cat((torch.full_like(scale[..., :NEAR], -4.0),
                       torch.zeros_like(scale[..., NEAR:])), -1)
    return (out[..., 0], torch.log_softmax(weight, -1), centres, (scale + usual).clamp(-7.0, 1.5))


def surprise(out: Tensor, beam: Beam, told: Tensor, returned: Tensor, reach: float) -> Tensor:
    """
    Negative log likelihood of each beam [nats], of the same shape.

    :param told: ranges [m], in steps of the sensor; returned: 1 where there is one.
    """
    back, weight, centre, scale = parts(out, beam, reach)
    inverse = torch.exp(-scale)
    z = (told[..., None] - centre) * inverse
    half = 0.5 * beam.resolution[..., None] * inverse
    # CDF at the upper edge less that at the lower: s(a) - s(b) = s(a) s(-b) (1 - e^(b-a)).
    share = (functional.logsigmoid(z + half) + functional.logsigmoid(half - z)
             + torch.log(-torch.expm1(-2 * half)))
    density = torch.logsumexp(weight + share, -1)
    lost = functional.binary_cross_entropy_with_logits(back, returned, reduction='none')
    return lost - density * returned


def drawn(out: Tensor, beam: Beam, draws: Tensor, reach: float) -> tuple[Tensor, Tensor]:
    """
    Draw what beams tell.

    :param draws: uniform in [0, 1), shape (..., 3).
    :return: ranges [m] in steps of the sensor, and 1 where there is one.
    """
    back, weight, centre, scale = parts(out, beam, reach)
    share = torch.cumsum(weight.exp(), -1)[..., :-1]
    pick = (draws[..., 1:2] > share).to(torch.int64).sum(-1, keepdim=True)
    q = draws[..., 2].clamp(1e-5, 1 - 1e-5)
    told = centre.gather(-1, pick)[..., 0] + scale.gather(-1, pick)[..., 0].exp() * (
        torch.log(q) - torch.log1p(-q))
    told = torch.round(told / beam.resolution) * beam.resolution
    seen = (draws[..., 0] < torch.sigmoid(back)) & (told < reach) & (told > 0.0)
    return told, seen.to(told)


def before(told: Tensor, returned: Tensor, ideal: Tensor, resolution: Tensor) -> Beam:
    """
    Say what is known before each beam of whole scans; before the first its ideal range counts.

    :param told, returned, ideal: shape (N, beams); resolution: shape (N, 1).
    """
    told = torch.cat((ideal[:, :1], told), 1)
    back = torch.cat((torch.ones_like(returned[:, :1]), returned), 1)
    number = torch.arange(told.shape[1], device=told.device).expand_as(told)
    newest = torch.cummax(torch.where(back > 0.5, number, 0), 1).values
    both = back[:, 1:-1] * back[:, :-2]
    step = functional.pad((told[:, 1:-1] - told[:, :-2]) * both, (1, 0))
    return Beam(ideal, functional.pad(ideal[:, 1:] - ideal[:, :-1], (1, 0)),
                resolution.expand_as(ideal), told.gather(1, newest)[:, :-1], step, back[:, :-1])


def _squashed(distance: Tensor) -> Tensor:
    return torch.asinh(distance / FINE) * (3.0 / SPAN)
