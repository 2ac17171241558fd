"""Line following by pose, cloned from the expert: a dense network, trained in a minute."""

from pathlib import Path

import torch

from synth_nodes.envs.settings import LineFollowingSettings
from synth_nodes.policy.flat import FlatPolicy
from synth_nodes.train.clone import clone, CloneSettings
from synth_nodes.train.clone_keeper import CloneKeeper
from synth_nodes.train.fit import torch_threads
from synth_nodes.train.flat_clone import FlatClone
from synth_nodes.train.ppo_run import contract_of, held_back, make_task, RlResult
from synth_nodes.train.progress import Cancelled, never, Report, silent
from synth_nodes.train.trial_and_error import identity, provenance, score


def train_line_pose(settings: CloneSettings, environment: LineFollowingSettings,
                    episodes: int = 200, report: Report = silent, cancelled: Cancelled = never,
                    command: str = '', out: Path | None = None,
                    tensorboard: bool = False) -> RlResult:
    """
    Clone the expert of line following into a dense network.

    :param settings: how; environment: scenes, robot, rules.
    :param episodes: runs on tracks that were not learned from, which score it.
    :param command: the command line that started this, for the contract.
    :param out: folder for a checkpoint after each pass, from which the same call goes on, and for
        the journal and its picture; None for neither.
    :param tensorboard: whether the journal is kept for TensorBoard too.
    :raises InputError: when the checkpoint is of other settings, or damaged.
    :raises WorkCancelled: when told to stop; the last checkpoint stays.
    """
    task = make_task(environment)
    shapes = {name: low.shape for name, (low, _) in task.bounds().items()}
    with torch_threads(settings.threads):
        torch.manual_seed(settings.seed)
        net = FlatPolicy(shapes, environment.robot)
        clone(FlatClone(net, tuple(shapes)), task, settings, report, cancelled,
              CloneKeeper(out, identity(settings, environment), tensorboard))
        net.eval()
        with torch.no_grad():
            scores = score(net, held_back(environment), episodes, settings.seed)
    origin = provenance('behaviour cloning with DAgger', command, settings, environment)
    return RlResult(net, contract_of(environment, origin, scores))
