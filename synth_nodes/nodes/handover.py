"""Asking the policy node to take the registry's current policy."""

from typing import Any

from rclpy.node import Node
from std_srvs.srv import Trigger


class Handover:
    """Calls a service that reloads, and knows what came of it."""

    def __init__(self, node: Node, service: str) -> None:
        """:param service: its name; empty: nobody is asked."""
        self._node, self._service = node, service
        self._client = node.create_client(Trigger, service) if service else None
        self.state = ''
        """What came of the newest call; empty where there was none."""

    def ask(self) -> None:
        """Ask for a reload."""
        if self._client is None:
            return
        if not self._client.service_is_ready():
            self.state = f"service '{self._service}' is not there"
            return
        self.state = 'asked for'
        self._client.call_async(Trigger.Request()).add_done_callback(self._answered)

    def _answered(self, future: Any) -> None:
        answer = future.result()
        self.state = f"{'done' if answer.success else 'refused'}: {answer.message}"
        self._node.get_logger().info(f'reload {self.state}')
