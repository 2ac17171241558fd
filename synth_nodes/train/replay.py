"""
Recorded samples on disk: bounded, whole after a loss of power, interventions kept longer.

    FOLDER/ordinary/chunks/000017/...        samples that the safety monitor let pass
    FOLDER/interventions/chunks/000003/...   samples where it changed the command

Chunks are those of data sets (`synth_nodes/dataset/store.py`): each whole or not there. A kind
that is full keeps a sample of all chunks that ever came, each as likely (Vitter 1985, algorithm
R), so that old days stay beside new ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.store import CHUNK, chunk_folders, CHUNKS, write_chunk
from synth_nodes.errors import InputError
from synth_nodes.files import read_json, remove, sha256_of, write_json
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.train.risk_samples import RiskSamples
from synth_nodes.train.samples import Samples

KINDS = ('ordinary', 'interventions')
Columns = Mapping[str, NDArray[Any]]
_SEEN = 'seen.json'
_COLUMNS = ('scan', 'goal', 'velocity', 'command', 'wanted', 'contact', 'stamp')


class ReplayStore:
    """Samples of both kinds, as many chunks of each as are allowed."""

    def __init__(self, folder: Path | str, chunks: int, seed: int = 0) -> None:
        """
        Open, or go on with what is there.

        :param chunks: kept of each kind: interventions, which are rare, have as much room as all
            that is ordinary, so they go later.
        :param seed: of which chunks are kept.
        """
        self._folder, self._chunks, self._seed = Path(folder), chunks, seed
        self.passed_over = 0
        """Damaged chunks that the newest reading left out."""
        for kind in KINDS:
            (self._folder / kind / CHUNKS).mkdir(parents=True, exist_ok=True)
            for left in (self._folder / kind / CHUNKS).glob('.*'):
                remove(left)

    def add(self, kind: str, columns: Columns) -> None:
        """
        Add a chunk, and drop one where there are too many; on disk when this returns.

        :param kind: one of :data:`KINDS`.
        :param columns: `scan`, `goal`, `velocity`, `command` as in :class:`Samples`, `wanted`
            (N, 3), the command before the monitor, `contact` (N,), time to contact with it [s],
            `stamp` (N,).
        """
        place = self._folder / kind
        there = chunk_folders(place)
        number = self._count(place, there)
        # The count first: after a loss of power a chunk more has been seen, none is seen twice.
        write_json(place / _SEEN, {'seen': number + 1})
        if len(there) >= self._chunks:
            row = int(np.random.default_rng((self._seed, number)).integers(number + 1))
            if row >= len(there):
                return
            write_chunk(place, number, columns)
            remove(there[row])
        else:
            write_chunk(place, number, columns)

    def counts(self) -> dict[str, int]:
        """Count the samples of each kind, but for damaged chunks."""
        count = dict.fromkeys(KINDS, 0)
        for kind, columns in self._read():
            count[kind] += len(columns['stamp'])
        return count

    def samples(self, spec: ObservationSpec, weight: int = 1) -> Samples:
        """
        Read all; each chunk is a group.

        :param weight: how often an intervention counts.
        :raises InputError: when they were recorded with other settings of observations.
        """
        parts = [Samples.empty(spec)]
        for group, (kind, columns) in enumerate(self._read()):
            count = len(columns['stamp'])
            columns['group'] = np.full(count, group, np.int32)
            part = Samples(*(columns[f.name] for f in fields(Samples)))
            part.check(spec, f'replay store {self._folder}')
            if kind == 'interventions':
                part = part.take(np.repeat(np.arange(count), weight))
            parts.append(part)
        return Samples.join(parts)

    def risk_samples(self, kind: str | None = None) -> RiskSamples | None:
        """
        Give what the wanted commands would have led to, for a collision predictor.

        :param kind: one of :data:`KINDS`; both where None.
        :return: None where there is nothing.
        """
        read = [columns for _, columns in self._read(KINDS if kind is None else (kind,))]
        if not read:
            return None
        scan, wanted, contact = (np.concatenate([c[name] for c in read])
                                 for name in ('scan', 'wanted', 'contact'))
        count, history = scan.shape[:2]
        return RiskSamples(
            scan.reshape(count * history, -1).astype(np.float32),
            np.arange(count * history).reshape(count, history),
            wanted[:, None].astype(np.float32), contact[:, None].astype(np.float32))

    def _read(self, kinds: Sequence[str] = KINDS) -> list[tuple[str, dict[str, NDArray[Any]]]]:
        """Read the chunks of some kinds that are as they were written, and count the others."""
        read = [(kind, _intact(chunk)) for kind in kinds
                for chunk in chunk_folders(self._folder / kind)]
        found = [(kind, columns) for kind, columns in read if columns is not None]
        self.passed_over = len(read) - len(found)
        for _, columns in found:
            if missing := sorted(set(_COLUMNS) - set(columns)):
                raise InputError(f"replay store {self._folder}: its chunks have no "
                                 f"{', '.join(missing)}; give a folder of its own")
        layouts = {columns['scan'].shape[1:] for _, columns in found}
        if len(layouts) > 1:
            raise InputError(f'replay store {self._folder}: holds scans of several layouts '
                             f'(history, sectors): {sorted(layouts)}; give a folder to each')
        return found

    @staticmethod
    def _count(place: Path, there: list[Path]) -> int:
        """Chunks that ever came; where that is not legible, those there are told from."""
        least = 1 + max((int(c.name) for c in there), default=-1)
        try:
            return max(least, int(read_json(place / _SEEN, 'replay store')['seen']))
        except (InputError, KeyError, TypeError, ValueError):
            return least


def _intact(chunk: Path) -> dict[str, NDArray[Any]] | None:
    """Read a chunk; None where it is not as it was written."""
    try:
        hashes = read_json(chunk / CHUNK, 'chunk')['sha256']
        if any(sha256_of(chunk / f'{name}.npy') != h for name, h in hashes.items()):
            return None
        return {name: np.load(chunk / f'{name}.npy') for name in hashes}
    except (InputError, OSError, AttributeError, KeyError, TypeError, ValueError):
        return None
