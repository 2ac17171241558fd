"""What a camera is: its optics, mount and flaws. Numpy alone, so that nodes may read it."""

from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.settings import setting

LABELS = ('sky', 'floor', 'wall', 'line', 'box', 'cylinder', 'person')
"""Names of the segmentation's values 0 to 6; 'sky' is also the ceiling."""
SKY, FLOOR, WALL, LINE, BOX, CYLINDER, PERSON = range(7)


@dataclass(frozen=True)
class CameraOptics:
    """What a frame depends on: optics, mount and flaws."""

    width: int = setting(320, 'Columns of the image.', unit='px', low=8, high=8192)
    height: int = setting(240, 'Rows of the image.', unit='px', low=8, high=8192)
    horizontal_fov: float = setting(
        1.2, 'Angle between the outer edges of the middle row, before distortion.',
        unit='rad', low=0.05, high=2.6)
    mount: tuple[float, ...] = setting(
        (0.18, 0.0, 0.35), 'Place of the camera in base_link: x, y, z above the floor.',
        unit='m', low=-10.0, high=10.0)
    yaw: float = setting(0.0, 'Turn of the camera to the left.', unit='rad', low=-3.2, high=3.2)
    pitch: float = setting(
        0.0, 'Tilt of the camera, down positive.', unit='rad', low=-1.2, high=1.2)
    distortion: tuple[float, ...] = setting(
        (0.0, 0.0, 0.0, 0.0, 0.0), 'Plumb-bob coefficients k1, k2, p1, p2, k3.',
        low=-10.0, high=10.0)
    supersample: int = setting(
        1, 'Colour samples a pixel along each side; smooths edges.', low=1, high=4)
    readout_time: float = setting(
        0.0, 'Time from the exposure of the first row to the last; 0: global shutter.',
        unit='s', low=0.0, high=0.2)
    exposure_time: float = setting(
        0.0, 'Time the shutter is open; smears the image while the robot turns.',
        unit='s', low=0.0, high=0.2)
    exposure: float = setting(1.0, 'Gain of brightness.', low=0.05, high=16.0)
    auto_exposure: float = setting(
        0.0, 'Share of the way to a middle brightness that the gain goes with each frame.',
        low=0.0, high=1.0)
    colour_gain: tuple[float, ...] = setting(
        (1.0, 1.0, 1.0), 'Gain of red, green and blue: what a wrong white balance leaves.',
        low=0.1, high=4.0)
    blur: float = setting(
        0.0, 'Standard deviation of the blur of the lens.', unit='px', low=0.0, high=20.0)
    vignette: float = setting(
        0.0, 'Loss of brightness in the corners.', low=0.0, high=1.0)
    read_noise: float = setting(
        0.0, 'Standard deviation of noise in the dark, of 255.', low=0.0, high=100.0)
    shot_noise: float = setting(
        0.0, 'Standard deviation of photon noise at full brightness, of 255.',
        low=0.0, high=100.0)
    depth_min: float = setting(
        0.2, 'Nearest depth measured.', unit='m', low=0.0, high=10.0)
    depth_max: float = setting(
        12.0, 'Farthest depth measured.', unit='m', low=0.5, high=1000.0)
    depth_noise: float = setting(
        0.0, 'Standard deviation of depth at 1 m; grows with its square, as stereo has it.',
        unit='m', low=0.0, high=1.0)
    depth_dropout: float = setting(
        0.0, 'Chance that a pixel has no depth.', low=0.0, high=1.0)


@dataclass(frozen=True)
class CameraSpec(CameraOptics):
    """A pinhole or plumb-bob camera with depth, and where it is mounted."""

    rate: float = setting(30.0, 'Frames a second.', unit='Hz', low=0.1, high=500.0)

    @property
    def focal(self) -> float:
        """Focal length [px], the same along both axes."""
        return 0.5 * self.width / math.tan(0.5 * self.horizontal_fov)

    @property
    def matrix(self) -> NDArray[np.float64]:
        """Intrinsic matrix K, shape (3, 3); pixel (0, 0) is centred at u = v = 0."""
        f = self.focal
        return np.array([[f, 0.0, 0.5 * (self.width - 1)], [0.0, f, 0.5 * (self.height - 1)],
                         [0.0, 0.0, 1.0]])

    @property
    def projection(self) -> NDArray[np.float64]:
        """Projection matrix P of the rectified image, shape (3, 4); R is the identity."""
        return np.hstack((self.matrix, np.zeros((3, 1))))

    def check(self) -> None:
        """
        Check what single ranges cannot tell.

        :raises InputError: when settings do not go together.
        """
        if len(self.mount) != 3:
            raise InputError(f'camera.mount = {list(self.mount)} must be x, y, z [m]')
        if not self.mount[2] > 0.0:
            raise InputError(f'camera.mount: z = {self.mount[2]} m must be above the floor')
        if len(self.distortion) != 5:
            raise InputError(f'camera.distortion = {list(self.distortion)} must be k1, k2, p1, '
                             'p2, k3')
        if len(self.colour_gain) != 3:
            raise InputError(f'camera.colour_gain = {list(self.colour_gain)} must be red, green, '
                             'blue')
        if not self.depth_min < self.depth_max:
            raise InputError(f'camera.depth_min = {self.depth_min} m must be below '
                             f'camera.depth_max = {self.depth_max} m')

    def optical_in_base(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """
        Pose of `camera_optical` (REP-103: z ahead, x right, y down) in base_link.

        :return: rotation, shape (3, 3), whose columns are the optical axes; position (3,) [m].
        """
        cp, sp = math.cos(self.pitch), math.sin(self.pitch)
        cy, sy = math.cos(self.yaw), math.sin(self.yaw)
        ahead, right = np.array([cy, sy, 0.0]), np.array([sy, -cy, 0.0])
        up = np.array([0.0, 0.0, 1.0])
        rotation = np.stack((right, -cp * up - sp * ahead, cp * ahead - sp * up), axis=1)
        return rotation, np.array(self.mount, float)
