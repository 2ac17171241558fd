"""Recorded bags (rosbag2, MCAP or SQLite) as arrays: scans, measured velocities, commands."""

from collections.abc import Iterator
from dataclasses import dataclass, field
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.highlevel import AnyReader
from rosbags.typesys import get_typestore, Stores

from synth_nodes.errors import InputError

Array = NDArray[np.float64]
SCAN = ('sensor_msgs/msg/LaserScan',)
ODOMETRY = ('nav_msgs/msg/Odometry',)
COMMAND = ('geometry_msgs/msg/TwistStamped', 'geometry_msgs/msg/Twist')


@dataclass(frozen=True)
class BagScan:
    """One scan of a bag."""

    stamp: float
    """Time at which it was recorded [s]."""
    ranges: Array
    """[m], shape (N,), as REP-117 has them."""
    angles: Array
    """In the laser frame [rad], shape (N,)."""
    range_min: float
    range_max: float


@dataclass
class Velocities:
    """Twists of one topic."""

    stamps: list[float] = field(default_factory=list)
    """Times at which they were recorded [s]."""
    values: list[tuple[float, float, float]] = field(default_factory=list)
    """vx [m/s], vy [m/s], w [rad/s]."""


@dataclass
class Bag:
    """What of a bag was asked for; a topic that it lacks is empty."""

    scans: list[BagScan] = field(default_factory=list)
    odometry: Velocities = field(default_factory=Velocities)
    odometry_poses: list[tuple[float, float, float]] = field(default_factory=list)
    """x, y [m], yaw [rad] in the frame of the odometry, at its stamps."""
    commands: Velocities = field(default_factory=Velocities)
    """Those that reached the base."""
    raw: Velocities = field(default_factory=Velocities)
    """Those before the safety monitor."""


@dataclass(frozen=True)
class Topics:
    """Which topics to read."""

    scan: str = '/scan'
    odometry: str = '/odom'
    command: str = '/cmd_vel'
    raw: str = '/cmd_vel_raw'


def read_bag(path: Path, topics: Topics) -> Bag:
    """
    Read the topics of a bag, in the order of their recording.

    :raises InputError: for a bag that cannot be read, or a topic of another type.
    """
    bag = Bag()
    wanted: dict[str, tuple[tuple[str, ...], Any]] = {
        topics.scan: (SCAN, lambda t, m: bag.scans.append(_scan(t, m))),
        topics.odometry: (ODOMETRY, lambda t, m: _add_odometry(bag, t, m)),
        topics.command: (COMMAND, lambda t, m: _add(bag.commands, t, m)),
        topics.raw: (COMMAND, lambda t, m: _add(bag.raw, t, m)),
    }
    for topic, kind, stamp, message in _messages(path, tuple(wanted)):
        kinds, take = wanted[topic]
        if kind not in kinds:
            raise InputError(f"{path}: topic '{topic}' is {kind}, not {' or '.join(kinds)}; "
                             'name another topic')
        take(stamp, message)
    return bag


def _messages(path: Path, topics: tuple[str, ...]) -> Iterator[tuple[str, str, float, Any]]:
    """Topic, type, time of recording [s] and content of all messages of the topics."""
    store = get_typestore(Stores.ROS2_KILTED)
    try:
        with AnyReader([path], default_typestore=store) as reader:
            connections = [c for c in reader.connections if c.topic in topics]
            if not connections:
                there = ', '.join(sorted({c.topic for c in reader.connections})) or 'nothing'
                raise InputError(f"{path}: has none of the topics {', '.join(topics)}; it has "
                                 f'{there}')
            for connection, time_ns, data in reader.messages(connections=connections):
                message = reader.deserialize(data, connection.msgtype)
                yield connection.topic, connection.msgtype, time_ns / 1e9, message
    except InputError:
        raise
    except Exception as error:  # the reader's parts raise many classes for a damaged file
        reason = str(error).partition('\n')[0] or type(error).__name__
        raise InputError(f'{path}: cannot be read as a bag: {reason}{_remedy(path)}') from None


def _remedy(path: Path) -> str:
    """Say what to do about a bag that cannot be read; nothing where there is none."""
    if not path.exists():
        return ''
    if path.is_dir() and not (path / 'metadata.yaml').is_file():
        return f'; `ros2 bag reindex {path}` writes what is missing'
    return ('; where its recording was cut short, `mcap recover` mends an .mcap file, and '
            '`ros2 bag reindex` then its folder')


def _scan(stamp: float, message: Any) -> BagScan:
    ranges = np.asarray(message.ranges, float)
    angles = message.angle_min + message.angle_increment * np.arange(len(ranges))
    return BagScan(stamp, ranges, angles, float(message.range_min), float(message.range_max))


def _add_odometry(bag: Bag, stamp: float, message: Any) -> None:
    _add(bag.odometry, stamp, message.twist.twist)
    at, q = message.pose.pose.position, message.pose.pose.orientation
    yaw = math.atan2(2.0 * (q.w * q.z + q.x * q.y), 1.0 - 2.0 * (q.y * q.y + q.z * q.z))
    bag.odometry_poses.append((float(at.x), float(at.y), yaw))


def _add(track: Velocities, stamp: float, message: Any) -> None:
    twist = getattr(message, 'twist', message)
    track.stamps.append(stamp)
    track.values.append((float(twist.linear.x), float(twist.linear.y), float(twist.angular.z)))
