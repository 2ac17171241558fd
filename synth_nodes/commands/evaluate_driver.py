"""What drives in `synth-nodes evaluate`, whatever the task is."""

import argparse
from typing import TYPE_CHECKING

from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import LidarSpec, RobotSpec

if TYPE_CHECKING:
    from synth_nodes.train.evaluate import Policy


def task_of(args: argparse.Namespace) -> str | None:
    """Tell what is to be done: what was named, or what the policy is for; None if neither."""
    named: str | None = args.task
    if named is not None or args.driver != 'policy':
        return named
    from synth_nodes.infer.locate import locate_policy
    from synth_nodes.policy.contract import read_contract

    return read_contract(locate_policy(args.model)[1]).task


def driver(args: argparse.Namespace, robot: RobotSpec, lidar: LidarSpec, task: str,
           shipped: str = '') -> 'tuple[Policy | None, ObservationSpec | None]':
    """
    Give what drives, None for the expert, and the layout of what it sees, None for any.

    :param task: that a policy must be for.
    :param shipped: word for the policy that ships for it.
    :raises InputError: when the policy is for another task, or does not fit the robot.
    """
    if args.driver == 'expert':
        return None, None
    if args.driver == 'random':
        from synth_nodes.train.evaluate import random_policy

        return random_policy(robot, args.seed), None
    from synth_nodes.infer.session import load_policy

    session = load_policy(args.model or shipped, robot, lidar=lidar)
    session.contract.check_task(task, str(session.path))
    return session.act, session.contract.observation
