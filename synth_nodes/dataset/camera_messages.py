"""Images, depth and calibration of a data set as ROS 2 messages."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

IMAGE, INFO = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CameraInfo'
IMAGES = {'image': ('/camera/image_raw', 'rgb8'), 'depth': ('/camera/depth/image_raw', '32FC1'),
          'pixel_surface': ('/camera/surface/image_raw', 'mono8')}
"""Topic and encoding (sensor_msgs/image_encodings.hpp) by field."""
INFOS = ('/camera/camera_info', '/camera/depth/camera_info')
TOPICS = (*((topic, IMAGE) for topic, _ in IMAGES.values()), *((topic, INFO) for topic in INFOS))
"""Topics and types of what is written."""
Make = Callable[..., Any]


class CameraMessages:
    """Makes messages of the camera that a header describes."""

    def __init__(self, camera: Mapping[str, Any], make: Make) -> None:
        """
        Prepare.

        :param camera: `sensor.camera` of the header.
        :param make: makes a message of a type's name and its fields.
        """
        self.frame = str(camera['frame'])
        """Frame of images and depth."""
        self._make, self._size = make, (int(camera['height']), int(camera['width']))
        matrix = np.asarray(camera['matrix'], float)
        self._calibration = {
            'distortion_model': camera['distortion_model'],
            'd': np.asarray(camera['distortion'], float), 'k': matrix.ravel(),
            'r': np.eye(3).ravel(), 'p': np.hstack((matrix, np.zeros((3, 1)))).ravel()}

    def of(self, header: Any,
           record: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, str, Any]]:
        """Yield topic, type and message of one record, all with one header."""
        height, width = self._size
        for field, (topic, encoding) in IMAGES.items():
            pixels = np.ascontiguousarray(record[field])
            yield topic, IMAGE, self._make(
                IMAGE, header=header, height=height, width=width, encoding=encoding,
                is_bigendian=0, step=pixels.nbytes // height,
                data=pixels.reshape(-1).view(np.uint8))
        region = self._make('sensor_msgs/msg/RegionOfInterest', x_offset=0, y_offset=0, height=0,
                            width=0, do_rectify=False)
        for topic in INFOS:
            yield topic, INFO, self._make(
                INFO, header=header, height=height, width=width, binning_x=0, binning_y=0,
                roi=region, **self._calibration)
