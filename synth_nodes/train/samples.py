"""Labelled observations: what behaviour cloning learns from."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.files import write_atomically
from synth_nodes.tasks.observation import ObservationSpec


@dataclass(frozen=True)
class Samples:
    """N observations with the command that was right."""

    scan: NDArray[np.float16]
    """[m], shape (N, history, sectors); half precision errs by 4 mm at 8 m."""
    goal: NDArray[np.float32]
    """Shape (N, 3), see PathFollower.goal."""
    velocity: NDArray[np.float32]
    """vx, vy [m/s], wz [rad/s], shape (N, 3)."""
    command: NDArray[np.float32]
    """vx [m/s], wz [rad/s], shape (N, 2)."""
    group: NDArray[np.int32]
    """Shape (N,): building or recording it came from; a group is never split over
    training and validation."""

    def __len__(self) -> int:
        return len(self.command)

    def take(self, index: NDArray[np.integer] | NDArray[np.bool_]) -> 'Samples':
        """Pick some of the samples."""
        return Samples(*(getattr(self, f.name)[index] for f in fields(self)))

    def in_parts(self, count: int) -> 'Samples':
        """
        Cut each group into parts of samples that follow one another, where groups are few.

        :param count: groups that are wanted, and parts that a group is cut into.
        :return: itself where there are as many groups.
        """
        groups = np.unique(self.group)
        if len(groups) >= count:
            return self
        part = np.empty(len(self), np.int32)
        for k, group in enumerate(groups):
            rows = np.flatnonzero(self.group == group)
            part[rows] = count * k + np.arange(len(rows)) * count // len(rows)
        return replace(self, group=part)

    @classmethod
    def empty(cls, spec: ObservationSpec) -> 'Samples':
        """Make a set without samples."""
        return cls(np.zeros((0, spec.history, spec.sectors), np.float16),
                   np.zeros((0, 3), np.float32), np.zeros((0, 3), np.float32),
                   np.zeros((0, 2), np.float32), np.zeros(0, np.int32))

    @classmethod
    def join(cls, parts: Sequence['Samples']) -> 'Samples':
        """Put sets one after another."""
        return cls(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(cls)))

    def check(self, spec: ObservationSpec, where: str) -> None:
        """
        Check shapes and values.

        :raises InputError: naming the first array that is wrong.
        """
        count = len(self.command)
        shapes = {'scan': (count, spec.history, spec.sectors), 'goal': (count, 3),
                  'velocity': (count, 3), 'command': (count, 2), 'group': (count,)}
        for name, shape in shapes.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise InputError(
                    f"{where}: array '{name}' has shape {array.shape}, but the observation "
                    f'settings make it {shape}; record anew with these settings')
            if not np.isfinite(array).all():
                raise InputError(f"{where}: array '{name}' has values that are not finite")

    def save(self, path: Path) -> None:
        """Write as compressed npz, in one step."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **{f.name: getattr(self, f.name) for f in fields(self)})
        write_atomically(Path(path), buffer.getvalue())

    @classmethod
    def load(cls, path: Path, spec: ObservationSpec) -> 'Samples':
        """
        Read what :meth:`save` wrote.

        :raises InputError: when the file is missing, damaged, or of another layout.
        """
        try:
            with np.load(path, allow_pickle=False) as data:
                samples = cls(*(data[f.name] for f in fields(cls)))
        except Exception as error:  # numpy and zipfile raise many classes for a bad file
            raise InputError(f'cannot read samples {path}: {error}; record them again') from None
        samples.check(spec, str(path))
        return samples
