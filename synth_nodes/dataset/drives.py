"""
Drives as records of a data set: a scan a record, with the pose, motion and command of its time.

What a source does not tell is NaN, never a guess.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.bag import Bag, read_bag, Topics, Velocities
from synth_nodes.dataset.carmen import CarmenLog, read_log
from synth_nodes.dataset.schema import Field, Schema
from synth_nodes.dataset.store import check_splits, Columns, Writer
from synth_nodes.errors import InputError
from synth_nodes.files import sha256_of
from synth_nodes.types import LidarSpec

LASER_POSE = Field('laser_pose', 'float64', (3,), 'm, m, rad', 'map',
                   'Pose of the laser: x, y, yaw; NaN where unknown.')
ODOM = Field('odom', 'float64', (3,), 'm, m, rad', 'odom',
             'Pose of the robot by its odometry: x, y, yaw; NaN where unknown.')
VELOCITY = Field('velocity', 'float32', (3,), 'm/s, m/s, rad/s', 'base_link',
                 'Measured vx, vy, wz; NaN where unknown.')
COMMAND = Field('command', 'float32', (3,), 'm/s, m/s, rad/s', 'base_link',
                'Command that reached the base: vx, vy, wz; NaN where unknown.')
NEAREST = 0.1
"""How far [s] from a scan a velocity or a command may lie to be taken as that of its time."""
JUMP = 5.0
"""Speeds [m/s, rad/s] between two poses of a log that are beyond this are no motion."""
Say = Callable[[str], None]


def scan_field(beams: int) -> Field:
    """Describe the column of scans."""
    return Field('scan', 'float32', (beams,), 'm', 'laser',
                 'Ranges as REP-117 has them: inf nothing seen, -inf too near, NaN invalid.')


def drive_fields(beams: int) -> tuple[Field, ...]:
    """List the fields of recorded drives."""
    return (scan_field(beams), LASER_POSE, ODOM, VELOCITY, COMMAND)


def sensor_of(angles: NDArray[np.float64], range_min: float, range_max: float) -> dict[str, Any]:
    """Describe a lidar for a header."""
    return {'angles': [round(float(a), 9) for a in angles], 'range_min': float(range_min),
            'range_max': float(range_max)}


def sensor_of_spec(spec: LidarSpec) -> dict[str, Any]:
    """Describe a simulated lidar for a header, its settings included."""
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(spec).items()}
    return {**sensor_of(spec.angles, spec.range_min, spec.range_max), 'settings': plain}


@dataclass(frozen=True)
class RecordedDrive:
    """A drive as it was read, not yet in a data set."""

    schema: Schema
    """Of a data set of this drive alone."""
    place: str
    """Name of the building."""
    columns: Columns
    """All fields; numbers of place and sequence are to be given."""
    digest: str = ''
    """SHA-256 of a log."""


def import_log(path: Path, out: Path, split: str | None = None, append: bool = False,
               beams: int | None = None, say: Say = print) -> Writer:
    """
    Import one CARMEN log; see :func:`log_drive` and :func:`write_drives`.

    :param split: 'train', 'validation' or 'test'; by a hash of the log's name where None.
    """
    drive = log_drive(path, beams, say)
    return write_drives([drive], out, {} if split is None else {drive.place: split}, append)


def write_drives(drives: Sequence[RecordedDrive], out: Path,
                 splits: Mapping[str, str] | None = None, append: bool = False) -> Writer:
    """
    Write recorded drives; nothing is written unless all fit.

    :param splits: 'train', 'validation' or 'test' by name of place; by a hash of it elsewhere.
    :param append: add to a data set of the same beams.
    :return: the closed writer, which knows how much was written.
    :raises InputError: when drives do not fit each other or the data set, or a split is of no
        place.
    """
    first = drives[0].schema
    for one in drives[1:]:
        if (one.schema.fields, one.schema.sensor) != (first.fields, first.sensor):
            raise InputError(
                f'{_sensor_words(one.schema)} do not fit {_sensor_words(first)}; import each into '
                'a data set of its own, or logs with --beams')
    check_splits(out, splits or {}, [d.place for d in drives])
    for number, one in enumerate(drives):
        schema = replace(one.schema, name=out.name)
        with Writer(out, schema, append=append or number > 0) as writer:
            place = writer.place(one.place, (splits or {}).get(one.place), one.digest)
            count = len(one.columns['stamp'])
            writer.append({**one.columns, 'place': np.full(count, place),
                           'sequence': np.full(count, writer.next_sequence)})
    return writer


def _sensor_words(schema: Schema) -> str:
    angles, sensor = schema.sensor['angles'], schema.sensor
    return (f"the {len(angles)} beams of {schema.name} (from {np.degrees(angles[0]):.1f} to "
            f"{np.degrees(angles[-1]):.1f} deg, {sensor['range_min']:g} to "
            f"{sensor['range_max']:g} m)")


def log_drive(path: Path, beams: int | None = None, say: Say = print) -> RecordedDrive:
    """
    Read a CARMEN log as a drive; its building is one place.

    :param beams: how many to keep, see :func:`thinned`; all where None.
    :param say: takes what is to be told, a line at a time.
    :raises InputError: when the log cannot be used.
    """
    log = read_log(path)
    for line in log.report():
        say(line)
    log = log if beams is None else thinned(log, beams)
    digest = sha256_of(path)
    schema = Schema.of(path.name, drive_fields(log.ranges.shape[1]),
                       sensor=sensor_of(log.angles, 0.0, log.max_range),
                       origin={'source': path.name, 'sha256': digest, 'kind': 'carmen'})
    return RecordedDrive(schema, log.name, log_columns(log, 0, 0), digest)


def thinned(log: CarmenLog, beams: int) -> CarmenLog:
    """
    Keep every n-th beam of a log, from the rightmost on.

    361 beams over both edges count as 360, so that 180 remain at the angles of a scanner of 180.

    :raises InputError: when the log has no such number of beams to spare.
    """
    have = log.ranges.shape[1]
    step = (have - have % 2) // beams if beams > 0 else 0
    if not step or step * beams not in (have, have - 1):
        raise InputError(f'log {log.name}: has {have} beams, of which {beams} cannot be kept at '
                         'even steps; give a divisor of it')
    pick = slice(0, step * beams, step)
    return replace(log, ranges=np.ascontiguousarray(log.ranges[:, pick]),
                   angles=log.angles[pick].copy())


def log_columns(log: CarmenLog, place: int, sequence: int) -> Columns:
    """Turn a log into columns; where its stamps are too coarse, scans count 1 s each."""
    count = len(log.ranges)
    resolved = log.stamps_resolved
    stamps = log.stamps if resolved else np.arange(count, dtype=float)
    velocity = np.full((count, 3), np.nan)
    if resolved:
        velocity = _velocity(log.odom, stamps)
    return {'stamp': stamps, 'sequence': np.full(count, sequence), 'place': np.full(count, place),
            'scan': log.ranges, 'laser_pose': log.poses, 'odom': log.odom, 'velocity': velocity,
            'command': np.full((count, 3), np.nan)}


def bag_drive(path: Path, topics: Topics, place: str = '', say: Say = print) -> RecordedDrive:
    """
    Read a rosbag2 recording (MCAP or SQLite) as one drive.

    :param topics: names of scan, odometry and command.
    :param place: building it was recorded in; the bag's name where empty.
    :param say: takes what is to be told, a line at a time.
    :raises InputError: when the bag cannot be used.
    """
    bag = read_bag(path, topics)
    if not bag.scans:
        raise InputError(f"bag {path}: has no scan on '{topics.scan}'; name the topic")
    beams = np.bincount([len(s.ranges) for s in bag.scans]).argmax()
    scans = [s for s in bag.scans if len(s.ranges) == beams]
    if len(scans) < len(bag.scans):
        say(f'{path.name}: {len(bag.scans) - len(scans)} of {len(bag.scans)} scans left out: not '
            f'the {beams} beams that most have')
    first = scans[0]
    schema = Schema.of(
        path.name, drive_fields(int(beams)),
        sensor=sensor_of(first.angles, first.range_min, first.range_max),
        origin={'source': path.name, 'kind': 'bag', 'topics': asdict(topics)})
    columns = _bag_columns(bag, np.stack([s.ranges for s in scans]),
                           np.array([s.stamp for s in scans]))
    return RecordedDrive(schema, place or path.stem, columns)


def _bag_columns(bag: Bag, ranges: NDArray[np.float64], stamps: NDArray[np.float64]) -> Columns:
    count = len(ranges)
    return {'stamp': stamps, 'sequence': np.zeros(count, int), 'place': np.zeros(count, int),
            'scan': ranges.astype(np.float32), 'laser_pose': np.full((count, 3), np.nan),
            'odom': _at(bag.odometry.stamps, bag.odometry_poses, stamps),
            'velocity': _motion(bag.odometry, stamps), 'command': _motion(bag.commands, stamps)}


def _motion(track: Velocities, stamps: NDArray[np.float64]) -> NDArray[np.float64]:
    return _at(track.stamps, track.values, stamps)


def _at(times: list[float], rows: list[tuple[float, float, float]],
        stamps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take of rows, each at a time [s], the nearest to each stamp; NaN where none is near."""
    out = np.full((len(stamps), 3), np.nan)
    if times:
        known, values = np.asarray(times), np.asarray(rows, float)
        right = np.clip(np.searchsorted(known, stamps), 1, max(len(known) - 1, 1))
        left = right - 1
        right = np.minimum(right, len(known) - 1)
        pick = np.where(np.abs(known[left] - stamps) <= np.abs(known[right] - stamps), left, right)
        near = np.abs(known[pick] - stamps) <= NEAREST
        out[near] = values[pick[near]]
    return out


def _velocity(poses: NDArray[np.float64], stamps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differentiate poses, shape (N, 3), in the robot's frame; NaN where they jump."""
    out = np.full((len(poses), 3), np.nan)
    if len(poses) < 2:
        return out
    step = np.diff(stamps)
    moved = np.diff(poses, axis=0)
    turn = (moved[:, 2] + np.pi) % (2 * np.pi) - np.pi
    middle = poses[:-1, 2] + turn / 2
    c, s = np.cos(middle), np.sin(middle)
    with np.errstate(divide='ignore', invalid='ignore'):
        twist = np.stack((c * moved[:, 0] + s * moved[:, 1], c * moved[:, 1] - s * moved[:, 0],
                          turn), axis=1) / step[:, None]
    twist[~(step > 0) | (np.abs(twist) > JUMP).any(axis=1)] = np.nan
    out[1:] = twist
    return out
