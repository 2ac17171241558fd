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

from synth_nodes.safety.cycle import Cycle
from synth_nodes.safety.log_codec import Cursor, Damaged, put_count, put_double, put_text
from synth_nodes.safety.log_cycle import CycleDecoder, CycleEncoder
from synth_nodes.types import Verdict

MAGIC = b'SYNSAFE1'
VERSION = 4
HEAD = struct.Struct('<IQI')
DIGEST = 32
NO_DIGEST = bytes(DIGEST)
"""What the first file of a chain has for the digest before."""
_HEADER, _CYCLE, _EVENT, _GAP, _ENDING = range(5)
_WHOLE_EVERY = 64
"""Cycles after which one is stored that rests on none before: as many does one damage cost."""


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
        self._cycle = CycleEncoder()
        self._cycles = 0

    def encode(self, record: Record) -> bytes:
        """Turn a record into a payload."""
        out = bytearray()
        if isinstance(record, CycleRecord):
            out.append(_CYCLE)
            if self._cycles % _WHOLE_EVERY == 0:
                self._cycle = CycleEncoder()
            self._cycles += 1
            self._cycle.put(out, record.cycle, record.verdict)
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


class Decoder:
    """Turns the payloads of one file back into records, in their order."""

    def __init__(self) -> None:
        """Begin a file."""
        self._cycle = CycleDecoder()

    def forget(self) -> None:
        """Trust nothing that was read so far; what rests on it is :class:`Damaged`."""
        self._cycle = CycleDecoder()

    def decode(self, payload: bytes) -> Record:
        """
        Turn a payload into a record.

        :raises Damaged: when it is none.
        """
        cursor = Cursor(payload)
        kind = cursor.byte()
        record: Record
        if kind == _CYCLE:
            record = CycleRecord(*self._cycle.take(cursor))
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


def _content(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        raise Damaged('a header is not JSON') from None
    if not isinstance(content, dict):
        raise Damaged('a header is not a mapping')
    return content
