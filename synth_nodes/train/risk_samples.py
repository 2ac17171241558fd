"""What a collision predictor learns from: recent scans, commands, and the time until contact."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.labels import base_from_laser, draw_commands, fan, time_to_contact
from synth_nodes.dataset.place_map import LEAST, place_map, StoredScans
from synth_nodes.dataset.reader import DataSet
from synth_nodes.errors import InputError
from synth_nodes.policy.collision import lidar_of
from synth_nodes.settings import build
from synth_nodes.tasks.observation import ObservationSpec, SectorPooling
from synth_nodes.types import LidarSpec, RobotSpec
from synth_nodes.world.atlas import MapAtlas

EVERY, BLOCK = 5, 25
"""Where no place is for validation, every fifth block of 25 successive records is."""
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class RiskSamples:
    """N scans with what K commands would have led to after each."""

    sectors: NDArray[np.float32]
    """Pooled scans [m], shape (M, sectors); all of the data set."""
    history: Rows
    """Which of them was seen when, newest first, shape (N, history)."""
    command: NDArray[np.float32]
    """vx, vy [m/s], wz [rad/s], shape (N, K, 3)."""
    contact: NDArray[np.float32]
    """Time until contact with each command [s], shape (N, K); inf for none."""

    def __len__(self) -> int:
        return len(self.history)

    def take(self, rows: Rows | NDArray[np.bool_]) -> 'RiskSamples':
        """Pick some of the N."""
        return replace(self, history=self.history[rows], command=self.command[rows],
                       contact=self.contact[rows])


@dataclass(frozen=True)
class RiskData:
    """The samples of one data set, split by place."""

    name: str
    train: RiskSamples
    validation: RiskSamples
    test: RiskSamples
    digest: str = ''

    @property
    def judged(self) -> tuple[str, RiskSamples]:
        """What scores are taken on: the test places, or where there are none validation."""
        return ('test', self.test) if len(self.test) else ('validation', self.validation)


def robot_of(sets: list[DataSet], given: RobotSpec | None) -> RobotSpec:
    """
    Find the robot whose collisions the data sets label.

    :param given: the robot asked for; that of the simulated drives, or the default, where None.
    :raises InputError: when simulated drives are of different robots.
    """
    first, where = given, 'the robot asked for'
    for data in sets:
        for values in _origins(data.schema.origin):
            robot = build(RobotSpec, values, f'{data.folder}: robot')
            if first is not None and robot != first:
                raise InputError(f'data set {data.folder}: its labels are for another robot than '
                                 f'{where}; generate it with the same --params-file')
            first, where = robot, f'those of {data.folder}'
    return first or RobotSpec()


def lidar_of_set(data: DataSet) -> LidarSpec:
    """
    Describe the lidar of a data set; where its mount is not told it is that of the base.

    :raises InputError: on beams that are not evenly spaced.
    """
    sensor = data.schema.sensor
    spec = LidarSpec(range_max=min(float(sensor['range_max']), 200.0), mount=_mount(data))
    return lidar_of(spec, np.asarray(sensor['angles'], float))


def risk_data(data: DataSet, robot: RobotSpec, spec: ObservationSpec, horizon: float,
              draws: int = 4, seed: int = 0) -> RiskData:
    """
    Read a data set; a recorded one is labelled from the maps built out of its own scans.

    :param horizon: time [s] that labels must reach.
    :param draws: commands to draw for each recorded scan, beside the fan of ten.
    :param seed: of those.
    :return: samples by split; robots that touch something to begin with are left out.
    :raises InputError: when a simulated set is labelled less far, or no recorded place has 50
        scans with known poses.
    """
    names = {f.name for f in data.schema.fields}
    if 'contact' in names:
        reach = float(data.schema.sensor['horizon'])
        if reach < horizon:
            raise InputError(f'data set {data.folder}: is labelled up to {reach:g} s, less than '
                             f'horizon = {horizon:g} s; generate it with --set horizon='
                             f'{horizon:g}')
        command, contact = _told(data, names)
    else:
        command, contact = _swept(data, robot, horizon, draws, seed)
    whole = RiskSamples(pooled_scans(data, spec), histories(data, spec), command, contact)
    free = np.asarray(np.isfinite(command).all(axis=(1, 2)) & ~(contact <= 0.0).any(axis=1))
    rows = {split: (r := data.split(split))[free[r]] for split in ('train', 'validation', 'test')}
    if not len(rows['validation']):
        apart = _blocks(data)[rows['train']]
        rows['train'], rows['validation'] = rows['train'][~apart], rows['train'][apart]
    return RiskData(data.folder.name, **{n: whole.take(r) for n, r in rows.items()},
                    digest=data.digest())


def pooled_scans(data: DataSet, spec: ObservationSpec,
                 dtype: type[np.floating[Any]] = np.float32) -> NDArray[Any]:
    """
    Pool every scan of a data set into sectors, with no more than a chunk of scans in memory.

    :return: distances from base_link [m], shape (N, sectors).
    :raises InputError: on beams that are not evenly spaced, or a set without scans.
    """
    data.schema.column('scan')
    pool = SectorPooling(spec, lidar_of_set(data))
    out = np.empty((len(data), spec.sectors), dtype)
    for chunk, first in enumerate(data.offsets[:-1]):
        scan = data.columns(chunk)['scan']
        out[first:first + len(scan)] = pool(scan)
    return out


def histories(data: DataSet, spec: ObservationSpec) -> Rows:
    """
    Find for each record those seen with it, as :class:`ObservationBuilder` picks them.

    :return: numbers of records, shape (N, history), newest first.
    """
    stamp = data.read('stamp')
    out = np.empty((len(data), spec.history), np.int64)
    for _, rows in data.sequences():
        times = stamp[rows]
        out[rows, 0] = rows
        for k in range(1, spec.history):
            wanted = times - k * spec.history_period
            right = np.minimum(np.searchsorted(times, wanted), np.arange(len(rows)))
            left = np.maximum(right - 1, 0)
            nearer = np.abs(times[left] - wanted) <= np.abs(times[right] - wanted)
            out[rows, k] = rows[np.where(nearer, left, right)]
    return out


def _mount(data: DataSet) -> tuple[float, ...]:
    told = data.schema.sensor.get('settings', {}).get('mount', (0.0, 0.0, 0.0))
    return tuple(float(v) for v in told)


def _origins(origin: Any) -> Iterator[dict[str, Any]]:
    """Yield the robot of every simulated part of a data set."""
    if 'robot' in origin:
        yield dict(origin['robot'])
    for part in origin.get('merged', ()):
        yield from _origins(part['origin'])


def _told(data: DataSet, names: set[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Collect the commands that are labelled, with their labels; logs hold none of their own."""
    arcs = np.asarray(data.schema.sensor['arcs'], np.float32).reshape(-1, 3)
    contact = data.read('arc_contact')
    blind = np.asarray(np.isnan(contact).any(axis=1))[:, None, None]
    parts = [(np.where(blind, np.nan, np.broadcast_to(arcs, (len(data), *arcs.shape))), contact)]
    own = data.read('command')
    if np.isfinite(own).any():
        parts.insert(0, (own[:, None], data.read('contact')[:, None]))
    if 'drawn' in names:
        parts.append((data.read('drawn'), data.read('drawn_contact')))
    command, contact = (np.concatenate(part, axis=1, dtype=np.float32)
                        for part in zip(*parts, strict=True))
    return command, contact


def _swept(data: DataSet, robot: RobotSpec, horizon: float, draws: int,
           seed: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Label a fan of commands and some drawn ones; NaN commands where there is no map."""
    fixed = fan(robot).astype(np.float32)
    drawn = draw_commands(robot, np.random.default_rng([53, seed]), (len(data), draws))
    command = np.concatenate((np.broadcast_to(fixed, (len(data), *fixed.shape)), drawn), axis=1)
    contact = np.zeros(command.shape[:2], np.float32)
    pose, places = data.read('laser_pose'), data.read('place')
    angles = np.asarray(data.schema.sensor['angles'], float)
    known = np.asarray(np.isfinite(pose).all(axis=1))
    for number, place in enumerate(data.schema.places):
        mine = np.flatnonzero(known & (places == number))
        if len(mine) < LEAST:
            known[mine] = False
            continue
        grid = place_map(StoredScans(data, mine), pose[mine], angles, place.name, 0.05)
        base = base_from_laser(pose[mine], _mount(data))
        contact[mine] = time_to_contact(MapAtlas.build([grid]), robot,
                                        np.zeros(len(mine), np.int64), base, command[mine],
                                        horizon)
    if not known.any():
        raise InputError(f'data set {data.folder}: no place has {LEAST} scans with known poses to '
                         'build a map from')
    command[~known] = np.nan
    return command, contact


def _blocks(data: DataSet) -> NDArray[np.bool_]:
    """Say of each record whether it lies in a block for validation."""
    order = np.empty(len(data), np.int64)
    order[np.lexsort((data.read('stamp'), data.read('sequence')))] = np.arange(len(data))
    return np.asarray(order // BLOCK % EVERY == EVERY - 1)
