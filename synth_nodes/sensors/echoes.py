"""Lidars with physical effects: scans of B robots, planar or in layers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.sensors.beam import echo_of, follow, Optics
from synth_nodes.sensors.marching import Beams
from synth_nodes.sensors.range_noise import Flaws, mixed, normal_of, spoil
from synth_nodes.sensors.rays import Ray
from synth_nodes.sensors.scan_motion import carried
from synth_nodes.sensors.scan_settings import PointsSpec, ScanEffects, time_increment
from synth_nodes.sensors.surfaces import Surroundings
from synth_nodes.types import FloatArray, LidarSpec
from synth_nodes.world.atlas import AtlasArrays, MapAtlas
from synth_nodes.world.chance import GOLDEN
from synth_nodes.world.jit import inline, kernel


@dataclass(frozen=True, eq=False)
class Echoes:
    """A lidar with effects, ready to measure."""

    atlas: MapAtlas
    about: Surroundings
    beams: Beams
    optics: Optics
    flaws: Flaws
    slopes: NDArray[np.float64]
    """Of the layers."""
    height: float
    """Of the origin of the rays [m]; not read where the scan is planar."""
    flat: bool
    """Whether heights do not count."""
    increment: float
    """Time from a beam to the next [s]; 0 where motion does not count."""

    @classmethod
    def of(cls, spec: LidarSpec, atlas: MapAtlas, effects: ScanEffects,
           points: PointsSpec | None = None) -> 'Echoes':
        """
        Prepare; about 0.1 s for each million cells.

        :param points: layers and height; None for a planar scan.
        """
        elevations = np.zeros(1) if points is None else points.elevations
        return cls(atlas, Surroundings.of(atlas), Beams.of(spec.angles), Optics.of(effects),
                   Flaws.of(spec), np.tan(elevations), 0.0 if points is None else points.height,
                   points is None, time_increment(spec) if effects.motion else 0.0)

    def measure(self, poses: NDArray[np.float64], index: NDArray[np.int64],
                mounts: NDArray[np.float64], velocity: FloatArray | None,
                actors: NDArray[np.float64], key: NDArray[np.uint64],
                ranges: NDArray[np.float32], powers: NDArray[np.float32]) -> None:
        """
        Measure; see :func:`echo_batch` for the shapes.

        :raises InputError: when velocity has not the shape of the poses or a number is not finite.
        """
        motion = (np.zeros((len(poses), 3)) if velocity is None
                  else np.ascontiguousarray(velocity, np.float64))
        if motion.shape != poses.shape:
            raise InputError(f'velocity has shape {motion.shape}; it must be {poses.shape}')
        for name, array in (('base_pose', poses), ('velocity', motion), ('actors', actors)):
            if not np.isfinite(array).all():
                raise InputError(f'{name} holds NaN or infinity; give finite numbers')
        echo_batch(self.atlas.arrays, self.about, index, poses, mounts, motion, self.increment,
                   self.beams, self.slopes, self.height, self.flat, self.optics, self.flaws,
                   actors, key, ranges, powers)


@kernel
def echo_batch(
    maps: AtlasArrays,
    about: Surroundings,
    map_index: NDArray[np.int64],
    poses: NDArray[np.float64],
    mounts: NDArray[np.float64],
    velocity: NDArray[np.float64],
    increment: float,
    beams: Beams,
    slopes: NDArray[np.float64],
    height: float,
    flat: bool,
    optics: Optics,
    flaws: Flaws,
    actors: NDArray[np.float64],
    key: NDArray[np.uint64],
    ranges: NDArray[np.float32],
    powers: NDArray[np.float32],
) -> None:
    """
    Measure; arrays are contiguous, their shapes fit and their numbers are finite.

    :param poses: of base_link in `map` at the first beam, shape (B, 3).
    :param mounts: of the sensors in base_link, shape (B, 3) or (1, 3).
    :param velocity: vx, vy [m/s], wz [rad/s] in base_link, shape (B, 3).
    :param increment: time from a beam to the next [s]; 0: all at once.
    :param slopes: of the layers, shape (L,); height: of the sensor [m]; flat: see `strike`.
    :param actors: x, y, vx, vy, radius at the first beam, shape (B, A, 5).
    :param key: of the noise, shape (1,); moves on.
    :param ranges: [m], shape (B, L, N), REP-117 values; powers: shape (B, L, N), 0 where there is
        no range.
    """
    ways, shares = np.empty(optics.offset.size), np.empty(optics.offset.size)
    moved = np.empty(actors.shape[1:])
    key[0] += GOLDEN
    for b in range(poses.shape[0]):
        own = mixed(mixed(key[0]) + np.uint64(b))
        mount = mounts[b if mounts.shape[0] > 1 else 0]
        for a in range(actors.shape[1]):
            for k in range(5):
                moved[a, k] = actors[b, a, k]
        for k in range(beams.angle.size):
            time = k * increment
            x, y, yaw = carried(poses[b, 0], poses[b, 1], poses[b, 2], velocity[b, 0],
                                velocity[b, 1], velocity[b, 2], time)
            for a in range(actors.shape[1]):
                moved[a, 0] = actors[b, a, 0] + time * actors[b, a, 2]
                moved[a, 1] = actors[b, a, 1] + time * actors[b, a, 3]
            c, s = np.cos(yaw), np.sin(yaw)
            x += c * mount[0] - s * mount[1]
            y += s * mount[0] + c * mount[1]
            bearing = yaw + mount[2] + beams.angle[k]
            for layer in range(slopes.size):
                draw = mixed(own + np.uint64(slopes.size * k + layer) * GOLDEN)
                for q in range(ways.size):
                    angle = bearing + optics.offset[q]
                    ray = Ray(x, y, height, np.cos(angle), np.sin(angle), slopes[layer])
                    ways[q], shares[q] = follow(
                        maps, about, map_index[b], ray, flaws.range_max, flat, moved, optics,
                        draw + np.uint64(q + 1))
                    shares[q] *= optics.weight[q]
                ranges[b, layer, k], powers[b, layer, k] = _measured(
                    ways, shares, optics, flaws, draw)
        for layer in range(slopes.size):
            spoil(ranges[b, layer], flaws, mixed(own + np.uint64(layer + 1)))
            _silence(ranges[b, layer], powers[b, layer])


@inline
def _measured(ways: NDArray[np.float64], shares: NDArray[np.float64], optics: Optics,
              flaws: Flaws, key: np.uint64) -> tuple[float, float]:
    """Find the echo, with speckle, and with noise that grows as the power falls."""
    gain = 1.0
    if optics.speckle > 0.0:
        # A mean of 1, whatever the spread.
        gain = np.exp(optics.speckle * (normal_of(flaws, mixed(key)) - 0.5 * optics.speckle))
    way, power = echo_of(ways, shares, optics, gain)
    if optics.noise > 0.0 and power > 0.0:
        way += optics.noise * optics.threshold / power * normal_of(flaws, mixed(key + GOLDEN))
    return way, power


@inline
def _silence(ranges: NDArray[np.float32], powers: NDArray[np.float32]) -> None:
    """Give beams without a range no intensity."""
    for k in range(ranges.size):
        if not np.isfinite(ranges[k]):
            powers[k] = 0.0
