"""Durations of the recent past, summed up as percentiles."""

import numpy as np


class LatencyRing:
    """Keep the newest durations of a repeated step."""

    def __init__(self, size: int = 4096) -> None:
        """:param size: how many durations to keep."""
        self._samples = np.zeros(size)
        self.count = 0
        """How many durations were added, those no longer kept included."""

    def add(self, duration: float) -> None:
        """Add one duration [s]."""
        self._samples[self.count % len(self._samples)] = duration
        self.count += 1

    def summary(self) -> dict[str, float]:
        """Return `latency_p50_ms`, `latency_p99_ms` and `latency_max_ms`; empty before any."""
        if not self.count:
            return {}
        kept = self._samples[:self.count] * 1e3
        p50, p99 = np.percentile(kept, (50, 99))
        return {'latency_p50_ms': float(p50), 'latency_p99_ms': float(p99),
                'latency_max_ms': float(kept.max())}
