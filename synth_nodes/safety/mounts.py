"""Where sensors sit on the robot: poses in base_link, in space, and in the plane for scans."""

from collections.abc import Sequence
from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError

Array = NDArray[np.float64]
TILT = 0.05
"""Largest tilt [rad] of a planar scan; beams that leave the plane further would lie."""


@dataclass(frozen=True)
class Mount:
    """Pose of a sensor in base_link."""

    rotation: Array
    """From the sensor's axes to base_link's, shape (3, 3)."""
    translation: Array
    """[m], shape (3,)."""

    def apply(self, points: Array) -> Array:
        """Carry points [m], shape (N, 3), from the sensor's frame to base_link."""
        return np.asarray(points @ self.rotation.T + self.translation)

    @property
    def planar(self) -> tuple[float, float, float, bool]:
        """
        The pose in the plane: x, y [m], yaw [rad], and whether the sensor hangs upside down.

        :raises InputError: where its plane is tilted by more than TILT.
        """
        up = float(self.rotation[2, 2])
        if abs(up) < math.cos(TILT):
            tilt = math.acos(min(abs(up), 1.0))
            raise InputError(f'its plane is tilted by {tilt:.2f} rad against that of base_link; '
                             f'a scan may be tilted by {TILT:g} rad at most')
        x, y, _ = (float(v) for v in self.translation)
        return x, y, math.atan2(self.rotation[1, 0], self.rotation[0, 0]), up < 0.0


def mount_of(pose: Sequence[float]) -> Mount:
    """
    Make a mount of x, y, z [m], roll, pitch, yaw [rad], turns about fixed axes in this order.

    Empty: base_link itself. This is the order of URDF and of static_transform_publisher.

    :raises InputError: unless it has six numbers, or none.
    """
    if len(pose) not in (0, 6):
        raise InputError(f"'mount' = {list(pose)} must be [x, y, z, roll, pitch, yaw]")
    x, y, z, roll, pitch, yaw = (float(v) for v in pose or (0.0,) * 6)
    (cr, sr), (cp, sp), (cy, sy) = ((math.cos(a), math.sin(a)) for a in (roll, pitch, yaw))
    rotation = np.array((
        (cy * cp, cy * sp * sr - sy * cr, cy * sp * cr + sy * sr),
        (sy * cp, sy * sp * sr + cy * cr, sy * sp * cr - cy * sr),
        (-sp, cp * sr, cp * cr)))
    return Mount(rotation, np.array((x, y, z)))


def mount_from_quaternion(translation: Sequence[float], quaternion: Sequence[float]) -> Mount:
    """
    Make a mount of a transform.

    :param translation: x, y, z [m].
    :param quaternion: x, y, z, w.
    :raises InputError: where the quaternion is not of unit length to 1 %.
    """
    x, y, z, w = (float(q) for q in quaternion)
    if not abs(x * x + y * y + z * z + w * w - 1.0) < 0.02:
        raise InputError(f'the quaternion ({x:g}, {y:g}, {z:g}, {w:g}) is not of unit length')
    rotation = np.array((
        (1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)),
        (2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)),
        (2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y))))
    return Mount(rotation, np.asarray(translation, float))
