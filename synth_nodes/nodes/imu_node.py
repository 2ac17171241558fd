"""A simulated IMU in base_link."""

from nav_msgs.msg import Odometry
import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import Imu as ImuMessage

from synth_nodes.nodes.parameters import ImuParameters, NODE_PARAMETERS
from synth_nodes.ros.clocks import to_ns
from synth_nodes.ros.conversions import fill_imu, velocity_of, yaw_of
from synth_nodes.ros.diagnostics import Diagnostics, Health, WARN
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.qos import advertise, DRIVER, SENSOR, subscribe
from synth_nodes.ros.run import run_node
from synth_nodes.sensors.imu import Imu


class ImuNode(Node):

    def __init__(self) -> None:
        super().__init__('imu_node', automatically_declare_parameters_from_overrides=True)
        settings = declare(self, ImuParameters, NODE_PARAMETERS.values())
        self.imu = Imu(settings.imu, 1, settings.seed)
        self.last: tuple[int, np.ndarray] | None = None
        self.readings = 0
        self.message = ImuMessage()
        self.message.header.frame_id = settings.frame_id
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('imu', self._health)
        report = self.diagnostics.mismatch
        self.publisher = advertise(self, ImuMessage, 'imu/data', DRIVER, report)
        subscribe(self, Odometry, 'ground_truth/odom', self._take, SENSOR, report)

    def _take(self, truth: Odometry) -> None:
        stamp, velocity = to_ns(truth.header.stamp), velocity_of(truth.twist.twist)
        last, self.last = self.last, (stamp, velocity)
        if last is None or stamp <= last[0]:
            return
        yaw = np.array([yaw_of(truth.pose.pose.orientation)])
        reading = self.imu.read(velocity[None], last[1][None], yaw, (stamp - last[0]) * 1e-9)
        message = self.message
        message.header.stamp = truth.header.stamp
        fill_imu(message, reading.angular_velocity[0], reading.linear_acceleration[0],
                 float(reading.orientation[0]))
        message.angular_velocity_covariance[::4] = [float(reading.angular_velocity_variance)] * 3
        message.linear_acceleration_covariance[::4] = [
            float(reading.linear_acceleration_variance)] * 3
        # A planar robot: roll and pitch are zero and known.
        message.orientation_covariance[::4] = [1e-9, 1e-9, float(reading.orientation_variance)]
        self.publisher.publish(message)
        self.readings += 1

    def _health(self) -> Health:
        values = {'readings': self.readings}
        return Health(values=values) if self.readings else Health(
            WARN, 'no ground truth yet', values)


def main() -> None:
    """Run the node."""
    run_node(ImuNode)


if __name__ == '__main__':
    main()
