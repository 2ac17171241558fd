"""A planar scanning lidar: ideal ranges, then mount, noise, dropouts and REP-117 values."""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.sensors.cast import Beams, cast, cast_into
from synth_nodes.types import FloatArray, LidarSpec
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.jit import kernel

__all__ = ['Lidar', 'cast']


class Lidar:
    """Scans of B robots at once, with the same lidar on each."""

    def __init__(self, spec: LidarSpec, atlas: MapAtlas, seed: int = 0) -> None:
        """
        Prepare the beams.

        :param seed: of the noise; the same seed and calls give the same scans.
        :raises InputError: when the mount is not x, y, yaw or the ranges leave nothing to see.
        """
        if len(spec.mount) != 3:
            raise InputError(f'lidar.mount = {list(spec.mount)} must be x, y [m], yaw [rad]')
        if not spec.range_min < spec.range_max:
            raise InputError(
                f'lidar.range_min = {spec.range_min} m must be below '
                f'lidar.range_max = {spec.range_max} m')
        self.spec = spec
        self._atlas = atlas
        self._beams = Beams.of(spec.angles)
        self._rng = np.random.default_rng([11, seed])
        self._normal = np.empty((0, spec.beams), np.float32)
        self._chance = np.empty((0, spec.beams), np.float32)

    def sensor_pose(self, base_pose: FloatArray) -> NDArray[np.float64]:
        """
        Compose base poses with the mount.

        :param base_pose: x, y [m], yaw [rad] of base_link in `map`, shape (B, 3).
        :return: the same of the laser, shape (B, 3).
        """
        pose = np.array(base_pose, np.float64)
        x, y, yaw = self.spec.mount
        c, s = np.cos(pose[:, 2]), np.sin(pose[:, 2])
        pose[:, 0] += c * x - s * y
        pose[:, 1] += s * x + c * y
        pose[:, 2] += yaw
        return pose

    def scan(
        self,
        base_pose: FloatArray,
        map_index: NDArray[np.integer],
        actors: FloatArray | None = None,
        out: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """
        Scan from B robots.

        Ranges as REP-117 has them: inf for nothing seen, -inf for something nearer than range_min.

        :param base_pose: x, y [m], yaw [rad] of base_link in `map`, shape (B, 3).
        :param map_index: which map of the atlas each robot is in, shape (B,).
        :param actors: x, y, ., ., radius of discs in `map`, shape (B, A, 5), or None.
        :param out: where to write, shape (B, beams) float32; a new array when None.
        :return: [m], shape (B, beams).
        :raises InputError: when shapes do not fit.
        """
        spec = self.spec
        ranges = cast_into(self._atlas, map_index, self.sensor_pose(base_pose), self._beams,
                           spec.range_max, actors, out)
        if len(self._normal) != len(ranges):
            self._normal = np.empty(ranges.shape, np.float32)
            self._chance = np.empty(ranges.shape, np.float32)
        self._rng.standard_normal(dtype=np.float32, out=self._normal)
        self._rng.random(dtype=np.float32, out=self._chance)
        spoil(ranges, self._normal, self._chance, spec.noise_std, spec.noise_slope, spec.dropout,
              spec.range_min, spec.range_max)
        return ranges


@kernel
def spoil(
    ranges: NDArray[np.float32],
    normal: NDArray[np.float32],
    chance: NDArray[np.float32],
    noise_std: float,
    noise_slope: float,
    dropout: float,
    range_min: float,
    range_max: float,
) -> None:
    """
    Turn ideal ranges into measured ones, in place.

    :param ranges: [m], shape (B, N).
    :param normal: standard normal, chance: uniform in [0, 1), both of the same shape.
    """
    flat, z, u = ranges.ravel(), normal.ravel(), chance.ravel()
    for k in range(flat.size):
        ideal = flat[k]
        measured = ideal + (noise_std + noise_slope * ideal) * z[k] if ideal < np.inf else np.inf
        if ideal < range_min or measured < range_min:
            flat[k] = -np.inf
        elif u[k] < dropout or measured > range_max:
            flat[k] = np.inf
        else:
            flat[k] = measured
