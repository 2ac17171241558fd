"""What a source of a configuration with zones saw, before it is judged."""

from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.nav2_zones import HEIGHTS, sample_outline, SourceSetup
from synth_nodes.safety.rules import SourceRules
from synth_nodes.safety.sources import PointSource

Array = NDArray[np.float64]
OUTLINE_STEP = 0.02
"""Distance [m] of the points that stand for an outline in strict judgements."""


@dataclass(frozen=True)
class Observed:
    """The newest data of one source."""

    setup: SourceSetup
    points: Array
    """base_link [m], shape (N, 2), at the time of measurement."""
    heights: Array | None = None
    """Above base_link [m], shape (N,); NaN for points given without. None: none has a height."""
    age: float | None = None
    """Time since the measurement [s], negative from the future; None where nothing has come."""
    enabled: bool = True
    valid: bool = True
    reason: str = ''
    """Why it is not valid, one sentence."""
    outline: Array | None = None
    """Corners of a polygon source [m], shape (E, 2), instead of points."""

    @property
    def name(self) -> str:
        """Name of the source."""
        return self.setup.name


def nav2_points(observed: Observed) -> Array:
    """
    Points of a source as Nav2 hands them to its zones: height band, reach, exclusion zones.

    A point cloud's band holds its bounds. Heights and reach count for point clouds alone; points
    given in the plane pass the band.

    :return: base_link [m], shape (M, 2).
    """
    setup = observed.setup
    low = HEIGHTS[0] if setup.min_height is None else setup.min_height
    high = HEIGHTS[1] if setup.max_height is None else setup.max_height
    points = observed.points
    if observed.outline is not None:
        points = np.concatenate((points, sample_outline(
            observed.outline, setup.sampling_distance)))
    return _kept(observed, points, low, high)


def strict_source(observed: Observed, rules: SourceRules) -> PointSource:
    """
    Turn what a source saw into a source of the safety core, ready to be refused if unsound.

    Only a height band that was given leaves points out, and only finite heights can be outside.

    :param rules: whose timeout counts where the source has none of its own; one that Nav2 would
        stop for its age is too old here as well.
    """
    setup, points = observed.setup, observed.points
    oldest = min(setup.strict_timeout or rules.timeout, setup.timeout or math.inf)
    if observed.age is None or math.isnan(observed.age):
        return PointSource(setup.name, np.zeros((0, 2)), math.inf, False,
                           'no data has come from it')
    if observed.outline is not None:
        points = np.concatenate((points, sample_outline(observed.outline, OUTLINE_STEP)))
    low = -math.inf if setup.min_height is None else setup.min_height
    high = math.inf if setup.max_height is None else setup.max_height
    reason = observed.reason or 'it is marked invalid'
    return PointSource(setup.name, _kept(observed, points, low, high), observed.age,
                       observed.valid, '' if observed.valid else reason, timeout=oldest)


def _kept(observed: Observed, points: Array, low: float, high: float) -> Array:
    heights = np.full(len(points), np.nan)
    if observed.heights is not None:
        heights[:len(observed.heights)] = observed.heights
    keep = np.ones(len(points), bool)
    if observed.setup.kind == 'pointcloud':
        keep = np.isnan(heights) | ((heights >= low) & (heights <= high))
        with np.errstate(over='ignore', invalid='ignore'):
            keep &= ~((points ** 2).sum(axis=1) > observed.setup.max_range ** 2)
    for mask in observed.setup.masks:
        keep &= ~mask.hides(points, np.nan_to_num(heights))
    return points[keep]
