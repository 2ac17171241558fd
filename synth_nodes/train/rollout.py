"""Driving to gather samples: who drives, what disturbs them, and what is written down."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.tasks.course import Course
from synth_nodes.tasks.fleet import Fleet
from synth_nodes.tasks.goal_reaching import time_allowed
from synth_nodes.tasks.observation import Observation
from synth_nodes.train.disturbance import Disturbance
from synth_nodes.train.evaluate import Policy
from synth_nodes.train.progress import Cancelled, check, Progress, Report
from synth_nodes.train.samples import Samples
from synth_nodes.train.settings import BcSettings

_STAND_TIME = 0.8
"""How long robots stand at their goals, on average [s], so that standing is learned too."""
_PATIENCE = 4.0
"""Time allowed for an errand, as a multiple of that at full speed."""
_GOAL_ERROR, _VELOCITY_ERROR = 0.02, 0.02
"""Error of localisation [m] and of measured velocity [m/s, rad/s] in what is written down."""


class Round(NamedTuple):
    """One round of driving."""

    policy: Policy | None
    """What drives most of the robots; the expert drives all where None."""
    steps: int
    """Periods of the lidar."""
    label: str
    """For progress reports."""


class Gatherer:
    """Drives a fleet round after round and labels what it meets with the expert's commands."""

    def __init__(
        self, course: Course, fleet: Fleet, settings: BcSettings, period: float, seed: int,
    ) -> None:
        """
        Send every robot on its first errand.

        :param course: maps the fleet drives in.
        :param fleet: the robots.
        :param settings: noise, lengths of ways, how often a sample is taken.
        :param period: of the lidar [s].
        :param seed: of errands and noise.
        """
        self._course, self._fleet, self._settings = course, fleet, settings
        self._period = period
        self._rng = np.random.default_rng(seed)
        self._batch = len(fleet.map_index)
        self._top_speed = course.robot.max_speed
        self._disturbance = Disturbance(self._rng, self._batch, course.robot, settings.noise,
                                        period)
        self._by_policy = np.zeros(self._batch, bool)
        self._age = np.zeros(self._batch)
        self.episodes = 0
        """Errands begun so far."""
        self.contacts = 0
        """Errands that ended with the robot touching something."""
        self._begin(np.arange(self._batch))

    def drive(self, this: Round, report: Report, cancelled: Cancelled) -> Samples:
        """
        Drive one round.

        :return: samples, their group the map they come from.
        :raises WorkCancelled: when told to stop.
        """
        every = max(1, round(self._settings.sample_period / self._period))
        parts = []
        for step in range(this.steps):
            check(cancelled)
            observed = self._fleet.observe()
            noted = step % every == 0
            asked = None if noted or this.policy is None else ~self._by_policy
            label = self._fleet.expert(asked)
            if noted:
                parts.append(self._note(observed, label))
                report(Progress(this.label, step, this.steps))
            self._fleet.step(self._command(this.policy, observed, label))
            self._renew()
        report(Progress(this.label, this.steps, this.steps))
        return Samples.join(parts)

    def _command(
        self, policy: Policy | None, observed: Observation, label: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        command = label
        if policy is not None:
            command = np.where(self._by_policy[:, None], policy(observed), label)
        return np.asarray(command + self._disturbance.draw())

    def _note(self, observed: Observation, label: NDArray[np.float64]) -> Samples:
        draw = self._rng.normal
        goal = observed['goal'].copy()
        goal[:, :2] += draw(0.0, _GOAL_ERROR, (self._batch, 2)).astype(np.float32)
        velocity = observed['velocity'].copy()
        velocity[:, [0, 2]] += draw(0.0, _VELOCITY_ERROR, (self._batch, 2)).astype(np.float32)
        return Samples(observed['scan'].astype(np.float16), goal, velocity,
                       label.astype(np.float32), self._fleet.map_index.astype(np.int32))

    def _renew(self) -> None:
        """Give new errands to robots that arrived, touched something, or take too long."""
        fleet = self._fleet
        self._age += self._period
        stood = self._rng.random(self._batch) < self._period / _STAND_TIME
        arrived = (fleet.to_end < 0.2) & stood
        late = self._age > time_allowed(fleet.lengths, self._top_speed, _PATIENCE)
        self.contacts += int(fleet.contact.sum())
        self._begin(np.flatnonzero(arrived | fleet.contact | late))

    def _begin(self, index: NDArray[np.intp]) -> None:
        s, rng = self._settings, self._rng
        self._fleet.begin(index, [
            self._course.errand(rng, int(self._fleet.map_index[row]), s.min_length, s.max_length)
            for row in index])
        self.episodes += len(index)
        self._age[index] = 0.0
        self._by_policy[index] = rng.random(len(index)) >= s.expert_share
        self._disturbance.begin(index)
