"""
Sectors and history of scans by the thousand: `ObservationBuilder`, compiled.

Robots run that one, with numpy alone; a test holds the two equal, bit by bit.
"""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.tasks.observation import ObservationSpec, pick_scans, SectorPooling
from synth_nodes.types import LidarSpec
from synth_nodes.world.jit import inline, kernel

_Scans = NDArray[np.float32]


class FleetScans:
    """What B robots have seen lately, in a ring of scans that are written once."""

    def __init__(self, spec: ObservationSpec, lidar: LidarSpec, batch: int) -> None:
        """
        Make room for scans that follow each other at the lidar's rate.

        :raises InputError: when the mount is not x, y, yaw.
        """
        self._spec = spec
        self._pool = SectorPooling(spec, lidar)
        self._table = np.ascontiguousarray(self._pool.table, np.int64)
        self._moved = bool(lidar.mount[0] or lidar.mount[1])
        span = (spec.history - 1) * spec.history_period
        self._free = list(range(int(np.ceil(span * lidar.rate)) + 4))
        self._ring = np.zeros((len(self._free), batch, spec.sectors), np.float32)
        self._stamps: list[float] = []
        self._slots: list[int] = []
        self._fresh = np.ones(batch, bool)

    def reset(self, rows: NDArray[np.int64]) -> None:
        """Forget the scans of some robots: their next scan fills the history."""
        self._fresh[rows] = True

    def push(self, ranges: _Scans, stamp: float, out: _Scans) -> None:
        """
        Take the newest scans, and write what has been seen lately.

        :param ranges: [m], shape (B, N), REP-117 values.
        :param stamp: time of the scans [s], a period of the lidar after the last one; the same
            time again replaces those scans.
        :param out: [m], shape (B, history, sectors), newest first.
        """
        if self._stamps and stamp == self._stamps[-1]:
            self._drop(-1)
        slot = self._free.pop()
        if self._moved:
            self._ring[slot] = self._pool(ranges)
        else:
            _pool_all(ranges, self._table, self._spec.range_max, self._ring[slot])
        self._stamps.append(stamp)
        self._slots.append(slot)
        oldest = stamp - (self._spec.history - 1) * self._spec.history_period - 1e-6
        while len(self._stamps) > 1 and self._stamps[1] <= oldest:
            self._drop(0)
        slots = np.array(self._slots)
        _recall(self._ring, slots, slots[pick_scans(self._spec, self._stamps)], self._fresh, out)
        self._fresh[:] = False

    def _drop(self, which: int) -> None:
        del self._stamps[which]
        self._free.append(self._slots.pop(which))


@kernel
def _pool_all(ranges: _Scans, table: NDArray[np.int64], limit: float, out: _Scans) -> None:
    """Do the work of `SectorPooling` for a lidar over base_link's origin."""
    for b in range(ranges.shape[0]):
        for s in range(table.shape[0]):
            out[b, s] = limit if table[s, 0] < 0 else _nearest(ranges[b], table[s], limit)


@inline
def _nearest(ranges: _Scans, beams: NDArray[np.int64], limit: float) -> float:
    """Nearest of some beams, from 0 to the limit; 0 where all are invalid."""
    best = np.float32(np.inf)
    valid = False
    for k in range(beams.size):
        value = ranges[beams[k]]
        if value <= best:
            best = value
            valid = True
    return min(max(best, 0.0), limit) if valid else 0.0


@kernel
def _recall(ring: NDArray[np.float32], live: NDArray[np.int64], picks: NDArray[np.int64],
            fresh: NDArray[np.bool_], out: NDArray[np.float32]) -> None:
    """Write the picked scans of every robot; those of fresh robots are all the newest one."""
    newest = live[-1]
    for b in range(out.shape[0]):
        if fresh[b]:
            for k in range(live.size - 1):
                ring[live[k], b] = ring[newest, b]
        for h in range(picks.size):
            out[b, h] = ring[picks[h], b]
