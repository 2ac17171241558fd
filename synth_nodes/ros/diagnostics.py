"""A node's health, once a second of wall time, as `diagnostics`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node

from synth_nodes.ros.clocks import every

OK, WARN, ERROR, STALE = (DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR,
                          DiagnosticStatus.STALE)


@dataclass(frozen=True)
class Health:
    """The state of one matter: how bad, one line for people, and figures."""

    level: bytes = OK
    message: str = 'ok'
    values: Mapping[str, Any] = field(default_factory=dict)


class Diagnostics:
    """Publish what a node says about itself; also collect mismatches of quality of service."""

    def __init__(self, node: Node, period: float = 1.0) -> None:
        """:param period: wall time between two messages [s]."""
        self._node = node
        self._matters: dict[str, Callable[[], Health]] = {}
        self._mismatches: dict[str, str] = {}
        self._publisher = node.create_publisher(DiagnosticArray, 'diagnostics', 10)
        self._timer = every(node, period, self.publish)

    def add(self, what: str, health: Callable[[], Health]) -> None:
        """Publish under the name '<node>: <what>' what `health` returns."""
        self._matters[what] = health

    def mismatch(self, line: str) -> None:
        """Note a peer that cannot be talked to; `line` starts with a count, then names it."""
        self._mismatches[line.split(' ', 1)[1]] = line
        self._node.get_logger().warning(line)

    def publish(self) -> None:
        """Publish now."""
        message = DiagnosticArray()
        message.header.stamp = self._node.get_clock().now().to_msg()
        matters = dict(self._matters)
        if self._mismatches:
            matters['quality of service'] = self._quality
        message.status = [self._status(what, get()) for what, get in matters.items()]
        self._publisher.publish(message)

    def _quality(self) -> Health:
        return Health(ERROR, '; '.join(self._mismatches.values()))

    def _status(self, what: str, health: Health) -> DiagnosticStatus:
        name = self._node.get_fully_qualified_name()
        return status(f'{name}: {what}', health)


def status(name: str, health: Health) -> DiagnosticStatus:
    """Turn a health into a message; numbers keep up to six digits."""
    return DiagnosticStatus(
        level=health.level, name=name, message=health.message, hardware_id='synth_nodes',
        values=[KeyValue(key=k, value=_text(v)) for k, v in health.values.items()])


def _text(value: Any) -> str:
    return f'{value:.6g}' if isinstance(value, float) else str(value)
