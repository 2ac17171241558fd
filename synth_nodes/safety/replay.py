"""A safety log again: every verdict is judged once more and compared, bit for bit."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
import math
from pathlib import Path
import platform

import numpy as np

from synth_nodes import __version__
from synth_nodes.safety.cycle import decide
from synth_nodes.safety.log_cycle import verdict_bytes
from synth_nodes.safety.log_format import CycleRecord, Event, Gap, Header
from synth_nodes.safety.log_reader import Basis, Entry, LogReader, Problem
from synth_nodes.types import Verdict


@dataclass(frozen=True)
class Difference:
    """A record whose verdict does not come out again."""

    file: Path
    number: int
    now: float
    logged: Verdict
    again: Verdict

    def __str__(self) -> str:
        return (f'record {self.number} ({self.file.name}, t = {self.now:.3f} s): logged '
                f'{_words(self.logged)}, replayed {_words(self.again)}')


@dataclass
class Replay:
    """What came of a replay."""

    files: int = 0
    verdicts: int = 0
    """Verdicts compared."""
    events: Counter[str] = field(default_factory=Counter)
    """Services called and the like, by name."""
    lost: int = 0
    """Records that the writer had to leave out."""
    skipped: int = 0
    """Records that rest on altered ones, so that they cannot be read."""
    begin: float = math.nan
    """Time [s] of the first verdict."""
    end: float = math.nan
    """Time [s] of the last one."""
    actions: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Verdicts by action and rule."""
    min_margin: float = math.inf
    """Least margin [m] of verdicts that the core reached with usable data."""
    configurations: list[str] = field(default_factory=list)
    """SHA-256 of rules and robot, in order of appearance."""
    written_by: list[str] = field(default_factory=list)
    """What wrote the log: package, numpy, machine."""
    digest: str = ''
    """Last digest of the chain."""
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    difference: Difference | None = None
    """First verdict that differs."""
    differences: int = 0

    @property
    def identical(self) -> bool:
        """Whether the chain is whole and all verdicts came out again."""
        return not self.problems and not self.differences

    @property
    def duration(self) -> float:
        """Time [s] from the first verdict to the last."""
        return 0.0 if math.isnan(self.begin) else self.end - self.begin


def replay(path: Path, look: Callable[[Entry], None] | None = None) -> Replay:
    """
    Replay a log.

    :param path: a file, or a folder of files.
    :param look: is shown every record that can be read.
    :raises InputError: where there is no safety log.
    """
    reader, result = LogReader(path), Replay()
    result.files, result.problems, result.notes = len(reader.files), reader.problems, reader.notes
    for entry in reader.entries():
        if look is not None:
            look(entry)
        record = entry.record
        if isinstance(record, CycleRecord):
            _count(result, record)
            if entry.basis is not None:
                _compare(result, entry, record, entry.basis)
        elif isinstance(record, Event):
            result.events[record.name] += 1
        elif isinstance(record, Gap):
            result.lost += record.lost
        elif isinstance(record, Header):
            _head(result, record)
    result.digest, result.skipped = reader.digest, reader.skipped
    if result.differences and this_program() not in result.written_by:
        result.notes.append(f"written by {', '.join(result.written_by)}, replayed by "
                            f'{this_program()}: other versions may round otherwise')
    return result


def this_program() -> str:
    """Say what decides how numbers are rounded here."""
    return _program({'version': __version__, 'numpy': np.__version__,
                     'machine': platform.machine()})


def _head(result: Replay, record: Header) -> None:
    configuration = str(record.content.get('configuration'))
    if configuration not in result.configurations:
        result.configurations.append(configuration)
    if _program(record.content) not in result.written_by:
        result.written_by.append(_program(record.content))


def _program(content: dict[str, object]) -> str:
    return (f"synth_nodes {content.get('version')} with numpy {content.get('numpy')} on "
            f"{content.get('machine')}")


def _count(result: Replay, record: CycleRecord) -> None:
    verdict, now = record.verdict, record.cycle.now
    result.begin = now if math.isnan(result.begin) else result.begin
    result.end = now
    result.actions[verdict.action, verdict.rule] += 1
    if verdict.rule not in ('command', 'velocity', 'source', 'latched'):
        result.min_margin = min(result.min_margin, verdict.margin)


def _compare(result: Replay, entry: Entry, record: CycleRecord, basis: Basis) -> None:
    again = decide(basis.rules, basis.robot, record.cycle).verdict
    result.verdicts += 1
    if verdict_bytes(again) == verdict_bytes(record.verdict):
        return
    result.differences += 1
    if result.difference is None:
        result.difference = Difference(entry.file, entry.number, record.cycle.now, record.verdict,
                                       again)


def _words(verdict: Verdict) -> str:
    command = ', '.join(f'{value!r}' for value in verdict.command)
    return (f'{verdict.action} by {verdict.rule or "no rule"} ({command}), margin '
            f'{verdict.margin!r}, time to collision {verdict.time_to_collision!r}')
