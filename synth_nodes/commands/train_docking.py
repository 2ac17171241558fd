"""`synth-nodes train docking`: learn to drive into docks."""

import argparse
from typing import Any, TYPE_CHECKING

from synth_nodes.commands.common import add_verb, indent, Stages, Subparsers, until_interrupted
from synth_nodes.commands.evaluate_docking import fitted
from synth_nodes.commands.inputs import (
    add_robot,
    add_settings,
    describe_settings,
    settings_from_words,
)
from synth_nodes.commands.train_clone import add_clone, clone_settings, finish_clone

if TYPE_CHECKING:
    from synth_nodes.train.clone import CloneSettings
    from synth_nodes.train.ppo_run import RlResult
    from synth_nodes.train.progress import Cancelled, Report

EXAMPLE = """synth-nodes train docking --out run
synth-nodes train docking --quick --out trial
synth-nodes train docking --env dock.spacing=0.6 --env dock.width=0.8 --out run
synth-nodes train docking --senses --out all"""


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(verbs, 'docking', 'Learn to dock by a marker that the lidar sees (behaviour '
                      'cloning with DAgger).', EXAMPLE, _train, resumes=True)
    add_clone(parser)
    parser.add_argument('--episodes', type=int, default=50,
                        help='in each of four scenes never trained in, to score the policy')
    parser.add_argument('--senses', action='store_true',
                        help='by camera, lidar and odometry together, any of which may be missing')
    add_settings(parser)
    parser.add_argument('--env', action='append', default=[], metavar='name=value',
                        help='a setting of docks and scenes, repeatable; --settings lists them')
    add_robot(parser)


def _train(args: argparse.Namespace) -> int:
    from synth_nodes.envs.docking_senses import SensesSettings
    from synth_nodes.envs.docking_settings import DockingSettings
    from synth_nodes.errors import InputError
    from synth_nodes.train.clone import CloneSettings

    if args.settings:
        print(f'--set:\n{indent(describe_settings(CloneSettings))}')
        kind = SensesSettings if args.senses else DockingSettings
        print(f'--env:\n{indent(describe_settings(kind))}')
        return 0
    if args.episodes < 1:
        raise InputError(f'--episodes {args.episodes} must be 1 or more')
    run = _senses if args.senses else _docking
    with Stages() as stages, until_interrupted() as cancelled:
        result = run(args, stages.report, cancelled)
    return finish_clone(args, result)


def _docking(args: argparse.Namespace, report: 'Report', cancelled: 'Cancelled') -> 'RlResult':
    from synth_nodes.envs.docking_settings import DockingSettings
    from synth_nodes.train.docking import DEFAULTS, quick, train_docking

    settings, episodes = _how(args, DEFAULTS)
    where = settings_from_words(DockingSettings, args.env, {})
    where = fitted(args, where)
    return train_docking(settings, quick(where) if args.quick else where, episodes, report,
                         cancelled, args.command_line, args.out, args.track)


def _senses(args: argparse.Namespace, report: 'Report', cancelled: 'Cancelled') -> 'RlResult':
    from dataclasses import replace

    from synth_nodes.envs.docking_senses import SensesSettings
    from synth_nodes.train.docking import quick
    from synth_nodes.train.docking_senses import DEFAULTS, train_senses

    settings, episodes = _how(args, DEFAULTS)
    where = settings_from_words(SensesSettings, args.env, {})
    inner = fitted(args, where.docking)
    where = replace(where, docking=quick(inner) if args.quick else inner)
    return train_senses(settings, where, episodes, report, cancelled, args.command_line, args.out,
                        args.track)


def _how(args: argparse.Namespace, defaults: dict[str, Any]) -> 'tuple[CloneSettings, int]':
    """Read how to learn, and how many docks in each scene score it."""
    return clone_settings(args, defaults), min(args.episodes, 2) if args.quick else args.episodes
