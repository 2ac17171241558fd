"""
A Nav2 parameter file as it is: zones and sources of its Collision Monitor.

Parameters and their defaults as in nav2_collision_monitor, main (commit a3a97043) and jazzy
(commit f4108e5b); the footprint as nav2_costmap_2d publishes it (footprint.cpp: padded, and of
16 corners where only a radius is given).
"""

from collections.abc import Mapping
import math
from pathlib import Path
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.files import unreadable
from synth_nodes.safety.nav2_zones import KINDS, Mask, SOURCE_TIMEOUT, SourceSetup, ZoneSetup
from synth_nodes.safety.zone_reading import choice, flag, names_of, number, short, zone_of

Array = NDArray[np.float64]
_PAIRS = re.compile(r'\s*\[(\s*\[[^\[\]]*\][\s,]*)*\]\s*')
_PAIR = re.compile(r'\[([^\[\]]*)\]')


def read_nav2_params(path: Path) -> ZoneSetup:
    """
    Read the Collision Monitor's part of a Nav2 parameter file.

    :raises InputError: on a file that is not one, or that Nav2's monitor would refuse.
    """
    setup = find_nav2(load_yaml(path), str(path))
    if setup is None:
        raise InputError(f"{path}: holds no Collision Monitor; it needs a section "
                         "'collision_monitor: ros__parameters:' with 'polygons'")
    return setup


def load_yaml(path: Path) -> object:
    """
    Read a YAML file.

    :raises InputError: when it cannot be read.
    """
    import yaml

    try:
        return yaml.safe_load(Path(path).read_text(encoding='utf-8'))
    except OSError as error:
        raise unreadable(path, error) from None
    except UnicodeDecodeError:
        raise InputError(f'{path}: is not text in UTF-8') from None
    except yaml.YAMLError as error:
        mark = getattr(error, 'problem_mark', None)
        line = f' in line {mark.line + 1}' if mark else ''
        raise InputError(f'{path}: is not valid YAML{line}') from None


def find_nav2(content: object, where: str) -> ZoneSetup | None:
    """
    Find the Collision Monitor in a parameter file's content; None where there is none.

    :raises InputError: where there is one that Nav2 would refuse.
    """
    nodes = dict(_nodes(content, ''))
    monitors = {name: values for name, values in nodes.items()
                if name.rsplit('/', 1)[-1] == 'collision_monitor' or 'polygons' in values}
    if not monitors:
        return None
    name = next((n for n in monitors if n.rsplit('/', 1)[-1] == 'collision_monitor'),
                next(iter(monitors)))
    return _setup(monitors[name], _footprint(nodes), f'{where}: {name}')


def _nodes(content: object, above: str) -> list[tuple[str, dict[str, Any]]]:
    """Pairs of a node's name and its parameters, dotted names unfolded."""
    found: list[tuple[str, dict[str, Any]]] = []
    if isinstance(content, Mapping):
        for key, value in content.items():
            if key == 'ros__parameters' and isinstance(value, Mapping):
                found.append((above, _unfold(value)))
            else:
                found += _nodes(value, f'{above}/{key}' if above else str(key))
    return found


def _unfold(values: Mapping[Any, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in values.items():
        *groups, last = str(key).split('.')
        inner = out
        for group in groups:
            inner = inner.setdefault(group, {})
        value = _unfold(value) if isinstance(value, Mapping) else value
        if isinstance(value, dict) and isinstance(inner.get(last), dict):
            inner[last].update(value)
        else:
            inner[last] = value
    return out


def _setup(values: Mapping[str, Any], footprint: Array | None, where: str) -> ZoneSetup:
    for key in ('polygons', 'observation_sources'):
        if not isinstance(values.get(key), list) or not all(
                isinstance(v, str) for v in values[key]):
            raise InputError(f"{where}: '{key}' = {short(values.get(key))} must be a list of "
                             'names')
    timeout = number(values, 'source_timeout', where, SOURCE_TIMEOUT, low=0.0)
    notes: list[str] = []
    sources = tuple(_source(name, values, timeout, notes, where)
                    for name in values['observation_sources'])
    zones = []
    for name in values['polygons']:
        zone = zone_of({'name': name, **_zone(name, values, where)}, where, footprint)
        unknown = [s for s in zone.sources or () if s not in values['observation_sources']]
        if unknown:
            raise InputError(f"{where}: zone '{name}' names source '{unknown[0]}', which is not "
                             'among observation_sources')
        if not zone.shape_known:
            notes.append(f"zone '{name}' takes its shape from a topic; until it comes Nav2 passes "
                         'it over, and strict judgements stop')
        zones.append(zone)
    return ZoneSetup(tuple(zones), sources, flag(values, 'enabled', where, True), timeout,
                     footprint, tuple(notes))


def _zone(name: str, values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Turn a zone's block into the keys of a zone."""
    if not isinstance(values.get(name), Mapping):
        raise InputError(f"{where}: zone '{name}' is in 'polygons', but has no parameters")
    block = dict(values[name])
    where = f"{where}: zone '{name}'"
    if block.get('type') == 'velocity_polygon':
        parts = block.get('velocity_polygons')
        if not isinstance(parts, list):
            raise InputError(f"{where}: 'velocity_polygons' = {short(parts)} must be a list of "
                             'names')
        block['velocity_polygons'] = [_part(part, block.pop(part, None), where)
                                      for part in parts]
        # A sub-zone that is not in the list is not used by Nav2 either.
        return {k: v for k, v in block.items() if not isinstance(v, Mapping)}
    if block.get('type') == 'footprint':
        raise InputError(f"{where}: 'type' = 'footprint' must be one of polygon, circle, "
                         'velocity_polygon')
    if 'points' in block:
        block['points'] = _points(block['points'], 4, where)
    elif block.get('type') == 'polygon':
        if block.get('action_type') == 'approach':
            block['type'] = 'footprint'
        elif not block.get('polygon_sub_topic'):
            raise InputError(f"{where}: has neither 'points' nor 'polygon_sub_topic'")
    return block


def _part(name: str, values: object, where: str) -> dict[str, Any]:
    where = f"{where}: sub-zone '{name}'"
    if not isinstance(values, Mapping):
        raise InputError(f"{where} is in 'velocity_polygons', but has no parameters")
    return {'name': name, **values, 'points': _points(values.get('points'), 4, where)}


def _points(value: object, least: int, where: str) -> list[list[float]]:
    """
    Read the points of a zone: a string of pairs, or the flat list of Humble.

    Nav2 reads them in single precision, so 0.3 becomes 0.30000001.
    """
    if isinstance(value, list):
        pairs = [value[i:i + 2] for i in range(0, len(value), 2)]
    else:
        if not isinstance(value, str) or not _PAIRS.fullmatch(value):
            raise InputError(f"{where}: 'points' = {short(value)} must be a string such as "
                             "'[[0.3, 0.3], [0.3, -0.3], [-0.3, -0.3], [-0.3, 0.3]]'")
        pairs = [re.split(r'[\s,]+', p.strip(' ,\t')) for p in _PAIR.findall(value)]
    try:
        found = [[float(np.float32(v)) for v in pair] for pair in pairs]
    except (TypeError, ValueError):
        found = []
    if len(found) < least or any(len(p) != 2 for p in found):
        raise InputError(f"{where}: 'points' = {short(value)} must be {least} or more pairs of "
                         'numbers, as Nav2 wants them')
    return found


def _source(name: str, values: Mapping[str, Any], timeout: float, notes: list[str],
            where: str) -> SourceSetup:
    block = values.get(name, {})
    if not isinstance(block, Mapping):
        raise InputError(f"{where}: source '{name}' = {short(block)} must hold parameters")
    at = f"{where}: source '{name}'"
    kind = choice({'type': 'scan', **block}, 'type', KINDS, at)
    band: list[float | None] = [None, None]
    if kind == 'pointcloud':
        band = [number(block, key, at) if key in block else None
                for key in ('min_height', 'max_height')]
        if block.get('min_range', 0.0) or block.get('use_global_height'):
            notes.append(f"source '{name}': 'min_range' and 'use_global_height' look at the "
                         'sensor, and do not count for points in base_link')
    masks = [_mask(m, values, notes, at)
             for m in names_of(block.get('exclusion_zones'), at) or ()]
    step = number(block, 'sampling_distance', at, 0.1)
    if step <= 0.0:
        raise InputError(f"{at}: 'sampling_distance' = {step} m must be above 0")
    return SourceSetup(name, kind, flag(block, 'enabled', at, True),
                       number(block, 'source_timeout', at, timeout, low=0.0),
                       band[0], band[1], step, tuple(m for m in masks if m is not None))


def _mask(name: str, values: Mapping[str, Any], notes: list[str], where: str) -> Mask | None:
    block = values.get(name, {})
    at = f"{where}: exclusion zone '{name}'"
    if not isinstance(block, Mapping):
        raise InputError(f'{at}: must hold parameters, not {short(block)}')
    if not flag(block, 'enabled', at, False):
        return None
    frame = block.get('frame_id') or values.get('base_frame_id', 'base_footprint')
    if frame != values.get('base_frame_id', 'base_footprint'):
        notes.append(f"exclusion zone '{name}' hangs on frame '{frame}', whose place is not "
                     'known here: it hides nothing, as in Nav2 without that transform')
        return None
    low = number(block, 'min_height', at, -1e308)
    high = number(block, 'max_height', at, 1e308)
    if choice({'type': 'polygon', **block}, 'type', ('polygon', 'circle'), at) == 'circle':
        radius = number(block, 'radius', at, 0.0)
        if radius <= 0.0:
            raise InputError(f"{at}: 'radius' = {radius} m must be above 0")
        return Mask(name, None, radius, low, high)
    return Mask(name, np.array(_points(block.get('points'), 3, at)), 0.0, low, high)


def _footprint(nodes: Mapping[str, Mapping[str, Any]]) -> Array | None:
    """Outline that the local costmap publishes, shape (E, 2); None where the file has none."""
    for name, values in nodes.items():
        if 'local_costmap' not in name.split('/'):
            continue
        padding = number(values, 'footprint_padding', name, 0.01)
        if values.get('footprint') not in (None, '', '[]'):
            corners = np.array(_points(values['footprint'], 3, f"{name}: 'footprint'"))
        else:
            angles = np.arange(16) * 2 * math.pi / 16
            radius = number(values, 'robot_radius', name, 0.1)
            corners = radius * np.stack((np.cos(angles), np.sin(angles)), axis=1)
        return np.asarray(corners + np.sign(corners) * padding)
    return None
