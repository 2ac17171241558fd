"""Sectors and history of scans on a device: `ObservationBuilder`, one thread a sector."""

from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
import warp as wp

from synth_nodes.gpu.kernels import sectors as kernels
from synth_nodes.gpu.upload import fill
from synth_nodes.tasks.observation import ObservationSpec, SectorPooling
from synth_nodes.types import LidarSpec


class DeviceSectors:
    """What B robots have seen lately; each scan comes a period of the lidar after another."""

    def __init__(self, spec: ObservationSpec, lidar: LidarSpec, batch: int, device: Any) -> None:
        self.device = device
        lags = scan_lags(spec, 1.0 / lidar.rate)
        angles = lidar.angles + lidar.mount[2]
        self._moved = bool(lidar.mount[0] or lidar.mount[1])
        self._sectors = fill(kernels.Sectors, SimpleNamespace(
            beams=SectorPooling(spec, lidar).table.astype(np.int64), cos=np.cos(angles),
            sin=np.sin(angles), ahead=lidar.mount[0], left=lidar.mount[1], limit=spec.range_max,
            lags=lags), device)
        shape = (batch, spec.sectors)
        self._pooled = wp.empty(shape if self._moved else (0, 0), dtype=wp.float32, device=device)
        self._ring = wp.zeros((int(lags.max()) + 1, *shape), dtype=wp.float32, device=device)

    def launch(self, ranges: Any, fresh: Any, turn: Any, out: Any) -> None:
        """
        Start taking the newest scans, with arrays of Warp that fit.

        :param ranges: [m], shape (B, beams), float32.
        :param fresh: robots whose scan fills their whole history, shape (B,).
        :param turn: number of this scan, shape (1,).
        :param out: where to write, shape (B, history, sectors), float32.
        """
        batch, _, sectors = out.shape
        if self._moved:
            wp.launch(kernels.clear, (batch, sectors), [self._pooled], device=self.device)
            wp.launch(kernels.scatter, ranges.shape, [self._sectors, ranges, self._pooled],
                      device=self.device)
        wp.launch(kernels.remember, (batch, sectors), [
            self._sectors, ranges, self._pooled, fresh, turn, self._ring, out],
            device=self.device)


def scan_lags(spec: ObservationSpec, period: float) -> NDArray[np.int64]:
    """
    Find how many scans back each scan of an observation is, as `ObservationBuilder` picks them.

    Of two that are equally near the wanted time it is the older; there rounding decides.

    :param period: between scans [s].
    :return: shape (history,).
    """
    back = spec.history_period * np.arange(spec.history)
    stamps = -period * np.arange(int(np.ceil(back[-1] / period)) + 2)[::-1]
    picks = np.abs(stamps[None] + back[:, None]).argmin(axis=1)
    return np.asarray(len(stamps) - 1 - picks, np.int64)
