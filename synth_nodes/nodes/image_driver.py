"""
The control loop of a policy that drives by camera: one command an image. No ROS.

Fails closed as :mod:`synth_nodes.nodes.driver` does.
"""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.nodes.driver import age_fault, Decision, drive_by, Policy, stop
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.tasks.observation import ObservationSpec


class ImageDriver:
    """Drives one robot by what its camera shows."""

    def __init__(self, policy: Policy, camera: CameraSpec, timeout: float) -> None:
        """
        Begin.

        :param policy: what decides; see :meth:`swap`.
        :param camera: size of its images.
        :param timeout: oldest image used [s].
        """
        self.policy = policy
        self._shape = (camera.height, camera.width, 3)
        self._timeout = timeout

    def swap(self, policy: Policy, observation: ObservationSpec) -> None:
        """Decide with another policy from now on; layouts of observations don't matter here."""
        self.policy = policy

    def decide(self, image: NDArray[np.generic], stamp: float, now: float) -> Decision:
        """
        Decide on a command, once an image.

        :param image: shape (H, W, 3), red first, 8 bits.
        :param stamp: of the image [s].
        :param now: present time on the same clock [s].
        """
        fault = age_fault('image', stamp, now, self._timeout) or image_fault(image, self._shape)
        if fault:
            return stop(fault)
        return drive_by(self.policy, {'image': image[None].astype(np.float32)},
                        'driving by camera')


def image_fault(image: NDArray[np.generic], shape: tuple[int, ...]) -> str:
    """Say why a policy that takes such a shape must not use an image; nothing where it may."""
    if image.shape != shape or image.dtype != np.uint8:
        return (f'the image is {image.dtype} {list(image.shape)}, but the policy takes rgb8 of '
                f'{list(shape)}')
    if image.max() == image.min():
        return 'the image is of one colour: the camera shows nothing'
    return ''
