"""
Drive to goals one after another, measure how it goes, and record it.

Takes what the graph says, gives `goal_pose`. Exits with 0 when all goals were tried; which of
them were reached stands in `mission.json`.
"""

from pathlib import Path
import time
from typing import Any

from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import OccupancyGrid, Odometry
from rclpy.node import Node
from rclpy.serialization import deserialize_message

from synth_nodes.nodes.intake import Intake
from synth_nodes.nodes.parameters import MissionParameters, NODE_PARAMETERS
from synth_nodes.ros.clocks import every, to_seconds
from synth_nodes.ros.conversions import grid_from_message, pose_of, set_pose
from synth_nodes.ros.diagnostics import Diagnostics, Health
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.qos import MAP
from synth_nodes.ros.recorder import Recorder
from synth_nodes.ros.run import Finished, run_node
from synth_nodes.settings import flatten
from synth_nodes.tasks.mission import draw_goals, Event, Mission
from synth_nodes.tasks.mission_report import MissionReport, write_json
from synth_nodes.tasks.planner import Planner
from synth_nodes.types import GridMap
from synth_nodes.world.map_io import save_map

LAST_WORDS = 1.3
"""Wall time [s] after the last goal in which every node publishes its final counters."""


class MissionNode(Node):

    def __init__(self) -> None:
        super().__init__('mission_node', automatically_declare_parameters_from_overrides=True)
        self.settings = s = declare(self, MissionParameters, NODE_PARAMETERS.values())
        self.mission: Mission | None = None
        self.grid: GridMap | None = None
        self.start: tuple[float, float, float, float] | None = None
        self.report = MissionReport()
        self.intake = Intake(self.report, s.stamped)
        self.begun = self.alive = time.monotonic()
        self.finished: float | None = None
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('mission', self._health)
        self.goal = self.create_publisher(PoseStamped, 'goal_pose', MAP)
        handlers = {'map': self._map, 'ground_truth/odom': self._truth, **self.intake.handlers}
        self.recorder = Recorder(
            self, s.out if s.record else '', s.stamped, s.lidar.mount, handlers,
            self.diagnostics.mismatch)
        every(self, 0.1, self._watch)

    def close(self) -> None:
        """Leave no half of a recording behind."""
        self.recorder.discard()

    def _map(self, data: bytes, _: Any) -> None:
        self.intake.heard('map')
        self.grid = grid_from_message(deserialize_message(data, OccupancyGrid), 'world')

    def _truth(self, data: bytes, _: Any) -> None:
        self.intake.heard('ground_truth/odom')
        self.alive = time.monotonic()
        message = deserialize_message(data, Odometry)
        now = to_seconds(message.header.stamp)
        x, y, yaw = pose_of(message.pose.pose).tolist()
        self.start = (now, x, y, yaw)
        if self.mission is None or self.finished is not None:
            return
        self.report.pose(*self.start, message.twist.twist.linear.x)
        tried = self.mission.current
        event = self.mission.step(now, (x, y))
        if self.mission.current > tried:
            self.get_logger().info(self.mission.describe_last())
        if event is Event.SEND:
            self._send(message.header.stamp)
        elif event is Event.FINISHED:
            self.finished = time.monotonic()
            self.report.end(time.time(), now)

    def _send(self, stamp: Any) -> None:
        x, y = self.mission.goals[self.mission.current].tolist()
        message = PoseStamped()
        message.header.stamp, message.header.frame_id = stamp, 'map'
        set_pose(message.pose, (x, y, 0.0))
        self.goal.publish(message)

    def _watch(self) -> None:
        """Begin when the graph is ready, end after the last words, give up when it is dead."""
        now, limit = time.monotonic(), self.settings.ready_timeout
        if self.goal.get_subscription_count() > self.recorder.records('goal_pose'):
            self.intake.heard('a planner')
        if self.finished is not None:
            if now - self.finished > LAST_WORDS:
                self._end()
        elif self.mission is None and not self.intake.waiting_for:
            self._begin()
        elif self.mission is None and now - self.begun > limit:
            self._give_up(f'not ready within {limit:g} s, still waiting for '
                          f'{", ".join(sorted(self.intake.waiting_for))}')
        elif self.mission is not None and now - self.alive > limit:
            self._give_up(f'ground_truth/odom has been silent for {limit:g} s')

    def _begin(self) -> None:
        s = self.settings
        planner = Planner(self.grid, s.robot)
        goals, lengths = draw_goals(
            planner, s.seed, self.start[1:3], s.goals, s.min_length, s.max_length)
        self.mission = Mission(goals, lengths, s.goal_tolerance, s.goal_timeout)
        self.report.begin(time.time(), *self.start)
        self.intake.measuring = True
        self.get_logger().info(f'{s.goals} goals, {sum(lengths):.0f} m to drive')

    def _end(self) -> None:
        out = self.settings.out
        self.recorder.close()
        if out:
            save_map(self.grid, out, 'world')
            recording = 'recording/recording.mcap' if self.settings.record else ''
            write_json(Path(out) / 'mission.json', self.report.figures(
                self.mission, flatten(self.settings), 'world.yaml', recording))
        raise Finished(0)

    def _give_up(self, reason: str) -> None:
        self.get_logger().error(reason)
        raise Finished(1)

    def _health(self) -> Health:
        if self.mission is None:
            return Health(message='waiting for the graph')
        reached = sum(result.reached for result in self.mission.results)
        return Health(values={'goals': len(self.mission.goals), 'tried': self.mission.current,
                              'reached': reached})


def main() -> None:
    run_node(MissionNode, events=False)


if __name__ == '__main__':
    main()
