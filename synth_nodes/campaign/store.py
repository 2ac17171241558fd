"""Results of a campaign in a folder: one line a chunk, so that it goes on where it was cut off."""

from collections.abc import Mapping
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


def append(folder: Path, chunk: Mapping[str, Any]) -> None:
    """Add the counts of a chunk as one line, and see that they are on the disk."""
    with (folder / CHUNKS).open('a', encoding='utf-8') as stream:
        stream.write(json.dumps(chunk) + '\n')
        stream.flush()
        os.fsync(stream.fileno())


def _done(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    whole, chunks = path.read_bytes(), {}
    kept = whole[:whole.rfind(b'\n') + 1]
    for line in kept.decode().splitlines():
        chunk = json.loads(line)
        chunks[chunk['chunk']] = chunk
    if len(kept) < len(whole):
        write_atomically(path, kept)
    return list(chunks.values())
