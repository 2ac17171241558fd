"""
Occupancy maps out of recorded lidar logs.

Each scan votes once a cell: hit where a beam ended, miss where the scan swept through. Votes are
summed as log odds (Thrun, Burgard and Fox, Probabilistic Robotics, ch. 9.2), which is why people
who walked by leave nothing where the floor was seen often enough without them. What no beam
reached stays unknown.
"""

from dataclasses import dataclass
import math

import cv2
import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.carmen import CarmenLog
from synth_nodes.dataset.votes import count_votes, Counts, MAP_RANGE, Progress, Scans
from synth_nodes.errors import InputError
from synth_nodes.types import FloatArray, FREE, GridMap, OCCUPIED, UNKNOWN

LOG_ODDS_HIT = math.log(0.7 / 0.3)
LOG_ODDS_MISS = math.log(0.4 / 0.6)
FREE_VOTES = 2
"""Scans that must have swept a cell for it to be floor: one alone may be a stray beam."""
SPECK = 3
"""Occupied specks of up to this many cells need firmer evidence than walls do."""
SPECK_LOG_ODDS = 3.0
"""That evidence, in log odds a cell: about 20 to 1."""
HOLE_AREA = 0.02
"""Unknown gaps between beams up to this area [m2] are floor where floor is all around them."""
SLIVER = 0.3
"""Strips of floor narrower than this [m] between unknown cells count as unknown."""
ISLAND_AREA = 2.0
"""Free islands under this area [m2] that the robot never was in are stray beams, not rooms."""

Bools = NDArray[np.bool_]


def map_from_log(
    log: CarmenLog, resolution: float = 0.05, progress: Progress | None = None,
) -> GridMap:
    """
    Build an occupancy map from a log's scans and corrected poses.

    :param log: scans with the laser's poses.
    :param resolution: side of a cell [m].
    :param progress: called with (scans done, scans in all).
    :return: cells of -1, 0 and 100, in the log's frame, named as the log.
    :raises InputError: on a resolution out of range, or when the map would be empty or huge.
    """
    return map_from_scans(log.name, log.ranges, log.angles, log.poses, resolution, progress)


def map_from_scans(
    name: str, ranges: Scans, angles: FloatArray, poses: FloatArray, resolution: float,
    progress: Progress | None = None,
) -> GridMap:
    """
    Build an occupancy map from scans, of which a hundred at a time are in memory.

    :param ranges: [m], shape (N, beams).
    :param angles: of the beams [rad], shape (beams,).
    :param poses: of the laser [m, m, rad], shape (N, 3); the map is in their frame.
    :return, raises: as :func:`map_from_log` says.
    """
    if not 0.01 <= resolution <= 1.0:
        raise InputError(f'resolution = {resolution} m is outside [0.01, 1] m')
    hits, misses, origin = count_votes(name, ranges, angles, poses, resolution, progress)
    cells = _decide(hits, misses, _visited(poses, hits.shape, origin, resolution), resolution)
    rows, columns = np.any(cells != UNKNOWN, axis=1), np.any(cells != UNKNOWN, axis=0)
    if not rows.any():
        raise InputError(f'log {name}: too little is seen within {MAP_RANGE} m for a map; '
                         'give a log of an indoor drive')
    top, left = int(rows.argmax()), int(columns.argmax())
    height, width = int(rows[top:].nonzero()[0][-1]) + 1, int(columns[left:].nonzero()[0][-1]) + 1
    cells = np.pad(cells[top:top + height, left:left + width], 1, constant_values=UNKNOWN)
    corner = (origin[0] + (left - 1) * resolution, origin[1] + (top - 1) * resolution, 0.0)
    return GridMap(cells, resolution, corner, name)


def _visited(
    poses: FloatArray, shape: tuple[int, ...], origin: tuple[float, float], resolution: float,
) -> Bools:
    """Cells that the laser itself was in."""
    out = np.zeros(shape, bool)
    columns, rows = np.floor((poses[:, :2] - origin) / resolution).astype(int).T
    out[rows, columns] = True
    return out


def _decide(
    hits: Counts, misses: Counts, visited: Bools, resolution: float,
) -> NDArray[np.int8]:
    """Turn counts into -1, 0 and 100; each rule is a constant of this module."""
    odds = hits * LOG_ODDS_HIT + misses * LOG_ODDS_MISS
    occupied = odds > 0
    free = (odds < 0) & (misses >= FREE_VOTES)
    labels, areas = _components(occupied, 8)
    firmest = np.zeros(len(areas))
    np.maximum.at(firmest, labels[occupied], odds[occupied])
    speck = ((areas <= SPECK) & (firmest < SPECK_LOG_ODDS))[labels] & occupied
    occupied &= ~speck
    free |= speck & (misses >= FREE_VOTES)
    free |= _holes(occupied, free, HOLE_AREA / resolution ** 2)
    free = _whole_floor(occupied, free, visited, resolution)
    labels, areas = _components(occupied, 8)
    seen_from_floor = np.zeros(len(areas), bool)
    seen_from_floor[np.unique(labels[_grow(free, 1)])] = True
    occupied &= seen_from_floor[labels]
    return np.where(occupied, OCCUPIED, np.where(free, FREE, UNKNOWN)).astype(np.int8)


def _holes(occupied: Bools, free: Bools, largest: float) -> Bools:
    """Gaps of up to `largest` cells that floor alone surrounds."""
    gap = ~occupied & ~free
    labels, areas = _components(gap, 4)
    small = areas <= largest
    small[np.unique(labels[_grow(occupied, 1) & gap])] = False
    return np.asarray(small[labels] & gap)


def _whole_floor(occupied: Bools, free: Bools, visited: Bools, resolution: float) -> Bools:
    """Floor without the slivers and islands that beams through gaps and windows leave."""
    radius = round(SLIVER / 2 / resolution)
    opened = _grow(~_grow(~(occupied | free), radius), radius)
    free = free & (opened | visited)
    labels, areas = _components(free, 4)
    kept = areas * resolution ** 2 >= ISLAND_AREA
    kept[np.unique(labels[visited & free])] = True
    return np.asarray(free & kept[labels])


def _grow(mask: Bools, radius: int) -> Bools:
    """Widen a mask by a disc of so many cells (by a square for one cell)."""
    across = 2 * radius + 1
    shape = cv2.MORPH_ELLIPSE if radius > 1 else cv2.MORPH_RECT
    kernel = cv2.getStructuringElement(shape, (across, across))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), kernel)).astype(bool)


def _components(
    mask: Bools, connectivity: int,
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Label connected cells from 1 on, shape (H, W), and count the cells a label."""
    _, labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=connectivity)
    return np.asarray(labels), np.bincount(labels.ravel())


@dataclass(frozen=True)
class MapFigures:
    """What a map offers to a robot."""

    name: str
    scans: int
    """Scans that the map was made from."""
    size: tuple[float, float]
    """Width and height of the map [m]."""
    resolution: float
    """Side of a cell [m]."""
    free_area: float
    """Area of all free cells [m2]."""
    drivable_area: float
    """Largest connected area [m2] for the centre of a robot of :attr:`robot_radius`."""
    robot_radius: float
    """[m]."""
    occupied_cells: int
    unknown_share: float
    """Share of the map's cells that no beam settled, 0 to 1."""
    skipped_lines: int
    """Broken lines of the log."""

    def lines(self) -> list[str]:
        """Say the figures for people."""
        return [
            f'{self.name}: {self.size[0]:.1f} m x {self.size[1]:.1f} m at {self.resolution:g} m '
            f'a cell, from {self.scans} scans ({self.skipped_lines} broken lines skipped)',
            f'{self.name}: {self.free_area:.1f} m2 free, {self.drivable_area:.1f} m2 of it '
            f'connected for a robot of {self.robot_radius:g} m radius',
        ]


def describe(log: CarmenLog, grid: GridMap, robot_radius: float = 0.3) -> MapFigures:
    """
    Work out the figures of a map made from a log.

    :param robot_radius: [m].
    """
    height, width = grid.occupancy.shape
    return MapFigures(
        name=grid.name, scans=len(log.ranges),
        size=(width * grid.resolution, height * grid.resolution), resolution=grid.resolution,
        free_area=float((grid.occupancy == FREE).sum()) * grid.resolution ** 2,
        drivable_area=drivable_area(grid, robot_radius), robot_radius=robot_radius,
        occupied_cells=int((grid.occupancy == OCCUPIED).sum()),
        unknown_share=float((grid.occupancy == UNKNOWN).mean()),
        skipped_lines=sum(log.skipped.values()))


def drivable_area(grid: GridMap, robot_radius: float) -> float:
    """
    Largest connected area [m2] that the centre of a round robot can reach without contact.

    :param robot_radius: [m]; cells closer than this to a solid cell or the map's edge are out.
    """
    passable = np.pad(~grid.solid(), 1).astype(np.uint8)
    distance = cv2.distanceTransform(passable, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    _, areas = _components(np.asarray(distance) * grid.resolution > robot_radius, 8)
    return float(areas[1:].max(initial=0)) * grid.resolution ** 2
