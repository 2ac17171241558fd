"""Keeps where a cloning stands, and its journal, in a folder: after each pass over the samples."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synth_nodes.train.checkpoint import Checkpoint
from synth_nodes.train.distributed import Group
from synth_nodes.train.journal import Journal

CHECKPOINT = 'checkpoint.pt'


class CloneKeeper:
    """What `clone` tells where it stands, and asks where to go on."""

    def __init__(self, out: Path | None, identity: Mapping[str, Any],
                 tensorboard: bool = False) -> None:
        """
        Read where training stands, if it was begun.

        Of processes that train together the first alone reads and writes.

        :param out: folder for checkpoint, journal and curves; None keeps nothing.
        :param identity: settings and data that the weights depend on, see `Checkpoint`.
        :param tensorboard: whether the journal writes for TensorBoard too.
        :raises InputError: when the checkpoint is of other settings, or damaged.
        """
        group = Group()
        self._checkpoint: Checkpoint | None = None
        self._journal: Journal | None = None
        stand = None
        if out is not None and group.first:
            self._checkpoint = Checkpoint(out / CHECKPOINT, identity)
            self._journal = Journal(out, tensorboard)
            stand = self._checkpoint.load()
        stand = group.from_first(stand) or {'rounds': [], 'fit': None}
        self.rounds: list[dict[str, Any]] = stand['rounds']
        """Weights, chance and passes of each round that is done."""
        self.fit: dict[str, Any] | None = stand['fit']
        """Where the fit of the next round stands."""
        if self._journal is not None:
            self._journal.go_on(self._passes())

    def note(self, fit: dict[str, Any]) -> None:
        """Take where a fit stands after a pass: its passes, and what it takes to go on."""
        self.fit = fit
        self._save()
        if self._journal is not None:
            self._journal.add(self._passes(), self.passes_of(fit)[-1])

    def end_round(self, done: dict[str, Any]) -> None:
        """Take what a round ended with."""
        self.rounds.append(done)
        self.fit = None
        self._save()

    def draw(self) -> None:
        """Draw the curves; the checkpoint stays until the policy is written."""
        if self._journal is not None:
            self._journal.draw()

    @staticmethod
    def passes_of(fit: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Find the passes of a fit so far in what it told."""
        passes: list[dict[str, Any]] = fit['history']
        return passes

    def _passes(self) -> int:
        done = sum(len(r['history']) for r in self.rounds)
        return done + (len(self.passes_of(self.fit)) if self.fit else 0)

    def _save(self) -> None:
        if self._checkpoint is not None:
            self._checkpoint.save({'rounds': self.rounds, 'fit': self.fit})


def forget(out: Path) -> None:
    """Remove the checkpoint of a cloning whose policy is written."""
    (out / CHECKPOINT).unlink(missing_ok=True)
