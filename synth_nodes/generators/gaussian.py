"""The baseline every generator must beat: normal noise that grows with range, random dropouts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scans = NDArray[np.float32]
Frames = NDArray[np.uint8]


@dataclass(frozen=True)
class GaussianLidar:
    """A lidar with normal noise, fitted to pairs."""

    std: float
    """At zero range [m]."""
    slope: float
    """Growth of it with range."""
    dropout: float
    """Chance that a beam which should return does not."""
    bias: float
    """Mean error [m]."""
    resolution: float
    """Steps in which ranges are told [m]; 0 for none."""
    reach: float

    def scan(self, ideal: Scans, seed: int = 0) -> Scans:
        """Draw real scans, shape (N, beams), for ideal ones."""
        rng = np.random.default_rng([53, seed])
        out = ideal + self.bias + (self.std + self.slope * np.where(
            np.isfinite(ideal), ideal, 0.0)) * rng.standard_normal(ideal.shape)
        if self.resolution > 0:
            out = np.round(out / self.resolution) * self.resolution
        out = np.where(out > 0.0, out, self.resolution)
        lost = (rng.random(ideal.shape) < self.dropout) | (out >= self.reach)
        return np.where(lost, np.inf, out).astype(np.float32)


def fit_gaussian(ideal: Scans, real: Scans, reach: float, resolution: float) -> GaussianLidar:
    """
    Fit to pairs by robust moments: of the errors within a third of a metre.

    :param ideal, real: [m], shape (N, beams).
    """
    hit = ideal < reach
    returned = np.isfinite(real) & (real < reach)
    both = hit & returned
    error, r = real[both] - ideal[both], ideal[both]
    core = np.abs(error - np.median(error)) < 0.3
    error, r = error[core], r[core]
    bias = float(np.median(error))
    # Spread in ten bins of range, then a line through them.
    edges = np.quantile(r, np.linspace(0, 1, 11))
    which = np.clip(np.searchsorted(edges, r) - 1, 0, 9)
    spread = np.array([1.4826 * np.median(np.abs(error[which == k] - bias)) for k in range(10)])
    middle = np.array([r[which == k].mean() for k in range(10)])
    slope, std = np.polyfit(middle, spread, 1)
    return GaussianLidar(max(float(std), 1e-3), max(float(slope), 0.0),
                         float((hit & ~returned).sum() / max(hit.sum(), 1)), bias, resolution,
                         reach)


@dataclass(frozen=True)
class GaussianCamera:
    """A camera with normal noise that grows with brightness, fitted to pairs."""

    gain: float
    read: float
    """Deviation in the dark, of 255."""
    shot: float
    """Growth of the variance with brightness."""

    def frames(self, ideal: Frames, seed: int = 0) -> Frames:
        """Draw real frames, shape (N, H, W, 3), for ideal ones."""
        rng = np.random.default_rng([59, seed])
        mean = self.gain * ideal.astype(np.float32)
        spread = np.sqrt(self.read ** 2 + self.shot * mean).astype(np.float32)
        out = mean + spread * rng.standard_normal(ideal.shape, np.float32)
        return np.asarray(np.clip(np.round(out), 0, 255), np.uint8)


def fit_gaussian_camera(ideal: Frames, real: Frames) -> GaussianCamera:
    """
    Fit to pairs: one gain, and the variance of what differs from neighbours in flat places.

    :param ideal, real: shape (N, H, W, 3).
    """
    x, y = ideal.astype(np.float32), real.astype(np.float32)
    gain = float((x * y).sum(dtype=float) / max((x * x).sum(dtype=float), 1.0))
    # Differences of neighbours have twice the variance of the noise; edges are left out.
    step, own = np.diff(y, axis=2), np.abs(np.diff(x, axis=2))
    bright = (gain * x)[:, :, 1:]
    flat = (own < 3) & (bright < 230)
    share, square = bright[flat], 0.5 * step[flat] ** 2
    slope, floor = np.polyfit(share, square, 1)
    return GaussianCamera(gain, float(np.sqrt(max(floor, 0.0))), max(float(slope), 0.0))
