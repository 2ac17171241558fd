"""The safety monitor's explanations: verdicts on change and once a second, zones as markers."""

import time

from diagnostic_msgs.msg import DiagnosticStatus
import numpy as np
from numpy.typing import ArrayLike
from rclpy.node import Node
from visualization_msgs.msg import MarkerArray

from synth_nodes.ros.clocks import now
from synth_nodes.ros.diagnostics import ERROR, Health, OK, status, WARN
from synth_nodes.ros.markers import outlines
from synth_nodes.ros.qos import advertise, DRIVER, Report
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.zones import zone_polygons
from synth_nodes.types import RobotSpec, Verdict

LEVELS = {'pass': OK, 'limit': WARN, 'slowdown': WARN, 'stop': ERROR}
"""Level of a verdict's action."""


class Explainer:
    """Publishes `safety/verdict` and `safety/zones`."""

    def __init__(self, node: Node, report: Report) -> None:
        self._node = node
        self._verdicts = advertise(node, DiagnosticStatus, 'safety/verdict', DRIVER, report)
        self._zones = advertise(node, MarkerArray, 'safety/zones', DRIVER, report)
        self._gist: tuple[str, ...] = ()
        self._said = -float('inf')

    def explain(self, verdict: Verdict, wanted: ArrayLike) -> None:
        """
        Publish a verdict where action, rule or source have changed, or a second has passed.

        :param wanted: the command that was judged: vx, vy [m/s], wz [rad/s], shape (3,).
        """
        gist, wall = (verdict.action, verdict.rule, verdict.source), time.monotonic()
        if gist == self._gist and wall - self._said < 1.0:
            return
        self._gist, self._said = gist, wall
        values = {
            'action': verdict.action, 'rule': verdict.rule, 'source': verdict.source,
            'margin': verdict.margin, 'ttc': verdict.time_to_collision,
            'command': _words(verdict.command), 'wanted': _words(wanted),
            'time': f'{now(self._node):.3f}'}
        name = f'{self._node.get_fully_qualified_name()}: verdict'
        self._verdicts.publish(
            status(name, Health(LEVELS[verdict.action], verdict.reason, values)))

    def draw(self, rules: SafetyRules, robot: RobotSpec, wanted: ArrayLike, binding: str) -> None:
        """Publish the zones where somebody looks; `binding` names the rule that binds."""
        if self._zones.get_subscription_count():
            zones = zone_polygons(rules, robot, np.asarray(wanted, float))
            stamp = self._node.get_clock().now().to_msg()
            self._zones.publish(outlines(
                [(zone.name, zone.polygon) for zone in zones], 'base_link', stamp, binding))


def _words(command: ArrayLike) -> str:
    return ' '.join(f'{c:.4f}' for c in np.asarray(command, float).tolist())
