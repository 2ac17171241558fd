"""
Running a group of programs as one: they start together, and they end together.

Every child leads a process group of its own. The first child to end takes all others down: asked
by SIGTERM, and killed if that does not help in time. (SIGINT would make a Python program that is
still importing print a traceback.) Nothing is restarted.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
import ctypes
from dataclasses import dataclass
import os
import signal
import subprocess
import sys
import threading
import time
from types import FrameType

Echo = Callable[[str, str], None]
"""Called with a child's name and one line of its output."""
PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == 'linux' else None


@dataclass(frozen=True)
class Child:
    """One program of a group."""

    name: str
    command: tuple[str, ...]
    ends_group: bool = False
    """Whether the group has done its work when this child exits with 0."""
    nice: int = 0
    """How far it steps back for the others when processors are short, 0 to 19."""


@dataclass(frozen=True)
class Patience:
    """How long [s] a group may take to stop when asked, and to vanish when killed."""

    terminate: float = 8.0
    kill: float = 3.0


@dataclass(frozen=True)
class Outcome:
    """How a group ended."""

    code: int
    """Exit code for the command that ran it: 0 done, 1 a child failed, 2 it refused its input."""
    name: str
    """The child that ended it; empty when a signal did."""
    reason: str
    """One sentence for people."""


def run_group(children: Sequence[Child], environment: Mapping[str, str], echo: Echo,
              patience: Patience | None = None) -> Outcome:
    """
    Start all children, wait until one ends or a signal arrives, and leave no process behind.

    :param children: programs to start, at least one.
    :param environment: complete environment for all of them.
    :param echo: receives every line of output; called from several threads, one at a time.
    :param patience: waits between signals when the group is taken down.
    """
    patience = patience or Patience()
    running: list[tuple[Child, subprocess.Popen[bytes]]] = []
    readers: list[threading.Thread] = []
    with _signals() as signalled:
        try:
            for child in children:
                running.append((child, _start(child, environment)))
            readers = _read_all(running, echo)
            outcome = _wait(running, signalled)
        finally:
            late = _stop([process for _, process in running], signalled, patience)
            for reader in readers:
                reader.join(timeout=2.0)
    for child, process in running:
        if process.pid in late:
            echo('launch', f'{child.name} did not stop when asked and was killed')
    return outcome


def print_line(name: str, line: str) -> None:
    """Echo that prefixes each line with the child's name."""
    print(f'[{name}] {line}', flush=True)


@contextmanager
def _signals() -> Iterator[list[int]]:
    """Collect SIGINT, SIGTERM and SIGHUP in a list instead of dying of them."""
    received: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield received
        return

    def note(number: int, _: FrameType | None) -> None:
        received.append(number)

    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, note) for number in wanted}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _start(child: Child, environment: Mapping[str, str]) -> 'subprocess.Popen[bytes]':
    parent = os.getpid()

    def die_with_parent() -> None:
        if _LIBC is not None:
            _LIBC.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)
        if child.nice:
            _step_back(child.nice)

    return subprocess.Popen(
        child.command, env=dict(environment), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        preexec_fn=die_with_parent)


def _step_back(nice: int) -> None:
    """Lower this process's priority, and that of its session where the kernel groups by it."""
    os.nice(nice)
    try:
        with open('/proc/self/autogroup', 'w', encoding='ascii') as autogroup:
            autogroup.write(str(nice))
    except OSError:
        pass  # a kernel without autogroups goes by the process alone


def _read_all(running: Sequence[tuple[Child, 'subprocess.Popen[bytes]']],
              echo: Echo) -> list[threading.Thread]:
    lock = threading.Lock()

    def read(name: str, process: 'subprocess.Popen[bytes]') -> None:
        assert process.stdout is not None
        with process.stdout as stream:
            for raw in stream:
                with lock:
                    echo(name, raw.decode('utf-8', 'replace').rstrip())

    threads = [threading.Thread(target=read, args=(child.name, process), daemon=True)
               for child, process in running]
    for thread in threads:
        thread.start()
    return threads


def _wait(running: Sequence[tuple[Child, 'subprocess.Popen[bytes]']],
          signalled: list[int]) -> Outcome:
    while not signalled:
        for child, process in running:
            status = _ended(process)
            if status is not None:
                return _judge(child, status)
        time.sleep(0.05)
    return Outcome(0, '', f'stopped by {signal.Signals(signalled[0]).name}')


def _judge(child: Child, status: int) -> Outcome:
    if status == 0 and child.ends_group:
        return Outcome(0, child.name, f'{child.name} has finished')
    if status < 0:
        reason = f'{child.name} was killed by {signal.Signals(-status).name}'
        return Outcome(1, child.name, reason)
    return Outcome(2 if status == 2 else 1, child.name,
                   f'{child.name} ended with exit code {status}')


def _ended(process: 'subprocess.Popen[bytes]') -> int | None:
    """Exit status as Popen has it, None while running; leaves the zombie, so its id stays ours."""
    info = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if info is None:
        return None
    return info.si_status if info.si_code == os.CLD_EXITED else -info.si_status


def _stop(processes: Sequence['subprocess.Popen[bytes]'], signalled: list[int],
          patience: Patience) -> set[int]:
    """Take all groups down; returns the ids of those that had to be killed."""
    alive = [p for p in processes if _ended(p) is None]
    for process in alive:
        _signal_group(process.pid, signal.SIGTERM)
    _wait_until_gone(alive, patience.terminate, signalled)
    late = {p.pid for p in processes if _ended(p) is None}
    for process in processes:
        # Whatever else a child started is in its group: the leader, dead or not, is still ours.
        _signal_group(process.pid, signal.SIGKILL)
    for process in processes:
        process.wait(timeout=patience.kill)
    return late


def _wait_until_gone(processes: Sequence['subprocess.Popen[bytes]'], seconds: float,
                     signalled: list[int]) -> None:
    """Wait for all to end; a second signal from the user cuts the wait short."""
    asked_before = len(signalled)
    end = time.monotonic() + seconds
    while time.monotonic() < end and len(signalled) == asked_before:
        if all(_ended(p) is not None for p in processes):
            return
        time.sleep(0.02)


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return
    except PermissionError:  # every member is a zombie (BSD and macOS answer so)
        return
