"""
Writing data sets: a folder with a header and chunks, each of which is whole or not there.

    NAME/dataset.json                 header, see :mod:`synth_nodes.dataset.schema`
    NAME/chunks/000000/chunk.json     records, and the SHA-256 of each file beside it
    NAME/chunks/000000/scan.npy       one .npy file a field, shape (records, ...)

A chunk grows in memory, is written to a hidden folder and moved to its place when all of it is on
the disk. So whatever interrupts the writing, at most the last chunk is lost and what is there can
be relied on. Any program that reads .npy files reads a data set.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np

from synth_nodes.dataset.gate import keep_problems, QUALITY
from synth_nodes.dataset.schema import Field, Place, Schema, schema_from_json, split_of
from synth_nodes.errors import InputError
from synth_nodes.files import read_json, remove, sha256_of, sync_folder, write_json

HEADER = 'dataset.json'
CHUNKS = 'chunks'
CHUNK = 'chunk.json'
RECORDS, BYTES = 8192, 64 * 2**20
"""Records in a chunk where nothing else is said, or fewer, of so many bytes."""

Columns = Mapping[str, Any]
"""Arrays by name of the field, each of shape (N, ...)."""


class Writer:
    """A data set in the making; one that exists is continued."""

    def __init__(self, folder: str | Path, schema: Schema, records: int | None = None,
                 append: bool = False) -> None:
        """
        Begin, or go on with what is there.

        :param folder: of the data set.
        :param schema: fields, sensor, origin; places may be added while writing.
        :param records: in a chunk; where None, 8192 or as many as make 64 MiB.
        :param append: go on with a data set that is there already; its fields and sensor must be
            the same. One that failed its quality gate fails still, until it is judged anew.
        :raises InputError: when there is one and `append` is not set, or it holds other fields.
        """
        self.folder = Path(folder)
        if records is not None and records < 1:
            raise InputError(f'data set {folder}: chunks of {records} records; give 1 or more')
        self._size = records or min(RECORDS, max(1, BYTES // schema.record_bytes))
        self._pending: list[dict[str, np.ndarray[Any, Any]]] = []
        self._waiting = 0
        self._next = 0
        self._told = False
        self.written = 0
        """Records that are safe on the disk, those from before included."""
        there = (self.folder / HEADER).exists()
        self.schema = self._continued(schema, append) if there else schema
        if not there:
            (self.folder / QUALITY).unlink(missing_ok=True)
        (self.folder / CHUNKS).mkdir(parents=True, exist_ok=True)
        for left in (self.folder / CHUNKS).glob('.*'):
            remove(left)
        self._write_header()

    def place(self, name: str, split: str | None = None, digest: str = '') -> int:
        """
        Return the number of a place; a new one is added.

        :param split: of a new place; by a hash of its name where None.
        :param digest: SHA-256 of its map or log.
        """
        schema, number = self.schema.with_place(Place(name, split or split_of(name), digest))
        if schema is not self.schema:
            self.schema, self._told = schema, False
        return number

    @property
    def next_sequence(self) -> int:
        """A number that no sequence has yet."""
        return self._sequences

    def append(self, columns: Columns) -> None:
        """
        Add records.

        :param columns: all fields, each of shape (N, ...).
        :raises InputError: when a field is missing, unknown, or does not fit.
        """
        names = {f.name for f in self.schema.fields}
        if set(columns) != names:
            wrong = sorted(set(columns) ^ names)
            raise InputError(f'data set {self.folder}: fields missing or unknown: '
                             f"{', '.join(wrong)}")
        part = {f.name: f.checked(columns[f.name]) for f in self.schema.fields}
        counts = {name: len(array) for name, array in part.items()}
        if len(set(counts.values())) != 1:
            raise InputError(f'data set {self.folder}: fields of different lengths: {counts}')
        count = counts['stamp']
        if not count:
            return
        if part['place'].min() < 0 or part['place'].max() >= len(self.schema.places):
            raise InputError(f"data set {self.folder}: field 'place' names a place that was not "
                             'added')
        self._sequences = max(self._sequences, int(part['sequence'].max()) + 1)
        self._pending.append(part)
        self._waiting += count
        while self._waiting >= self._size:
            self._flush(self._size)

    def close(self) -> None:
        """Write what still waits."""
        if self._waiting:
            self._flush(self._waiting)
        self._write_header()

    def __enter__(self) -> 'Writer':
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.close()

    _sequences = 0

    def _continued(self, schema: Schema, append: bool) -> Schema:
        if not append:
            raise InputError(f'data set {self.folder}: is there already; give another folder, '
                             'remove it, or say that it is to be continued')
        there = read_schema(self.folder)
        other = differences(there, schema)
        if other:
            raise InputError(f'data set {self.folder}: {other}; records of one kind only can be '
                             'appended: use the settings it was made with, or another folder')
        chunks = chunk_folders(self.folder)
        keep_problems(self.folder, digest_of(there, chunks))
        self._next = 1 + max((int(c.name) for c in chunks), default=-1)
        self.written = sum(read_json(c / CHUNK, 'chunk')['records'] for c in chunks)
        numbers = [np.load(c / 'sequence.npy', mmap_mode='r') for c in chunks]
        self._sequences = 1 + max((int(n.max()) for n in numbers), default=-1)
        runs = [*there.origin.get('runs', [there.origin]), dict(schema.origin)]
        return replace(there, origin={'runs': runs})

    def _write_header(self) -> None:
        """Tell places that are new; no chunk may be there before its places are."""
        if not self._told:
            write_json(self.folder / HEADER, self.schema.to_json())
            self._told = True

    def _flush(self, count: int) -> None:
        """Write the first records that wait as one chunk."""
        taken, left = {}, {}
        for field in self.schema.fields:
            whole = np.concatenate([part[field.name] for part in self._pending])
            taken[field.name], left[field.name] = whole[:count], whole[count:]
        self._write_header()
        write_chunk(self.folder, self._next, taken)
        self._next += 1
        self.written += count
        self._waiting -= count
        self._pending = [left] if self._waiting else []


def write_chunk(folder: Path, number: int, columns: Columns) -> None:
    """Write one chunk in one step; columns are arrays of one length."""
    place = folder / CHUNKS / f'{number:06d}'
    hidden = place.with_name(f'.{place.name}')
    remove(hidden)
    hidden.mkdir(parents=True)
    hashes = {}
    for name, array in columns.items():
        with open(hidden / f'{name}.npy', 'wb') as file:
            np.save(file, array, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        hashes[name] = sha256_of(hidden / f'{name}.npy')
    write_json(hidden / CHUNK, {'records': len(columns['stamp']), 'sha256': hashes})
    os.replace(hidden, place)
    sync_folder(place.parent)


def read_schema(folder: str | Path) -> Schema:
    """
    Read the header of a data set.

    :raises InputError: when there is none or it cannot be used.
    """
    path = Path(folder) / HEADER
    return schema_from_json(read_json(path, 'data set'), str(path))


def check_splits(folder: Path, splits: Mapping[str, str], named: Iterable[str]) -> None:
    """
    Refuse splits that would not come to pass.

    :param folder: of a data set, which may not be there yet.
    :param splits: split by the name of a place, as told.
    :param named: places that are written to it.
    :raises InputError: when one is of no such place, or of one that is in another split already.
    """
    there = {p.name: p.split for p in read_schema(folder).places} if (
        folder / HEADER).exists() else {}
    known = {**dict.fromkeys(named, ''), **there}
    for name, split in splits.items():
        if name not in known:
            raise InputError(f"--split {name}={split}: there is no place '{name}'; it is one of "
                             f"{', '.join(sorted(known))}")
        if there.get(name, split) != split:
            raise InputError(f"--split {name}={split}: data set {folder} has that place in "
                             f"'{there[name]}'; a place is in one split alone")


def chunk_folders(folder: Path) -> list[Path]:
    """List the whole chunks of a data set, in order."""
    chunks = folder / CHUNKS
    return sorted(c for c in chunks.iterdir() if c.name.isdigit()) if chunks.is_dir() else []


def differences(one: Schema, other: Schema) -> str:
    """
    Say in words where fields or sensors of two headers differ; nothing where they do not.

    :param one: 'it' in these words.
    :param other: the records that are to go to it.
    """
    mine, yours = ({f.name: f for f in s.fields} for s in (one, other))
    sensor, wanted = _plain(one.sensor), _plain(other.sensor)
    words = [(f"it has no field '{n}'" if n not in mine else f"only it has the field '{n}'"
              if n not in yours else f"its field '{n}' is {_kind(mine[n])} and not "
              f'{_kind(yours[n])}')
             for n in sorted(mine.keys() | yours.keys()) if mine.get(n) != yours.get(n)]
    words += [f"its sensor differs in '{n}'" for n in sorted(sensor.keys() | wanted.keys())
              if sensor.get(n) != wanted.get(n)]
    return ', '.join(words) or ('' if one.fields == other.fields else
                                'its fields are in another order')


def _kind(field: Field) -> str:
    return f'{field.dtype} of shape {field.shape} [{field.unit}], "{field.help}"'


def digest_of(schema: Schema, chunks: Iterable[Path]) -> str:
    """Hash all contents: the schema's fields, and the hash of every file of the chunks."""
    whole = hashlib.sha256(repr(schema.fields).encode())
    for chunk in chunks:
        for name, digest in sorted(read_json(chunk / CHUNK, 'chunk')['sha256'].items()):
            whole.update(f'{name} {digest}\n'.encode())
    return whole.hexdigest()


def _plain(value: Any) -> Any:
    """Turn tuples into lists, as JSON gives them back."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (list, tuple)) else value
