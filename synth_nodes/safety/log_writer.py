"""Writing a safety log: appends, rotation, the chain. Everything here may wait for the disk."""

from collections.abc import Callable
import errno
import fcntl
import os
from pathlib import Path
from typing import Any

from synth_nodes.errors import InputError
from synth_nodes.safety.log_files import file_name, last_frame, log_files, SafetyLogSettings
from synth_nodes.safety.log_format import (
    DIGEST,
    Encoder,
    Ending,
    frame,
    HEAD,
    Header,
    MAGIC,
    NO_DIGEST,
    Record,
)

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EIO)
"""Errors of a disk that may pass, unlike those of a wrong name."""
_ENDING = 64 + DIGEST + HEAD.size
"""Bytes kept free for the last record of a file."""


class LogWriter:
    """
    Appends records to the files of one folder, one chain from the first to the last.

    A record is on its way to the disk when :meth:`write` returns, or none of it is in the file.
    Where a chain is there already, it goes on, in a new file.
    """

    def __init__(self, settings: SafetyLogSettings, content: Callable[[], dict[str, Any]]) -> None:
        """
        Claim the folder; the first file is begun by the first record.

        :param content: what the header of a file says, index and digest before aside.
        :raises InputError: where the folder cannot be had.
        :raises OSError: where the disk is full or broken.
        """
        self._settings, self._content = settings, content
        self._folder = Path(settings.folder).expanduser()
        self._lock = _claim(self._folder)
        self._file: int | None = None
        self._size = 0
        self._encoder = Encoder()
        try:
            self._index, self.number, self.digest = self._last()
        except OSError:
            os.close(self._lock)
            raise

    def write(self, record: Record) -> int:
        """
        Append a record.

        :return: bytes written.
        :raises OSError: when the disk does not take it; the file ends with the record before.
        :raises ValueError: for a record that is larger than a whole file.
        """
        written = 0
        if self._file is None:
            written += self._begin()
        payload = self._encoder.encode(record)
        if self._size + self._needed(payload) > self._settings.max_bytes:
            self._finish('rotated')
            written += self._begin()
            payload = self._encoder.encode(record)
            if self._size + self._needed(payload) > self._settings.max_bytes:
                self._encoder = Encoder()
                raise ValueError(f'a record of {len(payload)} bytes does not fit into a file of '
                                 f"max_bytes = {self._settings.max_bytes}; raise 'max_bytes'")
        return written + self._append(payload)

    def sync(self) -> None:
        """Wait until all is on the disk."""
        if self._file is not None:
            os.fdatasync(self._file)

    def close(self) -> None:
        """
        End the chain for now and give the folder free.

        :raises OSError: when the disk does not take the ending; the folder is free all the same.
        """
        try:
            if self._file is not None:
                self._finish('closed')
        finally:
            os.close(self._lock)

    def _needed(self, payload: bytes) -> int:
        return len(payload) + HEAD.size + DIGEST + _ENDING

    def _begin(self) -> int:
        """Open the next file with its header, and remove the oldest ones."""
        index = self._index + 1
        path = self._folder / file_name(index)
        for _, old in log_files(self._folder)[:-(self._settings.files - 1)]:
            old.unlink()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        self._index, self._size, self._encoder = index, 0, Encoder()
        header = {**self._content(), 'index': index, 'digest_before': self.digest.hex()}
        try:
            _write_all(self._file, MAGIC)
            self._size = len(MAGIC)
            return self._size + self._append(self._encoder.encode(Header(header)))
        except OSError:
            self._abandon(path)
            raise

    def _append(self, payload: bytes) -> int:
        assert self._file is not None
        data, digest = frame(self.number, payload, self.digest)
        try:
            _write_all(self._file, data)
        except OSError:
            self._encoder = Encoder()
            self._cut()
            raise
        self.number, self.digest, self._size = self.number + 1, digest, self._size + len(data)
        return len(data)

    def _cut(self) -> None:
        """Take what was written of a record out again; where even that fails, leave the file."""
        assert self._file is not None
        try:
            os.ftruncate(self._file, self._size)
        except OSError:
            os.close(self._file)
            self._file = None

    def _abandon(self, path: Path) -> None:
        """Remove a file whose header could not be written, so that its name is free again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
        path.unlink(missing_ok=True)
        self._index -= 1

    def _finish(self, reason: str) -> None:
        assert self._file is not None
        file = self._file
        try:
            self._append(self._encoder.encode(Ending(reason)))
            os.fdatasync(file)
        finally:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _last(self) -> tuple[int, int, bytes]:
        """Find where the chain ends: index of its last file, next number, last digest."""
        files = log_files(self._folder)
        index = files[-1][0] if files else 0
        for _, path in reversed(files):
            last = last_frame(path.read_bytes())
            if last is not None:
                return index, last.number + 1, last.digest
        return index, 0, NO_DIGEST


def _claim(folder: Path) -> int:
    """Make the folder and lock it; the handle of the lock."""
    what = f"safety log: 'folder' = {folder}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / '.lock', os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        if error.errno in _FULL:
            raise
        raise InputError(f'{what} cannot be written to: {error.strerror}; name another one, '
                         "or '' for no log") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise InputError(f'{what} is in use by another safety monitor; '
                         'give each a folder of its own') from None
    return lock


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view):]
