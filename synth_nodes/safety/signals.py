"""What temporal properties speak of, out of a safety log or out of recorded messages."""

from dataclasses import dataclass, field
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.body import Body, body_of
from synth_nodes.safety.cycle import Cycle
from synth_nodes.safety.formula import CONSTANTS
from synth_nodes.safety.log_format import CycleRecord
from synth_nodes.safety.log_reader import Basis, Entry
from synth_nodes.safety.properties import SIGNALS, Trace
from synth_nodes.safety.rules import SourceRules
from synth_nodes.safety.sources import age_problem, refusal, shifted
from synth_nodes.safety.watchdog import overridden
from synth_nodes.types import RobotSpec

Array = NDArray[np.float64]


def distance_to_body(body: Body, points: Array) -> float:
    """
    Distance [m] from the footprint to the nearest point; negative inside, inf without points.

    Only points that may be nearest are measured: the body's level is a lower bound, and the
    distance of the point with the lowest level an upper one.

    :param points: base_link [m], shape (N, 2).
    """
    if not len(points):
        return math.inf
    gauge = body.gauge(points)
    best = int(np.argmin(gauge))
    if gauge[best] <= 0.0:
        return float(gauge[best])
    reach = float(_outside(body, points[best:best + 1])[0])
    return float(_outside(body, points[gauge <= reach + 1e-9]).min())


def _outside(body: Body, points: Array) -> Array:
    """Distance [m], shape (N,), of points from the nearest edge; exact outside the body."""
    edges = np.roll(body.corners, -1, axis=0) - body.corners
    offset = points[:, None, :] - body.corners
    part = np.clip((offset * edges).sum(axis=2) / (edges ** 2).sum(axis=1), 0.0, 1.0)
    away = offset - part[..., None] * edges
    return np.asarray(np.hypot(away[..., 0], away[..., 1]).min(axis=1))


@dataclass
class LogSignals:
    """Collects the signals of a safety log, entry by entry."""

    rows: list[dict[str, float]] = field(default_factory=list)
    times: list[float] = field(default_factory=list)

    def take(self, entry: Entry) -> None:
        """Look at an entry of a log; pass this to :func:`synth_nodes.safety.replay.replay`."""
        record = entry.record
        if isinstance(record, CycleRecord) and entry.basis is not None:
            self.rows.append(_row(record, entry.basis))
            self.times.append(record.cycle.now)

    def trace(self) -> Trace:
        """Return the signals of all cycles, by the monitor's clock."""
        columns = {name: np.array([row[name] for row in self.rows]) for name in SIGNALS}
        return Trace(np.array(self.times), columns)


def _row(record: CycleRecord, basis: Basis) -> dict[str, float]:
    """All signals of one cycle."""
    cycle, verdict = record.cycle, record.verdict
    body, rules = body_of(basis.robot.footprint), basis.rules
    usable, distance = _surroundings(cycle, rules.source, body)
    return {
        'distance': distance,
        **motion('', _three(cycle.state.velocity), body),
        **motion('in_', _three(cycle.command), None),
        **motion('out_', np.array(verdict.command), body),
        'action': CONSTANTS[verdict.action], 'margin': verdict.margin,
        'time_to_collision': verdict.time_to_collision,
        'age': max((source.age for source in cycle.sources), default=math.inf),
        'velocity_age': cycle.state.age, 'usable': float(usable),
        'overridden': float(overridden(rules.command, cycle.watch, cycle.now)),
        'off': float(cycle.off), 'latched': float(bool(cycle.watch.latched)),
    }


def _surroundings(cycle: Cycle, rules: SourceRules, body: Body) -> tuple[bool, float]:
    """Whether the cycle's data can be used, and the distance to the nearest point, NaN if not."""
    sighted = bool(cycle.sources) and not any(refusal(rules, s) for s in cycle.sources)
    velocity = _three(cycle.state.velocity)
    known = bool(np.isfinite(velocity).all()) and not age_problem(rules, cycle.state.age)
    if not sighted:
        return False, math.nan
    drift = velocity if known else np.zeros(3)
    points = [shifted(s.points_base, drift, max(s.age, 0.0)) for s in cycle.sources]
    return known, distance_to_body(body, np.concatenate(points))


def motion(prefix: str, velocity: Array, body: Body | None) -> dict[str, float]:
    """
    Signals of a velocity.

    :param velocity: vx [m/s], vy [m/s], w [rad/s], shape (3,).
    :param body: with it, the speed of its fastest part is among them.
    """
    vx, vy, w = (float(v) for v in velocity)
    out = {f'{prefix}vx': vx, f'{prefix}vy': vy, f'{prefix}wz': w,
           f'{prefix}speed': math.hypot(vx, vy)}
    if body is not None:
        out[f'{prefix}body_speed'] = math.hypot(vx, vy) + abs(w) * body.radius
    return out


def _three(values: Any) -> Array:
    array = np.asarray(values, float)
    return array if array.shape == (3,) else np.full(3, np.nan)


@dataclass(frozen=True)
class Track:
    """Values of one topic over time."""

    times: Array
    """[s], shape (N,), not decreasing."""
    values: Array
    """Shape (N, ...)."""


def recorded_trace(robot: RobotSpec, *, distance: Track | None = None,
                   velocity: Track | None = None, asked: Track | None = None,
                   let_through: Track | None = None) -> Trace:
    """
    Make signals of recorded topics: at the time of each message, the newest value of each topic.

    Before the first message of a topic its signals are unknown. The monitor is taken to have been
    on throughout.

    :param distance: of the nearest point from the footprint [m], values (N,).
    :param velocity: measured; like the next two vx, vy [m/s], w [rad/s] in base_link, (N, 3).
    :param asked: commands before the monitor.
    :param let_through: commands that reached the base.
    """
    body = body_of(robot.footprint)
    tracks = [t for t in (distance, velocity, asked, let_through) if t is not None]
    times = np.unique(np.concatenate([t.times for t in tracks])) if tracks else np.zeros(0)
    signals: dict[str, Array] = {'off': np.zeros(len(times))}
    if distance is not None:
        signals['distance'], signals['age'] = _held(distance, times)
    for prefix, track in (('', velocity), ('in_', asked), ('out_', let_through)):
        if track is None:
            continue
        held, age = _held(track, times)
        signals.update(_motions(prefix, held, None if prefix == 'in_' else body))
        if not prefix:
            signals['velocity_age'] = age
    return Trace(times, signals)


def _held(track: Track, times: Array) -> tuple[Array, Array]:
    """Newest value at each time and its age [s], NaN and inf before the first."""
    index = np.searchsorted(track.times, times, side='right') - 1
    known = index >= 0
    if not len(track.times):
        return np.full((len(times), *track.values.shape[1:]), np.nan), np.full(len(times), np.inf)
    values = np.where(known.reshape(-1, *(1,) * (track.values.ndim - 1)),
                      track.values[np.maximum(index, 0)], np.nan)
    ages = np.where(known, times - track.times[np.maximum(index, 0)], np.inf)
    return values, ages


def _motions(prefix: str, velocities: Array, body: Body | None) -> dict[str, Array]:
    rows = [motion(prefix, row, body) for row in velocities]
    return {name: np.array([row[name] for row in rows]) for name in motion(prefix, np.zeros(3),
                                                                           body)}
