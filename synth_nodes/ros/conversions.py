"""
Between messages and arrays, both ways, without a Python list in between.

Messages are filled in place, so that a node builds each of them once. Every number goes through
``float()`` or ``array.array``: rclpy's generated setters would take an int or a numpy scalar for
a double without an error and send garbage. Frames and units are those of the messages.
"""

from array import array
from collections.abc import Sequence
import math
from typing import Any

from geometry_msgs.msg import Point, Pose, PoseStamped, Quaternion, Twist, TwistStamped
from nav_msgs.msg import OccupancyGrid, Odometry, Path
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sensor_msgs.msg import Imu, JointState, LaserScan

from synth_nodes.errors import InputError
from synth_nodes.types import FloatArray, GridMap, LidarSpec

UNKNOWN_COVARIANCE = -1.0
"""First element of a covariance whose quantity isn't measured (REP-145, sensor_msgs/Imu)."""


def yaw_of(orientation: Quaternion) -> float:
    """Yaw [rad] of a quaternion; NaN where it isn't of unit length to 1 %, such as all zero."""
    x, y, z, w = orientation.x, orientation.y, orientation.z, orientation.w
    if not abs(x * x + y * y + z * z + w * w - 1.0) < 0.02:
        return math.nan
    return math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))


def set_yaw(orientation: Quaternion, yaw: float) -> None:
    """Fill a quaternion with a turn about z [rad]."""
    orientation.x = orientation.y = 0.0
    orientation.z = math.sin(0.5 * yaw)
    orientation.w = math.cos(0.5 * yaw)


def quaternion_of(rotation: FloatArray) -> NDArray[np.float64]:
    """
    Turn a rotation matrix, shape (3, 3), into x, y, z, w of unit length, w >= 0.

    It is the eigenvector of the largest eigenvalue of Bar-Itzhack's matrix (2000).
    """
    r = np.asarray(rotation, float)
    skew = np.array((r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]))
    k = np.empty((4, 4))
    k[:3, :3] = r + r.T - np.trace(r) * np.eye(3)
    k[:3, 3] = k[3, :3] = skew
    k[3, 3] = np.trace(r)
    best = np.linalg.eigh(k)[1][:, 3]
    return np.asarray(best if best[3] >= 0.0 else -best)


def pose_of(pose: Pose) -> NDArray[np.float64]:
    """Planar pose x, y [m], yaw [rad], shape (3,), in the message's frame."""
    return np.array((pose.position.x, pose.position.y, yaw_of(pose.orientation)))


def set_pose(message: Pose, pose: ArrayLike) -> None:
    """Fill a pose from x, y [m], yaw [rad], shape (3,)."""
    x, y, yaw = np.asarray(pose, float).tolist()
    message.position.x, message.position.y = x, y
    set_yaw(message.orientation, yaw)


def velocity_of(twist: Twist) -> NDArray[np.float64]:
    """Planar velocity vx, vy [m/s], wz [rad/s], shape (3,), in base_link."""
    return np.array((twist.linear.x, twist.linear.y, twist.angular.z))


def set_velocity(message: Twist, velocity: ArrayLike) -> None:
    """Fill a twist from vx, vy [m/s], wz [rad/s], shape (3,)."""
    vx, vy, wz = np.asarray(velocity, float).tolist()
    message.linear.x, message.linear.y, message.angular.z = vx, vy, wz


def command_class(stamped: bool) -> Any:
    """Message of a velocity command: TwistStamped or Twist."""
    return TwistStamped if stamped else Twist


def twist_of(command: Twist | TwistStamped) -> Twist:
    """Twist within a command of either class."""
    return command.twist if isinstance(command, TwistStamped) else command


def fill_odometry(message: Odometry, pose: ArrayLike, velocity: ArrayLike) -> None:
    """Fill pose (3,) in the header's frame and velocity (3,) in the child frame."""
    set_pose(message.pose.pose, pose)
    set_velocity(message.twist.twist, velocity)


def planar_covariance(covariance: ArrayLike) -> NDArray[np.float64]:
    """
    Spread a planar covariance over the 6x6 of the messages; the axes not measured get 1e-9.

    :param covariance: of x, y, yaw (or vx, vy, wz), shape (3, 3).
    :return: row-major, shape (36,).
    """
    full = np.diag(np.full(6, 1e-9))
    axes = np.array((0, 1, 5))
    full[np.ix_(axes, axes)] = np.asarray(covariance, float)
    return full.reshape(36)


def new_scan(lidar: LidarSpec, frame_id: str, time_increment: float = 0.0) -> LaserScan:
    """
    Make a scan message with everything but stamp and ranges.

    :param time_increment: from a beam to the next [s]; 0: all at once.
    """
    angles = lidar.angles
    message = LaserScan(
        angle_min=float(angles[0]), angle_max=float(angles[-1]),
        angle_increment=float(lidar.angle_increment), time_increment=float(time_increment),
        scan_time=float(1.0 / lidar.rate), range_min=float(lidar.range_min),
        range_max=float(lidar.range_max))
    message.header.frame_id = frame_id
    return message


def set_ranges(message: LaserScan, ranges: ArrayLike,
               intensities: ArrayLike | None = None) -> None:
    """
    Fill the ranges [m], shape (N,), REP-117 values as they are.

    :param intensities: shape (N,), sent as 0 where there is no range; None for a lidar that has
        none.
    """
    message.ranges = array('f', np.ascontiguousarray(ranges, np.float32).tobytes())
    if intensities is not None:
        heard = np.where(np.isfinite(ranges), intensities, 0.0).astype(np.float32)
        message.intensities = array('f', heard.tobytes())


def ranges_of(message: LaserScan) -> NDArray[np.float32]:
    """Ranges [m], shape (N,): a view of the message."""
    return np.frombuffer(message.ranges, np.float32)


def angles_of(message: LaserScan) -> NDArray[np.float64]:
    """Beam angles [rad] in the scan's frame, shape (N,)."""
    return np.asarray(message.angle_min + message.angle_increment * np.arange(len(message.ranges)))


def fill_imu(message: Imu, angular_velocity: ArrayLike, linear_acceleration: ArrayLike,
             yaw: float) -> None:
    """Fill rates (3,) [rad/s], accelerations (3,) [m/s^2] with gravity, and yaw [rad]."""
    rate, acceleration = message.angular_velocity, message.linear_acceleration
    rate.x, rate.y, rate.z = np.asarray(angular_velocity, float).tolist()
    acceleration.x, acceleration.y, acceleration.z = np.asarray(
        linear_acceleration, float).tolist()
    set_yaw(message.orientation, float(yaw))


def fill_imu_covariance(message: Imu, angular_velocity: FloatArray,
                        linear_acceleration: FloatArray, yaw: float) -> None:
    """
    Fill covariances of rates and accelerations, shape (3, 3), and the variance of yaw.

    Roll and pitch of a planar robot are zero and known.
    """
    message.angular_velocity_covariance[:] = angular_velocity.reshape(9)
    message.linear_acceleration_covariance[:] = linear_acceleration.reshape(9)
    message.orientation_covariance[:] = (1e-9, 0.0, 0.0, 0.0, 1e-9, 0.0, 0.0, 0.0, float(yaw))


def new_joints(names: Sequence[str]) -> JointState:
    """Make a message about joints with everything but stamp and values."""
    return JointState(name=list(names))


def set_joints(message: JointState, angles: ArrayLike, rates: ArrayLike) -> None:
    """Fill angles [rad] and rates [rad/s] of the joints, shape (N,)."""
    message.position = array('d', np.asarray(angles, float).tobytes())
    message.velocity = array('d', np.asarray(rates, float).tobytes())


def joint_angles(message: JointState, names: Sequence[str]) -> NDArray[np.float64] | None:
    """Angles [rad] of joints by name, shape (N,); None where one is missing or not finite."""
    by_name = dict(zip(message.name, message.position, strict=False))
    angles = np.array([by_name.get(name, math.nan) for name in names], float)
    return angles if np.isfinite(angles).all() else None


def grid_to_message(grid: GridMap, frame_id: str = 'map') -> OccupancyGrid:
    """Turn a map into a message; the stamps are left to the caller."""
    message = OccupancyGrid()
    message.header.frame_id = frame_id
    height, width = grid.occupancy.shape
    message.info.resolution = float(grid.resolution)
    message.info.width, message.info.height = int(width), int(height)
    set_pose(message.info.origin, grid.origin)
    message.data = array('b', np.ascontiguousarray(grid.occupancy, np.int8).tobytes())
    return message


def grid_from_message(message: OccupancyGrid, name: str = 'map') -> GridMap:
    """
    Turn a message into a map.

    :raises InputError: when its size or resolution makes no sense.
    """
    height, width = int(message.info.height), int(message.info.width)
    cells = np.frombuffer(message.data, np.int8)
    origin = pose_of(message.info.origin)
    if not height or not width or len(cells) != height * width:
        raise InputError(f'map: {width} x {height} cells are announced, {len(cells)} are there')
    # The message holds a float32; 0.05 shall come out as 0.05.
    resolution = round(float(message.info.resolution), 7)
    if not (math.isfinite(resolution) and resolution > 0.0 and np.isfinite(origin).all()):
        raise InputError(f'map: resolution {resolution} m and origin {origin.tolist()} '
                         'must be finite, the resolution above 0')
    x, y, yaw = origin.tolist()
    return GridMap(cells.reshape(height, width).copy(), resolution, (x, y, yaw), name)


def path_to_message(points: FloatArray, frame_id: str) -> Path:
    """
    Turn points [m], shape (N, 2), into a path whose poses look along it.

    :param frame_id: of the points.
    """
    message = Path()
    message.header.frame_id = frame_id
    if len(points):
        steps = np.diff(points, axis=0, append=points[-1:])
        yaws = np.arctan2(steps[:, 1], steps[:, 0])
        yaws[-1] = yaws[-2] if len(points) > 1 else 0.0
        message.poses = [_stamped(message, row) for row in np.column_stack((points, yaws))]
    return message


def _stamped(path: Path, row: FloatArray) -> PoseStamped:
    pose = PoseStamped(header=path.header)
    set_pose(pose.pose, row)
    return pose


def path_from_message(message: Path) -> NDArray[np.float64]:
    """Points [m], shape (N, 2), in the frame of the message; NaN is kept."""
    return np.array([(p.pose.position.x, p.pose.position.y) for p in message.poses],
                    float).reshape(-1, 2)


def points_to_message(points: FloatArray) -> list[Point]:
    """Turn corners [m], shape (N, 2), into points at z = 0."""
    return [Point(x=x, y=y, z=0.0) for x, y in np.asarray(points, float).tolist()]
