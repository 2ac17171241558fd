"""Errands of a pool on a device: all paths of all maps, end to end."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from synth_nodes.gpu.kernels.follow import Errands
from synth_nodes.gpu.upload import fill
from synth_nodes.tasks.course import ErrandPool
from synth_nodes.tasks.path import resample


def upload_errands(pool: ErrandPool, maps: int, device: Any) -> Any:
    """
    Plan whatever of a pool has not been planned yet, and copy it.

    :param maps: how many maps the pool has errands in.
    :return: an `Errands` of the kernels; errand n of map m is number m * size + n.
    :raises NoPathError: when a map has hardly any way of fitting length.
    """
    errands = [pool.errand(m, n) for m in range(maps) for n in range(pool.size)]
    paths = [resample(errand.path) for errand in errands]
    lengths = [np.hypot(*np.diff(path, axis=0).T).sum() for path in paths]
    return fill(Errands, SimpleNamespace(
        points=np.concatenate(paths), first=np.cumsum([0, *map(len, paths)]),
        length=np.array(lengths), start=np.stack([errand.start for errand in errands]),
        size=pool.size), device)
