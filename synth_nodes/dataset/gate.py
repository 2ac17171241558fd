"""The quality gate of a data set: its outcome beside the header, and who is bound by it."""

from collections.abc import Sequence
from pathlib import Path

from synth_nodes.dataset.reader import DataSet
from synth_nodes.files import read_json, write_json

QUALITY = 'quality.json'
"""The file beside a data set's header that holds the outcome of its gate."""


def gate_problem(folder: Path, digest: str) -> str:
    """
    Say why a data set must not be learned from; empty where it may.

    A set that was never judged may; one that was changed since counts as never judged.

    :param digest: of the data set as it is now.
    """
    problems = _problems(folder, digest)
    return f"data set {folder} failed its quality gate: {'; '.join(problems)}" if problems else ''


def carry_problems(sources: Sequence[DataSet], out: Path) -> None:
    """
    Let a data set made of others fail as they failed, until it is judged itself.

    :param sources: what it was made of.
    :param out: its folder, all written.
    """
    failed = {data.folder.name: _problems(data.folder, data.digest()) for data in sources}
    problems = [f'{name}: {problem}' for name, found in failed.items() for problem in found]
    if problems:
        write_json(out / QUALITY, {'passed': False, 'problems': problems,
                                   'digest': DataSet(out).digest()})


def _problems(folder: Path, digest: str) -> list[str]:
    if not (folder / QUALITY).is_file():
        return []
    outcome = read_json(folder / QUALITY, 'quality of a data set')
    if outcome.get('passed') or outcome.get('digest') != digest:
        return []
    return list(outcome['problems'])
