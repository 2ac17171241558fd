"""
The model registry: versions in folders of their own, and one pointer to the current one.

Layout: `versions/<id>/policy.onnx`, `versions/<id>/policy.json`, and `current.json` with the
current version and those promoted before it. Versions never change; the pointer is replaced in
one step, so a reader sees the old version or the new one, never a mixture. No torch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import fcntl
import json
from pathlib import Path

from synth_nodes.errors import InputError
from synth_nodes.export.staging import staged_folder
from synth_nodes.files import write_atomically
from synth_nodes.policy.contract import (
    CONTRACT_FILE,
    POLICY_FILE,
    PolicyContract,
    read_contract,
)

POINTER = 'current.json'
_HISTORY = 100
"""Promotions remembered for rolling back."""


@dataclass(frozen=True)
class ModelVersion:
    """One entry of the registry."""

    id: str
    path: Path
    contract: PolicyContract
    current: bool


def is_registry(path: Path) -> bool:
    """Whether a folder is a registry that has a current version."""
    return (Path(path) / POINTER).is_file()


def files_in(folder: Path) -> tuple[Path, Path]:
    """Name the ONNX file and the contract file in a folder."""
    return folder / POLICY_FILE, folder / CONTRACT_FILE


def read_pair(model: Path, contract_file: Path) -> tuple[bytes, PolicyContract]:
    """
    Read a policy and its contract, and check that they belong together.

    :param model: ONNX file.
    :param contract_file: the one written with it; `infer.locate.locate_policy` finds both.
    :raises InputError: when a file is missing, truncated, or not the other's.
    """
    try:
        content = model.read_bytes()
    except OSError as error:
        raise InputError(
            f'cannot read model {model}: {error.strerror}; give a folder that synth-nodes '
            'train or export made') from None
    contract = read_contract(contract_file)
    contract.check_file(content, str(model))
    return content, contract


class Registry:
    """Versions of a policy, one of them current."""

    def __init__(self, root: Path | str) -> None:
        self.root = Path(root)
        self._versions = self.root / 'versions'

    def add(self, folder: Path | str) -> str:
        """
        Take an exported policy in, without promoting it.

        :param folder: with `policy.onnx` and `policy.json`.
        :return: its id: a running number and the start of its checksum.
        :raises InputError: when the files are missing or don't belong together.
        """
        content, contract = read_pair(*files_in(Path(folder)))
        with self._locked():
            number = 1 + max((int(v.split('-')[0]) for v in self._ids()), default=0)
            version = f'{number:04d}-{contract.sha256[:8]}'
            with staged_folder(self._versions / version) as staging:
                (staging / POLICY_FILE).write_bytes(content)
                (staging / CONTRACT_FILE).write_text(contract.to_json(), encoding='utf-8')
        return version

    def promote(self, version: str) -> None:
        """
        Make a version the current one.

        :raises InputError: when it is unknown or its files are damaged.
        """
        self.verify(version)
        with self._locked():
            history = tuple(v for v in self._history() if v in self._ids())
            if not history or history[-1] != version:
                self._point((*history, version))

    def rollback(self) -> str:
        """
        Make the version that was current before this one current again.

        :return: its id.
        :raises InputError: when there is none, or its files are damaged.
        """
        with self._locked():
            history = self._history()
            if len(history) < 2:
                raise InputError(
                    f'registry {self.root} has no earlier version to roll back to; '
                    'promote one (synth-nodes models promote ID)')
            self.verify(history[-2])
            self._point(history[:-1])
        return history[-2]

    def current(self) -> str | None:
        """Id of the current version; None before the first promotion."""
        history = self._history()
        return history[-1] if history else None

    def path(self, version: str | None = None) -> Path:
        """
        Folder of a version, of the current one where None.

        :raises InputError: when it is unknown or nothing is promoted yet.
        """
        chosen = version or self.current()
        if chosen is None:
            raise InputError(
                f'registry {self.root} has no current version; promote one of: '
                f'{", ".join(self._ids()) or "(empty)"}')
        if chosen not in self._ids():
            raise InputError(
                f"registry {self.root} has no version '{chosen}'; it has: "
                f'{", ".join(self._ids()) or "(none)"}')
        return self._versions / chosen

    def list(self) -> list[ModelVersion]:
        """All versions, oldest first."""
        current = self.current()
        return [ModelVersion(v, self._versions / v,
                             read_contract(self._versions / v / CONTRACT_FILE), v == current)
                for v in self._ids()]

    def verify(self, version: str) -> PolicyContract:
        """
        Check a version's files against its contract.

        :return: the contract.
        :raises InputError: when the version is unknown or its files are damaged.
        """
        return read_pair(*files_in(self.path(version)))[1]

    def _ids(self) -> tuple[str, ...]:
        if not self._versions.is_dir():
            return ()
        return tuple(sorted(f.name for f in self._versions.iterdir()
                            if f.is_dir() and f.name.split('-')[0].isdigit()))

    def _history(self) -> tuple[str, ...]:
        pointer = self.root / POINTER
        try:
            history = json.loads(pointer.read_text(encoding='utf-8'))['promoted']
        except FileNotFoundError:
            return ()
        except (ValueError, KeyError, TypeError):
            raise InputError(
                f'registry pointer {pointer} is damaged; delete it and promote a version '
                '(synth-nodes models promote ID)') from None
        return tuple(str(v) for v in history)

    def _point(self, history: tuple[str, ...]) -> None:
        text = json.dumps({'current': history[-1], 'promoted': history[-_HISTORY:]}, indent=2)
        write_atomically(self.root / POINTER, (text + '\n').encode())

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time change the registry; the lock ends with its process."""
        self.root.mkdir(parents=True, exist_ok=True)
        with open(self.root / '.lock', 'w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
