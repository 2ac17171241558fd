"""What a mission hears of the graph it drives in: whether it is ready, and how it does."""

from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.serialization import deserialize_message

from synth_nodes.ros.recorder import Handler, stamp_of
from synth_nodes.tasks.mission_report import MissionReport

SAFETY = 'a safety monitor that lets commands pass'


class Intake:
    """Feeds a report from serialised messages."""

    def __init__(self, report: MissionReport, stamped: bool) -> None:
        """:param stamped: whether velocity commands have stamps."""
        self._report, self._stamped = report, stamped
        self._passing = False
        self.waiting_for = {'map', 'ground_truth/odom', 'scan', 'cmd_vel', 'a planner', SAFETY}
        """What of the graph has not been heard yet."""
        self.measuring = False
        """Whether commands and verdicts count: from the first goal on."""
        self.handlers: dict[str, Handler] = {
            'scan': self._scan, 'cmd_vel': self._command, 'safety/verdict': self._verdict,
            'diagnostics': self._counters}
        """What takes the messages of each topic, and when they came."""

    def heard(self, what: str) -> None:
        """Wait no longer for a part of the graph."""
        self.waiting_for.discard(what)

    def _scan(self, data: bytes, info: Any) -> None:
        self.heard('scan')
        self._report.chain.scan(stamp_of(data), info['source_timestamp'])

    def _command(self, data: bytes, info: Any) -> None:
        self.heard('cmd_vel')
        if self.measuring:
            stamp = stamp_of(data) if self._stamped else None
            self._report.chain.command(stamp, info['source_timestamp'])

    def _counters(self, data: bytes, _: Any) -> None:
        for status in deserialize_message(data, DiagnosticArray).status:
            self._report.counters.add(status.name, {v.key: v.value for v in status.values})
            if self._passing and 'safety_monitor_node' in status.name:
                self.heard(SAFETY)  # the counters are as of now

    def _verdict(self, data: bytes, _: Any) -> None:
        status = deserialize_message(data, DiagnosticStatus)
        values = {v.key: v.value for v in status.values}
        self._passing = values.get('action') != 'stop'
        if self.measuring:
            self._report.verdict(values, status.message)
