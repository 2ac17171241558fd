"""Where a safety log lies: its settings, the names of its files, and reading their frames."""

from collections.abc import Iterator
from dataclasses import dataclass
import hashlib
from pathlib import Path
import re
import struct
import zlib

from synth_nodes.safety.log_format import DIGEST, HEAD, MAGIC
from synth_nodes.settings import setting

_NAME = re.compile(r'safety-(\d{6,})\.log')


@dataclass(frozen=True)
class SafetyLogSettings:
    """Where the safety log goes and how much room it may take."""

    folder: str = setting(
        '', 'Folder for the log, which belongs to this monitor alone; ~ is the home folder. '
        'Empty: no log is written.')
    max_bytes: int = setting(
        64 * 1024 * 1024, 'Size at which a file is closed and the next one begun.',
        unit='B', low=65536, high=1 << 30)
    files: int = setting(
        8, 'Files kept; the oldest is removed.', low=2, high=10000)
    sync_period: float = setting(
        1.0, 'Longest time for which records may be lost when the power fails.',
        unit='s', low=0.01, high=60.0)
    queue: int = setting(
        256, 'Records that may wait for a slow disk; more are left out, counted and marked.',
        low=8, high=100000)


@dataclass(frozen=True)
class Frame:
    """One frame of a file."""

    offset: int
    """Of its first byte in the file."""
    number: int
    """Of its record in the chain."""
    payload: bytes
    digest: bytes
    """As it stands in the file."""
    sound: bool
    """Whether the digest is that of the frame and the digest before."""


@dataclass(frozen=True)
class Break:
    """The place from which on a file cannot be read."""

    offset: int
    torn: bool
    """Whether the file just ends there, as when its writer was cut off."""


def file_name(index: int) -> str:
    """Name of the file with an index, from 1."""
    return f'safety-{index:06d}.log'


def log_files(folder: Path) -> list[tuple[int, Path]]:
    """List the log's files with their indices, oldest first."""
    found = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted((int(match[1]), path) for match, path in found if match)


def begins_like_a_log(data: bytes) -> bool:
    """Whether the data are a safety log's, one damaged spot or a cut allowed for."""
    if len(data) < len(MAGIC) + HEAD.size:
        return MAGIC.startswith(data[:len(MAGIC)])
    return data.startswith(MAGIC) or _head(data, len(MAGIC)) is not None


def read_frames(data: bytes, before: bytes | None) -> Iterator[Frame | Break]:
    """
    Walk the frames of a file, as far as their heads are sound.

    A damaged frame does not spoil those after it: they are checked against the digest that it
    should have and against the one that it has.

    :param data: the whole file.
    :param before: digest of the frame before; None where it is not known.
    """
    at = len(MAGIC)
    trusted = [before] if before is not None else []
    while at < len(data):
        head = _head(data, at)
        if head is None:
            yield Break(at, torn=not any(data[at + HEAD.size:]))
            return
        length, number = head
        end = at + HEAD.size + length + DIGEST
        if end > len(data):
            yield Break(at, torn=True)
            return
        body, digest = data[at:end - DIGEST], data[end - DIGEST:end]
        right = [hashlib.sha256(known + body).digest() for known in trusted]
        if trusted and digest not in right and _ends_in_zeros(data, end):
            yield Break(at, torn=True)
            return
        yield Frame(at, number, body[HEAD.size:], digest, digest in right)
        trusted = [digest] if digest in right else [digest, *right]
        at = end


def _ends_in_zeros(data: bytes, end: int) -> bool:
    """Whether a power failure left zeros from within the frame ending here to the file's end."""
    return not any(data[end - (DIGEST // 2 if end == len(data) else 1):])


def last_frame(data: bytes) -> Frame | None:
    """Return the last whole frame of a file; None where there is none."""
    frames = [item for item in read_frames(data, None) if isinstance(item, Frame)]
    return frames[-1] if frames else None


def _head(data: bytes, at: int) -> tuple[int, int] | None:
    """Length of the payload and number of the frame at an offset; None where there is none."""
    if at + HEAD.size > len(data):
        return None
    length, number, check = HEAD.unpack_from(data, at)
    good = zlib.crc32(struct.pack('<IQ', length, number)) == check
    return (length, number) if good else None
