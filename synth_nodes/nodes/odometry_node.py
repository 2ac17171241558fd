"""Wheel odometry: what the encoders of the wheels say about the robot's way."""

from nav_msgs.msg import Odometry
import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import JointState

from synth_nodes.errors import InputError
from synth_nodes.nodes.parameters import NODE_PARAMETERS, OdometryParameters
from synth_nodes.nodes.sampling import Sampling
from synth_nodes.ros.clocks import to_ns, to_stamp
from synth_nodes.ros.conversions import fill_odometry, joint_angles, planar_covariance
from synth_nodes.ros.diagnostics import Diagnostics, ERROR, Health
from synth_nodes.ros.faults import FaultSwitch
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.qos import advertise, DRIVER, SENSOR, subscribe
from synth_nodes.ros.run import run_node
from synth_nodes.ros.tf import Broadcaster, camera_transform, transform
from synth_nodes.sensors.fault_values import odometry_channels
from synth_nodes.sensors.faults import Reading
from synth_nodes.sensors.odometry import WheelOdometry
from synth_nodes.sensors.wheels import wheel_names

COVARIANCE_STEPS = 4
"""Messages between updates of the covariances, which change slowly."""


class OdometryNode(Node):

    def __init__(self) -> None:
        super().__init__('odometry_node', automatically_declare_parameters_from_overrides=True)
        self.faults = FaultSwitch()
        s = declare(self, OdometryParameters, NODE_PARAMETERS.values(), live=self.faults.live)
        if len(s.lidar.mount) != 3:
            raise InputError(f"{self.get_name()}: parameter 'lidar.mount' = "
                             f'{list(s.lidar.mount)} must be [x, y, yaw]')
        self.wheels = WheelOdometry(s.odometry, 1, s.seed, s.robot, s.wheels)
        self.names = wheel_names(s.robot)
        self.wheels.roll(np.zeros((1, len(self.names))), 0.01)  # loads the kernel
        self.sampling: Sampling[np.ndarray] = Sampling(s.odometry.rate)
        self.missing = ''
        self.message = Odometry(child_frame_id=s.base_frame)
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('odometry', self._health)
        report = self.diagnostics.mismatch
        self.transforms = Broadcaster(
            self, transform(s.odom_frame, s.base_frame, np.zeros(3)),
            (transform(s.base_frame, 'laser', s.lidar.mount),
             transform(s.base_frame, 'imu', s.imu.mount),
             camera_transform(s.base_frame, 'camera_optical', s.camera)), s.publish_tf)
        self.publisher = advertise(self, Odometry, 'odom', DRIVER, report)
        self.faults.begin(s.faults, odometry_channels(), s.seed, s.odom_frame, self._send,
                          self.diagnostics)
        subscribe(self, JointState, 'ground_truth/wheels', self._take, SENSOR, report)

    def _take(self, joints: JointState) -> None:
        stamp, angles = to_ns(joints.header.stamp), joint_angles(joints, self.names)
        self.faults.tick(stamp)
        if angles is None:
            self.missing = (f'ground_truth/wheels has {list(joints.name)}, not a finite position '
                            f'of each of {list(self.names)}; check robot.drive')
            return
        self.missing = ''
        pair = self.sampling.take(stamp, angles)
        if pair is None:
            return
        before, dt = pair
        wheels, message = self.wheels, self.message
        wheels.roll((angles - before)[None], dt)
        if (self.sampling.readings - 1) % COVARIANCE_STEPS == 0:
            message.pose.covariance[:] = planar_covariance(wheels.covariance[0])
            message.twist.covariance[:] = planar_covariance(wheels.velocity_covariance[0])
        self.faults.take(stamp, {'pose': wheels.pose[0], 'velocity': wheels.velocity[0]})

    def _send(self, reading: Reading) -> None:
        message, arrays = self.message, reading.arrays
        message.header.stamp, message.header.frame_id = to_stamp(reading.stamp), reading.frame_id
        fill_odometry(message, arrays['pose'], arrays['velocity'])
        self.publisher.publish(message)
        self.transforms.send(arrays['pose'], message.header.stamp)

    def _health(self) -> Health:
        if self.missing:
            return Health(ERROR, self.missing, {'readings': self.sampling.readings})
        return self.sampling.health()


def main() -> None:
    """Run the node."""
    run_node(OdometryNode)


if __name__ == '__main__':
    main()
