"""Results of a campaign in a folder: one line a chunk, so that it goes on where it was cut off."""

from collections.abc import Mapping, Sequence
import json
import os
from pathlib import Path
from typing import Any

from synth_nodes.campaign.chunks import Plan
from synth_nodes.errors import InputError
from synth_nodes.files import write_atomically
from synth_nodes.settings import flatten

CHUNKS, PLAN = 'chunks.jsonl', 'plan.json'


def describe(plan: Plan) -> dict[str, Any]:
    """Say what makes results of two campaigns comparable, as JSON holds it."""
    fixed = None if plan.fixed is None else {
        'rules': flatten(plan.fixed[0]), 'robot': flatten(plan.fixed[1])}
    content = {'seed': plan.seed, 'size': plan.size, 'breach': plan.breach,
               'compare_every': plan.compare_every, 'fixed': fixed}
    content |= {'watch': True} if plan.watch else {}
    parsed: dict[str, Any] = json.loads(json.dumps(content))
    return parsed


def opened(folder: Path, plan: Plan) -> list[dict[str, Any]]:
    """
    Begin a folder, or go on with one; return the chunks that are done.

    A last line that was cut off is removed.

    :raises InputError: where the folder holds results of another campaign, or cannot be used.
    """
    wanted = describe(plan)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / PLAN).exists():
            write_atomically(folder / PLAN, json.dumps(wanted, indent=2).encode())
        elif json.loads((folder / PLAN).read_text(encoding='utf-8')) != wanted:
            raise InputError(f'{folder}: holds results of another campaign (see {PLAN}); '
                             'give it a folder of its own')
        return _done(folder / CHUNKS)
    except (OSError, ValueError) as error:
        raise InputError(f'{folder}: cannot be used: {error}') from None


def chunk_of(folder: Path) -> int | None:
    """Scenarios of a chunk of the campaign begun in a folder; None where none is."""
    try:
        return int(json.loads((folder / PLAN).read_text(encoding='utf-8'))['size'])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f'{folder}: cannot be used: {PLAN}: {error}; give another folder') \
            from None


def joined(folders: Sequence[Path]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """
    Read the parts of one campaign: what :func:`describe` says of it, and its chunks in order.

    Parts may compare as many chunks as they like; all else of their plans must be the same. A
    chunk that lies in several counts once, as compared where one of them compared it.

    :raises InputError: where a folder holds no campaign, or part of another one.
    """
    chunks: dict[int, dict[str, Any]] = {}
    plans: list[dict[str, Any]] = []
    for folder in folders:
        try:
            plan = json.loads((folder / PLAN).read_text(encoding='utf-8'))
            part = _whole_lines(folder / CHUNKS)[0]
        except FileNotFoundError as error:
            lack = f'{Path(error.filename).name} is not there' if folder.is_dir() \
                else 'there is no such folder'
            raise InputError(f'{folder}: holds no part of a campaign: {lack}; name the --out '
                             'of one') from None
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f'{folder}: holds no part of a campaign that can be read: {error}; '
                             'name the --out of one') from None
        plans.append({**plan, 'compare_every': None})
        if plans[-1] != plans[0]:
            raise InputError(f'{folder}: belongs to another campaign than {folders[0]} (compare '
                             f'{PLAN}); parts share seed, --chunk, rules and model')
        for chunk in part:
            if chunk['stops'] or chunk['chunk'] not in chunks:
                chunks[chunk['chunk']] = chunk
    return plans[0], [chunks[k] for k in sorted(chunks)]


def append(folder: Path, chunk: Mapping[str, Any]) -> None:
    """Add the counts of a chunk as one line, and see that they are on the disk."""
    with (folder / CHUNKS).open('a', encoding='utf-8') as stream:
        stream.write(json.dumps(chunk) + '\n')
        stream.flush()
        os.fsync(stream.fileno())


def _done(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    chunks, kept, size = _whole_lines(path)
    if len(kept) < size:
        write_atomically(path, kept)
    return list({c['chunk']: c for c in chunks}.values())


def _whole_lines(path: Path) -> tuple[list[dict[str, Any]], bytes, int]:
    """Read chunks but a last line that was cut off; return bytes kept, and how many there are."""
    whole = path.read_bytes()
    kept = whole[:whole.rfind(b'\n') + 1]
    return [json.loads(line) for line in kept.decode().splitlines()], kept, len(whole)
