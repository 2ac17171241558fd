"""When the simulated world stops to be looked at. No ROS."""

from collections.abc import Mapping

SAME = 1000
"""Moments closer than this [ns] are one."""


class Schedule:
    """
    Several streams of moments at rates of their own, in one order.

    The moments of a stream are the whole multiples of its period, to a nanosecond and for ever:
    rounding does not add up, so a camera of 30 Hz and an IMU of 200 Hz meet every 100 ms.
    """

    def __init__(self, rates: Mapping[str, float]) -> None:
        """:param rates: [Hz] by name of the stream, above 0."""
        self._rates = dict(rates)
        self._counts = dict.fromkeys(rates, 1)

    @property
    def next(self) -> int:
        """The next moment [ns] after 0 that has not been taken."""
        return min(self._moment(name) for name in self._rates)

    def take(self) -> frozenset[str]:
        """Go past the next moment; return the streams that it belongs to."""
        moment = self.next
        due = frozenset(n for n in self._rates if self._moment(n) <= moment + SAME)
        for name in due:
            self._counts[name] += 1
        return due

    def _moment(self, name: str) -> int:
        return round(self._counts[name] * 1e9 / self._rates[name])
