"""A simulated lidar: from the truth about robot and people to scans, and points in layers."""

from typing import Any

from nav_msgs.msg import Odometry
import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import LaserScan, PointCloud2
from std_msgs.msg import String
from visualization_msgs.msg import MarkerArray

from synth_nodes.errors import InputError
from synth_nodes.nodes.learned import ideal, learned_sensor
from synth_nodes.nodes.pairing import Pairing
from synth_nodes.nodes.parameters import LidarParameters, NODE_PARAMETERS
from synth_nodes.ros.clocks import to_ns, to_stamp
from synth_nodes.ros.conversions import new_scan, pose_of, set_ranges, velocity_of
from synth_nodes.ros.diagnostics import Diagnostics, ERROR, Health, WARN
from synth_nodes.ros.faults import FaultSwitch
from synth_nodes.ros.layers import new_cloud, place_cloud, set_points
from synth_nodes.ros.markers import obstacles_of
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.qos import advertise, DRIVER, MAP, SENSOR, subscribe
from synth_nodes.ros.run import run_node
from synth_nodes.sensors.fault_values import scan_channels
from synth_nodes.sensors.faults import Reading
from synth_nodes.sensors.layers import CloudMaker, LayerLidar
from synth_nodes.sensors.lidar import Lidar
from synth_nodes.sensors.scan_settings import ScanEffects, time_increment
from synth_nodes.types import GridMap
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.scene_io import text_to_scene

_EMPTY = GridMap(np.zeros((8, 8), np.int8), 1.0, (-4.0, -4.0, 0.0), 'empty')
_HERE = np.zeros(1, np.int64)


class LidarNode(Node):

    def __init__(self) -> None:
        super().__init__('lidar_node', automatically_declare_parameters_from_overrides=True)
        self.faults = FaultSwitch()
        self.settings = s = declare(
            self, LidarParameters, NODE_PARAMETERS.values(), live=self.faults.live)
        self.ranges: NDArray[np.float32] = np.empty((1, s.lidar.beams), np.float32)
        self.learned = learned_sensor(s)
        effects = s.effects if self.learned is None else ScanEffects()
        self.powers = np.empty_like(self.ranges) if effects.surfaces else None
        self.layers: LayerLidar | None = None
        # Checks the settings and loads the kernels before the first scene comes.
        self._use(MapAtlas.build([_EMPTY]))
        self._measure(np.zeros(3), np.zeros(3), np.zeros((0, 5)))
        self.scans, self.fault = 0, 'no scene yet'
        self.pairing = Pairing(round(1e9 / s.lidar.rate))
        self.message = new_scan(s.lidar, s.frame_id,
                                time_increment(s.lidar) if effects.motion else 0.0)
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('scan', self._health)
        report = self.diagnostics.mismatch
        self.publisher = advertise(self, LaserScan, 'scan', DRIVER, report)
        if s.points.layers > 1:
            self.maker, self.cloud = CloudMaker(s.lidar, s.points), new_cloud(s.points_frame)
            self.clouds = advertise(self, PointCloud2, 'points', DRIVER, report)
            self.frame = place_cloud(self, s.base_frame, s.points_frame, s.lidar.mount,
                                     s.points.height)
        self.faults.begin(s.faults, scan_channels(s.lidar), s.seed, s.frame_id, self._send,
                          self.diagnostics)
        subscribe(self, String, 'scene', self._take_scene, MAP, report)
        subscribe(self, MarkerArray, 'ground_truth/obstacles', self._take_obstacles, SENSOR,
                  report)
        subscribe(self, Odometry, 'ground_truth/odom', self._take_pose, SENSOR, report)

    def _use(self, atlas: MapAtlas) -> None:
        s = self.settings
        self.lidar = Lidar(*((s.lidar, atlas, s.seed, s.effects) if self.learned is None
                             else (ideal(s.lidar), atlas)))
        if s.points.layers > 1:
            self.layers = LayerLidar(s.lidar, s.points, atlas, s.seed, s.effects)
        self.fault = ''

    def _take_scene(self, message: String) -> None:
        try:
            self._use(MapAtlas.build([text_to_scene(message.data)]))
        except InputError as error:
            self.fault = str(error)

    def _take_obstacles(self, message: MarkerArray) -> None:
        stamp = to_ns(message.markers[0].header.stamp) if message.markers else None
        self._scan(self.pairing.take_other(stamp, message))

    def _take_pose(self, message: Odometry) -> None:
        stamp = to_ns(message.header.stamp)
        self.faults.tick(stamp)
        self._scan(self.pairing.take(stamp, message))

    def _scan(self, pair: tuple[Any, Any] | None) -> None:
        if pair is None or self.fault:
            return
        truth, obstacles = pair
        self.faults.take(to_ns(truth.header.stamp), self._measure(
            pose_of(truth.pose.pose), velocity_of(truth.twist.twist), obstacles_of(obstacles)))
        self.scans += 1

    def _measure(self, pose: NDArray[np.float64], velocity: NDArray[np.float64],
                 people: NDArray[np.float64]) -> dict[str, NDArray[np.float32]]:
        """Take a scan, and layers where there are some; the arrays are those of a reading."""
        around = (pose[None], _HERE, people[None])
        self.lidar.scan(*around, self.ranges, velocity=velocity[None], intensities=self.powers)
        if self.learned is not None:
            self.ranges[:] = self.learned.scan(self.ranges)
        arrays = {'ranges': self.ranges[0]}
        if self.powers is not None:
            arrays['powers'] = self.powers[0]
        if self.layers is not None:
            scan = self.layers.scan(*around, velocity[None])
            arrays |= {'layers': scan.ranges[0], 'layer_powers': scan.intensities[0]}
        return arrays

    def _send(self, reading: Reading) -> None:
        arrays, message = reading.arrays, self.message
        message.header.stamp, message.header.frame_id = to_stamp(reading.stamp), reading.frame_id
        set_ranges(message, arrays['ranges'], arrays.get('powers'))
        self.publisher.publish(message)
        if 'layers' not in arrays:
            return
        header, s = self.cloud.header, self.settings
        true = reading.frame_id == s.frame_id
        header.stamp, header.frame_id = message.header.stamp, (
            s.points_frame if true else reading.frame_id)
        set_points(self.cloud, self.maker.make(arrays['layers'], arrays['layer_powers']))
        self.clouds.publish(self.cloud)

    def _health(self) -> Health:
        values = {'scans': self.scans, 'unpaired': self.pairing.dropped}
        if self.fault:
            return Health(ERROR, self.fault, values)
        return Health(*(() if self.scans else (WARN, 'no ground truth yet')), values=values)


def main() -> None:
    """Run the node."""
    run_node(LidarNode)


if __name__ == '__main__':
    main()
