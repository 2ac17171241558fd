"""A robot's sensors and commands as a test plays them, and what to look for."""

from geometry_msgs.msg import TwistStamped
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from nav_msgs.msg import Odometry
import numpy as np
from rclpy.duration import Duration
from sensor_msgs.msg import LaserScan

from synth_nodes.ros.conversions import fill_odometry, new_scan, set_ranges
from synth_nodes.types import LidarSpec


class Drivers:
    """Stands in for the sensors of a robot: scan and odometry at 20 Hz, in real time."""

    def __init__(self, peer):
        self.peer, self.node = peer, peer.node
        self.scan_publisher = self.node.create_publisher(LaserScan, 'scan', 5)
        self.odom_publisher = self.node.create_publisher(Odometry, 'odom', 5)
        self.scan, self.odom = new_scan(LidarSpec(), 'laser'), Odometry()
        self.odom.header.frame_id = 'odom'
        self.distance, self.velocity, self.on = 8.0, (0.0, 0.0, 0.0), True
        self.node.create_timer(0.05, self.publish)

    def publish(self):
        if not self.on:
            return
        stamp = self.node.get_clock().now().to_msg()
        self.odom.header.stamp = self.scan.header.stamp = stamp
        fill_odometry(self.odom, (0.0, 0.0, 0.0), self.velocity)
        set_ranges(self.scan, np.full(360, self.distance))
        self.odom_publisher.publish(self.odom)
        self.scan_publisher.publish(self.scan)

    def stop(self):
        self.on = False


def change(peer, node, transition):
    client = peer.node.create_client(ChangeState, f'{node}/change_state')
    assert peer.until(client.service_is_ready)
    request = ChangeState.Request(transition=Transition(id=transition))
    future = client.call_async(request)
    assert peer.until(future.done)
    assert future.result().success


def health(messages, name):
    """Newest status whose name ends so."""
    for message in reversed(messages):
        for status in message.status:
            if status.name.endswith(name):
                return status
    return None


class Commands:
    """Commands of 0.3 m/s at 20 Hz or a part of it, while `on`; what the monitor makes of them."""

    def __init__(self, peer, topic='cmd_vel_raw'):
        self.peer, self.on, self.vx, self.age, self.frame = peer, True, 0.3, 0.0, 'base_link'
        self.part, self.count = 1, 0
        self.publisher = peer.node.create_publisher(TwistStamped, topic, 5)
        self.out = peer.listen(TwistStamped, 'cmd_vel')
        peer.node.create_timer(0.05, self.publish)

    def publish(self):
        self.count += 1
        if self.on and self.count % self.part == 0:
            message = TwistStamped()
            stamp = self.peer.node.get_clock().now() - Duration(seconds=self.age)
            message.header.stamp, message.header.frame_id = stamp.to_msg(), self.frame
            message.twist.linear.x = self.vx
            self.publisher.publish(message)


def moving(commands):
    return bool(commands) and commands[-1].twist.linear.x > 0.1


def stopped(commands):
    return bool(commands) and commands[-1].twist.linear.x == 0.0
