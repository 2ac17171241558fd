"""The simulated world: steps a robot among people and publishes the truth about them."""

import time
from typing import Any

from geometry_msgs.msg import PoseWithCovarianceStamped
import numpy as np
from rclpy.node import Node
from std_srvs.srv import Trigger

from synth_nodes.errors import InputError
from synth_nodes.nodes.pacing import Pacer
from synth_nodes.nodes.parameters import NODE_PARAMETERS, WorldParameters
from synth_nodes.nodes.schedule import Schedule
from synth_nodes.nodes.staging import stage
from synth_nodes.nodes.tally import Tally
from synth_nodes.nodes.truth import Truth
from synth_nodes.ros.clocks import every, to_seconds
from synth_nodes.ros.conversions import (
    command_class,
    pose_of,
    twist_of,
    velocity_of,
)
from synth_nodes.ros.diagnostics import Diagnostics, ERROR, Health
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.qos import COMMAND, DRIVER, subscribe
from synth_nodes.ros.run import run_node
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.scene import Scene
from synth_nodes.world.world import World


class WorldNode(Node):

    def __init__(self) -> None:
        super().__init__('world_node', automatically_declare_parameters_from_overrides=True)
        self.settings = s = declare(
            self, WorldParameters, NODE_PARAMETERS.values(), live={'rate': self._set_rate})
        if len(s.start_pose) != 3:
            raise InputError(f"{self.get_name()}: parameter 'start_pose' = "
                             f'{list(s.start_pose)} must be [x, y, yaw]')
        scene = stage(s)
        self.world = World(MapAtlas.build([scene]), s.robot, s.actors, 1, s.seed, carts=s.carts,
                           randomisation=s.randomisation)
        self.start = None if s.random_start else np.array(s.start_pose)
        self.world.reset(pose=self.start)
        self.world.step(np.zeros((1, 3)), 1e-6)  # loads the kernels before time begins
        rates = {'truth': s.rate_hz, 'motion': s.imu.rate, 'lidar': s.lidar.rate}
        if s.with_camera:
            rates['camera'] = s.camera.rate
        self.schedule = Schedule(rates)
        self.step = 1.0 / max(s.rate_hz, s.imu.rate)
        self.time_ns = 0
        self.pacer = Pacer(self.step, s.rate, s.max_lead if s.throttle else np.inf,
                           s.throttle_timeout)
        self.command = np.zeros((1, 3))
        self.heard = -np.inf
        self.refused = 0
        self.tally = Tally()
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('world', self._health)
        self._endpoints(scene)
        self.timer = every(self, self.step / s.rate, self._advance)

    def _endpoints(self, scene: Scene) -> None:
        report = self.diagnostics.mismatch
        self.truth = Truth(self, self.settings, scene, self.world, report)
        subscribe(self, command_class(self.settings.stamped), 'cmd_vel', self._take_command,
                  COMMAND, report)
        subscribe(self, PoseWithCovarianceStamped, '/initialpose', self._take_pose, DRIVER,
                  report)
        self.create_service(Trigger, '~/reset', self._reset)

    def _take_command(self, message: Any) -> None:
        velocity = velocity_of(twist_of(message))
        now = self.time_ns * 1e-9
        if not np.isfinite(velocity).all():
            self.refused += 1
            velocity = np.zeros(3)
        self.command[0], self.heard = velocity, now
        stamped = self.settings.stamped
        self.pacer.hear(min(to_seconds(message.header.stamp), now) if stamped else now,
                        time.monotonic())
        self._advance()

    def _advance(self) -> None:
        # Twice as many steps as are due each time make up for a delay without starving others.
        for _ in range(2):
            dt = (self.schedule.next - self.time_ns) * 1e-9
            if not self.pacer.due(self.time_ns * 1e-9, time.monotonic(), dt):
                return
            self._step(dt)

    def _step(self, dt: float) -> None:
        now = self.time_ns * 1e-9
        if now - self.heard > self.settings.command_timeout:
            self.command[:] = 0.0
        speed = float(abs(self.world.velocity[0]).max())
        self.world.step(self.command, dt)
        self.time_ns = self.schedule.next
        due = self.schedule.take()
        self.truth.roll(dt)
        self.tally.count(bool(self.world.collided[0]), speed, float(self.world.clearance[0]))
        self.truth.tell(self.time_ns, 'motion' in due, bool(due - {'motion'}))

    def _reset(self, request: Any, response: Any) -> Any:
        self._place(self.start)
        response.success, response.message = True, f'at {self.world.pose[0].round(2).tolist()}'
        return response

    def _take_pose(self, message: PoseWithCovarianceStamped) -> None:
        try:
            self._place(pose_of(message.pose.pose))
        except InputError as error:
            self.get_logger().warning(f'initialpose refused: {error}')

    def _place(self, pose: Any) -> None:
        self.world.reset(pose=pose)
        self.command[:] = 0.0

    def _set_rate(self, rate: float) -> None:
        self.pacer.rate = rate
        self.timer.timer_period_ns = int(1e9 * self.step / rate)

    def _health(self) -> Health:
        values = {**self.tally.figures(), 'clearance': float(self.world.clearance[0]),
                  'real_time_factor': self.pacer.real_time_factor(time.monotonic()),
                  'commands_refused': self.refused, 'waited_s': self.pacer.waited,
                  'time': self.time_ns * 1e-9}
        if self.tally.touching:
            return Health(ERROR, 'the robot touches something', values)
        return Health(values=values)


def main() -> None:
    """Run the node."""
    run_node(WorldNode)


if __name__ == '__main__':
    main()
