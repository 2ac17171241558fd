"""A mission: several goals, driven to one after another, each with its time limit."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import auto, Enum
import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from synth_nodes.tasks.planner import Planner
from synth_nodes.types import FloatArray


class Event(Enum):
    """What a step of a mission calls for."""

    NONE = auto()
    SEND = auto()
    """A new goal is current: send it."""
    FINISHED = auto()
    """No goal is left."""


@dataclass(frozen=True)
class GoalResult:
    """How the drive to one goal went."""

    x: float
    """[m], in `map`."""
    y: float
    """[m], in `map`."""
    length: float
    """Length of the way that was planned to it [m]."""
    sent: float
    """Simulated time when it was sent [s]."""
    ended: float
    """Simulated time when it was reached or given up [s]."""
    reached: bool
    distance: float
    """Distance left when it ended [m]."""
    driven: float
    """Distance driven for it [m]."""


def draw_goals(planner: Planner, seed: int, start: ArrayLike, count: int,
               min_length: float, max_length: float) -> tuple[FloatArray, list[float]]:
    """
    Draw a chain of goals, each reachable from the one before.

    :param start: x, y in `map` [m].
    :param min_length: shortest way from goal to goal [m].
    :param max_length: longest way from goal to goal [m].
    :return: goals [m], shape (count, 2), in `map`, and the lengths of the ways to them [m].
    :raises NoPathError: when the map has no such goals.
    """
    rng = np.random.default_rng(seed)
    places = [np.asarray(start, float)]
    lengths = []
    for _ in range(count):
        goal = planner.sample_goals(rng, places[-1], 1, min_length, max_length)[0]
        way = planner.plan(places[-1], goal)
        lengths.append(float(np.hypot(*np.diff(way, axis=0).T).sum()))
        places.append(goal)
    return np.array(places[1:]), lengths


class Mission:
    """The state of a mission; time and position come in, events and results come out."""

    def __init__(self, goals: FloatArray, lengths: Sequence[float], tolerance: float,
                 timeout: float) -> None:
        """
        Take on goals.

        :param goals: [m], shape (K, 2), in `map`.
        :param lengths: planned way to each [m], K values.
        :param tolerance: distance at which a goal counts as reached [m].
        :param timeout: time allowed for each goal [s].
        """
        self.goals = np.asarray(goals, float)
        self.results: list[GoalResult] = []
        self._lengths = lengths
        self._tolerance = tolerance
        self._timeout = timeout
        self._sent: float | None = None
        self._position: tuple[float, float] | None = None
        self._driven = 0.0

    @property
    def current(self) -> int:
        """Index of the goal being driven to; the number of goals when none is left."""
        return len(self.results)

    def step(self, now: float, position: tuple[float, float]) -> Event:
        """
        Judge the robot's newest position.

        :param now: simulated time [s].
        :param position: true x, y in `map` [m].
        """
        if self.current == len(self.goals):
            return Event.FINISHED
        if self._sent is None:
            return self._send(now, position)
        assert self._position is not None
        self._driven += math.dist(self._position, position)
        self._position = position
        x, y = self.goals[self.current]
        distance = math.dist((x, y), position)
        reached = distance <= self._tolerance
        if not reached and now - self._sent < self._timeout:
            return Event.NONE
        self.results.append(GoalResult(
            float(x), float(y), self._lengths[self.current], self._sent, now, reached, distance,
            self._driven))
        self._sent = None
        return self._send(now, position) if self.current < len(self.goals) else Event.FINISHED

    def figures(self) -> list[dict[str, Any]]:
        """Results so far, as JSON holds them."""
        return [asdict(result) for result in self.results]

    def describe_last(self) -> str:
        """Say in one line how the drive to the last goal that was tried went."""
        result = self.results[-1]
        end = 'reached' if result.reached else f'missed by {result.distance:.1f} m'
        return (f'goal {self.current} of {len(self.goals)} {end} after {result.driven:.1f} m in '
                f'{result.ended - result.sent:.1f} s')

    def _send(self, now: float, position: tuple[float, float]) -> Event:
        self._sent, self._position, self._driven = now, position, 0.0
        return Event.SEND
