"""What the trainer node gathers beside the running robot: samples to learn from, and drift."""

from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from nav_msgs.msg import Odometry, Path
import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import LaserScan

from synth_nodes.errors import InputError
from synth_nodes.monitor.drift import DriftWatch
from synth_nodes.nodes.experience import Experience
from synth_nodes.nodes.learning import reference_of
from synth_nodes.nodes.monitor_node import drift_health
from synth_nodes.nodes.parameters import TrainerParameters
from synth_nodes.ros.clocks import to_seconds
from synth_nodes.ros.conversions import (
    command_class,
    path_from_message,
    pose_of,
    ranges_of,
    twist_of,
    velocity_of,
)
from synth_nodes.ros.diagnostics import Health
from synth_nodes.ros.qos import COMMAND, DRIVER, Report, SENSOR, subscribe
from synth_nodes.train.replay import ReplayStore
from synth_nodes.train.samples import Samples

CHUNK = 100
"""Samples in a chunk of the replay store; fewer wait in memory until the node ends or trains."""


class Gathering:
    """Pairs what a robot sees with what it is let do, keeps that, and looks for drift."""

    def __init__(self, settings: TrainerParameters) -> None:
        self._settings = s = settings
        self.experience = Experience(s.bc.observation, s.lidar, s.bc.sample_period)
        """What was recorded."""
        self.fault = ''
        """Why the newest scan cannot be recorded; empty where it can."""
        self._replay = ReplayStore(s.replay, s.replay_chunks) if s.record and s.replay else None
        if self._replay is not None:
            # What was recorded with other settings is refused here, not when it trains.
            self._replay.samples(s.bc.observation)
        self.watch_anew()

    def watch_anew(self) -> None:
        """Compare from now on with what the registry's current policy learned from."""
        self._watch = DriftWatch(reference_of(self._settings.registry),
                                 self._settings.drift_window)

    def forget(self) -> None:
        """Wait for a full window before drift is seen again."""
        self._watch = DriftWatch(self._watch.reference, self._settings.drift_window)

    def listen(self, node: Node, report: Report) -> None:
        """Record from now on what comes in on the topics of a node."""
        experience, kind = self.experience, command_class(self._settings.stamped)
        subscribe(node, Odometry, 'odom', lambda m: experience.take_odometry(
            pose_of(m.pose.pose), velocity_of(m.twist.twist)), SENSOR, report)
        subscribe(node, Path, 'path', lambda m: experience.take_path(
            path_from_message(m)), DRIVER, report)
        subscribe(node, LaserScan, 'scan', self._take_scan, SENSOR, report)
        subscribe(node, kind, 'cmd_vel', self._take_command, COMMAND, report)
        subscribe(node, DiagnosticStatus, 'safety/verdict', self._take_verdict, DRIVER, report)

    def _take_scan(self, message: LaserScan) -> None:
        try:
            self.experience.take_scan(ranges_of(message), to_seconds(message.header.stamp))
            self.fault = ''
        except InputError as error:
            self.fault = str(error)

    def _take_command(self, message: Any) -> None:
        stamp = to_seconds(message.header.stamp) if self._settings.stamped else None
        before = self.experience.taken
        self.experience.take_command(velocity_of(twist_of(message)), stamp)
        if self.experience.taken > before:
            self._watch.take(self.experience.newest)

    def _take_verdict(self, message: DiagnosticStatus) -> None:
        values = {pair.key: pair.value for pair in message.values}
        self.experience.take_verdict(
            values['action'], values['rule'], float(values['ttc']),
            np.array(values['wanted'].split(), float))

    def store(self, least: int = CHUNK) -> None:
        """Put what was recorded on disk; where fewer than `least` are of a kind, those wait."""
        if self._replay is not None:
            self.experience.store(self._replay, least)

    def samples(self) -> Samples | None:
        """Give all that was recorded; None where that is nothing."""
        if self._replay is None:
            return self.experience.samples()
        self.store(1)
        s = self._settings
        samples = self._replay.samples(s.bc.observation, s.intervention_weight)
        return samples if len(samples) else None

    def passed_over(self) -> int:
        """Count the damaged chunks on disk that :meth:`samples` left out."""
        return 0 if self._replay is None else self._replay.passed_over

    def drifted(self) -> bool:
        """Whether what is seen has drifted."""
        return max(self._watch.figures().values(), default=0.0) > self._settings.drift_limit

    def drift_health(self) -> Health:
        """Say how far what is seen has drifted."""
        return drift_health(self._watch, self._settings.drift_limit)
