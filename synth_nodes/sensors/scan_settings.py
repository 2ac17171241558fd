"""What a real lidar adds to ideal rays, and its layers. Numpy alone, so that nodes may read it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.settings import setting
from synth_nodes.types import LidarSpec

ECHOES = ('first', 'strongest', 'last')


@dataclass(frozen=True)
class ScanEffects:
    """Physical effects on the beams of a lidar, all off by default; see `docs/sensors.md`."""

    motion: bool = setting(
        False, 'Take each beam from where the robot is at its own time within the sweep.')
    divergence: float = setting(
        0.0, 'Full angle of a beam, where its intensity has fallen to 1 / e^2; 0: a line.',
        unit='rad', low=0.0, high=0.1)
    sub_beams: int = setting(
        5, 'Rays that stand for a beam that has a width.', low=2, high=64)
    pulse_length: float = setting(
        0.5, 'Difference in range up to which two surfaces in one beam melt into one echo.',
        unit='m', low=0.0, high=10.0)
    echo: str = setting(
        'strongest', 'Which echo of a beam is its range.', choices=ECHOES)
    surfaces: bool = setting(
        False, 'Received power: dropouts by range, incidence and material, glass, mirrors, '
        'intensities.')
    black_range: float = setting(
        10.0, 'Farthest range at which a surface that reflects 10 % is seen straight on.',
        unit='m', low=0.1, high=500.0)
    glass_angle: float = setting(
        0.12, 'Incidence up to which a pane of glass is seen itself.',
        unit='rad', low=0.0, high=1.5)
    speckle: float = setting(
        0.1, 'Standard deviation of the logarithm of the received power.', low=0.0, high=2.0)
    power_noise: float = setting(
        0.0, 'Standard deviation of further range noise at the weakest power that is detected; '
        'it falls as the power grows.', unit='m', low=0.0, high=1.0)

    @property
    def active(self) -> bool:
        """Whether any of them is on."""
        return self.motion or self.divergence > 0.0 or self.surfaces

    @property
    def threshold(self) -> float:
        """Weakest power that is detected, as a share of that of white paper at 1 m."""
        return 0.1 / self.black_range ** 2 if self.surfaces else 0.0


@dataclass(frozen=True)
class PointsSpec:
    """Layers of a lidar that scans in several elevations; all else is as in `LidarSpec`."""

    layers: int = setting(
        1, 'Layers; with more than one, a cloud of points is published.', low=1, high=512)
    elevation_min: float = setting(
        -0.2618, 'Elevation of the lowest layer.', unit='rad', low=-1.4, high=1.4)
    elevation_max: float = setting(
        0.2618, 'Elevation of the highest layer.', unit='rad', low=-1.4, high=1.4)
    height: float = setting(
        0.5, 'Height of the origin of the rays above the floor.', unit='m', low=0.01, high=20.0)
    organised: bool = setting(
        False, 'Keep beams without a return as NaN, in an image of layers by beams.')

    @property
    def elevations(self) -> NDArray[np.float64]:
        """Of the layers [rad], shape (layers,), increasing; a single layer is level."""
        if self.layers == 1:
            return np.zeros(1)
        return np.linspace(self.elevation_min, self.elevation_max, self.layers)

    def check(self) -> None:
        """
        Check what single ranges cannot tell.

        :raises InputError: when the layers do not go up.
        """
        if self.layers > 1 and not self.elevation_min < self.elevation_max:
            raise InputError(
                f'points.elevation_min = {self.elevation_min} rad must be below '
                f'points.elevation_max = {self.elevation_max} rad')


def time_increment(spec: LidarSpec) -> float:
    """Time [s] from a beam to the next of a scanner that turns `rate` times a second."""
    return spec.angle_increment / (2.0 * np.pi * spec.rate)
