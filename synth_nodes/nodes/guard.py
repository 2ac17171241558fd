"""
What the safety monitor remembers between messages, and its judgements. No ROS.

All times come in as arguments on one clock, so that a log replays to the same verdicts.
"""

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety import watchdog
from synth_nodes.safety.cycle import Cycle, decide, Outcome, recorded_points, stopped
from synth_nodes.safety.log import SafetyLog
from synth_nodes.safety.rules import check_rules, SafetyRules
from synth_nodes.safety.sources import PointSource, RobotState, scan_source
from synth_nodes.types import FloatArray, RobotSpec, Verdict

COUNTERS = {'pass': 'passed', 'limit': 'limited', 'slowdown': 'slowed', 'stop': 'stopped'}
"""Name of the counter of each action."""
Array = NDArray[np.float64]


class Guard:
    """Lets through of each command what the newest data allow."""

    def __init__(self, rules: SafetyRules, robot: RobotSpec, mount: tuple[float, ...],
                 log: SafetyLog | None = None) -> None:
        """
        Begin without data: everything is a stop.

        :param mount: pose of the laser in base_link: x [m], y [m], yaw [rad].
        :param log: takes every cycle and event; None logs nothing.
        :raises InputError: when rules contradict each other or the robot.
        """
        check_rules(rules, robot)
        self._rules, self._robot, self._mount, self._log = rules, robot, mount, log
        self._scan = PointSource('scan', np.zeros((0, 2)), np.inf, False, 'no scan has come yet')
        self._scan_stamp = -np.inf
        self._velocity = np.full(3, np.nan)
        self._velocity_stamp = -np.inf
        self._watch = watchdog.Watch()
        self._command = np.zeros(3)
        self.verdict = stopped('command', 'no command has come yet')
        """The newest judgement."""
        self.counts: Counter[str] = Counter(checked=0, **dict.fromkeys(COUNTERS.values(), 0))
        """Commands checked, and what became of them."""

    def take_odometry(self, velocity: Array, stamp: float) -> None:
        """Take vx, vy [m/s], wz [rad/s] in base_link, shape (3,), and its stamp [s]."""
        self._velocity, self._velocity_stamp = velocity, stamp

    def take_scan(self, ranges: FloatArray, angles: Array, range_min: float, range_max: float,
                  stamp: float) -> None:
        """Take a scan: ranges [m] and beam angles [rad] in the laser frame, both (N,)."""
        scan = scan_source(
            self._rules.source, 'scan', np.asarray(ranges, np.float64), angles, range_min,
            range_max, self._mount, 0.0)
        self._scan = replace(scan, points_base=recorded_points(scan.points_base))
        self._scan_stamp = stamp

    def check(self, command: Array, stamp: float, now: float) -> Verdict:
        """
        Judge a new command.

        :param command: vx, vy [m/s], wz [rad/s] in base_link, shape (3,).
        :param stamp: of the command [s]; `now` where it has none.
        """
        self._command = command
        if not self._decide(stamp, now).accepted:
            self._command = np.zeros(3)
        self.counts['checked'] += 1
        self.counts[COUNTERS[self.verdict.action]] += 1
        return self.verdict

    def recheck(self, now: float) -> Verdict:
        """Judge the newest command once more with the newest data; too old, it is a stop."""
        return self._decide(None, now).verdict

    def latch(self, now: float) -> str:
        """Stop until :meth:`reset`; like the next two, return why not, or nothing."""
        self._watch = watchdog.latch(self._watch, f'asked for at {now:.2f} s')
        self.note(now, 'latch')
        return ''

    def reset(self, now: float) -> str:
        """Lift a latched stop; only commands from now on move the robot."""
        self._watch = watchdog.reset(self._watch)
        self.note(now, 'reset')
        return ''

    def override(self, now: float) -> str:
        """Suspend zones and braking for a while."""
        self._watch, problem = watchdog.override(self._rules.command, self._watch, now)
        self.note(now, 'override', problem)
        return problem

    def note(self, now: float, event: str, detail: str = '') -> None:
        """Write an event to the log, if there is one."""
        if self._log is not None:
            self._log.event(now, event, detail)

    @property
    def command(self) -> Array:
        """Newest command as it came, shape (3,)."""
        return self._command

    def _decide(self, stamp: float | None, now: float) -> Outcome:
        cycle = Cycle(now, self._command, stamp,
                      RobotState(self._velocity, now - self._velocity_stamp),
                      (replace(self._scan, age=now - self._scan_stamp),), self._watch,
                      self.verdict)
        outcome = decide(self._rules, self._robot, cycle)
        self._watch, self.verdict = outcome.watch, outcome.verdict
        if self._log is not None:
            self._log.append(cycle, outcome.verdict)
        return outcome


def rehearse(rules: SafetyRules, robot: RobotSpec, mount: tuple[float, ...]) -> None:
    """
    Judge a few times on made-up data, so that the first real verdict is as fast as any.

    :raises InputError: when rules contradict each other or the robot.
    """
    guard = Guard(rules, robot, mount)
    angles = np.linspace(-np.pi, np.pi, 360, endpoint=False)
    for step, distance in enumerate(np.linspace(3.0, 0.3, 6)):
        guard.take_scan(np.full(360, distance), angles, 0.05, 12.0, 0.05 * step)
        guard.take_odometry(np.array((0.2, 0.0, 0.1)), 0.05 * step)
        guard.check(np.array((0.3, 0.0, 0.1)), 0.05 * step, 0.05 * step)
