"""What the safety monitor hears of its sensors and of the shapes of its zones."""

from functools import partial
from typing import Any

from geometry_msgs.msg import PolygonStamped
from nav_msgs.msg import Odometry
import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import LaserScan, PointCloud2, Range
from std_msgs.msg import Float32

from synth_nodes.errors import InputError
from synth_nodes.nodes.guard import Guard
from synth_nodes.nodes.guarding import sources_of
from synth_nodes.nodes.parameters import SafetyMonitorParameters
from synth_nodes.ros.clocks import now, to_seconds
from synth_nodes.ros.clouds import cloud_of
from synth_nodes.ros.conversions import angles_of, ranges_of, velocity_of
from synth_nodes.ros.qos import MAP, Report, SENSOR, subscribe
from synth_nodes.ros.tf import Listener
from synth_nodes.safety.zone_settings import SourceSettings
from synth_nodes.settings import groups_of


class Sensing:
    """Subscribes to the sources and shapes, and hands what comes to a guard."""

    def __init__(self, node: Node, s: SafetyMonitorParameters, report: Report) -> None:
        """Subscribe; until :attr:`guard` is set, nothing is heard."""
        self.guard: Guard | None = None
        self._node, self._base = node, s.base_frame
        self._transforms = Listener(node)
        subscribe(node, Odometry, 'odom', self._take_odometry, SENSOR, report)
        for name, source in sources_of(s).items():
            kind, take = _TAKES[source.kind]
            subscribe(node, kind, source.topic or name, partial(self._take, name, source, take),
                      SENSOR, report)
        for name, zone in groups_of(s.zones).items():
            if zone.topic:
                kind, shape = ((Float32, self._take_radius) if zone.shape == 'circle'
                               else (PolygonStamped, self._take_corners))
                subscribe(node, kind, zone.topic, partial(shape, name),
                          MAP if zone.latched else SENSOR, report)

    @property
    def transforms(self) -> bool:
        """Whether TF can give poses of sensors."""
        return self._transforms.available

    def _take_odometry(self, message: Odometry) -> None:
        if self.guard is not None:
            frame = message.child_frame_id
            problem = '' if frame in ('', self._base) else f"is in '{frame}', not '{self._base}'"
            self.guard.take_odometry(velocity_of(message.twist.twist),
                                     to_seconds(message.header.stamp), problem)

    def _take(self, name: str, source: SourceSettings, take: Any, message: Any) -> None:
        if self.guard is None:
            return
        stamp, frame = to_seconds(message.header.stamp), message.header.frame_id
        try:
            if not source.mount and self._transforms.available:
                mount, problem = self._transforms.mount(self._base, frame)
                if mount is None:
                    raise InputError(problem)
                self.guard.place(name, mount)
            take(self.guard, message, stamp, name, frame)
        except InputError as error:
            self.guard.refuse(name, str(error), stamp)

    def _take_radius(self, zone: str, message: Float32) -> None:
        if self.guard is not None:
            self.guard.take_shape(zone, now(self._node), radius=float(message.data))

    def _take_corners(self, zone: str, message: PolygonStamped) -> None:
        if self.guard is None:
            return
        corners, frame = corners_of(message), message.header.frame_id
        carried, problem = (corners, '') if not frame else self._transforms.carry(
            corners, frame, self._base)
        if problem:
            self._node.get_logger().warning(f"the shape of zone '{zone}' is lost: {problem}",
                                            throttle_duration_sec=5.0)
        self.guard.take_shape(zone, now(self._node), corners=carried)


def corners_of(message: PolygonStamped) -> NDArray[np.float64]:
    """Corners [m] of a polygon in its frame, shape (E, 2)."""
    return np.array([(p.x, p.y) for p in message.polygon.points], float).reshape(-1, 2)


def _scan(guard: Guard, message: LaserScan, stamp: float, name: str, frame: str) -> None:
    guard.take_scan(ranges_of(message), angles_of(message), message.range_min, message.range_max,
                    stamp, name, frame)


def _cloud(guard: Guard, message: PointCloud2, stamp: float, name: str, frame: str) -> None:
    guard.take_cloud(cloud_of(message), stamp, name, frame)


def _range(guard: Guard, message: Range, stamp: float, name: str, frame: str) -> None:
    guard.take_range(message.range, message.field_of_view, message.min_range, message.max_range,
                     stamp, name, frame)


def _polygon(guard: Guard, message: PolygonStamped, stamp: float, name: str, frame: str) -> None:
    guard.take_polygon(corners_of(message), stamp, name, frame)


_TAKES: dict[str, tuple[type, Any]] = {
    'scan': (LaserScan, _scan), 'pointcloud': (PointCloud2, _cloud), 'range': (Range, _range),
    'polygon': (PolygonStamped, _polygon)}
"""Message of each kind of source, and how to hand it to the guard."""
