"""Says whether what the robot sees is sound, and still what its policy learned from."""

from nav_msgs.msg import Odometry, Path
import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import LaserScan

from synth_nodes.errors import InputError
from synth_nodes.infer.locate import locate_policy
from synth_nodes.monitor.drift import DriftWatch, features, Reference
from synth_nodes.monitor.quality import ScanQuality
from synth_nodes.nodes.parameters import MonitorParameters, NODE_PARAMETERS
from synth_nodes.policy.contract import read_contract
from synth_nodes.ros.clocks import now, to_seconds
from synth_nodes.ros.conversions import path_from_message, pose_of, ranges_of, velocity_of
from synth_nodes.ros.diagnostics import Diagnostics, ERROR, Health, WARN
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.qos import DRIVER, SENSOR, subscribe
from synth_nodes.ros.run import run_node
from synth_nodes.tasks.observation import ObservationBuilder
from synth_nodes.tasks.path import PathFollower


class MonitorNode(Node):

    def __init__(self) -> None:
        super().__init__('monitor_node', automatically_declare_parameters_from_overrides=True)
        self.settings = s = declare(self, MonitorParameters, NODE_PARAMETERS.values())
        contract = read_contract(locate_policy(s.model)[1])
        self.spec = contract.observation
        content = contract.provenance.get('features')
        self.drift = DriftWatch(Reference.from_json(content) if content else None, s.drift_window)
        self.quality = ScanQuality(s.quality_window)
        self.builder = ObservationBuilder(self.spec, s.lidar)
        self.follower: PathFollower | None = None
        self.pose: np.ndarray | None = None
        self.velocity, self.fault = np.zeros(3), ''
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('drift', self._drift_health)
        self.diagnostics.add('scan quality', self._quality_health)
        report = self.diagnostics.mismatch
        subscribe(self, Odometry, 'odom', self._take_odometry, SENSOR, report)
        subscribe(self, Path, 'path', self._take_path, DRIVER, report)
        subscribe(self, LaserScan, 'scan', self._take_scan, SENSOR, report)

    def _take_odometry(self, message: Odometry) -> None:
        self.pose, self.velocity = pose_of(message.pose.pose), velocity_of(message.twist.twist)

    def _take_path(self, message: Path) -> None:
        try:
            self.follower = PathFollower([path_from_message(message)], self.spec)
        except InputError:
            self.follower = None

    def _take_scan(self, message: LaserScan) -> None:
        ranges, stamp = ranges_of(message), to_seconds(message.header.stamp)
        self.quality.take(ranges, stamp, now(self))
        try:
            self.builder.push(np.asarray(ranges)[None], stamp)
            self.fault = ''
        except InputError as error:
            self.fault = str(error)
            return
        if self.follower is not None and self.pose is not None:
            seen = self.builder.build(self.follower.goal(self.pose), self.velocity[None])
            values = features(seen['scan'], seen['goal'], seen['velocity'])[0]
            if np.isfinite(values).all():
                self.drift.take(values)

    def _drift_health(self) -> Health:
        return drift_health(self.drift, self.settings.drift_limit)

    def _quality_health(self) -> Health:
        figures, s = self.quality.figures(), self.settings
        if self.fault:
            return Health(ERROR, self.fault, figures)
        if not figures:
            return Health(WARN, 'no scans yet')
        low = 0.8 * s.lidar.rate
        if figures['rate'] < low:
            return Health(WARN, f"{figures['rate']:.1f} scans/s, fewer than {low:.1f}", figures)
        for name, what in (('broken', 'beams are not numbers'),
                           ('repeated', 'scans are the one before bit for bit')):
            if figures[name] > s.quality_limit:
                return Health(WARN, f'{100 * figures[name]:.0f} % of {what}', figures)
        return Health(message='sound', values=figures)


def drift_health(watch: DriftWatch, limit: float) -> Health:
    """Put drift in words; a warning where the index of a feature is above the limit."""
    if watch.reference is None:
        return Health(message='the policy, if any, came without a reference to compare with')
    figures = watch.figures()
    if not figures:
        return Health(message='not enough was seen yet')
    name = max(figures, key=lambda k: figures[k])
    if figures[name] > limit:
        return Health(WARN, f"'{name}' is no longer distributed as in training: index "
                      f'{figures[name]:.2f}', figures)
    return Health(message=f"as in training; most moved is '{name}'", values=figures)


def main() -> None:
    """Run the node."""
    run_node(MonitorNode)


if __name__ == '__main__':
    main()
