"""
Ideal ranges of a scanning lidar over grid maps, exact boxes and discs, and moving discs.

The grid is seen by rays that march through it (:mod:`synth_nodes.sensors.marching`). Boxes and
discs are walked once each, into an angular z-buffer (:mod:`synth_nodes.sensors.depths`).
"""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.sensors.depths import see_discs, see_solids
from synth_nodes.sensors.marching import Beams as Beams
from synth_nodes.sensors.marching import Front, march, new_front
from synth_nodes.sensors.marching import trace as trace
from synth_nodes.types import FloatArray
from synth_nodes.world.atlas import AtlasArrays, inside, MapAtlas, to_cell
from synth_nodes.world.jit import inline, kernel


def cast(
    atlas: MapAtlas,
    map_index: NDArray[np.integer],
    sensor_pose: FloatArray,
    angles: FloatArray,
    range_max: float,
    actors: FloatArray | None = None,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """
    Cast rays from B sensors, each in its own map.

    :param map_index: shape (B,), which map of the atlas a sensor is in.
    :param sensor_pose: x, y [m], yaw [rad] in `map`, shape (B, 3).
    :param angles: [rad] in the sensor frame, increasing, spanning at most a turn, shape (N,).
    :param range_max: [m]; what is farther is not seen.
    :param actors: x, y, ., ., radius of discs in `map`, shape (B, A, 5), or None.
    :param out: where to write, shape (B, N) float32; a new array when None.
    :return: [m], shape (B, N); inf where nothing lies within range_max, 0 where the sensor is
        inside something solid or outside the map.
    :raises InputError: when shapes do not fit or angles do not increase.
    """
    beams = Beams.of(angles)
    return cast_into(atlas, map_index, sensor_pose, beams, range_max, actors, out)


def cast_into(
    atlas: MapAtlas,
    map_index: NDArray[np.integer],
    sensor_pose: FloatArray,
    beams: Beams,
    range_max: float,
    actors: FloatArray | None,
    out: NDArray[np.float32] | None,
) -> NDArray[np.float32]:
    """Do the same as :func:`cast` with beams prepared once."""
    poses = np.ascontiguousarray(sensor_pose, np.float64)
    batch = poses.shape[0]
    discs = np.zeros((batch, 0, 5)) if actors is None else np.ascontiguousarray(
        actors, np.float64)
    if poses.shape != (batch, 3) or discs.ndim != 3 or discs.shape[::2] != (batch, 5):
        raise InputError(
            f'sensor_pose has shape {poses.shape} and actors {discs.shape}; '
            f'they must be ({batch}, 3) and ({batch}, A, 5)')
    if not np.isfinite(poses).all():
        raise InputError('sensor_pose holds NaN or infinity; give finite x, y, yaw')
    index = atlas.indices(map_index, batch)
    shape = (batch, beams.angle.size)
    ranges = np.empty(shape, np.float32) if out is None else out
    if ranges.shape != shape or ranges.dtype != np.float32:
        raise InputError(
            f'out must be float32 of shape {shape}, not {ranges.dtype} of shape {ranges.shape}')
    cast_batch(atlas.arrays, index, poses, beams, range_max, discs, ranges)
    return ranges


@kernel
def cast_batch(
    maps: AtlasArrays,
    map_index: NDArray[np.int64],
    poses: NDArray[np.float64],
    beams: Beams,
    range_max: float,
    discs: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:
    """Do the work of :func:`cast`; arrays are contiguous and their shapes fit."""
    front = new_front()
    depth = np.empty(beams.angle.size)
    flat = maps.jump.ravel()
    for b in range(poses.shape[0]):
        cast_one(maps, flat, map_index[b], poses[b, 0], poses[b, 1], poses[b, 2], beams, range_max,
                 discs[b], front, depth, out[b])


@inline
def cast_one(
    maps: AtlasArrays,
    flat: NDArray[np.uint8],
    m: int,
    x: float,
    y: float,
    yaw: float,
    beams: Beams,
    range_max: float,
    discs: NDArray[np.float64],
    front: Front,
    depth: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:
    """
    Cast the rays of one sensor in map m.

    :param flat: `maps.jump` without its shape.
    :param front: from `new_front`; depth: shape (N,); both are scratch.
    """
    column, row = to_cell(maps, m, x, y)
    if not inside(maps, m, column, row):
        out[:] = 0.0
        return
    depth[:] = 1.0 / range_max
    c, s = np.cos(yaw), np.sin(yaw)
    see_solids(maps.solids, m, beams, x, y, c, s, range_max, depth)
    if discs.shape[0] > 0:
        see_discs(discs, 0, discs.shape[0], 4, beams, x, y, c, s, range_max, depth)
    if _walls_near(maps, m, column, row, range_max):
        cell = maps.frame[m, 4]
        march(maps, flat, m, column, row, yaw, beams, range_max / cell, front, out)
        _nearest(depth, range_max, cell, out)
    else:
        _solids_only(depth, range_max, out)


@inline
def _walls_near(maps: AtlasArrays, m: int, column: float, row: float, reach: float) -> bool:
    """Tell whether any solid cell may lie within reach [m] of a point."""
    cell = maps.shape[m, 0] + np.int64(row) * maps.shape[m, 2] + np.int64(column)
    return bool((maps.distance[cell] - 0.7072) * maps.frame[m, 4] <= reach)


@inline
def _nearest(depth: NDArray[np.float64], range_max: float, cell: float,
             out: NDArray[np.float32]) -> None:
    """Take the nearer of the walls, whose ranges [cells] are in out, and of what is in depth."""
    none = 1.0 / range_max
    for k in range(out.size):
        wall = out[k] * cell
        near = 1.0 / depth[k] if depth[k] > none else np.inf
        wall = wall if wall <= range_max else np.inf
        out[k] = near if near < wall else wall


@inline
def _solids_only(depth: NDArray[np.float64], range_max: float, out: NDArray[np.float32]) -> None:
    none = 1.0 / range_max
    for k in range(out.size):
        out[k] = 1.0 / depth[k] if depth[k] > none else np.inf
