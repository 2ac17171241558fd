"""
The safety log as the monitor sees it: two calls that never wait and never fail.

A thread of its own encodes, chains and writes. What the disk does not take in time is left out,
counted, and marked in the log by a record of its own; the robot is not stopped for want of a log.
"""

from dataclasses import replace
import hashlib
import json
import platform
import queue
import threading
import time
from typing import Any

import numpy as np

from synth_nodes import __version__
from synth_nodes.safety.cycle import Cycle
from synth_nodes.safety.log_files import SafetyLogSettings
from synth_nodes.safety.log_format import CycleRecord, Event, Gap, Record, VERSION
from synth_nodes.safety.log_writer import LogWriter
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.settings import flatten
from synth_nodes.types import RobotSpec, Verdict

_Item = tuple[Record, int] | None


class SafetyLog:
    """Logs every cycle of a safety monitor."""

    def __init__(self, settings: SafetyLogSettings, rules: SafetyRules, robot: RobotSpec) -> None:
        """
        Claim the folder and begin; with an empty folder name nothing is ever written.

        :raises InputError: where the folder cannot be had. A full disk is no error: it shows in
            :attr:`problem`, and is tried again with every record.
        """
        self._settings, self._rules, self._robot = settings, rules, robot
        self._queue: queue.Queue[_Item] = queue.Queue(settings.queue)
        self._left_out = self._failed = self._marked = 0
        self._closing = False
        self._writer: LogWriter | None = None
        self._due: float | None = None
        self._cause = ''
        self._thread: threading.Thread | None = None
        self.problem = ''
        """Why the newest record was not written, one sentence; empty when it was."""
        self.written = 0
        """Records written."""
        self.size = 0
        """Bytes written."""
        if settings.folder:
            try:
                self._writer = self._opened()
            except OSError as error:
                self._fail(f'the log cannot be written: {error}')
            self._thread = threading.Thread(target=self._work, name='safety log', daemon=True)
            self._thread.start()

    @property
    def lost(self) -> int:
        """Records that could not be written."""
        return self._left_out + self._failed

    @property
    def digest(self) -> str:
        """Newest digest of the chain: noted elsewhere, it proves all records up to it."""
        return self._writer.digest.hex() if self._writer is not None else ''

    def append(self, cycle: Cycle, verdict: Verdict) -> None:
        """
        Log a cycle. Takes a few microseconds, never waits and never raises.

        :param cycle: exactly what :func:`synth_nodes.safety.cycle.decide` was given; its arrays
            are copied, those of zones aside, which nobody writes to.
        :param verdict: what came of it.
        """
        if self._thread is None or self._closing:
            return
        try:
            own = replace(
                cycle, command=np.array(cycle.command, float),
                state=replace(cycle.state, velocity=np.array(cycle.state.velocity, float)),
                sources=tuple(replace(s, points_base=np.array(s.points_base, float),
                                      unseen_base=np.array(s.unseen_base, float))
                              for s in cycle.sources))
        except (TypeError, ValueError) as error:
            self._left_out += 1
            self._fail(f'a cycle cannot be logged: {error}')
            return
        self._put(CycleRecord(own, verdict))

    def event(self, now: float, name: str, detail: str = '') -> None:
        """
        Log something else that happened; never waits and never raises.

        :param now: time [s] on the monitor's clock.
        :param name: one word, such as 'override', 'reset' or 'deactivated'.
        :param detail: one sentence.
        """
        if self._thread is not None and not self._closing:
            self._put(Event(float(now), name, detail))

    def close(self, timeout: float = 2.0) -> None:
        """
        Write what waits and end the chain; with a disk that hangs, give up.

        :param timeout: longest wait [s].
        """
        if self._thread is None or self._closing:
            return
        self._closing = True
        end = time.monotonic() + timeout
        try:
            self._queue.put(None, timeout=timeout)
            self._thread.join(max(end - time.monotonic(), 0.0))
        except queue.Full:
            self._fail('the disk does not take the log')
        if self._thread.is_alive():
            self._fail('the disk does not take the log')

    def _put(self, record: Record) -> None:
        try:
            self._queue.put_nowait((record, self._left_out))
        except queue.Full:
            self._left_out += 1
            self._fail('the disk is too slow for the log')

    def _fail(self, problem: str) -> None:
        self.problem = self._cause = problem

    def _work(self) -> None:
        """Write all that comes; runs in the thread."""
        while (item := self._next()) is not None:
            self._take(*item)
        if self._writer is not None:
            try:
                self._mark(self._writer, self._left_out)
                self._writer.close()
            except OSError as error:
                self._fail(f'the log could not be closed: {error.strerror}')

    def _next(self) -> _Item:
        """Wait for a record, and meanwhile see that the ones before reach the disk in time."""
        while True:
            wait = None if self._due is None else self._due - time.monotonic()
            if wait is not None and wait <= 0.0:
                self._sync()
                continue
            try:
                return self._queue.get(timeout=wait)
            except queue.Empty:
                continue

    def _take(self, record: Record, left_out: int) -> None:
        try:
            writer = self._writer = self._writer or self._opened()
            self._mark(writer, left_out)
            self.size += writer.write(record)
        except Exception as error:
            self._failed += 1
            self._fail(f'the log cannot be written: {error}')
            return
        self.written += 1
        self.problem = ''
        if self._due is None:
            self._due = time.monotonic() + self._settings.sync_period

    def _mark(self, writer: LogWriter, left_out: int) -> None:
        """Say in the log how many records are missing here."""
        missing = left_out + self._failed - self._marked
        if missing:
            self.size += writer.write(Gap(missing, self._cause))
            self._marked += missing

    def _sync(self) -> None:
        self._due = None
        try:
            if self._writer is not None:
                self._writer.sync()
        except OSError as error:
            self._fail(f'the log may not have reached the disk: {error.strerror}')

    def _opened(self) -> LogWriter:
        return LogWriter(self._settings, lambda: header(self._rules, self._robot))


def header(rules: SafetyRules, robot: RobotSpec) -> dict[str, Any]:
    """Say what all records of a file rest on, and what made them."""
    content = {'rules': flatten(rules), 'robot': flatten(robot)}
    return {
        'format': VERSION, 'version': __version__, 'begun': time.time(), **content,
        'configuration': configuration_digest(content), 'numpy': np.__version__,
        'python': platform.python_version(), 'machine': platform.machine()}


def configuration_digest(content: dict[str, Any]) -> str:
    """SHA-256, as hex, of the rules and the robot in a header."""
    kept = {name: content.get(name) for name in ('rules', 'robot')}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
