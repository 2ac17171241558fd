"""
Adversarial perturbations of what a model sees, within the noise that its sensor states.

FGSM (Goodfellow et al. 2015, eq. 1) takes one step of the size of the bound along the sign of the
gradient; PGD (Madry et al. 2018, section 2.1) takes several smaller ones and stays within it. The
model is a function, so any ONNX file will do: gradients are central differences, along every
element where there are few, else along random directions (NES, Ilyas et al. 2018, eq. 2).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Model = Callable[[Array, NDArray[np.int64]], NDArray[np.floating]]
"""What is seen, shape (M, ...), and which of the N samples each belongs to, to outputs (M, K)."""
ELEMENTS = 512
"""Elements up to which every one is tried by itself."""
DIRECTIONS = 128
"""Random directions where there are more."""
STEPS = 8
"""Steps of PGD."""


@dataclass(frozen=True)
class Bounds:
    """How far each element may be moved, and within which range it stays."""

    radius: Array
    """Shape of what is seen, (N, ...); 0 where nothing may move."""
    low: float
    high: float

    def clip(self, seen: Array, near: Array) -> Array:
        """Bring something back to within the radius of what was seen."""
        inside = np.clip(near, seen - self.radius, seen + self.radius)
        # What lies outside the range to begin with stays where it is.
        return np.asarray(np.clip(inside, np.minimum(seen, self.low),
                                  np.maximum(seen, self.high)), np.float32)


def scan_bounds(scan: Array, std: float, slope: float, range_max: float,
                deviations: float = 3.0) -> Bounds:
    """
    Bound scans by the noise of their lidar; what returned nothing stays so.

    :param scan: [m], shape (N, ...).
    :param std, slope: deviation at zero range [m], and its growth with range.
    :param deviations: how many of them the bound is.
    """
    seen = scan < range_max
    return Bounds(np.where(seen, deviations * (std + slope * scan), 0.0).astype(np.float32), 0.0,
                  range_max)


def jacobian(model: Model, seen: Array, bounds: Bounds, rng: np.random.Generator) -> Array:
    """
    Estimate how outputs change with what is seen, for moves up to the radius.

    :return: shape (N, K, ...): change of output k for a move of each element by its radius.
    """
    flat = seen.reshape(len(seen), -1)
    radius = bounds.radius.reshape(flat.shape)
    width = flat.shape[1]
    if width <= ELEMENTS:
        way = np.eye(width, dtype=np.float32)
    else:
        way = signs(rng, (DIRECTIONS, width))
    step = np.float32(0.5)
    parts = []
    for k in range(len(flat)):
        moves = step * way * radius[k]
        trial = np.concatenate((flat[k] + moves, flat[k] - moves)).reshape(-1, *seen.shape[1:])
        out = np.asarray(model(trial, np.full(len(trial), k)), np.float32)
        change = (out[:len(way)] - out[len(way):]) / (2 * step)          # (directions, K)
        parts.append(change.T if width <= ELEMENTS else change.T @ way / len(way))
    return np.asarray(np.stack(parts).reshape(len(seen), -1, *seen.shape[1:]), np.float32)


def attack(model: Model, seen: Array, bounds: Bounds, scale: Array, steps: int = 1,
           seed: int = 0) -> Array:
    """
    Move what is seen so that outputs change most, in any direction.

    Every output is driven up and down; of all steps of these tries the one that changed the
    outputs most is kept for each sample.

    :param seen: shape (N, ...).
    :param scale: what counts as one in each output, shape (K,).
    :param steps: 1 for FGSM, more for PGD.
    :return: the worst found, the shape of `seen`.
    """
    rng = np.random.default_rng([73, seed])
    rows = np.arange(len(seen))
    plain = np.asarray(model(seen, rows), np.float32)
    size = np.float32(1.0 if steps == 1 else 2.5 / steps)
    worst, most = seen.copy(), np.zeros(len(seen), np.float32)
    first = jacobian(model, seen, bounds, rng)
    for aim in range(plain.shape[1]):
        for sign in (1.0, -1.0):
            near, slope = seen, first[:, aim]
            for k in range(steps):
                if k:
                    slope = jacobian(model, near, bounds, rng)[:, aim]
                near = bounds.clip(seen, near + size * bounds.radius * np.sign(sign * slope))
                now = np.asarray(model(near, rows), np.float32)
                moved = np.abs((now - plain) / scale).max(axis=1)
                better = moved > most
                worst[better], most[better] = near[better], moved[better]
    return np.asarray(worst, np.float32)


def random_noise(seen: Array, bounds: Bounds, seed: int = 0) -> Array:
    """Move every element by its whole radius, up or down by chance."""
    rng = np.random.default_rng([79, seed])
    moves: Array = bounds.radius * signs(rng, seen.shape)
    return bounds.clip(seen, seen + moves)


def signs(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Draw -1 or 1 for each element."""
    return np.asarray(2 * rng.integers(0, 2, shape) - 1, np.float32)


def changes(plain: NDArray[np.floating], moved: NDArray[np.floating]) -> dict[str, float]:
    """Sum up how far one output moved, shape (N,): mean, 95th percentile and largest."""
    change = np.abs(np.asarray(moved, float) - np.asarray(plain, float))
    return {'mean': float(change.mean()), 'p95': float(np.quantile(change, 0.95)),
            'max': float(change.max())}
