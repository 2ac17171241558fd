"""
Exact contact of points with the shapes of zones: polygons of any form, and circles.

A zone is closed here, its border belongs to it: what lies on the line is in.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.nav2_zones import inside_polygon
from synth_nodes.safety.sweep import entry_times, may_touch

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]
BORDER = 1e-6
"""Distance [m] from a border within which a point lies on it: Nav2's corners are in float32."""


def in_polygon(points: Array, corners: Array) -> Flags:
    """Say which points, shape (N, 2), lie in a polygon (E, 2) or on its border, shape (N,)."""
    inside = inside_polygon(points, corners)
    edges = np.roll(corners, -1, axis=0) - corners
    for a, e in zip(corners, edges, strict=True):
        along = np.clip((points - a) @ e / max(float(e @ e), 1e-30), 0.0, 1.0)
        gap = points - a - along[:, None] * e
        inside |= np.hypot(gap[:, 0], gap[:, 1]) <= BORDER
    return inside


def in_circle(points: Array, radius: float) -> Flags:
    """Say which points, shape (N, 2), lie in a circle about base_link or on it, shape (N,)."""
    return np.asarray(np.hypot(points[:, 0], points[:, 1]) <= radius + BORDER)


def polygon_times(points: Array, twist: Array, corners: Array) -> Array:
    """
    Time at which each point is first inside a polygon that moves with a twist.

    Along the exact arc, over no more than one turn.

    :param points: base_link [m], shape (N, 2).
    :param twist: vx, vy [m/s], w [rad/s], shape (3,).
    :param corners: any simple polygon, either way round, base_link [m], shape (E, 2); of one
        that crosses itself, the convex hull counts.
    :return: [s], shape (N,); 0 where it starts inside, inf where it never enters.
    """
    times = np.full(len(points), np.inf)
    for piece in convex_pieces(tuple(map(tuple, corners.tolist()))):
        near = np.flatnonzero(may_touch(points, twist, piece))
        times[near] = np.minimum(times[near], entry_times(
            points[near], np.broadcast_to(twist, (len(near), 3)),
            np.broadcast_to(piece, (len(near), *piece.shape))))
    times[in_polygon(points, corners)] = 0.0
    return times


def circle_times(points: Array, twist: Array, radius: float) -> Array:
    """
    Time at which each point is first inside a circle about base_link that moves with a twist.

    Seen from the robot a point p moves at first with u = (w*y - vx, -w*x - vy). After the half
    angle h = w*t/2 its chord is sin(h)/k * (u*cos(h) - n*sin(h)), k = w/2, n = u turned left; so
    with q = tan(h)/k, which for w = 0 is t itself, |p + chord| = radius becomes

        (k^2 c + |u|^2 - 2 k p.n) q^2 + 2 p.u q + c = 0,      c = |p|^2 - radius^2.

    :param points: base_link [m], shape (N, 2).
    :param twist: vx, vy [m/s], w [rad/s], shape (3,).
    :return: [s], shape (N,); 0 where it starts inside, inf where it never enters.
    """
    vx, vy, w = (float(c) for c in twist)
    x, y = points[:, 0], points[:, 1]
    ux, uy, k = w * y - vx, -w * x - vy, w / 2
    c = x * x + y * y - radius * radius
    a = k * k * c + ux * ux + uy * uy - 2 * k * (y * ux - x * uy)
    half = x * ux + y * uy
    with np.errstate(divide='ignore', invalid='ignore'):
        root = np.sqrt(half * half - a * c)
        larger = np.where(half > 0.0, -half - root, root - half)
        times = np.fmin(_times_of(larger / a, k), _times_of(c / larger, k))
    return np.where(in_circle(points, radius), 0.0, np.where(np.isnan(times), np.inf, times))


def _times_of(q: Array, k: float) -> Array:
    """Turn tan(w*t/2)/k into t, within one turn."""
    if k == 0.0:
        return np.where(q >= 0.0, q, np.inf)
    h = np.arctan(abs(k) * q)
    h = np.where(h < 0.0, h + np.pi, h)
    # For small angles the tangent is the angle; the quotient would lose digits.
    with np.errstate(over='ignore'):
        return np.where(np.isnan(q), np.inf, np.where((h < 1e-6) & (q >= 0.0), q, h / abs(k)))


@lru_cache(maxsize=256)
def convex_pieces(corners: tuple[tuple[float, float], ...]) -> tuple[Array, ...]:
    """
    Cut a simple polygon into convex ones, counter-clockwise, by clipping ears.

    :param corners: x, y [m], three or more, either way round.
    :return: polygons [m], each (K, 2), that cover it; where it crosses itself, its convex hull.
    """
    rest = list(corners)
    if _area(rest) < 0.0:
        rest.reverse()
    if _convex(rest):
        return (np.array(rest),)
    if _crosses_itself(rest):
        return (convex_hull(rest),)
    pieces = []
    while len(rest) > 3:
        ear = next((i for i in range(len(rest)) if _is_ear(rest, i)), None)
        if ear is None:
            return (convex_hull(list(corners)),)
        triangle = [rest[ear - 1], rest[ear], rest[(ear + 1) % len(rest)]]
        if _area(triangle) > 0.0:
            pieces.append(np.array(triangle))
        del rest[ear]
    return (*pieces, np.array(rest))


def _cross(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """Twice the area of a triangle, positive where it turns left."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _area(corners: list[tuple[float, float]]) -> float:
    return sum(_cross((0.0, 0.0), a, b)
               for a, b in zip(corners, corners[1:] + corners[:1], strict=True)) / 2


def _convex(corners: list[tuple[float, float]]) -> bool:
    """Whether it turns left, or not at all, at every corner, and once around in all."""
    n = len(corners)
    edges = [(corners[(i + 1) % n][0] - corners[i][0], corners[(i + 1) % n][1] - corners[i][1])
             for i in range(n)]
    if any(abs(x) + abs(y) < 1e-12 for x, y in edges):
        return False
    turns = [np.arctan2(a[0] * b[1] - a[1] * b[0], a[0] * b[0] + a[1] * b[1])
             for a, b in zip(edges, edges[1:] + edges[:1], strict=True)]
    return bool(min(turns) > -1e-12 and abs(sum(turns) - 2 * np.pi) < 1e-6)


def _crosses_itself(corners: list[tuple[float, float]]) -> bool:
    edges = list(zip(corners, corners[1:] + corners[:1], strict=True))
    return any(_cross(a, b, c) * _cross(a, b, d) < 0.0 and _cross(c, d, a) * _cross(c, d, b) < 0.0
               for i, (a, b) in enumerate(edges) for c, d in edges[i + 1:])


def _is_ear(corners: list[tuple[float, float]], i: int) -> bool:
    a, b, c = corners[i - 1], corners[i], corners[(i + 1) % len(corners)]
    if _cross(a, b, c) < 0.0:
        return False
    return not any(
        p not in (a, b, c) and _cross(a, b, p) >= 0.0 and _cross(b, c, p) >= 0.0
        and _cross(c, a, p) >= 0.0 for p in corners)


def convex_hull(corners: list[tuple[float, float]]) -> Array:
    """Convex hull (K, 2) of points [m], counter-clockwise (Andrew's monotone chain, 1979)."""
    def chain(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        out: list[tuple[float, float]] = []
        for p in points:
            while len(out) > 1 and _cross(out[-2], out[-1], p) <= 0.0:
                out.pop()
            out.append(p)
        return out[:-1]

    ordered = sorted(set(corners))
    return np.array(chain(ordered) + chain(ordered[::-1]))
