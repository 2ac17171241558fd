"""A generated office floor: the world a newcomer gets without any file."""

import cv2
import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.types import FREE, GridMap, OCCUPIED, UNKNOWN
from synth_nodes.world.floorplan import draw_plan, Plan
from synth_nodes.world.furniture import furnish

MARGIN = 0.5
"""Unknown border around the building [m]."""
ROBOT_RADIUS = 0.3
"""A robot of this radius [m] gets everywhere."""
RADII = (ROBOT_RADIUS, 0.32, 0.34, 0.36, 0.38)
"""Furniture cuts the floor apart for none of these [m]; the larger leave room to plan with."""


def generate_building(
    seed: int, width: float = 24.0, height: float = 16.0, resolution: float = 0.05,
) -> GridMap:
    """
    Generate an office floor: corridors, rooms of several sizes, doors of 1.0 to 1.3 m, furniture.

    Every place where a robot of radius 0.3 m fits can be reached from every other. What lies
    outside the building is unknown. The building's lower left corner is at (0, 0) in `map`.

    :param seed: 0 or more; the same seed and sizes give the same map.
    :param width: outer size along x [m], 10 to 200.
    :param height: outer size along y [m], 9 to 200.
    :param resolution: side of a cell [m], 0.02 to 0.1.
    :raises InputError: when the seed, a size or the resolution is out of range.
    """
    limits = (('width', width, 10.0, 200.0), ('height', height, 9.0, 200.0),
              ('resolution', resolution, 0.02, 0.1))
    for name, value, low, high in limits:
        if not low <= value <= high:
            raise InputError(f'building {name} = {value} m is outside [{low}, {high}] m')
    if seed < 0:
        raise InputError(f'building seed = {seed} must be 0 or more')
    rng = np.random.default_rng([20, seed])
    plan = Plan.empty(width, height, resolution, MARGIN)
    rooms = draw_plan(plan, rng)
    keep_connected = _Gate(plan.free, resolution)
    furnish(plan, rooms, rng, keep_connected.accepts)
    return GridMap(_occupancy(plan), resolution, (-MARGIN, -MARGIN, 0.0), f'building_{seed}')


def furnished_cells(seed: int, width: float, height: float, resolution: float,
                    grid: GridMap | None = None) -> NDArray[np.bool_]:
    """
    Say which solid cells of a generated building are furniture, not wall.

    :param seed: this and the others as for :func:`generate_building`.
    :param grid: what that returned, where it is at hand: most of the work is to furnish it.
    :return: of the shape of its occupancy.
    """
    grid = generate_building(seed, width, height, resolution) if grid is None else grid
    plan = Plan.empty(width, height, resolution, MARGIN)
    draw_plan(plan, np.random.default_rng([20, seed]))
    return np.asarray(plan.free & grid.solid())


def reachable_parts(
        free: NDArray[np.bool_], resolution: float, radius: float) -> NDArray[np.int32]:
    """
    Label the separate regions that a disc can move in.

    :param free: shape (H, W); what lies beyond counts as free.
    :param radius: of the disc [m].
    :return: shape (H, W): 0 where the disc does not fit, else the region's number from 1.
    """
    return _parts(_room(free, resolution) >= radius)


class _Gate:
    """Accepts a piece of furniture only where the floor around it stays in one part."""

    def __init__(self, free: NDArray[np.bool_], resolution: float) -> None:
        self._free = free
        self._resolution = resolution
        self._edge = round(max(RADII) / resolution) + 1

    def accepts(self, piece: NDArray[np.bool_], window: tuple[slice, slice]) -> bool:
        """
        Draw a piece if no region around it falls apart.

        :param piece: cells it covers, of the window's shape.
        :param window: where in the map it lies.
        """
        before = self._free[window].copy()
        if not before.size or not before[piece].all():
            return False
        around = self._around(window)
        room_before = _room(self._free[around], self._resolution)
        self._free[window] &= ~piece
        room_after = _room(self._free[around], self._resolution)
        inner = (slice(self._edge, -self._edge),) * 2
        if any(_splits(room_before[inner] >= r, room_after[inner] >= r) for r in RADII):
            self._free[window] = before
            return False
        return True

    def _around(self, window: tuple[slice, slice]) -> tuple[slice, slice]:
        """Choose a neighbourhood wide enough to lead around the piece."""
        reach = round(1.3 / self._resolution) + self._edge
        rows, columns = window
        return (slice(max(rows.start - reach, 0), rows.stop + reach),
                slice(max(columns.start - reach, 0), columns.stop + reach))


def _room(free: NDArray[np.bool_], resolution: float) -> NDArray[np.float32]:
    """Radius [m] of the disc that fits at each cell."""
    distance = cv2.distanceTransform(
        free.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray((distance - 0.5) * resolution, np.float32)


def _parts(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    labels = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)[1]
    return np.asarray(labels, np.int32)


def _splits(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> bool:
    """Tell whether two regions of `after`, a subset of `before`, lie in the same one there."""
    old, new = _parts(before), _parts(after)
    inside = new > 0
    pairs = np.unique(old[inside].astype(np.int64) * (int(new.max()) + 1) + new[inside])
    parents = pairs // (int(new.max()) + 1)
    return len(np.unique(parents)) < len(parents)


def _occupancy(plan: Plan) -> NDArray[np.int8]:
    out = np.full(plan.free.shape, UNKNOWN, np.int8)
    out[plan.building] = OCCUPIED
    out[plan.free] = FREE
    return out
