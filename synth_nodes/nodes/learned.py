"""Learned sensors, loaded only where they are asked for."""

from dataclasses import replace
from typing import Protocol, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.nodes.parameters import CameraParameters, LidarParameters
from synth_nodes.resources import share
from synth_nodes.types import LidarSpec

if TYPE_CHECKING:
    from synth_nodes.infer.camera import CameraSession


OTHERWISE = 'set learned_ungated to true'
"""How a node is told to use a sensor that failed its quality gate."""


class ScanMaker(Protocol):
    """Turns ideal scans into real ones."""

    step: float
    """Angle between the beams that it learned from [rad]."""

    def scan(self, ideal: NDArray[np.float32]) -> NDArray[np.float32]:
        """Ranges [m], shape (N, beams), to ranges."""


def learned_sensor(settings: LidarParameters) -> ScanMaker | None:
    """
    Load the sensor that the parameters ask for.

    :return: None where they ask for none.
    :raises InputError: when the sensor is damaged, failed its quality gate, or its beams are much
        finer or coarser than the lidar's.
    """
    if settings.noise != 'learned':
        return None
    from synth_nodes.infer.learned_lidar import load_sampler

    sensor = load_sampler(settings.learned_sensor or share('models'), settings.seed,
                          ungated=settings.learned_ungated, otherwise=OTHERWISE)
    step = settings.lidar.angle_increment
    if not 0.4 < step / sensor.step < 2.5:
        raise InputError(
            f'lidar_node: beams {np.degrees(step):.2f} deg apart cannot take the noise learned '
            f'from beams {np.degrees(sensor.step):.2f} deg apart; change lidar.beams, or learn '
            'from a sensor more like it')
    return sensor


def ideal(lidar: LidarSpec) -> LidarSpec:
    """Take the noise out of a lidar's settings: what is learned takes its place."""
    return replace(lidar, noise_std=0.0, noise_slope=0.0, dropout=0.0)


def learned_camera(settings: CameraParameters) -> 'CameraSession | None':
    """
    Load the learned camera that the parameters ask for.

    :return: None where they ask for none.
    :raises InputError: when it is damaged, failed its quality gate, or learned from cameras unlike
        this one.
    """
    if settings.noise != 'learned':
        return None
    from synth_nodes.infer.camera import load_camera

    session = load_camera(settings.learned_sensor, settings.seed,
                          ungated=settings.learned_ungated, otherwise=OTHERWISE)
    camera = settings.camera
    try:
        session.card.check_camera(camera.width, camera.height, camera.horizontal_fov)
    except InputError as error:
        raise InputError(f"camera_node: noise = 'learned': {error}") from None
    return session
