"""The safety monitor's explanations: verdicts and states on change and once a second, zones."""

from collections.abc import Mapping, Sequence
import time

from diagnostic_msgs.msg import DiagnosticStatus
import numpy as np
from numpy.typing import ArrayLike
from rclpy.node import Node
from visualization_msgs.msg import Marker, MarkerArray

from synth_nodes.ros.clocks import now
from synth_nodes.ros.diagnostics import ERROR, Health, OK, status, WARN
from synth_nodes.ros.markers import outlines
from synth_nodes.ros.qos import advertise, DRIVER, Report
from synth_nodes.safety.nav2_zones import UserZone
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.safety.zone_drawing import user_outlines
from synth_nodes.safety.zones import zone_polygons
from synth_nodes.types import RobotSpec, Verdict

LEVELS = {'pass': OK, 'limit': WARN, 'slowdown': WARN, 'approach': WARN, 'stop': ERROR}
"""Level of a verdict's action."""


def level_of(verdict: Verdict) -> bytes:
    """Level of a verdict; one of a monitor that is switched off is a warning."""
    least = WARN if verdict.rule in ('off', 'override') else OK
    return bytes(max(LEVELS[verdict.action], least))


class _Sayer:
    """Publishes a status where its gist has changed, or a second has passed."""

    def __init__(self, node: Node, topic: str, what: str, report: Report) -> None:
        self._publisher = advertise(node, DiagnosticStatus, topic, DRIVER, report)
        self._name = f'{node.get_fully_qualified_name()}: {what}'
        self._gist: tuple[str, ...] = ()
        self._said = -float('inf')

    def due(self, gist: tuple[str, ...]) -> bool:
        wall = time.monotonic()
        if gist == self._gist and wall - self._said < 1.0:
            return False
        self._gist, self._said = gist, wall
        return True

    def say(self, health: Health) -> None:
        self._publisher.publish(status(self._name, health))


class Explainer:
    """Publishes `safety/verdict`, `safety/state` and `safety/zones`."""

    def __init__(self, node: Node, report: Report, frame: str = 'base_link') -> None:
        """:param frame: of the robot, in which zones are drawn."""
        self._node, self._frame = node, frame
        self._verdicts = _Sayer(node, 'safety/verdict', 'verdict', report)
        self._states = _Sayer(node, 'safety/state', 'state', report)
        self._zones = advertise(node, MarkerArray, 'safety/zones', DRIVER, report)

    def explain(self, verdict: Verdict, wanted: ArrayLike) -> None:
        """
        Publish a verdict where action, rule or source have changed, or a second has passed.

        :param wanted: the command that was judged: vx, vy [m/s], wz [rad/s], shape (3,).
        """
        if not self._verdicts.due((verdict.action, verdict.rule, verdict.source)):
            return
        values = {
            'action': verdict.action, 'rule': verdict.rule, 'source': verdict.source,
            'margin': verdict.margin, 'ttc': verdict.time_to_collision,
            'command': _words(verdict.command), 'wanted': _words(wanted),
            'time': f'{now(self._node):.3f}'}
        self._verdicts.say(Health(level_of(verdict), verdict.reason, values))

    def state(self, verdict: Verdict, states: Mapping[str, str]) -> None:
        """
        Publish how sources and zones are, and which of them binds, likewise.

        :param states: by 'source NAME' and 'zone NAME'; what follows a colon is no change.
        """
        gist = tuple(state.split(':')[0] for state in states.values())
        if self._states.due((verdict.action, verdict.rule, *gist)):
            bad = [name for name, state in states.items() if state.startswith('refused')]
            words = f"refused: {', '.join(bad)}" if bad else verdict.action
            self._states.say(Health(level_of(verdict), words, {
                'action': verdict.action, 'rule': verdict.rule, **states}))

    def draw(self, rules: SafetyRules, robot: RobotSpec, wanted: ArrayLike, binding: str,
             zones: Sequence[UserZone] = ()) -> None:
        """Publish the zones where somebody looks; `binding` names the one that binds."""
        if self._zones.get_subscription_count():
            command = np.asarray(wanted, float)
            shown = [*zone_polygons(rules, robot, command), *user_outlines(zones, command)]
            stamp = self._node.get_clock().now().to_msg()
            message = outlines([(zone.name, zone.polygon) for zone in shown], self._frame, stamp,
                               binding)
            # What was drawn before and is no longer there, such as a zone switched off, goes.
            message.markers = [Marker(action=Marker.DELETEALL), *message.markers]
            self._zones.publish(message)


def _words(command: ArrayLike) -> str:
    return ' '.join(f'{c:.4f}' for c in np.asarray(command, float).tolist())
