"""A lidar that scans in several layers, and its points in space."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.sensors.echoes import Echoes
from synth_nodes.sensors.scan_settings import PointsSpec, ScanEffects, time_increment
from synth_nodes.types import FloatArray, LidarSpec
from synth_nodes.world.atlas import MapAtlas

POINT = np.dtype([('x', '<f4'), ('y', '<f4'), ('z', '<f4'), ('intensity', '<f4'),
                  ('ring', '<u2'), ('time', '<f4')])
"""A point of a cloud, packed in 22 bytes as velodyne_pointcloud has it: [m], received power, layer
from the lowest up, [s] after the first beam."""


class LayerScan(NamedTuple):
    """What B lidars with L layers of N beams measured."""

    ranges: NDArray[np.float32]
    """[m], shape (B, L, N), lowest layer first; REP-117 values."""
    intensities: NDArray[np.float32]
    """Received power, shape (B, L, N): 1 is what white paper returns at 1 m, 0 no return."""


class LayerLidar:
    """
    Scans in layers of B robots at once.

    Walls, boxes, cylinders and people have heights, and floor and ceiling are seen, as cameras
    see them. All layers of a column are taken at one time. A beam is as wide as it is high only
    along its layer: its rays are spread to the sides.
    """

    def __init__(self, spec: LidarSpec, points: PointsSpec, atlas: MapAtlas, seed: int = 0,
                 effects: ScanEffects | None = None) -> None:
        """
        Prepare the beams.

        :param spec: beams, angles, ranges, mount, noise.
        :param points: layers and height.
        :param seed: of the noise; the same seed and calls give the same scans.
        :raises InputError: when settings do not go together, or the lidar is above a ceiling.
        """
        points.check()
        if len(spec.mount) != 3 or not spec.range_min < spec.range_max:
            raise InputError(f'lidar.mount = {list(spec.mount)} must be x, y [m], yaw [rad], and '
                             f'lidar.range_min = {spec.range_min} m below '
                             f'lidar.range_max = {spec.range_max} m')
        self.spec, self.points = spec, points
        self._echoes = Echoes.of(spec, atlas, effects or ScanEffects(), points)
        lowest = self._echoes.about.rooms[:, 0].min()
        if points.height >= lowest:
            raise InputError(f'points.height = {points.height} m must be below the walls of every '
                             f'scene, the lowest of which are {lowest:g} m high')
        self._atlas = atlas
        self._mount = np.array([spec.mount], np.float64)
        self._key = np.random.SeedSequence([13, seed]).generate_state(1, np.uint64).view(np.uint64)

    def scan(
        self,
        base_pose: FloatArray,
        map_index: NDArray[np.integer],
        actors: FloatArray | None = None,
        velocity: FloatArray | None = None,
    ) -> LayerScan:
        """
        Scan from B robots.

        :param base_pose: x, y [m], yaw [rad] of base_link in `map` at the first beam, (B, 3).
        :param map_index: which map of the atlas each robot is in, shape (B,).
        :param actors: x, y, vx, vy, radius of people in `map`, shape (B, A, 5), or None.
        :param velocity: vx, vy [m/s], wz [rad/s] in base_link, shape (B, 3); None: at rest.
        :raises InputError: when shapes do not fit or numbers are not finite.
        """
        poses = np.ascontiguousarray(base_pose, np.float64)
        batch = len(poses)
        discs = (np.zeros((batch, 0, 5)) if actors is None
                 else np.ascontiguousarray(actors, np.float64))
        if poses.shape != (batch, 3) or discs.ndim != 3 or discs.shape[::2] != (batch, 5):
            raise InputError(
                f'base_pose has shape {poses.shape} and actors {discs.shape}; '
                f'they must be ({batch}, 3) and ({batch}, A, 5)')
        shape = (batch, self.points.layers, self.spec.beams)
        out = LayerScan(np.empty(shape, np.float32), np.empty(shape, np.float32))
        self._echoes.measure(poses, self._atlas.indices(map_index, batch), self._mount, velocity,
                             discs, self._key, *out)
        return out


class CloudMaker:
    """Turns ranges of one lidar into points in its frame: x ahead, y left, z up."""

    def __init__(self, spec: LidarSpec, points: PointsSpec) -> None:
        self._ways = directions(spec, points)
        self._organised = points.organised
        self._cloud = np.zeros(self._ways.shape[:2], POINT)
        self._cloud['ring'] = np.arange(points.layers)[:, None]
        self._cloud['time'] = beam_times(spec)

    def make(self, ranges: NDArray[np.float32],
             intensities: NDArray[np.float32]) -> NDArray[np.void]:
        """
        Make the points.

        :param ranges: [m], shape (L, N); what is not finite is no return.
        :param intensities: shape (L, N).
        :return: of `POINT`; shape (L, N) with NaN coordinates where nothing returned, where the
            settings say `organised`, else the returns alone, layer by layer, shape (M,).
        """
        seen = np.isfinite(ranges)
        known = np.where(seen, ranges, np.nan)
        cloud = self._cloud
        for k, axis in enumerate('xyz'):
            np.multiply(self._ways[..., k], known, out=cloud[axis])
        cloud['intensity'] = np.where(seen, intensities, 0.0)
        return cloud if self._organised else cloud[seen]


def directions(spec: LidarSpec, points: PointsSpec) -> NDArray[np.float32]:
    """
    Say where the beams point.

    :return: unit vectors in the frame of the lidar, shape (L, N, 3).
    """
    up, around = np.meshgrid(points.elevations, spec.angles, indexing='ij')
    flat = np.cos(up)
    return np.stack((flat * np.cos(around), flat * np.sin(around), np.sin(up)),
                    axis=-1).astype(np.float32)


def beam_times(spec: LidarSpec) -> NDArray[np.float32]:
    """Return the times of the beams after the first [s], shape (N,)."""
    return (time_increment(spec) * np.arange(spec.beams)).astype(np.float32)
