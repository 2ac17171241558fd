"""Scans in sectors with their history: `synth_nodes.tasks.observation`, which explains it."""

import math

import warp as wp

from synth_nodes.gpu.kernels.basics import OPTIONS, PI, real, Row, TWO_PI, Whole, Wholes
from synth_nodes.gpu.kernels.state import Flags

wp.set_module_options(OPTIONS)
Scan = wp.array2d(dtype=wp.float32)
History = wp.array3d(dtype=wp.float32)
EMPTY = wp.constant(wp.float32(math.inf))


@wp.struct
class Sectors:
    """How beams reach sectors, and which scans are seen at once."""

    beams: Wholes
    """Shape (sectors, most): beams of each, the last one repeated; -1 where none can be."""
    cos: Row
    """Of the beams' angles in base_link."""
    sin: Row
    ahead: real
    left: real
    limit: wp.float32
    lags: Whole
    """Shape (history,): how many scans back each is."""


@wp.kernel
def clear(pooled: Scan):
    """Empty the sectors, for `scatter`."""
    b, s = wp.tid()
    pooled[b, s] = EMPTY


@wp.kernel
def scatter(sectors: Sectors, ranges: Scan, pooled: Scan):
    """Put one beam's end point into its sector: for lidars that stand off base_link's origin."""
    b, k = wp.tid()
    value = wp.clamp(ranges[b, k], wp.float32(0.0), sectors.limit)
    x = sectors.ahead + real(value) * sectors.cos[k]
    y = sectors.left + real(value) * sectors.sin[k]
    count = pooled.shape[1]
    s = int(wp.floor((wp.atan2(y, x) + PI) / (TWO_PI / real(count)))) % count
    if value > wp.float32(0.0) and value < sectors.limit:
        value = wp.float32(wp.min(wp.sqrt(x * x + y * y), real(sectors.limit)))
    wp.atomic_min(pooled, b, s, value)


@wp.func
def beside(pooled: Scan, b: int, s: int):
    """Value of a sector, or of the nearest to its sides that a beam reached, the lesser of two."""
    count = pooled.shape[1]
    near = pooled[b, s]
    d = int(1)
    while near == EMPTY and d <= count // 2:
        near = wp.min(pooled[b, (s + d) % count], pooled[b, (s - d + count) % count])
        d += 1
    return near


@wp.func
def pool(sectors: Sectors, ranges: Scan, pooled: Scan, b: int, s: int):
    """Nearest thing in a sector."""
    if sectors.beams[s, 0] < 0:
        return sectors.limit
    near = wp.float32(EMPTY)
    if pooled.shape[0] > 0:
        near = beside(pooled, b, s)
    else:
        for k in range(sectors.beams.shape[1]):
            near = wp.min(near, ranges[b, sectors.beams[s, k]])
    return wp.clamp(near, wp.float32(0.0), sectors.limit)


@wp.kernel
def remember(sectors: Sectors, ranges: Scan, pooled: Scan, fresh: Flags, turn: Whole,
             ring: History, seen: History):
    """
    Pool one sector of one robot, keep it, and show its history.

    :param pooled: from `scatter`, or shape (0, 0) where the lidar stands on base_link's origin.
    :param ring: shape (K, B, sectors); scan number n is kept in row n % K.
    """
    b, s = wp.tid()
    value = pool(sectors, ranges, pooled, b, s)
    size = ring.shape[0]
    now = turn[0] % size
    if fresh[b]:
        for k in range(size):
            ring[k, b, s] = value
    else:
        ring[now, b, s] = value
    for h in range(sectors.lags.shape[0]):
        seen[b, h, s] = ring[(now + size - sectors.lags[h]) % size, b, s]
