"""
Quality of service of the graph, after REP-2003, and endpoints that report a mismatch.

Drivers publish reliable with depth 5 and consumers subscribe with the sensor-data profile, which
accepts both reliable and best-effort drivers. Maps are reliable and transient-local. Commands are
reliable on both ends: none is lost between policy, safety monitor and base.
"""

from collections.abc import Callable
from typing import Any

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    qos_policy_name_from_kind,
    qos_profile_sensor_data,
    QoSProfile,
    ReliabilityPolicy,
)
from rclpy.subscription import Subscription

try:
    from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
except ImportError:  # before Iron
    from rclpy.qos_event import PublisherEventCallbacks, SubscriptionEventCallbacks

DRIVER = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=5, reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.VOLATILE)
SENSOR = qos_profile_sensor_data
FAST = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=100, reliability=ReliabilityPolicy.BEST_EFFORT,
    durability=DurabilityPolicy.VOLATILE)
"""As SENSOR for what comes hundreds of times a second: room for half a second of it."""
MAP = QoSProfile(
    history=HistoryPolicy.KEEP_LAST, depth=1, reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL)
COMMAND = DRIVER

Report = Callable[[str], None]


def advertise(node: Node, kind: type, topic: str, qos: QoSProfile,
              report: Report) -> Publisher[Any]:
    """
    Create a publisher that reports subscribers it cannot serve.

    :param report: takes one line for people; see `Diagnostics.mismatch`.
    """
    def told(event: Any) -> None:
        report(_line('subscriber of', node.resolve_topic_name(topic), event))

    # The base class on purpose: a lifecycle node decides itself what it says while inactive.
    return Node.create_publisher(
        node, kind, topic, qos, event_callbacks=PublisherEventCallbacks(incompatible_qos=told))


def subscribe(node: Node, kind: type, topic: str, callback: Callable[[Any], None],
              qos: QoSProfile, report: Report, raw: bool = False) -> Subscription[Any]:
    """
    Create a subscription that reports publishers it cannot hear.

    :param report: takes one line for people; see `Diagnostics.mismatch`.
    :param raw: whether `callback` takes serialised bytes.
    """
    def told(event: Any) -> None:
        report(_line('publisher on', node.resolve_topic_name(topic), event))

    return node.create_subscription(
        kind, topic, callback, qos, raw=raw,
        event_callbacks=SubscriptionEventCallbacks(incompatible_qos=told))


def _line(peer: str, topic: str, event: Any) -> str:
    policy = qos_policy_name_from_kind(event.last_policy_kind).lower()
    return (f'{event.total_count} {peer} {topic} with an incompatible {policy} policy: '
            f'no messages pass; change its quality of service')
