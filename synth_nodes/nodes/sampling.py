"""The loop that sensors of motion share: from a stream of truth to readings at a rate."""

from typing import Generic, TypeVar

from synth_nodes.ros.diagnostics import Health, WARN

T = TypeVar('T')
TOLERANCE = 1000
"""A truth that comes this much [ns] before its moment is in time."""


class Sampling(Generic[T]):
    """Picks values out of a stream at a rate, each with the one picked before it."""

    def __init__(self, rate: float) -> None:
        """:param rate: readings a second of the stamps' time."""
        self._rate = rate
        self._last: tuple[int, T] | None = None
        self.readings = 0
        """Readings so far."""
        self.slow = False
        """Whether the truth came too seldom for the last reading."""

    def take(self, stamp: int, value: T) -> tuple[T, float] | None:
        """
        Take the truth of a moment.

        :param stamp: [ns].
        :return: the value picked before and the time since [s], where a reading is due now.
        """
        last = self._last
        if last is None or stamp <= last[0]:
            self._last = (stamp, value)
            return None
        if self._slot(stamp) == self._slot(last[0]):
            return None
        self._last = (stamp, value)
        self.slow = self._slot(stamp) > self._slot(last[0]) + 1
        self.readings += 1
        return last[1], (stamp - last[0]) * 1e-9

    def health(self) -> Health:
        """Say how it goes, for diagnostics."""
        values = {'readings': self.readings}
        if not self.readings:
            return Health(WARN, 'no ground truth yet', values)
        if self.slow:
            return Health(WARN, f'ground truth comes less often than {self._rate:g} Hz; give the '
                          "rate below '/**', so that world_node has it too", values)
        return Health(values=values)

    def _slot(self, stamp: int) -> int:
        return int((stamp + TOLERANCE) * self._rate // 1e9)
