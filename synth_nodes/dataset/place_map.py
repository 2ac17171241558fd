"""The map of a place of a data set, built out of the place's own scans."""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.carmen import CarmenLog
from synth_nodes.dataset.mapping import map_from_log
from synth_nodes.types import GridMap

LEAST = 50
"""Scans of a place below which it gets no map."""
Scans = NDArray[np.float32]


def place_map(scan: Scans, pose: NDArray[np.float64], angles: NDArray[np.float64], name: str,
              resolution: float, range_max: float) -> GridMap:
    """
    Build the map of a place out of its own scans.

    :param scan: [m], shape (N, beams).
    :param pose: of the laser in `map`, shape (N, 3).
    :param angles: of the beams [rad], shape (beams,).
    :param resolution: of the map [m].
    :raises InputError: when they hold nothing to build a map from.
    """
    count = len(scan)
    log = CarmenLog(name, scan, angles, pose, pose, np.arange(count, dtype=float), range_max, 0.0,
                    count, {})
    return map_from_log(log, resolution)
