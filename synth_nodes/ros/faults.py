"""Sensor faults in a node: live parameters `faults.*`, readings through them, diagnostics."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from synth_nodes.ros.diagnostics import Diagnostics, Health, WARN
from synth_nodes.sensors.fault_settings import FaultSettings
from synth_nodes.sensors.fault_values import Channel, Values
from synth_nodes.sensors.faults import FaultLine, Reading, switched
from synth_nodes.settings import leaves


class FaultSwitch:
    """
    The faults of a node's sensor.

    Make it before the parameters are declared, for they call it: :attr:`live`. Then :meth:`begin`.
    """

    def __init__(self) -> None:
        self._line = FaultLine({})
        self._frame_id = ''
        self._send: Callable[[Reading], None] = lambda reading: None
        self.live: dict[str, Callable[[Any], None]] = {
            f'faults.{leaf.name}': partial(self._set, leaf.name)
            for leaf in leaves(FaultSettings)}
        """What to call on a change of each parameter; see `synth_nodes.ros.parameters.declare`."""

    def begin(self, settings: FaultSettings, channels: Mapping[str, Channel], seed: int,
              frame_id: str, send: Callable[[Reading], None], diagnostics: Diagnostics) -> None:
        """
        Start with the faults that were asked for.

        :param channels: what the arrays of a reading are.
        :param frame_id: true frame of the readings.
        :param send: publishes one reading.
        :param diagnostics: gets a matter 'faults'.
        """
        self._line = FaultLine(channels, settings, seed)
        self._frame_id, self._send = frame_id, send
        diagnostics.add('faults', self._health)

    def take(self, stamp: int, arrays: Mapping[str, Values]) -> None:
        """
        Publish a reading, or what the faults make of it.

        :param stamp: of the reading, which is the present simulated time [ns].
        :param arrays: its values by name; they may be written to again afterwards.
        """
        for reading in self._line.take(Reading(stamp, self._frame_id, arrays), stamp):
            self._send(reading)

    def tick(self, now: int) -> None:
        """Publish what was held back until now [ns]."""
        if self._line.held:
            for reading in self._line.release(now):
                self._send(reading)

    def _set(self, name: str, value: Any) -> None:
        self._line.switch(switched(self._line.settings, name, value))

    def _health(self) -> Health:
        line, active = self._line, self._line.settings.active
        values = {'held': line.held, **line.counts, **active}
        if not active:
            return Health(message='none', values=values)
        words = ', '.join(f'{name} = {value}' for name, value in active.items())
        return Health(WARN, f'switched on: {words}', values)
