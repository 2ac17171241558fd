"""The figures of a mission, gathered while it runs and written as `mission.json`."""

from collections.abc import Mapping
from datetime import datetime, timezone
import json
import os
from pathlib import Path
import tempfile
from typing import Any

from synth_nodes import __version__
from synth_nodes.tasks.mission import Mission
from synth_nodes.tasks.mission_log import ChainLatency, Counters, percentiles, StopLog, Track

FORMAT = 'synth_nodes/mission/1'


class MissionReport:
    """Everything that is measured from the first goal to the last."""

    def __init__(self) -> None:
        """Start with nothing measured."""
        self.track = Track()
        self.stops = StopLog()
        self.chain = ChainLatency()
        self.counters = Counters()
        self._span_sim = (0.0, 0.0)
        self._span_wall = (0.0, 0.0)
        self._start: tuple[float, float, float] = (0.0, 0.0, 0.0)
        self._now = (0.0, (0.0, 0.0))
        self._before: dict[str, dict[str, float | str]] = {}

    def begin(self, wall: float, time: float, x: float, y: float, yaw: float) -> None:
        """
        Note the beginning.

        :param wall: seconds since the epoch.
        :param time: simulated time [s].
        :param x: true pose in `map` [m].
        :param y: [m].
        :param yaw: [rad].
        """
        self._span_sim = (time, time)
        self._span_wall = (wall, wall)
        self._start = (x, y, yaw)
        self._before = {node: dict(values) for node, values in self.counters.values.items()}
        self.pose(time, x, y, yaw, 0.0)

    def pose(self, time: float, x: float, y: float, yaw: float, speed: float) -> None:
        """Take the robot's true pose in `map` [m, rad] and speed forward [m/s]."""
        self.track.add(time, x, y, yaw, speed)
        self._now = (time, (x, y))

    def verdict(self, values: Mapping[str, str], reason: str) -> None:
        """Take a verdict of the safety monitor, which holds from now on."""
        time, position = self._now
        self.stops.add(time, position, values.get('action', ''), values.get('rule', ''),
                       values.get('source', ''), reason)

    def end(self, wall: float, time: float) -> None:
        """Note the end; see :meth:`begin`."""
        self.stops.close(time)
        self._span_sim = (self._span_sim[0], time)
        self._span_wall = (self._span_wall[0], wall)

    def figures(self, mission: Mission, settings: Mapping[str, Any], map_file: str,
                recording: str) -> dict[str, Any]:
        """
        Collect all figures.

        :param settings: parameters of the mission, flat.
        :param map_file: Nav2 map that was driven in, relative to the report.
        :param recording: MCAP file, relative to the report; empty when there is none.
        """
        sim = self._span_sim[1] - self._span_sim[0]
        wall = self._span_wall[1] - self._span_wall[0]
        begun = datetime.fromtimestamp(self._span_wall[0], timezone.utc)
        return {
            'format': FORMAT, 'version': __version__,
            'started': begun.isoformat(timespec='seconds'),
            'settings': dict(settings), 'map': map_file, 'recording': recording,
            'start': self._start, 'goals': mission.figures(), 'stops': self.stops.stops,
            'sim_time': sim, 'wall_time': wall, 'real_time_factor': sim / wall if wall else None,
            'chain_latency_ms': percentiles(self.chain.samples_ms),
            'nodes_at_start': self._before, 'nodes': self.counters.values,
            'track': self.track.rows}


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a file that is either whole or not there."""
    text = json.dumps(content, allow_nan=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
            'w', dir=path.parent, prefix=f'.{path.name}.', delete=False,
            encoding='utf-8') as stream:
        stream.write(text)
    os.chmod(stream.name, 0o644)
    os.replace(stream.name, path)
