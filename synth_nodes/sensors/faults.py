"""
Faults on the way from a sensor to those who listen: a line that readings go through.

Order of the stages, each seeing what the one before has made:

1. values: bias, false returns, blind sector, all full scale, all NaN;
2. freeze: the values of the first reading since it was switched on, byte for byte;
3. stamp: freeze_stamp, then future_stamp; then the frame;
4. drop, then duplicate, then out_of_order;
5. delay and jitter, in the order in which readings come here.

Only `drop` loses anything. Time comes in as an argument and chance from a seed, one stream of it
for each fault, so that switching one on does not change what another draws.
"""

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from synth_nodes.sensors.fault_settings import FaultSettings
from synth_nodes.sensors.fault_values import Channel, spoil_values, Values

_STREAMS = ('values', 'drop', 'duplicate', 'out_of_order', 'jitter')


@dataclass(frozen=True, eq=False)
class Reading:
    """One message of a sensor, without ROS."""

    stamp: int
    """[ns]."""
    frame_id: str
    """Frame that its values are in."""
    arrays: Mapping[str, Values]
    """Its values by name."""


class _Held(NamedTuple):
    """A reading under way."""

    since: int
    """When it came [ns]."""
    share: float
    """Part of the jitter that it draws."""
    reading: Reading


class FaultLine:
    """Passes readings of one sensor on, with its faults; without any, as they are."""

    def __init__(self, channels: Mapping[str, Channel],
                 settings: FaultSettings | None = None, seed: int = 0) -> None:
        """
        Begin with nothing under way.

        :param channels: what the arrays of a reading are, by name.
        :param settings: None for no faults.
        :param seed: the same seed, settings and readings give the same faults.
        """
        self._channels = channels
        self._rng = {name: np.random.default_rng([17, seed, k])
                     for k, name in enumerate(_STREAMS)}
        self._queue: deque[_Held] = deque()
        self._late: Reading | None = None
        self._frozen: Mapping[str, Values] | None = None
        self._stamp: int | None = None
        self.counts: Counter[str] = Counter(dropped=0, duplicated=0, overtaken=0)
        """What became of readings so far."""
        self.switch(settings or FaultSettings())

    def switch(self, settings: FaultSettings) -> None:
        """Change the faults from the next reading on; what is held back follows the new times."""
        self.settings = settings
        self._active = bool(settings.active)
        if not settings.freeze:
            self._frozen = None
        if not settings.freeze_stamp:
            self._stamp = None

    @property
    def held(self) -> int:
        """Readings that are under way."""
        return len(self._queue) + (self._late is not None)

    def take(self, reading: Reading, now: int) -> list[Reading]:
        """
        Take a reading from the sensor.

        :param reading: its arrays are copied where they must be kept, and never written to.
        :param now: present time [ns], on the clock of the stamps.
        :return: what leaves now, in order: none, one or several.
        """
        if not self._active and not self.held:
            return [reading]
        s = self.settings
        if not self._chance('drop', s.drop, 'dropped'):
            marked = self._marked(reading)
            for _ in range(1 + self._chance('duplicate', s.duplicate, 'duplicated')):
                self._enter(marked, now)
        return self.release(now)

    def release(self, now: int) -> list[Reading]:
        """
        Say what leaves although no reading has come; call it as time goes on.

        :param now: present time [ns]. Where it has gone back, all that came later leaves.
        """
        if self._late is not None and not self.settings.out_of_order:
            self._push(self._late, now)
            self._late = None
        out = []
        while self._queue and self._due(self._queue[0], now):
            out.append(self._queue.popleft().reading)
        return out

    def flush(self) -> list[Reading]:
        """Give out all that is held back, in order, whatever the time."""
        out = [held.reading for held in self._queue]
        self._queue.clear()
        if self._late is not None:
            out.append(self._late)
            self._late = None
        return out

    def _due(self, held: _Held, now: int) -> bool:
        wait = self.settings.delay + held.share * self.settings.jitter
        return now < held.since or now - held.since >= round(1e9 * wait)

    def _marked(self, reading: Reading) -> Reading:
        """Apply what changes a reading itself."""
        s, arrays = self.settings, reading.arrays
        if s.freeze and self._frozen is not None:
            arrays = self._frozen
        elif s.values:
            arrays = spoil_values(arrays, self._channels, s, self._rng['values'])
        if arrays is not self._frozen:
            # The sensor may write its next values into the same memory.
            arrays = {name: np.array(values) for name, values in arrays.items()}
        if s.freeze:
            self._frozen = arrays
        stamp = reading.stamp
        if s.freeze_stamp:
            stamp = self._stamp = stamp if self._stamp is None else self._stamp
        return Reading(stamp + round(1e9 * s.future_stamp), s.wrong_frame or reading.frame_id,
                       arrays)

    def _enter(self, reading: Reading, now: int) -> None:
        """Put a reading into the queue, or behind the next one."""
        if self._late is not None:
            late, self._late = self._late, None
            self._push(reading, now)
            self._push(late, now)
        elif self._chance('out_of_order', self.settings.out_of_order, 'overtaken'):
            self._late = reading
        else:
            self._push(reading, now)

    def _push(self, reading: Reading, now: int) -> None:
        share = float(self._rng['jitter'].random()) if self.settings.jitter else 0.0
        self._queue.append(_Held(now, share, reading))

    def _chance(self, name: str, chance: float, counter: str) -> bool:
        happens = chance > 0.0 and bool(self._rng[name].random() < chance)
        self.counts[counter] += happens
        return happens


def switched(settings: FaultSettings, name: str, value: bool | float | str) -> FaultSettings:
    """Return settings with one fault set otherwise."""
    return replace(settings, **{name: value})  # type: ignore[arg-type]
