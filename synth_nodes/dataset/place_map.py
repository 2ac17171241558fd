"""The map of a place of a data set, built out of the place's own scans."""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.mapping import map_from_scans
from synth_nodes.dataset.reader import DataSet
from synth_nodes.dataset.votes import Scans
from synth_nodes.types import GridMap

LEAST = 50
"""Scans of a place below which it gets no map."""


def place_map(scan: Scans, pose: NDArray[np.float64], angles: NDArray[np.float64], name: str,
              resolution: float) -> GridMap:
    """
    Build the map of a place out of its own scans.

    :param scan: [m], shape (N, beams); a hundred at a time are in memory.
    :param pose: of the laser in `map`, shape (N, 3).
    :param angles: of the beams [rad], shape (beams,).
    :param resolution: of the map [m].
    :raises InputError: when they hold nothing to build a map from.
    """
    return map_from_scans(name, scan, angles, pose, resolution)


class StoredScans:
    """Scans of some records of a data set, read when they are asked for."""

    def __init__(self, data: DataSet, rows: NDArray[np.int64]) -> None:
        """Take the numbers of the records, shape (N,)."""
        self._data, self._rows = data, rows

    def __len__(self) -> int:
        """Count the scans."""
        return len(self._rows)

    def __getitem__(self, part: slice, /) -> NDArray[np.float32]:
        """Read scans that follow one another [m], shape (M, beams)."""
        return np.asarray(self._data.take(self._rows[part], ('scan',))['scan'])
