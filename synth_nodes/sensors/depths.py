"""
Boxes and discs as a sensor sees them: walked once each, into an angular z-buffer.

Each touches only the beams inside its angular interval. The buffer holds 1 / range, which along a
straight edge is a sum of the beam's cosine and sine, so that nothing is divided beam by beam.
Both halves are made for vector registers: many solids are measured at once, and each is then put
into the buffer by whole blocks of beams.
"""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.sensors.marching import Beams, TWO_PI
from synth_nodes.world.jit import inline, inline_maker
from synth_nodes.world.solids import Solids

GROUP = 32
"""Solids measured at once."""
BLOCK = 16
"""Beams put into the buffer at once."""

# One array holds what is known of a group of solids, so that the compiler knows which of its
# parts do not overlap. These are where they begin, each of length GROUP.
LOW, TURN, NEAR, A, B, C, D, E, F = (GROUP * part for part in range(9))
"""
At first a row of the solid's own table (A to F). Then the bearing of its right edge in the sensor
frame and the angle to its left edge [rad]; a distance that none of it is nearer than [m], 0 or
less with the sensor inside. Of a box, how 1 / range grows with a beam's cosine and sine, for one
side (A, B) and another (C, D); of a disc, its centre ahead and left (A, B) [m], its squared radius
(C) [m^2], and 1 / the squared tangent to it (D) [1/m^2].
"""
FIRST, LAST, WRAPPED = (GROUP * part for part in range(3))
"""Beams that see a solid: from the first to before the last, and from 0 to before the wrapped."""


@inline_maker
def see_discs(discs: NDArray[np.float64], first: int, last: int, radius: int, beams: Beams,
              x: float, y: float, c: float, s: float, reach: float,
              depth: NDArray[np.float64]) -> None:
    """
    Put discs into the buffer.

    :param discs: x, y in `map` and, in column `radius`, their radii [m], one a row; those from
        row first to before last are taken.
    :param x: of the sensor in `map` [m]; y: the same; c, s: cos, sin of its yaw.
    :param reach: [m]; what begins beyond it is left out.
    :param depth: nearest 1 / range so far [1/m], shape (N,).
    """
    table, spans = np.empty(9 * GROUP), np.empty(3 * GROUP, np.int32)
    for start in range(first, last, GROUP):
        count = min(GROUP, last - start)
        _measure_discs(discs, start, count, radius, x, y, c, s, table)
        _find_beams(beams, count, table, spans)
        for q in range(count):
            if table[NEAR + q] <= 0.0:
                depth[:] = np.inf
            elif table[NEAR + q] <= reach:
                for part in range(2 if spans[WRAPPED + q] > 0 else 1):
                    begin = spans[FIRST + q] if part == 0 else 0
                    end = spans[LAST + q] if part == 0 else spans[WRAPPED + q]
                    _fill_disc(beams, table, q, begin, end, depth)


@inline
def see_solids(solids: Solids, m: int, beams: Beams, x: float, y: float, c: float, s: float,
               reach: float, depth: NDArray[np.float64]) -> None:
    """
    Put all boxes and discs of map m into the buffer.

    :param x: of the sensor in `map` [m]; y: the same; c, s: cos, sin of its yaw.
    :param reach: [m]; what begins beyond it is left out.
    :param depth: nearest 1 / range so far [1/m], shape (N,).
    """
    if solids.first[m, 0] < solids.first[m + 1, 0]:
        _see_boxes(solids.boxes, solids.first[m, 0], solids.first[m + 1, 0], beams, x, y, c, s,
                   reach, depth)
    if solids.first[m, 1] < solids.first[m + 1, 1]:
        see_discs(solids.discs, solids.first[m, 1], solids.first[m + 1, 1], 2, beams, x, y, c, s,
                  reach, depth)


@inline_maker
def _see_boxes(boxes: NDArray[np.float64], first: int, last: int, beams: Beams, x: float,
               y: float, c: float, s: float, reach: float, depth: NDArray[np.float64]) -> None:
    table, spans = np.empty(9 * GROUP), np.empty(3 * GROUP, np.int32)
    for start in range(first, last, GROUP):
        count = min(GROUP, last - start)
        _measure_boxes(boxes, start, count, x, y, c, s, table)
        _find_beams(beams, count, table, spans)
        for q in range(count):
            if table[NEAR + q] <= 0.0:
                depth[:] = np.inf
            elif table[NEAR + q] <= reach:
                for part in range(2 if spans[WRAPPED + q] > 0 else 1):
                    begin = spans[FIRST + q] if part == 0 else 0
                    end = spans[LAST + q] if part == 0 else spans[WRAPPED + q]
                    _fill_box(beams, table, q, begin, end, depth)


@inline
def _measure_boxes(boxes: NDArray[np.float64], start: int, count: int, x: float, y: float,
                   c: float, s: float, table: NDArray[np.float64]) -> None:
    """
    Measure a group of boxes: of each, the one or two sides that face the sensor.

    A beam between the outermost corners enters the box where it has crossed both of these sides'
    lines (the slab method: Kay, Kajiya 1986), so its 1 / range is the lesser of the two.
    """
    for q in range(count):
        for part in range(6):
            table[A + GROUP * part + q] = boxes[start + q, part]
    for q in range(count):
        box_c, box_s, half_u, half_v = table[C + q], table[D + q], table[E + q], table[F + q]
        dx, dy = x - table[A + q], y - table[B + q]
        # The sensor in the box's frame, and cosine and sine of the turn from its frame to that.
        u, v = box_c * dx + box_s * dy, box_c * dy - box_s * dx
        to_c, to_s = c * box_c + s * box_s, c * box_s - s * box_c
        near_u, near_v = abs(u) - half_u, abs(v) - half_v
        faces_u, faces_v = near_u > 0.0, near_v > 0.0
        side_u, side_v = 1.0 if u > 0.0 else -1.0, 1.0 if v > 0.0 else -1.0
        first_u, last_v = side_u * half_u - u, side_v * half_v - v
        first_v = (-last_v - 2.0 * v) if faces_u else last_v
        last_u = (-first_u - 2.0 * u) if faces_v else first_u
        low = bearing(to_c * first_u - to_s * first_v, to_s * first_u + to_c * first_v)
        high = bearing(to_c * last_u - to_s * last_v, to_s * last_u + to_c * last_v)
        turn = high - low
        turn -= TWO_PI if turn > np.pi else 0.0
        turn += TWO_PI if turn < -np.pi else 0.0
        per_u = -side_u / (near_u if faces_u else 1.0)
        per_v = -side_v / (near_v if faces_v else 1.0)
        cos_v, sin_v = -to_s * per_v, to_c * per_v
        cos_u = to_c * per_u if faces_u else cos_v
        sin_u = to_s * per_u if faces_u else sin_v
        table[LOW + q] = low if turn >= 0.0 else high
        table[TURN + q] = abs(turn)
        table[NEAR + q] = near_u if near_u > near_v else near_v
        table[A + q] = cos_u
        table[B + q] = sin_u
        table[C + q] = cos_v if faces_v else cos_u
        table[D + q] = sin_v if faces_v else sin_u


@inline
def _measure_discs(discs: NDArray[np.float64], start: int, count: int, radius: int, x: float,
                   y: float, c: float, s: float, table: NDArray[np.float64]) -> None:
    for q in range(count):
        table[A + q] = discs[start + q, 0]
        table[B + q] = discs[start + q, 1]
        table[C + q] = discs[start + q, radius]
    for q in range(count):
        dx, dy, size = table[A + q] - x, table[B + q] - y, table[C + q]
        ahead, left = c * dx + s * dy, c * dy - s * dx
        square = ahead * ahead + left * left
        tangent = square - size * size
        outside = tangent > 0.0
        half = bearing(np.sqrt(tangent if outside else 1.0), size)
        table[LOW + q] = bearing(ahead, left) - half
        table[TURN + q] = 2.0 * half
        table[NEAR + q] = np.sqrt(square) - size if outside else 0.0
        table[A + q] = ahead
        table[B + q] = left
        table[C + q] = size * size
        table[D + q] = 1.0 / (tangent if outside else 1.0)


@inline
def bearing(ahead: float, left: float) -> float:
    """
    Angle of a point [rad], to 2e-8: only which beams see an edge hangs on it, not what they see.

    Arc tangent from Hastings' polynomial (Abramowitz and Stegun 4.4.49).
    """
    x, y = abs(ahead), abs(left)
    small, large = (x, y) if x < y else (y, x)
    t = small / (large if large > 1e-300 else 1e-300)
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


@inline_maker
def _find_beams(beams: Beams, count: int, table: NDArray[np.float64],
                spans: NDArray[np.int32]) -> None:
    """Find the beams that see each solid of a group, from the bearings of its edges."""
    total = np.float64(beams.angle.size)
    origin, per = beams.angle[0], beams.per
    for q in range(count):
        low, turn = table[LOW + q], table[TURN + q]
        low -= TWO_PI * np.floor((low - origin) / TWO_PI)
        table[LOW + q] = low
        first = np.ceil((low - origin) * per)
        last = np.floor((low + turn - origin) * per) + 1.0
        wrapped = np.floor((low + turn - TWO_PI - origin) * per) + 1.0
        spans[FIRST + q] = np.int32(first if first < total else total)
        spans[LAST + q] = np.int32(last if last < total else total)
        wrapped = wrapped if wrapped < total else total
        spans[WRAPPED + q] = np.int32(wrapped if wrapped > 0.0 else 0.0)
    if per == 0.0:
        for q in range(count):
            low, high = table[LOW + q], table[LOW + q] + table[TURN + q]
            spans[FIRST + q] = np.searchsorted(beams.angle, low)
            spans[LAST + q] = np.searchsorted(beams.angle, high, side='right')
            spans[WRAPPED + q] = np.searchsorted(beams.angle, high - TWO_PI, side='right')


@inline
def _fill_box(beams: Beams, table: NDArray[np.float64], q: int, first: int, last: int,
              depth: NDArray[np.float64]) -> None:
    a, b, c, d = table[A + q], table[B + q], table[C + q], table[D + q]
    if depth.size < BLOCK:
        for k in range(first, last):
            depth[k] = max(depth[k], _box_near(beams, a, b, c, d, k))
        return
    for start in range(first, last, BLOCK):
        # The last block reaches back rather than beyond the end.
        begin = min(start, depth.size - BLOCK)
        for lane in range(BLOCK):
            k = np.uint64(begin + lane)
            near, old = _box_near(beams, a, b, c, d, k), depth[k]
            near = near if near > old else old
            depth[k] = near if (begin + lane >= first) & (begin + lane < last) else old


@inline
def _box_near(beams: Beams, a: float, b: float, c: float, d: float, k: int) -> float:
    by_u = a * beams.cos[k] + b * beams.sin[k]
    by_v = c * beams.cos[k] + d * beams.sin[k]
    return float(by_u if by_u < by_v else by_v)


@inline
def _fill_disc(beams: Beams, table: NDArray[np.float64], q: int, first: int, last: int,
               depth: NDArray[np.float64]) -> None:
    ahead, left, square, per = table[A + q], table[B + q], table[C + q], table[D + q]
    if depth.size < BLOCK:
        for k in range(first, last):
            depth[k] = max(depth[k], _disc_near(beams, ahead, left, square, per, k))
        return
    for start in range(first, last, BLOCK):
        begin = min(start, depth.size - BLOCK)
        for lane in range(BLOCK):
            k = np.uint64(begin + lane)
            near, old = _disc_near(beams, ahead, left, square, per, k), depth[k]
            near = near if near > old else old
            depth[k] = near if (begin + lane >= first) & (begin + lane < last) else old


@inline
def _disc_near(beams: Beams, ahead: float, left: float, square: float, per: float,
               k: int) -> float:
    across = left * beams.cos[k] - ahead * beams.sin[k]
    inner = square - across * across
    inner = inner if inner > 0.0 else 0.0
    return float((ahead * beams.cos[k] + left * beams.sin[k] + np.sqrt(inner)) * per)
