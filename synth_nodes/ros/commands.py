"""Velocity commands out, as TwistStamped or Twist, and in."""

import time
from typing import Any

from builtin_interfaces.msg import Time
from numpy.typing import ArrayLike
from rclpy.duration import Duration
from rclpy.node import Node

from synth_nodes.ros.conversions import command_class, set_velocity, twist_of
from synth_nodes.ros.qos import advertise, COMMAND, Report


class CommandPublisher:
    """Publishes commands in base_link and knows when it last did."""

    def __init__(self, node: Node, topic: str, stamped: bool, report: Report,
                 frame: str = 'base_link') -> None:
        """
        Advertise the topic.

        :param stamped: TwistStamped rather than Twist.
        :param frame: of the commands.
        """
        self._node = node
        self._message: Any = command_class(stamped)()
        self._stamped = stamped
        if stamped:
            self._message.header.frame_id = frame
        self._publisher = advertise(node, command_class(stamped), topic, COMMAND, report)
        self.sent = -float('inf')
        """Wall time (monotonic) of the newest command [s]."""

    def send(self, velocity: ArrayLike, stamp: Time | None = None) -> None:
        """
        Publish a command.

        :param velocity: vx, vy [m/s], wz [rad/s], shape (3,).
        :param stamp: what it answers to; the present time where None.
        """
        set_velocity(twist_of(self._message), velocity)
        if self._stamped:
            self._message.header.stamp = stamp or self._node.get_clock().now().to_msg()
        self._publisher.publish(self._message)
        self.sent = time.monotonic()

    def zero(self) -> None:
        """Publish a stop."""
        self.send((0.0, 0.0, 0.0))

    def end(self, period: float, duration: float) -> None:
        """
        Publish stops for a while, and wait until they have been heard.

        :param period: from one to the next [s].
        :param duration: for how long [s].
        """
        for _ in range(round(duration / period)):
            self.zero()
            time.sleep(period)
        self.flush()

    def flush(self) -> None:
        """Wait until every subscriber has what was sent, 0.2 s at most."""
        self._publisher.wait_for_all_acked(Duration(seconds=0.2))

    @property
    def topic(self) -> str:
        """Full name of the topic."""
        return str(self._publisher.topic_name)

    @property
    def silence(self) -> float:
        """Wall time since the newest command [s]."""
        return time.monotonic() - self.sent
