"""Clouds of a lidar in layers as messages, filled without a Python list, and their frame."""

from array import array
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2, PointField

from synth_nodes.ros.qos import MAP
from synth_nodes.ros.tf import transform
from synth_nodes.sensors.layers import POINT

try:
    from tf2_msgs.msg import TFMessage
except ImportError:
    TFMessage = None

_KINDS = {'<f4': PointField.FLOAT32, '<u2': PointField.UINT16}


def new_cloud(frame_id: str, kind: np.dtype[np.void] = POINT) -> PointCloud2:
    """
    Make a cloud message with everything but stamp and points.

    :param kind: of a point; a packed structure of little-endian float32 and uint16.
    """
    message = PointCloud2(is_bigendian=False, point_step=int(kind.itemsize))
    message.header.frame_id = frame_id
    for name, (part, offset, *_) in (kind.fields or {}).items():
        message.fields.append(PointField(
            name=name, offset=int(offset), datatype=_KINDS[part.str], count=1))
    return message


def set_points(message: PointCloud2, points: NDArray[np.void]) -> None:
    """
    Fill the points, shape (H, W), or (N,) for a cloud without order.

    `is_dense` says whether all coordinates are finite (sensor_msgs/PointCloud2).
    """
    rows, columns = points.shape if points.ndim == 2 else (1, len(points))
    message.height, message.width = int(rows), int(columns)
    message.row_step = int(columns * message.point_step)
    message.is_dense = bool(np.isfinite(points['x']).all())
    data = array('B')
    data.frombytes(points.tobytes())
    message.data = data


def points_of(message: PointCloud2) -> NDArray[np.void]:
    """Points, shape (H, W), as a structure with the fields of the message: a view of it."""
    kinds: dict[int, Any] = {code: name for name, code in _KINDS.items()}
    kind = np.dtype({
        'names': [f.name for f in message.fields],
        'formats': [kinds[f.datatype] for f in message.fields],
        'offsets': [f.offset for f in message.fields], 'itemsize': message.point_step})
    return np.frombuffer(message.data, kind).reshape(message.height, message.width)


def place_cloud(node: Node, parent: str, child: str, mount: ArrayLike, height: float) -> Any:
    """
    Broadcast where the frame of a cloud is, once; nothing without tf2_msgs.

    :param mount: x, y [m], yaw [rad] in the parent frame; height: above it [m].
    :return: the publisher, to be kept, or None.
    """
    if TFMessage is None:
        return None
    message = transform(parent, child, mount)
    message.transform.translation.z = float(height)
    publisher = node.create_publisher(TFMessage, '/tf_static', MAP)
    publisher.publish(TFMessage(transforms=[message]))
    return publisher
