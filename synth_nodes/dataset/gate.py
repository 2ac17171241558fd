"""The quality gate of a data set: its outcome beside the header, and who is bound by it."""

from collections.abc import Mapping
from pathlib import Path

from synth_nodes.files import read_json, write_json

QUALITY = 'quality.json'
"""The file beside a data set's header that holds the outcome of its gate."""


def gate_problem(folder: Path, digest: str) -> str:
    """
    Say why a data set must not be learned from; empty where it may.

    A set that was never judged may; one that was changed since counts as never judged, unless
    its outcome holds for whatever becomes of it: that has no digest.

    :param digest: of the data set as it is now.
    """
    problems = _problems(folder, digest)
    return f"data set {folder} failed its quality gate: {'; '.join(problems)}" if problems else ''


def carry_problems(sources: Mapping[Path, str], out: Path) -> None:
    """
    Let a data set made of others fail as they failed, until it is judged itself.

    :param sources: digests of what it was made of, by folder.
    :param out: its folder.
    """
    problems = [f'{folder.name}: {problem}' for folder, digest in sources.items()
                for problem in _problems(folder, digest)]
    if problems:
        _fail(out, problems)


def keep_problems(folder: Path, digest: str) -> None:
    """
    Let a data set that failed fail still when it has grown, until it is judged anew.

    :param digest: of the data set as it is before.
    """
    problems = _problems(folder, digest)
    if problems:
        _fail(folder, problems)


def _fail(folder: Path, problems: list[str]) -> None:
    write_json(folder / QUALITY, {'passed': False, 'problems': problems})


def _problems(folder: Path, digest: str) -> list[str]:
    if not (folder / QUALITY).is_file():
        return []
    outcome = read_json(folder / QUALITY, 'quality of a data set')
    if outcome.get('passed') or outcome.get('digest', digest) != digest:
        return []
    return list(outcome['problems'])
