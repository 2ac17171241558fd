"""
Tracks of people in a place, and the text tables that they are recorded in.

The table is that of the ETH and UCY recordings (Pellegrini et al. 2009, Lerner et al. 2007): for
each person and moment a line `frame id x y`, separated by blanks or tabs, x and y [m] on the
floor. Frames are numbers at even steps. A Nav2 map of the same name beside it (`hall.txt`,
`hall.yaml`), in the same coordinates, says where walls are; without one the ground is open.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.files import write_atomically
from synth_nodes.types import FREE, GridMap
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.map_io import load_map

RADIUS = 0.25
"""Of a person [m]."""
OPEN = 4.0
"""Open ground [m] about tracks that have no map."""
CELL = 0.1
"""Side of its cells [m]."""
MOST = 50_000_000
"""Moments times people of a table, at most."""
RUNNING, STILL = 2.0, 0.15
"""Speeds [m/s] at which people rather run than walk (Hreljac 1993), and below which they stand."""
FARTHEST = 1000.0
"""Extent of a table without a map [m], at most."""


@dataclass(frozen=True)
class Tracks:
    """People's ways through one place."""

    at: NDArray[np.float64]
    """x, y [m] in `map`, shape (frames, N, 2); NaN where a person is not there."""
    period: float
    """Between frames [s]."""
    atlas: MapAtlas
    """Of the one map they are in."""
    name: str

    @property
    def there(self) -> NDArray[np.bool_]:
        """Whether each person is there, shape (frames, N)."""
        return np.isfinite(self.at[..., 0])

    @property
    def speed(self) -> NDArray[np.float64]:
        """How fast each person goes on [m/s], shape (frames - 1, N); NaN beside a gap."""
        return np.asarray(np.hypot(*np.moveaxis(np.diff(self.at, axis=0), -1, 0)) / self.period)

    def cut(self, first: int, last: int) -> 'Tracks':
        """Take frames first to last (excluded), and who is there in two of them or more."""
        part = self.at[first:last]
        kept = np.isfinite(part[..., 0]).sum(axis=0) >= 2
        return Tracks(part[:, kept], self.period, self.atlas, self.name)


def read_tracks(path: Path, rate: float) -> Tracks:
    """
    Read a table, and the map beside it.

    :param rate: frames a second that the table has; 2.5 for ETH and UCY.
    :raises InputError: when it cannot be read, a line is wrong, frames are not at even steps,
        somebody is in two places at once, or people are too fast to walk.
    """
    try:
        table = np.loadtxt(path, np.float64, ndmin=2)
    except (OSError, ValueError) as error:
        reason = str(error).partition('\n')[0]
        raise InputError(f"tracks {path}: cannot be read ({reason}); each line must be 'frame id "
                         "x y'") from None
    if table.shape[1:] != (4,) or len(table) < 2 or not np.isfinite(table).all():
        raise InputError(f"tracks {path}: has shape {table.shape}, or values that are not finite; "
                         "each line must be 'frame id x y'")
    frames = np.unique(table[:, 0])
    step = np.diff(frames).min() if len(frames) > 1 else 1.0
    moment = (table[:, 0] - frames[0]) / step
    if np.abs(moment - np.round(moment)).max() > 1e-6:
        raise InputError(f'tracks {path}: frames are not at even steps of {step:g}; resample them')
    names, who = np.unique(table[:, 1], return_inverse=True)
    _refuse_twice(table, path)
    count = round(float(moment.max())) + 1
    if count * len(names) > MOST:
        raise InputError(f'tracks {path}: {count} frames of {len(names)} people are too many for '
                         'one table; cut it into several, in one folder')
    at = np.full((count, len(names), 2), np.nan)
    at[np.round(moment).astype(int), who] = table[:, 2:]
    beside = path.with_suffix('.yaml')
    tracks = Tracks(at, 1.0 / rate, MapAtlas.build(
        [load_map(beside) if beside.is_file() else open_ground(at, path)]), path.stem)
    _refuse_running(tracks, path)
    return tracks


def _refuse_twice(table: NDArray[np.float64], path: Path) -> None:
    """Refuse a table that has a person in one frame more than once."""
    pairs, count = np.unique(table[:, :2], axis=0, return_counts=True)
    if (count > 1).any():
        frame, who = pairs[count.argmax()]
        raise InputError(f'tracks {path}: has {count.max()} lines of id {who:g} in frame '
                         f'{frame:g}; leave one, or give people ids of their own')


def _refuse_running(tracks: Tracks, path: Path) -> None:
    """Refuse tracks that are too fast for people who walk: their rate or their unit is wrong."""
    speed = tracks.speed
    moving = speed[speed > STILL]
    if len(moving) and np.median(moving) > RUNNING:
        raise InputError(
            f'tracks {path}: people move at {np.median(moving):.3g} m/s (median) where it has '
            f'{1.0 / tracks.period:g} frames a second, but they walk below {RUNNING:g} m/s; give '
            'the --rate of this table, and x and y in metres')


def write_tracks(tracks: Tracks, path: Path) -> None:
    """Write a table of tracks; frames count from 0."""
    frame, who = np.nonzero(tracks.there)
    lines = [f'{f} {w} {x:.3f} {y:.3f}\n' for f, w, (x, y) in zip(
        frame.tolist(), who.tolist(), tracks.at[frame, who].tolist(), strict=True)]
    write_atomically(path, ''.join(lines).encode())


def open_ground(at: NDArray[np.float64], path: Path) -> GridMap:
    """
    Make a map without walls around tracks.

    :param at: shape (..., 2) [m]; path: where they are from, for its name.
    :raises InputError: when they extend over more than 1 km.
    """
    flat = at.reshape(-1, 2)
    low, high = np.nanmin(flat, axis=0) - OPEN, np.nanmax(flat, axis=0) + OPEN
    if (high - low).max() > FARTHEST:
        raise InputError(f'tracks {path}: extend over {(high - low).max():.0f} m, more than '
                         f'{FARTHEST:g} m; x and y must be in metres')
    size = np.ceil((high - low) / CELL).astype(int)
    return GridMap(np.full((size[1], size[0]), FREE, np.int8), CELL, (low[0], low[1], 0.0),
                   path.stem)


def read_folder(path: Path, rate: float) -> list[Tracks]:
    """
    Read one table, or every `*.txt` of a folder in the order of their names.

    :raises InputError: when there is none, or one is wrong.
    """
    files = sorted(path.glob('*.txt')) if path.is_dir() else [path]
    if not files:
        raise InputError(f"tracks {path}: the folder holds no *.txt with lines 'frame id x y'")
    return [read_tracks(file, rate) for file in files]


def held_back(places: list[Tracks]) -> tuple[list[Tracks], list[Tracks]]:
    """
    Divide tracks into those to learn from and those to judge by.

    :return: of several places every fifth is held back, the last at least; of one, the last
        fifth of its time.
    :raises InputError: when one place has fewer than 20 frames.
    """
    if len(places) > 1:
        apart = [k % 5 == 4 or (k == len(places) - 1 and k < 4) for k in range(len(places))]
        return ([p for p, a in zip(places, apart, strict=True) if not a],
                [p for p, a in zip(places, apart, strict=True) if a])
    only = places[0]
    count = len(only.at)
    if count < 20:
        raise InputError(f"tracks '{only.name}' have {count} frames; it takes 20 or several files")
    return [only.cut(0, count * 4 // 5)], [only.cut(count * 4 // 5, count)]
