"""Stamps, and timers that run on the wall clock while the node lives in simulated time."""

from collections.abc import Callable

from builtin_interfaces.msg import Time
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from rclpy.timer import Timer


def to_ns(stamp: Time) -> int:
    """Nanoseconds of a stamp, exact."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def to_seconds(stamp: Time) -> float:
    """Seconds of a stamp."""
    return float(stamp.sec) + 1e-9 * float(stamp.nanosec)


def to_stamp(nanoseconds: int) -> Time:
    """Stamp of a time in nanoseconds."""
    sec, nanosec = divmod(int(nanoseconds), 1_000_000_000)
    return Time(sec=sec, nanosec=nanosec)


def now(node: Node) -> float:
    """Time of the node's clock [s], simulated where `use_sim_time` is set."""
    return float(node.get_clock().now().nanoseconds) * 1e-9


def every(node: Node, period: float, callback: Callable[[], None]) -> Timer:
    """
    Create a timer on the steady wall clock.

    Unlike a timer in ROS time it also fires while simulated time stands still.

    :param period: [s].
    """
    return node.create_timer(period, callback, clock=Clock(clock_type=ClockType.STEADY_TIME))


def restart(timer: Timer, period: float) -> None:
    """Let a timer fire a period [s] from now, at once where that has passed, and so on."""
    timer.timer_period_ns = max(int(period * 1e9) + 1, 100_000)
    timer.reset()
