"""
Reader of recorded lidar logs in CARMEN's text format, plain or gzip.

One message a line. A scan is ``FLASER n r1 .. rn x y theta odom_x odom_y odom_theta t host t``;
in the corrected logs of the Radish collection x, y, theta is the laser's pose after SLAM. Numpy
alone is imported.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
import gzip
import math
from pathlib import Path
import zlib

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError

NO_RETURN = 50.0
"""
Range [m] from which a reading means that nothing was hit.

The SICK LMS reports 81.83 to 81.91 m for it, and some loggers cut it down to 50 m.
"""
LONGEST_READING = 1000.0
"""Range [m] beyond which a reading can only be a broken number."""
_KNOWN = frozenset((
    '#', 'PARAM', 'SYNC', 'ODOM', 'RLASER', 'TRUEPOS', 'NEFF', 'MARKER', 'POSITION', 'SCANMARK',
    'SONAR', 'BUMPER', 'IMU', 'GPS', 'NMEAGGA', 'NMEARMC', 'TRUELASER', 'PANTILT',
    *(f'{kind}LASER{i}' for kind in ('RAW', 'ROBOT', '') for i in range(6)),
))
_TAIL = 9
"""Fields after the readings: laser pose, odometry pose, stamp, host, logger's stamp."""


@dataclass(frozen=True)
class CarmenLog:
    """The scans of one log, N of M beams each, and what became of its lines."""

    name: str
    """File name without its endings."""
    ranges: NDArray[np.float32]
    """[m], shape (N, M); inf where nothing was hit, NaN where the reading was zero."""
    angles: NDArray[np.float64]
    """Beam angles in the laser frame [rad], shape (M,), increasing, 0 ahead."""
    poses: NDArray[np.float64]
    """Pose of the laser after SLAM: x, y [m], yaw [rad] in the log's map frame, shape (N, 3)."""
    odom: NDArray[np.float64]
    """Pose of the robot in the scan's odometry fields, shape (N, 3)."""
    stamps: NDArray[np.float64]
    """Time of each scan [s] as written, shape (N,); see :attr:`stamps_resolved`."""
    max_range: float
    """Ranges [m] from this on mean that nothing was hit; they are inf in :attr:`ranges`."""
    laser_offset: float
    """How far ahead of the robot's centre the laser sits [m]."""
    lines: int
    """Lines that the file holds, empty ones left out."""
    skipped: Mapping[str, int]
    """Lines that were broken and left out: reason and count."""

    @property
    def stamps_resolved(self) -> bool:
        """
        Whether the stamps tell one scan from the next.

        Some logs wrote epoch seconds with six digits, so that thousands of scans share a stamp.
        """
        return len(self.stamps) < 2 or len(np.unique(self.stamps)) > 0.9 * len(self.stamps)

    @property
    def path_length(self) -> float:
        """Distance [m] that the laser travelled, from pose to pose."""
        return float(np.hypot(*np.diff(self.poses[:, :2], axis=0).T).sum())

    def report(self) -> list[str]:
        """Say in lines for people what was read and what was not."""
        n, m = self.ranges.shape
        nothing = float(np.isinf(self.ranges).mean())
        out = [f'{self.name}: {n} scans of {m} beams over '
               f'{math.degrees(self.angles[-1] - self.angles[0]):.1f} deg, '
               f'{self.path_length:.1f} m driven, {nothing:.1%} of the beams without a return']
        if not self.stamps_resolved:
            out.append(f'{self.name}: stamps are rounded so far that scans share them; '
                       'use the order of the scans instead')
        out += [f'{self.name}: {count} of {self.lines} lines skipped: {reason}'
                for reason, count in sorted(self.skipped.items())]
        return out


@dataclass
class _Parsed:
    """What has been read so far."""

    scans: list[tuple[NDArray[np.float64], NDArray[np.float64]]]
    kinds: Counter[str]
    skipped: Counter[str]
    params: dict[str, float]
    lines: int = 0


def read_log(path: str | Path) -> CarmenLog:
    """
    Read the front-laser scans of a CARMEN log.

    Lines that cannot be read are skipped and counted by reason. Scans whose number of beams is
    not the log's usual one count among them, so that all scans have one shape.

    :param path: the log, plain or gzip (told by its first bytes).
    :raises InputError: when the file is missing, no gzip though named so, corrupt, or when no
        scan is left.
    """
    path = Path(path)
    parsed = _Parsed([], Counter(), Counter(), {})
    for line in _lines(path, parsed.skipped):
        if line.strip():
            parsed.lines += 1
            _take(line, parsed)
    usual = Counter(len(r) for r, _ in parsed.scans).most_common(1)
    if not usual:
        raise InputError(_nothing_left(path, parsed))
    beams = usual[0][0]
    kept = [s for s in parsed.scans if len(s[0]) == beams]
    if len(kept) < len(parsed.scans):
        reason = f'scan without the {beams} readings that most scans of this log have'
        parsed.skipped[reason] = len(parsed.scans) - len(kept)
    return _assemble(path, kept, beams, parsed)


def beam_angles(beams: int) -> NDArray[np.float64]:
    """
    Angles of a front laser's beams over its half circle.

    :param beams: 180 and 360 step 1 and 0.5 degrees and leave out the last edge; odd numbers
        (181, 361) include both edges.
    :return: [rad], shape (beams,), from -pi/2 (right) counter-clockwise.
    """
    intervals = beams - 1 if beams % 2 else beams
    return np.asarray(-math.pi / 2 + math.pi / intervals * np.arange(beams))


def _lines(path: Path, skipped: Counter[str]) -> Iterator[str]:
    """Yield the text lines of a file; a gzip cut short yields what it still holds."""
    try:
        with open(path, 'rb') as raw:
            magic = raw.read(2)
    except OSError as error:
        raise InputError(f'log {path}: cannot be read ({error.strerror}); '
                         'give the path of a CARMEN log (.log or .log.gz)') from None
    if not magic:
        raise InputError(f'log {path}: is empty; give a CARMEN log with FLASER lines')
    zipped = magic == b'\x1f\x8b'
    if path.suffix == '.gz' and not zipped:
        raise InputError(f'log {path}: is named .gz but is not a gzip file; '
                         'download it again, or drop the ending if it is plain text')
    try:
        with gzip.open(path, 'rb') if zipped else open(path, 'rb') as stream:
            for line in stream:
                yield line.decode('ascii', 'replace')
    except EOFError:
        skipped['gzip file ends early, the rest is lost'] += 1
    except (OSError, zlib.error) as error:
        raise InputError(f'log {path}: its gzip data is corrupt ({error}); '
                         'download it again') from None


def _take(line: str, parsed: _Parsed) -> None:
    """Sort one line into what has been parsed."""
    fields = line.split()
    kind = '#' if fields[0].startswith('#') else fields[0]
    parsed.kinds[kind] += 1
    if kind == 'FLASER':
        scan = _scan(fields)
        if isinstance(scan, str):
            parsed.skipped[scan] += 1
        else:
            parsed.scans.append(scan)
    elif kind == 'PARAM' and len(fields) > 2 and fields[1] in _PARAMS:
        try:
            parsed.params[fields[1]] = float(fields[2])
        except ValueError:
            parsed.skipped[f'PARAM {fields[1]} is not a number'] += 1
    elif kind not in _KNOWN:
        parsed.skipped['not a CARMEN message'] += 1


_PARAMS = ('robot_frontlaser_offset', 'robot_front_laser_max')


def _scan(fields: list[str]) -> tuple[NDArray[np.float64], NDArray[np.float64]] | str:
    """Parse a FLASER line into readings and (poses, stamp), or say why not."""
    try:
        beams = int(fields[1])
    except (IndexError, ValueError):
        return 'FLASER without a number of readings'
    if not 2 <= beams <= 8192:
        return 'FLASER with a number of readings outside [2, 8192]'
    if len(fields) != 2 + beams + _TAIL:
        return 'FLASER with a wrong number of fields'
    try:
        ranges = np.array([float(f) for f in fields[2:2 + beams]])
        rest = np.array([float(f) for f in fields[2 + beams:9 + beams]])
    except ValueError:
        return 'FLASER with a field that is not a number'
    if not np.isfinite(rest).all() or np.abs(rest[:6]).max() > 1e6:
        return 'FLASER with an impossible pose or stamp'
    if not ((ranges >= 0.0) & (ranges < LONGEST_READING)).all():
        return f'FLASER with a reading outside [0, {LONGEST_READING:g}) m'
    return ranges, rest


def _assemble(
    path: Path,
    scans: list[tuple[NDArray[np.float64], NDArray[np.float64]]],
    beams: int,
    parsed: _Parsed,
) -> CarmenLog:
    limit = parsed.params.get('robot_front_laser_max', NO_RETURN)
    limit = min(limit, NO_RETURN) if limit > 1.0 else NO_RETURN
    ranges = np.stack([r for r, _ in scans])
    ranges[ranges >= limit] = np.inf
    ranges[ranges == 0.0] = np.nan
    rest = np.stack([t for _, t in scans])
    name = path.name.removesuffix('.gz').removesuffix('.log')
    return CarmenLog(
        name=name, ranges=ranges.astype(np.float32), angles=beam_angles(beams),
        poses=rest[:, :3].copy(), odom=rest[:, 3:6].copy(), stamps=rest[:, 6].copy(),
        max_range=limit, laser_offset=parsed.params.get('robot_frontlaser_offset', 0.0),
        lines=parsed.lines, skipped=dict(parsed.skipped))


def _nothing_left(path: Path, parsed: _Parsed) -> str:
    """Say in one line why a log has no scan to offer."""
    if parsed.skipped:
        reasons = ', '.join(f'{n} x {reason}' for reason, n in sorted(parsed.skipped.items()))
        return (f'log {path}: no readable FLASER scan in {parsed.lines} lines ({reasons}); '
                'give a CARMEN log with FLASER lines')
    kinds = ', '.join(kind for kind, _ in parsed.kinds.most_common(4)) or 'nothing'
    return (f'log {path}: no FLASER scan in {parsed.lines} lines (found {kinds}); '
            'give a CARMEN log with FLASER lines')
