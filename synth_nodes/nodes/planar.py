"""Planar transforms: x, y [m], yaw [rad] as arrays of shape (3,)."""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.types import FloatArray


def compose(first: FloatArray, second: FloatArray) -> NDArray[np.float64]:
    """Chain two transforms: `second` seen through `first`."""
    c, s = np.cos(first[2]), np.sin(first[2])
    return np.array((first[0] + c * second[0] - s * second[1],
                     first[1] + s * second[0] + c * second[1], first[2] + second[2]))


def inverse(transform: FloatArray) -> NDArray[np.float64]:
    """Turn a transform around."""
    c, s = np.cos(transform[2]), np.sin(transform[2])
    x, y = transform[0], transform[1]
    return np.array((-c * x - s * y, s * x - c * y, -transform[2]))


def carry(transform: FloatArray, points: FloatArray) -> NDArray[np.float64]:
    """Carry points [m], shape (N, 2), through a transform."""
    c, s = np.cos(transform[2]), np.sin(transform[2])
    return np.asarray(points @ np.array([[c, s], [-s, c]]) + transform[:2])
