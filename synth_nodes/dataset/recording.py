"""Writing ROS 2 messages, as they come off the wire, to an MCAP bag."""

from collections.abc import Sequence
import os
from pathlib import Path
import shutil
import tempfile
from typing import Any

import numpy as np
from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores

_FOREVER = QosTime(2147483647, 4294967295)
_FRAME_TREE = 'tf2_msgs/msg/TFMessage'
Transform = tuple[str, str, tuple[float, float, float]]
"""Parent frame, child frame, and the child's pose x, y [m], yaw [rad] in the parent."""


def qos(reliable: bool, transient_local: bool, depth: int) -> Qos:
    """Describe how a topic is offered, for those who play the recording again."""
    return Qos(
        QosHistory.KEEP_LAST, depth,
        QosReliability.RELIABLE if reliable else QosReliability.BEST_EFFORT,
        QosDurability.TRANSIENT_LOCAL if transient_local else QosDurability.VOLATILE,
        _FOREVER, _FOREVER, QosLiveliness.AUTOMATIC, _FOREVER, False)


class Recording:
    """
    A bag in the making.

    It grows in a hidden folder beside its place and is moved there, over an older one, when it is
    closed; so a recording that is there is whole.
    """

    def __init__(self, path: str | Path, distribution: str = '') -> None:
        """
        Start a bag.

        :param path: folder that the bag becomes; its file is named after it.
        :param distribution: ROS 2 release whose message definitions to note down, such as
            'jazzy'; those of Kilted where it is empty or not known.
        """
        self._path = Path(path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._hidden = Path(tempfile.mkdtemp(prefix='.recording-', dir=self._path.parent))
        store = getattr(Stores, f'ROS2_{distribution.upper()}', Stores.ROS2_KILTED)
        self._types = get_typestore(store)
        self._writer = Writer(self._hidden / self._path.name, version=9,
                              storage_plugin=StoragePlugin.MCAP)
        self._writer.open()
        self._connections: dict[str, Connection] = {}

    def knows(self, topic: str) -> bool:
        """Whether the topic has been added."""
        return topic in self._connections

    def add(self, topic: str, kind: str, offered: Sequence[Qos]) -> None:
        """
        Add a topic.

        :param topic: its full name.
        :param kind: message type, such as 'sensor_msgs/msg/LaserScan'.
        :param offered: how its publishers offer it.
        """
        self._connections[topic] = self._writer.add_connection(
            topic, kind, typestore=self._types, offered_qos_profiles=list(offered))

    def write(self, topic: str, time_ns: int, data: bytes) -> None:
        """
        Write a message.

        :param topic: a topic that was added.
        :param time_ns: time of the message [ns].
        :param data: the message in CDR, header of the encapsulation included.
        """
        self._writer.write(self._connections[topic], time_ns, data)

    def write_transforms(self, topic: str, time_ns: int,
                         transforms: Sequence[Transform]) -> None:
        """
        Write planar transforms, so that viewers can draw a graph that broadcasts none.

        :param topic: '/tf' or '/tf_static'.
        :param time_ns: time of all of them [ns].
        :param transforms: what to write.
        """
        if topic not in self._connections:
            static = topic.endswith('_static')
            self.add(topic, _FRAME_TREE, [qos(True, static, 1 if static else 100)])
        stamped = [self._stamped(time_ns, *transform) for transform in transforms]
        message = self._types.types[_FRAME_TREE](transforms=stamped)
        self.write(topic, time_ns, bytes(self._types.serialize_cdr(message, _FRAME_TREE)))

    def close(self) -> None:
        """Finish the bag and put it in its place."""
        self._writer.close()
        if self._path.exists():
            shutil.rmtree(self._path)
        os.replace(self._hidden / self._path.name, self._path)
        self._hidden.rmdir()

    def discard(self) -> None:
        """Remove what was written."""
        self._writer.abort()
        shutil.rmtree(self._hidden)

    def _stamped(self, time_ns: int, parent: str, child: str,
                 pose: tuple[float, float, float]) -> Any:
        kinds = self._types.types
        stamp = kinds['builtin_interfaces/msg/Time'](time_ns // 10**9, time_ns % 10**9)
        x, y, yaw = pose
        return kinds['geometry_msgs/msg/TransformStamped'](
            header=kinds['std_msgs/msg/Header'](stamp, parent), child_frame_id=child,
            transform=kinds['geometry_msgs/msg/Transform'](
                kinds['geometry_msgs/msg/Vector3'](x, y, 0.0),
                kinds['geometry_msgs/msg/Quaternion'](
                    0.0, 0.0, float(np.sin(yaw / 2)), float(np.cos(yaw / 2)))))
