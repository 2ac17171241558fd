"""
What turns ideal ranges into measured ones, drawn inside the kernel: noise, dropouts, REP-117.

Random numbers come from SplitMix64 (Steele, Lea, Flood 2014) counted by beam, so that a loop over
beams runs on many at once. Normal ones are quantiles from a table, straight lines in between.
"""

from functools import cache
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.types import LidarSpec
from synth_nodes.world.chance import GOLDEN, MIX_1, MIX_2
from synth_nodes.world.jit import inline

BITS = 11
"""Of a random number, how many choose a cell of the table."""


class Flaws(NamedTuple):
    """What is wrong with a lidar, as the kernel reads it; see `LidarSpec`."""

    std: float
    slope: float
    dropout: float
    range_min: float
    range_max: float
    quantiles: NDArray[np.float32]
    """Shape (2 ** 11 + 1,): of the standard normal distribution."""

    @classmethod
    def of(cls, spec: LidarSpec) -> 'Flaws':
        """Take them from the settings."""
        return cls(float(spec.noise_std), float(spec.noise_slope), float(spec.dropout),
                   float(spec.range_min), float(spec.range_max), quantiles())


@cache
def quantiles() -> NDArray[np.float32]:
    """
    Tabulate the quantiles of the standard normal distribution at even shares.

    The outermost are finite, such that what is drawn has a variance of exactly 1: noise stays
    within about 4 standard deviations.
    """
    cells = 2 ** BITS
    inner = np.array([NormalDist().inv_cdf(k / cells) for k in range(1, cells)])
    # Between a and b the mean square is (a^2 + a b + b^2) / 3; choose the ends for a mean of 1.
    a, b = inner[:-1], inner[1:]
    missing = (3.0 * cells - np.sum(a * a + a * b + b * b)) / 2.0
    last = inner[-1]
    end = 0.5 * (np.sqrt(4.0 * missing - 3.0 * last * last) - last)
    return np.concatenate(([-end], inner, [end])).astype(np.float32)


@inline
def mixed(state: np.uint64) -> np.uint64:
    """Scramble a counter (SplitMix64's mixer)."""
    z = (state ^ (state >> np.uint64(30))) * MIX_1
    z = (z ^ (z >> np.uint64(27))) * MIX_2
    out: np.uint64 = z ^ (z >> np.uint64(31))
    return out


@inline
def normal_of(flaws: Flaws, draw: np.uint64) -> float:
    """Turn a random number into a standard normal one, by the table."""
    cell = np.int64(draw >> np.uint64(64 - BITS))
    share = np.int64((draw >> np.uint64(29)) & np.uint64(0xFFFFFF)) / 16777216.0
    low, high = flaws.quantiles[cell], flaws.quantiles[cell + 1]
    return float(low + share * (high - low))


@inline
def spoil(ranges: NDArray[np.float32], flaws: Flaws, key: np.uint64) -> None:
    """
    Turn the ideal ranges of one scan into measured ones, in place.

    :param ranges: [m], shape (N,).
    :param key: of this scan; the same key draws the same noise.
    """
    chance = np.uint64(flaws.dropout * 16777216.0 + 0.5)
    std, slope = np.float32(flaws.std), np.float32(flaws.slope)
    low, high = np.float32(flaws.range_min), np.float32(flaws.range_max)
    for k in range(ranges.size):
        z = mixed(key + np.uint64(k) * GOLDEN)
        cell = np.int64(z >> np.uint64(64 - BITS))
        share = np.float32(np.int64((z >> np.uint64(29)) & np.uint64(0xFFFFFF)))
        share *= np.float32(1.0 / 16777216.0)
        a = flaws.quantiles[cell]
        normal = a + share * (flaws.quantiles[cell + 1] - a)
        ideal = ranges[k]
        measured = ideal + (std + slope * ideal) * normal if ideal < np.inf else ideal
        lost = (z & np.uint64(0xFFFFFF)) < chance or measured > high
        near = ideal < low or measured < low
        ranges[k] = np.float32(-np.inf) if near else (np.float32(np.inf) if lost else measured)
