"""
Scans as generators see them: what the ideal scan says of each beam, and what became of it.

What became of a beam is whether it returned, and how far off the ideal range. That error is
squashed by asinh, fine about zero and coarse far away: u = asinh(e / S) / asinh(L / S).
"""

import math

import torch
from torch import Tensor

REACH = 10.0
"""Ranges [m] beyond which nothing is seen, where nothing else is said."""
FINE = 0.02
"""S: errors [m] below which u is all but linear."""
LARGEST = 10.0
"""L: errors [m] that u = 1 stands for."""
SPAN = math.asinh(LARGEST / FINE)
CONDITIONS = 5
"""Channels of the condition that say what the ideal scan is like; the resolution comes behind."""
SAME_STEPS = 0.8
"""Share of the changes from beam to beam that are whole steps where a sensor has any."""
RESOLUTION_UNIT = 0.05
"""Steps of a sensor [m] that its channel of the condition is 1 for."""


def condition(ideal: Tensor, step: float, reach: float = REACH,
              resolution: float = 0.0) -> Tensor:
    """
    Describe each beam of ideal scans.

    :param ideal: [m], shape (N, beams), inf where nothing was hit.
    :param step: angle between beams [rad].
    :param resolution: steps in which the sensor tells ranges [m]; 0 for none.
    :return: shape (N, 6, beams): range as a share of reach, its logarithm, whether it hits,
        steepness (tangent of the angle of incidence, squashed), jump to the neighbours,
        resolution.
    """
    hit = ideal < reach
    r = torch.where(hit, ideal, reach)
    ahead, behind = torch.roll(r, -1, 1) - r, r - torch.roll(r, 1, 1)
    ahead = torch.cat((ahead[:, :-1], behind[:, -1:]), 1)
    behind = torch.cat((ahead[:, :1], behind[:, 1:]), 1)
    gentler = torch.where(ahead.abs() < behind.abs(), ahead, behind)
    steep = torch.tanh(gentler.abs() / (r * step).clamp(min=1e-3) / 4)
    jump = torch.tanh(torch.maximum(ahead.abs(), behind.abs()))
    coarse = torch.full_like(r, resolution / RESOLUTION_UNIT)
    return torch.stack((r / reach, torch.log(r.clamp(min=0.05)) / 3, hit.to(r), steep, jump,
                        coarse), 1)


def squashed(error: Tensor) -> Tensor:
    """Squash errors [m] to u in [-1, 1]; what is larger than L counts as L."""
    return (torch.asinh(error / FINE) / SPAN).clamp(-1.0, 1.0)


def error_of(u: Tensor) -> Tensor:
    """Undo :func:`squashed` [m]."""
    return FINE * torch.sinh(u * SPAN)


def encode(real: Tensor, ideal: Tensor, reach: float = REACH) -> tuple[Tensor, Tensor]:
    """
    Say what became of each beam.

    :param real: [m], shape (N, beams), as REP-117 has it; ideal: [m], shape (N, beams).
    :return: u in [-1, 1] (0 where nothing returned), and whether it returned, shape (N, beams).
    """
    returned = torch.isfinite(real) & (real < reach)
    error = torch.where(returned, real, 0.0) - torch.where(ideal < reach, ideal, reach)
    u = squashed(error)
    return torch.where(returned, u, 0.0), returned.to(u)


def decode(u: Tensor, returned: Tensor, ideal: Tensor, reach: float = REACH,
           resolution: float = 0.0, chance: Tensor | None = None) -> Tensor:
    """
    Make scans of what became of the beams: the inverse of :func:`encode`.

    :param returned: above 0.5 where the beam returned.
    :param resolution: steps in which the sensor tells ranges [m]; 0 for none.
    :param chance: uniform in [0, 1), shape (N, beams): tells the step below or above, the nearer
        the likelier, as a sensor does whose noise is as large as its steps; the nearest where
        None.
    :return: [m], shape (N, beams), inf where nothing returned.
    """
    scan = torch.where(ideal < reach, ideal, reach) + error_of(u)
    if resolution > 0:
        up = 0.5 if chance is None else chance
        scan = torch.floor(scan / resolution + up) * resolution
    seen = (returned > 0.5) & (scan < reach) & (scan > 0.0)
    return torch.where(seen, scan, torch.inf)


def resolution_of(real: Tensor) -> float:
    """
    Find the steps in which a sensor tells its ranges [m]; 0 where there are none.

    Looked at is how far beams are from the beam before, so steps may begin anywhere: an old
    scanner's lie at other remainders for each stretch of a scan.

    :param real: [m], shape (N, beams).
    """
    change = torch.diff(real.double(), dim=1)
    change = change[torch.isfinite(change) & (change.abs() > 1e-4)]
    for step in (0.1, 0.05, 0.02, 0.01, 0.005):
        off = (change / step - torch.round(change / step)).abs()
        if len(change) and float((off < 0.02).double().mean()) > SAME_STEPS:
            return step
    return 0.0
