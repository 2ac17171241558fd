"""Files and folders that are whole or not there, whatever interrupts their writing."""

import difflib
import hashlib
import json
import os
from pathlib import Path
import shutil
from typing import Any

from synth_nodes.errors import InputError


def write_atomically(path: Path, content: bytes) -> None:
    """
    Write a file so that readers, and a loss of power, see the old content or the new.

    It is on the disk, name and content, when this returns.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    with open(temporary, 'wb') as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    sync_folder(path.parent)


def write_picture(figure: Any, path: Path, **options: Any) -> None:
    """
    Write a figure of matplotlib as PNG, in one step.

    :param options: those of `savefig`, such as `dpi`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f'.{path.name}')
    figure.savefig(partial, format='png', **options)
    os.replace(partial, path)


def write_json(path: Path, content: Any) -> None:
    """Write JSON for people and machines, in one step; NaN and infinity are refused."""
    text = json.dumps(content, indent=1, allow_nan=False)
    write_atomically(path, (text + '\n').encode())


def unreadable(path: Path, error: OSError, what: str = '') -> InputError:
    """
    Make the error for a file that somebody named and that cannot be read, with what to do.

    :param what: what the file is, for the message.
    """
    if isinstance(error, FileNotFoundError):
        remedy = _other_name(path)
    elif isinstance(error, IsADirectoryError):
        remedy = 'name a file in that folder'
    elif isinstance(error, PermissionError):
        remedy = 'give yourself the right to read it, or name another one'
    else:
        remedy = 'name another one'
    return InputError(f'{what} {path}: cannot be read: {error.strerror}; {remedy}'.lstrip())


def unwritable(path: Path, error: OSError) -> InputError:
    """Make the error for a file that somebody named and that cannot be written."""
    remedy = 'make its folder first' if isinstance(error, FileNotFoundError) \
        else 'name a file that may be written'
    return InputError(f'{path}: cannot be written: {error.strerror}; {remedy}')


def _other_name(path: Path) -> str:
    """Say how to name a file that is not there: as one beside it, where one looks like it."""
    folder = path.parent
    if not folder.is_dir():
        return f'there is no folder {folder}: check the path'
    try:
        near = difflib.get_close_matches(path.name, os.listdir(folder), n=1)
    except OSError:
        near = []
    return f"did you mean '{folder / near[0]}'?" if near else \
        'check the name, and the folder it is in'


def read_json(path: Path, what: str) -> dict[str, Any]:
    """
    Read a JSON object.

    :param what: what the file is, for messages.
    :raises InputError: when it is missing, unreadable, or no object.
    """
    try:
        content = json.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise unreadable(path, error, what) from None
    except ValueError as error:
        raise InputError(f'{what} {path}: is not JSON ({error})') from None
    if not isinstance(content, dict):
        raise InputError(f'{what} {path}: holds no JSON object but {type(content).__name__}')
    return content


def sync_folder(folder: Path) -> None:
    """Make the names in a folder outlive a loss of power; POSIX only, nothing elsewhere."""
    if os.name != 'posix':
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sha256_of(path: Path) -> str:
    """Hash a file."""
    digest = hashlib.sha256()
    with open(path, 'rb') as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def remove(path: Path) -> None:
    """Remove a file or a folder with all in it, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
