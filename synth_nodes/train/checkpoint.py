"""Checkpoints of training: whole or not there, of one training alone, enough to go on exactly."""

from collections.abc import Mapping
import io
from pathlib import Path
import time
from typing import Any

import torch

from synth_nodes.errors import InputError
from synth_nodes.files import write_atomically

SAVE_EVERY = 60.0
"""[s] between checkpoints of work that can be saved at any step."""


class Checkpoint:
    """The file in which one training keeps where it stands."""

    def __init__(self, path: Path, identity: Mapping[str, Any]) -> None:
        """
        Name the file; nothing is read or written yet.

        :param path: the file, replaced in one step each time.
        :param identity: settings and data that the result depends on, plain values; leave out
            what does not change it, such as the device or the number of threads.
        """
        self.path = path
        self._identity = _plain(identity)
        self._saved = time.monotonic()

    def due(self) -> bool:
        """Say whether nothing was written for as long as work may be lost."""
        return time.monotonic() - self._saved >= SAVE_EVERY

    def save(self, state: Mapping[str, Any]) -> None:
        """
        Write where training stands, on disk before this returns.

        :param state: tensors, numbers, strings, lists and mappings of them; and by
            :func:`random_states` what chance draws next.
        """
        buffer = io.BytesIO()
        torch.save({'identity': self._identity, 'state': dict(state)}, buffer)
        write_atomically(self.path, buffer.getvalue())
        self._saved = time.monotonic()

    def load(self, device: str = 'cpu') -> dict[str, Any] | None:
        """
        Read what was saved last; None where nothing was.

        :param device: where tensors go.
        :raises InputError: when the file is damaged, or of other settings or data.
        """
        if not self.path.is_file():
            return None
        try:
            content = torch.load(self.path, map_location=device, weights_only=True)
            identity, state = content['identity'], dict(content['state'])
        except Exception as error:  # torch, zipfile and pickle raise many classes for a bad file
            reason = str(error).partition('\n')[0]
            raise InputError(f'checkpoint {self.path}: cannot be read ({reason}); delete it to '
                             'begin anew') from None
        other = [k for k in {**identity, **self._identity}
                 if identity.get(k) != self._identity.get(k)]
        if other:
            raise InputError(f'checkpoint {self.path}: was written with other settings or data '
                             f"({', '.join(other)}); give the same ones to go on, or another "
                             'folder')
        return state

    def remove(self) -> None:
        """Remove the file: training is done."""
        self.path.unlink(missing_ok=True)


def random_states() -> dict[str, Any]:
    """Note what torch's own generators draw next, on the CPU and on every GPU in use."""
    used = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    cuda = torch.cuda.get_rng_state_all() if used else []
    return {'cpu': torch.get_rng_state(), 'cuda': cuda}


def restore_random(states: Mapping[str, Any]) -> None:
    """Make torch's generators go on from what :func:`random_states` noted."""
    torch.set_rng_state(states['cpu'].cpu())
    if states['cuda']:
        torch.cuda.set_rng_state_all([state.cpu() for state in states['cuda']])


def _plain(value: Any) -> Any:
    """Give mappings and tuples the form in which they come back from a file."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value


def learning_state(net: torch.nn.Module, optimiser: torch.optim.Optimizer) -> dict[str, Any]:
    """Give weights, the optimiser's memory and chance, for :meth:`Checkpoint.save`."""
    return {'net': net.state_dict(), 'optimiser': optimiser.state_dict(),
            'random': random_states()}


def restore_learning(state: Mapping[str, Any], net: torch.nn.Module,
                     optimiser: torch.optim.Optimizer) -> None:
    """Take back what :func:`learning_state` gave."""
    net.load_state_dict(state['net'])
    optimiser.load_state_dict(state['optimiser'])
    restore_random(state['random'])
