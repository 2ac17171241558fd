"""
Labels of recorded drives, from the map that is built out of the whole log.

The map knows walls and what stood there all the time; it knows no people. What the driver meant
is not recorded: the goal of a record is a place where the drive came later, and the expert says
what it would have commanded to get there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.beam_labels import (
    recorded_surfaces,
    surface_names,
    UNKNOWN_MATERIAL,
)
from synth_nodes.dataset.gate import carry_problems
from synth_nodes.dataset.generate import label_fields
from synth_nodes.dataset.labels import (
    base_from_laser,
    clearance,
    draw_commands,
    fan,
    time_to_contact,
)
from synth_nodes.dataset.lines import held_lines, UNKNOWN
from synth_nodes.dataset.place_map import LEAST, place_map
from synth_nodes.dataset.reader import DataSet
from synth_nodes.dataset.schema import Schema
from synth_nodes.dataset.store import Writer
from synth_nodes.errors import InputError
from synth_nodes.settings import flatten, setting
from synth_nodes.tasks.course import Course
from synth_nodes.tasks.expert import Expert
from synth_nodes.tasks.path import PathFollower
from synth_nodes.tasks.planner import NoPathError
from synth_nodes.types import RobotSpec

Columns = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class LabelSettings:
    """How recorded drives are labelled."""

    seed: int = setting(0, 'Seed of the commands that are drawn.', low=0, high=2**31 - 1)
    horizon: float = setting(
        3.0, 'Contacts later than this are not labelled.', unit='s', low=0.1, high=60.0)
    draws: int = setting(
        4, 'Commands drawn by chance for each record that are labelled.', low=0, high=1000)
    leg: float = setting(
        8.0, 'The drive is cut into legs of this length; the end of its leg is the goal of a '
        'record.', unit='m', low=1.0, high=1000.0)
    path_points: int = setting(
        16, 'Points of the optimal path ahead, to the end of the leg; 0 leaves it out.', low=0,
        high=1000)
    path_spacing: float = setting(
        0.5, 'Way between these points.', unit='m', low=0.01, high=10.0)
    line: float = setting(
        1.2, 'Way ahead to the point that the drive should have come to in a straight line.',
        unit='m', low=0.3, high=20.0)
    line_tolerance: float = setting(
        0.1, 'Distance from that line which is still on it.', unit='m', low=0.001, high=2.0)
    resolution: float = setting(
        0.05, 'Side of the cells of the maps.', unit='m', low=0.02, high=0.5)
    tolerance: float = setting(
        0.15, 'How far from an occupied cell a beam may end that met it.', unit='m', low=0.0,
        high=2.0)


def label_set(data: DataSet, out: str | Path, robot: RobotSpec, settings: LabelSettings,
              advance: Callable[[int, int], None] | None = None) -> Writer:
    """
    Write a data set of recorded drives anew, with labels; what failed its gate fails still.

    :param data: with `scan` and `laser_pose`; it has no labels yet.
    :param out: folder of the new data set.
    :param robot: whose contacts and commands the labels are.
    :param advance: called with places done and in all.
    :return: the closed writer; records without a pose, or of a place with fewer than 50, get
        labels that say unknown.
    :raises InputError: when the set has labels already, or no place has 50 scans with poses.
    """
    names = [f.name for f in data.schema.fields]
    if 'contact' in names:
        raise InputError(f'data set {data.folder}: has labels already; label what was imported')
    arcs = fan(robot)
    beams = data.schema.column('scan').shape[0]
    fields = label_fields(len(arcs), settings.draws, beams, settings.path_points)
    table = {f.name: _unknown(f.dtype, (len(data), *f.shape)) for f in fields}
    table['material'][:] = UNKNOWN_MATERIAL
    places, known = data.read('place'), 0
    posed = np.asarray(np.isfinite(data.read('laser_pose')).all(axis=1))
    for number, place in enumerate(data.schema.places):
        mine = np.flatnonzero(posed & (places == number))
        if len(mine) >= LEAST:
            for name, values in _Place(data, mine, place.name, robot, settings).labels().items():
                table[name][mine] = values
            known += len(mine)
        if advance is not None:
            advance(number + 1, len(data.schema.places))
    if not known:
        raise InputError(f'data set {data.folder}: no place has {LEAST} scans with known poses to '
                         'build a map from')
    schema = Schema.of(
        data.schema.name, (*data.schema.fields, *fields), places=data.schema.places,
        origin={**data.schema.origin, 'labelled': flatten(settings),
                'robot': {k: list(v) if isinstance(v, tuple) else v
                          for k, v in flatten(robot).items()}},
        sensor={**data.schema.sensor, **surface_names(), 'arcs': arcs.tolist(),
                **({'path_spacing': settings.path_spacing} if settings.path_points else {}),
                'horizon': settings.horizon, 'line_tolerance': settings.line_tolerance})
    with Writer(out, schema) as writer:
        for chunk in range(len(data.chunks)):
            rows = slice(int(data.offsets[chunk]), int(data.offsets[chunk + 1]))
            writer.append({**data.columns(chunk), **{n: v[rows] for n, v in table.items()}})
    carry_problems({data.folder: data.digest()}, Path(out))
    return writer


def _unknown(dtype: str, shape: tuple[int, ...]) -> NDArray[np.generic]:
    kind = np.dtype(dtype)
    return np.full(shape, np.nan if kind.kind == 'f' else UNKNOWN if kind.kind == 'i' else 0, kind)


class _Place:
    """The records of one place, N of them, with its map."""

    def __init__(self, data: DataSet, rows: NDArray[np.int64], name: str, robot: RobotSpec,
                 settings: LabelSettings) -> None:
        part = data.take(rows, ('scan', 'laser_pose', 'velocity', 'command', 'sequence', 'stamp'))
        self._part, self._robot, self._settings = part, robot, settings
        self._angles = np.asarray(data.schema.sensor['angles'], float)
        mount = data.schema.sensor.get('settings', {}).get('mount', (0.0, 0.0, 0.0))
        self._pose = base_from_laser(part['laser_pose'], mount)
        self._grid = place_map(part['scan'], part['laser_pose'], self._angles, name,
                               settings.resolution)
        self._course = Course([self._grid], robot)
        self._first = np.zeros(len(rows), np.int64)

    def labels(self) -> Columns:
        """Work out every label, each of shape (N, ...)."""
        s, part, pose = self._settings, self._part, self._pose
        goal, path, straight = self._goals()
        surface = recorded_surfaces(part['scan'], part['laser_pose'], self._angles, self._grid,
                                    s.tolerance)
        return {'pose': pose, 'surface': surface, 'goal': goal, 'straight': straight,
                'expert': self._expert(goal), **({'path': path} if s.path_points else {}),
                'clearance': clearance(self._course.atlas, self._robot, self._first, pose),
                **self._contacts()}

    def _contacts(self) -> Columns:
        s, count = self._settings, len(self._pose)
        drawn = draw_commands(self._robot, np.random.default_rng([59, s.seed]), (count, s.draws))
        arcs = fan(self._robot)
        told = np.asarray(np.isfinite(self._part['command']).all(axis=1))
        own = np.where(told[:, None], self._part['command'], 0.0)
        asked: NDArray[np.float64] = np.concatenate(
            (own[:, None], drawn, np.broadcast_to(arcs, (count, *arcs.shape))), axis=1)
        contact = time_to_contact(self._course.atlas, self._robot, self._first, self._pose, asked,
                                  s.horizon)
        return {'drawn': drawn, 'drawn_contact': contact[:, 1:1 + s.draws],
                'arc_contact': contact[:, 1 + s.draws:],
                'contact': np.where(told, contact[:, 0], np.nan).astype(np.float32)}

    def _goals(self) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int8]]:
        """Find of each record goal and path, NaN where no way leads on, and its line."""
        goal = np.full((len(self._pose), 3), np.nan, np.float32)
        path = np.full((len(self._pose), self._settings.path_points, 2), np.nan, np.float32)
        straight = np.full(len(self._pose), UNKNOWN, np.int8)
        order = np.lexsort((self._part['stamp'], self._part['sequence']))
        number = self._part['sequence'][order]
        for rows in np.split(order, np.flatnonzero(np.diff(number)) + 1):
            position = self._pose[rows, :2]
            way = np.append(0.0, np.cumsum(np.hypot(*np.diff(position, axis=0).T)))
            straight[rows] = self._lines(position, way)
            for leg in np.split(rows, np.flatnonzero(np.diff(way // self._settings.leg)) + 1):
                self._leg(leg, goal, path)
        return goal, path, straight

    def _leg(self, rows: NDArray[np.int64], goal: NDArray[np.float32],
             path: NDArray[np.float32]) -> None:
        """Follow the optimal path from the first record to where the last one is."""
        s, pose = self._settings, self._pose[rows]
        try:
            follower = PathFollower([self._course.planners[0].plan(pose[0, :2], pose[-1, :2])])
        except NoPathError:
            return
        for row, at in zip(rows, pose[:, None], strict=True):
            goal[row] = follower.goal(at)[0]
            path[row] = follower.ahead(at, s.path_points, s.path_spacing)[0]

    def _lines(self, position: NDArray[np.float64],
               way: NDArray[np.float64]) -> NDArray[np.int8]:
        """Say of each record of a drive whether it came straight to where it was further on."""
        out = np.full(len(way), UNKNOWN, np.int8)
        ends = np.searchsorted(way, way + self._settings.line)
        for k in np.flatnonzero(ends < len(way)):
            path = position[k:ends[k] + 1]
            out[k] = held_lines(path[:1], path[-1:], path[None], np.array([len(path)]),
                                self._settings.line_tolerance)[0]
        return out

    def _expert(self, goal: NDArray[np.float32]) -> NDArray[np.float32]:
        fine = np.asarray(np.isfinite(goal).all(axis=1))
        still = np.nan_to_num(self._part['velocity'])
        out = Expert(self._course.atlas.drawn, self._robot).act(
            self._first, self._pose, still, np.zeros((len(goal), 0, 5)), np.nan_to_num(goal))
        return np.where(fine[:, None], out, np.nan).astype(np.float32)
