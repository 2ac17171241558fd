"""Recording a graph's topics as they come off the wire, in simulated time."""

from collections import deque
from collections.abc import Callable, Mapping
import math
import os
from pathlib import Path
import struct
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import OccupancyGrid, Odometry
from nav_msgs.msg import Path as PathMessage
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import Imu, LaserScan
from visualization_msgs.msg import MarkerArray

from synth_nodes.dataset.recording import qos, Recording
from synth_nodes.ros.clocks import to_ns
from synth_nodes.ros.conversions import command_class, pose_of
from synth_nodes.ros.qos import MAP, subscribe

try:
    from tf2_msgs.msg import TFMessage
except ImportError:  # not on PyPI; the recording then gets transforms of its own
    TFMessage = None

Handler = Callable[[bytes, Mapping[str, int]], None]
"""Takes a serialised message and its info with `source_timestamp`, wall time [ns]."""
STREAM = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=100, reliability=ReliabilityPolicy.BEST_EFFORT,
    durability=DurabilityPolicy.VOLATILE)
EVENT = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=100, reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.VOLATILE)
_EARLY = 200
_DEPTH = 10
"""Depth to note down where discovery does not tell that of a publisher."""


def topics(stamped: bool) -> dict[str, tuple[type, QoSProfile]]:
    """
    Topics of a simulated graph that are worth keeping.

    :param stamped: whether velocity commands are TwistStamped.
    """
    kinds: dict[str, tuple[type, QoSProfile]] = {
        'map': (OccupancyGrid, MAP),
        'scan': (LaserScan, STREAM), 'odom': (Odometry, STREAM), 'imu/data': (Imu, STREAM),
        'ground_truth/odom': (Odometry, STREAM), 'ground_truth/obstacles': (MarkerArray, STREAM),
        'goal_pose': (PoseStamped, EVENT), 'path': (PathMessage, EVENT),
        'cmd_vel_raw': (command_class(stamped), EVENT), 'cmd_vel': (command_class(stamped), EVENT),
        'safety/verdict': (DiagnosticStatus, EVENT), 'safety/zones': (MarkerArray, EVENT),
        'diagnostics': (DiagnosticArray, EVENT)}
    if TFMessage is not None:
        kinds['/tf'] = (TFMessage, STREAM)
        kinds['/tf_static'] = (TFMessage, MAP)
    return kinds


def stamp_of(data: bytes) -> int:
    """Stamp [ns] of a serialised message that begins with a header."""
    sec, nanosec = struct.unpack_from('<iI' if data[1] & 1 else '>iI', data, 4)
    return int(sec) * 10**9 + int(nanosec)


class Recorder:
    """Subscribe to a graph's topics once, for those who handle them and for the recording."""

    def __init__(self, node: Node, out: str, stamped: bool, mount: tuple[float, float, float],
                 handlers: Mapping[str, Handler], report: Callable[[str], None]) -> None:
        """
        Subscribe.

        :param out: folder that gets `recording/`; empty for no recording.
        :param stamped: whether velocity commands are TwistStamped.
        :param mount: pose x, y [m], yaw [rad] of the laser in the robot's frame.
        :param handlers: who takes which topic besides the recording.
        :param report: takes a line on incompatible quality of service.
        """
        self._node = node
        self._mount = mount
        distribution = os.environ.get('ROS_DISTRO', '')
        self._recording = Recording(Path(out) / 'recording', distribution) if out else None
        self._now: int | None = None
        self._early: deque[tuple[str, str, bytes]] = deque(maxlen=_EARLY)
        self._truth: dict[int, tuple[float, float, float]] = {}
        self._topics = topics(stamped)
        for topic, (kind, profile) in self._topics.items():
            handler = handlers.get(topic)
            if handler is not None or self._recording is not None:
                # rclpy sees by its signature that the taker wants the message's info too.
                taker: Any = self._taker(topic, kind, handler)
                subscribe(node, kind, topic, taker, profile, report, raw=True)

    def records(self, topic: str) -> bool:
        """Whether the recording itself subscribes to a topic."""
        return self._recording is not None and topic in self._topics

    def close(self) -> None:
        """Finish the recording and put it in its place."""
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.close()

    def discard(self) -> None:
        """Remove a recording that was not closed."""
        recording, self._recording = self._recording, None
        if recording is not None:
            recording.discard()

    def _taker(self, topic: str, kind: type, handler: Handler | None) -> Handler:
        name = self._node.resolve_topic_name(topic)
        package = kind.__module__.split('.', 1)[0]
        kind_name = f'{package}/msg/{kind.__name__}'

        def take(data: bytes, info: Mapping[str, int]) -> None:
            if self._recording is not None:
                if topic == 'ground_truth/odom':
                    self._now = stamp_of(data)
                self._keep(name, kind_name, data)
                if topic in ('ground_truth/odom', 'odom') and TFMessage is None:
                    self._place(topic, deserialize_message(data, Odometry))
            if handler is not None:
                handler(data, info)

        return take

    def _keep(self, topic: str, kind: str, data: bytes) -> None:
        """Write a message; what comes before the first tick of simulated time waits for it."""
        assert self._recording is not None
        if self._now is None:
            self._early.append((topic, kind, data))
            return
        while self._early:
            self._write(*self._early.popleft())
        self._write(topic, kind, data)

    def _write(self, topic: str, kind: str, data: bytes) -> None:
        assert self._recording is not None and self._now is not None
        if not self._recording.knows(topic):
            offers = [info.qos_profile
                      for info in self._node.get_publishers_info_by_topic(topic)]
            self._recording.add(topic, kind, [_offer(o) for o in offers[:1]])
        self._recording.write(topic, self._now, data)

    def _place(self, topic: str, message: Odometry) -> None:
        """Write where map, odom, base_link and laser are, once truth and odometry are known."""
        assert self._recording is not None
        stamp = to_ns(message.header.stamp)
        x, y, yaw = pose_of(message.pose.pose).tolist()
        if topic == 'ground_truth/odom':
            if not self._truth:
                self._recording.write_transforms(
                    '/tf_static', stamp, [(message.child_frame_id, 'laser', self._mount)])
            self._truth[stamp] = (x, y, yaw)
            if len(self._truth) > 50:
                del self._truth[next(iter(self._truth))]
            return
        truth = self._truth.get(stamp)
        if truth is not None:
            self._recording.write_transforms('/tf', stamp, [
                ('map', message.header.frame_id, _difference(truth, (x, y, yaw))),
                (message.header.frame_id, message.child_frame_id, (x, y, yaw))])


def _difference(truth: tuple[float, float, float],
                odometry: tuple[float, float, float]) -> tuple[float, float, float]:
    """Pose of odom in map, from the robot's pose in each."""
    yaw = truth[2] - odometry[2]
    c, s = math.cos(yaw), math.sin(yaw)
    return (truth[0] - c * odometry[0] + s * odometry[1],
            truth[1] - s * odometry[0] - c * odometry[1], yaw)


def _offer(profile: QoSProfile) -> Any:
    return qos(profile.reliability == ReliabilityPolicy.RELIABLE,
               profile.durability == DurabilityPolicy.TRANSIENT_LOCAL,
               profile.depth or _DEPTH)
