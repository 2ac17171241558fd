"""A data set as ROS 2 messages in MCAP, for Foxglove, rosbag2 and every other tool of ROS."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.typesys import get_typestore, Stores

from synth_nodes.dataset.camera_messages import CameraMessages, IMAGES, TOPICS
from synth_nodes.dataset.reader import DataSet
from synth_nodes.dataset.recording import qos, Recording
from synth_nodes.errors import InputError

SCAN, ODOMETRY = 'sensor_msgs/msg/LaserScan', 'nav_msgs/msg/Odometry'
COMMAND, PATH = 'geometry_msgs/msg/TwistStamped', 'nav_msgs/msg/Path'
UNKNOWN = -1.0
"""Element 0 of a covariance that is not known, as sensor_msgs has it."""
AT_ONCE = 512
"""Records that are in memory at one time: those with images are large."""


def export_bag(data: DataSet, out: Path, sequence: int | None = None,
               advance: Callable[[int, int], None] | None = None) -> int:
    """
    Write `/scan`, `/odom` and `/cmd_vel`, drive after drive; what is not known is left out.

    Where there are such fields, the optimal path as `/plan` in `base_link`, and the images below
    `/camera`, with their calibration.

    Stamps of a drive follow those of the one before, so that time never runs back.

    :param out: folder that the bag becomes.
    :param sequence: number of the one drive to write; all where None.
    :return: how many messages were written.
    :raises InputError: when there is no such drive, or nothing to write.
    """
    drives = [rows for number, rows in data.sequences() if sequence in (None, number)]
    if not drives:
        raise InputError(f'data set {data.folder}: has no drive'
                         f"{'' if sequence is None else f' number {sequence}'}")
    maker = _Messages(data)
    recording = Recording(out)
    written, done, total = 0, 0, sum(len(rows) for rows in drives)
    try:
        for topic, kind in maker.topics:
            recording.add(topic, kind, [qos(True, False, 5)])
        begin = 0.0
        for rows in drives:
            stamp = data.take(rows[[0, -1]], ('stamp',))['stamp']
            shift = begin - float(stamp[0]) if begin else 0.0
            for first in range(0, len(rows), AT_ONCE):
                part = data.take(rows[first:first + AT_ONCE], maker.fields)
                for topic, time_ns, content in maker.of(part, shift):
                    recording.write(topic, time_ns, content)
                    written += 1
                done += len(part['stamp'])
                if advance is not None:
                    advance(done, total)
            begin = float(stamp[1]) + shift + 1.0
    except BaseException:
        recording.discard()
        raise
    recording.close()
    return written


class _Messages:
    """Makes messages of records."""

    def __init__(self, data: DataSet) -> None:
        self._store = get_typestore(Stores.ROS2_KILTED)
        sensor = data.schema.sensor
        angles = sensor['angles']
        self._angles = (angles[0], angles[-1], (angles[-1] - angles[0]) / (len(angles) - 1))
        self._span = float(sensor['range_min']), float(sensor['range_max'])
        self._camera = CameraMessages(sensor['camera'], self._make) if 'camera' in sensor else None
        self._path = 'path' in {f.name for f in data.schema.fields}
        self.topics = [('/scan', SCAN), ('/odom', ODOMETRY), ('/cmd_vel', COMMAND)]
        """What is written, each with its type."""
        self.fields = ['stamp', 'scan', 'odom', 'velocity', 'command']
        """Fields that it is made of."""
        if self._path:
            self.topics, self.fields = [*self.topics, ('/plan', PATH)], [*self.fields, 'path']
        if self._camera is not None:
            self.topics, self.fields = [*self.topics, *TOPICS], [*self.fields, *IMAGES]

    def of(self, part: dict[str, NDArray[Any]], shift: float) -> Iterator[tuple[str, int, bytes]]:
        """Yield topic, time [ns] and content of the messages of records in order."""
        for k, stamp in enumerate(part['stamp']):
            time_ns = round((float(stamp) + shift) * 1e9)
            yield '/scan', time_ns, self._scan(time_ns, part['scan'][k])
            if np.isfinite(part['odom'][k]).all():
                yield '/odom', time_ns, self._odometry(time_ns, part['odom'][k],
                                                       part['velocity'][k])
            if np.isfinite(part['command'][k]).all():
                yield '/cmd_vel', time_ns, self._command(time_ns, part['command'][k])
            if self._path and np.isfinite(part['path'][k]).all():
                yield '/plan', time_ns, self._plan(time_ns, part['path'][k])
            if self._camera is not None:
                header = self._header(time_ns, self._camera.frame)
                for topic, kind, message in self._camera.of(
                        header, {name: part[name][k] for name in IMAGES}):
                    yield topic, time_ns, bytes(self._store.serialize_cdr(message, kind))

    def _make(self, kind: str, **fields: Any) -> Any:
        return self._store.types[kind](**fields)

    def _header(self, time_ns: int, frame: str) -> Any:
        stamp = self._make('builtin_interfaces/msg/Time', sec=time_ns // 10**9,
                           nanosec=time_ns % 10**9)
        return self._make('std_msgs/msg/Header', stamp=stamp, frame_id=frame)

    def _scan(self, time_ns: int, ranges: NDArray[np.float32]) -> bytes:
        first, last, step = self._angles
        message = self._make(
            SCAN, header=self._header(time_ns, 'laser'), angle_min=first, angle_max=last,
            angle_increment=step, time_increment=0.0, scan_time=0.0, range_min=self._span[0],
            range_max=self._span[1], ranges=np.asarray(ranges, np.float32),
            intensities=np.zeros(0, np.float32))
        return bytes(self._store.serialize_cdr(message, SCAN))

    def _twist(self, velocity: NDArray[np.floating]) -> Any:
        vx, vy, w = (float(v) for v in velocity)
        vector = 'geometry_msgs/msg/Vector3'
        return self._make('geometry_msgs/msg/Twist', linear=self._make(vector, x=vx, y=vy, z=0.0),
                          angular=self._make(vector, x=0.0, y=0.0, z=w))

    def _pose(self, x: float, y: float, yaw: float) -> Any:
        return self._make(
            'geometry_msgs/msg/Pose',
            position=self._make('geometry_msgs/msg/Point', x=x, y=y, z=0.0),
            orientation=self._make('geometry_msgs/msg/Quaternion', x=0.0, y=0.0,
                                   z=float(np.sin(yaw / 2)), w=float(np.cos(yaw / 2))))

    def _plan(self, time_ns: int, path: NDArray[np.float32]) -> bytes:
        """Points of the path with the headings that lead from one to the next."""
        header = self._header(time_ns, 'base_link')
        step = np.diff(path, axis=0, append=path[-1:])
        yaw, moved = np.arctan2(step[:, 1], step[:, 0]), np.flatnonzero(step.any(axis=1))
        last = int(moved[-1]) + 1 if len(moved) else 0
        yaw[last:] = yaw[last - 1] if last else 0.0
        poses = [self._make('geometry_msgs/msg/PoseStamped', header=header,
                            pose=self._pose(float(x), float(y), float(w)))
                 for (x, y), w in zip(path[:last + 1], yaw, strict=False)]
        return bytes(self._store.serialize_cdr(
            self._make(PATH, header=header, poses=poses), PATH))

    def _odometry(self, time_ns: int, pose: NDArray[np.float64],
                  velocity: NDArray[np.float32]) -> bytes:
        x, y, yaw = (float(v) for v in pose)
        unknown = np.zeros(36)
        unknown[0] = UNKNOWN
        at = self._pose(x, y, yaw)
        moving = self._twist(np.nan_to_num(velocity, nan=0.0))
        message = self._make(
            ODOMETRY, header=self._header(time_ns, 'odom'), child_frame_id='base_link',
            pose=self._make('geometry_msgs/msg/PoseWithCovariance', pose=at, covariance=unknown),
            twist=self._make('geometry_msgs/msg/TwistWithCovariance', twist=moving,
                             covariance=unknown))
        return bytes(self._store.serialize_cdr(message, ODOMETRY))

    def _command(self, time_ns: int, command: NDArray[np.float32]) -> bytes:
        message = self._make(COMMAND, header=self._header(time_ns, 'base_link'),
                             twist=self._twist(command))
        return bytes(self._store.serialize_cdr(message, COMMAND))
