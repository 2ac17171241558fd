"""Quality of a stream of scans: its rate, age, and how many beams say nothing. numpy alone."""

from collections import deque

import numpy as np

from synth_nodes.types import FloatArray


class ScanQuality:
    """Figures over a running window of scans."""

    def __init__(self, window: int) -> None:
        """:param window: number of scans, 2 or more."""
        self._rows: deque[tuple[float, float, float, float, float]] = deque(maxlen=window)
        self._last: FloatArray | None = None

    def take(self, ranges: FloatArray, stamp: float, now: float) -> None:
        """
        Take a scan.

        :param ranges: [m], shape (N,); inf where nothing was hit, NaN where a beam is broken.
        :param stamp: of the scan, now: the clock when it came [s].
        """
        values = np.asarray(ranges, float)
        same = self._last is not None and np.array_equal(values, self._last, equal_nan=True)
        self._rows.append((stamp, now - stamp, float(np.isposinf(values).mean()),
                           float(np.isnan(values).mean()), float(same)))
        self._last = values

    def figures(self) -> dict[str, float]:
        """
        Give the figures; nothing before the second scan.

        :return: `rate` [Hz], `gap`, the longest between two stamps [s], `age`, the mean when a
            scan came [s], and shares: `no_return` and `broken` of beams, `repeated` of scans that
            are the one before bit for bit, as noisy sensors never give them.
        """
        if len(self._rows) < 2:
            return {}
        rows = np.array(self._rows)
        steps = np.diff(rows[:, 0])
        span = float(steps.sum())
        return {'rate': len(steps) / span if span > 0 else 0.0, 'gap': float(steps.max()),
                **dict(zip(('age', 'no_return', 'broken', 'repeated'),
                           rows[:, 1:].mean(0).tolist(), strict=True))}
