"""What several scanners see together: space that one of them has not seen, another may have."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.sources import PointSource

Array = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """A scan as it was taken, to be asked what it saw."""

    ranges: Array
    """[m], shape (N,), REP-117 values."""
    angles: Array
    """In the laser frame [rad], evenly spaced either way round, shape (N,)."""
    range_min: float
    range_max: float
    mount: tuple[float, float, float]
    """Pose in base_link: x [m], y [m], yaw [rad]."""

    def sees(self, points: Array) -> NDArray[np.bool_]:
        """
        Say which points lie before what the two beams beside each of them met.

        :param points: base_link [m], shape (M, 2).
        :return: shape (M,).
        """
        count = len(self.angles)
        if count < 2:
            return np.zeros(len(points), bool)
        x, y, yaw = self.mount
        dx, dy = points[:, 0] - x, points[:, 1] - y
        step = float(self.angles[-1] - self.angles[0]) / (count - 1)
        turn = (np.arctan2(dy, dx) - yaw - float(self.angles[0])) * np.sign(step)
        low = np.floor(np.mod(turn, 2 * np.pi) / abs(step)).astype(np.intp)
        ring = abs(step) * (count + 0.5) > 2 * np.pi
        within = (low < count - 1) | (ring & (low <= count))
        with np.errstate(invalid='ignore'):
            reach = np.where(self.ranges >= max(self.range_min, 1e-6),
                             np.minimum(self.ranges, self.range_max), -np.inf)
        near = np.minimum(reach[low % count], reach[(low + 1) % count])
        return np.asarray(within & (np.hypot(dx, dy) <= near))


def seen_together(sources: Sequence[PointSource],
                  views: Sequence[View | None]) -> tuple[PointSource, ...]:
    """
    Take what one sensor has not seen for seen where another one has seen it.

    :param views: what each source's scan saw; None for those that cannot tell.
    """
    if sum(view is not None for view in views) < 2:
        return tuple(sources)
    out = []
    for source, own in zip(sources, views, strict=True):
        hidden = source.unseen_base
        for view in views:
            if view is not None and view is not own and len(hidden):
                hidden = hidden[~view.sees(hidden)]
        out.append(replace(source, unseen_base=hidden))
    return tuple(out)
