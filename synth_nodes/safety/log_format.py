"""
The safety log's records as bytes, and the frames that chain them.

A file is MAGIC and frames. A frame is its length (u32), its number (u64), a check (u32, CRC-32 of
the twelve bytes before), the payload, and a digest: SHA-256 of the digest before, the sixteen
bytes of the head and the payload. All little endian. Numbers and digests run on from file to file.
A payload is one byte for its kind and the content. The first frame of a file is a header, the last
one an ending, unless the writer was cut off.
"""

from dataclasses import dataclass
import hashlib
import json
import struct
from typing import Any
import zlib

import numpy as np

from synth_nodes.safety.cycle import Array, Cycle
from synth_nodes.safety.log_codec import (
    Cursor,
    Damaged,
    put_array,
    put_count,
    put_double,
    put_text,
)
from synth_nodes.safety.sources import PointSource, RobotState
from synth_nodes.safety.watchdog import Watch
from synth_nodes.types import Verdict

MAGIC = b'SYNSAFE1'
VERSION = 1
HEAD = struct.Struct('<IQI')
DIGEST = 32
NO_DIGEST = bytes(DIGEST)
"""What the first file of a chain has for the digest before."""
_HEADER, _CYCLE, _EVENT, _GAP, _ENDING = range(5)
_SAME, _GIVEN = 0, 1
_WHOLE_EVERY = 64
"""Cycles after which one is stored that rests on none before: as many does one damage cost."""
_NO_VERDICT, _LAST_VERDICT, _THIS_VERDICT = 0, 1, 2


@dataclass(frozen=True)
class Header:
    """What a file says of all its records."""

    content: dict[str, Any]
    """`rules` and `robot` (flat settings), `version`, `numpy`, `digest_before` and more."""


@dataclass(frozen=True)
class CycleRecord:
    """A cycle and what was decided."""

    cycle: Cycle
    verdict: Verdict


@dataclass(frozen=True)
class Event:
    """Something else that happened, such as a call of a service."""

    now: float
    """Time [s] on the monitor's clock."""
    name: str
    """One word, such as 'override'."""
    detail: str = ''
    """One sentence."""


@dataclass(frozen=True)
class Gap:
    """Records that could not be written."""

    lost: int
    reason: str


@dataclass(frozen=True)
class Ending:
    """The last record of a file that was not cut off."""

    reason: str
    """'closed', or 'rotated' where another file follows."""


Record = Header | CycleRecord | Event | Gap | Ending


def frame(number: int, payload: bytes, before: bytes) -> tuple[bytes, bytes]:
    """
    Wrap a payload.

    :param before: digest of the frame before.
    :return: the frame's bytes, and its digest.
    """
    start = struct.pack('<IQ', len(payload), number)
    head = start + struct.pack('<I', zlib.crc32(start))
    digest = hashlib.sha256(before + head + payload).digest()
    return head + payload + digest, digest


class Encoder:
    """Turns records into payloads; remembers those of its file, to say a thing once."""

    def __init__(self) -> None:
        """Begin a file."""
        self._points: dict[str, tuple[tuple[int, ...], bytes]] = {}
        self._verdict = b''
        self._cycles = 0

    def encode(self, record: Record) -> bytes:
        """Turn a record into a payload."""
        out = bytearray()
        if isinstance(record, CycleRecord):
            out.append(_CYCLE)
            if self._cycles % _WHOLE_EVERY == 0:
                self._points, self._verdict = {}, b''
            self._cycles += 1
            self._cycle(out, record.cycle)
            verdict = verdict_bytes(record.verdict)
            out += verdict
            self._verdict = verdict
        elif isinstance(record, Event):
            out.append(_EVENT)
            put_double(out, record.now)
            put_text(out, record.name)
            put_text(out, record.detail)
        elif isinstance(record, Gap):
            out.append(_GAP)
            put_count(out, record.lost)
            put_text(out, record.reason)
        elif isinstance(record, Ending):
            out.append(_ENDING)
            put_text(out, record.reason)
        else:
            out.append(_HEADER)
            put_text(out, json.dumps(record.content, sort_keys=True))
        return bytes(out)

    def _cycle(self, out: bytearray, cycle: Cycle) -> None:
        put_double(out, cycle.now)
        put_array(out, np.asarray(cycle.command, float))
        _put_optional(out, cycle.stamp)
        put_array(out, np.asarray(cycle.state.velocity, float))
        put_double(out, cycle.state.age)
        _put_optional(out, cycle.watch.stamp)
        put_text(out, cycle.watch.latched)
        _put_optional(out, cycle.watch.override_until)
        put_text(out, cycle.fault)
        put_count(out, len(cycle.sources))
        for source in cycle.sources:
            self._source(out, source)
        if cycle.previous is None:
            out.append(_NO_VERDICT)
            return
        previous = verdict_bytes(cycle.previous)
        out.append(_LAST_VERDICT if previous == self._verdict else _THIS_VERDICT)
        if previous != self._verdict:
            out += previous

    def _source(self, out: bytearray, source: PointSource) -> None:
        put_text(out, source.name)
        put_double(out, source.age)
        out.append(bool(source.valid))
        put_text(out, source.reason)
        points = np.asarray(source.points_base, float)
        seen = points.shape, points.tobytes()
        if self._points.get(source.name) == seen:
            out.append(_SAME)
            return
        out.append(_GIVEN)
        put_array(out, points)
        self._points[source.name] = seen


class Decoder:
    """Turns the payloads of one file back into records, in their order."""

    def __init__(self) -> None:
        """Begin a file."""
        self._points: dict[str, Array] = {}
        self._verdict: Verdict | None = None

    def forget(self) -> None:
        """Trust nothing that was read so far; what rests on it is :class:`Damaged`."""
        self._points, self._verdict = {}, None

    def decode(self, payload: bytes) -> Record:
        """
        Turn a payload into a record.

        :raises Damaged: when it is none.
        """
        cursor = Cursor(payload)
        kind = cursor.byte()
        record: Record
        if kind == _CYCLE:
            record = CycleRecord(self._cycle(cursor), _verdict(cursor))
            self._verdict = record.verdict
        elif kind == _EVENT:
            record = Event(cursor.double(), cursor.text(), cursor.text())
        elif kind == _GAP:
            record = Gap(cursor.count(), cursor.text())
        elif kind == _ENDING:
            record = Ending(cursor.text())
        elif kind == _HEADER:
            record = Header(_content(cursor.text()))
        else:
            raise Damaged(f'there is no record of kind {kind}')
        if not cursor.done:
            raise Damaged('a record is longer than its content')
        return record

    def _cycle(self, cursor: Cursor) -> Cycle:
        now, command, stamp = cursor.double(), cursor.array(), _optional(cursor)
        state = RobotState(cursor.array(), cursor.double())
        watch = Watch(_optional(cursor), cursor.text(), _optional(cursor))
        fault = cursor.text()
        sources = tuple(self._source(cursor) for _ in range(cursor.count()))
        return Cycle(now, command, stamp, state, sources, watch, self._previous(cursor), fault)

    def _previous(self, cursor: Cursor) -> Verdict | None:
        which = cursor.byte()
        if which == _NO_VERDICT:
            return None
        if which == _LAST_VERDICT and self._verdict is None:
            raise Damaged('the verdict before is not known')
        return self._verdict if which == _LAST_VERDICT else _verdict(cursor)

    def _source(self, cursor: Cursor) -> PointSource:
        name, age, valid = cursor.text(), cursor.double(), bool(cursor.byte())
        reason = cursor.text()
        if cursor.byte() == _GIVEN:
            self._points[name] = cursor.array()
        if name not in self._points:
            raise Damaged(f"the points of '{name}' are in a record that cannot be read")
        return PointSource(name, self._points[name], age, valid, reason)


def verdict_bytes(verdict: Verdict) -> bytes:
    """Bytes of a verdict; two verdicts are the same, bit for bit, when theirs are."""
    out = bytearray()
    for value in (*verdict.command, verdict.margin, verdict.time_to_collision):
        put_double(out, value)
    for text in (verdict.action, verdict.rule, verdict.source, verdict.reason):
        put_text(out, text)
    return bytes(out)


def _verdict(cursor: Cursor) -> Verdict:
    command = cursor.double(), cursor.double(), cursor.double()
    margin, time = cursor.double(), cursor.double()
    action, rule, source, reason = (cursor.text() for _ in range(4))
    return Verdict(command, action, rule, source, margin, time, reason)


def _put_optional(out: bytearray, value: float | None) -> None:
    out.append(value is not None)
    if value is not None:
        put_double(out, value)


def _optional(cursor: Cursor) -> float | None:
    return cursor.double() if cursor.byte() else None


def _content(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        raise Damaged('a header is not JSON') from None
    if not isinstance(content, dict):
        raise Damaged('a header is not a mapping')
    return content
