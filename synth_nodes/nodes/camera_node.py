"""A simulated camera: from the truth about robot and people to images, depth and labels."""

from typing import Any

from nav_msgs.msg import Odometry
import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import String
from visualization_msgs.msg import MarkerArray

from synth_nodes.dataset.frames import ideal_camera
from synth_nodes.errors import InputError
from synth_nodes.nodes.learned import learned_camera
from synth_nodes.nodes.pairing import Pairing
from synth_nodes.nodes.parameters import CameraParameters, NODE_PARAMETERS
from synth_nodes.ros.clocks import to_ns, to_stamp
from synth_nodes.ros.conversions import pose_of, velocity_of
from synth_nodes.ros.diagnostics import Diagnostics, ERROR, Health, WARN
from synth_nodes.ros.faults import FaultSwitch
from synth_nodes.ros.images import new_camera_info, new_image, set_pixels
from synth_nodes.ros.markers import obstacles_of
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.qos import advertise, DRIVER, MAP, SENSOR, subscribe
from synth_nodes.ros.run import run_node
from synth_nodes.sensors.camera import Camera
from synth_nodes.sensors.fault_values import image_channels
from synth_nodes.sensors.faults import Reading
from synth_nodes.types import GridMap
from synth_nodes.world.scene import Scene
from synth_nodes.world.scene_io import text_to_scene

_EMPTY = GridMap(np.zeros((8, 8), np.int8), 1.0, (-4.0, -4.0, 0.0), 'empty')


class CameraNode(Node):

    def __init__(self) -> None:
        super().__init__('camera_node', automatically_declare_parameters_from_overrides=True)
        self.faults = FaultSwitch()
        self.settings = s = declare(
            self, CameraParameters, NODE_PARAMETERS.values(), live=self.faults.live)
        self.learned = learned_camera(s)
        self.spec = s.camera if self.learned is None else ideal_camera(s.camera)
        # Checks the settings and loads the kernels before the first map comes.
        Camera(self.spec, [Scene(_EMPTY)]).capture(np.zeros((1, 3)))
        self.camera: Camera | None = None
        self.fault = 'no scene yet'
        self.frames = 0
        self.pairing = Pairing(round(1e9 / s.camera.rate))
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('images', self._health)
        report = self.diagnostics.mismatch
        self.images: list[tuple[str, Image, Any]] = []
        topics = [('rgb', 'camera/image_raw', 'rgb8'),
                  ('depth', 'camera/depth/image_raw', '32FC1')]
        if s.segmentation:
            topics.append(('label', 'camera/segmentation/image_raw', 'mono8'))
        for field, topic, encoding in topics:
            self.images.append((field, new_image(s.camera, encoding, s.frame_id),
                                advertise(self, Image, topic, DRIVER, report)))
        self.info = new_camera_info(self.spec, s.frame_id)
        self.infos = [advertise(self, CameraInfo, topic, DRIVER, report)
                      for topic in ('camera/camera_info', 'camera/depth/camera_info')]
        self.faults.begin(s.faults, image_channels(s.camera), s.seed, s.frame_id, self._send,
                          self.diagnostics)
        subscribe(self, String, 'scene', self._take_scene, MAP, report)
        subscribe(self, MarkerArray, 'ground_truth/obstacles', self._take_obstacles, SENSOR,
                  report)
        subscribe(self, Odometry, 'ground_truth/odom', self._take_pose, SENSOR, report)

    def _take_scene(self, message: String) -> None:
        try:
            scene = text_to_scene(message.data)
            self.camera = Camera(self.spec, [scene], self.settings.seed)
            self.fault = ''
        except InputError as error:
            self.camera, self.fault = None, str(error)

    def _take_obstacles(self, message: MarkerArray) -> None:
        stamp = to_ns(message.markers[0].header.stamp) if message.markers else None
        self._capture(self.pairing.take_other(stamp, message))

    def _take_pose(self, message: Odometry) -> None:
        stamp = to_ns(message.header.stamp)
        self.faults.tick(stamp)
        self._capture(self.pairing.take(stamp, message))

    def _capture(self, pair: tuple[Any, Any] | None) -> None:
        if pair is None or self.camera is None:
            return
        truth, obstacles = pair
        velocity = velocity_of(truth.twist.twist)[None]
        frames = self.camera.capture(
            pose_of(truth.pose.pose)[None], None, obstacles_of(obstacles)[None], velocity)
        if self.learned is not None:
            frames.rgb[:] = self.learned.frames(frames.rgb, velocity[:, 2])
        self.faults.take(to_ns(truth.header.stamp), {
            field: getattr(frames, field)[0] for field, _, _ in self.images})
        self.frames += 1

    def _send(self, reading: Reading) -> None:
        stamp, frame_id = to_stamp(reading.stamp), reading.frame_id
        for field, message, publisher in self.images:
            set_pixels(message, reading.arrays[field])
            message.header.stamp, message.header.frame_id = stamp, frame_id
            publisher.publish(message)
        self.info.header.stamp, self.info.header.frame_id = stamp, frame_id
        for publisher in self.infos:
            publisher.publish(self.info)

    def _health(self) -> Health:
        values = {'frames': self.frames, 'unpaired': self.pairing.dropped}
        if self.fault:
            return Health(ERROR, self.fault, values)
        if not self.frames:
            return Health(WARN, 'no ground truth yet', values)
        return Health(values=values)


def main() -> None:
    """Run the node."""
    run_node(CameraNode)


if __name__ == '__main__':
    main()
