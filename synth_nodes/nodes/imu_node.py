"""A simulated IMU on the robot."""

from nav_msgs.msg import Odometry
import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import Imu as ImuMessage

from synth_nodes.nodes.parameters import ImuParameters, NODE_PARAMETERS
from synth_nodes.nodes.sampling import Sampling
from synth_nodes.ros.clocks import to_ns, to_stamp
from synth_nodes.ros.conversions import fill_imu, fill_imu_covariance, velocity_of, yaw_of
from synth_nodes.ros.diagnostics import Diagnostics
from synth_nodes.ros.faults import FaultSwitch
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.qos import advertise, DRIVER, FAST, subscribe
from synth_nodes.ros.run import run_node
from synth_nodes.sensors.fault_values import imu_channels
from synth_nodes.sensors.faults import Reading
from synth_nodes.sensors.imu import Imu


class ImuNode(Node):

    def __init__(self) -> None:
        super().__init__('imu_node', automatically_declare_parameters_from_overrides=True)
        self.faults = FaultSwitch()
        s = declare(self, ImuParameters, NODE_PARAMETERS.values(), live=self.faults.live)
        still = np.zeros((1, 3))
        Imu(s.imu).read(still, still, still[:, 0], 0.01)  # loads the kernel
        self.imu = Imu(s.imu, 1, s.seed)
        self.sampling: Sampling[np.ndarray] = Sampling(s.imu.rate)
        self.message = ImuMessage()
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('imu', self.sampling.health)
        report = self.diagnostics.mismatch
        self.publisher = advertise(self, ImuMessage, 'imu/data', DRIVER, report)
        self.faults.begin(s.faults, imu_channels(), s.seed, s.frame_id, self._send,
                          self.diagnostics)
        subscribe(self, Odometry, 'ground_truth/motion', self._take, FAST, report)

    def _take(self, truth: Odometry) -> None:
        stamp, velocity = to_ns(truth.header.stamp), velocity_of(truth.twist.twist)
        self.faults.tick(stamp)
        pair = self.sampling.take(stamp, velocity)
        if pair is None:
            return
        before, dt = pair
        yaw = np.array([yaw_of(truth.pose.pose.orientation)])
        reading = self.imu.read(velocity[None], before[None], yaw, dt)
        self.faults.take(stamp, {
            'angular_velocity': reading.angular_velocity[0],
            'linear_acceleration': reading.linear_acceleration[0],
            'yaw': reading.orientation,
            'rate_covariance': reading.angular_velocity_covariance[0],
            'force_covariance': reading.linear_acceleration_covariance[0],
            'yaw_variance': reading.orientation_variance})

    def _send(self, reading: Reading) -> None:
        message, arrays = self.message, reading.arrays
        message.header.stamp, message.header.frame_id = to_stamp(reading.stamp), reading.frame_id
        fill_imu(message, arrays['angular_velocity'], arrays['linear_acceleration'],
                 float(arrays['yaw'][0]))
        fill_imu_covariance(message, arrays['rate_covariance'], arrays['force_covariance'],
                            float(arrays['yaw_variance'][0]))
        self.publisher.publish(message)


def main() -> None:
    """Run the node."""
    run_node(ImuNode)


if __name__ == '__main__':
    main()
