"""Zones out of mappings, as situations and Nav2 parameter files have them, checked."""

from collections.abc import Mapping, Sequence
import difflib
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.safety.nav2_zones import ACTIONS, SHAPES, SubZone, UserZone

Array = NDArray[np.float64]
MAX_STEPS = 100_000
"""Most steps that an approach may take to its horizon."""
ZONE_KEYS = (
    'name', 'shape', 'action', 'points', 'radius', 'sub_zones', 'holonomic', 'min_points',
    'max_points', 'slowdown_ratio', 'linear_limit', 'angular_limit', 'time_before_collision',
    'simulation_time_step', 'enabled', 'sources_names', 'trigger_consecutive_points',
    'release_consecutive_points', 'hold_time')
"""Keys of a zone."""
SAME = {'type': 'shape', 'action_type': 'action', 'velocity_polygons': 'sub_zones'}
"""Nav2's words for some of them, which are understood as well."""
SUB_KEYS = ('name', 'points', 'linear_min', 'linear_max', 'theta_min', 'theta_max',
            'direction_start_angle', 'direction_end_angle')
UNUSED = ('visualize', 'polygon_pub_topic', 'polygon_sub_topic', 'footprint_topic',
          'polygon_subscribe_transient_local')
"""Nav2's parameters of a zone that say nothing about what it does."""


def zone_of(values: object, where: str, footprint: Array | None = None) -> UserZone:
    """
    Make a zone of a mapping.

    :param values: keys as ZONE_KEYS, or Nav2's words for them.
    :param where: where it stands, for messages.
    :param footprint: outline for a footprint zone without points, base_link [m], shape (E, 2).
    :raises InputError: naming the zone, the key, the value and what is allowed.
    """
    name = text(values, 'name', where) if isinstance(values, Mapping) else ''
    where = f"{where}: zone '{name}'" if name else where
    found = _keys(values, (*ZONE_KEYS, *SAME, *UNUSED), where)
    shape = choice(found, 'type' if 'type' in found else 'shape', SHAPES, where)
    action = choice(found, 'action_type' if 'action_type' in found else 'action', ACTIONS, where)
    found = {SAME.get(k, k): v for k, v in found.items()}
    corners, radius = None, None
    parts: tuple[SubZone, ...] = ()
    if shape == 'circle':
        radius = None if found.get('radius') is None else number(found, 'radius', where, low=0.0)
    elif shape == 'velocity_polygon':
        parts = _sub_zones(found.get('sub_zones'), where)
    elif shape == 'footprint' and 'points' not in found:
        corners = footprint
    else:
        corners = outline(found.get('points'), where)
    horizon = number(found, 'time_before_collision', where, 2.0, low=0.0)
    step = number(found, 'simulation_time_step', where, 0.1, low=0.0)
    if action == 'approach' and not horizon / MAX_STEPS <= step > 0.0:
        raise InputError(f"{where}: 'simulation_time_step' = {step} s must be above 0 and "
                         f'at least {horizon / MAX_STEPS:g} s')
    return UserZone(
        name, shape, action, corners, radius, parts, flag(found, 'holonomic', where, False),
        _min_points(found, where), number(found, 'slowdown_ratio', where, 0.5, low=0.0),
        number(found, 'linear_limit', where, 0.5, low=0.0),
        number(found, 'angular_limit', where, 0.5, low=0.0), horizon, step,
        flag(found, 'enabled', where, True), names_of(found.get('sources_names'), where),
        whole(found, 'trigger_consecutive_points', where, 1, low=1),
        whole(found, 'release_consecutive_points', where, 1, low=1),
        number(found, 'hold_time', where, 0.0, low=0.0))


def _min_points(found: Mapping[str, Any], where: str) -> int | None:
    if found.get('max_points') is not None:
        return whole(found, 'max_points', where, low=-1) + 1
    if found.get('min_points') is None:
        return None
    return whole(found, 'min_points', where, low=0)


def _sub_zones(values: object, where: str) -> tuple[SubZone, ...]:
    if isinstance(values, Mapping):
        values = [{'name': name, **_keys(part, SUB_KEYS, f"{where}: sub-zone '{name}'")}
                  for name, part in values.items()]
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        raise InputError(f"{where}: 'sub_zones' = {values!r} must be a list of outlines with "
                         'their velocity ranges')
    return tuple(_sub_zone(part, i, where) for i, part in enumerate(values))


def _sub_zone(values: object, index: int, where: str) -> SubZone:
    found = _keys(values, SUB_KEYS, f'{where}: sub-zone {index}')
    name = str(found.get('name', index))
    where = f"{where}: sub-zone '{name}'"
    corners = outline(found.get('points'), where)
    if corners is None:
        raise InputError(f"{where}: 'points' are missing; give [[x, y], ...]")
    ranges = {k: number(found, k, where) for k in SUB_KEYS[2:6]}
    for what in ('linear', 'theta'):
        low, high = ranges[f'{what}_min'], ranges[f'{what}_max']
        if low > high:
            raise InputError(f"{where}: '{what}_min' = {low} is above '{what}_max' = {high}")
    start = number(found, 'direction_start_angle', where, -math.pi)
    end = number(found, 'direction_end_angle', where, math.pi)
    return SubZone(name, corners, **ranges, direction_start=start, direction_end=end)


def outline(points: object, where: str) -> Array | None:
    """
    Read an outline, shape (E, 2); None where nothing is given, or an empty list.

    :raises InputError: on anything but three or more pairs of finite numbers.
    """
    if points is None or (isinstance(points, Sequence) and len(points) == 0):
        return None
    try:
        corners = np.asarray(points)
    except ValueError:
        corners = np.zeros(0)
    numbers = corners.dtype.kind in 'if' and corners.ndim == 2 and corners.shape[1:] == (2,)
    if not numbers or len(corners) < 3 or not np.isfinite(corners).all():
        raise InputError(f"{where}: 'points' = {short(points)} must be three or more pairs "
                         'of finite numbers [[x, y], ...] in metres')
    return corners.astype(float)


def _keys(values: object, known: Sequence[str], where: str) -> dict[str, Any]:
    if not isinstance(values, Mapping):
        raise InputError(f'{where}: must be an object with named values, not {short(values)}')
    for key in values:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.0)
            raise InputError(f"{where}: unknown key '{key}'; did you mean '{near[0]}'?")
    return dict(values)


def text(found: Mapping[str, Any], key: str, where: str) -> str:
    """Read a string that must be there and not be empty."""
    value = found.get(key)
    if not isinstance(value, str) or not value:
        raise InputError(f"{where}: '{key}' = {short(value)} must be a name")
    return value


def choice(found: Mapping[str, Any], key: str, words: Sequence[str], where: str) -> str:
    """Read one of some words."""
    value = found.get(key)
    if value not in words:
        raise InputError(f"{where}: '{key}' = {short(value)} must be one of {', '.join(words)}")
    return str(value)


def number(found: Mapping[str, Any], key: str, where: str, default: float | None = None, *,
           low: float = -math.inf) -> float:
    """Read a finite number; where it is not given, the default."""
    value = found.get(key, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputError(f"{where}: '{key}' = {short(value)} must be a number")
    if not math.isfinite(value) or value < low:
        least = f' of {low} or more' if low > -math.inf else ''
        raise InputError(f"{where}: '{key}' = {value} must be a finite number{least}")
    return float(value)


def whole(found: Mapping[str, Any], key: str, where: str, default: int | None = None, *,
          low: int) -> int:
    """Read a whole number; where it is not given, the default."""
    value = found.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise InputError(f"{where}: '{key}' = {short(value)} must be a whole number of {low} "
                         'or more')
    return value


def flag(found: Mapping[str, Any], key: str, where: str, default: bool) -> bool:
    """Read true or false; where it is not given, the default."""
    value = found.get(key, default)
    if not isinstance(value, bool):
        raise InputError(f"{where}: '{key}' = {short(value)} must be true or false")
    return value


def names_of(values: object, where: str) -> tuple[str, ...] | None:
    """Read the names of sources; None where none are given."""
    if values is None:
        return None
    if isinstance(values, str) or not isinstance(values, Sequence) \
            or not all(isinstance(v, str) for v in values):
        raise InputError(f"{where}: 'sources_names' = {short(values)} must be a list of names")
    return tuple(values)


def short(value: object) -> str:
    """Write a value for a message, not too long."""
    words = repr(value)
    return words if len(words) <= 60 else f'{words[:57]}...'
