"""
Transforms, where the message package and the listener for them are installed.

`tf2_msgs` and `tf2_ros` come with a ROS installation and are not on PyPI; without them the graph
works all the same, and says that transforms are off.
"""

from typing import Any

from builtin_interfaces.msg import Time
from geometry_msgs.msg import TransformStamped
import numpy as np
from numpy.typing import ArrayLike, NDArray
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.time import Time as RosTime

from synth_nodes.errors import InputError
from synth_nodes.ros.conversions import quaternion_of, set_yaw, yaw_of
from synth_nodes.ros.qos import MAP
from synth_nodes.safety.mounts import Mount, mount_from_quaternion, mount_of
from synth_nodes.sensors.camera_spec import CameraSpec

try:
    from tf2_msgs.msg import TFMessage
except ImportError:
    TFMessage = None
try:
    import tf2_ros
except ImportError:
    tf2_ros = None


def transform(parent: str, child: str, pose: ArrayLike) -> TransformStamped:
    """Make a transform message of a planar pose x, y [m], yaw [rad] of `child` in `parent`."""
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id = parent
    set_transform(message, pose)
    return message


def camera_transform(parent: str, child: str, camera: CameraSpec) -> TransformStamped:
    """Make a transform message of the optical frame of a camera (REP-103) in base_link."""
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id = parent
    rotation, position = camera.optical_in_base()
    place, turn = message.transform.translation, message.transform.rotation
    place.x, place.y, place.z = position.tolist()
    turn.x, turn.y, turn.z, turn.w = quaternion_of(rotation).tolist()
    return message


def set_transform(message: TransformStamped, pose: ArrayLike) -> None:
    """Fill in a planar pose, shape (3,)."""
    x, y, yaw = np.asarray(pose, float).tolist()
    message.transform.translation.x, message.transform.translation.y = x, y
    set_yaw(message.transform.rotation, yaw)


class Broadcaster:
    """Broadcasts one moving transform, and fixed ones once; does nothing without tf2_msgs."""

    def __init__(self, node: Node, moving: TransformStamped,
                 fixed: tuple[TransformStamped, ...] = (), wanted: bool = True) -> None:
        """:param wanted: False where the user has switched it off."""
        self._moving = moving
        self._publisher: Any = None
        if not wanted:
            return
        if TFMessage is None:
            node.get_logger().info('tf2_msgs is not installed: transforms are off')
            return
        self._publisher = node.create_publisher(TFMessage, '/tf', QoSProfile(depth=100))
        if fixed:
            self._static = node.create_publisher(TFMessage, '/tf_static', MAP)
            self._static.publish(TFMessage(transforms=list(fixed)))

    def send(self, pose: ArrayLike, stamp: Time) -> None:
        """Send the moving transform, shape (3,)."""
        if self._publisher is not None:
            set_transform(self._moving, pose)
            self._moving.header.stamp = stamp
            self._publisher.publish(TFMessage(transforms=[self._moving]))


class Listener:
    """Looks transforms up."""

    def __init__(self, node: Node) -> None:
        self._buffer: Any = None
        if tf2_ros is not None:
            self._buffer = tf2_ros.Buffer(node=node)
            self._listener = tf2_ros.TransformListener(self._buffer, node)

    def carry(self, points: NDArray[np.float64], frame: str,
              target: str) -> tuple[NDArray[np.float64] | None, str]:
        """
        Carry points [m], shape (N, 2), from a frame to another by the newest transform.

        :return: the points in `target`, or None; and why there are none.
        """
        if frame == target or not len(points):
            return points, ''
        pose, problem = self.lookup(target, frame)
        if pose is None:
            return None, problem
        c, s = np.cos(pose[2]), np.sin(pose[2])
        return np.asarray(points @ np.array([[c, s], [-s, c]]) + pose[:2]), ''

    def carry_pose(self, pose: NDArray[np.float64], frame: str,
                   target: str) -> tuple[NDArray[np.float64] | None, str]:
        """Carry x, y [m], yaw [rad], shape (3,), likewise."""
        if frame == target:
            return pose, ''
        at, problem = self.lookup(target, frame)
        if at is None:
            return None, problem
        c, s = np.cos(at[2]), np.sin(at[2])
        return at + np.array([c * pose[0] - s * pose[1], s * pose[0] + c * pose[1],
                              pose[2]]), ''

    @property
    def available(self) -> bool:
        """Whether transforms can be looked up at all."""
        return self._buffer is not None

    def mount(self, parent: str, child: str) -> tuple[Mount | None, str]:
        """
        Look up the newest pose of `child` in `parent`, in space.

        :return: the pose, or None; and why there is none.
        """
        if parent == child:
            return mount_of(()), ''
        found, problem = self._find(parent, child)
        if found is None:
            return None, problem
        t, q = found.translation, found.rotation
        try:
            return mount_from_quaternion((t.x, t.y, t.z), (q.x, q.y, q.z, q.w)), ''
        except InputError as error:
            return None, f"the transform from '{child}' to '{parent}' cannot be used: {error}"

    def lookup(self, parent: str, child: str) -> tuple[NDArray[np.float64] | None, str]:
        """
        Look up the newest pose of `child` in `parent`.

        :return: x, y [m], yaw [rad], shape (3,), or None; and why there is none.
        """
        found, problem = self._find(parent, child)
        if found is None:
            return None, problem
        pose = np.array((found.translation.x, found.translation.y, yaw_of(found.rotation)))
        return pose, ''

    def _find(self, parent: str, child: str) -> tuple[Any, str]:
        """Look up the newest transform; None, and why, where there is none."""
        if self._buffer is None:
            return None, (f"'{child}' and '{parent}' are different frames and tf2_ros is not "
                          'installed to relate them')
        try:
            return self._buffer.lookup_transform(parent, child, RosTime()).transform, ''
        except tf2_ros.TransformException as error:
            return None, f"no transform from '{child}' to '{parent}': {error}"
