"""What a robot docks by, any of which may be missing, and how poses of docks are spelled."""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.types import FloatArray

SENSES = {'camera': ('image',), 'lidar': ('scan', 'marker'), 'odometry': ('goal', 'velocity')}
"""Sensors in the order of `present`, with the inputs of a policy that come from each."""
FAR = 20.0
"""What bounds coordinates of docks in base_link [m]."""
MEMORY = 2.0
"""Age from which a sighting of a marker grows no older [s]."""


def spelled(pose: FloatArray) -> NDArray[np.float64]:
    """From x, y [m], yaw [rad] of docks (B, 3) to x, y, sine, cosine (B, 4)."""
    x, y, yaw = pose.T
    return np.column_stack((np.clip(x, -FAR, FAR), np.clip(y, -FAR, FAR), np.sin(yaw),
                            np.cos(yaw)))
