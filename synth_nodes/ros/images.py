"""Camera images and calibrations as messages, filled without a Python list in between."""

from array import array

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image

from synth_nodes.errors import InputError
from synth_nodes.sensors.camera_spec import CameraSpec

ENCODINGS = {'rgb8': (np.uint8, 3), '32FC1': (np.float32, 1), 'mono8': (np.uint8, 1)}
"""Element type and channels of the encodings used here (sensor_msgs/image_encodings.hpp)."""


def new_image(spec: CameraSpec, encoding: str, frame_id: str) -> Image:
    """Make an image message with everything but stamp and pixels."""
    kind, channels = ENCODINGS[encoding]
    message = Image(
        height=int(spec.height), width=int(spec.width), encoding=encoding, is_bigendian=0,
        step=int(spec.width * channels * np.dtype(kind).itemsize))
    message.header.frame_id = frame_id
    return message


def set_pixels(message: Image, pixels: NDArray[np.generic]) -> None:
    """Fill the pixels, shape (H, W) or (H, W, channels), of the encoding's type."""
    data = array('B')
    data.frombytes(np.ascontiguousarray(pixels).reshape(-1).view(np.uint8).data)
    message.data = data


def pixels_of(message: Image) -> NDArray[np.generic]:
    """
    Pixels, shape (H, W) or (H, W, channels): a view of the message.

    :raises InputError: when it has another encoding, or more or fewer bytes than its size says.
    """
    if message.encoding not in ENCODINGS:
        raise InputError(f"the image is encoded as '{message.encoding}', but one of "
                         f'{", ".join(ENCODINGS)} is wanted; have the camera publish that')
    kind, channels = ENCODINGS[message.encoding]
    shape = (message.height, message.width) + ((channels,) if channels > 1 else ())
    wanted = int(np.prod(shape)) * np.dtype(kind).itemsize
    if len(message.data) != wanted:
        raise InputError(f'the image has {len(message.data)} bytes, but {wanted} make '
                         f'{message.width} x {message.height} of {message.encoding}; rows must '
                         'follow one another without padding')
    return np.frombuffer(message.data, kind).reshape(shape)


def new_camera_info(spec: CameraSpec, frame_id: str) -> CameraInfo:
    """Make the calibration of a camera: K, D, R and P that project points as its images do."""
    message = CameraInfo(
        height=int(spec.height), width=int(spec.width), distortion_model='plumb_bob')
    message.header.frame_id = frame_id
    message.d = array('d', [float(v) for v in spec.distortion])
    message.k = [float(v) for v in spec.matrix.ravel()]
    message.r = [float(v) for v in np.eye(3).ravel()]
    message.p = [float(v) for v in spec.projection.ravel()]
    return message
