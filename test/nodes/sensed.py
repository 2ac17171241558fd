"""What camera, lidar and odometry of a robot before a dock give, made by hand; no simulation."""

import numpy as np

from synth_nodes.tasks.dock_marker import DockSpec
from synth_nodes.types import LidarSpec

DOCK, LIDAR = DockSpec(), LidarSpec()
IMAGE = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)


def marker_scan(way, bright=True):
    """
    Scan a dock straight ahead, and nothing else.

    :param way: left to drive [m]; bright: whether there is foil on it.
    :return: ranges [m] and intensities, each of shape (360,).
    """
    face = way + DOCK.standoff
    angles = np.asarray(LIDAR.angles)
    across = face * np.tan(np.where(np.abs(angles) < 1.5, angles, 1.5))
    hit = (np.abs(angles) < 1.5) & (np.abs(across) < DOCK.width / 2)
    ranges = np.where(hit, face / np.cos(np.where(hit, angles, 0.0)), np.inf)
    foil = hit & (np.abs(np.abs(across) - DOCK.spacing / 2) < DOCK.strip / 2) & bright
    power = np.where(foil, 50.0, 0.5) / np.where(hit, ranges, 1.0) ** 2
    return ranges.astype(np.float32), np.where(hit, power, 0.0).astype(np.float32)
