"""What the learners by trial and error share: scores on unseen scenes, and provenance."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from synth_nodes.envs.batch import BatchEnv
from synth_nodes.envs.task import Task
from synth_nodes.settings import flatten
from synth_nodes.tasks.actions import to_action
from synth_nodes.train.evaluate import wilson
from synth_nodes.train.versions import versions


@torch.no_grad()
def score(actor: nn.Module, task: Task, episodes: int, seed: int) -> dict[str, float]:
    """
    Drive one episode a robot without exploring.

    :param actor: from the parts of observations to commands.
    :param task: of scenes that were not learned from.
    :param episodes: how many.
    :return: shares of success, failure and lateness, and the 95 % interval of the first.
    """
    env = BatchEnv(task, episodes, seed)
    env.reset()
    parts = [torch.from_numpy(part) for part in env.observation.values()]
    done, won, failed = np.zeros((3, episodes), bool)
    while not done.all():
        env.step(to_action(actor(*parts).numpy(), task.robot))
        won |= env.success & ~done
        failed |= env.terminated & ~env.success & ~done
        done |= env.terminated | env.truncated
    low, high = wilson(int(won.sum()), episodes)
    return {'episodes': episodes, 'success': float(won.mean()), 'success_low': low,
            'success_high': high, 'failure': float(failed.mean()),
            'late': float((done & ~won & ~failed).mean())}


def identity(settings: Any, environment: Any) -> dict[str, Any]:
    """Give what the weights depend on: all settings but how long and on how many threads."""
    values = {k: v for k, v in flatten(settings).items() if k not in ('steps', 'threads')}
    return {**values, **{f'env.{k}': v for k, v in flatten(environment).items()}}


def provenance(algorithm: str, command: str, settings: Any, environment: Any,
               ) -> Mapping[str, Any]:
    """Say what a policy was made from."""
    return {'algorithm': algorithm, 'command': command, 'settings': flatten(settings),
            'environment': flatten(environment),
            'versions': versions()}
