"""
What a policy sees: recent scans in angular sectors, where to go, and how the robot moves.

The layout does not depend on the lidar: beams are turned into bearings and distances about
base_link and pooled into sectors, so that one policy serves lidars of other beam counts and
mounts. numpy alone, because the robot runs it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_nodes.errors import InputError
from synth_nodes.settings import setting
from synth_nodes.types import FloatArray, LidarSpec

Observation = dict[str, NDArray[np.float32]]
"""`scan` (B, history, sectors), `goal` (B, 3) and `velocity` (B, 3): see ObservationBuilder."""


@dataclass(frozen=True)
class ObservationSpec:
    """The layout of an observation; part of every policy's contract."""

    sectors: int = setting(
        72, 'Sectors of the full circle, counter-clockwise from straight behind.',
        low=8, high=1024)
    history: int = setting(3, 'Scans seen at once, the newest first.', low=1, high=16)
    history_period: float = setting(
        0.2, 'Time between those scans.', unit='s', low=0.02, high=2.0)
    range_max: float = setting(
        8.0, 'Distance from which a sector counts as empty.', unit='m', low=0.5, high=100.0)
    lookahead: float = setting(
        1.2, 'Distance along the path of the point to steer for.', unit='m', low=0.2, high=10.0)
    min_lookahead: float = setting(
        0.4, 'The same where the path bends sharply.', unit='m', low=0.1, high=10.0)
    chord_tolerance: float = setting(
        0.05, 'How far the path may bulge from the straight way to that point.',
        unit='m', low=0.01, high=5.0)
    goal_range: float = setting(
        3.0, 'Distance to the end of the path above which it no longer matters.',
        unit='m', low=0.5, high=100.0)

    @property
    def bearings(self) -> NDArray[np.float64]:
        """Centres of the sectors in base_link [rad], shape (sectors,), increasing."""
        width = 2 * np.pi / self.sectors
        return np.asarray(-np.pi + width * (np.arange(self.sectors) + 0.5))


def _spread(angles: FloatArray, sectors: int) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Find which beams (by their angular width) reach which sectors, as layers of index pairs."""
    width = 2 * np.pi / sectors
    step = np.median(np.diff(np.sort(angles))) if len(angles) > 1 else width
    # A beam stands for the angle up to its neighbours, so sparse lidars leave no holes.
    reach = np.arange(-0.5, 0.5, min(0.45, width / max(step, 1e-9) / 2)) if step > width else [0.0]
    layers = []
    for part in np.asarray(reach):
        bearing = angles + part * step
        # Angles come from headers and messages too, where those on an edge are rounded.
        sector = np.floor((bearing + np.pi) / width + 1e-5).astype(np.intp) % sectors
        layers.append((np.arange(len(angles)), sector))
    return layers


def _ranked(layers: list[tuple[NDArray[np.intp], NDArray[np.intp]]],
            ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """
    List the beams of every sector by rank, so that pooling is a minimum over whole columns.

    :return: sectors that any beam reaches, shape (F,); a beam of each, shape (most, F), the last
        one repeated where a sector has fewer than the most.
    """
    beams, sectors = (np.concatenate(part) for part in zip(*layers, strict=True))
    order = np.argsort(sectors, kind='stable')
    filled, starts, counts = np.unique(sectors[order], return_index=True, return_counts=True)
    rank = np.minimum(np.arange(counts.max())[:, None], counts - 1)
    return filled, beams[order][starts + rank]


class SectorPooling:
    """Pool the beams of one lidar into the sectors of an observation: the nearest counts."""

    def __init__(self, spec: ObservationSpec, lidar: LidarSpec) -> None:
        self._spec = spec
        self._mount = np.asarray(lidar.mount, float)
        if self._mount.shape != (3,):
            raise InputError(f"parameter 'lidar.mount' = {list(lidar.mount)} must be [x, y, yaw]")
        self._angles = lidar.angles + self._mount[2]
        self._layers = _spread(self._angles, spec.sectors)
        self._covered = np.zeros(spec.sectors, bool)
        for _, sector in self._layers:
            self._covered[sector] = True
        self._filled, self._picks = _ranked(self._layers)

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Sectors, shape (sectors,), that the lidar can see; the others always read empty."""
        return self._covered

    @property
    def table(self) -> NDArray[np.intp]:
        """Beams of every sector, shape (sectors, most), the last one repeated; -1 for none."""
        beams = np.full((self._spec.sectors, len(self._picks)), -1, np.intp)
        beams[self._filled] = self._picks.T
        return beams

    def __call__(self, ranges: ArrayLike) -> NDArray[np.float32]:
        """
        Pool scans.

        Nothing hit (inf) reads as `range_max`, too near (-inf) as 0, and invalid beams (NaN) are
        left out; a sector of nothing but invalid beams reads 0, the cautious value (REP-117).

        :param ranges: [m], shape (B, N), in the lidar's beam order.
        :return: distance from base_link [m], shape (B, sectors).
        :raises InputError: when N is not the lidar's number of beams.
        """
        values = np.atleast_2d(np.asarray(ranges, np.float32))
        if values.shape[1] != len(self._angles):
            raise InputError(
                f'scan has {values.shape[1]} beams, but lidar.beams = {len(self._angles)}; '
                'set the lidar parameters to those of the driver')
        if self._mount[0] or self._mount[1]:
            return self._pool_moved(values)
        nearest = values.take(self._picks[0], axis=1)
        for pick in self._picks[1:]:
            np.fmin(nearest, values.take(pick, axis=1), out=nearest)
        pooled = np.full((len(values), self._spec.sectors), np.inf, np.float32)
        pooled[:, self._filled] = self._clean(nearest)
        return self._finish(pooled)

    def _clean(self, ranges: NDArray[np.float32]) -> NDArray[np.float32]:
        """Keep inf for invalid beams, so that they lose every minimum, and clip the rest."""
        limit = np.float32(self._spec.range_max)
        clipped = np.clip(ranges, np.float32(0.0), limit)
        return np.where(np.isnan(ranges), np.float32(np.inf), clipped)

    def _finish(self, pooled: NDArray[np.float32]) -> NDArray[np.float32]:
        pooled[:, ~self._covered] = self._spec.range_max
        return np.where(np.isinf(pooled), np.float32(0.0), pooled)

    def _pool_moved(self, ranges: NDArray[np.float32]) -> NDArray[np.float32]:
        """Pool scans of a lidar that stands off base_link's origin: bearings change with range."""
        limit = np.float32(self._spec.range_max)
        distance = self._clean(ranges)
        invalid = np.isinf(distance)
        finite = np.where(invalid, limit, distance)
        x = self._mount[0] + finite * np.cos(self._angles)
        y = self._mount[1] + finite * np.sin(self._angles)
        width = 2 * np.pi / self._spec.sectors
        sector = np.floor((np.arctan2(y, x) + np.pi) / width).astype(np.intp)
        sector %= self._spec.sectors
        value = np.where(finite <= 0.0, 0.0, np.minimum(np.hypot(x, y), limit))
        value = np.where(finite >= limit, limit, value).astype(np.float32)
        value[invalid] = np.inf
        pooled = np.full((len(ranges), self._spec.sectors), np.inf, np.float32)
        hit = np.zeros(pooled.shape, bool)
        rows = np.broadcast_to(np.arange(len(ranges))[:, None], sector.shape)
        np.minimum.at(pooled, (rows, sector), value)
        hit[rows, sector] = True
        return self._finish(_fill_gaps(pooled, hit))


def _fill_gaps(pooled: NDArray[np.float32], hit: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Give sectors between two beams' end points the nearer value of their neighbours."""
    for _ in range(pooled.shape[1] // 2):
        if hit.all():
            break
        left, right = np.roll(pooled, 1, axis=1), np.roll(pooled, -1, axis=1)
        near = np.minimum(left, right)
        known = np.roll(hit, 1, axis=1) | np.roll(hit, -1, axis=1)
        fill = ~hit & known
        pooled = np.where(fill, near, pooled)
        hit = hit | fill
    return pooled


def pick_scans(spec: ObservationSpec, stamps: Sequence[float]) -> NDArray[np.intp]:
    """
    Pick the scans that an observation shows, each the nearest to the time it should have.

    :param stamps: of the scans there are [s], increasing.
    :return: numbers of scans, shape (history,), the newest first.
    """
    times = np.asarray(stamps)
    wanted = times[-1] - spec.history_period * np.arange(spec.history)
    return np.asarray(np.abs(times[None] - wanted[:, None]).argmin(axis=1))


class ObservationBuilder:
    """Keep the recent scans of B robots and make observations out of them."""

    def __init__(self, spec: ObservationSpec, lidar: LidarSpec, batch: int = 1) -> None:
        self.spec = spec
        self._pool = SectorPooling(spec, lidar)
        self._batch = batch
        self._stamps: list[float] = []
        self._scans: list[NDArray[np.float32]] = []
        self._fresh = np.ones(batch, bool)

    @property
    def ready(self) -> bool:
        """Whether every robot has had a scan since its reset."""
        return bool(self._scans) and not self._fresh.any()

    @property
    def covered(self) -> NDArray[np.bool_]:
        """Sectors, shape (sectors,), that the lidar can see."""
        return self._pool.covered

    def reset(self, index: ArrayLike | None = None) -> None:
        """Forget the scans of some robots (all where None): their next scan fills the history."""
        if index is None:
            self._stamps, self._scans = [], []
            self._fresh[:] = True
        else:
            self._fresh[np.asarray(index)] = True

    def push(self, ranges: ArrayLike, stamp: float) -> None:
        """
        Take the newest scans.

        :param ranges: [m], shape (B, N), REP-117 values.
        :param stamp: time of the scans [s]; a stamp before the last one starts anew.
        :raises InputError: on another number of beams than the lidar's.
        """
        pooled = self._pool(ranges)
        if self._stamps and stamp < self._stamps[-1]:
            self.reset()
        if self._stamps and stamp == self._stamps[-1]:
            self._stamps.pop()
            self._scans.pop()
        for scan in self._scans:
            scan[self._fresh] = pooled[self._fresh]
        self._fresh[:] = False
        self._stamps.append(stamp)
        self._scans.append(pooled)
        oldest = stamp - (self.spec.history - 1) * self.spec.history_period - 1e-6
        while len(self._stamps) > 1 and self._stamps[1] <= oldest:
            del self._stamps[0], self._scans[0]

    def build(self, goal: ArrayLike, velocity: ArrayLike) -> Observation:
        """
        Make the observation at the newest scan.

        :param goal: shape (B, 3): point to steer for in base_link x, y [m], and distance left to
            the end of the path [m], as PathFollower.goal gives them.
        :param velocity: vx, vy [m/s], wz [rad/s] in base_link, shape (B, 3).
        :return: `scan` (B, history, sectors) [m] newest first, `goal` and `velocity` (B, 3).
        :raises RuntimeError: before the first scan.
        """
        if not self._scans:
            raise RuntimeError('no scan yet: push one before building an observation')
        scan = np.stack([self._scans[i] for i in pick_scans(self.spec, self._stamps)], axis=1)
        target = np.array(np.broadcast_to(goal, (self._batch, 3)), np.float32)
        target[:, 2] = np.clip(target[:, 2], 0.0, self.spec.goal_range)
        motion = np.array(np.broadcast_to(velocity, (self._batch, 3)), np.float32)
        return {'scan': scan, 'goal': target, 'velocity': motion}
