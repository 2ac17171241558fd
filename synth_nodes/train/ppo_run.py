"""One training by proximal policy optimisation, from settings to a network with its contract."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
import math
from pathlib import Path
from typing import Any

import torch
from torch import nn

from synth_nodes.envs.batch import BatchEnv
from synth_nodes.envs.goal_reaching import GoalReachingTask
from synth_nodes.envs.line_following import LineFollowingTask
from synth_nodes.envs.settings import GoalReachingSettings, LineFollowingSettings
from synth_nodes.envs.task import Task
from synth_nodes.errors import InputError
from synth_nodes.policy.contract import PolicyContract
from synth_nodes.policy.flat import Critic, FlatPolicy, Shapes
from synth_nodes.policy.goal_reaching import goal_reaching_contract
from synth_nodes.policy.line_following import line_following_contract
from synth_nodes.policy.networks import ScanPolicy
from synth_nodes.policy.weights import load_weights
from synth_nodes.train.checkpoint import Checkpoint
from synth_nodes.train.journal import Journal
from synth_nodes.train.ppo import Agent, Ppo, run
from synth_nodes.train.ppo_settings import PpoSettings
from synth_nodes.train.progress import Cancelled, never, Report, silent
from synth_nodes.train.trial_and_error import identity, provenance, score

EnvSettings = GoalReachingSettings | LineFollowingSettings
_HELD_BACK = 500_000
"""Added to the seed of scenes for those that score: no training uses them."""


@dataclass(frozen=True)
class RlResult:
    """A trained policy."""

    net: nn.Module
    contract: PolicyContract
    """Without checksum: the network is not exported yet."""


def make_task(settings: EnvSettings) -> Task:
    """Make what is to be learned."""
    if isinstance(settings, LineFollowingSettings):
        return LineFollowingTask(settings)
    return GoalReachingTask(settings)


def held_back(settings: EnvSettings) -> Task:
    """Make the same in scenes that no training uses."""
    return make_task(replace(settings, scene_seed=settings.scene_seed + _HELD_BACK))


def contract_of(settings: EnvSettings, origin: Mapping[str, Any], scores: Mapping[str, Any],
                ) -> PolicyContract:
    """Describe a policy for these environments."""
    if isinstance(settings, LineFollowingSettings):
        return line_following_contract(settings.robot, settings.rules, settings.rate, origin,
                                       scores)
    return goal_reaching_contract(settings.robot, settings.observation, settings.lidar, origin,
                                  scores)


def make_agent(settings: PpoSettings, environment: EnvSettings, shapes: Shapes) -> Agent:
    """
    Build the networks, seeded.

    :raises InputError: when a ring is asked for where there is no scan.
    """
    torch.manual_seed(settings.seed)
    if settings.network == 'flat':
        actor: nn.Module = FlatPolicy(shapes, environment.robot, settings.hidden)
    elif isinstance(environment, GoalReachingSettings):
        actor = ScanPolicy(environment.observation, environment.robot, hidden=settings.hidden[0])
    else:
        raise InputError("network = 'ring' looks at scans, and this task has none; use 'flat'")
    spread = torch.full((2,), math.log(settings.spread))
    agent = Agent(actor, Critic(shapes, settings.hidden), nn.Parameter(spread))
    for net in agent.modules():
        net.to(settings.device)
    agent.log_spread = nn.Parameter(spread.to(settings.device))
    return agent


def train_ppo(
    settings: PpoSettings, environment: EnvSettings, out: Path, report: Report = silent,
    cancelled: Cancelled = never, start: Path | None = None, command: str = '',
    episodes: int = 200, tensorboard: bool = False,
) -> RlResult:
    """
    Learn, on from the checkpoint in `out` where there is one.

    :param settings: how.
    :param environment: what: its class says which task.
    :param out: folder for checkpoint and journal.
    :param start: ONNX file of a policy to start from, such as a behaviour-cloned one.
    :param command: the command line that started this, for the contract.
    :param episodes: in unseen scenes that score the policy.
    :param tensorboard: whether the journal is kept for TensorBoard too.
    :raises InputError: when the checkpoint was made otherwise, or `start` does not fit.
    :raises WorkCancelled: when told to stop; the checkpoint has all that was learned.
    """
    checkpoint = Checkpoint(out / 'checkpoint.pt', identity(settings, environment))
    journal = Journal(out, tensorboard)
    env = BatchEnv(make_task(environment), settings.robots, threads=settings.threads)
    shapes = {name: part.shape[1:] for name, part in env.observation.items()}
    agent = make_agent(settings, environment, shapes)
    ppo = Ppo(env, agent, settings)
    state = checkpoint.load(settings.device)
    if state is not None:
        ppo.load_state_dict(state)
    else:
        if start is not None:
            load_weights(agent.actor, start)
        ppo.fit_normalisers(actor=start is None)
    journal.go_on(ppo.steps)
    try:
        run(ppo, settings, report, cancelled, journal.add, checkpoint)
    finally:
        env.close()
    journal.draw()
    net = agent.actor.cpu().eval()
    scores = {'held_back_scenes': score(net, held_back(environment), episodes, settings.seed)}
    origin = provenance('proximal policy optimisation', command, settings, environment)
    return RlResult(net, contract_of(environment, origin, scores))
