"""
One sensor of the safety monitor: from its messages' numbers to a source the core can judge.

Whatever makes the data unusable makes the source invalid, with the reason: a wrong frame, no
pose, a frozen sensor. An invalid source stops the robot until the sensor is mended or disabled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
import math

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.safety.body import body_of
from synth_nodes.safety.cycle import recorded_points
from synth_nodes.safety.mounts import Mount
from synth_nodes.safety.nav2_zones import Mask, sample_outline
from synth_nodes.safety.observed import OUTLINE_STEP
from synth_nodes.safety.rules import SourceRules
from synth_nodes.safety.scan_doubts import Doubts, possible
from synth_nodes.safety.sight import View, view_of_cloud, view_of_cone
from synth_nodes.safety.sources import PointSource, scan_source
from synth_nodes.safety.unseen import unseen_points
from synth_nodes.safety.zone_settings import SourceSettings

Array = NDArray[np.float64]
NONE = np.zeros((0, 2))
OUT_OF_ORDER = 0.5
"""Part of the timeout: data older than the newest by less came out of order and is left out."""


@dataclass(frozen=True)
class Header:
    """What a message says of itself, and how far the robot has come."""

    stamp: float
    """Time of the measurement [s]."""
    frame: str = ''
    """Frame of its numbers; empty where it is known to be right."""
    travel: float = 0.0
    """Way [m] of the fastest part of the footprint so far, by odometry."""


class Intake:
    """Takes the data of one sensor."""

    def __init__(self, name: str, settings: SourceSettings, rules: SourceRules,
                 mount: Mount | None = None, masks: Sequence[Mask] = (), *,
                 footprint: tuple[float, ...] = (), reach: float = 5.0) -> None:
        """
        Begin without data: the source is invalid.

        :param mount: pose in base_link; None until :attr:`mount` is set, as from TF.
        :param masks: areas whose points do not count.
        :param footprint: of the robot, as in RobotSpec; with it a sensor says what is unseen.
        :param reach: how far from the sensor unseen space matters [m].
        :raises InputError: when the sector of a point cloud is not one.
        """
        sector = settings.sector
        if sector and (len(sector) != 2 or sector[1] < sector[0]):
            raise InputError(f"source '{name}': 'sector' = {list(sector)} must be [first, last] "
                             'with first <= last [rad]')
        self._footprint, self._reach = footprint, reach
        self._view: View | None = None
        self.name, self.settings, self.mount = name, settings, mount
        self.enabled = settings.enabled
        self._rules, self._masks = rules, tuple(masks)
        self._frame = settings.frame
        self._frozen, self._doubts = _Frozen(rules), Doubts(rules)
        self._stamp = -math.inf
        self._source = self._invalid('no data has come yet')

    def source(self, now: float) -> PointSource:
        """Return the newest data, aged to the present time [s]."""
        return replace(self._source, age=now - self._stamp)

    def refuse(self, reason: str, stamp: float) -> None:
        """Note that a message came that cannot be used, and why."""
        self._stamp, self._source = stamp, self._invalid(reason)

    def take_scan(self, ranges: Array, angles: Array, range_min: float, range_max: float,
                  header: Header) -> None:
        """Take ranges [m] at angles [rad] in the sensor's frame, both shape (N,)."""
        mount = self._mount(header)
        if mount is None:
            return
        try:
            x, y, yaw, flipped = mount.planar
        except InputError as error:
            self.refuse(str(error), header.stamp)
            return
        values = possible(np.asarray(ranges, np.float64), range_max)
        angles = -angles if flipped else angles
        source = scan_source(self._rules, self.name, values, angles, range_min, range_max,
                             (x, y, yaw), 0.0, footprint=self._footprint, reach=self._reach)
        self._view = View(values, angles, range_min, range_max, (x, y, yaw))
        z = float(mount.translation[2])
        points = self._shown(source.points_base, np.full(len(source.points_base), z))
        self._put(replace(source, points_base=points), header,
                  self._frozen.look(np.asarray(ranges), header)
                  or self._doubts.look(values, angles, range_max))

    @property
    def view(self) -> View | None:
        """What its newest data show; None where that is not known, and while it is invalid."""
        return self._view if self._source.valid else None

    def take_cloud(self, points: Array, header: Header) -> None:
        """
        Take points [m] in the sensor's frame, shape (N, 3).

        A point that is not finite is one that nothing was measured for. A cloud of such points
        alone is blind; one without any point at all has seen that nothing is there.
        """
        mount, s = self._mount(header), self.settings
        if mount is None:
            return
        points = np.asarray(points)
        # By columns: a cloud has so many rows that each pass over them counts.
        base = mount.rotation @ points.T + mount.translation[:, None]
        x, y, z = base
        with np.errstate(invalid='ignore'):
            near = (z >= s.min_height) & (z <= s.max_height) & (
                x * x + y * y <= s.max_range ** 2)
        if len(points) and not near.any() and not np.isfinite(points).all(axis=1).any():
            self.refuse('none of its points is finite', header.stamp)
            return
        shown = thinned(self._shown(np.stack((x[near], y[near]), axis=1), z[near]), s.resolution)
        at = float(mount.translation[0]), float(mount.translation[1])
        self._view = view_of_cloud(shown, base[:2].T, at, s.max_range - math.hypot(*at), s.sector)
        self._put(PointSource(self.name, shown, 0.0, True, unseen_base=self._unseen(self._view)),
                  header, self._frozen.look(points, header))

    def take_range(self, distance: float, field_of_view: float, range_min: float,
                   range_max: float, header: Header) -> None:
        """
        Take one distance [m], measured anywhere in a cone [rad] about the sensor's x axis.

        Beyond range_max, or inf, there is nothing (REP-117); NaN and what is nearer than
        range_min, -inf included, cannot be used: something may be anywhere.
        """
        mount = self._mount(header)
        if mount is None:
            return
        if not distance >= range_min:
            self.refuse(f'its range of {distance:g} m is below the {range_min:g} m it can '
                        'measure', header.stamp)
            return
        points = np.zeros((0, 3))
        if distance <= range_max:
            count = max(math.ceil(distance * field_of_view / OUTLINE_STEP), 1) + 1
            a = np.linspace(-field_of_view / 2, field_of_view / 2, count)
            points = np.stack((distance * np.cos(a), distance * np.sin(a), 0.0 * a), axis=1)
        yaw = math.atan2(mount.rotation[1, 0], mount.rotation[0, 0])
        self._view = view_of_cone(distance, field_of_view, range_max, (
            float(mount.translation[0]), float(mount.translation[1]), yaw))
        self._put(replace(self._planar(mount.apply(points)),
                          unseen_base=self._unseen(self._view)), header)

    def take_polygon(self, corners: Array, header: Header) -> None:
        """Take an outline [m] in the message's frame, shape (E, 2): its border is solid."""
        mount = self._mount(header)
        if mount is None:
            return
        if not np.isfinite(corners).all():
            self.refuse('its corners are not all finite', header.stamp)
            return
        outline = mount.apply(np.pad(np.asarray(corners, float), ((0, 0), (0, 1))))
        points = sample_outline(outline, OUTLINE_STEP) if len(outline) else outline
        self._put(self._planar(points), header)

    def _planar(self, base: Array) -> PointSource:
        return PointSource(self.name, self._shown(base[:, :2], base[:, 2]), 0.0, True)

    def _unseen(self, view: View) -> Array:
        """Points that bound what it has not seen."""
        rules = self._rules
        if not self._footprint or rules.unseen == 'free':
            return NONE
        return unseen_points(view.ranges, view.angles, ~np.isnan(view.ranges), view.range_max,
                             view.mount, body_of(self._footprint), self._reach,
                             rules.smallest_obstacle)

    def _shown(self, points: Array, heights: Array) -> Array:
        """Leave out the points that exclusions hide."""
        keep = np.ones(len(points), bool)
        for mask in self._masks:
            keep &= ~mask.hides(points, heights)
        return points[keep]

    def _mount(self, header: Header) -> Mount | None:
        """Return the pose of the sensor; None where the message is refused for want of it."""
        if header.frame:
            self._frame = self._frame or header.frame
            if header.frame != self._frame:
                self.refuse(f"its frame is '{header.frame}', not '{self._frame}'", header.stamp)
                return None
        if self.mount is None:
            self.refuse('its pose in base_link is not known', header.stamp)
        return self.mount

    def _put(self, source: PointSource, header: Header, problem: str = '') -> None:
        timeout = self.settings.timeout or self._rules.timeout
        if 0.0 < self._stamp - header.stamp <= OUT_OF_ORDER * timeout:
            return
        self._stamp = header.stamp
        self._source = replace(
            source, points_base=recorded_points(source.points_base),
            unseen_base=recorded_points(source.unseen_base), timeout=self.settings.timeout)
        if problem and source.valid:
            self._source = replace(self._source, valid=False, reason=problem)

    def _invalid(self, reason: str) -> PointSource:
        return PointSource(self.name, NONE, math.inf, False, reason,
                           timeout=self.settings.timeout)


class _Frozen:
    """
    Finds a sensor that repeats itself under fresh stamps while the robot moves.

    Noise and motion change every scan. Only scans in which something is seen are compared:
    in open space they may well be the same.
    """

    def __init__(self, rules: SourceRules) -> None:
        self._rules = rules
        self._data = b''
        self._stamp = -math.inf
        self._count = 0
        self._begun = 0.0

    def look(self, values: NDArray[np.generic], header: Header) -> str:
        """Say what is wrong with a measurement; empty where nothing is."""
        if not self._rules.frozen_scans:
            return ''
        data = values.tobytes()
        if data != self._data or not np.isfinite(values).any():
            self._data, self._count, self._begun = data, 0, header.travel
        if header.stamp > self._stamp:
            self._count += 1
        self._stamp = header.stamp
        way = header.travel - self._begun
        if self._count < self._rules.frozen_scans or way < self._rules.frozen_travel:
            return ''
        return (f'it is frozen: {self._count} times the same to the bit, while the robot moved '
                f'{way:.2f} m')


def thinned(points: Array, cell: float) -> Array:
    """
    Keep one of the points in each cell of a grid.

    :param points: [m], shape (N, 2).
    :param cell: its size [m]; no point is further from one that is kept than its diagonal.
    """
    if len(points) < 2:
        return points
    i, j = (np.floor(column / cell).astype(np.int64) for column in points.T)
    i -= i.min()
    j -= j.min()
    flat = i * (int(j.max()) + 1) + j
    slots = np.full(int(flat.max()) + 1, -1, np.int32)
    slots[flat] = np.arange(len(points), dtype=np.int32)
    return np.asarray(points[slots[slots >= 0]])
