"""The learned sensor of a lidar, loaded only where it is asked for: it needs torch."""

from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.nodes.parameters import LidarParameters
from synth_nodes.resources import share
from synth_nodes.types import LidarSpec


class ScanMaker(Protocol):
    """Turns ideal scans into real ones."""

    def scan(self, ideal: NDArray[np.float32]) -> NDArray[np.float32]:
        """Ranges [m], shape (N, beams), to ranges."""


def learned_sensor(settings: LidarParameters) -> ScanMaker | None:
    """
    Load the sensor that the parameters ask for.

    :return: None where they ask for none.
    :raises InputError: when torch is missing, the sensor is damaged, or its beams are much finer
        or coarser than the lidar's.
    """
    if settings.noise != 'learned':
        return None
    try:
        import torch

        from synth_nodes.generators.learned import load
    except ImportError as error:
        raise InputError(f"lidar_node: noise = 'learned' needs the package '{error.name}'; "
                         "install synth_nodes[learn], or use noise = 'model'") from None
    torch.set_num_threads(1)
    sensor = load(settings.learned_sensor or share('models'), settings.seed)
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
