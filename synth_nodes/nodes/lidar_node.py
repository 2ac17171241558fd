"""A simulated lidar: from the truth about robot and people to scans."""

from typing import Any

from nav_msgs.msg import OccupancyGrid, Odometry
import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import LaserScan
from visualization_msgs.msg import MarkerArray

from synth_nodes.errors import InputError
from synth_nodes.nodes.pairing import Pairing
from synth_nodes.nodes.parameters import LidarParameters, NODE_PARAMETERS
from synth_nodes.ros.clocks import to_ns, to_stamp
from synth_nodes.ros.conversions import grid_from_message, new_scan, pose_of, set_ranges
from synth_nodes.ros.diagnostics import Diagnostics, ERROR, Health, WARN
from synth_nodes.ros.faults import FaultSwitch
from synth_nodes.ros.markers import obstacles_of
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.qos import advertise, DRIVER, MAP, SENSOR, subscribe
from synth_nodes.ros.run import run_node
from synth_nodes.sensors.fault_values import scan_channels
from synth_nodes.sensors.faults import Reading
from synth_nodes.sensors.lidar import Lidar
from synth_nodes.types import GridMap
from synth_nodes.world.atlas import MapAtlas

_EMPTY = GridMap(np.zeros((8, 8), np.int8), 1.0, (-4.0, -4.0, 0.0), 'empty')


class LidarNode(Node):

    def __init__(self) -> None:
        super().__init__('lidar_node', automatically_declare_parameters_from_overrides=True)
        self.faults = FaultSwitch()
        self.settings = s = declare(
            self, LidarParameters, NODE_PARAMETERS.values(), live=self.faults.live)
        # Checks the settings and loads the kernels before the first map comes.
        Lidar(s.lidar, MapAtlas.build([_EMPTY])).scan(np.zeros((1, 3)), np.zeros(1, int))
        self.lidar: Lidar | None = None
        self.fault = 'no map yet'
        self.scans = 0
        self.pairing = Pairing(round(1e9 / s.lidar.rate))
        self.index = np.zeros(1, np.int64)
        self.ranges: NDArray[np.float32] = np.empty((1, s.lidar.beams), np.float32)
        self.message = new_scan(s.lidar, s.frame_id)
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('scan', self._health)
        report = self.diagnostics.mismatch
        self.publisher = advertise(self, LaserScan, 'scan', DRIVER, report)
        self.faults.begin(s.faults, scan_channels(s.lidar), s.seed, s.frame_id, self._send,
                          self.diagnostics)
        subscribe(self, OccupancyGrid, 'map', self._take_map, MAP, report)
        subscribe(self, MarkerArray, 'ground_truth/obstacles', self._take_obstacles, SENSOR,
                  report)
        subscribe(self, Odometry, 'ground_truth/odom', self._take_pose, SENSOR, report)

    def _take_map(self, message: OccupancyGrid) -> None:
        try:
            atlas = MapAtlas.build([grid_from_message(message)])
            self.lidar, self.fault = Lidar(self.settings.lidar, atlas, self.settings.seed), ''
        except InputError as error:
            self.lidar, self.fault = None, str(error)

    def _take_obstacles(self, message: MarkerArray) -> None:
        stamp = to_ns(message.markers[0].header.stamp) if message.markers else None
        self._scan(self.pairing.take_other(stamp, message))

    def _take_pose(self, message: Odometry) -> None:
        stamp = to_ns(message.header.stamp)
        self.faults.tick(stamp)
        self._scan(self.pairing.take(stamp, message))

    def _scan(self, pair: tuple[Any, Any] | None) -> None:
        if pair is None or self.lidar is None:
            return
        truth, obstacles = pair
        base = pose_of(truth.pose.pose)[None]
        self.lidar.scan(base, self.index, obstacles_of(obstacles)[None], self.ranges)
        self.faults.take(to_ns(truth.header.stamp), {'ranges': self.ranges[0]})
        self.scans += 1

    def _send(self, reading: Reading) -> None:
        self.message.header.stamp = to_stamp(reading.stamp)
        self.message.header.frame_id = reading.frame_id
        set_ranges(self.message, reading.arrays['ranges'])
        self.publisher.publish(self.message)

    def _health(self) -> Health:
        values = {'scans': self.scans, 'unpaired': self.pairing.dropped}
        if self.fault:
            return Health(ERROR, self.fault, values)
        if not self.scans:
            return Health(WARN, 'no ground truth yet', values)
        return Health(values=values)


def main() -> None:
    """Run the node."""
    run_node(LidarNode)


if __name__ == '__main__':
    main()
