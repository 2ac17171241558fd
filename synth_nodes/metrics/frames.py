"""
How good synthetic camera frames are: all figures of a sample against real frames.

Features come from a network that learns from the real frames alone, by telling which flaw was
added to one, as :mod:`synth_nodes.metrics.scans` does it for scans.
"""

from dataclasses import asdict, dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
import torch
from torch import nn, Tensor
from torch.nn import functional

from synth_nodes.errors import InputError
from synth_nodes.metrics.distances import (
    frechet,
    kid,
    Measured,
    sliced_wasserstein,
    with_interval,
)
from synth_nodes.metrics.neighbours import copying, measured_density_coverage
from synth_nodes.metrics.scans import embed, FeatureNet, fit, FitPlan
from synth_nodes.metrics.ssim import ssim
from synth_nodes.metrics.two_sample import separability

Images = NDArray[np.uint8]
FLAWS = ('none', 'noise', 'blur', 'dark', 'tint', 'shift of rows', 'coarse', 'dark corners')
WIDTH = 32
"""Features of a frame."""


@dataclass(frozen=True)
class FrameQuality:
    """The figures of synthetic frames."""

    auc: Measured
    frechet: Measured
    kid: Measured
    sliced_wasserstein: Measured
    frechet_real: float
    """Between two halves of the real frames: what cannot be beaten."""
    density: Measured
    coverage: Measured
    ssim: Measured | None
    """Mean over pairs of one view; None where there are no pairs."""
    copying: dict[str, Any] | None
    """None where it is not known what the generator learned from."""


class FrameNet(FeatureNet):
    """Convolutions over pixels: frames in, `WIDTH` features and `classes` scores out."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        sizes = (7, 16, 24, 32)
        self.layers = nn.ModuleList(nn.Conv2d(a, b, 5, stride=2, padding=2)
                                    for a, b in pairwise(sizes))
        self.feature = nn.Linear(2 * sizes[-1] + 2 * sizes[0], WIDTH)
        self.score = nn.Linear(WIDTH, classes)

    def features(self, x: Tensor) -> Tensor:
        """Frames (N, 3, H, W) in [0, 1] to features (N, WIDTH)."""
        grey = x.mean(1, keepdim=True)
        grain = 6 * (grey - functional.avg_pool2d(grey, 3, 1, 1))
        height, width = x.shape[2:]
        row = torch.linspace(-1, 1, height, device=x.device)[:, None].expand(height, width)
        column = torch.linspace(-1, 1, width, device=x.device).expand(height, width)
        radius = row ** 2 + column ** 2
        where = torch.stack((row, radius)).expand(len(x), -1, -1, -1)
        x = torch.cat((x, grain, where, x.mean(1, keepdim=True) * radius), 1)
        plain = (x.mean(dim=(2, 3)), x.flatten(2).std(dim=2))
        for layer in self.layers:
            x = functional.gelu(layer(x))
        pooled = torch.cat((x.mean(dim=(2, 3)), x.amax(dim=(2, 3)), *plain), dim=1)
        return torch.tanh(self.feature(pooled))

    def forward(self, x: Tensor) -> Tensor:
        """Frames (N, 3, H, W) to scores (N, classes)."""
        out: Tensor = self.score(self.features(x))
        return out


def planes(frames: Images) -> NDArray[np.float32]:
    """Turn frames, shape (N, H, W, 3), into what a network takes: (N, 3, H, W) in [0, 1]."""
    shares = frames.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
    return np.ascontiguousarray(shares)


def flawed(frames: Images, flaw: int, rng: np.random.Generator) -> Images:
    """Add one of :data:`FLAWS` to frames, shape (N, H, W, 3)."""
    x = frames.astype(np.float32)
    count, height, width = x.shape[:3]
    if flaw == 1:
        x += rng.normal(0.0, 6.0, x.shape).astype(np.float32)
    elif flaw == 2:
        x = np.stack([np.asarray(cv2.GaussianBlur(f, (0, 0), 0.9), np.float32) for f in x])
    elif flaw == 3:
        x *= 0.75
    elif flaw == 4:
        x *= np.array((1.12, 1.0, 0.88), np.float32)
    elif flaw == 5:
        lean = rng.choice([-1.0, 1.0], count) * 0.05 * width
        for f, shift in zip(x, lean, strict=True):
            matrix = np.array([[1, shift / height, -shift / 2], [0, 1, 0]], np.float32)
            f[:] = cv2.warpAffine(f, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    elif flaw == 6:
        x = np.round(x / np.float32(16)) * np.float32(16)
    elif flaw == 7:
        v, u = np.mgrid[-1:1:height * 1j, -1:1:width * 1j]
        x *= (1 - 0.2 * (u * u + v * v))[..., None].astype(np.float32)
    return np.clip(np.round(x), 0, 255).astype(np.uint8)


def learn_features(frames: Images, plan: FitPlan | None = None) -> FrameNet:
    """
    Train the feature network on real frames.

    :param frames: shape (N, H, W, 3), 50 or more.
    :raises InputError: on too few frames.
    """
    if len(frames) < 50:
        raise InputError(f'{len(frames)} real frames are too few to learn features from; it '
                         'takes 50')
    chosen = plan or FitPlan()
    rng = np.random.default_rng([43, chosen.seed])
    x = np.concatenate([planes(flawed(frames, k, rng)) for k in range(len(FLAWS))])
    y = np.repeat(np.arange(len(FLAWS)), len(frames))
    return fit(x, y, lambda: FrameNet(len(FLAWS)), chosen)


def measure_frames(real: Images, synthetic: Images, net: FrameNet, train: Images | None = None,
                   pairs: bool = True, groups: NDArray[np.integer] | None = None, seed: int = 0,
                   plan: FitPlan | None = None) -> FrameQuality:
    """
    Measure synthetic frames against real ones.

    :param real, synthetic: shapes (N, H, W, 3) and (M, H, W, 3).
    :param net: feature network, of :func:`learn_features`.
    :param train: real frames that the generator learned from, for the copying test.
    :param pairs: whether frame k of both shows one view.
    :param groups: camera or scene of record k of both, for the two-sample test; else None.
    :raises InputError: on too few frames or sizes that differ.
    """
    if real.shape[1:] != synthetic.shape[1:]:
        raise InputError(f'real frames are {real.shape[1:3]} px and synthetic ones '
                         f'{synthetic.shape[1:3]} px; make them of one size')
    x, y = planes(real), planes(synthetic)
    a, b = embed(net, x), embed(net, y)
    told = partial(with_interval, seed=seed)
    dense, covered = measured_density_coverage(a, b, seed)
    alike = None
    if pairs:
        each = np.array([ssim(r, s) for r, s in zip(real, synthetic, strict=True)])
        alike = told(lambda part: float(part.mean()), each, most=len(each)).within(-1.0, 1.0)
    copied: dict[str, Any] | None = None
    if train is not None:
        copied = asdict(copying(embed(net, planes(train)), a, b, seed))
    return FrameQuality(
        separability(x, y, lambda: FrameNet(2), groups, seed=seed, plan=plan),
        told(frechet, a, b), told(kid, a, b), told(sliced_wasserstein, a, b),
        frechet(a[::2], a[1::2]), dense, covered, alike, copied)
