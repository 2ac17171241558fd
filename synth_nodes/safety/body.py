"""The robot's convex outline, grown and shrunk by moving its edges."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Body:
    """
    A convex polygon with E corners, counter-clockwise, in base_link [m].

    Its level m is the polygon whose edges lie m further out (mitred corners): it contains the
    outline grown by a disc of radius m, so that testing against it errs on the safe side.
    """

    corners: Array
    """Shape (E, 2); edge k runs from corner k to corner k + 1."""
    normals: Array
    """Outward unit normals of the edges, shape (E, 2)."""
    offsets: Array
    """Distance of the edges' lines from base_link, shape (E,)."""
    mitres: Array
    """How far each corner moves for one metre of level, shape (E, 2)."""
    radius: float
    """Of the circle about base_link that contains the outline."""
    lowest: float
    """Deepest level (negative) at which the polygon is sure to keep all its edges."""
    levers: Array
    """Farthest that a corner lies along each edge from base_link's foot on it [m], shape (E,)."""
    stretch: float
    """How far the farthest corner moves for one metre of level."""
    joints: Array
    """How far each corner moves along x and y for one metre by which the edge before it, and the
    edge after it, moves out, shape (2, 2, E)."""

    def gauge(self, points: Array) -> Array:
        """
        Level on which each point lies: negative inside, at most the distance outside.

        :param points: base_link [m], shape (N, 2).
        :return: [m], shape (N,).
        """
        return np.asarray((points @ self.normals.T - self.offsets).max(axis=1))

    def level(self, m: Array | float) -> Array:
        """Corners at level m [m]: shape (E, 2), or (N, E, 2) for an array of N levels."""
        return np.asarray(self.corners + np.multiply.outer(m, self.mitres))


@lru_cache(maxsize=64)
def body_of(footprint: tuple[float, ...]) -> Body:
    """
    Make a body from a footprint given as x1, y1, x2, y2, ... [m].

    :raises InputError: where it is not a convex outline, counter-clockwise, around base_link.
    """
    if len(footprint) < 6 or len(footprint) % 2:
        raise InputError(f"parameter 'footprint' has {len(footprint)} numbers; "
                         'give x, y of three corners or more')
    corners = np.asarray(footprint, float).reshape(-1, 2)
    edges = np.roll(corners, -1, axis=0) - corners
    lengths = np.hypot(*edges.T)
    after = np.roll(edges, -1, axis=0)
    turns = edges[:, 0] * after[:, 1] - edges[:, 1] * after[:, 0]
    angles = np.arctan2(turns, (edges * after).sum(axis=1))
    if lengths.min() < 1e-4 or turns.min() < -1e-9 or abs(angles.sum() - 2 * np.pi) > 1e-3:
        raise InputError(f"parameter 'footprint' = {list(footprint)} is not a convex outline; "
                         'list its corners once, counter-clockwise')
    normals = np.stack((edges[:, 1], -edges[:, 0]), axis=1) / lengths[:, None]
    offsets = (normals * corners).sum(axis=1)
    if offsets.min() < 0.0:
        raise InputError(f"parameter 'footprint' = {list(footprint)} does not contain base_link; "
                         'give its corners relative to base_link')
    before = np.roll(normals, 1, axis=0)
    mitres = (before + normals) / (1 + (before * normals).sum(axis=1))[:, None]
    growth = ((np.roll(mitres, -1, axis=0) - mitres) * edges).sum(axis=1) / lengths
    lowest = -0.9 * float((lengths / np.maximum(growth, 1e-9)).min())
    along = np.stack((-normals[:, 1], normals[:, 0]))
    return Body(corners, normals, offsets, mitres, float(np.hypot(*corners.T).max()), lowest,
                np.abs(corners @ along).max(axis=0), float(np.hypot(*mitres.T).max()),
                _joints(before, normals))


def _joints(before: Array, after: Array) -> Array:
    """Solve n1.d = g1, n2.d = g2 for the shift d of each corner; (2, 2, E)."""
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    straight = np.abs(cross) < 1e-6
    sure = np.where(straight, 1.0, cross)
    first = np.where(straight, after.T / 2, np.stack((after[:, 1], -after[:, 0])) / sure)
    second = np.where(straight, after.T / 2, np.stack((-before[:, 1], before[:, 0])) / sure)
    return np.stack((first, second), axis=1)
