"""A cycle of the safety monitor as bytes, and back; what the cycle before said is not repeated."""

import numpy as np

from synth_nodes.safety.brakes import Brakes
from synth_nodes.safety.cycle import Array, Cycle
from synth_nodes.safety.log_codec import (
    Cursor,
    Damaged,
    put_array,
    put_count,
    put_double,
    put_optional,
    put_text,
)
from synth_nodes.safety.nav2_zones import SubZone, UserZone
from synth_nodes.safety.sources import PointSource, RobotState
from synth_nodes.safety.user_zones import Held
from synth_nodes.safety.watchdog import Watch
from synth_nodes.types import Verdict

_SAME, _GIVEN = 0, 1
_NO_VERDICT, _LAST_VERDICT, _THIS_VERDICT = 0, 1, 2


class CycleEncoder:
    """Turns cycles into bytes; remembers those before, to say a thing once."""

    def __init__(self) -> None:
        """Begin where nothing has been said."""
        self._points: dict[str, tuple[tuple[int, ...], bytes]] = {}
        self._zones: bytes | None = None
        self._verdict = b''

    def put(self, out: bytearray, cycle: Cycle, verdict: Verdict) -> None:
        """Append a cycle and what was decided."""
        put_double(out, cycle.now)
        put_array(out, np.asarray(cycle.command, float))
        put_optional(out, cycle.stamp)
        put_array(out, np.asarray(cycle.state.velocity, float))
        put_double(out, cycle.state.age)
        put_array(out, np.asarray(cycle.state.pending, float))
        self._watch(out, cycle.watch)
        put_text(out, cycle.fault)
        out.append(bool(cycle.off))
        put_optional(out, cycle.risk)
        out.append(cycle.brakes is not None)
        if cycle.brakes is not None:
            put_double(out, cycle.brakes.deceleration)
            put_double(out, cycle.brakes.reaction)
        put_count(out, len(cycle.sources))
        for source in cycle.sources:
            self._source(out, source)
        self._user_zones(out, cycle)
        self._previous(out, cycle.previous)
        self._verdict = verdict_bytes(verdict)
        out += self._verdict

    def _watch(self, out: bytearray, watch: Watch) -> None:
        put_optional(out, watch.stamp)
        put_text(out, watch.latched)
        put_optional(out, watch.override_until)
        out.append(watch.command is not None)
        for value in watch.command or ():
            put_double(out, value)

    def _source(self, out: bytearray, source: PointSource) -> None:
        put_text(out, source.name)
        put_double(out, source.age)
        out.append(bool(source.valid))
        put_text(out, source.reason)
        put_double(out, source.timeout)
        self._array(out, source.name, source.points_base)
        self._array(out, f'{source.name} unseen', source.unseen_base)

    def _array(self, out: bytearray, name: str, points: Array) -> None:
        points = np.asarray(points, float)
        seen = points.shape, points.tobytes()
        if self._points.get(name) == seen:
            out.append(_SAME)
            return
        out.append(_GIVEN)
        put_array(out, points)
        self._points[name] = seen

    def _user_zones(self, out: bytearray, cycle: Cycle) -> None:
        zones = zone_bytes(cycle.zones)
        out.append(_SAME if zones == self._zones else _GIVEN)
        if zones != self._zones:
            out += zones
            self._zones = zones
        put_count(out, len(cycle.held))
        for name, held in cycle.held.items():
            put_text(out, name)
            put_double(out, held.scale)
            put_count(out, held.hits)
            put_count(out, held.misses)
            put_double(out, held.since)

    def _previous(self, out: bytearray, verdict: Verdict | None) -> None:
        if verdict is None:
            out.append(_NO_VERDICT)
            return
        previous = verdict_bytes(verdict)
        out.append(_LAST_VERDICT if previous == self._verdict else _THIS_VERDICT)
        if previous != self._verdict:
            out += previous


class CycleDecoder:
    """Turns the bytes of successive cycles back into them."""

    def __init__(self) -> None:
        """Begin where nothing has been said."""
        self._points: dict[str, Array] = {}
        self._zones: tuple[UserZone, ...] | None = None
        self._verdict: Verdict | None = None

    def take(self, cursor: Cursor) -> tuple[Cycle, Verdict]:
        """
        Read a cycle and what was decided.

        :raises Damaged: where it is none, or rests on what cannot be read.
        """
        now, command, stamp = cursor.double(), cursor.array(), cursor.optional()
        state = RobotState(cursor.array(), cursor.double(), cursor.array())
        watch = Watch(cursor.optional(), cursor.text(), cursor.optional(),
                      _three(cursor) if cursor.byte() else None)
        fault, off, risk = cursor.text(), bool(cursor.byte()), cursor.optional()
        brakes = Brakes(cursor.double(), cursor.double()) if cursor.byte() else None
        sources = tuple(self._source(cursor) for _ in range(cursor.count()))
        if cursor.byte() == _GIVEN:
            self._zones = zones_from(cursor)
        if self._zones is None:
            raise Damaged('the zones are in a record that cannot be read')
        held = {cursor.text(): Held(cursor.double(), cursor.count(), cursor.count(),
                                    cursor.double()) for _ in range(cursor.count())}
        cycle = Cycle(now, command, stamp, state, sources, watch, self._previous(cursor), fault,
                      self._zones, held, risk, off, brakes)
        self._verdict = verdict_from(cursor)
        return cycle, self._verdict

    def _source(self, cursor: Cursor) -> PointSource:
        name, age, valid = cursor.text(), cursor.double(), bool(cursor.byte())
        reason, timeout = cursor.text(), cursor.double()
        points = self._array(cursor, name)
        unseen = self._array(cursor, f'{name} unseen')
        return PointSource(name, points, age, valid, reason, unseen, timeout)

    def _array(self, cursor: Cursor, name: str) -> Array:
        if cursor.byte() == _GIVEN:
            self._points[name] = cursor.array()
        if name not in self._points:
            raise Damaged(f"the points of '{name}' are in a record that cannot be read")
        return self._points[name]

    def _previous(self, cursor: Cursor) -> Verdict | None:
        which = cursor.byte()
        if which == _NO_VERDICT:
            return None
        if which == _LAST_VERDICT and self._verdict is None:
            raise Damaged('the verdict before is not known')
        return self._verdict if which == _LAST_VERDICT else verdict_from(cursor)


def verdict_bytes(verdict: Verdict) -> bytes:
    """Bytes of a verdict; two verdicts are the same, bit for bit, when theirs are."""
    out = bytearray()
    for value in (*verdict.command, verdict.margin, verdict.time_to_collision):
        put_double(out, value)
    for text in (verdict.action, verdict.rule, verdict.source, verdict.reason):
        put_text(out, text)
    return bytes(out)


def verdict_from(cursor: Cursor) -> Verdict:
    """Read a verdict."""
    command, margin, time = _three(cursor), cursor.double(), cursor.double()
    action, rule, source, reason = (cursor.text() for _ in range(4))
    return Verdict(command, action, rule, source, margin, time, reason)


def zone_bytes(zones: tuple[UserZone, ...]) -> bytes:
    """Bytes of zones with all that a judgement looks at."""
    out = bytearray()
    put_count(out, len(zones))
    for zone in zones:
        for text in (zone.name, zone.shape, zone.action):
            put_text(out, text)
        out.append(zone.corners is not None)
        if zone.corners is not None:
            put_array(out, zone.corners)
        put_optional(out, zone.radius)
        put_count(out, len(zone.sub_zones))
        for part in zone.sub_zones:
            put_text(out, part.name)
            put_array(out, part.corners)
            for value in (part.linear_min, part.linear_max, part.theta_min, part.theta_max,
                          part.direction_start, part.direction_end):
                put_double(out, value)
        put_optional(out, None if zone.min_points is None else float(zone.min_points))
        for value in (zone.slowdown_ratio, zone.linear_limit, zone.angular_limit,
                      zone.time_before_collision, zone.simulation_time_step, zone.hold_time):
            put_double(out, value)
        out += bytes((zone.holonomic, zone.enabled, zone.sources is not None))
        put_count(out, len(zone.sources or ()))
        for name in zone.sources or ():
            put_text(out, name)
        put_count(out, zone.trigger_after)
        put_count(out, zone.release_after)
    return bytes(out)


def zones_from(cursor: Cursor) -> tuple[UserZone, ...]:
    """Read zones."""
    return tuple(_zone(cursor) for _ in range(cursor.count()))


def _zone(cursor: Cursor) -> UserZone:
    name, shape, action = (cursor.text() for _ in range(3))
    corners = cursor.array() if cursor.byte() else None
    radius = cursor.optional()
    parts = tuple(SubZone(cursor.text(), cursor.array(), *(cursor.double() for _ in range(6)))
                  for _ in range(cursor.count()))
    need = cursor.optional()
    ratio, linear, angular, horizon, step, hold = (cursor.double() for _ in range(6))
    holonomic, enabled, chosen = (bool(cursor.byte()) for _ in range(3))
    sources = tuple(cursor.text() for _ in range(cursor.count()))
    return UserZone(name, shape, action, corners, radius, parts, holonomic,
                    None if need is None else int(need), ratio, linear, angular, horizon, step,
                    enabled, sources if chosen else None, cursor.count(), cursor.count(), hold)


def _three(cursor: Cursor) -> tuple[float, float, float]:
    return cursor.double(), cursor.double(), cursor.double()
