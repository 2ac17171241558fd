"""Stands between policy and motors: lets no command through that breaks the safety rules."""

import time
from typing import Any

from nav_msgs.msg import Odometry
import numpy as np
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from sensor_msgs.msg import LaserScan
from std_srvs.srv import Trigger

from synth_nodes.errors import InputError
from synth_nodes.nodes.guard import Guard, rehearse
from synth_nodes.nodes.parameters import NODE_PARAMETERS, SafetyMonitorParameters
from synth_nodes.ros.clocks import every, now, to_seconds
from synth_nodes.ros.commands import CommandPublisher
from synth_nodes.ros.conversions import (
    angles_of,
    command_class,
    ranges_of,
    twist_of,
    velocity_of,
)
from synth_nodes.ros.diagnostics import Diagnostics, ERROR, Health, WARN
from synth_nodes.ros.latency import LatencyRing
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.qos import COMMAND, SENSOR, subscribe
from synth_nodes.ros.run import autostart, run_node
from synth_nodes.ros.verdicts import Explainer, LEVELS
from synth_nodes.safety.log import SafetyLog

TICK = 0.025
"""Period [s] of zeros while stopped for lack of commands."""
SILENCE = 0.06
"""Wall time [s] without a command after which the last one is judged again."""


class SafetyMonitorNode(LifecycleNode):

    def __init__(self) -> None:
        super().__init__('safety_monitor_node',
                         automatically_declare_parameters_from_overrides=True)
        self.settings = s = declare(self, SafetyMonitorParameters, NODE_PARAMETERS.values())
        self.fault = ''
        self.guard: Guard | None = None
        self.log: SafetyLog | None = None
        self.active = False
        self.latency = LatencyRing()
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('safety', self._health)
        report = self.diagnostics.mismatch
        self.command = CommandPublisher(self, 'cmd_vel', s.stamped, report)
        self.explainer = Explainer(self, report)
        subscribe(self, LaserScan, 'scan', self._take_scan, SENSOR, report)
        subscribe(self, Odometry, 'odom', self._take_odometry, SENSOR, report)
        subscribe(self, command_class(s.stamped), 'cmd_vel_raw', self._take_command, COMMAND,
                  report)
        for name, action in (('stop', Guard.latch), ('reset', Guard.reset),
                             ('override', Guard.override)):
            self.create_service(Trigger, f'~/{name}', self._service(name, action))
        every(self, TICK, self._tick)
        every(self, 0.2, self._draw)
        if s.autostart:
            autostart(self)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        s = self.settings
        self._close_log()
        try:
            rehearse(s.safety, s.robot, s.lidar.mount)
            self.log = SafetyLog(s.log, s.safety, s.robot)
            self.guard, self.fault = Guard(s.safety, s.robot, s.lidar.mount, self.log), ''
        except InputError as error:
            self.fault = f'{self.get_name()}: {error}'
            if not s.autostart:  # which raises it, and so it is said once
                self.get_logger().error(self.fault)
            return TransitionCallbackReturn.FAILURE
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.active = True
        self.guard.note(now(self), 'activated')
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._halt()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.close()
        return TransitionCallbackReturn.SUCCESS

    def close(self) -> None:
        """Stop the robot, see that the base has heard it, and end the log."""
        self._halt()
        self._close_log()

    def _halt(self) -> None:
        if self.active:
            self.active = False
            self.command.send(np.zeros(3))
            self.command.flush()
            self.guard.note(now(self), 'deactivated')

    def _close_log(self) -> None:
        if self.log is not None:
            self.log.close()

    def _take_scan(self, message: LaserScan) -> None:
        if self.guard is not None:
            self.guard.take_scan(ranges_of(message), angles_of(message), message.range_min,
                                 message.range_max, to_seconds(message.header.stamp))

    def _take_odometry(self, message: Odometry) -> None:
        if self.guard is not None:
            self.guard.take_odometry(velocity_of(message.twist.twist),
                                     to_seconds(message.header.stamp))

    def _take_command(self, message: Any) -> None:
        if not self.active:
            return
        begin, present = time.perf_counter(), now(self)
        stamp = message.header.stamp if self.settings.stamped else None
        verdict = self.guard.check(velocity_of(twist_of(message)),
                                   to_seconds(stamp) if stamp else present, present)
        self.command.send(verdict.command, stamp)
        self.latency.add(time.perf_counter() - begin)
        self.explainer.explain(verdict, self.guard.command)

    def _tick(self) -> None:
        """Speak while commands are silent: judge the last one again, or say zero."""
        if not self.active or self.command.silence < 0.9 * TICK:
            return
        if self.guard.verdict.action == 'stop' or self.command.silence > SILENCE:
            verdict = self.guard.recheck(now(self))
            self.command.send(verdict.command)
            self.explainer.explain(verdict, self.guard.command)

    def _draw(self) -> None:
        if self.active:
            self.explainer.draw(self.settings.safety, self.settings.robot, self.guard.command,
                                self.guard.verdict.rule)

    def _service(self, name: str, action: Any) -> Any:
        def serve(request: Any, response: Any) -> Any:
            problem = action(self.guard, now(self)) if self.guard else 'not configured'
            response.success, response.message = not problem, problem or f'{name}: done'
            self.get_logger().info(response.message)
            return response
        return serve

    def _health(self) -> Health:
        if self.guard is None or not self.active:
            return Health(ERROR if self.fault else WARN, self.fault or 'not active')
        verdict, log = self.guard.verdict, self.log
        values = {**self.guard.counts, **self.latency.summary(), 'log_written': log.written,
                  'log_lost': log.lost, 'log_bytes': log.size, 'log_digest': log.digest[:16]}
        level = LEVELS[verdict.action]
        return Health(max(level, WARN) if log.problem else level, log.problem or verdict.reason,
                      values)


def main() -> None:
    """Run the node."""
    run_node(SafetyMonitorNode)


if __name__ == '__main__':
    main()
