"""Simulated wheel odometry; also broadcasts where base_link and the sensors are."""

from nav_msgs.msg import Odometry
import numpy as np
from rclpy.node import Node

from synth_nodes.errors import InputError
from synth_nodes.nodes.parameters import NODE_PARAMETERS, OdometryParameters
from synth_nodes.ros.clocks import to_ns, to_stamp
from synth_nodes.ros.conversions import fill_odometry, planar_covariance, velocity_of
from synth_nodes.ros.diagnostics import Diagnostics, Health, WARN
from synth_nodes.ros.faults import FaultSwitch
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.qos import advertise, DRIVER, SENSOR, subscribe
from synth_nodes.ros.run import run_node
from synth_nodes.ros.tf import Broadcaster, transform
from synth_nodes.sensors.fault_values import odometry_channels
from synth_nodes.sensors.faults import Reading
from synth_nodes.sensors.odometry import WheelOdometry

COVARIANCE_STEPS = 20
"""Readings between two updates of the covariances in the message, which change slowly."""


class OdometryNode(Node):

    def __init__(self) -> None:
        super().__init__('odometry_node', automatically_declare_parameters_from_overrides=True)
        self.faults = FaultSwitch()
        s = declare(self, OdometryParameters, NODE_PARAMETERS.values(), live=self.faults.live)
        if len(s.lidar.mount) != 3:
            raise InputError(f"{self.get_name()}: parameter 'lidar.mount' = "
                             f'{list(s.lidar.mount)} must be [x, y, yaw]')
        self.wheels = WheelOdometry(s.odometry, 1, s.seed)
        self.wheels.update(np.zeros((1, 3)), 0.01)  # loads the kernel
        self.last: tuple[int, np.ndarray] | None = None
        self.readings = 0
        self.message = Odometry(child_frame_id=s.base_frame)
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('odometry', self._health)
        report = self.diagnostics.mismatch
        self.transforms = Broadcaster(
            self, transform(s.odom_frame, s.base_frame, np.zeros(3)),
            (transform(s.base_frame, 'laser', s.lidar.mount),
             transform(s.base_frame, 'imu', np.zeros(3))), s.publish_tf)
        self.publisher = advertise(self, Odometry, 'odom', DRIVER, report)
        self.faults.begin(s.faults, odometry_channels(), s.seed, s.odom_frame, self._send,
                          self.diagnostics)
        subscribe(self, Odometry, 'ground_truth/odom', self._take, SENSOR, report)

    def _take(self, truth: Odometry) -> None:
        stamp, velocity = to_ns(truth.header.stamp), velocity_of(truth.twist.twist)
        last, self.last = self.last, (stamp, velocity)
        if last is not None:
            if stamp <= last[0]:
                return
            self.wheels.update(0.5 * (velocity + last[1])[None], (stamp - last[0]) * 1e-9)
        wheels, message = self.wheels, self.message
        if self.readings % COVARIANCE_STEPS == 0:
            message.pose.covariance[:] = planar_covariance(wheels.covariance[0])
            message.twist.covariance[:] = planar_covariance(wheels.velocity_covariance[0])
        self.faults.take(stamp, {'pose': wheels.pose[0], 'velocity': wheels.velocity[0]})
        self.readings += 1

    def _send(self, reading: Reading) -> None:
        message, arrays = self.message, reading.arrays
        message.header.stamp, message.header.frame_id = to_stamp(reading.stamp), reading.frame_id
        fill_odometry(message, arrays['pose'], arrays['velocity'])
        self.publisher.publish(message)
        self.transforms.send(arrays['pose'], message.header.stamp)

    def _health(self) -> Health:
        values = {'readings': self.readings}
        return Health(values=values) if self.readings else Health(
            WARN, 'no ground truth yet', values)


def main() -> None:
    """Run the node."""
    run_node(OdometryNode)


if __name__ == '__main__':
    main()
