"""What the verbs share: the shape of a verb, output for machines, progress for people."""

import argparse
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, ExitStack
import json
import math
import os
from pathlib import Path
import signal
import sys
from threading import current_thread, Event, main_thread
import time
from typing import Any

from synth_nodes.train.progress import Cancelled, Progress

Subparsers = Any
"""What argparse's add_subparsers returns."""
KEPT = 'checkpoint.pt', 'study.db'
"""Files in which work keeps where it stands."""
Run = Callable[[argparse.Namespace], int]
"""A verb's work: parsed arguments to exit code."""


def add_verb(verbs: Subparsers, name: str, summary: str, example: str, run: Run,
             machine: bool = True, resumes: bool = False) -> argparse.ArgumentParser:
    """
    Add a verb.

    :param name: the word.
    :param summary: what it does, one sentence.
    :param example: command lines, shown at the end of its help.
    :param run: does the work.
    :param machine: whether it has `--json`.
    :param resumes: whether the same call goes on from a file in `--out`, see `what_stays`.
    """
    parser: argparse.ArgumentParser = verbs.add_parser(
        name, help=summary, description=summary, epilog=f'example:\n{indent(example)}',
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.set_defaults(run=run, resumes=resumes)
    if machine:
        parser.add_argument('--json', action='store_true', help='print the result as JSON')
    return parser


def add_track(parser: argparse.ArgumentParser) -> None:
    """Add the option of verbs that train, and keep a journal of it."""
    parser.add_argument('--track', action='store_true',
                        help='keep the journal for TensorBoard too (extra: track)')


def indent(text: str) -> str:
    """Indent lines for a help text."""
    return '\n'.join(f'  {line}' for line in text.splitlines())


def print_json(content: Any) -> None:
    """Print a result for machines; numbers that JSON cannot hold become null."""
    print(json.dumps(_plain(content), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, (bool, int, str)) or value is None:
        return value
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return number if math.isfinite(number) else None


@contextmanager
def progress(label: str, total: float, unit: str = '', before: float = 0.0,
             ) -> Iterator[Callable[[float, str], None]]:
    """
    Show how far long work has come: a bar on a terminal, now and then a line elsewhere.

    Rate and time left are of what is done from here on.

    :param total: amount of work; what is given to the reporter counts up to it.
    :param before: how much of it was done before, by an earlier call.
    :return: reporter that takes the amount done so far and a remark; on standard error.
    """
    if sys.stderr.isatty():
        from tqdm import tqdm

        with tqdm(total=total, desc=label, unit=unit, file=sys.stderr, leave=False, initial=before,
                  bar_format='{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining} '
                  '{rate_fmt} {postfix}') as bar:
            def advance(done: float, remark: str = '') -> None:
                bar.set_postfix_str(remark, refresh=False)
                bar.update(done - bar.n)

            yield advance
        return

    said, begin = [0], time.monotonic()

    def say(done: float, remark: str = '') -> None:
        tenth = int(10 * done / total) if total else 10
        if tenth > said[0]:
            said[0] = tenth
            rate = (done - before) / max(time.monotonic() - begin, 1e-9)
            left = f'{rate:.3g}{unit}/s, {(total - done) / rate:.0f} s left' if rate > 0 else ''
            print(f'{label}: {10 * tenth} % {left} {remark}'.rstrip(), file=sys.stderr, flush=True)

    yield say


@contextmanager
def until_interrupted() -> Iterator[Cancelled]:
    """
    Let the first Ctrl-C, or SIGTERM, ask work to stop where it can go on; the second ends it.

    :return: says whether it came. Without effect beside the main thread, and in processes that
        torchrun started: they stop at once, or some would wait for the others.
    """
    asked = Event()

    def ask(number: int, frame: object) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        print('stopping; once more to stop at once', file=sys.stderr, flush=True)

    if current_thread() is not main_thread() or 'LOCAL_RANK' in os.environ:
        yield asked.is_set
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def what_stays(out: Path | None, seconds: float) -> str:
    """
    Say what a call that was stopped can go on from, or how much work is lost.

    :param out: folder that it keeps a checkpoint in; None where it keeps none.
    :param seconds: since it began.
    """
    kept = [out / name for name in KEPT if (out / name).is_file()] if out is not None else []
    if not kept:
        return f'stopped; there is no checkpoint: {seconds:.0f} s of work are lost'
    age = max(0.0, time.time() - kept[0].stat().st_mtime)
    return (f'stopped; the same call goes on from {kept[0]}, so '
            f'{min(age, seconds):.0f} s of work are lost')


class Stages:
    """
    A reporter for work in named stages, each with a bar of its own.

    The first report of a stage begins its clock: what it says is done, was done before.
    """

    def __init__(self) -> None:
        """Start with no stage."""
        self._stack = ExitStack()
        self._stage = ''
        self._advance: Callable[[float, str], None] = lambda done, remark: None

    def __enter__(self) -> 'Stages':
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def report(self, now: Progress) -> None:
        """Take the newest progress."""
        if now.stage != self._stage:
            self._stack.close()
            self._stage = now.stage
            self._advance = self._stack.enter_context(progress(
                now.stage, now.total, before=now.step))
        scores = ', '.join(f'{name} {value:.4g}' for name, value in now.scores.items())
        self._advance(now.step, scores)


def columns(rows: Iterable[tuple[str, ...]]) -> str:
    """Lay rows out in columns."""
    lines = list(rows)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))] if lines else []
    return '\n'.join('  '.join(f'{cell:<{w}}' for cell, w in zip(line, widths, strict=True))
                     .rstrip() for line in lines)
