"""
What the safety monitor remembers between messages, and its judgements. No ROS.

All times come in as arguments on one clock, so that a log replays to the same verdicts.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.infer.collision import CollisionPredictor
from synth_nodes.nodes.brake_guard import BrakeGuard
from synth_nodes.policy.collision import lidar_of
from synth_nodes.safety import watchdog
from synth_nodes.safety.body import body_of
from synth_nodes.safety.cycle import Cycle, decide, Outcome, stopped
from synth_nodes.safety.intake import Header, Intake
from synth_nodes.safety.log import SafetyLog
from synth_nodes.safety.mounts import Mount, mount_of
from synth_nodes.safety.nav2_zones import UserZone
from synth_nodes.safety.rules import check_rules, SafetyRules, unseen_reach
from synth_nodes.safety.sight import seen_together
from synth_nodes.safety.sources import age_problem, PointSource, refusal, RobotState, Sent
from synth_nodes.safety.zone_settings import SourceSettings
from synth_nodes.types import FloatArray, LidarSpec, RobotSpec, Verdict

COUNTERS = {'pass': 'passed', 'limit': 'limited', 'slowdown': 'slowed', 'approach': 'slowed',
            'stop': 'stopped'}
"""Name of the counter of each action."""
Array = NDArray[np.float64]


class Guard:
    """
    Lets through of each command what the newest data allow.

    Sensors go in by `take_odometry` and `take_scan`, `take_cloud`, `take_range`, `take_polygon`
    (each for the source it names); commands by :meth:`check`, and :meth:`recheck` judges the
    newest one again; services by `latch`, `reset`, `override`, `toggle`; what changes while
    running by `take_shape`, `enable_zone`, `enable_source`, `place` and `take_publishers`.
    """

    def __init__(self, rules: SafetyRules, robot: RobotSpec, mount: Sequence[float] = (0, 0, 0),
                 log: SafetyLog | None = None, *, intakes: Sequence[Intake] = (),
                 zones: Sequence[UserZone] = (), lidar: LidarSpec | None = None,
                 predictor: CollisionPredictor | None = None) -> None:
        """
        Begin without data: everything is a stop.

        :param mount: pose of the laser in base_link, x [m], y [m], yaw [rad], where there are no
            intakes: then there is one source, the scan 'scan'.
        :param log: takes every cycle and event; None logs nothing.
        :param intakes: the sensors relied on.
        :param zones: the user's zones.
        :param lidar: with it, rules that the scanner cannot keep are refused, now and, by what its
            first scan shows of it, then: the first scan source stays unusable.
        :param predictor: lowers the speed by a learned risk; it sees the first scan source.
        :raises InputError: when rules contradict each other, the robot or the lidar.
        """
        check_rules(rules, robot, lidar)
        self._lidar, self._geometry, self._unfit = lidar, (), ''
        self._rules, self._robot, self._log = rules, robot, log
        x, y, yaw = mount
        self.intakes = {i.name: i for i in intakes or (
            Intake('scan', SourceSettings(), rules.source, mount_of((x, y, 0, 0, 0, yaw)),
                   footprint=robot.footprint, reach=unseen_reach(rules, robot)),)}
        self.zones: dict[str, UserZone] = {zone.name: zone for zone in zones}
        self.predictor = predictor
        self._eyes = next((i.name for i in self.intakes.values() if i.settings.kind == 'scan'),
                          '')
        self._velocity = np.full(3, np.nan)
        self._velocity_stamp = -np.inf
        self._travel = 0.0
        self.odometry_problem = ''
        """Why the newest odometry cannot be used; empty if it can."""
        self._watch = watchdog.Watch()
        self._command = np.zeros(3)
        self._fault = ''
        self._sent = Sent()
        self.brakes = BrakeGuard(rules, robot)
        """What was found of the drive's brakes."""
        self.risk: float | None = None
        """Newest learned probability of a collision; None where there is none."""
        self.commanding: tuple[str, ...] = ()
        """Names of the nodes that command the base; should be the monitor's alone."""
        self.off = False
        """Whether the monitor is switched off; never of itself."""
        self.verdict = stopped('command', 'no command has come yet')
        """The newest judgement."""
        self.outcome = Outcome(self.verdict, self._watch, False)
        """All that came of the newest cycle."""
        self.counts: Counter[str] = Counter(checked=0, **dict.fromkeys(COUNTERS.values(), 0))
        """Commands checked, and what became of them."""

    def take_odometry(self, velocity: Array, stamp: float, problem: str = '') -> None:
        """
        Take a measured velocity.

        :param velocity: vx, vy [m/s], wz [rad/s] in base_link, shape (3,).
        :param stamp: of the measurement [s].
        :param problem: why it cannot be used, such as its frame; empty if it can.
        """
        if problem != self.odometry_problem:
            self.note(stamp, 'odometry', problem or 'it can be used again')
        self.odometry_problem = problem
        velocity = np.full(3, np.nan) if problem else velocity
        passed = stamp - self._velocity_stamp
        if 0.0 < passed < self._rules.source.timeout and np.isfinite(self._velocity).all():
            vx, vy, w = self._velocity
            radius = body_of(self._robot.footprint).radius
            self._travel += (float(np.hypot(vx, vy)) + abs(float(w)) * radius) * passed
        self._velocity, self._velocity_stamp = velocity, stamp
        problem = self.brakes.measured(velocity, stamp)
        if problem:
            self.note(stamp, 'brakes', problem)

    def take_scan(self, ranges: FloatArray, angles: Array, range_min: float, range_max: float,
                  stamp: float, source: str = 'scan', frame: str = '') -> None:
        """Take a scan: ranges [m] and beam angles [rad] in the laser frame, both (N,)."""
        self.intakes[source].take_scan(np.asarray(ranges), angles, range_min, range_max,
                                       self._header(stamp, frame))
        if source == self._eyes and self._lidar is not None:
            self._fit(angles, range_min, range_max)
            if self._unfit:
                self.refuse(source, self._unfit, stamp)
        if self.predictor is not None and source == self._eyes:
            self.predictor.take(ranges, angles, stamp)

    def take_cloud(self, points: FloatArray, stamp: float, source: str, frame: str = '') -> None:
        """Take a point cloud [m] in the sensor's frame, shape (N, 3)."""
        self.intakes[source].take_cloud(points, self._header(stamp, frame))

    def take_range(self, distance: float, field_of_view: float, range_min: float,
                   range_max: float, stamp: float, source: str, frame: str = '') -> None:
        """Take one distance [m] within a cone [rad] about the sensor's x axis."""
        self.intakes[source].take_range(distance, field_of_view, range_min, range_max,
                                        self._header(stamp, frame))

    def take_polygon(self, corners: Array, stamp: float, source: str, frame: str = '') -> None:
        """Take the outline [m] of something solid, shape (E, 2)."""
        self.intakes[source].take_polygon(corners, self._header(stamp, frame))

    def refuse(self, source: str, reason: str, stamp: float) -> None:
        """Take a message of a source that cannot be read, and why."""
        self.intakes[source].refuse(reason, stamp)

    def place(self, source: str, mount: Mount) -> None:
        """Say where a source sits, as TF has it."""
        self.intakes[source].mount = mount

    def take_shape(self, zone: str, now: float, corners: Array | None = None,
                   radius: float | None = None) -> None:
        """
        Give a zone another shape; a bad one leaves it without, and that stops the robot.

        :param corners: base_link [m], shape (E, 2), three or more.
        :param radius: of a circle [m].
        """
        if corners is not None and (len(corners) < 3 or not np.isfinite(corners).all()):
            corners = None
        if radius is not None and not 0.0 < radius < np.inf:
            radius = None
        before = self.zones[zone]
        self.zones[zone] = replace(before, corners=corners, radius=radius)
        if before.shape_known != self.zones[zone].shape_known:
            known = self.zones[zone].shape_known
            self.note(now, 'shape', f"zone '{zone}' has {'a' if known else 'no usable'} shape")

    def enable_zone(self, zone: str, on: bool, now: float) -> None:
        """Let a zone count, or not."""
        self.zones[zone] = replace(self.zones[zone], enabled=on)
        self.note(now, 'zone', f"zone '{zone}' {_switched(on)}")

    def enable_source(self, source: str, on: bool, now: float) -> None:
        """Rely on a source, or not."""
        self.intakes[source].enabled = on
        self.note(now, 'source', f"source '{source}' {_switched(on)}")

    def take_publishers(self, names: Sequence[str], now: float,
                        others: Sequence[str] = ()) -> None:
        """
        Take the names of the nodes that publish commands; more than one stops the robot.

        :param others: those that command the base, the monitor among them; likewise.
        """
        self.commanding = tuple(others)
        fault = '; '.join(
            f"{len(nodes)} publish {what}: {', '.join(nodes)}"
            for what, nodes in (('it', names), ('what the base follows', others))
            if len(nodes) > 1 and self._rules.command.publishers == 'one')
        if fault != self._fault:
            self.note(now, 'publishers', fault or 'one publishes commands')
        self._fault = fault

    def check(self, command: Array, stamp: float, now: float, fault: str = '') -> Verdict:
        """
        Judge a new command.

        :param command: vx, vy [m/s], wz [rad/s] in base_link, shape (3,).
        :param stamp: of the command [s]; `now` where it has none.
        :param fault: what is wrong with its message, such as its frame; empty if nothing.
        """
        self._command = command
        outcome = self._decide(stamp, now, fault)
        self._command = outcome.command if outcome.accepted else np.zeros(3)
        self.counts['checked'] += 1
        self.counts[COUNTERS[self.verdict.action]] += 1
        return self.verdict

    def recheck(self, now: float) -> Verdict:
        """Judge the newest command once more with the newest data; too old, it is a stop."""
        return self._decide(None, now).verdict

    def starved(self, now: float) -> bool:
        """Whether the newest command has become too old to be followed, or there is none."""
        return bool(watchdog.starved(self._rules.command, self._watch, now))

    def latch(self, now: float) -> str:
        """Stop until :meth:`reset`; like the next three, return why not, or nothing."""
        self._watch = watchdog.latch(self._watch, f'asked for at {now:.2f} s')
        self.note(now, 'latch')
        return ''

    def inherit(self, before: 'Guard', now: float) -> None:
        """Keep what only a reset lifts: a latched stop, and what was found of the brakes."""
        self.brakes = before.brakes
        if before._watch.latched:
            self._watch = watchdog.latch(self._watch, before._watch.latched)
            self.note(now, 'latch', f'kept: {before._watch.latched}')

    def reset(self, now: float) -> str:
        """Lift a latched stop and trust the stated brakes; only commands from now on move."""
        self.brakes.reset()
        self._watch = watchdog.reset(self._watch)
        self.note(now, 'reset')
        return ''

    def override(self, now: float) -> str:
        """Suspend zones and braking for a while."""
        self._watch, problem = watchdog.override(self._rules.command, self._watch, now)
        self.note(now, 'override', problem)
        return problem

    def toggle(self, on: bool, now: float) -> str:
        """Switch the monitor on or off; off, it passes all sound commands unjudged."""
        self.off = not on
        self.note(now, 'toggle', f'the monitor {_switched(on)}')
        return ''

    def note(self, now: float, event: str, detail: str = '') -> None:
        """Write an event to the log, if there is one."""
        if self._log is not None:
            self._log.event(now, event, detail)

    @property
    def command(self) -> Array:
        """Newest command as it was judged, shape (3,)."""
        return self._command

    def states(self, now: float) -> Mapping[str, str]:
        """Say of 'odometry' and of each 'source NAME' and 'zone NAME' how it is."""
        age = age_problem(self._rules.source, now - self._velocity_stamp)
        problem = self.odometry_problem or age
        out = {'odometry': f'refused: its velocity {problem}' if problem else 'ok'}
        for name, intake in self.intakes.items():
            problem = refusal(self._rules.source, intake.source(now))
            state = f'refused: {problem}' if problem else 'ok'
            out[f'source {name}'] = state if intake.enabled else 'switched off'
        for name, zone in self.zones.items():
            held = self.outcome.held.get(name)
            acts = held is not None and held.scale < 1.0
            out[f'zone {name}'] = (
                'switched off' if not zone.enabled else 'no shape' if not zone.shape_known
                else 'detects' if name in self.outcome.detections
                else 'clear' if not acts else 'holds' if held.misses else zone.action)
        return out

    def _fit(self, angles: Array, range_min: float, range_max: float) -> None:
        """See whether the rules can be kept with the scanner that the scans come from."""
        seen = (len(angles), *angles[:1], *angles[-1:], range_min, range_max)
        if seen == self._geometry:
            return
        self._geometry, self._unfit = seen, ''
        try:
            real = lidar_of(self._lidar, np.sort(angles))
            check_rules(self._rules, self._robot, replace(
                real, range_min=float(range_min), range_max=float(range_max),
                mount=self._lidar.mount))
        except InputError as error:
            self._unfit = str(error)

    def _sources(self, now: float) -> tuple[PointSource, ...]:
        on = [i for i in self.intakes.values() if i.enabled]
        sources = [i.source(now) for i in on]
        return seen_together(sources, [None if refusal(self._rules.source, s) else i.view
                                       for i, s in zip(on, sources, strict=True)])

    def _header(self, stamp: float, frame: str) -> Header:
        return Header(stamp, frame, self._travel)

    def _decide(self, stamp: float | None, now: float, fault: str = '') -> Outcome:
        cycle = Cycle(
            now, self._command, stamp,
            RobotState(self._velocity, now - self._velocity_stamp, self._sent.pending),
            self._sources(now), self._watch,
            self.outcome.core, fault or self._fault, tuple(self.zones.values()),
            self.outcome.held, self._risk(), self.off, self.brakes.relied)
        outcome = decide(self._rules, self._robot, cycle)
        self._watch, self.verdict, self.outcome = outcome.watch, outcome.verdict, outcome
        self._sent = self._sent.after(now, outcome.verdict.command, self.brakes.memory)
        self.brakes.sent(now, outcome.verdict.command)
        if self._log is not None:
            self._log.append(cycle, outcome.verdict)
        return outcome

    def _risk(self) -> float | None:
        if self.predictor is None or not np.isfinite(self._command).all():
            return None
        self.risk = self.predictor.risk(self._command)
        return self.risk


def _switched(on: bool) -> str:
    return 'is switched on' if on else 'is switched off'
