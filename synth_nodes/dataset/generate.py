"""Synthetic drives with labels: robots on errands in many places, a record every so often."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.beam_labels import BeamLabels, surface_fields, surface_names
from synth_nodes.dataset.camera_records import (
    camera_fields,
    camera_header,
    CameraRecords,
    CameraSettings,
)
from synth_nodes.dataset.drives import drive_fields, sensor_of_spec
from synth_nodes.dataset.labels import clearance, draw_commands, fan, time_to_contact
from synth_nodes.dataset.lines import LineLabels, path_field, STRAIGHT
from synth_nodes.dataset.schema import Field, Schema
from synth_nodes.dataset.store import check_splits, Columns, Writer
from synth_nodes.sensors.lidar import Lidar
from synth_nodes.sensors.odometry import WheelOdometry
from synth_nodes.sensors.wheels import OdometrySettings
from synth_nodes.settings import flatten, setting
from synth_nodes.tasks.course import Course, ErrandPool
from synth_nodes.tasks.expert import Expert
from synth_nodes.tasks.path import PathFollower
from synth_nodes.types import GridMap, LidarSpec, RobotSpec
from synth_nodes.world.actors import ActorSettings, CartSettings
from synth_nodes.world.scene import Scene
from synth_nodes.world.world import World

Advance = Callable[[int, int], None]
"""Called with records done and records in all."""
Sensor = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Makes real scans of ideal ones."""
NOISE_TIME = 0.6
"""How long a disturbance of the commands lasts [s]."""
STEP = 0.05
"""Longest step of the world [s]; within it every motion is an exact arc."""
PATIENCE = 4.0
"""Time for an errand, as a multiple of that at full speed."""


@dataclass(frozen=True)
class GenerateSettings:
    """What synthetic drives are like."""

    seed: int = setting(0, 'Seed of everything drawn by chance.', low=0, high=2**31 - 1)
    records: int = setting(100_000, 'Records in all.', low=1, high=10**9)
    robots: int = setting(256, 'Robots driven at once.', low=1, high=8192)
    buildings: int = setting(
        16, 'Buildings to generate where no maps are given.', low=1, high=10_000)
    period: float = setting(
        0.2, 'Time between records of a robot.', unit='s', low=0.01, high=10.0)
    noise: float = setting(
        0.35, 'Largest standard deviation of the disturbance of the commands, as a share of the '
        'limits: what goes wrong must be seen too.', low=0.0, high=2.0)
    errands: int = setting(64, 'Different errands in each place.', low=1, high=10_000)
    min_length: float = setting(2.0, 'Shortest way driven.', unit='m', low=0.5, high=100.0)
    max_length: float = setting(25.0, 'Longest way driven.', unit='m', low=1.0, high=1000.0)
    horizon: float = setting(
        3.0, 'Contacts later than this are not labelled.', unit='s', low=0.1, high=60.0)
    arcs: bool = setting(
        True, 'Whether to label a fan of ten commands too; it takes a fifth of the time.')
    draws: int = setting(
        4, 'Commands drawn by chance for each record that are labelled too.', low=0, high=1000)
    surfaces: bool = setting(
        True, 'Whether to label what each beam meets, and of what that is.')
    path_points: int = setting(
        16, 'Points of the optimal path ahead; 0 leaves it out.', low=0, high=1000)
    path_spacing: float = setting(
        0.5, 'Way between these points.', unit='m', low=0.01, high=10.0)
    line_time: float = setting(
        4.0, 'Time that a robot gets to come straight to its next point on the path.', unit='s',
        low=0.1, high=60.0)
    line_tolerance: float = setting(
        0.1, 'Distance from that line which is still on it.', unit='m', low=0.001, high=2.0)
    actors: ActorSettings = setting(  # noqa: RUF009
        ActorSettings(), 'People around each robot.')
    carts: CartSettings = setting(  # noqa: RUF009
        CartSettings(), 'Carts on the lines of each scene.')
    odometry: OdometrySettings = setting(  # noqa: RUF009
        OdometrySettings(), 'Errors of the wheel odometry.')
    camera: CameraSettings = setting(  # noqa: RUF009
        CameraSettings(), 'A camera on each robot.')


def label_fields(arcs: int, draws: int, beams: int = 0, points: int = 0) -> tuple[Field, ...]:
    """
    List the labels.

    :param beams: of the lidar; 0 where they are not labelled.
    :param points: of the path; 0 where it is left out.
    """
    return (
        *(surface_fields(beams) if beams else ()), *((path_field(points),) if points else ()),
        STRAIGHT,
        Field('pose', 'float64', (3,), 'm, m, rad', 'map', 'True pose of base_link: x, y, yaw.'),
        Field('expert', 'float32', (2,), 'm/s, rad/s', 'base_link',
              'What the expert would command: vx, wz.'),
        Field('goal', 'float32', (3,), 'm, m, m', 'base_link',
              'Point of the optimal path to steer for: x, y; and distance left along the path.'),
        Field('clearance', 'float32', (), 'm', '', 'Gap between footprint and walls, at most 2.'),
        Field('contact', 'float32', (), 's', '',
              'Time until contact with the command of the record; inf: none within the horizon.'),
        Field('arc_contact', 'float32', (arcs,), 's', '',
              'Time until contact with each command of `sensor.arcs`; inf: none within the '
              'horizon.'),
        Field('drawn', 'float32', (draws, 3), 'm/s, m/s, rad/s', 'base_link',
              'Commands drawn by chance: vx, vy, wz.'),
        Field('drawn_contact', 'float32', (draws,), 's', '',
              'Time until contact with each of them; inf: none within the horizon.'))


def generate(settings: GenerateSettings, maps: Sequence[GridMap | Scene], robot: RobotSpec,
             lidar: LidarSpec, out: Path, append: bool = False, command: str = '',
             splits: dict[str, str] | None = None, advance: Advance | None = None,
             sensor: Sensor | None = None) -> Writer:
    """
    Drive and write down.

    :param settings: how much, of what.
    :param maps: places to drive in.
    :param out: folder of the data set.
    :param append: go on with one that is there; its seed should be another.
    :param command: the command line, for the header.
    :param splits: split of a place by name; others go by a hash of their names.
    :param advance: called with records done and in all.
    :param sensor: makes of ideal scans, (N, beams) [m], what a real sensor would have told; the
        noise of `lidar` is then left out. None for the noise of `lidar`.
    :return: the closed writer; the same settings give the same bytes.
    :raises InputError: when the robot fits nowhere in a place, the data set does not fit, or a
        split is of no place.
    """
    if sensor is not None:
        lidar = replace(lidar, noise_std=0.0, noise_slope=0.0, dropout=0.0)
    drive = Drive(settings, Course(maps, robot), lidar, sensor)
    arcs = fan(robot) if settings.arcs else np.zeros((0, 3))
    schema = _schema(out.name, settings, robot, lidar, arcs, command)
    check_splits(out, splits or {}, [grid.name for grid in drive.course.maps])
    with Writer(out, schema, append=append) as writer:
        places = np.array([writer.place(grid.name, (splits or {}).get(grid.name))
                           for grid in drive.course.maps])
        first, done = writer.next_sequence, 0
        lines = LineLabels(max(1, round(settings.line_time / settings.period)),
                           settings.line_tolerance)
        while done < settings.records:
            part = lines.push(drive.next_records(arcs))
            if part is None:
                continue
            part['place'] = places[np.asarray(part['place'])]
            part['sequence'] = first + np.asarray(part['sequence'])
            left = settings.records - done
            writer.append({name: np.asarray(a)[:left] for name, a in part.items()})
            done += min(len(part['stamp']), left)
            if advance is not None:
                advance(done, settings.records)
    return writer


def _schema(name: str, settings: GenerateSettings, robot: RobotSpec, lidar: LidarSpec,
            arcs: NDArray[np.float64], command: str) -> Schema:
    s, spec = settings, settings.camera.spec(settings.period)
    used = {k: v for k, v in flatten(s).items() if s.camera.on or not k.startswith('camera.')}
    return Schema.of(
        name, (*drive_fields(lidar.beams),
               *label_fields(len(arcs), s.draws, lidar.beams if s.surfaces else 0, s.path_points),
               *(camera_fields(spec) if s.camera.on else ())),
        sensor={**sensor_of_spec(lidar), **(surface_names() if s.surfaces else {}),
                **(camera_header(spec) if s.camera.on else {}),
                **({'path_spacing': s.path_spacing} if s.path_points else {}),
                'arcs': arcs.tolist(), 'horizon': s.horizon,
                'line_time': s.line_time, 'line_tolerance': s.line_tolerance},
        origin={'kind': 'synthetic', 'command': command, 'settings': _plain(used),
                'robot': _plain(flatten(robot))})


class Drive:
    """Robots on errands that are begun again and again."""

    def __init__(self, settings: GenerateSettings, course: Course, lidar: LidarSpec,
                 sensor: Sensor | None = None) -> None:
        """Send every robot on its first errand; robots are dealt to the places in turn."""
        s, batch = settings, settings.robots
        self.course = course
        self._settings, self._sensor = s, sensor
        self._map = np.arange(batch, dtype=np.int64) % len(course.maps)
        self._world = World(course.atlas, course.robot, s.actors, batch, s.seed, self._map,
                            s.carts)
        self._lidar = Lidar(lidar, course.atlas, s.seed + 1)
        self._beams = (BeamLabels(course.atlas, lidar.angles, lidar.range_max) if s.surfaces
                       else None)
        self._camera = (CameraRecords(s.camera.spec(s.period), course.atlas, s.seed + 3)
                        if s.camera.on else None)
        self._odometry = WheelOdometry(s.odometry, batch, s.seed + 2)
        self._follower = PathFollower([np.zeros((1, 2))] * batch)
        self._expert = Expert(course.atlas.drawn, course.robot)
        self._pool = ErrandPool(course, s.errands, s.min_length, s.max_length, s.seed)
        self._rng = np.random.default_rng([31, s.seed])
        self._draws = np.random.default_rng([37, s.seed])
        self._noise, self._loud = np.zeros((batch, 2)), np.zeros(batch)
        self._limits = np.array([course.robot.max_speed, course.robot.max_turn_rate])
        self._command = np.zeros((batch, 3))
        self._sequence = np.zeros(batch, np.int64)
        self._begun = 0
        self._time = 0.0
        self._age = np.zeros(batch)
        self._steps = max(1, int(np.ceil(s.period / STEP - 1e-9)))
        self._begin(np.arange(batch))

    def next_records(self, arcs: NDArray[np.float64]) -> dict[str, NDArray[np.generic]]:
        """Note a record of every robot, then drive on for one period."""
        world, s = self._world, self._settings
        pose, goal = world.pose.copy(), self._follower.goal(world.pose)
        ideal = np.empty((len(pose), self._lidar.spec.beams), np.float32)
        ranges = self._lidar.scan(pose, self._map, world.actors, ideal=ideal)
        ranges = ranges if self._sensor is None else self._sensor(ranges)
        label = self._expert.act(self._map, pose, world.velocity, world.actors, goal)
        self._decide(label)
        drawn = draw_commands(self.course.robot, self._draws, (len(pose), s.draws))
        fixed = np.broadcast_to(arcs, (len(pose), *arcs.shape))
        asked: NDArray[np.float64] = np.concatenate((self._command[:, None], drawn, fixed), axis=1)
        contact = time_to_contact(self.course.atlas, self.course.robot, self._map, pose, asked,
                                  s.horizon, world.actors)
        record: Columns = {
            'stamp': np.full(len(pose), self._time), 'sequence': self._sequence.copy(),
            'place': self._map, 'scan': ranges, 'laser_pose': self._lidar.sensor_pose(pose),
            'odom': self._odometry.pose.copy(), 'velocity': self._odometry.velocity.copy(),
            'command': self._command.copy(), 'pose': pose, 'expert': label, 'goal': goal,
            'clearance': clearance(self.course.atlas, self.course.robot, self._map, pose),
            'contact': contact[:, 0], 'arc_contact': contact[:, 1 + s.draws:],
            'drawn': drawn, 'drawn_contact': contact[:, 1:1 + s.draws]}
        if s.path_points:
            record = {**record, 'path': self._follower.ahead(pose, s.path_points, s.path_spacing)}
        if self._beams is not None:
            record = {**record, **dict(zip(('surface', 'material'), self._beams.label(
                self._lidar.sensor_pose(pose), self._map, world.actors, s.actors.count, ideal),
                strict=True))}
        if self._camera is not None:
            record = {**record, **self._camera.columns(
                pose, self._map, world.actors, s.actors.count, world.velocity)}
        self._go()
        self._renew(goal)
        return dict(record)

    def _decide(self, label: NDArray[np.float64]) -> None:
        keep = np.exp(-self._settings.period / NOISE_TIME)
        fresh = self._rng.standard_normal(self._noise.shape) * np.sqrt(1 - keep * keep)
        self._noise = keep * self._noise + fresh
        driven = label + self._noise * self._loud[:, None] * self._limits
        robot = self.course.robot
        self._command[:, 0] = np.clip(driven[:, 0], -robot.max_reverse_speed, robot.max_speed)
        self._command[:, 2] = np.clip(driven[:, 1], -robot.max_turn_rate, robot.max_turn_rate)

    def _go(self) -> None:
        dt = self._settings.period / self._steps
        self._touched = np.zeros(len(self._map), bool)
        for _ in range(self._steps):
            self._world.step(self._command, dt)
            self._odometry.update(self._world.wheel_velocity, dt)
            self._touched |= self._world.collided
        self._time += self._settings.period
        self._age += self._settings.period

    def _renew(self, goal: NDArray[np.float64]) -> None:
        """Give new errands to robots that arrived, touched something, or take too long."""
        allowed = 10.0 + PATIENCE * self._follower.length / self._limits[0]
        over = (goal[:, 2] < 0.2) | self._touched | (self._age > allowed)
        self._begin(np.flatnonzero(over))

    def _begin(self, rows: NDArray[np.intp]) -> None:
        if not len(rows):
            return
        numbers = self._rng.integers(0, self._pool.size, len(rows))
        errands = [self._pool.errand(int(self._map[row]), int(number))
                   for row, number in zip(rows, numbers, strict=True)]
        self._world.reset(rows, np.stack([e.start for e in errands]))
        for row, errand in zip(rows, errands, strict=True):
            self._follower.set_path(int(row), errand.path)
        self._odometry.pose[rows] = 0.0
        self._age[rows] = 0.0
        self._sequence[rows] = self._begun + np.arange(len(rows))
        self._begun += len(rows)
        # A third drive undisturbed, the others under noise of any strength up to the setting's.
        strength = self._settings.noise * self._rng.random(len(rows))
        self._loud[rows] = np.where(self._rng.random(len(rows)) < 1 / 3, 0.0, strength)


def _plain(flat: dict[str, object]) -> dict[str, object]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in flat.items()}
