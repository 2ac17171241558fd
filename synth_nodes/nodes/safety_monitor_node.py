"""Stands between policy and motors: lets no command through that breaks the safety rules."""

from functools import partial
import time
from typing import Any

from builtin_interfaces.msg import Time
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

from synth_nodes.nodes import supervision
from synth_nodes.nodes.guard import Guard
from synth_nodes.nodes.guarding import build_guard
from synth_nodes.nodes.lifecycle import configured
from synth_nodes.nodes.parameters import NODE_PARAMETERS, SafetyMonitorParameters
from synth_nodes.nodes.sensing import Sensing
from synth_nodes.nodes.speaking import check_period, LAST_WORDS, Pace, TICK
from synth_nodes.ros.clocks import every, now, restart, to_seconds
from synth_nodes.ros.commands import CommandPublisher
from synth_nodes.ros.conversions import command_class, twist_of, velocity_of
from synth_nodes.ros.diagnostics import Diagnostics
from synth_nodes.ros.latency import LatencyRing
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.qos import COMMAND, subscribe
from synth_nodes.ros.run import autostart, run_node
from synth_nodes.ros.verdicts import Explainer
from synth_nodes.safety.log import SafetyLog
from synth_nodes.types import Verdict


class SafetyMonitorNode(LifecycleNode):

    def __init__(self) -> None:
        super().__init__('safety_monitor_node',
                         automatically_declare_parameters_from_overrides=True)
        self.guard: Guard | None = None
        self.settings = s = declare(self, SafetyMonitorParameters, NODE_PARAMETERS.values(),
                                    live=supervision.live_switches(self))
        self.fault = self.unpredicted = ''
        self.log: SafetyLog | None = None
        self.active = self.halting = False
        self.latency, self.pace = LatencyRing(), Pace(s.safety.command.period)
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('safety', partial(supervision.health, self))
        self.diagnostics.add('timing', partial(supervision.timing, self))
        report = self.diagnostics.mismatch
        self.command = CommandPublisher(self, 'cmd_vel', s.stamped, report, s.base_frame)
        self.explainer = Explainer(self, report, s.base_frame)
        self.sensing = Sensing(self, s, report)
        self.commands = subscribe(self, command_class(s.stamped), 'cmd_vel_raw',
                                  self._take_command, COMMAND, report)
        supervision.serve(self)
        every(self, TICK, self._tick)
        self.deadline = every(self, s.safety.command.period, self._tick)
        every(self, 0.2, self._tell)
        if s.autostart:
            autostart(self)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        return configured(self, self._build)

    def _build(self) -> None:
        s = self.settings
        check_period(s.safety.command.period)
        self._close_log()
        self.log = SafetyLog(s.log, s.safety, s.robot)
        guard, self.unpredicted = build_guard(s, self.sensing.transforms, self.log)
        supervision.follow_switches(self, guard)
        if self.guard is not None:
            guard.inherit(self.guard, now(self))
        self.guard = self.sensing.guard = guard

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.active, self.halting = True, False
        self.pace = Pace(self.settings.safety.command.period)
        if self.guard.off:
            self.guard.toggle(True, now(self))
        self.guard.note(now(self), 'activated')
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._halt()
        return TransitionCallbackReturn.SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.halting = False
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self.close()
        return TransitionCallbackReturn.SUCCESS

    def close(self) -> None:
        """Stop the robot, see that the base has heard it, and end the log."""
        self._halt()
        if self.halting:
            self.halting = False
            self.command.end(TICK, LAST_WORDS)
        self._close_log()

    def _halt(self) -> None:
        """Judge no more: zeros until it is activated, cleaned up or shut down."""
        if self.active:
            self.active, self.halting = False, True
            self.command.zero()
            self.command.flush()
            self.guard.note(now(self), 'deactivated')

    def _close_log(self) -> None:
        if self.log is not None:
            self.log.close()

    def _take_command(self, message: Any) -> None:
        if not self.active:
            return
        begin, present = time.monotonic(), now(self)
        stamp, fault = None, ''
        if self.settings.stamped:
            stamp, frame = message.header.stamp, message.header.frame_id
            if frame not in ('', self.settings.base_frame):
                fault = f"its frame is '{frame}', not '{self.settings.base_frame}'"
        self._say(begin, self.guard.check(
            velocity_of(twist_of(message)), to_seconds(stamp) if stamp else present, present,
            fault), stamp, asked=True)
        self.latency.add(time.monotonic() - begin)

    def _tick(self) -> None:
        """Speak while commands are silent: judge the last one again, or say zero."""
        begin = time.monotonic()
        if self.halting and self.command.silence >= 0.9 * TICK:
            self.command.zero()
        elif self.active and self.pace.due(self.guard, begin, now(self)):
            self._say(begin, self.guard.recheck(now(self)))

    def _say(self, begin: float, verdict: Verdict, stamp: Time | None = None,
             asked: bool = False) -> None:
        self.command.send(verdict.command, stamp)
        self.pace.spoke(begin, self.command.sent, any(verdict.command), asked)
        self.explainer.explain(verdict, self.guard.command)
        restart(self.deadline, self.pace.deadline - time.monotonic())

    def _tell(self) -> None:
        """Look for rivals, and show states and zones."""
        if not self.active:
            return
        guard, s = self.guard, self.settings
        guard.take_publishers(supervision.rivals(self, self.commands.topic_name), now(self),
                              supervision.rivals(self, self.command.topic))
        self.explainer.state(guard.verdict, guard.states(now(self)))
        self.explainer.draw(s.safety, s.robot, guard.command, guard.verdict.rule,
                            tuple(guard.zones.values()))


def main() -> None:
    """Run the node."""
    run_node(SafetyMonitorNode)


if __name__ == '__main__':
    main()
