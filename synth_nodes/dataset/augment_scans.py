"""
Augmentation of scans, a batch at a time, on the device the batch lies on.

Each function says what it does to the label. Ranges are in metres, inf where nothing was seen;
beams are at even angles, increasing, and symmetric about 0 unless they cover the full circle.
"""

from dataclasses import dataclass, replace
import math

import torch
from torch import Tensor

from synth_nodes.errors import InputError


@dataclass(frozen=True)
class ScanBatch:
    """N scans with what goes with them."""

    scan: Tensor
    """[m], shape (N, beams)."""
    goal: Tensor
    """x, y of the point to steer for in base_link [m], distance left [m], shape (N, 3)."""
    velocity: Tensor
    """vx, vy [m/s], wz [rad/s], shape (N, 3)."""
    command: Tensor
    """The label: vx, vy [m/s], wz [rad/s], shape (N, 3)."""

    def to(self, device: str) -> 'ScanBatch':
        """Move to a device."""
        return ScanBatch(*(t.to(device) for t in (self.scan, self.goal, self.velocity,
                                                  self.command)))


def mirror(batch: ScanBatch, which: Tensor, full_circle: bool = False) -> ScanBatch:
    """
    Swap left and right; the command is mirrored: vy and wz change sign. Exact.

    :param which: the scans it is done to, bool, shape (N,).
    :param full_circle: whether beam 0 looks backwards at -pi and has no twin at +pi.
    """
    turned = batch.scan.flip(1)
    if full_circle:
        turned = torch.roll(turned, 1, dims=1)
    row, sign = which[:, None], batch.scan.new_tensor([1.0, -1.0, -1.0])
    side = batch.scan.new_tensor([1.0, -1.0, 1.0])
    return ScanBatch(
        torch.where(row, turned, batch.scan), torch.where(row, batch.goal * side, batch.goal),
        torch.where(row, batch.velocity * sign, batch.velocity),
        torch.where(row, batch.command * sign, batch.command))


def mirror_points(points: Tensor, which: Tensor) -> Tensor:
    """
    Swap left and right of what goes along with mirrored scans or images, such as `path`. Exact.

    :param points: x, y in base_link [m], shape (N, P, 2).
    :param which: the records it is done to, bool, shape (N,).
    """
    return torch.where(which[:, None, None], points * points.new_tensor([1.0, -1.0]), points)


def rotate(batch: ScanBatch, beams: Tensor) -> ScanBatch:
    """
    Turn the whole scene about the robot by whole beams; full circles only.

    Scan and goal turn together. The command is kept, and so is a label only for tasks whose
    command does not depend on the heading (clearance, speed); for steering it is not.

    :param beams: by how many beams counter-clockwise, integer, shape (N,).
    """
    count = batch.scan.shape[1]
    index = (torch.arange(count, device=batch.scan.device)[None] - beams[:, None]) % count
    angle = beams * (2 * math.pi / count)
    c, s = torch.cos(angle), torch.sin(angle)
    x, y = batch.goal[:, 0], batch.goal[:, 1]
    goal = torch.stack((c * x - s * y, s * x + c * y, batch.goal[:, 2]), dim=1)
    return replace(batch, scan=batch.scan.gather(1, index), goal=goal)


def translate(batch: ScanBatch, shift: Tensor, angles: Tensor, reach: float) -> ScanBatch:
    """
    Move the sensor: what was seen is seen again from there; what it did not see, is inf.

    The goal moves with it. The command is kept: a label good to first order, for shifts that are
    small beside the gaps; keep them under a decimetre.

    :param shift: x, y of the new place in the sensor's frame [m], shape (N, 2).
    :param angles: of the beams [rad], shape (beams,).
    :param reach: longest range [m]; what lies beyond it from the new place is inf.
    """
    hit = torch.isfinite(batch.scan)
    far = torch.where(hit, batch.scan, torch.full_like(batch.scan, 2.0 * reach))
    x = far * torch.cos(angles) - shift[:, :1]
    y = far * torch.sin(angles) - shift[:, 1:]
    step = (angles[-1] - angles[0]) / (len(angles) - 1)
    full = bool(step * len(angles) > 2 * math.pi - 1e-3)
    beam = torch.round((torch.atan2(y, x) - angles[0]) / step).long()
    beam = beam % len(angles) if full else beam
    inside = (beam >= 0) & (beam < len(angles)) & hit
    distance = torch.where(inside, torch.hypot(x, y), torch.full_like(x, torch.inf))
    seen = torch.full_like(batch.scan, torch.inf).scatter_reduce(
        1, beam.clamp(0, len(angles) - 1), distance, 'amin')
    # Beams that no point fell on lie between two that did, or look where nothing was seen.
    empty = torch.isinf(seen) & hit
    between = torch.maximum(torch.roll(seen, 1, 1), torch.roll(seen, -1, 1))
    seen = torch.where(empty, between, seen)
    goal = batch.goal.clone()
    goal[:, :2] -= shift
    return replace(batch, scan=torch.where(seen > reach, torch.inf, seen), goal=goal)


def scale(batch: ScanBatch, factor: Tensor, reach: float) -> ScanBatch:
    """
    Make the world larger or smaller; speeds scale with it, turn rates are kept. Exact.

    :param factor: shape (N,), > 0; keep it near 1, for the robot does not grow.
    :param reach: longest range [m].
    """
    f = factor[:, None]
    linear = torch.cat((f, f, torch.ones_like(f)), dim=1)
    grown = batch.scan * f
    return ScanBatch(torch.where(grown > reach, torch.inf, grown), batch.goal * f,
                     batch.velocity * linear, batch.command * linear)


def crop(batch: ScanBatch, first: Tensor, width: int) -> ScanBatch:
    """
    Keep a sector of the scan and see nothing (inf) elsewhere; the label is kept.

    :param first: first beam of the sector, integer, shape (N,).
    :param width: beams in it.
    :raises InputError: when the sector is wider than the scan.
    """
    count = batch.scan.shape[1]
    if not 1 <= width <= count:
        raise InputError(f'a sector of {width} beams is not within [1, {count}]')
    beam = torch.arange(count, device=batch.scan.device)[None]
    kept = (beam - first[:, None]) % count < width
    return replace(batch, scan=torch.where(kept, batch.scan, torch.inf))


def cutout(batch: ScanBatch, first: Tensor, width: int, value: float = math.inf) -> ScanBatch:
    """
    Blind a sector, as dirt or a fault does; the label is kept.

    :param first: first beam of the sector, integer, shape (N,).
    :param width: beams in it, fewer than the scan has.
    :param value: what the blind beams read.
    :raises InputError: when nothing would be left.
    """
    count = batch.scan.shape[1]
    if not 0 <= width < count:
        raise InputError(f'a blind sector of {width} beams is not within [0, {count - 1}]')
    beam = torch.arange(count, device=batch.scan.device)[None]
    blind = (beam - first[:, None]) % count < width
    return replace(batch, scan=torch.where(blind, value, batch.scan))


def add_noise(batch: ScanBatch, deviation: float, generator: torch.Generator) -> ScanBatch:
    """Add normal noise to what was seen, `deviation` [m]; the label is kept."""
    noise = torch.randn(batch.scan.shape, generator=generator, device=generator.device)
    return replace(batch, scan=batch.scan + deviation * noise.to(batch.scan))


def drop_beams(batch: ScanBatch, share: float, generator: torch.Generator) -> ScanBatch:
    """Let a share of the beams return nothing; the label is kept."""
    lost = torch.rand(batch.scan.shape, generator=generator, device=generator.device) < share
    return replace(batch, scan=torch.where(lost.to(batch.scan.device), torch.inf, batch.scan))


def mixup(batch: ScanBatch, other: Tensor, weight: Tensor, reach: float) -> ScanBatch:
    """
    Blend each sample with another; the label is blended with the same weight (Zhang et al. 2018).

    :param other: number of the other sample, integer, shape (N,).
    :param weight: of the sample itself, in [0, 1], shape (N,).
    :param reach: what inf counts as when ranges are blended [m].
    """
    w = weight[:, None]
    plain = torch.where(torch.isfinite(batch.scan), batch.scan, reach)
    mixed = w * plain + (1 - w) * plain[other]

    def blend(t: Tensor) -> Tensor:
        return w * t + (1 - w) * t[other]

    return ScanBatch(torch.where(mixed >= reach, torch.inf, mixed), blend(batch.goal),
                     blend(batch.velocity), blend(batch.command))
