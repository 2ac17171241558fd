"""
Batches of a data set for torch, shuffled, without the whole set in memory.

Chunks are taken in random order, a few at a time; their records are shuffled together. So the
disk is read in long runs, and a record's neighbours in a batch come from several chunks. Numpy
alone does the work: a torch `DataLoader` adds processes where reading must overlap learning.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch
from torch.utils.data import DataLoader, get_worker_info, IterableDataset

from synth_nodes.dataset.reader import DataSet
from synth_nodes.errors import InputError

Batch = dict[str, torch.Tensor]


@dataclass(frozen=True)
class LoaderPlan:
    """What to load, and how."""

    split: str = 'train'
    names: tuple[str, ...] = ()
    """Fields; all where empty."""
    batch_size: int = 256
    shuffle: bool = True
    seed: int = 0
    mixing: int = 4
    """Chunks whose records are shuffled together."""
    drop_last: bool = False
    """Whether to leave out a last batch that is not full."""


class Batches(IterableDataset[Batch]):
    """Batches of one split; each pass shuffles anew, the same for the same seed and pass."""

    def __init__(self, data: DataSet, plan: LoaderPlan) -> None:
        """
        Prepare.

        :raises InputError: on an unknown split or field, or an empty split.
        """
        rows = data.split(plan.split)
        if not len(rows):
            places = ', '.join(f'{p.name}={p.split}' for p in data.schema.places) or 'none'
            raise InputError(f"data set {data.folder}: split '{plan.split}' is empty; its places "
                             f'are {places}')
        for name in plan.names:
            data.schema.column(name)
        self._data, self._plan = data, plan
        self._names = plan.names or tuple(f.name for f in data.schema.fields)
        chunk = np.searchsorted(data.offsets, rows, side='right') - 1
        self._parts = [(int(c), rows[chunk == c] - data.offsets[c]) for c in np.unique(chunk)]
        self._pass = 0
        self.records = len(rows)
        """Records in the split."""

    def __iter__(self) -> Iterator[Batch]:
        plan, worker = self._plan, get_worker_info()
        rng = np.random.default_rng([plan.seed, self._pass])
        self._pass += 1
        order = rng.permutation(len(self._parts)) if plan.shuffle else np.arange(len(self._parts))
        if worker is not None:
            order = order[worker.id::worker.num_workers]
        left: dict[str, NDArray[Any]] = {}
        for begin in range(0, len(order), plan.mixing):
            pool = self._pool([self._parts[k] for k in order[begin:begin + plan.mixing]], left)
            count = len(pool[self._names[0]])
            index = rng.permutation(count) if plan.shuffle else np.arange(count)
            full = count - count % plan.batch_size
            for k in range(0, full, plan.batch_size):
                yield _tensors(pool, index[k:k + plan.batch_size])
            left = {name: array[index[full:]] for name, array in pool.items()}
        if left and len(left[self._names[0]]) and not plan.drop_last:
            yield _tensors(left, np.arange(len(left[self._names[0]])))

    def _pool(self, parts: Sequence[tuple[int, NDArray[np.int64]]],
              left: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Read the records of some chunks, after those left from the chunks before."""
        out = {}
        for name in self._names:
            arrays = [left[name]] if left else []
            arrays += [self._data.columns(chunk)[name][rows] for chunk, rows in parts]
            out[name] = np.concatenate(arrays)
        return out


def loader(data: DataSet, plan: LoaderPlan, workers: int = 0) -> DataLoader[Batch]:
    """
    Make a torch `DataLoader`, one item of which is a batch: tensors by name, shape (N, ...).

    :param workers: processes that read ahead; 0 reads in this one, which is fastest for records
        of a few kilobytes.
    """
    return DataLoader(Batches(data, plan), batch_size=None, num_workers=workers,
                      persistent_workers=workers > 0)


def _tensors(pool: dict[str, NDArray[Any]], index: NDArray[np.int64]) -> Batch:
    return {name: torch.from_numpy(array[index]) for name, array in pool.items()}
