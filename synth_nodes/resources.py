"""Where the package's own files lie: configuration, launch files, models."""

import os
from pathlib import Path
import sys

from synth_nodes.errors import InputError

PACKAGE = 'synth_nodes'


def checkout() -> Path | None:
    """Return the source checkout that this package is imported from, None when installed."""
    parent = Path(__file__).resolve().parent.parent
    return parent if (parent / 'pyproject.toml').is_file() else None


def roots() -> list[Path]:
    """
    Folders that may hold the package's files, the most specific first.

    A source checkout comes first, then every prefix of the ament index (REP-122), then the
    prefix of the running interpreter, where pip puts data files.
    """
    here = checkout()
    prefixes = [p for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    prefixes += [str(_install_prefix()), sys.prefix]
    shares = [Path(p) / 'share' / PACKAGE for p in dict.fromkeys(prefixes)]
    return ([here] if here else []) + shares


def share(*parts: str) -> Path:
    """
    Find one of the package's own files or folders.

    :param parts: path below the share folder, such as ``'config', 'sim.yaml'``.
    :return: an existing path.
    :raises InputError: when no installation on this machine has it.
    """
    candidates = [root.joinpath(*parts) for root in roots()]
    for candidate in candidates:
        if candidate.exists():
            return candidate
    raise InputError(
        f"the package file '{'/'.join(parts)}' is missing from {candidates[0].parent}; "
        f'install {PACKAGE} again')


def _install_prefix() -> Path:
    """Prefix above .../lib/pythonX.Y/site-packages, which --user and --target installs move."""
    parents = Path(__file__).resolve().parents
    return parents[4] if len(parents) > 4 else Path(sys.prefix)
