"""Folders that appear whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
import os
from pathlib import Path
import shutil
import tempfile


@contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """
    Fill a folder beside the target, then move what was filled into place.

    Where the target does not exist the folder is renamed, in one step. Where it does, its files
    are replaced one by one, each in one step, in order of name but with `.json` files last: a
    contract never speaks of a file that isn't there yet.

    :param target: folder to make or update.
    :return: the folder to fill; on an exception it is removed and the target left alone.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f'.{target.name}.', dir=target.parent))
    os.chmod(folder, 0o755)
    try:
        yield folder
        for file in folder.iterdir():
            _sync(file)
        if target.exists():
            for file in sorted(folder.iterdir(), key=lambda f: (f.suffix == '.json', f.name)):
                os.replace(file, target / file.name)
        else:
            os.rename(folder, target)
        _sync(target)
        _sync(target.parent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sync(path: Path) -> None:
    """Make sure that a file or folder has reached the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
