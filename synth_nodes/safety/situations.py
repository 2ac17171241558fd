"""
Situations and verdicts as lines of JSON.

One situation a line; what the keys mean stands in docs/safety-check.md. Numbers may be null, NaN
or infinite where a sensor could say so; verdicts hold null instead of what JSON cannot write.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
import difflib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.files import unreadable
from synth_nodes.safety.nav2_zones import KINDS, SourceSetup, UserZone, ZoneSetup
from synth_nodes.safety.observed import Observed
from synth_nodes.safety.zone_reading import choice, flag, number, outline, short, text, zone_of
from synth_nodes.types import Verdict

Array = NDArray[np.float64]
KEYS = ('id', 'zones', 'sources', 'velocity', 'velocity_age', 'cmd_in', 'expect')
SOURCE_KEYS = ('name', 'type', 'points', 'corners', 'age', 'enabled', 'valid', 'reason',
               'source_timeout', 'min_height', 'max_height')
ANSWERS = ('pass', 'limit', 'slowdown', 'approach', 'stop', 'ignored')
"""Actions that a verdict may have."""


@dataclass(frozen=True)
class Situation:
    """One moment: what the sensors saw, how the robot moves, and what it is asked to do."""

    zones: tuple[UserZone, ...]
    observed: tuple[Observed, ...]
    velocity: Array
    """vx, vy [m/s], w [rad/s] in base_link, shape (3,); NaN where unknown."""
    velocity_age: float
    """Time since its measurement [s]."""
    command: Array
    """vx, vy [m/s], w [rad/s] in base_link, shape (3,)."""
    id: object = None
    """What the line calls itself."""
    expect: tuple[str, ...] = ()
    """Actions of which the verdict must have one; empty for any."""


def read_situations(path: Path, setup: ZoneSetup,
                    footprint: Array) -> Iterator[tuple[Situation, int]]:
    """
    Read situations one by one; blank lines are passed over.

    :param setup: configuration that lines without zones of their own are judged by.
    :param footprint: of footprint zones without points, base_link [m], shape (E, 2).
    :return: pairs of a situation and the bytes of the file read so far.
    :raises InputError: on a file that cannot be read or holds none, and on a bad line, naming its
        number.
    """
    try:
        with open(path, 'rb') as lines:
            done, found = 0, False
            for count, line in enumerate(lines, start=1):
                done += len(line)
                if line.strip():
                    found = True
                    yield read_situation(line, setup, footprint, f'{path}: line {count}'), done
    except OSError as error:
        raise unreadable(path, error) from None
    if not found:
        raise InputError(f'{path}: holds no situation; give one a line, as in '
                         'docs/safety-check.md')


def read_situation(line: bytes | str, setup: ZoneSetup, footprint: Array,
                   where: str) -> Situation:
    """
    Read one line; arguments as for :func:`read_situations`.

    :param where: what to call the line in messages.
    :raises InputError: naming the key, the value and what is allowed.
    """
    try:
        found = json.loads(line, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        raise InputError(f'{where}: is not valid JSON: {error}') from None
    if not isinstance(found, dict):
        raise InputError(f'{where}: must be one object {{...}}, not {short(found)}')
    for key in found:
        near = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.75)
        if key not in KEYS and near:
            raise InputError(f"{where}: unknown key '{key}'; did you mean '{near[0]}'?")
    zones, own = setup.zones, found.get('zones') is not None
    if own:
        zones = _zones(found['zones'], footprint, where)
    observed = _sources(found.get('sources'), setup, own, where)
    _check_names(zones, observed, where)
    if not isinstance(found.get('id'), (str, int, type(None))):
        raise InputError(f"{where}: 'id' = {short(found['id'])} must be a string or whole number")
    velocity = found.get('velocity')
    return Situation(
        zones, observed, np.full(3, np.nan) if velocity is None else
        _twist(velocity, 'velocity', where), number(found, 'velocity_age', where, 0.0),
        _twist(found.get('cmd_in'), 'cmd_in', where), found.get('id'), _expected(found, where))


def _zones(values: object, footprint: Array, where: str) -> tuple[UserZone, ...]:
    if not isinstance(values, list):
        raise InputError(f"{where}: 'zones' = {short(values)} must be a list of zones")
    zones = tuple(zone_of(z, where, footprint) for z in values)
    names = [z.name for z in zones]
    twice = [n for n in names if names.count(n) > 1]
    if twice:
        raise InputError(f"{where}: two zones are called '{twice[0]}'; give each its own name")
    return zones


def _sources(values: object, setup: ZoneSetup, own: bool, where: str) -> tuple[Observed, ...]:
    """Bring what was seen together with the configuration; what is missing has given no data."""
    if not isinstance(values, list):
        raise InputError(f"{where}: 'sources' = {short(values)} must be a list of sources")
    known = {s.name: s for s in setup.sources}
    seen: dict[str, Observed] = {}
    for value in values:
        if not isinstance(value, dict):
            raise InputError(f'{where}: a source must be an object {{...}}, not {short(value)}')
        name = text(value, 'name', f'{where}: source')
        if name in seen:
            raise InputError(f"{where}: two sources are called '{name}'")
        if known and not own and name not in known:
            raise InputError(f"{where}: source '{name}' is not among those of the rules: "
                             f"{', '.join(known)}")
        seen[name] = _source(value, known.get(name), setup, f"{where}: source '{name}'")
    if own or not known:
        return tuple(seen.values())
    return tuple(seen.get(name) or Observed(s, np.zeros((0, 2)), enabled=s.enabled)
                 for name, s in known.items())


def _source(value: dict[str, Any], known: SourceSetup | None, setup: ZoneSetup,
            where: str) -> Observed:
    for key in value:
        if key not in SOURCE_KEYS:
            near = difflib.get_close_matches(key, SOURCE_KEYS, n=1, cutoff=0.0)
            raise InputError(f"{where}: unknown key '{key}'; did you mean '{near[0]}'?")
    base = known or SourceSetup(value['name'], timeout=setup.source_timeout)
    base = replace(
        base, kind=choice({'type': base.kind, **value}, 'type', KINDS, where),
        timeout=number(value, 'source_timeout', where, base.timeout, low=0.0),
        min_height=number(value, 'min_height', where) if 'min_height' in value
        else base.min_height,
        max_height=number(value, 'max_height', where) if 'max_height' in value
        else base.max_height)
    if 'age' not in value:
        raise InputError(f"{where}: 'age' is missing; give the seconds since the measurement, "
                         'or null where nothing has come')
    age = value['age']
    if age is not None and (isinstance(age, bool) or not isinstance(age, (int, float))):
        raise InputError(f"{where}: 'age' = {short(age)} must be a number or null")
    if 'points' not in value and 'corners' not in value and age is not None:
        raise InputError(f"{where}: 'points' are missing; give [[x, y], ...], or [] for none")
    points, heights = _points(value.get('points', []), where)
    return Observed(base, points, heights, None if age is None else float(age),
                    flag(value, 'enabled', where, base.enabled),
                    flag(value, 'valid', where, True), str(value.get('reason', '')),
                    outline(value.get('corners'), where))


def _points(values: object, where: str) -> tuple[Array, Array | None]:
    """
    Read points, shape (N, 2), and their heights, shape (N,), None where no point has one.

    A height that is not a number makes its point not a number.
    """
    wrong = InputError(f"{where}: 'points' = {short(values)} must be a list of [x, y] or "
                       '[x, y, z] in metres')
    if values is None or (isinstance(values, list) and not values):
        return np.zeros((0, 2)), None
    if not isinstance(values, list) or not all(isinstance(p, list) for p in values):
        raise wrong
    sizes = {len(p) for p in values}
    if not sizes <= {2, 3}:
        raise wrong
    flat = [p if len(p) == 3 else [*p, math.nan] for p in values] if len(sizes) > 1 else values
    array = np.asarray(flat)
    if array.dtype.kind == 'O' and all(
            v is None or isinstance(v, (int, float)) for p in flat for v in p):
        array = array.astype(float)
    if array.dtype.kind not in 'if' or array.ndim != 2:
        raise wrong
    points = np.array(array[:, :2], float)
    if array.shape[1] == 2:
        return points, None
    heights = np.array(array[:, 2], float)
    given = np.array([len(p) == 3 for p in values])
    points[given & np.isnan(heights)] = np.nan
    return points, heights


def _twist(values: object, key: str, where: str) -> Array:
    numbers = isinstance(values, list) and len(values) == 3 and all(
        v is None or (isinstance(v, (int, float)) and not isinstance(v, bool)) for v in values)
    if not numbers:
        raise InputError(f"{where}: '{key}' = {short(values)} must be three numbers [vx, vy, wz] "
                         'in m/s, m/s and rad/s')
    return np.array(values, float)


def _expected(found: Mapping[str, Any], where: str) -> tuple[str, ...]:
    value = found.get('expect')
    if value is None:
        return ()
    words = value if isinstance(value, list) else [value]
    return tuple(choice({'expect': w}, 'expect', ANSWERS, where) for w in words)


def _check_names(zones: tuple[UserZone, ...], observed: tuple[Observed, ...],
                 where: str) -> None:
    names = {o.name for o in observed}
    for zone in zones:
        for name in zone.sources or ():
            if name not in names:
                raise InputError(f"{where}: zone '{zone.name}' names source '{name}', which is "
                                 'not among the sources')


def verdict_line(verdict: Verdict, zones: tuple[str, ...] = (), detections: tuple[str, ...] = (),
                 id: object = None) -> str:  # noqa: A002 - the key's name
    """
    Write a verdict as one line of JSON, without its end.

    :param zones: names of the user's zones, which tell a zone from a rule.
    :param detections: zones that only report, and do.
    :param id: what the situation calls itself; left out where None.
    """
    command = [_number(c) for c in verdict.command]
    content: dict[str, object] = {} if id is None else {'id': id}
    content |= {
        'cmd_out': None if None in command else command, 'action': verdict.action,
        'rule': verdict.rule or None, 'zone': verdict.rule if verdict.rule in zones else None,
        'source': verdict.source or None, 'margin': _number(verdict.margin),
        'time_to_collision': _number(verdict.time_to_collision), 'reason': verdict.reason,
        'detections': list(detections)}
    return json.dumps(content, allow_nan=False)


def _whole(digits: str) -> int | float:
    """Read a whole number; one beyond all measure as a float, which cannot overflow later."""
    return int(digits) if len(digits) < 18 else float(digits)


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
