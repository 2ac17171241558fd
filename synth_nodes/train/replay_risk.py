"""What the safety monitor stopped, as samples of the collision predictor."""

from dataclasses import dataclass
import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from synth_nodes.errors import InputError
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.train.replay import KINDS, ReplayStore
from synth_nodes.train.risk_samples import BLOCK, EVERY, RiskData, RiskSamples


@dataclass(frozen=True)
class ReplayRisk:
    """The samples of one replay store, split, and what the card says of them."""

    data: RiskData
    origin: dict[str, Any]


def replay_risk(folder: Path, spec: ObservationSpec, weight: int) -> ReplayRisk:
    """
    Read a replay store; every fifth block of 25 successive samples of a kind only checks.

    Commands that the monitor let pass count as free, those it changed by the time to contact that
    it saw coming. Robots that touch something to begin with are left out.

    :param folder: that `trainer_node` keeps; nothing must write into it meanwhile.
    :param spec: layout that its scans must have.
    :param weight: how often an intervention to learn from counts.
    :raises InputError: when it is no replay store, empty, or of another layout.
    """
    if not all((folder / kind).is_dir() for kind in KINDS):
        raise InputError(f"'{folder}' is no replay store: it has no folders "
                         f"{' and '.join(KINDS)}; name what trainer_node keeps (replay)")
    store = ReplayStore(folder, 1)
    train, held, counts = [], [], {}
    digest = hashlib.sha256()
    for kind in KINDS:
        read = store.risk_samples(kind)
        if read is None:
            continue
        shape = read.history.shape[1], read.sectors.shape[1]
        if shape != (spec.history, spec.sectors):
            raise InputError(
                f"replay store '{folder}' holds {shape[0]} scans of {shape[1]} sectors, but "
                f'observation.history = {spec.history} and observation.sectors = {spec.sectors} '
                'are asked for; set them so')
        for part in (read.sectors, read.command, read.contact):
            digest.update(np.ascontiguousarray(part).tobytes())
        rows = np.flatnonzero((read.contact[:, 0] > 0.0)
                              & np.isfinite(read.command).all(axis=(1, 2)))
        counts[kind] = len(rows)
        apart = np.arange(len(rows)) // BLOCK % EVERY == EVERY - 1
        times = weight if kind == 'interventions' else 1
        train.append(read.take(np.repeat(rows[~apart], times)))
        held.append(read.take(rows[apart]))
    if not train:
        raise InputError(f"replay store '{folder}' is empty; let trainer_node record first")
    name = folder.resolve().name
    learn = _join(train)
    data = RiskData(name, learn, _join(held), learn.take(np.zeros(0, np.int64)),
                    digest.hexdigest())
    return ReplayRisk(data, {'name': name, 'digest': data.digest, **counts,
                             'intervention_weight': weight})


def _join(parts: list[RiskSamples]) -> RiskSamples:
    """Put samples one after another."""
    first = np.cumsum([0, *(len(p.sectors) for p in parts[:-1])])
    return RiskSamples(
        np.concatenate([p.sectors for p in parts]),
        np.concatenate([p.history + n for p, n in zip(parts, first, strict=True)]),
        np.concatenate([p.command for p in parts]), np.concatenate([p.contact for p in parts]))
