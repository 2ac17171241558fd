"""What a scan can be doubted for beyond the single beam: empty, impossible, turned about."""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.rules import SourceRules

Array = NDArray[np.float64]
FARTHEST = 10.0
"""Times range_max beyond which no lidar measures: such ranges are in another unit, or broken."""
TURNED = 0.1
"""Angle [rad] by which the ends of the scan may differ from those of the first one."""


def possible(ranges: Array, range_max: float) -> Array:
    """
    Put NaN in the place of ranges that cannot be.

    A little more than range_max is what some drivers give for no return, and stays.

    :param ranges: [m], shape (N,).
    """
    with np.errstate(invalid='ignore'):
        return np.where(np.isfinite(ranges) & (ranges > FARTHEST * range_max), np.nan, ranges)


class Doubts:
    """Looks at the scans of one sensor."""

    def __init__(self, rules: SourceRules) -> None:
        """Begin without having seen one."""
        self._rules = rules
        self._ends: tuple[float, float] | None = None

    def look(self, ranges: Array, angles: Array, range_max: float) -> str:
        """
        Say what is wrong with a scan; empty where nothing is.

        :param ranges: [m], shape (N,); angles: [rad], shape (N,).
        """
        if self._rules.empty == 'refuse':
            with np.errstate(invalid='ignore'):
                returns = (ranges <= range_max).any()
            if not returns:
                return 'none of its beams returns; if that can be, set safety.source.empty to free'
        if not len(angles):
            return ''
        ends = float(angles[0]), float(angles[-1])
        self._ends = self._ends or ends
        if max(abs(a - b) for a, b in zip(ends, self._ends, strict=True)) > TURNED:
            return (f'its beams run from {ends[0]:.2f} to {ends[1]:.2f} rad, those of its first '
                    f'scan from {self._ends[0]:.2f} to {self._ends[1]:.2f} rad')
        return ''
