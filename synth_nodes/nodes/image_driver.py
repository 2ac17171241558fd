"""
The control loop of a policy that drives by camera: one command an image. No ROS.

Fails closed as :mod:`synth_nodes.nodes.driver` does.
"""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.nodes.driver import age_fault, Decision, Policy, stop
from synth_nodes.sensors.camera_spec import CameraSpec


class ImageDriver:
    """Drives one robot by what its camera shows."""

    def __init__(self, policy: Policy, camera: CameraSpec, timeout: float) -> None:
        """
        Begin.

        :param policy: what decides; it may be exchanged for another between two decisions.
        :param camera: size of its images.
        :param timeout: oldest image used [s].
        """
        self.policy = policy
        self._shape = (camera.height, camera.width, 3)
        self._timeout = timeout

    def decide(self, image: NDArray[np.generic], stamp: float, now: float) -> Decision:
        """
        Decide on a command, once an image.

        :param image: shape (H, W, 3), red first, 8 bits.
        :param stamp: of the image [s].
        :param now: present time on the same clock [s].
        """
        fault = age_fault('image', stamp, now, self._timeout)
        if fault:
            return stop(fault)
        if image.shape != self._shape or image.dtype != np.uint8:
            return stop(f'the image is {image.dtype} {list(image.shape)}, but the policy takes '
                        f'rgb8 of {list(self._shape)}')
        if image.max() == image.min():
            return stop('the image is of one colour: the camera shows nothing')
        output = self.policy.act({'image': image[None].astype(np.float32)})
        if output.shape != (1, 2) or not np.isfinite(output).all():
            return stop(f'the policy gave {output.tolist()}, not one finite command')
        command = np.array((float(output[0, 0]), 0.0, float(output[0, 1])))
        return Decision(command, 'driving', 'driving by camera')
