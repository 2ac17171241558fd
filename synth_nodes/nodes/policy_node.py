"""Runs the policy: one command a scan or image, and a new model between two on request."""

import time
from typing import Any

from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import Odometry, Path
import numpy as np
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from sensor_msgs.msg import Image, LaserScan
from std_srvs.srv import Trigger

from synth_nodes.infer.session import PolicySession
from synth_nodes.nodes.dock_driver import DockDriver
from synth_nodes.nodes.driver import Driver, stop
from synth_nodes.nodes.image_driver import ImageDriver
from synth_nodes.nodes.lifecycle import configured
from synth_nodes.nodes.models import exchange, load, load_beside, scan_driver
from synth_nodes.nodes.parameters import NODE_PARAMETERS, PolicyParameters
from synth_nodes.policy.line_camera import TASK as LINE_CAMERA
from synth_nodes.ros.clocks import every, now, to_seconds
from synth_nodes.ros.commands import CommandPublisher
from synth_nodes.ros.conversions import path_from_message, pose_of, ranges_of, velocity_of
from synth_nodes.ros.diagnostics import Diagnostics, ERROR, Health, OK, WARN
from synth_nodes.ros.images import pixels_of
from synth_nodes.ros.latency import LatencyRing
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.qos import DRIVER, SENSOR, subscribe
from synth_nodes.ros.run import autostart, run_node
from synth_nodes.ros.tf import Listener

_LEVELS = {'driving': OK, 'arrived': OK, 'waiting': WARN, 'stopped': ERROR}
_GOALS = {'path': (Path, path_from_message),
          'goal_pose': (PoseStamped, lambda m: pose_of(m.pose)[None, :2])}
"""Message of each source of goals, and how to take points (N, 2) out of it."""


class PolicyNode(LifecycleNode):

    def __init__(self) -> None:
        super().__init__('policy_node', automatically_declare_parameters_from_overrides=True)
        self.settings = s = declare(self, PolicyParameters, NODE_PARAMETERS.values())
        self.active, self.fault, self.reloads = False, '', 0
        self.driver: Driver | DockDriver | None = None
        self.pilot: ImageDriver | None = None
        self.session: PolicySession | None = None
        self.decision = stop('not active', 'waiting')
        self.decided = time.monotonic()
        self.latency = LatencyRing()
        self.transforms = Listener(self)
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('policy', self._health)
        report = self.diagnostics.mismatch
        self.command = CommandPublisher(self, 'cmd_vel_raw', s.stamped, report)
        subscribe(self, Odometry, 'odom', self._take_odometry, SENSOR, report)
        kind, points = _GOALS[s.goal_source]
        subscribe(self, kind, s.goal_source,
                  lambda m: self._follow(points(m), m.header.frame_id), DRIVER, report)
        subscribe(self, LaserScan, 'scan', self._take_scan, SENSOR, report)
        self.create_service(Trigger, '~/reload', self._reload)
        every(self, 0.05, self._watch)
        if s.autostart:
            autostart(self)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        return configured(self, self._build)

    def _build(self) -> None:
        s = self.settings
        self.session = load(s)
        camera = self.session.contract.camera
        if camera is not None:
            self.session.contract.check_task(LINE_CAMERA, str(self.session.path))
            self.pilot = ImageDriver(self.session, camera, s.image_timeout)
            subscribe(self, Image, 'camera/image_raw', self._take_image, SENSOR,
                      self.diagnostics.mismatch)
            return
        self.driver = scan_driver(self.session, s)
        if isinstance(self.driver, DockDriver):
            subscribe(self, PoseStamped, 'dock_pose', self._take_dock, DRIVER,
                      self.diagnostics.mismatch)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.active, self.decision = True, stop('no data yet', 'waiting')
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.close()
        return TransitionCallbackReturn.SUCCESS

    on_shutdown = on_deactivate

    def close(self) -> None:
        """Stop the robot."""
        if self.active:
            self.active = False
            self.decision = stop('not active', 'waiting')
            self.command.send(self.decision.command)
            self.command.flush()

    async def _reload(self, request: Any, response: Any) -> Any:
        """Load beside the control loop and swap between two of its steps."""
        loaded = await load_beside(self, self.settings)
        if isinstance(loaded, PolicySession) and self.session is not None:
            loaded = exchange(self.session, loaded, self.driver, self.pilot)
        response.success = isinstance(loaded, PolicySession) and self.session is not None
        if response.success:
            self.session = loaded
            self.reloads += 1
        response.message = str(getattr(loaded, 'path', loaded))
        self.get_logger().info(f'reload: {response.message}')
        return response

    def _take_odometry(self, message: Odometry) -> None:
        if self.driver is not None:
            self.driver.take_odometry(
                pose_of(message.pose.pose), velocity_of(message.twist.twist),
                to_seconds(message.header.stamp))

    def _follow(self, points: Any, frame: str) -> None:
        if not isinstance(self.driver, Driver):
            return
        moved, problem = self.transforms.carry(points, frame, self.settings.odom_frame)
        if moved is None:
            self.driver.refuse_path(f'the path is refused: {problem}')
        else:
            self.driver.take_path(moved)

    def _take_dock(self, message: PoseStamped) -> None:
        moved, problem = self.transforms.carry_pose(
            pose_of(message.pose), message.header.frame_id, self.settings.odom_frame)
        if moved is None:
            self.driver.refuse(f'the dock is refused: {problem}')
        else:
            self.driver.take_dock(moved)

    def _take_scan(self, message: LaserScan) -> None:
        if self.active and self.driver is not None:
            data = ranges_of(message)
            if isinstance(self.driver, DockDriver):
                data = data, np.frombuffer(message.intensities, np.float32)
            self._drive(self.driver, data, message.header.stamp)

    def _take_image(self, message: Image) -> None:
        if self.active and self.pilot is not None:
            self._drive(self.pilot, pixels_of(message), message.header.stamp)

    def _drive(self, driver: Driver | DockDriver | ImageDriver, data: Any, stamp: Any) -> None:
        begin = time.perf_counter()
        self.decision = driver.decide(data, to_seconds(stamp), now(self))
        self.command.send(self.decision.command, stamp)
        self.latency.add(time.perf_counter() - begin)
        self.decided = time.monotonic()

    def _watch(self) -> None:
        """Stop the robot when scans or images cease."""
        s = self.settings
        what, limit = ('scan', s.scan_timeout) if self.pilot is None else (
            'image', s.image_timeout)
        if self.active and time.monotonic() - self.decided > limit:
            self.decision = stop(f'no {what} comes in')
            self.command.send(self.decision.command)

    def _health(self) -> Health:
        values = {'state': self.decision.state, 'steps': self.latency.count,
                  'reloads': self.reloads, **self.latency.summary()}
        if self.session is not None:
            values |= {'model': self.session.path, 'sha256': self.session.contract.sha256[:12],
                       'provider': self.session.providers[0]}
        return Health(ERROR if self.fault else _LEVELS[self.decision.state],
                      self.fault or self.decision.reason, values)


def main() -> None:
    """Run the node."""
    run_node(PolicyNode)


if __name__ == '__main__':
    main()
