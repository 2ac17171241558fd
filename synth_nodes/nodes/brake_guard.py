"""The watch over the brakes of the one robot of a safety monitor, in words for people. No ROS."""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.brakes import Brakes, BrakeWatch, stated, tightened
from synth_nodes.safety.plausibility import velocity_problem
from synth_nodes.safety.rules import reaction_time, SafetyRules
from synth_nodes.types import RobotSpec

Array = NDArray[np.float64]


class BrakeGuard:
    """Says which brakes are to be relied upon, and what was found of them."""

    def __init__(self, rules: SafetyRules, robot: RobotSpec) -> None:
        """Begin with the stated brakes."""
        self._rules, self._robot = rules, robot
        self._watch = None if rules.brakes.action == 'off' else BrakeWatch(rules, robot)
        self.found: Brakes | None = None
        """What measurements leave of the brakes; None where they are as stated."""
        self.problem = ''
        """The same in words; empty where they are as stated."""

    @property
    def relied(self) -> Brakes | None:
        """Brakes to rely on instead of the stated ones, until a reset; None for those."""
        return self.found if self._rules.brakes.action == 'tighten' else None

    @property
    def memory(self) -> float:
        """For how long a command that was sent may still take effect [s]."""
        relied = self.relied
        rules = tightened(self._rules, self._robot, relied) if relied else self._rules
        return reaction_time(rules, self._robot)

    def measured(self, velocity: Array, stamp: float) -> str:
        """
        Take vx, vy [m/s], w [rad/s], shape (3,), and its stamp [s].

        :return: what was found just now; empty where nothing was.
        """
        if (self._watch is None or np.shape(velocity) != (3,)
                or velocity_problem(self._robot, velocity)):
            return ''
        if not self._watch.look(velocity[None], stamp)[0]:
            return ''
        trust = stated(self._rules, self._robot)
        self.found = found = self._watch.grid[int(self._watch.level[0])]
        self.problem = (
            f'the drive brakes weaker or later than stated: {found.deceleration:.2f} m/s^2 '
            f'{found.reaction:.2f} s after a command, not {trust.deceleration:.2f} m/s^2 after '
            f'{trust.reaction:.2f} s; mend it, or correct the rules, then reset')
        return self.problem

    def sent(self, now: float, command: tuple[float, float, float]) -> None:
        """Take a command that goes out at a time [s]: vx, vy [m/s], w [rad/s]."""
        if self._watch is not None:
            self._watch.sent(now, np.array([command]))

    def reset(self) -> None:
        """Rely on the stated brakes again."""
        if self._watch is not None:
            self._watch.reset()
        self.found, self.problem = None, ''
