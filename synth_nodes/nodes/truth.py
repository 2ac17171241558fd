"""What the simulated world says about itself: scene, clock, robot, wheels, obstacles."""

from nav_msgs.msg import OccupancyGrid, Odometry
import numpy as np
from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from visualization_msgs.msg import MarkerArray

from synth_nodes.nodes.parameters import WorldParameters
from synth_nodes.ros.clocks import to_stamp
from synth_nodes.ros.conversions import fill_odometry, grid_to_message, new_joints, set_joints
from synth_nodes.ros.markers import fill_obstacles, new_obstacles
from synth_nodes.ros.qos import advertise, DRIVER, MAP, Report
from synth_nodes.sensors.wheels import rolling_matrix, wheel_names
from synth_nodes.world.scene import Scene
from synth_nodes.world.scene_io import scene_to_text
from synth_nodes.world.solids import draw_scene
from synth_nodes.world.world import World


class Truth:
    """Publishes a world of one robot."""

    def __init__(self, node: Node, settings: WorldParameters, scene: Scene, world: World,
                 report: Report) -> None:
        """
        Publish what does not change: the scene, and as a map for planners with its solids drawn.

        :param report: takes one line for people; see `Diagnostics.mismatch`.
        """
        self._world = world
        self._map = advertise(node, OccupancyGrid, 'map', MAP, report)
        self._map.publish(grid_to_message(draw_scene(scene)))
        self._scene = advertise(node, String, 'scene', MAP, report)
        self._scene.publish(String(data=scene_to_text(scene)))
        self._clock = node.create_publisher(Clock, '/clock', DRIVER)
        self._truth = advertise(node, Odometry, 'ground_truth/odom', DRIVER, report)
        self._motion = advertise(node, Odometry, 'ground_truth/motion', DRIVER, report)
        self._wheels = advertise(node, JointState, 'ground_truth/wheels', DRIVER, report)
        self._obstacles = advertise(
            node, MarkerArray, 'ground_truth/obstacles', DRIVER, report)
        self._pose = Odometry(child_frame_id='base_link')
        self._pose.header.frame_id = 'map'
        self._markers = new_obstacles(world.actors.shape[1], 'map')
        self._joints = new_joints(wheel_names(settings.robot))
        # Turns of the wheels [rad/s] per vx, vy [m/s], wz [rad/s] of the body.
        self._rolling = rolling_matrix(settings.robot, settings.wheels) / settings.wheels.radius
        self._angles = np.zeros(len(self._rolling))
        self._rolled = np.zeros(3)

    def roll(self, dt: float) -> None:
        """Turn the wheels on, after a step of the world of dt [s]."""
        now = self._world.wheel_velocity[0].copy()
        self._angles += self._rolling @ (now + self._rolled) * (0.5 * dt)
        self._rolled = now

    def tell(self, time_ns: int, motion: bool, whole: bool) -> None:
        """
        Publish the present moment [ns].

        :param motion: whether it is one of the IMU's; whole: one of everything else.
        """
        stamp = to_stamp(time_ns)
        self._clock.publish(Clock(clock=stamp))
        self._pose.header.stamp = stamp
        fill_odometry(self._pose, self._world.pose[0], self._world.velocity[0])
        if motion:
            self._motion.publish(self._pose)
        if whole:
            fill_obstacles(self._markers, stamp, self._world.actors[0])
            self._obstacles.publish(self._markers)
            self._truth.publish(self._pose)
            self._joints.header.stamp = stamp
            set_joints(self._joints, self._angles, self._rolling @ self._rolled)
            self._wheels.publish(self._joints)
