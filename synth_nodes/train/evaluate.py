"""Closed-loop evaluation: how often a policy arrives, and what it touches on the way."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.settings import setting
from synth_nodes.tasks.course import Course
from synth_nodes.tasks.fleet import Fleet
from synth_nodes.tasks.goal_reaching import has_arrived, time_allowed
from synth_nodes.tasks.observation import Observation, ObservationSpec
from synth_nodes.train.progress import Cancelled, check, never, Progress, Report, silent
from synth_nodes.types import FloatArray, GridMap, LidarSpec, RobotSpec
from synth_nodes.world.actors import ActorSettings

Policy = Callable[[Observation], FloatArray]
"""From observations of B robots to vx [m/s], wz [rad/s], shape (B, 2)."""


@dataclass(frozen=True)
class EvaluationSettings:
    """What a policy is put through in each map."""

    episodes: int = setting(50, 'Errands in each map.', low=1, high=100000)
    min_length: float = setting(3.0, 'Shortest way.', unit='m', low=0.5, high=1000.0)
    max_length: float = setting(20.0, 'Longest way.', unit='m', low=0.5, high=1000.0)
    tolerance: float = setting(
        0.25, 'Distance to the goal that counts as arrived.', unit='m', low=0.02, high=5.0)
    patience: float = setting(
        4.0, 'Time allowed, as a multiple of that at full speed; 20 s are added.',
        low=1.0, high=100.0)
    seed: int = setting(1000, 'Seed of errands, people and noise.', low=0, high=2**31 - 1)
    actors: ActorSettings = setting(ActorSettings(), 'People in the map.')  # noqa: RUF009


@dataclass(frozen=True)
class MapScore:
    """How a policy did in one map (or in all, where named 'all')."""

    name: str
    episodes: int
    arrived: int
    """Errands that ended at the goal in time without a contact."""
    contacts: int
    """Errands that ended with the robot touching something."""
    timeouts: int
    bumped: int
    """Errands in which a person walked into the standing robot; these go on."""
    success: float
    success_low: float
    """Lower end of the 95 % Wilson interval of `success`."""
    success_high: float
    contact_rate: float
    contact_low: float
    contact_high: float
    efficiency: float
    """Length of the planned way over the length driven, mean of what arrived."""
    speed: float
    """Mean speed of what arrived [m/s]."""
    clearance: float
    """Fifth percentile over errands of the smallest gap [m]."""


@dataclass(frozen=True)
class Evaluation:
    """Scores for each map, and for all together last."""

    scores: tuple[MapScore, ...]

    @property
    def total(self) -> MapScore:
        """Score over all maps."""
        return self.scores[-1]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {s.name: {k: round(v, 4) if isinstance(v, float) else v
                         for k, v in asdict(s).items() if k != 'name'} for s in self.scores}


def wilson(hits: int, count: int) -> tuple[float, float]:
    """
    Find the 95 % interval of a proportion (Wilson 1927).

    :param hits: how often it happened.
    :param count: out of how many; (0, 1) for none.
    """
    if not count:
        return 0.0, 1.0
    z = 1.959964
    p = hits / count
    middle = (p + z * z / (2 * count)) / (1 + z * z / count)
    half = z * np.sqrt(p * (1 - p) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def evaluate(
    policy: Policy | None,
    maps: Sequence[GridMap],
    robot: RobotSpec,
    lidar: LidarSpec,
    observation: ObservationSpec | None = None,
    settings: EvaluationSettings | None = None,
    report: Report = silent,
    cancelled: Cancelled = never,
) -> Evaluation:
    """
    Drive errands in every map, all at once, without a safety monitor.

    :param policy: what drives, such as `PolicySession.act`; the expert where None.
    :param maps: where to drive.
    :param robot: what is driven.
    :param lidar: what it sees with; a command is given for each scan.
    :param observation: layout the policy expects.
    :param settings: how many errands, how long, among how many people.
    :param report: called with progress.
    :param cancelled: asked whether to stop.
    :return: scores; the same arguments give the same scores.
    :raises InputError: when the robot does not fit a map.
    :raises WorkCancelled: when told to stop.
    """
    chosen = settings or EvaluationSettings()
    course = Course(maps, robot)
    map_index = np.repeat(np.arange(len(maps)), chosen.episodes)
    fleet = Fleet(course, lidar, observation or ObservationSpec(), chosen.actors, map_index,
                  chosen.seed)
    rng = np.random.default_rng(chosen.seed)
    fleet.begin(np.arange(len(map_index)), [
        course.errand(rng, int(m), chosen.min_length, chosen.max_length) for m in map_index])
    trial = _Trial(fleet, robot, lidar, chosen)
    while not trial.done.all():
        check(cancelled)
        observed = fleet.observe()
        command = fleet.expert() if policy is None else policy(observed)
        trial.advance(np.asarray(command, float))
        report(Progress('driving errands', int(trial.done.sum()), len(trial.done)))
    names = [grid.name for grid in maps]
    rows = [trial.score(map_index == k, name) for k, name in enumerate(names)]
    return Evaluation((*rows, trial.score(map_index >= 0, 'all')))


class _Trial:
    """Keeps the books while a fleet drives one errand a robot."""

    def __init__(
        self, fleet: Fleet, robot: RobotSpec, lidar: LidarSpec, settings: EvaluationSettings,
    ) -> None:
        batch = len(fleet.map_index)
        self._fleet = fleet
        self._tolerance = settings.tolerance
        self._period = 1.0 / lidar.rate
        self._limit = time_allowed(fleet.lengths, robot.max_speed, settings.patience)
        self.done = np.zeros(batch, bool)
        self._arrived = np.zeros(batch, bool)
        self._contact = np.zeros(batch, bool)
        self._bumped = np.zeros(batch, bool)
        self._time = np.zeros(batch)
        self._driven = np.zeros(batch)
        self._clearance = np.full(batch, np.inf)

    def advance(self, command: NDArray[np.float64]) -> None:
        """Drive one step; robots that are done stand still."""
        fleet, active = self._fleet, ~self.done
        before = fleet.world.pose[:, :2].copy()
        fleet.step(np.where(active[:, None], command, 0.0))
        moved = np.hypot(*(fleet.world.pose[:, :2] - before).T)
        self._driven += np.where(active, moved, 0.0)
        self._time += np.where(active, self._period, 0.0)
        near = np.minimum(self._clearance, fleet.world.clearance)
        self._clearance = np.where(active, near, self._clearance)
        self._contact |= active & fleet.contact
        self._bumped |= active & fleet.blocked
        self._arrived |= active & has_arrived(fleet.to_end, fleet.contact, self._tolerance)
        self.done |= self._contact | self._arrived | (self._time > self._limit)

    def score(self, which: NDArray[np.bool_], name: str) -> MapScore:
        """Count over some of the errands."""
        count, won = int(which.sum()), which & self._arrived
        arrived, contacts = int(won.sum()), int((which & self._contact).sum())
        lengths = np.minimum(self._fleet.lengths, np.maximum(self._driven, 1e-6))
        share = lengths[won] / np.maximum(self._driven[won], 1e-6)
        return MapScore(
            name, count, arrived, contacts, count - arrived - contacts,
            int((which & self._bumped).sum()), arrived / count, *wilson(arrived, count),
            contacts / count, *wilson(contacts, count),
            float(share.mean()) if arrived else 0.0,
            float((self._driven[won] / self._time[won]).mean()) if arrived else 0.0,
            float(np.percentile(self._clearance[which], 5)))
