"""Work spread over processes."""

from collections.abc import Callable, Iterator, Sequence
import multiprocessing
import signal
from typing import TypeVar

Item = TypeVar('Item')
Result = TypeVar('Result')


def spread(work: Callable[[Item], Result], items: Sequence[Item], jobs: int) -> Iterator[Result]:
    """
    Do work on so many processes and give the results as they come.

    One thread a process: set OMP_NUM_THREADS=1 before numpy is loaded.

    :param work: a function that another process can be handed.
    """
    if jobs == 1:
        yield from map(work, items)
        return
    with multiprocessing.get_context('spawn').Pool(jobs, _quiet) as pool:
        yield from pool.imap_unordered(work, items)


def _quiet() -> None:
    """Leave Ctrl-C to the parent, which ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
