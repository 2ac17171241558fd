"""Reading data sets by memory-mapping: what is not asked for is not read."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.schema import Schema, SPLITS
from synth_nodes.dataset.store import CHUNK, chunk_folders, digest_of, read_schema
from synth_nodes.errors import InputError
from synth_nodes.files import read_json, sha256_of

Array = NDArray[Any]


class DataSet:
    """A data set on the disk."""

    def __init__(self, folder: str | Path) -> None:
        """
        Open; only headers are read.

        :raises InputError: when there is no data set, or a chunk does not fit the header.
        """
        self.folder = Path(folder)
        self.schema: Schema = read_schema(folder)
        self.chunks = chunk_folders(self.folder)
        """Folder of each chunk."""
        self._columns = [self._open(chunk) for chunk in self.chunks]
        counts = [len(c['stamp']) for c in self._columns]
        self.offsets = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        """Number of the first record of each chunk, and of records in all at the end."""

    def __len__(self) -> int:
        return int(self.offsets[-1])

    def columns(self, chunk: int) -> dict[str, Array]:
        """Give the memory-mapped fields of one chunk, each of shape (records, ...)."""
        return self._columns[chunk]

    def read(self, name: str) -> Array:
        """
        Read a field of all records into memory.

        :raises InputError: when there is none of that name.
        """
        field = self.schema.column(name)
        if not self._columns:
            return np.zeros((0, *field.shape), field.dtype)
        return np.concatenate([c[name] for c in self._columns])

    def take(self, index: Iterable[int] | NDArray[np.integer] | NDArray[np.bool_],
             names: Sequence[str] = ()) -> dict[str, Array]:
        """
        Read some records into memory, in the order asked for.

        :param index: numbers of records, or a mask over all, shape (N,).
        :param names: fields; all where empty.
        :raises InputError: on a number out of range, or an unknown field.
        """
        rows = np.asarray(list(index) if not isinstance(index, np.ndarray) else index)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        if len(rows) and not (0 <= rows.min() and rows.max() < len(self)):
            raise InputError(f'data set {self.folder}: record {rows.min()} or {rows.max()} is '
                             f'outside [0, {len(self)})')
        chosen = names or [f.name for f in self.schema.fields]
        which = np.searchsorted(self.offsets, rows, side='right') - 1
        out = {}
        for name in chosen:
            field = self.schema.column(name)
            values = np.empty((len(rows), *field.shape), field.dtype)
            for chunk in np.unique(which):
                mine = which == chunk
                values[mine] = self._columns[chunk][name][rows[mine] - self.offsets[chunk]]
            out[name] = values
        return out

    def split(self, name: str) -> NDArray[np.int64]:
        """
        Numbers of the records in a split, increasing.

        :param name: 'train', 'validation' or 'test'.
        :raises InputError: on another word.
        """
        if name not in SPLITS:
            raise InputError(f"split '{name}' must be one of {', '.join(SPLITS)}")
        wanted = [n for n, place in enumerate(self.schema.places) if place.split == name]
        return np.flatnonzero(np.isin(self.read('place'), wanted)).astype(np.int64)

    def sequences(self) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Yield the number of each drive with its records in order of time."""
        number, stamp = self.read('sequence'), self.read('stamp')
        order = np.lexsort((stamp, number))
        starts = np.flatnonzero(np.diff(number[order], prepend=-1))
        for rows in np.split(order, starts[1:]) if len(order) else []:
            yield int(number[rows[0]]), rows.astype(np.int64)

    def digest(self) -> str:
        """Hash of all contents: of the schema's fields and of every file's own hash."""
        return digest_of(self.schema, self.chunks)

    def verify(self) -> list[str]:
        """Compare every file with its hash; return what is wrong, in words, or nothing."""
        wrong = []
        for chunk in self.chunks:
            for name, digest in read_json(chunk / CHUNK, 'chunk')['sha256'].items():
                file = chunk / f'{name}.npy'
                if not file.is_file():
                    wrong.append(f'{file}: is missing')
                elif sha256_of(file) != digest:
                    wrong.append(f'{file}: was altered after it was written')
        return wrong

    def _open(self, chunk: Path) -> dict[str, Array]:
        records = read_json(chunk / CHUNK, 'chunk').get('records')
        columns: dict[str, Array] = {}
        for field in self.schema.fields:
            file = chunk / f'{field.name}.npy'
            try:
                array = np.load(file, mmap_mode='r', allow_pickle=False)
            except (OSError, ValueError) as error:
                raise InputError(f'data set file {file}: cannot be read ({error}); restore it, or '
                                 f'remove {chunk}') from None
            if array.shape != (records, *field.shape) or array.dtype != field.dtype:
                raise InputError(
                    f'data set file {file}: holds {array.dtype} of shape {array.shape}, not '
                    f'{field.dtype} of shape {(records, *field.shape)}')
            columns[field.name] = array
        return columns
