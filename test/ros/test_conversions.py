import os
import subprocess
import sys

from geometry_msgs.msg import Quaternion, Twist, TwistStamped
from hypothesis import given, settings
from hypothesis import strategies as st
from nav_msgs.msg import OccupancyGrid, Odometry
import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Imu, JointState

from synth_nodes.errors import InputError
from synth_nodes.ros import conversions as c
from synth_nodes.ros.clocks import to_ns, to_seconds, to_stamp
from synth_nodes.ros.markers import fill_obstacles, new_obstacles, obstacles_of, outlines
from synth_nodes.types import GridMap, LidarSpec


def over_the_wire(message):
    return deserialize_message(serialize_message(message), type(message))


def test_round_trips_hold_with_field_checks_on():
    """Type checks are off by default: run this file once more with them on."""
    if os.environ.get('ROS_PYTHON_CHECK_FIELDS') == '1':
        with pytest.raises(AssertionError):
            Twist().linear.x = 1
        return
    done = subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', '-p', 'no:cacheprovider', __file__],
        env={**os.environ, 'ROS_PYTHON_CHECK_FIELDS': '1'}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@settings(max_examples=50, deadline=None)
@given(st.floats(-100, 100), st.floats(-100, 100), st.floats(-3.14, 3.14))
def test_odometry_comes_back(x, y, yaw):
    message = Odometry()
    c.fill_odometry(message, np.array((x, y, yaw)), np.array((0.1, -0.2, yaw), np.float32))
    back = over_the_wire(message)
    assert c.pose_of(back.pose.pose) == pytest.approx((x, y, yaw), abs=1e-12)
    assert c.velocity_of(back.twist.twist) == pytest.approx((0.1, -0.2, yaw), rel=1e-6)


@pytest.mark.parametrize('stamped', [True, False])
def test_command_comes_back_from_integers_and_numpy_scalars(stamped):
    message = c.command_class(stamped)()
    assert isinstance(message, TwistStamped) == stamped
    c.set_velocity(c.twist_of(message), np.array((1, 0, -2)))
    assert c.velocity_of(c.twist_of(over_the_wire(message))).tolist() == [1.0, 0.0, -2.0]


def test_scan_keeps_rep_117_values_and_its_angles():
    spec = LidarSpec(beams=4, field_of_view=np.pi)
    message = c.new_scan(spec, 'laser')
    c.set_ranges(message, np.array((1.5, np.inf, -np.inf, np.nan)))
    back = over_the_wire(message)
    np.testing.assert_array_equal(c.ranges_of(back), np.float32((1.5, np.inf, -np.inf, np.nan)))
    assert c.angles_of(back) == pytest.approx(spec.angles, abs=1e-6)
    assert back.range_max == pytest.approx(spec.range_max)
    assert back.scan_time == pytest.approx(1 / spec.rate)


def test_map_comes_back_with_its_resolution_and_turned_origin():
    cells = np.array([[0, 100, -1], [50, 7, 0]], np.int8)
    grid = c.grid_from_message(over_the_wire(
        c.grid_to_message(GridMap(cells, 0.05, (1.0, -2.0, 0.5)))))
    np.testing.assert_array_equal(grid.occupancy, cells)
    assert grid.resolution == 0.05
    assert grid.origin == pytest.approx((1.0, -2.0, 0.5))


def test_map_with_too_few_cells_is_refused():
    message = c.grid_to_message(GridMap(np.zeros((2, 3), np.int8), 0.1))
    message.info.width = 4
    with pytest.raises(InputError, match='4 x 2 cells'):
        c.grid_from_message(message)
    with pytest.raises(InputError):
        c.grid_from_message(OccupancyGrid())


@pytest.mark.parametrize('count', [0, 1, 2, 40])
def test_path_comes_back(count):
    points = np.cumsum(np.full((count, 2), 0.1), axis=0)
    message = over_the_wire(c.path_to_message(points, 'odom'))
    assert message.header.frame_id == 'odom'
    assert c.path_from_message(message) == pytest.approx(points)
    if count > 1:
        assert c.yaw_of(message.poses[-1].pose.orientation) == pytest.approx(np.pi / 4)


def test_orientation_that_was_never_set_is_unknown():
    assert np.isnan(c.yaw_of(Quaternion(x=0.0, y=0.0, z=0.0, w=0.0)))


def test_imu_comes_back():
    message = Imu()
    c.fill_imu(message, np.array((0, 0, 1)), np.array((0.5, 0, 9.81)), np.float64(0.3))
    back = over_the_wire(message)
    assert back.angular_velocity.z == 1.0
    assert (back.linear_acceleration.x, back.linear_acceleration.z) == (0.5, 9.81)
    assert c.yaw_of(back.orientation) == pytest.approx(0.3)


def test_imu_covariances_come_back():
    message, rate, force = Imu(), np.arange(9.0).reshape(3, 3), np.eye(3) * 0.25
    c.fill_imu_covariance(message, rate, force, np.float64(0.04))
    back = over_the_wire(message)
    assert back.angular_velocity_covariance.tolist() == list(range(9))
    assert back.linear_acceleration_covariance[4] == 0.25
    assert back.orientation_covariance.tolist() == [1e-9, 0, 0, 0, 1e-9, 0, 0, 0, 0.04]


def test_joints_come_back_by_name():
    message = c.new_joints(('left', 'right'))
    c.set_joints(message, np.array((0.5, -1.5)), np.array((2.0, 3.0)))
    back = over_the_wire(message)
    assert c.joint_angles(back, ('right', 'left')).tolist() == [-1.5, 0.5]
    assert back.velocity.tolist() == [2.0, 3.0]
    assert c.joint_angles(back, ('left', 'middle')) is None
    assert c.joint_angles(JointState(name=['left'], position=[np.nan]), ('left',)) is None


@given(st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(
    lambda q: np.linalg.norm(q) > 0.1))
def test_quaternion_is_that_of_its_rotation(q):
    x, y, z, w = q = np.array(q) / np.linalg.norm(q)
    rotation = np.array((
        (1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)),
        (2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)),
        (2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y))))
    back = c.quaternion_of(rotation)
    assert abs(back @ q) == pytest.approx(1.0) and back[3] >= 0.0


def test_covariance_stands_where_the_message_has_it():
    full = c.planar_covariance(np.arange(9).reshape(3, 3)).reshape(6, 6)
    assert full[0, 5] == 2 and full[5, 1] == 7 and full[5, 5] == 8
    Odometry().pose.covariance[:] = full.reshape(36)


def test_obstacles_come_back_and_share_a_stamp():
    actors = np.array(((1.0, 2.0, 0.3, 0.4, 0.25), (-1.0, 0.0, 0.0, 0.0, 0.5)))
    message = new_obstacles(2, 'map')
    fill_obstacles(message, to_stamp(1_500_000_000), actors)
    back = over_the_wire(message)
    assert obstacles_of(back)[:, (0, 1, 4)] == pytest.approx(actors[:, (0, 1, 4)])
    assert {to_ns(m.header.stamp) for m in back.markers} == {1_500_000_000}
    assert obstacles_of(new_obstacles(0, 'map')).shape == (0, 5)


def test_outline_is_closed_and_red_where_it_binds():
    square = np.array(((0, 0), (1, 0), (1, 1), (0, 1)))
    first, second = over_the_wire(outlines(
        [('stop_zone', square), ('braking', square)], 'base_link', to_stamp(0),
        'braking')).markers
    assert first.points[0] == first.points[-1] and len(first.points) == 5
    assert second.color.r > second.color.g and first.color.g > first.color.r


@given(st.integers(0, 2**62))
def test_stamps_are_exact(ns):
    if ns // 10**9 < 2**31:
        assert to_ns(to_stamp(ns)) == ns
        assert to_seconds(to_stamp(ns)) == pytest.approx(ns * 1e-9)
