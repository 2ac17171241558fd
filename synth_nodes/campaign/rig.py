"""A guard on a bench: its sensors, its commands and its clock, with a fault in one of them."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
import heapq
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.nodes.guard import Guard
from synth_nodes.nodes.speaking import Pace, PATIENCE
from synth_nodes.nodes.speaking import TICK as LOOK
from synth_nodes.safety.rules import CommandRules, SafetyRules, SourceRules
from synth_nodes.types import RobotSpec

Array = NDArray[np.float64]
TICK = 0.005
"""Step of the bench's time [s]."""
SETTLED = 0.6
"""Time [s] of sound running before a fault."""
WATCHED = 0.5
"""Time [s] for which a fault goes on after it must have been found."""
BEAMS = 120
FRAME = 'laser'
WISH = np.array((0.35, 0.0, 0.1))
"""Command of the pilot: vx, vy [m/s], w [rad/s]."""


@dataclass(frozen=True)
class Scan:
    """As a driver publishes it."""

    ranges: Array
    """[m], shape (N,)."""
    angles: Array
    stamp: float
    frame: str = FRAME
    range_min: float = 0.05
    range_max: float = 12.0


@dataclass(frozen=True)
class Odometry:
    """As a base publishes it."""

    velocity: Array
    """vx, vy [m/s], w [rad/s], shape (3,)."""
    stamp: float


@dataclass(frozen=True)
class Command:
    """As a policy publishes it."""

    twist: Array
    stamp: float
    problem: str = ''
    """What its message says that cannot be right, such as another frame."""


Message = Scan | Odometry | Command


@dataclass
class Fault:
    """A fault that has begun, and what it remembers."""

    rng: np.random.Generator
    rules: SafetyRules
    robot: RobotSpec
    amount: float
    """How bad it is, from 0 (hardly) to 1."""
    memory: dict[str, Any] = field(default_factory=dict)

    def between(self, low: float, high: float) -> float:
        """Pick by how bad it is."""
        return low + (high - low) * self.amount


def same(message: Message, fault: Fault) -> list[Message]:
    """Leave a message as it is."""
    return [message]


@dataclass(frozen=True)
class Kind:
    """A kind of fault, and what must come of it."""

    name: str
    what: str
    """What goes wrong, one sentence."""
    found_in: Callable[[SafetyRules], float]
    """Bound on the time [s] until it is found, a cycle not counted."""
    reaction: str = 'zero'
    """'zero', or 'limits' where motion within the robot's limits is right, or 'pass'."""
    scan: Callable[[Scan, Fault], list[Scan]] | None = None
    odometry: Callable[[Odometry, Fault], list[Odometry]] | None = None
    command: Callable[[Command, Fault], list[Command]] | None = None
    clock: Callable[[float, Fault], float] | None = None
    """From the true time to the monitor's."""
    begin: Callable[[Guard, float, Fault], None] | None = None
    """What happens once, at the time [s] the fault begins."""


@dataclass(frozen=True)
class Reaction:
    """What came of a fault."""

    ok: bool
    problem: str
    """What was wrong; empty where nothing was."""
    time: float
    """From the fault to the first zero that stayed [s]; inf where there was none."""
    bound: float
    """Time allowed [s]."""


class Bench:
    """Runs one fault on one seed."""

    def __init__(self, kind: Kind, seed: int) -> None:
        """Draw rates, delays, rules and the time of the fault."""
        self.kind = kind
        self.rng = rng = np.random.default_rng((seed, *kind.name.encode()))
        u = rng.uniform
        self.rules = SafetyRules(source=SourceRules(timeout=float(u(0.2, 0.4))),
                                 command=CommandRules(timeout=float(u(0.2, 0.4))))
        self.robot = RobotSpec()
        self.guard = Guard(self.rules, self.robot, (0.0, 0.0, 0.0))
        self.periods = {'scan': float(u(0.025, 0.1)), 'odometry': float(u(0.01, 0.05)),
                        'command': float(u(0.02, self.rules.command.period))}
        self.delays = {'scan': float(u(0.0, 0.05)), 'odometry': float(u(0.0, 0.01)),
                       'command': float(u(0.0, 0.01))}
        self.next = {name: float(u(0.0, p)) for name, p in self.periods.items()}
        self.start = SETTLED + float(u(0.0, 0.2))
        self.fault = Fault(rng, self.rules, self.robot, float(rng.random()))
        self.queue: list[tuple[float, int, Message]] = []
        self.outputs: list[tuple[float, Array]] = []
        self.pace = Pace(self.rules.command.period)
        self.sent = 0

    def run(self) -> Reaction:
        """Run until the fault has been watched long enough."""
        cycle = self.rules.command.period + LOOK + TICK
        bound = self.kind.found_in(self.rules)
        if self.kind.scan is not None:
            bound += self.periods['scan'] + self.delays['scan']
        if self.kind.odometry is not None:
            bound += self.periods['odometry'] + self.delays['odometry']
        bound += cycle
        begun = False
        for k in range(math.ceil((self.start + bound + WATCHED) / TICK)):
            true = k * TICK
            if true >= self.start and not begun:
                begun = True
                if self.kind.begin is not None:
                    self.kind.begin(self.guard, self._clock(true), self.fault)
            self._measure(true)
            self._deliver(true)
            self._tick(true, k)
        return self._judged(bound)

    def _clock(self, true: float) -> float:
        if self.kind.clock is None or true < self.start:
            return 100.0 + true
        return self.kind.clock(100.0 + true, self.fault)

    def _measure(self, true: float) -> None:
        """Let sensors and policy make their messages, each of which arrives after its delay."""
        for name, due in self.next.items():
            if true < due:
                continue
            self.next[name] = due + self.periods[name]
            message = self._make(name, self._clock(true))
            for out in self._faulty(name, message, true):
                self.sent += 1
                heapq.heappush(self.queue, (true + self.delays[name], self.sent, out))

    def _make(self, name: str, stamp: float) -> Message:
        if name == 'scan':
            angles = np.linspace(-np.pi, np.pi, BEAMS, endpoint=False)
            ranges = 5.0 + 0.5 * np.sin(3 * angles + 0.1 * stamp)
            return Scan(ranges + self.rng.normal(0.0, 0.01, BEAMS), angles, stamp)
        if name == 'odometry':
            moved = self.outputs[-1][1] if self.outputs else np.zeros(3)
            return Odometry(moved * (1 + 1e-3 * self.rng.normal(size=3)), stamp)
        return Command(WISH * (1 + 0.02 * self.rng.normal()), stamp)

    def _faulty(self, name: str, message: Any, true: float) -> list[Any]:
        change = getattr(self.kind, name)
        if change is None or true < self.start:
            return [message]
        changed: list[Any] = change(message, self.fault)
        return changed

    def _deliver(self, true: float) -> None:
        while self.queue and self.queue[0][0] <= true:
            message = heapq.heappop(self.queue)[2]
            if isinstance(message, Scan):
                self.guard.take_scan(message.ranges, message.angles, message.range_min,
                                     message.range_max, message.stamp, frame=message.frame)
            elif isinstance(message, Odometry):
                self.guard.take_odometry(message.velocity, message.stamp)
            else:
                verdict = self.guard.check(message.twist, message.stamp, self._clock(true),
                                           message.problem)
                self._speak(true, verdict.command, asked=True)

    def _tick(self, true: float, k: int) -> None:
        now = self._clock(true)
        looks = k % round(LOOK / TICK) == 0 or true >= self.pace.deadline
        if looks and self.pace.due(self.guard, true, now):
            self._speak(true, self.guard.recheck(now).command)

    def _speak(self, true: float, command: tuple[float, float, float],
               asked: bool = False) -> None:
        self.pace.spoke(true, true, any(command), asked)
        self.outputs.append((true, np.array(command)))

    def _judged(self, bound: float) -> Reaction:
        """Compare what was let through with what had to be."""
        times = np.array([t for t, _ in self.outputs])
        moves = np.array([bool(c.any()) for _, c in self.outputs])
        before = (times >= self.start - 0.2) & (times < self.start)
        after = times > self.start + bound
        lasting = times[moves & (times >= self.start)]
        last = float(lasting.max()) if len(lasting) else self.start
        zeros = times[(times > last) & ~moves]
        took = float(zeros.min()) - self.start if len(zeros) else math.inf
        problem = ''
        if not moves[before].all() or not before.any():
            problem = 'the robot stood before the fault'
        elif np.diff(times[times > 0.1]).max() > self.rules.command.period + PATIENCE + TICK:
            problem = 'the monitor fell silent'
        elif not all(self._within_limits(c) for _, c in self.outputs):
            problem = 'a command beyond the limits was let through'
        elif self.kind.reaction == 'zero' and moves[after].any():
            problem = 'motion was let through'
        elif self.kind.reaction == 'zero' and took > bound:
            problem = 'the stop came late'
        elif self.kind.reaction == 'pass' and not moves[times >= self.start].all():
            problem = 'the robot was stopped for no reason'
        return Reaction(not problem, problem, took, bound)

    def _within_limits(self, command: Array) -> bool:
        robot = self.robot
        return bool(np.isfinite(command).all() and (
            np.abs(command) <= np.array([robot.max_speed, robot.max_speed,
                                         robot.max_turn_rate]) * (1 + 1e-6)).all())


def stamped(message: Any, by: float) -> list[Any]:
    """Change a message's stamp by so much [s]."""
    return [replace(message, stamp=message.stamp + by)]
