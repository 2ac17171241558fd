"""
A planar scanning lidar: ideal ranges, then mount, noise, dropouts and REP-117 values.

Physical effects (motion, width of the beams, materials) are measured by `sensors.echoes` instead
where they are asked for; without them they cost nothing.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.sensors.cast import Beams, cast, cast_one
from synth_nodes.sensors.echoes import Echoes
from synth_nodes.sensors.marching import new_front
from synth_nodes.sensors.range_noise import Flaws, mixed, spoil
from synth_nodes.sensors.scan_settings import ScanEffects
from synth_nodes.types import FloatArray, LidarSpec
from synth_nodes.world.atlas import AtlasArrays, MapAtlas
from synth_nodes.world.chance import GOLDEN
from synth_nodes.world.jit import kernel

__all__ = ['Lidar', 'cast']
BAD_MAP, BAD_POSE = 1, 2


class Parts(NamedTuple):
    """All that a plain lidar is made of, for another back end to go on with."""

    atlas: MapAtlas
    flaws: Flaws
    key: NDArray[np.uint64]
    """Of the noise, shape (1,)."""
    plain: bool
    """Whether it has no physical effects."""


class Lidar:
    """Scans of B robots at once, with the same lidar on each."""

    def __init__(self, spec: LidarSpec, atlas: MapAtlas, seed: int = 0,
                 effects: ScanEffects | None = None) -> None:
        """
        Prepare the beams.

        :param effects: physical effects; None for none.
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
        self._flaws = Flaws.of(spec)
        self._echoes = Echoes.of(spec, atlas, effects) if effects and effects.active else None
        self._mount = np.array(spec.mount, np.float64)
        self._key = np.random.SeedSequence([11, seed]).generate_state(1, np.uint64).view(np.uint64)

    @property
    def parts(self) -> Parts:
        """Its tables and its state, not copied."""
        return Parts(self._atlas, self._flaws, self._key, self._echoes is None)

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
        mount_offset: FloatArray | None = None,
        velocity: FloatArray | None = None,
        intensities: NDArray[np.float32] | None = None,
        ideal: NDArray[np.float32] | None = None,
    ) -> NDArray[np.float32]:
        """
        Scan from B robots.

        Ranges as REP-117 has them: inf for nothing seen, -inf for something nearer than range_min.

        :param base_pose: x, y [m], yaw [rad] of base_link in `map`, shape (B, 3).
        :param map_index: which map of the atlas each robot is in, shape (B,).
        :param actors: x, y, vx, vy, radius of discs in `map`, shape (B, A, 5), or None.
        :param out: where to write, shape (B, beams) float32; a new array when None.
        :param mount_offset: x, y [m], yaw [rad] in base_link that each robot's mount is off the
            one in the settings, shape (B, 3); None for nothing.
        :param velocity: vx, vy [m/s], wz [rad/s] in base_link, shape (B, 3), None: at rest; it
            counts, as that of actors does, where `effects.motion` is on. The pose is that at the
            time of the first beam.
        :param intensities: where to write received power, shape (B, beams) float32: 1 is what
            white paper returns at 1 m, 0 no return. Needs effects.
        :param ideal: where to write the ranges before noise, as :func:`cast` gives them, shape
            (B, beams) float32; a lidar with effects has none.
        :return: [m], shape (B, beams).
        :raises InputError: when shapes do not fit or a pose is not finite.
        """
        poses = np.ascontiguousarray(base_pose, np.float64)
        batch = len(poses)
        discs = (np.zeros((batch, 0, 5)) if actors is None
                 else np.ascontiguousarray(actors, np.float64))
        offset = (np.zeros((1, 3)) if mount_offset is None
                  else np.ascontiguousarray(mount_offset, np.float64))
        ranges = np.empty((batch, self.spec.beams), np.float32) if out is None else out
        self._check(poses, discs, offset, mount_offset is not None, ranges, intensities, ideal)
        if self._echoes is not None:
            powers = np.empty_like(ranges) if intensities is None else intensities
            self._echoes.measure(
                poses, self._atlas.indices(map_index, batch), self._mount + offset, velocity,
                discs, self._key, ranges[:, None], powers[:, None])
            return ranges
        index = (map_index.view(np.int64) if _plain(map_index, batch)
                 else self._atlas.indices(map_index, batch))
        wrong = scan_batch(self._atlas.arrays, index, poses, self._mount, offset, self._beams,
                           self._flaws, discs, self._key, ranges,
                           ranges[:0] if ideal is None else ideal)
        if wrong == BAD_MAP:
            self._atlas.indices(map_index, batch)
        if wrong == BAD_POSE:
            raise InputError('base_pose holds NaN or infinity; give finite x, y, yaw')
        return ranges

    def _check(self, poses: NDArray[np.float64], discs: NDArray[np.float64],
               offset: NDArray[np.float64], own: bool, ranges: NDArray[np.float32],
               intensities: NDArray[np.float32] | None,
               ideal: NDArray[np.float32] | None) -> None:
        batch = len(poses)
        if poses.shape != (batch, 3) or discs.ndim != 3 or discs.shape[::2] != (batch, 5):
            raise InputError(
                f'base_pose has shape {poses.shape} and actors {discs.shape}; '
                f'they must be ({batch}, 3) and ({batch}, A, 5)')
        if own and offset.shape != (batch, 3):
            raise InputError(f'mount_offset has shape {offset.shape}; it must be ({batch}, 3)')
        if ranges.shape != (batch, self.spec.beams) or ranges.dtype != np.float32:
            raise InputError(f'out must be float32 of shape ({batch}, {self.spec.beams}), not '
                             f'{ranges.dtype} of shape {ranges.shape}')
        if intensities is not None and (self._echoes is None or intensities.shape != ranges.shape
                                        or intensities.dtype != np.float32):
            raise InputError('intensities must be float32 of the shape of the ranges, and the '
                             'lidar needs effects, such as ScanEffects(surfaces=True)')
        if ideal is not None and (self._echoes is not None or ideal.shape != ranges.shape
                                  or ideal.dtype != np.float32):
            raise InputError('ideal must be float32 of the shape of the ranges, and the lidar '
                             'without effects')


def _plain(index: NDArray[np.integer], batch: int) -> bool:
    """Tell whether a map index can go to the kernel as it is; that checks its values."""
    return (isinstance(index, np.ndarray) and index.dtype == np.int64 and index.shape == (batch,)
            and index.flags.c_contiguous)


@kernel
def scan_batch(
    maps: AtlasArrays,
    map_index: NDArray[np.int64],
    poses: NDArray[np.float64],
    mount: NDArray[np.float64],
    offset: NDArray[np.float64],
    beams: Beams,
    flaws: Flaws,
    discs: NDArray[np.float64],
    key: NDArray[np.uint64],
    out: NDArray[np.float32],
    ideal: NDArray[np.float32],
) -> int:
    """
    Do the work of :meth:`Lidar.scan`.

    :param mount: of all, shape (3,); offset: shape (B, 3), or (1, 3) for all the same.
    :param key: of the noise, shape (1,); moves on.
    :param ideal: as `out`, or of length 0 where nobody asks for it.
    :return: 0, or BAD_MAP or BAD_POSE, and then nothing is done.
    """
    for b in range(poses.shape[0]):
        if not 0 <= map_index[b] < maps.shape.shape[0]:
            return BAD_MAP
        if not np.isfinite(poses[b, 0] + poses[b, 1] + poses[b, 2]):
            return BAD_POSE
    front = new_front()
    depth = np.empty(beams.angle.size)
    flat = maps.jump.ravel()
    key[0] += GOLDEN
    for b in range(poses.shape[0]):
        own = offset[b if offset.shape[0] > 1 else 0]
        ahead, left = mount[0] + own[0], mount[1] + own[1]
        c, s = np.cos(poses[b, 2]), np.sin(poses[b, 2])
        cast_one(maps, flat, map_index[b], poses[b, 0] + c * ahead - s * left,
                 poses[b, 1] + s * ahead + c * left, poses[b, 2] + mount[2] + own[2], beams,
                 flaws.range_max, discs[b], front, depth, out[b])
        if ideal.shape[0] > 0:
            ideal[b] = out[b]
        spoil(out[b], flaws, mixed(mixed(key[0]) + np.uint64(b)))
    return 0
