"""Where a lidar is at the time of each of its beams, while the robot drives on."""

import numpy as np

from synth_nodes.world.jit import inline


@inline
def carried(x: float, y: float, yaw: float, vx: float, vy: float, wz: float,
            time: float) -> tuple[float, float, float]:
    """
    Carry a pose on at a constant twist: the exact arc, by its chord.

    :param vx: in base_link [m/s]; vy: the same; wz: [rad/s]; time: [s].
    :return: x, y, yaw.
    """
    half = 0.5 * wz * time
    chord = np.sin(half) / half * time if half != 0.0 else time
    c, s = np.cos(yaw + half), np.sin(yaw + half)
    return (x + chord * (c * vx - s * vy), y + chord * (s * vx + c * vy), yaw + 2.0 * half)
