"""
Exact contact of points with a convex polygon that moves along a straight line or an arc.

Seen from the robot, a twist (vx, vy, w) held constant carries a resting point p along a circle
about the centre of rotation c = (-vy, vx) / w, through the angle -w*t. Whether that circle meets
the edge a + u*(b - a) is a quadratic in u. Written with m = w*c = (-vy, vx),

    w |e|^2 u^2 + 2 e.(w a - m) u + (a - p).(w (a + p) - 2 m) = 0,    e = b - a,

it holds for straight motion (w = 0) as for rotation on the spot (m = 0), and loses no digits in
between. The time follows from the chord: a chord at the angle h from the tangent belongs to the
arc of angle 2h (inscribed angle theorem, Euclid III.32). Nothing is stepped, so no point however
thin is missed between two steps.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ON_EDGE = 1e-9
"""Part of an edge by which a crossing may lie beyond its ends."""


def entry_times(points: Array, twists: Array, corners: Array) -> Array:
    """
    First time at which each point is inside its polygon.

    :param points: base_link [m], shape (M, 2); they rest while the robot moves.
    :param twists: (vx [m/s], vy [m/s], w [rad/s]) of the robot, shape (M, 3).
    :param corners: convex, counter-clockwise, base_link [m], shape (M, E, 2).
    :return: [s], shape (M,); 0 where the point starts inside, inf where it never enters.
    """
    return meetings(np.ascontiguousarray(points.T), np.ascontiguousarray(twists.T),
                    np.ascontiguousarray(corners.T))


def meetings(points: Array, twist: Array, corners: Array) -> Array:
    """
    Do as :func:`entry_times`, with coordinates first and any number of polygons for each point.

    :param points: x, y [m], shape (2, M).
    :param twist: vx, vy [m/s], w [rad/s], shape (3, M), or (3, 1) where all have the same.
    :param corners: x, y [m], shape (2, E, M), or (2, E, L, M) for L polygons of each point.
    :return: [s], shape (M,) or (L, M).
    """
    if points.shape[1] == 0:
        return np.zeros(corners.shape[2:])
    p, a, w, m = points, corners, twist[2], np.array((-twist[1], twist[0]))
    if a.ndim > 3:
        p, m = p[:, None, None], m[:, None, None]
    else:
        p, m = p[:, None], m[:, None]
    e, d = _next(a) - a, a - p
    inside = (e[1] * d[0] >= e[0] * d[1]).all(axis=0)
    qa, qb, qc = w * _dot(e, e), _dot(e, w * a - m), _dot(d, w * (a + p) - 2 * m)
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        root = np.sqrt(qb * qb - qa * qc)
        u = np.where(qb > 0.0, (qb + root) / -qa, qc / (root - qb))
        crossing = ((u >= -ON_EDGE) & (u <= 1 + ON_EDGE)).ravel().nonzero()[0]
        chord = (d.reshape(2, -1).take(crossing, axis=1)
                 + u.ravel()[crossing] * e.reshape(2, -1).take(crossing, axis=1))
        row = crossing % inside.size
        point = row % points.shape[1]
        times = chord_times(chord, points.take(point, axis=1),
                            twist if twist.shape[1] == 1 else twist.take(point, axis=1))
    first = np.full(inside.size, np.inf)
    np.minimum.at(first, row, times)
    return np.where(inside, 0.0, first.reshape(inside.shape))


def _next(corners: Array) -> Array:
    return np.concatenate((corners[:, 1:], corners[:, :1]), axis=1)


def _dot(a: Array, b: Array) -> Array:
    x, y = a * b
    return np.asarray(x + y)


def chord_times(chord: Array, points: Array, twist: Array) -> Array:
    """
    Time in which points seen from a robot run through a chord, shape (N,).

    :param chord: x, y [m], points: likewise, shape (2, N).
    :param twist: vx, vy [m/s], w [rad/s], shape (3, N), or (3, 1) where all have the same.
    """
    (cx, cy), (px, py), (vx, vy, w) = chord, points, twist
    ux, uy = w * py - vx, -w * px - vy
    dot = ux * cx + uy * cy
    half = np.arctan2(np.copysign(1.0, -w) * (ux * cy - uy * cx), dot)
    half = np.where(half >= 0.0, half, np.where(dot > 0.0, 0.0, np.pi))
    near = np.hypot(cx, cy) / np.hypot(ux, uy) / np.sinc(half / np.pi)
    times = np.where(half < 0.1, near, 2 * half / np.abs(w))
    return np.where(np.isnan(times), np.inf, times)


def may_touch(points: Array, twist: Array, corners: Array) -> NDArray[np.bool_]:
    """
    Points on the ring (or in the lane) that a polygon sweeps; all others never enter it.

    :param points: base_link [m], shape (N, 2).
    :param twist: shape (3,).
    :param corners: shape (E, 2).
    :return: shape (N,).
    """
    rings = rings_of(twist[None], corners[None])
    return on_ring(points[:, 0], points[:, 1], rings)


def rings_of(twists: Array, corners: Array) -> Array:
    """
    Rings that polygons sweep, for :func:`on_ring`.

    The quantity w |x|^2 - 2 m.x stays constant along a point's way (it is w times the squared
    distance to the centre of rotation, less a constant), so its range over the polygon decides.

    :param twists: shape (B, 3).
    :param corners: convex, counter-clockwise, base_link [m], shape (B, E, 2).
    :return: scaled twist, least and greatest value of that quantity, shape (5, B).
    """
    size = np.abs(twists).max(axis=1)
    size = np.where(size == 0.0, 1.0, size)
    scaled = twists / np.where(twists[:, 2] < 0.0, -size, size)[:, None]
    vx, vy, w = np.ascontiguousarray(scaled.T)
    a, m = np.ascontiguousarray(corners.T), np.array((-vy, vx))[:, None]
    e, slope = _next(a) - a, w * a - m
    value, bent = w * _dot(a, a) - 2 * _dot(m, a), w * _dot(e, e)
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        least = np.minimum(np.maximum(-_dot(e, slope) / bent, 0.0), 1.0)
        x = a + np.where(bent > 0.0, least, 0.0) * e
        low = np.minimum(value, w * _dot(x, x) - 2 * _dot(m, x)).min(axis=0)
        within = (w > 0.0) & (e[1] * slope[0] >= e[0] * slope[1]).all(axis=0)
        low = np.where(within, -(vx * vx + vy * vy) / w, low)
    return np.array((vx, vy, w, low, value.max(axis=0)))


def on_ring(x: Array, y: Array, rings: Array) -> NDArray[np.bool_]:
    """Whether points, shape (N,), lie on their rings, shape (5, N) or (5, 1)."""
    vx, vy, w, low, high = rings
    value = x * (w * x + 2 * vy) + y * (w * y - 2 * vx)
    return np.asarray((value >= low - 1e-9) & (value <= high + 1e-9))
