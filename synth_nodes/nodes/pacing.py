"""When the simulated world takes its next step. No ROS, no clock: times come in as arguments."""

from collections import deque

CATCH_UP = 0.1
"""Simulated time [s] that may be made up for after a delay; what is later than that is not."""
_WINDOW = 1.0
"""Wall time [s] over which the real-time factor is measured."""


class Pacer:
    """
    Paces simulated time against the wall clock, and against the commands that answer it.

    Once commands come, time never runs further than `max_lead` ahead of the newest of them, so a
    slow machine slows the clock down instead of letting the robot drive on old commands. When
    they cease for `timeout` of wall time, time goes on without them.
    """

    def __init__(self, step: float, rate: float, max_lead: float = float('inf'),
                 timeout: float = 0.5) -> None:
        """
        Begin paused until the first call of :meth:`due`.

        :param step: simulated time a step [s], the longest where they differ.
        :param rate: simulated time for each second of wall time.
        :param max_lead: [s] of simulated time; infinite for never waiting.
        :param timeout: [s] of wall time.
        """
        self.step = step
        self.rate = rate
        self.max_lead = max(max_lead, step)
        self.timeout = timeout
        self.waited = 0.0
        """Wall time spent waiting for commands so far [s]."""
        self._next: float | None = None
        self._newest = -float('inf')
        self._heard = -float('inf')
        self._waiting: float | None = None
        self._steps: deque[tuple[float, float]] = deque()

    def hear(self, stamp: float, wall: float) -> None:
        """Take note of a command with simulated stamp [s], come at a wall time [s]."""
        self._newest = max(self._newest, stamp)
        self._heard = wall

    def due(self, time: float, wall: float, step: float | None = None) -> bool:
        """
        Whether to take a step now; when True, the step counts as taken.

        :param time: present simulated time [s].
        :param wall: present wall time [s].
        :param step: simulated time of this step [s]; None: as given at the start.
        """
        step = step or self.step
        if self._next is None:
            self._next = wall
        if wall < self._next:
            return False
        if self._held(time + step, wall):
            return False
        self._next = max(self._next + step / self.rate, wall - CATCH_UP / self.rate)
        self._steps.append((wall, step))
        while self._steps[0][0] < wall - _WINDOW:
            self._steps.popleft()
        return True

    def real_time_factor(self, wall: float) -> float:
        """Measure simulated time for each second of wall time, over the last second."""
        return sum(step for at, step in self._steps if at > wall - _WINDOW) / _WINDOW

    def _held(self, then: float, wall: float) -> bool:
        lead = then - self._newest
        held = lead > self.max_lead + 1e-9 and wall - self._heard < self.timeout
        if held and self._waiting is None:
            self._waiting = wall
        elif not held and self._waiting is not None:
            self.waited += wall - self._waiting
            self._waiting = None
        return held
