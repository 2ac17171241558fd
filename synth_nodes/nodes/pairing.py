"""Bringing two streams of messages together by their stamps. No ROS."""

from collections.abc import Hashable
from typing import Any

TOLERANCE = 1000
"""A message that comes this much [ns] before its moment is in time."""


class Pairing:
    """
    Picks messages of a main stream at a slower rate, each with its partner of the same stamp.

    A partner without a stamp (a message about nothing, such as no obstacles) fits any message.
    """

    def __init__(self, period_ns: int) -> None:
        """:param period_ns: time from one picked message to the next."""
        self._period = period_ns
        self._slot: int | None = None
        self._waiting: tuple[int, Any] | None = None
        self._other: tuple[Hashable, Any] | None = None
        self.dropped = 0
        """Picked messages whose partner never came."""

    def take(self, stamp: int, message: Any) -> tuple[Any, Any] | None:
        """
        Take a message of the main stream.

        :param stamp: [ns].
        :return: (message, partner) where it is picked and its partner is there already.
        """
        slot = (stamp + TOLERANCE) // self._period
        if slot == self._slot:
            return None
        self._slot = slot
        if self._waiting is not None:
            self.dropped += 1
        self._waiting = (stamp, message)
        return self._match()

    def take_other(self, stamp: int | None, message: Any) -> tuple[Any, Any] | None:
        """
        Take a partner; None for a stamp fits any message.

        :return: (message, partner) where a picked message was waiting for it.
        """
        self._other = (stamp, message)
        return self._match()

    def _match(self) -> tuple[Any, Any] | None:
        if self._waiting is None or self._other is None:
            return None
        if self._other[0] not in (None, self._waiting[0]):
            return None
        pair = (self._waiting[1], self._other[1])
        self._waiting = None
        return pair
