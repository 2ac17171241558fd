"""What is wrong with recorded drives: found, counted, named, and left out when asked for."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.gate import carry_problems
from synth_nodes.dataset.reader import DataSet
from synth_nodes.dataset.store import Writer
from synth_nodes.errors import InputError
from synth_nodes.settings import setting

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class CleanSettings:
    """From when on something counts as wrong."""

    gap: float = setting(
        5.0, 'Gaps in time this many times the usual period.', low=1.5, high=1000.0)
    speed: float = setting(
        3.0, 'Motion between two records that no indoor robot makes.', unit='m/s', low=0.1,
        high=50.0)
    turn_rate: float = setting(
        4.0, 'Turns between two records that no indoor robot makes.', unit='rad/s', low=0.1,
        high=50.0)
    invalid_share: float = setting(
        0.5, 'Share of NaN or -inf beams from which a scan is of no use.', low=0.01, high=1.0)
    dead_share: float = setting(
        0.995, 'Share of records without a return from which a beam is dead.', low=0.5, high=1.0)
    unit_factor: float = setting(
        20.0, 'Median ranges this many times above or below 3 m are in another unit.', low=2.0,
        high=1000.0)


@dataclass(frozen=True)
class Finding:
    """One kind of fault in one data set."""

    name: str
    """'gap', 'jump', 'duplicate', 'empty scan', 'dead beam' or 'wrong unit'."""
    count: int
    """Of records, or of beams for dead beams."""
    detail: str
    """One sentence for people."""


@dataclass(frozen=True)
class Findings:
    """All that is wrong with a data set."""

    found: tuple[Finding, ...]
    bad: Mask
    """Records to leave out, shape (N,): duplicates, jumps, empty scans."""

    def lines(self) -> list[str]:
        """Say it in lines for people."""
        return [f'{f.name}: {f.count} {f.detail}' for f in self.found] or ['nothing is wrong']


def examine(data: DataSet, settings: CleanSettings | None = None) -> Findings:
    """
    Look for faults in the drives of a data set.

    :raises InputError: when it holds no scans.
    """
    s = settings or CleanSettings()
    scan = data.read('scan')
    bad = np.zeros(len(data), bool)
    found: list[Finding] = []
    totals = {'gap': 0, 'jump': 0, 'duplicate': 0}
    names = {f.name for f in data.schema.fields}
    pose = data.read('laser_pose') if 'laser_pose' in names else None
    stamp = data.read('stamp')
    for _, rows in data.sequences():
        same = _duplicates(scan[rows], stamp[rows])
        gaps = _gaps(stamp[rows], s.gap)
        jumps = _jumps(pose[rows], stamp[rows], s) if pose is not None else np.zeros(0, bool)
        totals['gap'] += int(gaps.sum())
        totals['jump'] += int(jumps.sum())
        totals['duplicate'] += int(same.sum())
        bad[rows[1:][same]] = True
        bad[rows[1:][jumps]] = True
    empty = _empty(scan, s.invalid_share)
    bad |= empty
    words = {'gap': f'steps in time over {s.gap:g} times the usual one',
             'jump': f'poses over {s.speed:g} m/s or {s.turn_rate:g} rad/s from the one before',
             'duplicate': 'records with the stamp or the whole scan of the one before'}
    found += [Finding(n, c, words[n]) for n, c in totals.items() if c]
    if empty.any():
        found.append(Finding('empty scan', int(empty.sum()),
                             f'scans with {s.invalid_share:.0%} or more invalid beams'))
    return Findings(tuple(found + _beams(scan, s)), bad)


def cleaned(source: DataSet, out: Path, bad: Mask) -> Writer:
    """
    Write a data set anew without some records; one that failed its quality gate fails still.

    :param bad: records to leave out, shape (N,).
    :return: the closed writer.
    :raises InputError: when nothing is left, or `out` is there already.
    """
    if bad.all():
        raise InputError(f'data set {source.folder}: nothing is left of {len(bad)} records')
    origin = {'cleaned': str(source.folder.name), 'left_out': int(bad.sum()),
              'before': dict(source.schema.origin)}
    with Writer(out, replace(source.schema, name=out.name, origin=origin)) as writer:
        for chunk, begin in enumerate(source.offsets[:-1]):
            columns = source.columns(chunk)
            good = ~bad[begin:begin + len(columns['stamp'])]
            writer.append({name: array[good] for name, array in columns.items()})
    carry_problems({source.folder: source.digest()}, out)
    return writer


def _duplicates(scan: NDArray[np.float32], stamp: NDArray[np.float64]) -> Mask:
    """Mark records, shape (N - 1,), that repeat the one before."""
    equal = (scan[1:] == scan[:-1]) | (np.isnan(scan[1:]) & np.isnan(scan[:-1]))
    seen = np.isfinite(scan[1:]).any(axis=1)
    return np.asarray((np.diff(stamp) == 0) | (equal.all(axis=1) & seen))


def _gaps(stamp: NDArray[np.float64], factor: float) -> Mask:
    step = np.diff(stamp)
    usual = np.median(step[step > 0]) if (step > 0).any() else np.inf
    return np.asarray(step > factor * usual)


def _jumps(pose: NDArray[np.float64], stamp: NDArray[np.float64], s: CleanSettings) -> Mask:
    step = np.diff(stamp)
    moved = np.hypot(*np.diff(pose[:, :2], axis=0).T)
    turned = np.abs((np.diff(pose[:, 2]) + np.pi) % (2 * np.pi) - np.pi)
    # Stamps that stand still say nothing about speed.
    return np.asarray((step > 0) & ((moved > s.speed * step) | (turned > s.turn_rate * step)))


def _empty(scan: NDArray[np.float32], share: float) -> Mask:
    invalid = np.isnan(scan) | np.isneginf(scan)
    return np.asarray(invalid.mean(axis=1) >= share)


def _beams(scan: NDArray[np.float32], s: CleanSettings) -> list[Finding]:
    out: list[Finding] = []
    if not len(scan):
        return out
    silent = (~np.isfinite(scan)).mean(axis=0)
    dead = np.flatnonzero(silent >= s.dead_share)
    if len(dead):
        numbers = ', '.join(str(d) for d in dead[:8]) + (', ...' if len(dead) > 8 else '')
        out.append(Finding('dead beam', len(dead), f'beams hardly ever see anything: {numbers}'))
    seen = scan[np.isfinite(scan)]
    if len(seen):
        median = float(np.median(seen))
        if not 3.0 / s.unit_factor <= median <= 3.0 * s.unit_factor:
            unit = 'millimetres' if median > 3.0 else 'kilometres or a share of the range'
            out.append(Finding('wrong unit', len(scan),
                               f'scans with a median range of {median:g} m: {unit}?'))
    return out
