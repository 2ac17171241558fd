"""Closed-loop evaluation: how often a policy arrives, and what it touches on the way."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from synth_nodes.settings import setting
from synth_nodes.tasks.actions import to_command
from synth_nodes.tasks.course import Course
from synth_nodes.tasks.detour import DetourSettings
from synth_nodes.tasks.fleet import Fleet
from synth_nodes.tasks.observation import Observation, ObservationSpec
from synth_nodes.train.progress import Cancelled, check, never, Progress, Report, silent
from synth_nodes.train.trial import Failure, Trial
from synth_nodes.types import FloatArray, GridMap, LidarSpec, RobotSpec
from synth_nodes.world.actors import ActorSettings

Policy = Callable[[Observation], FloatArray]
"""From observations of B robots to vx [m/s], wz [rad/s], shape (B, 2)."""
Guard = Callable[[Fleet, NDArray[np.float64], NDArray[np.bool_]], NDArray[np.float64]]
"""From a fleet, commands (B, 2) and who still drives (B,) to the commands let through (B, 2)."""


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
    efficiency_half: float
    """Half the 95 % interval of that mean, and likewise below."""
    duration: float
    """Mean time of what arrived [s]."""
    duration_half: float
    unsteadiness: float
    """
    Root mean square change from one command to the next as a share of the limits, mean of what
    arrived; 0 is a command that never changes.
    """
    unsteadiness_half: float
    speed: float
    """Mean speed of what arrived [m/s]."""
    clearance: float
    """Fifth percentile over errands of the smallest gap [m]."""


@dataclass(frozen=True)
class Evaluation:
    """Scores for each map, and for all together last."""

    scores: tuple[MapScore, ...]
    failures: tuple[Failure, ...] = ()
    """Errands that did not arrive."""

    @property
    def total(self) -> MapScore:
        """Score over all maps."""
        return self.scores[-1]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {s.name: {k: round(v, 4) if isinstance(v, float) else v
                         for k, v in asdict(s).items() if k != 'name'} for s in self.scores}


class Books(Protocol):
    """What is kept of B drives for their scores, each of shape (B,); see `Trial`."""

    arrived: NDArray[np.bool_]
    contact: NDArray[np.bool_]
    bumped: NDArray[np.bool_]
    time: NDArray[np.float64]
    driven: NDArray[np.float64]
    clearance: NDArray[np.float64]

    @property
    def efficiency(self) -> NDArray[np.float64]:
        """Shortest way over the way driven."""

    @property
    def unsteadiness(self) -> NDArray[np.float64]:
        """Root mean square change from one command to the next."""


@dataclass
class Kept:
    """Books that are joined of others, or made of runs; shapes as of :class:`Books`."""

    arrived: NDArray[np.bool_]
    contact: NDArray[np.bool_]
    bumped: NDArray[np.bool_]
    time: NDArray[np.float64]
    driven: NDArray[np.float64]
    clearance: NDArray[np.float64]
    efficiency: NDArray[np.float64]
    unsteadiness: NDArray[np.float64]


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
    guard: Guard | None = None,
    detours: DetourSettings | None = None,
) -> Evaluation:
    """
    Drive errands in every map, all at once.

    :param policy: what drives, such as `PolicySession.act`; the expert where None.
    :param maps: where to drive.
    :param robot: what is driven.
    :param lidar: what it sees with; a command is given for each scan.
    :param observation: layout the policy expects.
    :param settings: how many errands, how long, among how many people.
    :param report: called with progress.
    :param cancelled: asked whether to stop.
    :param guard: has the last word on every command, as a safety monitor; none where None.
    :param detours: when blocked robots are given other ways; None for never, as in training,
        where a policy is judged by itself.
    :return: scores; the same arguments give the same scores.
    :raises InputError: when the robot does not fit a map.
    :raises WorkCancelled: when told to stop.
    """
    chosen = settings or EvaluationSettings()
    course = Course(maps, robot)
    map_index = np.repeat(np.arange(len(maps)), chosen.episodes)
    fleet = Fleet(course, lidar, observation or ObservationSpec(), chosen.actors, map_index,
                  chosen.seed, detours=detours)
    rng = np.random.default_rng(chosen.seed)
    fleet.begin(np.arange(len(map_index)), [
        course.errand(rng, int(m), chosen.min_length, chosen.max_length) for m in map_index])
    trial = Trial(fleet, robot, lidar, chosen.tolerance, chosen.patience)
    while not trial.done.all():
        check(cancelled)
        observed = fleet.observe()
        command = fleet.expert(~trial.done) if policy is None else policy(observed)
        wanted = np.asarray(command, np.float64)
        trial.advance(wanted if guard is None else guard(fleet, wanted, ~trial.done))
        report(Progress('driving errands', int(trial.done.sum()), len(trial.done)))
    names = [grid.name for grid in maps]
    rows = [map_score(trial, map_index == k, name) for k, name in enumerate(names)]
    return Evaluation((*rows, map_score(trial, map_index >= 0, 'all')), trial.failures(names))


def random_policy(robot: RobotSpec, batch_seed: int = 0) -> Policy:
    """Make a policy that looks at nothing: steady random commands, mostly ahead."""
    rng = np.random.default_rng(batch_seed)
    held: list[NDArray[np.float64]] = []

    def act(observation: Observation) -> FloatArray:
        count = len(next(iter(observation.values())))
        fresh = rng.uniform((-0.3, -1.0), (1.0, 1.0), (count, 2))
        last = held.pop() if held else fresh
        # Each command lasts 20 steps on average.
        held.append(np.where(rng.random((count, 1)) < 0.05, fresh, last))
        return to_command(held[-1], robot)
    return act


def map_score(trial: Books, which: NDArray[np.bool_], name: str) -> MapScore:
    """Count over some of the errands, which a mask of shape (B,) names."""
    count, won = int(which.sum()), which & trial.arrived
    arrived, contacts = int(won.sum()), int((which & trial.contact).sum())
    return MapScore(
        name, count, arrived, contacts, count - arrived - contacts,
        int((which & trial.bumped).sum()), arrived / count, *wilson(arrived, count),
        contacts / count, *wilson(contacts, count), *mean_and_half(trial.efficiency[won]),
        *mean_and_half(trial.time[won]), *mean_and_half(trial.unsteadiness[won]),
        float((trial.driven[won] / trial.time[won]).mean()) if arrived else 0.0,
        float(np.percentile(trial.clearance[which], 5)))


def mean_and_half(values: NDArray[np.float64]) -> tuple[float, float]:
    """Mean, and half its 95 % interval by the normal approximation; zeros for none."""
    if not len(values):
        return 0.0, 0.0
    spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
    return float(values.mean()), 1.959964 * spread / float(np.sqrt(len(values)))
