"""
Ideal ranges of a scanning lidar over grid maps and moving discs.

The grid is seen by rays that march through it (:mod:`synth_nodes.sensors.marching`). Discs are
walked once each and touch only the beams inside their angular interval, as in an angular z-buffer.
"""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.sensors.marching import Beams as Beams
from synth_nodes.sensors.marching import launch, march, new_front, TWO_PI
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
    front = new_front(beams.angle.size)
    flat = maps.jump.ravel()
    for b in range(poses.shape[0]):
        m = map_index[b]
        column, row = to_cell(maps, m, poses[b, 0], poses[b, 1])
        if not inside(maps, m, column, row):
            out[b] = 0.0
            continue
        launch(maps, m, column, row, poses[b, 2], beams, front)
        cell = maps.frame[m, 4]
        march(flat, front, range_max / cell, out[b])
        for k in range(out.shape[1]):
            ahead = out[b, k] * cell
            out[b, k] = ahead if ahead <= range_max else np.inf
        for a in range(discs.shape[1]):
            _cast_disc(poses[b], beams, range_max, discs[b, a], out[b])


@inline
def _cast_disc(
    pose: NDArray[np.float64],
    beams: Beams,
    range_max: float,
    disc: NDArray[np.float64],
    out: NDArray[np.float32],
) -> None:
    angles, cos, sin = beams
    dx, dy, radius = disc[0] - pose[0], disc[1] - pose[1], disc[4]
    square = dx * dx + dy * dy
    if square <= radius * radius:
        out[:] = 0.0
        return
    away = np.sqrt(square)
    if away - radius > range_max:
        return
    c, s = np.cos(pose[2]), np.sin(pose[2])
    ahead, left = c * dx + s * dy, c * dy - s * dx
    half = np.arcsin(radius / away)
    low = np.arctan2(left, ahead) - half
    low -= TWO_PI * np.floor((low - angles[0]) / TWO_PI)
    first = np.searchsorted(angles, low)
    count = angles.size
    for step in range(count):
        k = first + step
        wrapped = k >= count
        k = k - count if wrapped else k
        angle = angles[k] + (TWO_PI if wrapped else 0.0)
        if angle > low + 2.0 * half:
            break
        along = ahead * cos[k] + left * sin[k]
        inner = radius * radius - square + along * along
        if inner >= 0.0:
            hit = along - np.sqrt(inner)
            if hit <= range_max and hit < out[k]:
                out[k] = hit
