"""A simulated IMU in base_link."""

from nav_msgs.msg import Odometry
import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import Imu as ImuMessage

from synth_nodes.nodes.parameters import ImuParameters, NODE_PARAMETERS
from synth_nodes.ros.clocks import to_ns, to_stamp
from synth_nodes.ros.conversions import fill_imu, velocity_of, yaw_of
from synth_nodes.ros.diagnostics import Diagnostics, Health, WARN
from synth_nodes.ros.faults import FaultSwitch
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.qos import advertise, DRIVER, SENSOR, subscribe
from synth_nodes.ros.run import run_node
from synth_nodes.sensors.fault_values import imu_channels
from synth_nodes.sensors.faults import Reading
from synth_nodes.sensors.imu import Imu


class ImuNode(Node):

    def __init__(self) -> None:
        super().__init__('imu_node', automatically_declare_parameters_from_overrides=True)
        self.faults = FaultSwitch()
        settings = declare(
            self, ImuParameters, NODE_PARAMETERS.values(), live=self.faults.live)
        self.imu = Imu(settings.imu, 1, settings.seed)
        self.last: tuple[int, np.ndarray] | None = None
        self.readings = 0
        self.message = ImuMessage()
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('imu', self._health)
        report = self.diagnostics.mismatch
        self.publisher = advertise(self, ImuMessage, 'imu/data', DRIVER, report)
        self.faults.begin(settings.faults, imu_channels(), settings.seed, settings.frame_id,
                          self._send, self.diagnostics)
        subscribe(self, Odometry, 'ground_truth/odom', self._take, SENSOR, report)

    def _take(self, truth: Odometry) -> None:
        stamp, velocity = to_ns(truth.header.stamp), velocity_of(truth.twist.twist)
        last, self.last = self.last, (stamp, velocity)
        if last is None or stamp <= last[0]:
            return
        yaw = np.array([yaw_of(truth.pose.pose.orientation)])
        reading = self.imu.read(velocity[None], last[1][None], yaw, (stamp - last[0]) * 1e-9)
        variances = (reading.angular_velocity_variance, reading.linear_acceleration_variance,
                     reading.orientation_variance)
        self.faults.take(stamp, {
            'angular_velocity': reading.angular_velocity[0],
            'linear_acceleration': reading.linear_acceleration[0],
            'yaw': reading.orientation, 'variances': np.array(variances)})
        self.readings += 1

    def _send(self, reading: Reading) -> None:
        message, arrays = self.message, reading.arrays
        message.header.stamp, message.header.frame_id = to_stamp(reading.stamp), reading.frame_id
        fill_imu(message, arrays['angular_velocity'], arrays['linear_acceleration'],
                 float(arrays['yaw'][0]))
        rate, acceleration, yaw = arrays['variances'].tolist()
        message.angular_velocity_covariance[::4] = [rate] * 3
        message.linear_acceleration_covariance[::4] = [acceleration] * 3
        # A planar robot: roll and pitch are zero and known.
        message.orientation_covariance[::4] = [1e-9, 1e-9, yaw]
        self.publisher.publish(message)

    def _health(self) -> Health:
        values = {'readings': self.readings}
        return Health(values=values) if self.readings else Health(
            WARN, 'no ground truth yet', values)


def main() -> None:
    """Run the node."""
    run_node(ImuNode)


if __name__ == '__main__':
    main()
