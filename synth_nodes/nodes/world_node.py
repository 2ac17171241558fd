"""The simulated world: steps a robot among people and publishes the truth about them."""

import time
from typing import Any

from geometry_msgs.msg import PoseWithCovarianceStamped
from nav_msgs.msg import OccupancyGrid, Odometry
import numpy as np
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from std_srvs.srv import Trigger
from visualization_msgs.msg import MarkerArray

from synth_nodes.errors import InputError
from synth_nodes.nodes.pacing import Pacer
from synth_nodes.nodes.parameters import NODE_PARAMETERS, WorldParameters
from synth_nodes.nodes.tally import Tally
from synth_nodes.ros.clocks import every, to_seconds, to_stamp
from synth_nodes.ros.conversions import (
    command_class,
    fill_odometry,
    grid_to_message,
    pose_of,
    twist_of,
    velocity_of,
)
from synth_nodes.ros.diagnostics import Diagnostics, ERROR, Health
from synth_nodes.ros.markers import fill_obstacles, new_obstacles
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.qos import advertise, COMMAND, DRIVER, MAP, subscribe
from synth_nodes.ros.run import run_node
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.building import generate_building
from synth_nodes.world.map_io import load_map
from synth_nodes.world.world import World


class WorldNode(Node):

    def __init__(self) -> None:
        super().__init__('world_node', automatically_declare_parameters_from_overrides=True)
        self.settings = s = declare(
            self, WorldParameters, NODE_PARAMETERS.values(), live={'rate': self._set_rate})
        if len(s.start_pose) != 3:
            raise InputError(f"{self.get_name()}: parameter 'start_pose' = "
                             f'{list(s.start_pose)} must be [x, y, yaw]')
        grid = load_map(s.map) if s.map else generate_building(s.building_seed)
        self.world = World(MapAtlas.build([grid]), s.robot, s.actors, 1, s.seed)
        self.start = None if s.random_start else np.array(s.start_pose)
        self.world.reset(pose=self.start)
        self.world.step(np.zeros((1, 3)), 1e-6)  # loads the kernels before time begins
        self.step_ns = round(1e9 / s.rate_hz)
        self.time_ns = 0
        self.pacer = Pacer(self.step_ns * 1e-9, s.rate, s.max_lead if s.throttle else np.inf,
                           s.throttle_timeout)
        self.command = np.zeros((1, 3))
        self.heard = -np.inf
        self.refused = 0
        self.tally = Tally()
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('world', self._health)
        self._endpoints(grid_to_message(grid))
        self.timer = every(self, self.step_ns * 1e-9 / s.rate, self._advance)

    def _endpoints(self, map_message: OccupancyGrid) -> None:
        report = self.diagnostics.mismatch
        self.clock = self.create_publisher(Clock, '/clock', DRIVER)
        self.truth = advertise(self, Odometry, 'ground_truth/odom', DRIVER, report)
        self.obstacles = advertise(self, MarkerArray, 'ground_truth/obstacles', DRIVER, report)
        self.map = advertise(self, OccupancyGrid, 'map', MAP, report)
        self.map.publish(map_message)
        self.pose_message = Odometry(child_frame_id='base_link')
        self.pose_message.header.frame_id = 'map'
        self.markers = new_obstacles(self.world.actors.shape[1], 'map')
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
        for _ in range(2):
            if not self.pacer.due(self.time_ns * 1e-9, time.monotonic()):
                return
            self._step()

    def _step(self) -> None:
        now = self.time_ns * 1e-9
        if now - self.heard > self.settings.command_timeout:
            self.command[:] = 0.0
        speed = float(abs(self.world.velocity[0]).max())
        self.world.step(self.command, self.step_ns * 1e-9)
        self.time_ns += self.step_ns
        self.tally.count(bool(self.world.collided[0]), speed, float(self.world.clearance[0]))
        stamp = to_stamp(self.time_ns)
        self.clock.publish(Clock(clock=stamp))
        fill_obstacles(self.markers, stamp, self.world.actors[0])
        self.obstacles.publish(self.markers)
        self.pose_message.header.stamp = stamp
        fill_odometry(self.pose_message, self.world.pose[0], self.world.velocity[0])
        self.truth.publish(self.pose_message)

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
        self.timer.timer_period_ns = int(self.step_ns / rate)

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
