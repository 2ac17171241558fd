"""The journal of a training: plain JSON lines, a picture of the curves, TensorBoard on request."""

from collections.abc import Mapping
import json
import math
import os
from pathlib import Path
import time
from typing import Any

from synth_nodes.errors import InputError
from synth_nodes.files import write_atomically, write_picture

JOURNAL_FILE = 'journal.jsonl'
CURVES_FILE = 'curves.png'


class Journal:
    """Writes a line for each check: step, wall time, steps/s and the scores."""

    def __init__(self, folder: Path, tensorboard: bool = False) -> None:
        """
        Name the folder; nothing is written yet.

        :param folder: for `journal.jsonl`, `curves.png` and, on request, `tensorboard/`.
        :param tensorboard: whether to write for TensorBoard too.
        :raises InputError: when that is asked for and neither tensorboardX nor tensorboard can be
            imported.
        """
        self.path = folder / JOURNAL_FILE
        self._board = _board(folder / 'tensorboard') if tensorboard else None
        self._seconds, self._since, self._step = 0.0, time.monotonic(), 0

    def go_on(self, step: int) -> None:
        """
        Forget lines beyond a step: training goes on from a checkpoint there.

        A line that a loss of power cut short is forgotten too.
        """
        kept = [line for line in read_journal(self.path) if line['step'] <= step]
        if kept or self.path.is_file():
            write_atomically(self.path, ''.join(map(_line, kept)).encode())
        self._seconds = kept[-1]['seconds'] if kept else 0.0
        self._since, self._step = time.monotonic(), step

    def add(self, step: int, scores: Mapping[str, float]) -> None:
        """
        Write a line.

        :param step: steps done, all stages together.
        :param scores: losses and scores by name; what is no finite number becomes null.
        """
        now = time.monotonic()
        passed, done = now - self._since, step - self._step
        self._seconds, self._since, self._step = self._seconds + passed, now, step
        line = {'step': step, 'time': round(time.time(), 3), 'seconds': round(self._seconds, 3),
                'steps_per_second': round(done / max(passed, 1e-9), 3),
                **{k: float(v) if math.isfinite(v) else None for k, v in scores.items()}}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, 'a', encoding='utf-8') as file:
            file.write(_line(line))
            file.flush()
            os.fsync(file.fileno())
        if self._board is not None:
            for name, value in scores.items():
                self._board.add_scalar(name, float(value), step)

    def draw(self) -> Path | None:
        """Draw the curves of all scores over the steps; returns the picture, None without any."""
        if self._board is not None:
            self._board.close()
        lines = read_journal(self.path)
        names = [k for k in dict.fromkeys(k for line in lines for k in line)
                 if k not in ('step', 'time', 'seconds', 'steps_per_second')]
        if not names:
            return None
        import matplotlib.figure

        groups: dict[str, list[str]] = {}
        for name in names:
            groups.setdefault('loss' if 'loss' in name or name == 'validation' else name,
                              []).append(name)
        figure = matplotlib.figure.Figure((6.0, 2.2 * len(groups) + 0.5), layout='constrained')
        axes = figure.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0]
        for axis, (title, members) in zip(axes, groups.items(), strict=True):
            for name in members:
                points = [(line['step'], line[name]) for line in lines
                          if line.get(name) is not None]
                axis.plot(*zip(*points, strict=True), label=name, lw=1.3) if points else None
            axis.set_ylabel(title)
            axis.grid(alpha=0.3)
            if len(members) > 1:
                axis.legend(frameon=False)
        axes[-1].set_xlabel('step')
        path = self.path.with_name(CURVES_FILE)
        write_picture(figure, path, dpi=90)
        return path


def read_journal(path: Path) -> list[dict[str, Any]]:
    """
    Read the whole lines of a journal; nothing where there is no file.

    :return: what each :meth:`Journal.add` wrote, up to a line that was cut short.
    """
    if not path.is_file():
        return []
    lines = []
    for text in path.read_text(encoding='utf-8', errors='replace').splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            break
        if not isinstance(line, dict) or not {'step', 'seconds'} <= line.keys():
            break
        lines.append(line)
    return lines


def _line(content: Mapping[str, Any]) -> str:
    return json.dumps(content, allow_nan=False) + '\n'


def _board(folder: Path) -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError:
        try:
            from torch.utils.tensorboard import SummaryWriter  # type: ignore[assignment]
        except ImportError:
            raise InputError("TensorBoard was asked for, but neither 'tensorboardX' nor "
                             "'tensorboard' is installed; install the extra 'track'") from None
    return SummaryWriter(str(folder))
