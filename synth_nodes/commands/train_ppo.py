"""`synth-nodes train ppo`: learn by trial and error."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from synth_nodes.commands.common import (
    add_track,
    add_verb,
    indent,
    print_json,
    Stages,
    Subparsers,
    until_interrupted,
)
from synth_nodes.commands.inputs import (
    add_robot,
    add_settings,
    describe_settings,
    robot_and_lidar,
    settings_from_words,
)

if TYPE_CHECKING:
    from synth_nodes.train.line_camera import LineResult
    from synth_nodes.train.ppo_run import EnvSettings, RlResult

EXAMPLE = """synth-nodes train ppo --task goal --out run
synth-nodes train ppo --task line --set steps=2000000 --out follower
synth-nodes train ppo --start models/policy.onnx --set network=ring --set hidden=[128] \\
    --set spread=0.2 --set critic_only=10 --out tuned
synth-nodes train ppo --quick --out trial"""


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(verbs, 'ppo', 'Learn by trial and error (proximal policy optimisation).',
                      EXAMPLE, _train, resumes=True)
    add_options(parser)
    parser.add_argument('--start', type=Path, metavar='P.onnx',
                        help='policy to start from, such as a behaviour-cloned one')


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what the learners by trial and error share."""
    parser.add_argument('--task', choices=('goal', 'line'), default='goal',
                        help='reach goals by lidar, or follow a line by pose; goal if not given')
    parser.add_argument('--out', type=Path, default=Path('run'),
                        help='folder of the policy; a checkpoint in it is continued')
    parser.add_argument('--seed', type=int, help='seed of everything drawn by chance')
    parser.add_argument('--quick', action='store_true',
                        help='try the whole chain in seconds; the policy will not be good')
    add_track(parser)
    add_settings(parser)
    parser.add_argument('--env', action='append', default=[], metavar='name=value',
                        help='a setting of the environment, repeatable; --settings lists them')
    add_robot(parser)


def list_settings(args: argparse.Namespace, learner: type) -> bool:
    """Print all settings where the command line asks for them; says whether it did."""
    from synth_nodes.envs.settings import GoalReachingSettings, LineFollowingSettings

    if not args.settings:
        return False
    kind = LineFollowingSettings if args.task == 'line' else GoalReachingSettings
    print(f'--set:\n{indent(describe_settings(learner))}')
    print(f'--env:\n{indent(describe_settings(kind))}')
    return True


def environment(args: argparse.Namespace) -> 'EnvSettings':
    """Read the environment's settings from the command line."""
    from dataclasses import replace

    from synth_nodes.envs.settings import GoalReachingSettings, LineFollowingSettings

    robot, lidar = robot_and_lidar(args.params_file)
    if args.task == 'line':
        return replace(settings_from_words(LineFollowingSettings, args.env, {}), robot=robot)
    made = settings_from_words(GoalReachingSettings, args.env, {})
    return replace(made, robot=robot) if args.params_file is None else replace(
        made, robot=robot, lidar=lidar)


def _train(args: argparse.Namespace) -> int:
    from synth_nodes.train.ppo_settings import PpoSettings

    if list_settings(args, PpoSettings):
        return 0
    fixed = {} if args.seed is None else {'seed': args.seed}
    settings = settings_from_words(PpoSettings, args.set, fixed)
    settings = settings.quick() if args.quick else settings
    where = environment(args)

    from synth_nodes.train.ppo_run import train_ppo

    with Stages() as stages, until_interrupted() as cancelled:
        result = train_ppo(settings, where, args.out, stages.report, cancelled, args.start,
                           args.command_line, 16 if args.quick else 200, args.track)
    return finish(args, result)


def finish(args: argparse.Namespace, result: 'RlResult | LineResult') -> int:
    """Export a policy and say how it did."""
    from synth_nodes.export.onnx import export_policy
    from synth_nodes.export.parity import ParityError

    try:
        contract = export_policy(result.net, result.contract, args.out)
    except ParityError as error:
        print(f'synth-nodes: {error}')
        return 1
    if args.json:
        print_json({'policy': args.out / 'policy.onnx', 'sha256': contract.sha256,
                    'scores': contract.scores})
        return 0
    for name, score in contract.scores.items():
        print(f'{name}: {score}')
    print(f"wrote {args.out / 'policy.onnx'} and {args.out / 'policy.json'}")
    return 0
