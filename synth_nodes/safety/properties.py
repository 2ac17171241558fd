"""Temporal properties of a recording: which hold, how robustly, and where one first fails."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
import difflib
from itertools import pairwise
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.safety.formula import Always, Both, Formula, parse, signals_of
from synth_nodes.safety.robustness import Atom, distances, robustness, truths, window

Array = NDArray[np.float64]
HOLDS, FAILS, OPEN, SKIPPED = 'holds', 'fails', 'open', 'skipped'
SIGNALS = {
    'distance': 'nearest point from the footprint [m]; negative inside, inf when none is seen',
    'speed': 'measured linear speed [m/s]',
    'body_speed': 'measured speed of the fastest part of the footprint, at most [m/s]',
    'vx': 'measured [m/s]', 'vy': 'measured [m/s]', 'wz': 'measured [rad/s]',
    'in_speed': 'linear speed that was asked for [m/s]',
    'in_vx': 'asked for [m/s]', 'in_vy': 'asked for [m/s]', 'in_wz': 'asked for [rad/s]',
    'out_speed': 'linear speed that was let through [m/s]',
    'out_body_speed': 'speed of the fastest part of the footprint let through, at most [m/s]',
    'out_vx': 'let through [m/s]', 'out_vy': 'let through [m/s]',
    'out_wz': 'let through [rad/s]',
    'action': 'of the verdict: pass 0, limit 1, slowdown 2, stop 3',
    'margin': 'of the verdict [m]', 'time_to_collision': 'of the verdict [s]',
    'age': 'of the oldest sensor source [s]', 'velocity_age': 'of the measured velocity [s]',
    'usable': '1 where all sources and the velocity can be used, otherwise 0',
    'overridden': '1 while an override holds, otherwise 0',
    'off': '1 while the monitor is switched off, otherwise 0; a bag is taken to say 0',
    'latched': '1 while an emergency stop is latched, otherwise 0',
}
"""What formulas may speak of. A recorded bag has only some of it."""


@dataclass(frozen=True)
class Property:
    """A formula with a name."""

    name: str
    text: str
    formula: Formula


@dataclass(frozen=True)
class Trace:
    """Signals over time."""

    times: Array
    """Of the samples [s], shape (N,)."""
    signals: Mapping[str, Array]
    """By name, shape (N,) each; NaN where not known."""

    def parts(self) -> list['Trace']:
        """Split where time runs backwards, as when a simulation begins anew."""
        cuts = np.flatnonzero(np.diff(self.times) < 0.0) + 1
        edges = [0, *(int(cut) for cut in cuts), len(self.times)]
        return [Trace(self.times[a:b], {n: v[a:b] for n, v in self.signals.items()})
                for a, b in pairwise(edges) if b > a]


@dataclass(frozen=True)
class Finding:
    """What a recording says of a property."""

    name: str
    formula: str
    verdict: str
    """'holds', 'fails', 'open' (the recording ends too soon, or lacks data), or 'skipped'."""
    low: float
    """Robustness at the recording's begin is at least this."""
    high: float
    """And at most this."""
    time: float | None = None
    """First time [s] at which the property fails."""
    missing: tuple[str, ...] = ()
    """Signals that the recording doesn't have, for which the property was skipped."""

    @property
    def robustness(self) -> float:
        """The bound that decides: the upper one where it fails, otherwise the lower one."""
        return self.high if self.verdict == FAILS else self.low


def read_properties(content: Any, where: str) -> list[Property]:
    """
    Read properties from the content of a YAML file: `properties`, a list of name and formula.

    :param where: the file, for messages.
    :raises InputError: naming the property and what is wrong with it.
    """
    listed = content.get('properties') if isinstance(content, dict) else None
    if not isinstance(listed, list) or not listed:
        raise InputError(f"{where}: must hold 'properties:', a list of 'name' and 'formula'")
    return [_property(item, f'{where}: property {k + 1}') for k, item in enumerate(listed)]


def check(properties: Iterable[Property], trace: Trace) -> list[Finding]:
    """
    Check properties against a recording; each must hold from its first sample on.

    Where time runs backwards the recording is taken as several, and the worst of them counts.
    """
    parts = trace.parts()
    return [_check(item, trace, parts) for item in properties]


def _property(item: Any, where: str) -> Property:
    if not isinstance(item, dict) or set(item) != {'name', 'formula'} \
            or not all(isinstance(value, str) for value in item.values()):
        raise InputError(f"{where}: must be 'name' and 'formula', two texts, not {item!r}")
    name, text = item['name'], ' '.join(item['formula'].split())
    try:
        formula = parse(text)
    except InputError as error:
        raise InputError(f"{where}, '{name}': {error}") from None
    for signal in sorted(signals_of(formula) - set(SIGNALS)):
        near = (difflib.get_close_matches(signal, SIGNALS, n=1, cutoff=0.0) or ['speed'])[0]
        raise InputError(f"{where}, '{name}': there is no signal '{signal}'; did you mean "
                         f"'{near}'? Known are {', '.join(SIGNALS)}")
    return Property(name, text, formula)


def _check(item: Property, trace: Trace, parts: list[Trace]) -> Finding:
    missing = tuple(sorted(signals_of(item.formula) - set(trace.signals)))
    if missing or not parts:
        return Finding(item.name, item.text, SKIPPED, -math.inf, math.inf, missing=missing)
    found = [_check_part(item, part) for part in parts]
    rank = (FAILS, OPEN, HOLDS)
    worst = min(found, key=lambda f: rank.index(f.verdict))
    return Finding(item.name, item.text, worst.verdict, min(f.low for f in found),
                   min(f.high for f in found), worst.time)


def _check_part(item: Property, trace: Trace) -> Finding:
    low, high = (float(side[0]) for side in _values(item.formula, trace, distances))
    surely, possibly = (float(side[0]) for side in _values(item.formula, trace, truths))
    verdict = HOLDS if surely > 0.0 else FAILS if possibly < 0.0 else OPEN
    at = _first_failure(item.formula, trace, 0) if verdict == FAILS else None
    return Finding(item.name, item.text, verdict, low, high, at)


def _first_failure(formula: Formula, trace: Trace, at: int) -> float:
    """Time at which a formula that fails at a sample is first broken: inside of its `always`."""
    if isinstance(formula, Always) and not formula.once:
        begin, end = window(trace.times, formula.low, formula.high)
        fails = _values(formula.inner, trace, truths)[1][begin[at]:end[at]] < 0.0
        return _first_failure(formula.inner, trace, int(begin[at] + np.argmax(fails)))
    if isinstance(formula, Both) and not formula.either:
        failing = [side for side in (formula.left, formula.right)
                   if _values(side, trace, truths)[1][at] < 0.0]
        return min(_first_failure(side, trace, at) for side in failing)
    return float(trace.times[at])


def _values(formula: Formula, trace: Trace, atom: Atom) -> tuple[Array, Array]:
    return robustness(formula, trace.times, trace.signals, atom)
