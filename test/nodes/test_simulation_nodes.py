"""World, lidar, IMU, odometry and planner as processes, talking to each other."""

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseStamped, PoseWithCovarianceStamped, TwistStamped
from nav_msgs.msg import OccupancyGrid, Odometry, Path
import numpy as np
import pytest
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import Imu, JointState, LaserScan
from std_srvs.srv import Trigger
from visualization_msgs.msg import MarkerArray

from synth_nodes.nodes.planar import carry, compose, inverse
from synth_nodes.ros.clocks import to_ns, to_seconds
from synth_nodes.ros.conversions import (
    grid_from_message,
    new_scan,
    path_from_message,
    pose_of,
    ranges_of,
    set_pose,
    set_ranges,
)
from synth_nodes.ros.qos import MAP
from synth_nodes.types import GridMap, LidarSpec
from synth_nodes.world.map_io import save_map

pytestmark = pytest.mark.graph
STEP = 25_000_000


@pytest.fixture
def hall(tmp_path):
    """Make a hall of 8 m x 6 m as a Nav2 map."""
    cells = np.full((120, 160), 0, np.int8)
    cells[:2], cells[-2:], cells[:, :2], cells[:, -2:] = 100, 100, 100, 100
    return save_map(GridMap(cells, 0.05), tmp_path, 'hall')


def start_world(peer, hall, *parameters):
    peer.start('world_node', f'map:={hall}', 'random_start:=false', 'start_pose:=[2.0, 3.0, 0.0]',
               *parameters)


def distance(messages):
    pose = messages[-1].pose.pose.position
    return pose.x - 2.0


def test_world_drives_collides_resets_and_takes_a_pose(peer, hall):
    start_world(peer, hall, 'actors.count:=0', 'rate:=4.0')
    truth, clock = peer.listen(Odometry, 'ground_truth/odom'), peer.listen(Clock, '/clock')
    diagnostics = peer.listen(DiagnosticArray, 'diagnostics')
    maps = peer.listen(OccupancyGrid, 'map', MAP)
    commands = peer.node.create_publisher(TwistStamped, 'cmd_vel', 5)
    assert peer.until(lambda: bool(truth and clock and maps))
    assert grid_from_message(maps[0]).occupancy.shape == (120, 160)
    message = TwistStamped()

    def drive():
        message.header.stamp = truth[-1].header.stamp
        message.twist.linear.x = 0.6
        commands.publish(message)
        peer.spin(0.02)

    def driven(condition, tries=400):
        return any(drive() or condition() for _ in range(tries))

    assert driven(lambda: distance(truth) > 1.0)
    assert driven(lambda: any(
        v.key == 'collisions_moving' and v.value == '1'
        for m in diagnostics[-3:] for s in m.status for v in s.values))
    wall = distance(truth)
    assert 3.5 < wall < 5.9
    assert peer.call(Trigger, 'world_node/reset').success
    assert peer.until(lambda: abs(distance(truth)) < 0.2)
    start = PoseWithCovarianceStamped()
    start.header.frame_id = 'map'
    set_pose(start.pose.pose, (5.0, 2.0, 1.0))
    placing = peer.node.create_publisher(PoseWithCovarianceStamped, '/initialpose', 5)
    assert peer.until(lambda: placing.get_subscription_count() > 0)
    placing.publish(start)
    assert peer.until(lambda: abs(pose_of(truth[-1].pose.pose)[1] - 2.0) < 0.01)
    stamps = [to_ns(m.header.stamp) for m in truth]
    assert set(np.diff(stamps)) == {STEP}
    assert peer.end() == [0]


def test_throttled_world_does_not_leave_its_commands_behind(peer, hall):
    start_world(peer, hall, 'actors.count:=0', 'rate:=20.0', 'throttle_timeout:=30.0')
    truth = peer.listen(Odometry, 'ground_truth/odom')
    commands = peer.node.create_publisher(TwistStamped, 'cmd_vel', 5)
    assert peer.until(lambda: bool(truth) and commands.get_subscription_count() > 0)
    message, leads = TwistStamped(), []
    message.header.stamp = truth[-1].header.stamp
    commands.publish(message)
    peer.spin(1.0)
    for _ in range(10):
        message.header.stamp = truth[-1].header.stamp
        commands.publish(message)
        peer.spin(0.1)
        leads.append(to_seconds(truth[-1].header.stamp) - to_seconds(message.header.stamp))
    assert max(leads) == pytest.approx(0.1)


def test_sensors_follow_the_truth(peer, hall):
    start_world(peer, hall, 'actors.count:=1', 'seed:=3')
    for name in ('lidar_node', 'imu_node', 'odometry_node'):
        peer.start(name)
    truth, scans = peer.listen(Odometry, 'ground_truth/odom'), peer.listen(LaserScan, 'scan')
    people = peer.listen(MarkerArray, 'ground_truth/obstacles')
    imu, odom = peer.listen(Imu, 'imu/data'), peer.listen(Odometry, 'odom')
    assert peer.until(lambda: min(map(len, (truth, people, scans, imu, odom))) > 40)
    scans, imu, odom = list(scans), list(imu), list(odom)
    peer.spin(0.5)  # a topic may overtake the truth that it came from
    stamps = {to_ns(m.header.stamp) for m in truth}
    for heard, step in ((scans, 2 * STEP), (odom, STEP)):
        mine = [to_ns(m.header.stamp) for m in heard[-15:]]
        assert set(mine) <= stamps and set(np.diff(mine)) == {step}
    by_stamp = {to_ns(m.markers[0].header.stamp): m.markers[0] for m in people}
    scan = scans[-1]
    person = by_stamp[to_ns(scan.header.stamp)]
    x, y = person.pose.position.x - 2.0, person.pose.position.y - 3.0
    bearing = round((np.arctan2(y, x) + np.pi) / scan.angle_increment) % 360
    seen = ranges_of(scan)[bearing - 1:bearing + 2].min()
    assert seen == pytest.approx(np.hypot(x, y) - person.scale.x / 2, abs=0.08)
    assert ranges_of(scan)[182] == pytest.approx(5.9, abs=0.5) or seen < 5.9
    assert imu[-1].linear_acceleration.z == pytest.approx(9.81, abs=0.3)
    assert odom[-1].child_frame_id == 'base_link' and odom[-1].header.frame_id == 'odom'
    assert peer.end() == [0] * 4


def test_path_leads_to_the_goal_in_the_frame_of_the_odometry(peer, hall):
    start_world(peer, hall, 'actors.count:=0')
    peer.start('odometry_node')
    peer.start('planner_node')
    truth, odom = peer.listen(Odometry, 'ground_truth/odom'), peer.listen(Odometry, 'odom')
    paths = peer.listen(Path, 'path')
    goals = peer.node.create_publisher(PoseStamped, 'goal_pose', 5)
    assert peer.until(lambda: goals.get_subscription_count() > 0 and bool(truth and odom))
    goal = PoseStamped()
    goal.header.frame_id = 'map'
    set_pose(goal.pose, (6.0, 4.5, 0.0))
    goals.publish(goal)
    assert peer.until(lambda: len(paths) >= 2 and len(paths[-1].poses) > 20)
    assert paths[-1].header.frame_id == 'odom'
    correction = compose(pose_of(truth[-1].pose.pose), inverse(pose_of(odom[-1].pose.pose)))
    in_map = carry(correction, path_from_message(paths[-1]))
    assert in_map[0] == pytest.approx((2.0, 3.0), abs=0.15)
    assert in_map[-1] == pytest.approx((6.0, 4.5), abs=0.15)
    set_pose(goal.pose, (60.0, 4.5, 0.0))
    goals.publish(goal)
    assert peer.until(lambda: len(paths[-1].poses) == 0)
    assert peer.end() == [0] * 3


def test_path_leads_around_what_stands_before_a_robot_that_does_not_get_on(peer, hall):
    start_world(peer, hall, 'actors.count:=0')
    peer.start('odometry_node')
    peer.start('planner_node', 'detour.patience:=0.5', 'detour.still:=0.2')
    truth, odom = peer.listen(Odometry, 'ground_truth/odom'), peer.listen(Odometry, 'odom')
    paths = peer.listen(Path, 'path')
    goals = peer.node.create_publisher(PoseStamped, 'goal_pose', 5)
    scans = peer.node.create_publisher(LaserScan, 'scan', 5)
    assert peer.until(lambda: scans.get_subscription_count() > 0 and bool(truth and odom))
    goal = PoseStamped()
    goal.header.frame_id = 'map'
    set_pose(goal.pose, (6.0, 3.0, 0.0))
    goals.publish(goal)
    assert peer.until(lambda: len(paths) > 0)
    assert np.abs(path_from_message(paths[-1])[:, 1]).max() < 0.1
    scan = new_scan(LidarSpec(beams=61, field_of_view=0.6), 'laser')
    set_ranges(scan, np.ones(61))

    def bent():
        scan.header.stamp = truth[-1].header.stamp
        scans.publish(scan)
        return np.abs(path_from_message(paths[-1])[:, 1]).max() > 0.5

    assert peer.until(bent)
    assert path_from_message(paths[-1])[-1] == pytest.approx((4.0, 0.0), abs=0.15)
    assert peer.end() == [0] * 3


def test_imu_and_camera_truth_come_at_moments_of_their_own(peer, hall):
    start_world(peer, hall, 'actors.count:=0', 'with_camera:=true', 'camera.rate:=30.0')
    peer.start('imu_node', 'imu.mount:=[0.1, 0.0, 0.0]')
    truth, imu = peer.listen(Odometry, 'ground_truth/odom'), peer.listen(Imu, 'imu/data', 50)
    assert peer.until(lambda: len(imu) > 300 and len(truth) > 90)
    stamps = np.unique([to_ns(m.header.stamp) for m in imu[-200:]])
    assert np.median(np.diff(stamps)) == 5_000_000 and not (stamps % 5_000_000).any()
    seen = {to_ns(m.header.stamp) for m in truth[-60:]}
    last = max(seen)
    wanted = {round(k * 1e9 / rate) for rate in (30, 40)
              for k in range(round(last * 1e-9 * rate) + 1)}
    assert len(seen) > 50 and seen <= wanted
    covariance = np.array(imu[-1].angular_velocity_covariance).reshape(3, 3)
    assert (np.linalg.eigvalsh(covariance) > 0).all()
    assert imu[-1].orientation_covariance[8] > imu[0].orientation_covariance[8]
    assert peer.end() == [0] * 2


def test_odometry_believes_the_wheels_and_not_the_ground(peer, hall):
    slippery = ('robot.slip:=0.3', 'robot.turn_slip:=0.3', 'robot.slip_time:=100.0')
    start_world(peer, hall, 'actors.count:=0', 'seed:=5', 'rate:=4.0', *slippery)
    peer.start('odometry_node', *slippery, *(f'odometry.{e}:=0.0' for e in (
        'scale_error', 'radius_error', 'track_error', 'slip')), 'odometry.ticks:=0')
    truth, odom = peer.listen(Odometry, 'ground_truth/odom'), peer.listen(Odometry, 'odom')
    wheels = peer.listen(JointState, 'ground_truth/wheels')
    commands = peer.node.create_publisher(TwistStamped, 'cmd_vel', 5)
    assert peer.until(lambda: bool(truth and odom))
    message = TwistStamped()

    def drive():
        message.header.stamp = truth[-1].header.stamp
        message.twist.linear.x, message.twist.angular.z = 0.6, 0.6
        commands.publish(message)
        peer.spin(0.02)
        return len(odom) > 400 and bool(wheels) and min(wheels[-1].position) > 10.0

    assert any(drive() for _ in range(6000)), wheels[-1:]
    assert wheels[-1].name == ['left_wheel_joint', 'right_wheel_joint']
    rolled = np.mean(wheels[-1].position) * 0.1
    left, right = wheels[-1].position
    by_stamp = {to_ns(m.header.stamp): m for m in odom}
    last = by_stamp.get(to_ns(wheels[-1].header.stamp), odom[-1])
    yaw = np.angle(np.exp(1j * (right - left) * 0.1 / 0.36))
    assert rolled > 1.0
    assert np.cos(pose_of(last.pose.pose)[2] - yaw) == pytest.approx(1.0, abs=2e-3)
    x, y, yaw = compose(inverse((2.0, 3.0, 0.0)), pose_of(truth[-1].pose.pose))
    off = np.hypot(*(pose_of(odom[-1].pose.pose)[:2] - (x, y)))
    assert off > 0.1
    spread = np.sqrt(np.trace(odom[-1].pose.covariance.reshape(6, 6)[:2, :2]))
    assert off < 4 * spread
    assert peer.end() == [0] * 2
