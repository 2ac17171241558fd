"""Pairs to learn a sensor from: a recorded scan, and the ideal one from the same pose."""

from dataclasses import dataclass
import hashlib

import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.place_map import LEAST, place_map
from synth_nodes.dataset.reader import DataSet
from synth_nodes.errors import InputError
from synth_nodes.sensors.cast import cast
from synth_nodes.world.atlas import MapAtlas

Scans = NDArray[np.float32]


@dataclass(frozen=True)
class Pairs:
    """N scans of a real sensor beside ideal ones."""

    ideal: Scans
    """[m], shape (N, beams); inf where nothing lies within reach."""
    real: Scans
    """[m], shape (N, beams); as REP-117 has it."""
    place: NDArray[np.int32]
    """Shape (N,), number of the place."""
    order: NDArray[np.int64]
    """Shape (N,), number of the record in its data set."""
    angles: NDArray[np.float64]
    """Of the beams [rad], shape (beams,)."""

    def __len__(self) -> int:
        return len(self.real)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> 'Pairs':
        """Pick some."""
        return Pairs(self.ideal[rows], self.real[rows], self.place[rows], self.order[rows],
                     self.angles)

    def digest(self) -> str:
        """Hash what is learned from: scans and angles."""
        whole = hashlib.sha256(repr(self.real.shape).encode())
        for array in (self.ideal, self.real, self.angles):
            whole.update(array.tobytes())
        return whole.hexdigest()


def pairs_of(data: DataSet, reach: float, rows: NDArray[np.integer] | None = None,
             resolution: float = 0.05) -> Pairs:
    """
    Build a map of each place out of its own scans, and cast ideal scans from their poses.

    :param data: drives with `scan` and `laser_pose`.
    :param reach: of the ideal lidar [m].
    :param rows: records to use; all where None.
    :param resolution: of the maps [m].
    :raises InputError: when no place has 50 scans with known poses.
    """
    chosen = np.arange(len(data)) if rows is None else np.asarray(rows)
    part = data.take(chosen, ['scan', 'laser_pose', 'place'])
    angles = np.asarray(data.schema.sensor['angles'], float)
    known = np.isfinite(part['laser_pose']).all(axis=1)
    ideal = np.empty_like(part['scan'])
    usable = np.zeros(len(chosen), bool)
    for number, place in enumerate(data.schema.places):
        mine = np.flatnonzero(known & (part['place'] == number))
        if len(mine) < LEAST:
            continue
        grid = place_map(part['scan'][mine], part['laser_pose'][mine], angles, place.name,
                         resolution)
        ideal[mine] = cast(MapAtlas.build([grid]), np.zeros(len(mine), np.int64),
                           part['laser_pose'][mine], angles, reach)
        # Scans from within a wall of the map say that the pose is wrong, nothing about the sensor.
        usable[mine] = np.median(ideal[mine], axis=1) > 0.05
    if not usable.any():
        raise InputError(f'data set {data.folder}: no place has {LEAST} scans with known poses to '
                         'build a map from')
    return Pairs(ideal[usable], part['scan'][usable], part['place'][usable].astype(np.int32),
                 chosen[usable].astype(np.int64), angles)
