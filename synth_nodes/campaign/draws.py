"""
Random numbers that depend on a key and a counter alone.

A scenario draws the same noise whether it runs in a batch of thousands or by itself. The mixing
function is splitmix64's (Steele, Lea, Flood, OOPSLA 2014, figure 13).
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Keys = NDArray[np.uint64]
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def keys_of(seed: int, first: int, count: int) -> Keys:
    """
    Make the keys of `count` scenarios, the first of which has the number `first`.

    :return: shape (count,).
    """
    numbers = np.arange(first, first + count).astype(np.uint64)
    with np.errstate(over='ignore'):
        return mixed(mixed(np.full(count, seed & (2 ** 64 - 1), np.uint64)) + numbers * _STEP)


def mixed(x: Keys) -> Keys:
    """Scramble 64 bits so that each depends on all."""
    with np.errstate(over='ignore'):
        x = (x ^ (x >> np.uint64(30))) * _FIRST
        x = (x ^ (x >> np.uint64(27))) * _SECOND
        return np.asarray(x ^ (x >> np.uint64(31)))


def uniform(keys: Keys, stream: int, counter: NDArray[np.integer] | int = 0,
            width: int = 0) -> Array:
    """
    Draw from [0, 1).

    :param keys: shape (B,).
    :param stream: what the number is for.
    :param counter: how many times it was drawn before, shape (B,) or one for all.
    :param width: numbers for each key; 0 gives shape (B,), else (B, width).
    """
    with np.errstate(over='ignore'):
        count = np.asarray(counter).astype(np.int64).astype(np.uint64)
        x = mixed(keys + np.uint64(stream) * _FIRST + count * _SECOND)
        if width:
            x = mixed(x[:, None] + np.arange(1, width + 1).astype(np.uint64) * _STEP)
    return np.asarray((x >> np.uint64(11)).astype(np.float64) * 2.0 ** -53)


def signed(keys: Keys, stream: int, counter: NDArray[np.integer] | int = 0,
           width: int = 0) -> Array:
    """Draw from a triangle on (-1, 1): most are small, and none is beyond."""
    return (uniform(keys, 2 * stream, counter, width)
            + uniform(keys, 2 * stream + 1, counter, width) - 1.0)
