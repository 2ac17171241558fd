"""Zones, exclusions and sources as settings: groups under names of the user's, lists flat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.safety.nav2_zones import (
    ACTIONS,
    Mask,
    SHAPES,
    SOURCE_TIMEOUT,
    SourceSetup,
    UserZone,
    ZoneSetup,
)
from synth_nodes.safety.zone_reading import outline, zone_of
from synth_nodes.settings import Groups, groups_of, named, setting

Array = NDArray[np.float64]
SOURCE_KINDS = ('scan', 'pointcloud', 'range', 'polygon')
"""What a source may be: LaserScan, PointCloud2, Range, PolygonStamped."""
_OUTLINE = 'Corners in base_link as x1, y1, x2, y2, ..., three or more, either way round.'


@dataclass(frozen=True)
class PartSettings:
    """The outline of a velocity polygon for a range of velocities, bounds included."""

    points: tuple[float, ...] = setting((), _OUTLINE, unit='m', low=-1e3, high=1e3)
    linear_min: float = setting(
        0.0, 'Least vx; of a holonomic zone the least speed.', unit='m/s', low=-20.0, high=20.0)
    linear_max: float = setting(
        0.0, 'Greatest vx or speed.', unit='m/s', low=-20.0, high=20.0)
    theta_min: float = setting(-10.0, 'Least turn rate.', unit='rad/s', low=-20.0, high=20.0)
    theta_max: float = setting(10.0, 'Greatest turn rate.', unit='rad/s', low=-20.0, high=20.0)
    direction_start_angle: float = setting(
        -math.pi, 'Where the directions of travel of a holonomic zone begin.',
        unit='rad', low=-math.pi, high=math.pi)
    direction_end_angle: float = setting(
        math.pi, 'Where they end; below the start they wrap.',
        unit='rad', low=-math.pi, high=math.pi)


@dataclass(frozen=True)
class ZoneSettings:
    """A zone of the user's."""

    enabled: bool = setting(True, 'Whether the zone counts; may be changed while running.')
    shape: str = setting('', 'What it is; must be given.', choices=SHAPES)
    action: str = setting(
        '', "What is done where enough points are in it; 'none' only reports; must be given.",
        choices=ACTIONS)
    points: tuple[float, ...] = setting((), _OUTLINE, unit='m', low=-1e3, high=1e3)
    radius: float = setting(
        0.0, 'Of a circle about base_link; 0: not known until the topic says.',
        unit='m', low=0.0, high=1e3)
    topic: str = setting(
        '', 'Gives the shape instead: PolygonStamped, or Float32 for the radius of a circle.')
    latched: bool = setting(
        False, 'Whether that topic is latched (transient local), as one that is sent once.')
    parts: Groups = named(PartSettings)
    holonomic: bool = setting(
        False, 'Choose parts by speed and direction of travel instead of by vx.')
    min_points: int = setting(1, 'Points that trigger it.', low=1, high=100000)
    slowdown_ratio: float = setting(
        0.5, "Part of the command that 'slowdown' leaves.", low=0.0, high=1.0)
    linear_limit: float = setting(
        0.5, "Fastest speed that 'limit' leaves.", unit='m/s', low=0.0, high=20.0)
    angular_limit: float = setting(
        0.5, "Fastest turn that 'limit' leaves.", unit='rad/s', low=0.0, high=20.0)
    time_before_collision: float = setting(
        2.0, "Time to contact from which 'approach' slows down.", unit='s', low=0.01, high=60.0)
    sources: tuple[str, ...] = setting((), 'Sources that count; all where none is named.')
    trigger_after: int = setting(
        1, 'Cycles in a row with enough points until it acts.', low=1, high=1000)
    release_after: int = setting(
        1, 'Cycles in a row with too few points until it lets go.', low=1, high=1000)
    hold_time: float = setting(
        0.0, 'Least time it holds after the last cycle with enough points.',
        unit='s', low=0.0, high=60.0)


@dataclass(frozen=True)
class ExclusionSettings:
    """An area, fixed to the robot, whose points do not count."""

    enabled: bool = setting(True, 'Whether it hides anything.')
    points: tuple[float, ...] = setting((), _OUTLINE, unit='m', low=-1e3, high=1e3)
    radius: float = setting(
        0.0, 'Of a circle about base_link, instead of corners.', unit='m', low=0.0, high=1e3)
    min_height: float = setting(
        -1e3, 'Height above base_link from which it hides.', unit='m', low=-1e3, high=1e3)
    max_height: float = setting(
        1e3, 'Height above base_link up to which it hides.', unit='m', low=-1e3, high=1e3)
    sources: tuple[str, ...] = setting((), 'Sources it hides points of; all where none is named.')


@dataclass(frozen=True)
class SourceSettings:
    """A sensor that the monitor relies on."""

    enabled: bool = setting(
        True, 'Whether it counts; may be changed while running. A source that does not count '
        'cannot stop the robot by its silence either.')
    kind: str = setting('scan', 'What it publishes.', choices=SOURCE_KINDS)
    topic: str = setting('', 'Its topic; empty: its name.')
    timeout: float = setting(
        0.0, 'Oldest data used of it; 0: safety.source.timeout.', unit='s', low=0.0, high=60.0)
    frame: str = setting(
        '', 'Frame its messages must have; empty: that of the first one.')
    mount: tuple[float, ...] = setting(
        (), 'Pose in base_link as x, y, z, roll, pitch, yaw. Without it from TF; of a scan, where '
        'TF is not installed, lidar.mount.', low=-1e3, high=1e3)
    min_height: float = setting(
        0.05, 'Lowest points of a point cloud that count, above base_link.',
        unit='m', low=-1e3, high=1e3)
    max_height: float = setting(
        2.0, 'Highest points of a point cloud that count.', unit='m', low=-1e3, high=1e3)
    max_range: float = setting(
        10.0, 'Farthest points of a point cloud that count, from base_link.',
        unit='m', low=0.5, high=200.0)
    sector: tuple[float, ...] = setting(
        (), 'First and last direction between which a point cloud would show whatever stands '
        'nearer than max_range, last not below first. Without it, it is taken to have seen up to '
        'the farthest point of any height in each direction.', unit='rad', low=-7.0, high=7.0)
    resolution: float = setting(
        0.02, 'Of all points of a cloud in a cell of this size one is kept.',
        unit='m', low=0.001, high=0.2)


def user_zones(zones: Groups, sources: Sequence[str], footprint: Array,
               where: str) -> tuple[UserZone, ...]:
    """
    Make the zones of their settings.

    :param zones: groups of :class:`ZoneSettings`.
    :param sources: names of all sources.
    :param footprint: outline for footprint zones without points, base_link [m], shape (E, 2).
    :param where: what the settings came from, for messages.
    :raises InputError: naming the zone and what is wrong with it.
    """
    out = []
    for name, zone in groups_of(zones).items():
        _check_sources(zone.sources, sources, f"{where}: zone '{name}'")
        out.append(zone_of(_mapping(name, zone, where), where, footprint))
        if not out[-1].shape_known and not zone.topic:
            raise InputError(f"{where}: zone '{name}' has no shape; give its 'points', 'radius' "
                             "or 'parts', or the 'topic' that does")
    return tuple(out)


def _mapping(name: str, zone: ZoneSettings, where: str) -> dict[str, Any]:
    """Values of a zone under the keys of situations."""
    at = f"{where}: zone '{name}'"
    out: dict[str, Any] = {
        'name': name, 'shape': zone.shape, 'action': zone.action, 'enabled': zone.enabled,
        'holonomic': zone.holonomic, 'min_points': zone.min_points,
        'slowdown_ratio': zone.slowdown_ratio, 'linear_limit': zone.linear_limit,
        'angular_limit': zone.angular_limit, 'hold_time': zone.hold_time,
        'time_before_collision': zone.time_before_collision,
        'sources_names': list(zone.sources) or None,
        'trigger_consecutive_points': zone.trigger_after,
        'release_consecutive_points': zone.release_after}
    if zone.shape == 'circle':
        out['radius'] = zone.radius or None
    elif zone.shape == 'velocity_polygon':
        if zone.topic:
            raise InputError(f"{at}: 'topic' = '{zone.topic}' cannot give the parts of a "
                             "velocity_polygon; give its 'parts'")
        out['sub_zones'] = [
            {'name': part, **{k: getattr(s, k) for k in (
                'linear_min', 'linear_max', 'theta_min', 'theta_max', 'direction_start_angle',
                'direction_end_angle')}, 'points': _pairs(s.points, f"{at}: part '{part}'")}
            for part, s in groups_of(zone.parts).items()]
    elif zone.points or zone.shape != 'footprint' or zone.topic:
        out['points'] = _pairs(zone.points, at)
    return out


def _pairs(flat: Sequence[float], where: str) -> list[list[float]]:
    if len(flat) % 2:
        raise InputError(f"{where}: 'points' has {len(flat)} numbers; give x, y of each corner")
    return [list(flat[i:i + 2]) for i in range(0, len(flat), 2)]


def masks_of(exclusions: Groups, sources: Sequence[str], where: str) -> dict[str, list[Mask]]:
    """
    Make the exclusions of each source.

    :param exclusions: groups of :class:`ExclusionSettings`.
    :param sources: names of all sources.
    :raises InputError: naming the exclusion and what is wrong with it.
    """
    out: dict[str, list[Mask]] = {name: [] for name in sources}
    for name, area in groups_of(exclusions).items():
        at = f"{where}: exclusion '{name}'"
        _check_sources(area.sources, sources, at)
        corners = outline(_pairs(area.points, at), at)
        if (corners is None) == (area.radius == 0.0):
            raise InputError(f"{at}: give either 'points' or a 'radius' above 0")
        mask = Mask(name, corners, area.radius, area.min_height, area.max_height)
        for source in (area.sources or sources) if area.enabled else ():
            out[source].append(mask)
    return out


def zone_setup(zones: Groups, sources: Mapping[str, SourceSettings], exclusions: Groups,
               footprint: Array, where: str, timeout: float = 0.0) -> ZoneSetup:
    """
    Bring zones, sources and exclusions together for offline judgements.

    :param timeout: oldest data used of sources without a timeout of their own [s]. Nav2's is
        never below it, so that strict judgements need not be stricter than the node.
    :raises InputError: as the functions above.
    """
    masks, nav2 = masks_of(exclusions, list(sources), where), max(SOURCE_TIMEOUT, timeout)
    setups = tuple(
        SourceSetup(name, s.kind, s.enabled, s.timeout or nav2, s.min_height, s.max_height,
                    masks=tuple(masks[name]), max_range=s.max_range, strict_timeout=s.timeout)
        for name, s in sources.items())
    return ZoneSetup(user_zones(zones, list(sources), footprint, where), setups,
                     source_timeout=nav2, footprint=footprint)


def _check_sources(names: Sequence[str], known: Sequence[str], where: str) -> None:
    for name in names:
        if name not in known:
            raise InputError(f"{where} names source '{name}', which is not among "
                             f"{', '.join(known)}")
