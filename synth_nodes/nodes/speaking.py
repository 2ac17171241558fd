"""When a safety monitor speaks unasked. No ROS: the campaign of faults asks here too."""

import math

from synth_nodes.errors import InputError
from synth_nodes.nodes.guard import Guard
from synth_nodes.ros.latency import LatencyRing
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.types import RobotSpec

TICK = 0.025
"""
How often it looks, and the period of zeros while stopped or without commands [s].

Verdicts can be relied on to follow each other as fast, not faster.
"""
EARLY = 0.002
"""How long before the period ends the last command is judged again: timers are late [s]."""
PATIENCE = 0.005
"""For how long after the period a command is waited for, where commands come on time [s]."""
LAST_WORDS = 0.3
"""For how long zeros are sent before the node ends [s]."""
MEMORY = 10.0
"""For how long a verdict that came late is told [s]."""


def check_period(period: float) -> None:
    """
    Refuse a period of verdicts that cannot be kept.

    :raises InputError: naming the value that would do.
    """
    if period < TICK:
        raise InputError(f"safety rules: 'command.period' = {period} s is shorter than the "
                         f'{TICK} s in which verdicts follow each other for sure; make it '
                         f'{TICK} or more')


class Pace:
    """
    When the last command is to be judged again, and how late verdicts came.

    While something moves, a verdict is followed by the next within the period. Only where
    commands come on time the next one is waited for a little longer, so that none is judged twice
    for its jitter; that excess counts as computing. Times are of one steady clock [s].
    """

    def __init__(self, period: float) -> None:
        """:param period: longest time from one verdict to the next [s]."""
        self.period = period
        self.delays = LatencyRing()
        """Of the newest verdicts: how late they came, and the time they took."""
        self.longest = 0.0
        """Longest time from one verdict, of those that let something move, to the next [s]."""
        self.late = 0
        """Verdicts that came later than waiting for a command explains."""
        self._late_at = self._begun = self._asked = -math.inf
        self._patient = self._moves = False

    def spoke(self, begun: float, ended: float, moves: bool, asked: bool) -> None:
        """
        Take note of a verdict.

        :param moves: whether it lets something move.
        :param asked: whether it answers a new command.
        """
        if self._moves:
            gap = begun - self._begun
            self.longest = max(self.longest, gap)
            self.delays.add(max(gap - self.period, 0.0) + ended - begun)
            if gap > self.period + 2 * PATIENCE:
                self.late, self._late_at = self.late + 1, begun
        self._patient = asked and begun - self._asked <= self.period + PATIENCE
        self._begun, self._moves = begun, moves
        self._asked = begun if asked else self._asked

    @property
    def deadline(self) -> float:
        """When the last command is to be judged again, if none comes [s]."""
        return self._begun + self.period + (PATIENCE if self._patient else -EARLY)

    def due(self, guard: Guard, time: float, now: float) -> bool:
        """
        Whether the last command is to be judged again.

        At once where it has become too old: commands that come on time, but with a stamp that
        stands, must not carry the robot from one to the next.

        :param time: present time on the steady clock [s].
        :param now: present time on the monitor's clock [s].
        """
        if guard.verdict.action == 'stop':
            return time - self._begun >= 0.9 * TICK
        return guard.starved(now) or time >= self.deadline

    def problems(self, rules: SafetyRules, robot: RobotSpec, time: float) -> list[str]:
        """
        Say what the rules take for granted that does not hold as measured, and what to do.

        A stop takes effect within the command period and the reaction time: the first holds what
        passes between two verdicts, the second what comes late of that, computing and the drive.
        The age of the data is added to them cycle by cycle, and so is no matter here.

        :param time: present time on the steady clock [s].
        """
        out = []
        if time - self._late_at < MEMORY:
            out.append(f"a verdict came later than 'command.period' = {self.period:g} s "
                       f'({self.late} so far, the longest after {self.longest:.3f} s): ease the '
                       f'load of the machine, or make it {_up(self.longest)} or more')
        delay = self.delays.summary().get('latency_p99_ms', 0.0) * 1e-3
        drive = robot.actuator_lag + robot.command_latency
        if delay + drive > max(rules.braking.reaction_time, drive):
            out.append(f'verdicts take {delay:.3f} s (p99) and the drive {drive:.3f} s, together '
                       f"more than 'braking.reaction_time' = {rules.braking.reaction_time:g} s: "
                       f'make it {_up(delay + drive)} or more')
        return out


def _up(seconds: float) -> float:
    """Round up to hundredths."""
    return math.ceil(100 * seconds) / 100
