"""Behaviour cloning with DAgger (Ross, Gordon and Bagnell 2011) in the simulated world."""

from collections.abc import Mapping, Sequence
import copy
from dataclasses import asdict, dataclass
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from synth_nodes.errors import InputError
from synth_nodes.monitor.drift import features, Reference
from synth_nodes.policy.contract import PolicyContract
from synth_nodes.policy.families import build_network
from synth_nodes.policy.goal_reaching import goal_reaching_contract
from synth_nodes.policy.networks import GoalPolicy
from synth_nodes.settings import flatten
from synth_nodes.tasks.course import Course
from synth_nodes.tasks.fleet import Fleet
from synth_nodes.train.clone_keeper import CloneKeeper
from synth_nodes.train.distributed import Group
from synth_nodes.train.evaluate import evaluate, Evaluation, EvaluationSettings
from synth_nodes.train.fit import Epoch, Fitter, torch_threads
from synth_nodes.train.progress import Cancelled, never, Report, silent
from synth_nodes.train.rollout import Gatherer, Round
from synth_nodes.train.samples import Samples
from synth_nodes.train.settings import BcSettings
from synth_nodes.train.versions import versions
from synth_nodes.types import GridMap, LidarSpec, RobotSpec
from synth_nodes.world.building import generate_building
from synth_nodes.world.posts import generate_post_room


@dataclass(frozen=True)
class BcResult:
    """A trained policy and how training went."""

    net: GoalPolicy
    contract: PolicyContract
    """Without checksum: the network is not exported yet."""
    history: tuple[Epoch, ...]
    """Every pass over the samples, all rounds one after another."""
    evaluation: Evaluation | None
    """Errands in the validation maps, which were never trained on."""


def train_bc(
    settings: BcSettings,
    maps: Sequence[GridMap],
    robot: RobotSpec,
    lidar: LidarSpec,
    report: Report = silent,
    cancelled: Cancelled = never,
    extra_samples: Samples | None = None,
    command: str = '',
    data: Sequence[Mapping[str, Any]] = (),
    out: Path | None = None,
    tensorboard: bool = False,
) -> BcResult:
    """
    Clone the expert.

    The last `validation_buildings` maps decide when to stop and score the result; nothing is
    learned from them. Of recorded samples every tenth group is kept for validation likewise.

    :param settings: how.
    :param maps: to drive in; where empty, buildings are generated.
    :param robot: what is driven.
    :param lidar: what it sees with.
    :param report: called with progress.
    :param cancelled: asked whether to stop.
    :param extra_samples: recorded ones to learn from as well.
    :param command: the command line that started this, for the contract.
    :param data: what the recorded samples are from, for the contract.
    :param out: folder for a checkpoint after each pass over the samples, from which the same
        call goes on, and for the journal and its picture; None for neither.
    :param tensorboard: whether the journal is kept for TensorBoard too.
    :return: the trained network with its contract; the same arguments give the same weights on
        the same machine.
    :raises InputError: when there are too few maps, or the robot does not fit one or cannot turn
        in place.
    :raises WorkCancelled: when told to stop.
    """
    if robot.drive == 'ackermann':
        raise InputError(
            "parameter 'robot.drive' = 'ackermann': the expert to learn from turns in place, "
            "which such a robot cannot; use 'differential' or 'omnidirectional'")
    grids = list(maps) or [
        *(generate_post_room(settings.seed * 1000 + k) for k in range(settings.post_rooms)),
        *(generate_building(settings.seed * 1000 + k) for k in range(settings.buildings))]
    held_back = settings.validation_buildings
    if len(grids) <= held_back:
        raise InputError(
            f'{len(grids)} maps are too few to keep validation_buildings = {held_back} of them '
            'for validation; give more maps or lower it')
    if extra_samples is not None:
        extra_samples.check(settings.observation, 'recorded samples')
    with torch_threads(settings.threads):
        torch.manual_seed(settings.seed)
        net = build_network(settings.network, settings.observation, robot,
                            hidden=settings.hidden)
        net.to(settings.device)
        run = _Run(settings, grids, robot, lidar, net, extra_samples)
        keeper = _Keeper(out, run.identity(robot, lidar), tensorboard)
        history = run.rounds(report, cancelled, keeper)
        net.eval()
        evaluation = None
        if settings.evaluation_episodes and Group().first:
            evaluation = evaluate(
                net.act, grids[-held_back:], robot, lidar, settings.observation,
                EvaluationSettings(episodes=settings.evaluation_episodes, actors=settings.actors),
                report, cancelled)
    contract = goal_reaching_contract(
        robot, settings.observation, lidar, {**run.provenance(command), 'data': list(data)},
        _scores(history, evaluation))
    keeper.draw()
    return BcResult(net.cpu(), contract, tuple(history), evaluation)


class _Run:
    """The rounds of one training."""

    def __init__(
        self, settings: BcSettings, grids: Sequence[GridMap], robot: RobotSpec,
        lidar: LidarSpec, net: GoalPolicy, extra: Samples | None,
    ) -> None:
        self._settings, self._grids, self._net = settings, grids, net
        self._first_held_back = len(grids) - settings.validation_buildings
        course = Course(grids, robot)
        map_index = np.arange(settings.robots) % len(grids)
        fleet = Fleet(course, lidar, settings.observation, settings.actors, map_index,
                      settings.seed)
        self._gatherer = Gatherer(course, fleet, settings, 1.0 / lidar.rate, settings.seed)
        self._fitter = Fitter(net, settings, settings.seed)
        self._steps = max(1, round(settings.seconds * lidar.rate))
        empty = Samples.empty(settings.observation)
        learn, hold = _split_recorded(extra) if extra is not None else (empty, empty)
        self._train, self._validation = [learn], [hold]

    def rounds(self, report: Report, cancelled: Cancelled, keeper: '_Keeper') -> list[Epoch]:
        """Drive and fit in turn; returns every pass over the samples."""
        count, history = self._settings.rounds, []
        for k in range(count):
            label = f'round {k + 1} of {count}'
            policy = self._net.act if k else None
            samples = self._gatherer.drive(
                Round(policy, self._steps, f'driving, {label}'), report, cancelled)
            held = samples.group >= self._first_held_back
            self._train.append(samples.take(~held))
            self._validation.append(samples.take(held))
            if k < len(keeper.rounds):
                # Driven again as before, a twentieth of the work; what it taught is kept.
                self._net.load_state_dict(keeper.rounds[k]['net'])
                self._fitter.chance.set_state(keeper.rounds[k]['chance'].cpu())
                history += [Epoch(**e) for e in keeper.rounds[k]['history']]
                continue
            train, validation = Samples.join(self._train), Samples.join(self._validation)
            if k == 0:
                self._net.fit_normaliser(*(
                    torch.from_numpy(getattr(train, name)).to(self._settings.device)
                    for name in ('scan', 'goal', 'velocity')))
            last = k == count - 1
            epochs = self._settings.final_epochs if last else self._settings.epochs
            passes = self._fitter.fit(train, validation, epochs, f'fitting, {label}', report,
                                      cancelled, keeper.fit, keeper.note)
            history += passes
            keeper.end_round({'net': copy.deepcopy(self._net.state_dict()),
                              'chance': self._fitter.chance.get_state(),
                              'history': [asdict(e) for e in passes]})
        return history

    def identity(self, robot: RobotSpec, lidar: LidarSpec) -> Mapping[str, Any]:
        """Say what the result depends on, for a checkpoint."""
        own = {k: v for k, v in flatten(self._settings).items() if k not in ('threads', 'device')}
        recorded = hashlib.sha256()
        for part in (self._train[0], self._validation[0]):
            recorded.update(part.command.tobytes())
        return {'settings': own, 'robot': flatten(robot), 'lidar': flatten(lidar),
                'maps': _digests(self._grids), 'recorded samples': recorded.hexdigest()}

    def _reference(self) -> Reference:
        """Say how what was learned from is distributed, so that drift can be noticed."""
        train = Samples.join(self._train)
        return Reference.of(features(train.scan, train.goal, train.velocity))

    def provenance(self, command: str) -> Mapping[str, Any]:
        """Say what the policy was made from."""
        return {
            'algorithm': 'behaviour cloning with DAgger',
            'command': command,
            'seed': self._settings.seed,
            'settings': flatten(self._settings),
            'maps_trained_on': _digests(self._grids[:self._first_held_back]),
            'maps_held_back': _digests(self._grids[self._first_held_back:]),
            'samples': sum(map(len, self._train)),
            'samples_recorded': len(self._train[0]),
            'samples_held_back': sum(map(len, self._validation)),
            'episodes': self._gatherer.episodes,
            'features': self._reference().to_json(),
            'versions': versions(),
        }


class _Keeper(CloneKeeper):
    """Reads the passes of a fit where a `Fitter` tells them."""

    @staticmethod
    def passes_of(fit: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Find the passes of a fit so far in what it told."""
        return CloneKeeper.passes_of(fit['stand'])


def _split_recorded(samples: Samples) -> tuple[Samples, Samples]:
    """Keep every tenth recording for validation."""
    held = np.isin(samples.group, np.unique(samples.group)[9::10])
    return samples.take(~held), samples.take(held)


def _digests(grids: Sequence[GridMap]) -> dict[str, str]:
    """Name the maps with the start of a checksum of their cells."""
    return {grid.name: hashlib.sha256(grid.occupancy.tobytes()).hexdigest()[:16]
            for grid in grids}


def _scores(history: Sequence[Epoch], evaluation: Evaluation | None) -> dict[str, Any]:
    best = min(history, key=lambda e: e.validation_loss)
    scores: dict[str, Any] = {'validation_loss': round(best.validation_loss, 6),
                              'train_loss': round(best.train_loss, 6),
                              'epochs': len(history)}
    if evaluation is not None:
        scores['held_back_maps'] = evaluation.to_dict()
    return scores
