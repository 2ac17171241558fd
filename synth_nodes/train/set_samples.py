"""What behaviour cloning learns from data sets: simulated drives and what the expert would do."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from synth_nodes.dataset.reader import DataSet
from synth_nodes.errors import InputError
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.train.risk_samples import histories, pooled_scans, robot_of
from synth_nodes.train.samples import Samples
from synth_nodes.types import RobotSpec

NEEDED = ('scan', 'goal', 'velocity', 'expert')


def samples_of(sets: Sequence[DataSet], robot: RobotSpec, spec: ObservationSpec) -> Samples:
    """
    Turn the drives of data sets into labelled observations.

    Places for testing are left out. A place is a group: it is learned from or checked by, as a
    whole.

    :param sets: with the fields `scan`, `goal`, `velocity` and `expert`.
    :param robot: what is trained; simulated drives must be of the same.
    :raises InputError: when a set is of another robot, lacks a field, or has nothing to learn
        from.
    """
    robot_of(list(sets), robot)
    parts, groups = [Samples.empty(spec)], 0
    for data in sets:
        part = _samples(data, spec, groups)
        groups += len(data.schema.places)
        parts.append(part)
    return Samples.join(parts)


def origins(sets: Sequence[DataSet]) -> list[Mapping[str, Any]]:
    """Say what data sets hold, for the contract of what is learned from them."""
    return [{'name': s.schema.name, 'digest': s.digest(), 'records': len(s)} for s in sets]


def _samples(data: DataSet, spec: ObservationSpec, first_group: int) -> Samples:
    lacking = set(NEEDED) - {f.name for f in data.schema.fields}
    if lacking:
        raise InputError(f"data set {data.folder}: has no field '{min(lacking)}', so no expert to "
                         "clone; give one that 'synth-nodes generate' wrote")
    rows = np.concatenate([data.split('train'), data.split('validation')])
    part = data.take(rows, ('goal', 'velocity', 'expert', 'place'))
    known = np.isfinite(part['velocity']).all(axis=1) & np.isfinite(part['expert']).all(axis=1)
    if not known.any():
        raise InputError(f'data set {data.folder}: no record of a place for training or '
                         "validation has 'velocity' and 'expert'; see 'synth-nodes dataset info', "
                         'and give --split PLACE=train when importing or merging')
    pooled = pooled_scans(data, spec, np.float16)
    goal = part['goal'][known].astype(np.float32)
    goal[:, 2] = np.clip(goal[:, 2], 0.0, spec.goal_range)
    return Samples(pooled[histories(data, spec)[rows[known]]], goal,
                   part['velocity'][known].astype(np.float32), part['expert'][known],
                   (first_group + part['place'][known]).astype(np.int32))
