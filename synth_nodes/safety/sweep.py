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
    if len(points) == 0:
        return np.zeros(0)
    ax, ay = np.ascontiguousarray(corners.T)
    ex, ey = _next(ax) - ax, _next(ay) - ay
    px, py = np.ascontiguousarray(points.T)
    vx, vy, w = np.ascontiguousarray(twists.T)
    dx, dy = ax - px, ay - py
    inside = (ey * dx >= ex * dy).all(axis=0)
    qa = w * (ex * ex + ey * ey)
    qb = ex * (w * ax + vy) + ey * (w * ay - vx)
    qc = dx * (w * (ax + px) + 2 * vy) + dy * (w * (ay + py) - 2 * vx)
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        root = np.sqrt(qb * qb - qa * qc)
        u = np.where(qb > 0.0, (qb + root) / -qa, qc / (root - qb))
        edge, row = np.nonzero((u >= -ON_EDGE) & (u <= 1 + ON_EDGE))
        u = u[edge, row]
        cx, cy = dx[edge, row] + u * ex[edge, row], dy[edge, row] + u * ey[edge, row]
        times = chord_times(cx, cy, points[row], twists[row])
    first = np.full(len(points), np.inf)
    np.minimum.at(first, row, times)
    first[inside] = 0.0
    return first


def _next(corners: Array) -> Array:
    return np.concatenate((corners[1:], corners[:1]))


def chord_times(cx: Array, cy: Array, points: Array, twists: Array) -> Array:
    """Time in which points seen from a robot with the given twists run through a chord."""
    w = twists[:, 2]
    ux, uy = w * points[:, 1] - twists[:, 0], -w * points[:, 0] - twists[:, 1]
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
    ax, ay = np.ascontiguousarray(corners.T)
    ex, ey = _next(ax) - ax, _next(ay) - ay
    value = w * (ax * ax + ay * ay) + 2 * (vy * ax - vx * ay)
    slope = ex * (w * ax + vy) + ey * (w * ay - vx)
    bent = w * (ex * ex + ey * ey)
    with np.errstate(divide='ignore', invalid='ignore', over='ignore'):
        u = np.where(bent > 0.0, np.clip(-slope / bent, 0.0, 1.0), 0.0)
        x, y = ax + u * ex, ay + u * ey
        low = np.minimum(value, w * (x * x + y * y) + 2 * (vy * x - vx * y)).min(axis=0)
        within = (w > 0.0) & (ey * (-vy - w * ax) <= ex * (vx - w * ay)).all(axis=0)
        low = np.where(within, -(vx * vx + vy * vy) / w, low)
    return np.stack((vx, vy, w, low, value.max(axis=0)))


def on_ring(x: Array, y: Array, rings: Array) -> NDArray[np.bool_]:
    """Whether points, shape (N,), lie on their rings, shape (5, N) or (5, 1)."""
    vx, vy, w, low, high = rings
    value = x * (w * x + 2 * vy) + y * (w * y - 2 * vx)
    return np.asarray((value >= low - 1e-9) & (value <= high + 1e-9))
