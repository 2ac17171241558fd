"""Exact distances between a robot's convex outline and what stands in the world."""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.body import Body

Array = NDArray[np.float64]
NEAR = 0.6
"""Rooms above this [m] are only bounded from below."""


def seen_from(points: Array, pose: Array) -> Array:
    """
    Carry points from the world into base_link.

    :param points: [m], shape (B, ..., 2).
    :param pose: x, y [m], yaw [rad], shape (B, 3).
    """
    shape = (len(pose),) + (1,) * (points.ndim - 2)
    c, s = np.cos(pose[:, 2]).reshape(shape), np.sin(pose[:, 2]).reshape(shape)
    dx = points[..., 0] - pose[:, 0].reshape(shape)
    dy = points[..., 1] - pose[:, 1].reshape(shape)
    return np.stack((c * dx + s * dy, c * dy - s * dx), axis=-1)


def placed(points: Array, pose: Array) -> Array:
    """
    Carry points from base_link into the world.

    :param points: [m], shape (B, N, 2).
    :param pose: x, y [m], yaw [rad], shape (B, 3).
    """
    c, s = np.cos(pose[:, 2])[:, None], np.sin(pose[:, 2])[:, None]
    x, y = points[..., 0], points[..., 1]
    return np.stack((c * x - s * y + pose[:, :1], s * x + c * y + pose[:, 1:2]), axis=-1)


def gaps(body: Body, a: Array, b: Array | None, radius: Array) -> Array:
    """
    Measure the room between the outline and capsules (segments with a radius).

    :param a: ends of the segments, base_link [m], shape (..., 2); NaN for none.
    :param b: their other ends, shape (..., 2); None where they are the same: discs.
    :param radius: [m], shape (...).
    :return: [m], shape (...); at most 0 in contact, inf for none; where it is more than NEAR, a
        lower bound.
    """
    center = np.hypot(a[..., 0], a[..., 1]) if b is None else _to_origin(a, b)
    room = np.where(np.isnan(center), np.inf, center - body.radius - radius)
    near = np.nonzero(room < NEAR)
    exact = _to_points(body, a[near]) if b is None else _to_segments(body, a[near], b[near])
    room[near] = exact - radius[near]
    return room


def _to_origin(a: Array, b: Array) -> Array:
    """Distance of segments from base_link, shape (...)."""
    along = b - a
    length = np.maximum(along[..., 0] ** 2 + along[..., 1] ** 2, 1e-18)
    part = np.clip(-(a[..., 0] * along[..., 0] + a[..., 1] * along[..., 1]) / length, 0.0, 1.0)
    return np.hypot(a[..., 0] + part * along[..., 0], a[..., 1] + part * along[..., 1])


def _to_points(body: Body, points: Array) -> Array:
    nearest = np.full(points.shape[:-1], np.inf)
    level = np.full(points.shape[:-1], -np.inf)
    corners = body.corners
    for k, (corner, after) in enumerate(zip(corners, np.roll(corners, -1, axis=0), strict=True)):
        nearest = np.minimum(nearest, _to_edge(points, corner, after))
        nx, ny = body.normals[k]
        level = np.maximum(level, points[..., 0] * nx + points[..., 1] * ny - body.offsets[k])
    return np.where(level <= 0.0, 0.0, np.sqrt(nearest))


def _to_segments(body: Body, a: Array, b: Array) -> Array:
    nearest, corners = np.full(a.shape[:-1], np.inf), body.corners
    along = b - a
    length = np.maximum((along * along).sum(axis=-1), 1e-18)
    for corner, after in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        part = np.clip(((corner - a) * along).sum(axis=-1) / length, 0.0, 1.0)
        apart = a + part[..., None] * along - corner
        nearest = np.minimum(nearest, apart[..., 0] ** 2 + apart[..., 1] ** 2)
        nearest = np.minimum(nearest, _to_edge(a, corner, after))
        nearest = np.minimum(nearest, _to_edge(b, corner, after))
    return np.where(_cuts(body, a, b), 0.0, np.sqrt(nearest))


def _cuts(body: Body, a: Array, b: Array) -> NDArray[np.bool_]:
    """Whether segments reach into the outline (Cyrus and Beck, 1978: clip by each edge)."""
    low, high = np.zeros(a.shape[:-1]), np.ones(a.shape[:-1])
    for normal, offset in zip(body.normals, body.offsets, strict=True):
        start, end = a @ normal - offset, b @ normal - offset
        slope = end - start
        with np.errstate(divide='ignore', invalid='ignore'):
            cross = -start / slope
        low = np.where(slope < 0, np.maximum(low, cross), low)
        high = np.where(slope > 0, np.minimum(high, cross), high)
        high = np.where((slope == 0) & (start > 0), -1.0, high)
    return np.asarray(low <= high)


def _to_edge(points: Array, corner: Array, after: Array) -> Array:
    """Squared distance of points, shape (..., 2), to an edge."""
    edge = after - corner
    dx, dy = points[..., 0] - corner[0], points[..., 1] - corner[1]
    part = np.clip((dx * edge[0] + dy * edge[1]) / (edge @ edge), 0.0, 1.0)
    return np.asarray((dx - part * edge[0]) ** 2 + (dy - part * edge[1]) ** 2)
