"""Runs the policy: one command a scan or image, and a new model between two on request."""

from collections.abc import Callable
import time
from typing import Any

from builtin_interfaces.msg import Time
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from std_srvs.srv import Trigger

from synth_nodes.errors import InputError
from synth_nodes.infer.session import PolicySession
from synth_nodes.nodes.driver import Decision, stop
from synth_nodes.nodes.lifecycle import configured
from synth_nodes.nodes.models import load, load_beside
from synth_nodes.nodes.parameters import NODE_PARAMETERS, PolicyParameters
from synth_nodes.nodes.pilots import Ears, exchange, make_pilot, Pilot
from synth_nodes.nodes.senses_driver import USED
from synth_nodes.ros.clocks import every
from synth_nodes.ros.commands import CommandPublisher
from synth_nodes.ros.diagnostics import Diagnostics, ERROR, Health, OK, WARN
from synth_nodes.ros.latency import LatencyRing
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.run import autostart, run_node

_LEVELS = {'driving': OK, 'arrived': OK, 'waiting': WARN, 'stopped': ERROR}


class PolicyNode(LifecycleNode):

    def __init__(self) -> None:
        super().__init__('policy_node', automatically_declare_parameters_from_overrides=True)
        self.settings = s = declare(self, PolicyParameters, NODE_PARAMETERS.values())
        self.active, self.fault, self.reloads = False, '', 0
        self.pilot: Pilot | None = None
        self.session: PolicySession | None = None
        self.decision = stop('not active', 'waiting')
        self.decided = time.monotonic()
        self.latency = LatencyRing()
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('policy', self._health)
        self.ears = Ears(self, s, self.diagnostics.mismatch)
        self.command = CommandPublisher(self, 'cmd_vel_raw', s.stamped, self.diagnostics.mismatch)
        self.create_service(Trigger, '~/reload', self._reload)
        every(self, 0.05, self._watch)
        if s.autostart:
            autostart(self)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        return configured(self, self._build)

    def _build(self) -> None:
        self.ears.close()
        self.session = load(self.settings)
        self.pilot = make_pilot(self.session, self.ears, self._drive)

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
        if isinstance(loaded, PolicySession) and self.session and self.pilot:
            loaded = exchange(self.session, loaded, self.pilot)
        response.success = isinstance(loaded, PolicySession) and self.pilot is not None
        if response.success:
            self.session = loaded
            self.reloads += 1
        response.message = str(getattr(loaded, 'path', loaded))
        self.get_logger().info(f'reload: {response.message}')
        return response

    def _drive(self, decide: Callable[[], Decision], stamp: Time) -> None:
        """Decide and say so, while active."""
        if not self.active:
            return
        begin = time.perf_counter()
        try:
            self.decision = decide()
        except InputError as error:  # a message that cannot be read
            self.decision = stop(str(error))
        self.command.send(self.decision.command, stamp)
        self.latency.add(time.perf_counter() - begin)
        self.decided = time.monotonic()

    def _watch(self) -> None:
        """Stop the robot when what it decides by ceases."""
        pilot = self.pilot
        if self.active and pilot and time.monotonic() - self.decided > pilot.timeout:
            self.decision = pilot.silence()
            self.command.send(self.decision.command)

    def _health(self) -> Health:
        values = {'state': self.decision.state, 'steps': self.latency.count,
                  'reloads': self.reloads, **self.latency.summary()}
        if self.session is not None:
            values |= {'model': self.session.path, 'sha256': self.session.contract.sha256[:12],
                       'provider': self.session.providers[0]}
        sensors = self.decision.sensors
        level = _LEVELS[self.decision.state]
        if level == OK and any(verdict != USED for verdict in sensors.values()):
            level = WARN
        return Health(ERROR if self.fault else level, self.fault or self.decision.reason,
                      {**values, **sensors})


def main() -> None:
    """Run the node."""
    run_node(PolicyNode)


if __name__ == '__main__':
    main()
