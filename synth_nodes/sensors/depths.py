"""
Boxes and discs as a sensor sees them: walked once each, into an angular z-buffer.

Each touches only the beams inside its angular interval. The buffer holds 1 / range, which along a
straight edge is a sum of the beam's cosine and sine, so that nothing is divided beam by beam.
"""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.sensors.marching import Beams, TWO_PI
from synth_nodes.world.jit import inline
from synth_nodes.world.solids import Solids


@inline
def see_disc(beams: Beams, ahead: float, left: float, radius: float, reach: float,
             depth: NDArray[np.float64]) -> None:
    """
    Put a disc into the buffer.

    :param ahead: of its centre in the sensor frame [m]; left: the same.
    :param reach: [m]; what begins beyond it is left out.
    :param depth: nearest 1 / range so far [1/m], shape (N,).
    """
    square = ahead * ahead + left * left
    if square > (reach + radius) * (reach + radius):
        return
    if square <= radius * radius:
        depth[:] = np.inf
        return
    tangent = square - radius * radius
    half = bearing(np.sqrt(tangent), radius)
    low = bearing(ahead, left) - half
    first, last, wrapped = _interval(beams, low, low + 2.0 * half)
    per = 1.0 / tangent
    _fill_disc(beams, ahead, left, radius, per, first, last, depth)
    _fill_disc(beams, ahead, left, radius, per, 0, wrapped, depth)


@inline
def see_solids(solids: Solids, m: int, beams: Beams, x: float, y: float, c: float, s: float,
               reach: float, depth: NDArray[np.float64]) -> None:
    """
    Put all boxes and discs of map m into the buffer.

    :param x: of the sensor in `map` [m]; y: the same; c, s: cos, sin of its yaw.
    """
    for k in range(solids.first[m, 0], solids.first[m + 1, 0]):
        box = solids.boxes[k]
        dx, dy = x - box[0], y - box[1]
        u, v = box[2] * dx + box[3] * dy, box[2] * dy - box[3] * dx
        far_u, far_v = abs(u) - box[4], abs(v) - box[5]
        if far_u > reach or far_v > reach:
            continue
        if far_u <= 0.0 and far_v <= 0.0:
            depth[:] = np.inf
            continue
        # Cosine and sine of the turn from the sensor's frame to the box's.
        see_box(beams, u, v, c * box[2] + s * box[3], c * box[3] - s * box[2], box[4], box[5],
                depth)
    for k in range(solids.first[m, 1], solids.first[m + 1, 1]):
        disc = solids.discs[k]
        dx, dy = disc[0] - x, disc[1] - y
        see_disc(beams, c * dx + s * dy, c * dy - s * dx, disc[2], reach, depth)


@inline
def see_box(beams: Beams, u: float, v: float, c: float, s: float, half_u: float, half_v: float,
            depth: NDArray[np.float64]) -> None:
    """
    Put a box into the buffer: the one or two sides that face the sensor.

    A beam between the outermost corners enters the box where it has crossed both of these sides'
    lines (the slab method: Kay, Kajiya 1986), so its 1 / range is the lesser of the two.

    :param u: of the sensor in the box's frame [m], outside of it; v: the same.
    :param c: cos of the turn from the sensor's frame to the box's; s: sin.
    """
    side_u = 1.0 if u > 0.0 else -1.0
    side_v = 1.0 if v > 0.0 else -1.0
    near_u, near_v = abs(u) - half_u, abs(v) - half_v
    first_u, last_v = side_u * half_u - u, side_v * half_v - v
    first_v = (-last_v - 2.0 * v) if near_u > 0.0 else last_v
    last_u = (-first_u - 2.0 * u) if near_v > 0.0 else first_u
    low = bearing(c * first_u - s * first_v, s * first_u + c * first_v)
    high = bearing(c * last_u - s * last_v, s * last_u + c * last_v)
    turn = high - low
    turn -= TWO_PI if turn > np.pi else 0.0
    turn += TWO_PI if turn < -np.pi else 0.0
    start = low if turn >= 0.0 else high
    first, last, wrapped = _interval(beams, start, start + abs(turn))
    per_u = -side_u / (near_u if near_u > 0.0 else 1.0)
    per_v = -side_v / (near_v if near_v > 0.0 else 1.0)
    cos_v, sin_v = -s * per_v, c * per_v
    cos_u = c * per_u if near_u > 0.0 else cos_v
    sin_u = s * per_u if near_u > 0.0 else sin_v
    cos_v = cos_v if near_v > 0.0 else cos_u
    sin_v = sin_v if near_v > 0.0 else sin_u
    _fill_box(beams, cos_u, sin_u, cos_v, sin_v, first, last, depth)
    _fill_box(beams, cos_u, sin_u, cos_v, sin_v, 0, wrapped, depth)


@inline
def bearing(ahead: float, left: float) -> float:
    """
    Angle of a point [rad], to 2e-8: only which beams see an edge hangs on it, not what they see.

    Arc tangent from Hastings' polynomial (Abramowitz and Stegun 4.4.49).
    """
    x, y = abs(ahead), abs(left)
    t = min(x, y) / max(max(x, y), 1e-300)
    q = t * t
    turn = 0.0028662257 * q - 0.0161657367
    turn = turn * q + 0.0429096138
    turn = turn * q - 0.0752896400
    turn = turn * q + 0.1065626393
    turn = turn * q - 0.1420889944
    turn = turn * q + 0.1999355085
    turn = turn * q - 0.3333314528
    turn = t + t * q * turn
    turn = 0.5 * np.pi - turn if y > x else turn
    turn = np.pi - turn if ahead < 0.0 else turn
    return -turn if left < 0.0 else turn


@inline
def _interval(beams: Beams, low: float, high: float) -> tuple[int, int, int]:
    """Find the beams between two bearings: from first to before last, and before wrapped."""
    count = beams.angle.size
    origin = beams.angle[0]
    if not origin <= low < origin + TWO_PI:
        turns = TWO_PI * np.floor((low - origin) / TWO_PI)
        low -= turns
        high -= turns
    if beams.per > 0.0:
        first = min(np.int64(np.ceil((low - origin) * beams.per)), count)
        last = min(np.int64(np.floor((high - origin) * beams.per)) + 1, count)
        over = np.int64(np.floor((high - TWO_PI - origin) * beams.per)) + 1
    else:
        first = np.searchsorted(beams.angle, low)
        last = np.searchsorted(beams.angle, high, side='right')
        over = np.searchsorted(beams.angle, high - TWO_PI, side='right')
    return first, last, min(max(over, 0), count)


@inline
def _fill_box(beams: Beams, cos_u: float, sin_u: float, cos_v: float, sin_v: float, first: int,
              last: int, depth: NDArray[np.float64]) -> None:
    for k in range(first, last):
        by_u = cos_u * beams.cos[k] + sin_u * beams.sin[k]
        by_v = cos_v * beams.cos[k] + sin_v * beams.sin[k]
        near = by_u if by_u < by_v else by_v
        depth[k] = near if near > depth[k] else depth[k]


@inline
def _fill_disc(beams: Beams, ahead: float, left: float, radius: float, per: float, first: int,
               last: int, depth: NDArray[np.float64]) -> None:
    for k in range(first, last):
        across = left * beams.cos[k] - ahead * beams.sin[k]
        inner = max(radius * radius - across * across, 0.0)
        near = (ahead * beams.cos[k] + left * beams.sin[k] + np.sqrt(inner)) * per
        depth[k] = near if near > depth[k] else depth[k]
