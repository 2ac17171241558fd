"""
Plans over the map and hands the path out in the odometry's frame.

In simulation the truth stands in for localisation: odometry and truth of the same stamp give the
correction from map to odom, with which the path is sent again and again. A robot that makes no
progress is given another way, around what its scan shows and the map does not have.
"""

from collections import OrderedDict

from geometry_msgs.msg import PoseStamped
from nav_msgs.msg import OccupancyGrid, Odometry, Path
import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import LaserScan

from synth_nodes.errors import InputError
from synth_nodes.nodes.guide import Guide
from synth_nodes.nodes.parameters import NODE_PARAMETERS, PlannerParameters
from synth_nodes.nodes.planar import carry, compose, inverse
from synth_nodes.ros.clocks import every, to_ns
from synth_nodes.ros.conversions import (
    angles_of,
    grid_from_message,
    path_to_message,
    pose_of,
    ranges_of,
)
from synth_nodes.ros.diagnostics import Diagnostics, ERROR, Health, WARN
from synth_nodes.ros.parameters import declare
from synth_nodes.ros.qos import advertise, DRIVER, MAP, SENSOR, subscribe
from synth_nodes.ros.run import run_node
from synth_nodes.ros.tf import Broadcaster, transform
from synth_nodes.tasks.planner import Planner
from synth_nodes.tasks.sighting import view
from synth_nodes.types import GridMap

KEPT = 16
"""Truth messages kept until odometry or scan of the same stamp comes."""
WATCH = 0.2
"""Time between two looks at a scan [s]."""


class PlannerNode(Node):

    def __init__(self) -> None:
        super().__init__('planner_node', automatically_declare_parameters_from_overrides=True)
        self.settings = s = declare(self, PlannerParameters, NODE_PARAMETERS.values())
        warm = GridMap(np.zeros((40, 40), np.int8), 0.2, name='empty')
        Planner(warm, s.robot, s.margin).plan((2.0, 4.0), (6.0, 4.0))  # loads the kernels
        self.guide: Guide | None = None
        self.goal: NDArray[np.float64] | None = None
        self.fault = 'no map yet'
        self.left = 0
        self.looked = -np.inf
        self.truths: OrderedDict[int, Odometry] = OrderedDict()
        self.pair: tuple[Odometry, Odometry] | None = None
        self.diagnostics = Diagnostics(self)
        self.diagnostics.add('path', self._health)
        report = self.diagnostics.mismatch
        self.transforms = Broadcaster(
            self, transform('map', s.odom_frame, np.zeros(3)), wanted=s.publish_tf)
        self.publisher = advertise(self, Path, 'path', DRIVER, report)
        subscribe(self, OccupancyGrid, 'map', self._take_map, MAP, report)
        subscribe(self, PoseStamped, 'goal_pose', self._take_goal, DRIVER, report)
        subscribe(self, Odometry, 'ground_truth/odom', self._take_truth, SENSOR, report)
        subscribe(self, Odometry, 'odom', self._take_odometry, SENSOR, report)
        if s.detour.enabled:
            subscribe(self, LaserScan, 'scan', self._take_scan, SENSOR, report)
        every(self, 1.0 / s.publish_rate, self._publish)

    def _take_map(self, message: OccupancyGrid) -> None:
        try:
            planner = Planner(grid_from_message(message), self.settings.robot,
                              self.settings.margin)
            s = self.settings
            self.guide, self.fault = Guide(planner, s.replan_distance, s.detour), ''
        except InputError as error:
            self.guide, self.fault = None, str(error)
            return
        self._plan()

    def _take_goal(self, message: PoseStamped) -> None:
        frame = message.header.frame_id
        goal = pose_of(message.pose)[:2]
        if frame.lstrip('/') != 'map' or not np.isfinite(goal).all():
            self.fault = (f"goal_pose {goal.tolist()} in frame '{frame}' is refused: it must be "
                          "finite and in frame 'map'")
            self.get_logger().warning(self.fault)
            return
        self.goal, self.fault = goal, ''
        self._plan()

    def _take_truth(self, message: Odometry) -> None:
        self.truths[to_ns(message.header.stamp)] = message
        if len(self.truths) > KEPT:
            self.truths.popitem(last=False)

    def _take_odometry(self, message: Odometry) -> None:
        truth = self.truths.get(to_ns(message.header.stamp))
        if truth is not None:
            first, self.pair = self.pair is None, (truth, message)
            if first:
                self._plan()

    def _take_scan(self, message: LaserScan) -> None:
        stamp = to_ns(message.header.stamp)
        truth = self.truths.get(stamp)
        if self.guide is None or truth is None or 0.0 <= stamp * 1e-9 - self.looked < WATCH:
            return
        self.looked = stamp * 1e-9
        pose = pose_of(truth.pose.pose)
        seen = view(pose, self.settings.lidar.mount, angles_of(message), ranges_of(message))
        if self.guide.watch(self.looked, pose, seen):
            self.get_logger().info('no progress: sent another path')
            self._publish()

    def _plan(self) -> None:
        if self.guide is not None and self.goal is not None and self.pair is not None:
            self.guide.take_goal(self.goal, pose_of(self.pair[0].pose.pose))
            if self.guide.fault:
                self.get_logger().warning(self.guide.fault)
            self._publish()

    def _publish(self) -> None:
        if self.guide is None or self.pair is None:
            return
        truth, odometry = self.pair
        in_map, in_odom = pose_of(truth.pose.pose), pose_of(odometry.pose.pose)
        self.transforms.send(compose(in_map, inverse(in_odom)), odometry.header.stamp)
        ahead = self.guide.ahead(in_map)
        if ahead is None:
            return
        to_odom = compose(in_odom, inverse(in_map))
        message = path_to_message(carry(to_odom, ahead), self.settings.odom_frame)
        message.header.stamp = odometry.header.stamp
        self.publisher.publish(message)
        self.left = len(ahead)

    def _health(self) -> Health:
        guide = self.guide
        values = {'points_ahead': self.left, 'plans': guide.plans if guide else 0,
                  **(guide.detours if guide else {})}
        if self.fault or (guide and guide.fault):
            return Health(ERROR, self.fault or guide.fault, values)
        if self.pair is None:
            return Health(WARN, 'no ground truth and odometry of the same stamp yet', values)
        if self.goal is None:
            return Health(message='waiting for a goal', values=values)
        return Health(values=values)


def main() -> None:
    """Run the node."""
    run_node(PlannerNode)


if __name__ == '__main__':
    main()
