"""What is measured while a mission runs: track, stops, latency, and the nodes' own counters."""

from collections import deque
from collections.abc import Mapping, Sequence
import math
from typing import Any

import numpy as np

_SCANS_KEPT = 64


class Track:
    """The way driven, thinned to what a picture needs."""

    def __init__(self, spacing: float = 0.05, period: float = 1.0) -> None:
        """
        Keep a sample each `spacing` [m] driven or `period` [s] passed.

        :param spacing: [m].
        :param period: [s].
        """
        self.rows: list[tuple[float, float, float, float, float]] = []
        """Time [s], x [m], y [m], yaw [rad] in `map`, speed forward [m/s]."""
        self._spacing = spacing
        self._period = period

    def add(self, time: float, x: float, y: float, yaw: float, speed: float) -> None:
        """Take a sample, in order of time."""
        if self.rows:
            last = self.rows[-1]
            near = math.dist(last[1:3], (x, y)) < self._spacing
            if near and time - last[0] < self._period:
                return
        self.rows.append((time, x, y, yaw, speed))


class StopLog:
    """Times when the safety monitor held the robot."""

    def __init__(self) -> None:
        """Start with no stops."""
        self.stops: list[dict[str, Any]] = []
        self._open = False

    def add(self, time: float, position: tuple[float, float], action: str, rule: str,
            source: str, reason: str) -> None:
        """
        Take the monitor's newest verdict.

        :param time: simulated time [s].
        :param position: true x, y in `map` [m].
        :param action: 'pass', 'limit', 'slowdown' or 'stop'.
        :param rule: the rule that bound.
        :param source: the sensor source that made it bind.
        :param reason: one sentence.
        """
        if action != 'stop':
            self.close(time)
            return
        if self._open and self.stops[-1]['rule'] == rule:
            return
        self.close(time)
        self.stops.append({'time': time, 'x': position[0], 'y': position[1], 'rule': rule,
                           'source': source, 'reason': reason, 'duration': None})
        self._open = True

    def close(self, time: float) -> None:
        """Note the end of the stop under way, if there is one."""
        if self._open:
            self.stops[-1]['duration'] = time - self.stops[-1]['time']
        self._open = False


class ChainLatency:
    """
    Wall time from a scan's publication to that of the velocity command that answers it.

    A command answers the scan whose stamp it carries. Where commands carry no stamp of a scan, it
    is the first one after a scan that counts for it.
    """

    def __init__(self) -> None:
        """Start with no samples."""
        self.samples_ms: list[float] = []
        self._scans: deque[tuple[int, int]] = deque(maxlen=_SCANS_KEPT)

    def scan(self, stamp_ns: int, sent_ns: int) -> None:
        """
        Note a scan.

        :param stamp_ns: from its header.
        :param sent_ns: wall time of its publication.
        """
        self._scans.append((stamp_ns, sent_ns))

    def command(self, stamp_ns: int | None, arrived_ns: int) -> None:
        """
        Note a command.

        :param stamp_ns: from its header; None when it has none.
        :param arrived_ns: wall time when it came out of the chain.
        """
        by_stamp = [i for i, scan in enumerate(self._scans) if scan[0] == stamp_ns]
        before = [i for i, scan in enumerate(self._scans) if scan[1] <= arrived_ns]
        found = by_stamp or (before if stamp_ns is None else [])
        if not found:
            return
        for _ in range(found[-1]):
            self._scans.popleft()
        self.samples_ms.append((arrived_ns - self._scans.popleft()[1]) / 1e6)


def percentiles(samples: Sequence[float]) -> dict[str, float | int | None]:
    """
    Summarise samples.

    :return: count, p50, p99 and max, in the samples' unit; None without samples.
    """
    if not len(samples):
        return {'count': 0, 'p50': None, 'p99': None, 'max': None}
    p50, p99 = np.percentile(samples, (50, 99))
    return {'count': len(samples), 'p50': float(p50), 'p99': float(p99),
            'max': float(np.max(samples))}


class Counters:
    """The newest diagnostics of every node, with numbers read as numbers."""

    def __init__(self) -> None:
        """Start with none."""
        self.values: dict[str, dict[str, float | str]] = {}
        """By node name, then by key."""

    def add(self, name: str, values: Mapping[str, str]) -> None:
        """
        Take one status.

        :param name: as published: the node's full name, a colon, and what it is about.
        :param values: keys and values as strings.
        """
        node = name.split(':', 1)[0].strip().rsplit('/', 1)[-1]
        self.values.setdefault(node, {}).update({k: _number(v) for k, v in values.items()})

    def number(self, node: str, key: str) -> float | None:
        """Return a number, None when that node has not published it."""
        value = self.values.get(node, {}).get(key)
        return value if isinstance(value, float) else None


def _number(text: str) -> float | str:
    try:
        value = float(text)
    except ValueError:
        return text
    return value if math.isfinite(value) else text
