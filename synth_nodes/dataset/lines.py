"""Lines as labels: the path ahead, and whether robots held the straight line from A to B."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.schema import Field
from synth_nodes.types import FloatArray

HELD, STRAYED, UNKNOWN = 1, 0, -1
SHORTEST = 0.2
"""Lines shorter than this [m] are none: such records are UNKNOWN."""
Part = dict[str, NDArray[np.generic]]

STRAIGHT = Field(
    'straight', 'int8', (), '', '',
    'Whether the robot held the straight line from here to the point of `goal`: 1 it did, 0 it '
    'strayed or did not come within `sensor.line_time`, -1 unknown: the drive ended first.')


def path_field(points: int) -> Field:
    """Describe the column of the optimal path, of so many points."""
    return Field(
        'path', 'float32', (points, 2), 'm', 'base_link',
        'Points of the optimal path ahead: x, y; `sensor.path_spacing` apart along it, the first '
        'abreast of the robot; beyond its end, that end; NaN where no path is known.')


def held_lines(start: FloatArray, end: FloatArray, ways: FloatArray, count: NDArray[np.integer],
               tolerance: float) -> NDArray[np.int8]:
    """
    Say of B drives whether each held its line from A until it came past B.

    :param start: A [m], shape (B, 2).
    :param end: B [m], shape (B, 2).
    :param ways: where each robot was from then on [m], shape (B, K, 2).
    :param count: how many of the K belong to the drive, shape (B,), 1 to K.
    :param tolerance: distance from the line that is still on it [m].
    :return: HELD, STRAYED or UNKNOWN, shape (B,); STRAYED too where the K run out before B.
    """
    line = end - start
    length = np.maximum(np.hypot(*line.T), 1e-9)
    unit = line / length[:, None]
    off = ways - start[:, None]
    along = (off * unit[:, None]).sum(axis=-1)
    across = np.abs(off[..., 0] * unit[:, None, 1] - off[..., 1] * unit[:, None, 0])
    across = np.hypot(across, np.minimum(along, 0.0))
    number = np.arange(ways.shape[1])
    mine = number < count[:, None]
    came = mine & (along >= length[:, None] - tolerance)
    last = np.where(came.any(axis=1), came.argmax(axis=1), count - 1)
    strayed = (mine & (number <= last[:, None]) & (across > tolerance)).any(axis=1)
    late = ~came.any(axis=1) & (count == ways.shape[1])
    out = np.where(strayed | late, STRAYED, np.where(came.any(axis=1), HELD, UNKNOWN))
    return np.where(length < SHORTEST, UNKNOWN, out).astype(np.int8)


def to_map(point_base: FloatArray, pose: FloatArray) -> NDArray[np.float64]:
    """
    Bring points of base_link into `map`.

    :param point_base: [m], shape (B, 2).
    :param pose: x, y [m], yaw [rad] of base_link in `map`, shape (B, 3).
    """
    c, s = np.cos(pose[:, 2]), np.sin(pose[:, 2])
    return np.stack((pose[:, 0] + c * point_base[:, 0] - s * point_base[:, 1],
                     pose[:, 1] + s * point_base[:, 0] + c * point_base[:, 1]), axis=-1)


class LineLabels:
    """Labels records as they come: each is held back until its robots' next moves are known."""

    def __init__(self, steps: int, tolerance: float) -> None:
        """
        Begin.

        :param steps: records of a robot after the one that is labelled.
        :param tolerance: [m]; see :func:`held_lines`.
        """
        self._steps, self._tolerance = steps, tolerance
        self._parts: deque[Part] = deque()

    def push(self, part: Part) -> Part | None:
        """
        Take the records of all robots at one time; give those of `steps` before, labelled.

        :param part: with `pose`, `goal` and `sequence`, robots always in the same order.
        :return: the same with `straight`; None while there is none that old.
        """
        self._parts.append(part)
        if len(self._parts) <= self._steps:
            return None
        oldest = self._parts[0]
        pose, goal = (np.asarray(oldest[n], np.float64) for n in ('pose', 'goal'))
        ways = np.stack([np.asarray(p['pose'], np.float64)[:, :2] for p in self._parts], axis=1)
        same = np.stack([p['sequence'] == oldest['sequence'] for p in self._parts], axis=1)
        straight = held_lines(pose[:, :2], to_map(goal[:, :2], pose), ways, same.sum(axis=1),
                              self._tolerance)
        self._parts.popleft()
        return {**oldest, 'straight': straight}
