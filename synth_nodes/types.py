"""
What passes between rooms: frozen dataclasses over numpy arrays.

SI units throughout. Frames as REP-103 and REP-105 have them: x forward, y left, angles
counter-clockwise in radians. No torch, no rclpy.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synth_nodes.settings import setting

FloatArray = NDArray[np.floating]
OCCUPIED = 100
FREE = 0
UNKNOWN = -1
SOLID_THRESHOLD = 50
"""Occupancy, in percent, from which a cell counts as solid."""


@dataclass(frozen=True)
class GridMap:
    """An occupancy grid, laid out as nav_msgs/OccupancyGrid: row 0 is the lowest y."""

    occupancy: NDArray[np.int8]
    """Shape (H, W): -1 unknown, 0 free to 100 occupied."""
    resolution: float
    """Side of a cell [m]."""
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Pose (x [m], y [m], yaw [rad]) of the lower left corner of cell (0, 0) in `map`."""
    name: str = 'map'
    """What to call it in messages and file names."""

    def solid(self) -> NDArray[np.bool_]:
        """
        Cells, shape (H, W), that stop both a robot and a lidar beam.

        Unknown cells are solid: a robot never meets what its lidar could not have shown.
        """
        return (self.occupancy < 0) | (self.occupancy >= SOLID_THRESHOLD)

    def to_cells(self, points_map: FloatArray) -> FloatArray:
        """
        Convert map coordinates to continuous cell coordinates.

        :param points_map: [m], shape (..., 2).
        :return: (column, row), shape (..., 2); cell (i, j) spans [j, j+1) x [i, i+1).
        """
        x, y, yaw = self.origin
        delta = np.asarray(points_map, float) - (x, y)
        c, s = np.cos(yaw), np.sin(yaw)
        rotated = np.stack((c * delta[..., 0] + s * delta[..., 1],
                            -s * delta[..., 0] + c * delta[..., 1]), axis=-1)
        return np.asarray(rotated / self.resolution)

    def to_map(self, cells: FloatArray) -> FloatArray:
        """Convert continuous (column, row) coordinates, shape (..., 2), to `map` [m]."""
        x, y, yaw = self.origin
        scaled = np.asarray(cells, float) * self.resolution
        c, s = np.cos(yaw), np.sin(yaw)
        return np.stack((x + c * scaled[..., 0] - s * scaled[..., 1],
                         y + s * scaled[..., 0] + c * scaled[..., 1]), axis=-1)


@dataclass(frozen=True)
class RobotSpec:
    """The robot's body and what its drive can do."""

    footprint: tuple[float, ...] = setting(
        (0.21, 0.18, -0.21, 0.18, -0.21, -0.18, 0.21, -0.18),
        'Outline in base_link as x1, y1, x2, y2, ... counter-clockwise, convex.',
        unit='m', low=-5.0, high=5.0)
    max_speed: float = setting(
        0.8, 'Fastest speed forward.', unit='m/s', low=0.05, high=10.0)
    max_reverse_speed: float = setting(
        0.2, 'Fastest speed backward.', unit='m/s', low=0.0, high=10.0)
    max_turn_rate: float = setting(
        1.5, 'Fastest turn.', unit='rad/s', low=0.05, high=10.0)
    acceleration: float = setting(
        1.0, 'Largest forward acceleration.', unit='m/s^2', low=0.05, high=20.0)
    deceleration: float = setting(
        1.5, 'Braking deceleration that the drive always achieves.',
        unit='m/s^2', low=0.05, high=20.0)
    turn_acceleration: float = setting(
        4.0, 'Largest angular acceleration.', unit='rad/s^2', low=0.1, high=50.0)
    actuator_lag: float = setting(
        0.05, 'Time constant of the drive following its set point.', unit='s', low=0.0, high=2.0)
    command_latency: float = setting(
        0.02, 'Dead time between a command and its first effect.', unit='s', low=0.0, high=1.0)
    drive: str = setting(
        'differential',
        'What the wheels can do: turn in place, steer like a car (base_link at the middle of '
        'the rear axle), or move to any side.',
        choices=('differential', 'ackermann', 'omnidirectional'))
    wheel_base: float = setting(
        0.4, 'Distance between the axles of an Ackermann drive.', unit='m', low=0.05, high=10.0)
    max_steer: float = setting(
        0.6, 'Largest steering angle of an Ackermann drive, to either side.',
        unit='rad', low=0.01, high=1.4)
    steer_rate: float = setting(
        2.0, 'How fast an Ackermann drive steers.', unit='rad/s', low=0.05, high=50.0)
    max_lateral_speed: float = setting(
        0.5, 'Fastest speed sideways of an omnidirectional drive.',
        unit='m/s', low=0.05, high=10.0)
    lateral_acceleration: float = setting(
        1.0, 'Largest acceleration sideways of an omnidirectional drive.',
        unit='m/s^2', low=0.05, high=20.0)
    slip: float = setting(
        0.0, 'Standard deviation of the share of the way that the wheels slip, in simulation.',
        low=0.0, high=0.3)
    turn_slip: float = setting(
        0.0, 'Standard deviation of the share of the turn that the wheels slip, in simulation.',
        low=0.0, high=0.3)
    slip_time: float = setting(
        2.0, 'Time after which slip has become another, in simulation.',
        unit='s', low=0.05, high=1000.0)

    @property
    def polygon(self) -> NDArray[np.float64]:
        """Footprint corners in base_link [m], shape (N, 2)."""
        return np.asarray(self.footprint, float).reshape(-1, 2)

    @property
    def radius(self) -> float:
        """Radius [m] of the circle about base_link that contains the footprint."""
        return float(np.hypot(*self.polygon.T).max())


@dataclass(frozen=True)
class LidarSpec:
    """A planar scanning lidar and where it is mounted."""

    beams: int = setting(360, 'Beams in a scan.', low=2, high=8192)
    field_of_view: float = setting(
        2 * np.pi, 'Angle covered, centred on the sensor x axis.',
        unit='rad', low=0.01, high=2 * np.pi)
    range_min: float = setting(
        0.05, 'Shortest range measured.', unit='m', low=0.0, high=5.0)
    range_max: float = setting(
        12.0, 'Longest range measured.', unit='m', low=0.5, high=200.0)
    rate: float = setting(20.0, 'Scans a second.', unit='Hz', low=0.1, high=200.0)
    mount: tuple[float, ...] = setting(
        (0.0, 0.0, 0.0), 'Pose of the laser in base_link: x, y, yaw.',
        unit='m, m, rad', low=-10.0, high=10.0)
    noise_std: float = setting(
        0.01, 'Standard deviation of range noise at zero range.', unit='m', low=0.0, high=1.0)
    noise_slope: float = setting(
        0.001, 'Growth of that standard deviation with range.', unit='m/m', low=0.0, high=0.5)
    dropout: float = setting(
        0.002, 'Chance that a beam returns nothing.', low=0.0, high=1.0)

    @property
    def angle_increment(self) -> float:
        """Angle between beams [rad]; a full circle does not repeat its first beam."""
        full = self.field_of_view > 2 * np.pi - 1e-6
        return self.field_of_view / (self.beams if full else self.beams - 1)

    @property
    def angles(self) -> NDArray[np.float64]:
        """Beam angles in the laser frame [rad], shape (beams,), increasing."""
        return np.asarray(-self.field_of_view / 2 + self.angle_increment * np.arange(self.beams))


@dataclass(frozen=True)
class Verdict:
    """What the safety core decided about one command, and why."""

    command: tuple[float, float, float]
    """Command let through: vx [m/s], vy [m/s], wz [rad/s] in base_link."""
    action: str
    """
    The strongest action that bound: 'pass', 'limit', 'slowdown' or 'stop'; 'approach' where a
    user's zone of that action lowered the speed. Zones with action 'none' only report: never here.
    """
    rule: str
    """
    Name of the rule or zone that bound; empty when nothing did. Of the core: 'limits',
    'slowdown_zone', 'braking', 'stop_zone', 'unseen', 'command', 'velocity', 'source', 'override'.
    """
    source: str
    """Name of the sensor source that made it bind; empty when none did."""
    margin: float
    """Gap [m] left ahead of the footprint along the commanded arc; inf when clear."""
    time_to_collision: float
    """Time [s] until contact if the command were kept; inf when none is seen."""
    reason: str
    """One sentence for people."""
