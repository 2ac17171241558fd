"""Reading a safety log back, and checking its chain."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synth_nodes.errors import InputError
from synth_nodes.files import unreadable
from synth_nodes.safety.log_codec import Damaged
from synth_nodes.safety.log_files import begins_like_a_log, Break, Frame, log_files, read_frames
from synth_nodes.safety.log_format import (
    Decoder,
    Ending,
    Header,
    MAGIC,
    NO_DIGEST,
    Record,
    VERSION,
)
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.settings import build
from synth_nodes.types import RobotSpec


@dataclass(frozen=True)
class Problem:
    """A place at which a log is not as it was written."""

    file: Path
    number: int
    """Of the record."""
    offset: int
    """Of the record's first byte in the file."""
    what: str

    def __str__(self) -> str:
        return f'record {self.number} ({self.file.name}, byte {self.offset}): {self.what}'


@dataclass(frozen=True)
class Basis:
    """What the verdicts of a file rest on."""

    rules: SafetyRules
    robot: RobotSpec
    header: dict[str, Any]


@dataclass(frozen=True)
class Entry:
    """One record of a log."""

    file: Path
    number: int
    offset: int
    record: Record
    basis: Basis | None
    """None where the header of the file is damaged."""


class LogReader:
    """
    Goes once through a log, a file or a folder of them.

    While :meth:`entries` runs, the fields below fill.
    """

    def __init__(self, path: Path) -> None:
        """
        Find the files.

        :raises InputError: where there is no safety log.
        """
        if path.is_dir():
            self.files = [file for _, file in log_files(path)]
        else:
            self.files = [path]
        if not self.files:
            raise InputError(f'{path}: holds no safety log; a file of one is named '
                             'safety-000001.log or the like')
        self.problems: list[Problem] = []
        """Where the log was altered, in order."""
        self.notes: list[str] = []
        """What else is to be known: ends that were cut off, a beginning that is gone."""
        self.skipped = 0
        """Records that could not be read because they rest on altered ones."""
        self.digest = ''
        """Last digest of the chain, as hex."""
        self._before: bytes | None = None
        self._number = 0
        self._basis: Basis | None = None
        self._forgot = False

    def entries(self) -> Iterator[Entry]:
        """
        Read all records that can be read, altered ones left out.

        :raises InputError: for a file that is no safety log, or one of another format.
        """
        for position, file in enumerate(self.files):
            data = _load(file)
            yield from self._file(file, data, last=position == len(self.files) - 1)
        self.digest = self._before.hex() if self._before else ''

    def _file(self, file: Path, data: bytes, last: bool) -> Iterator[Entry]:
        decoder, ending, count = Decoder(), '', 0
        self._basis, self._forgot = None, False
        before = self._link(file, data)
        if not data.startswith(MAGIC) and len(data) >= len(MAGIC):
            self._report(file, self._number, 0, 'its first bytes were altered')
        for item in read_frames(data, before):
            if isinstance(item, Break):
                self._broken(file, item)
                return
            self._before, self._number, count = item.digest, item.number + 1, count + 1
            record = self._record(file, item, decoder)
            if isinstance(record, Ending):
                ending = record.reason
            elif record is not None:
                yield Entry(file, item.number, item.offset, record, self._basis)
        if not ending:
            self.notes.append(_open_end(file, count, self._number - 1))
        elif ending == 'rotated' and last:
            self.notes.append(f'{file.name}: goes on in another file, which is not here')

    def _link(self, file: Path, data: bytes) -> bytes:
        """Digest that the header of a file has to follow; says where it is not the one before."""
        item = next(read_frames(data, None), None)
        claimed = _claim(item.payload) if isinstance(item, Frame) else None
        if not isinstance(item, Frame) or claimed is None or claimed == self._before:
            return self._before or NO_DIGEST
        own = next(read_frames(data, claimed))
        if not isinstance(own, Frame) or not own.sound:
            return self._before or NO_DIGEST
        if self._before is not None:
            self._report(file, self._number, item.offset,
                         'records are missing before this file, or were put in their place')
        elif claimed != NO_DIGEST:
            self.notes.append(f'{file.name}: is the first file here; the {item.number} records '
                              'before it are not checked')
        self._number = item.number
        return claimed

    def _record(self, file: Path, item: Frame, decoder: Decoder) -> Record | None:
        """Decode a frame; None where it was altered, or rests on what was."""
        if not item.sound:
            self._report(file, item.number, item.offset, 'it was altered')
            decoder.forget()
            self._forgot = True
            return None
        try:
            record = decoder.decode(item.payload)
        except Damaged as error:
            if self._forgot:
                self.skipped += 1
            else:
                self._report(file, item.number, item.offset, f'it cannot be read: {error}')
            return None
        if isinstance(record, Header):
            self._basis = _basis(file, record.content)
        return record

    def _broken(self, file: Path, item: Break) -> None:
        if item.torn:
            self.notes.append(f'{file.name}: ends within record {self._number}, at byte '
                              f'{item.offset}; the writer was cut off, or the end was removed')
        else:
            self._report(file, self._number, item.offset,
                         'its length or number was altered; the rest of the file is unreadable')

    def _report(self, file: Path, number: int, offset: int, what: str) -> None:
        self.problems.append(Problem(file, number, offset, what))


def _load(file: Path) -> bytes:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise unreadable(file, error) from None
    if not begins_like_a_log(data):
        raise InputError(f'{file}: is not a safety log of synth_nodes; name a file such as '
                         'safety-000001.log, or the folder that holds them')
    return data


def _claim(payload: bytes) -> bytes | None:
    """Digest before a file, as its header has it; None where it has none."""
    try:
        record = Decoder().decode(payload)
        if isinstance(record, Header):
            return bytes.fromhex(str(record.content.get('digest_before')))
    except ValueError:
        return None
    return None


def _basis(file: Path, header: dict[str, Any]) -> Basis:
    if header.get('format') != VERSION:
        raise InputError(f"{file}: has format {header.get('format')}, not {VERSION}; replay it "
                         f"with synth_nodes {header.get('version')}, which wrote it")
    where = f"{file}: written by synth_nodes {header.get('version')}"
    return Basis(build(SafetyRules, header['rules'], f'{where}: rules'),
                 build(RobotSpec, header['robot'], f'{where}: robot'), header)


def _open_end(file: Path, count: int, last: int) -> str:
    if not count:
        return f'{file.name}: holds no record; its writer was cut off'
    return (f'{file.name}: has no ending after record {last}; its writer still runs or was cut '
            'off, or the end was removed')
