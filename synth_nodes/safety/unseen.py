"""
Where the space that a scan has seen ends: points that bound what nobody has looked at.

Unseen is what lies outside the field of view and behind runs of invalid beams (from the distance
on at which the smallest obstacle that counts fits between their neighbours), beyond the range of
beams that met nothing, and in the shadow of obstacles. What the robot's own body and the strip
around it hide is taken as free: the robot stands there.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.body import Body

Array = NDArray[np.float64]
STRIP = 0.15
"""Width [m] of the strip around the footprint that is taken as free where nobody sees it."""
JUMP = 0.3
"""Step [m] in range between neighbouring beams from which the farther one passes an edge."""
SPACING = 0.1
"""Distance [m] of the points along an edge; half of it across a blind sector."""


def unseen_points(ranges: Array, angles: Array, usable: NDArray[np.bool_],
                  range_max: float | Array, mount: Sequence[float], body: Body, reach: float,
                  smallest: float) -> Array:
    """
    List points that bound unseen space.

    :param ranges: [m], shape (N,); beyond range_max, inf included, nothing was met.
    :param range_max: [m], one for all beams or one for each, shape (N,).
    :param angles: beam angles in the laser frame [rad], shape (N,), increasing or decreasing.
    :param usable: beams that say something, shape (N,).
    :param mount: pose of the laser in base_link: x [m], y [m], yaw [rad].
    :param body: footprint; nothing within STRIP of it is listed.
    :param reach: distance [m] from the laser beyond which nothing matters.
    :param smallest: width [m] of the smallest obstacle that counts.
    :return: base_link [m], shape (M, 2).
    """
    known = np.flatnonzero(usable)
    if len(known) < 2:
        return _sector(0.0, 2 * np.pi, 0.0, mount, body, reach)
    order = known if angles[known[-1]] > angles[known[0]] else known[::-1]
    a = angles[order] + mount[2]
    end = np.broadcast_to(range_max, ranges.shape)[order]
    r = np.minimum(ranges[order], end)
    step = abs(float(angles[-1] - angles[0])) / (len(angles) - 1)
    around = np.append(np.diff(a), a[0] + 2 * np.pi - a[-1])
    blind = np.flatnonzero(around > 1.5 * step)
    parts = [_polar(*_shadows(a, r, np.delete(np.arange(len(a)), blind), reach), mount)]
    for k in blind:
        after = (k + 1) % len(a)
        start = max(smallest / float(around[k]), 0.0)
        parts.append(_sector(float(a[k]), float(around[k]), start, mount, body, reach))
        for edge in (k, after):
            way = np.arange(start, min(float(r[edge]), reach), SPACING)
            parts.append(_polar(np.full(len(way), a[edge]), way, mount))
    open_end = (r >= end) & (end < reach)
    if open_end.any():
        parts.append(_polar(a[open_end], r[open_end], mount))
    points = np.concatenate(parts)
    return points[body.gauge(points) >= STRIP - 1e-9]


def _sector(first: float, width: float, start: float, mount: Sequence[float], body: Body,
            reach: float) -> Array:
    """Near end of a blind sector: `start` from the laser, but outside the strip."""
    if start >= reach:
        return np.zeros((0, 2))
    far = max(start, body.radius + body.stretch * STRIP + float(np.hypot(mount[0], mount[1])))
    angles = first + width * np.linspace(0.0, 1.0, int(width * far / SPACING * 2) + 2)
    ways = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    speed = ways @ body.normals.T
    room = body.offsets + STRIP - body.normals @ np.asarray(mount[:2])
    with np.errstate(divide='ignore', invalid='ignore'):
        out = np.where(speed > 1e-9, room / speed, np.inf).min(axis=1)
    return _polar(angles, np.maximum(out, start), mount)


def _shadows(angles: Array, ranges: Array, pairs: NDArray[np.intp],
             reach: float) -> tuple[Array, Array]:
    """Edges of what obstacles hide, as angles and ranges; `pairs`: beam and the next."""
    after = (pairs + 1) % len(ranges)
    gap = ranges[after] - ranges[pairs]
    nearer = np.where(gap > 0.0, pairs, after)
    near, far = np.minimum(ranges[pairs], ranges[after]), np.maximum(ranges[pairs], ranges[after])
    deep = (np.abs(gap) > JUMP) & (near < reach)
    way = SPACING * np.arange(1, max(int(reach / SPACING), 0) + 2)
    at = near[deep][:, None] + way
    row, column = np.nonzero(at < np.minimum(far[deep], reach)[:, None])
    return angles[nearer[deep]][row], at[row, column]


def _polar(angles: Array, ranges: Array, mount: Sequence[float]) -> Array:
    return np.stack((mount[0] + ranges * np.cos(angles), mount[1] + ranges * np.sin(angles)),
                    axis=1)
