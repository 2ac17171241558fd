"""
Faults that change values: bias, false returns, a blind sector, all full scale, all NaN.

They work on named arrays; a :class:`Channel` says what an array is to them. Arrays without a
channel, such as covariances and true labels, pass as they are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.sensors.fault_settings import FaultSettings
from synth_nodes.types import LidarSpec

Values = NDArray[np.generic]
GYRO_SCALE = 35.0
"""Full scale of a common gyroscope: 2000 deg/s [rad/s]."""
ACCEL_SCALE = 157.0
"""Full scale of a common accelerometer: 16 g [m/s^2]."""
SPEED_SCALE = 10.0
"""Full scale of wheel speeds [m/s, rad/s]."""
PLACE_SCALE = 1000.0
"""Full scale of a position in `odom` [m]."""
_AXES = np.array([0.0, np.pi / 2, np.nan])


@dataclass(frozen=True, eq=False)
class Channel:
    """What an array of values is to a fault. Where shapes differ, they broadcast."""

    high: ArrayLike
    """Full scale."""
    low: ArrayLike
    """Its lower end."""
    gain: float = 1.0
    """Part of the bias that is added; 0 for what integrates others."""
    under: float | None = None
    """What stands for less than `low` after a bias; None: `low`."""
    over: float | None = None
    """What stands for more than `high` after a bias; None: `high`."""
    nearer: bool = False
    """Whether false values lie between `low` and the true one, as of rain in a beam."""
    bearings: NDArray[np.float64] | None = None
    """Directions [rad] along the last axis of an array, the second of an image; NaN: none."""


def scan_channels(lidar: LidarSpec) -> dict[str, Channel]:
    """
    Channels of `ranges` [m], shape (N,), and of `layers`, shape (L, N).

    Intensities have none: they belong to the returns, false or not.
    """
    ranges = Channel(lidar.range_max, lidar.range_min, under=-np.inf, over=np.inf,
                     nearer=True, bearings=lidar.angles)
    return {'ranges': ranges, 'layers': ranges}


def imu_channels() -> dict[str, Channel]:
    """Channels of `angular_velocity`, `linear_acceleration`, shape (3,), `yaw`, shape (1,)."""
    return {
        'angular_velocity': Channel(GYRO_SCALE, -GYRO_SCALE),
        'linear_acceleration': Channel(ACCEL_SCALE, -ACCEL_SCALE, bearings=_AXES),
        'yaw': Channel(np.pi, -np.pi, gain=0.0)}


def odometry_channels() -> dict[str, Channel]:
    """Channels of `pose` x, y, yaw and `velocity` vx, vy, wz, shape (3,)."""
    place = np.array((PLACE_SCALE, PLACE_SCALE, np.pi))
    return {'pose': Channel(place, -place, gain=0.0),
            'velocity': Channel(SPEED_SCALE, -SPEED_SCALE, bearings=_AXES)}


def image_channels(camera: CameraSpec) -> dict[str, Channel]:
    """
    Channels of `rgb`, shape (H, W, 3), and `depth`, shape (H, W).

    Directions are those of the columns of the middle row, lens distortion not counted.
    """
    columns = (np.arange(camera.width) - camera.matrix[0, 2]) / camera.focal
    bearings = -np.arctan(columns)
    return {
        'rgb': Channel(255, 0, gain=255.0, bearings=bearings),
        'depth': Channel(camera.depth_max, camera.depth_min, under=-np.inf, over=np.inf,
                         nearer=True, bearings=bearings)}


def spoil_values(arrays: Mapping[str, Values], channels: Mapping[str, Channel],
                 settings: FaultSettings, rng: np.random.Generator) -> dict[str, Values]:
    """
    Apply bias, false returns, blind sector, full scale and NaN, in this order.

    :param arrays: values by name; they are not written to.
    :param channels: what they are, by name.
    :param rng: draws the false returns.
    :return: new arrays where there is a channel, the same ones elsewhere.
    """
    return {name: _spoiled(values, channels[name], settings, rng) if name in channels else values
            for name, values in arrays.items()}


def _spoiled(values: Values, channel: Channel, settings: FaultSettings,
             rng: np.random.Generator) -> Values:
    # Wide enough for NaN and for sums; a byte comes back in the end.
    wide = np.array(values, np.float32 if values.dtype.itemsize < 8 else np.float64)
    if settings.bias and channel.gain:
        _add(wide, channel, settings.bias * channel.gain)
    if settings.false_returns:
        _rain(wide, channel, settings.false_returns, rng)
    if settings.blind_width and channel.bearings is not None:
        reads = {'nan': np.nan, 'inf': np.inf, 'zero': 0.0}[settings.blind_reads]
        hidden = in_sector(channel.bearings, settings.blind_centre, settings.blind_width)
        wide[(slice(None), hidden) if wide.ndim > 1 else (hidden,)] = reads
    if settings.all_max:
        wide[...] = channel.high
    if settings.all_nan:
        wide[...] = np.nan
    if values.dtype == np.uint8:
        wide = np.clip(np.rint(np.nan_to_num(wide, nan=0.0)), 0, 255)
    return wide.astype(values.dtype)


def in_sector(bearings: NDArray[np.float64], centre: float, width: float) -> NDArray[np.bool_]:
    """Which directions [rad] lie within a sector, its edges included; NaN never does."""
    off = np.abs(np.mod(bearings - centre + np.pi, 2 * np.pi) - np.pi)
    return np.asarray(off <= 0.5 * width)


def _add(wide: NDArray[np.floating], channel: Channel, bias: float) -> None:
    """Add a bias to what is finite and keep it in scale, in place."""
    low, high = np.asarray(channel.low), np.asarray(channel.high)
    finite = np.isfinite(wide)
    total = wide + bias
    under = low if channel.under is None else channel.under
    over = high if channel.over is None else channel.over
    kept = np.where(total < low, under, np.where(total > high, over, total))
    wide[...] = np.where(finite, kept, wide)


def _rain(wide: NDArray[np.floating], channel: Channel, chance: float,
          rng: np.random.Generator) -> None:
    """Replace values by false ones, in place; a pixel of an image as a whole."""
    cells = wide.shape[:2]
    hit = (rng.random(cells) < chance).reshape(cells + (1,) * (wide.ndim - len(cells)))
    low, high = np.asarray(channel.low, float), np.asarray(channel.high, float)
    top = np.maximum(np.fmin(wide, high), low) if channel.nearer else high
    wide[...] = np.where(hit, low + (top - low) * rng.random(wide.shape), wide)
