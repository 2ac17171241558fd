"""`synth-nodes evaluate` of policies that dock."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from synth_nodes.commands.common import Stages
from synth_nodes.commands.evaluate_answer import answer
from synth_nodes.commands.evaluate_driver import driver
from synth_nodes.commands.inputs import robot_and_lidar
from synth_nodes.errors import InputError
from synth_nodes.types import GridMap

if TYPE_CHECKING:
    from synth_nodes.envs.docking_senses import SensesSettings
    from synth_nodes.envs.docking_settings import DockingSettings


SENSES = 'docking_senses'
"""Docking by camera, lidar and odometry, with each set of them."""
TASKS = ('docking', SENSES)


def run(args: argparse.Namespace, task: str, grids: Sequence[GridMap]) -> int:
    """
    Dock in the maps; in the standard suite where none is given.

    :param task: one of `TASKS`.

    :raises InputError: when a map has no room for a dock, the policy does not fit, or the safety
        monitor is asked for: its stop zone ends before a dock does.
    """
    from synth_nodes.train.docking_senses import evaluate_senses
    from synth_nodes.train.evaluate_docking import evaluate_docking, suite
    from synth_nodes.world.scene import Scene
    from synth_nodes.world.solids import draw_scene

    if args.detours:
        raise InputError('--detours is for goal reaching: who docks follows no path')
    if args.monitor or args.rules is not None:
        raise InputError('--monitor and --rules are for goal reaching: its rules keep a robot '
                         'farther from things than a dock is; leave them out')
    policy, _ = driver(args, *robot_and_lidar(args.params_file), task,
                       'dock_senses' if task == SENSES else 'dock')
    maps = list(grids) or suite()
    with Stages() as stages:
        rest = args.episodes, args.seed, stages.report
        result = (evaluate_senses(policy, maps, _senses(args), *rest) if task == SENSES else
                  evaluate_docking(policy, maps, fitted(args, _plain()), *rest))
    shown = [draw_scene(m) if isinstance(m, Scene) else m for m in maps]
    return answer(args, result, shown)


def _plain() -> 'DockingSettings':
    from synth_nodes.envs.docking_settings import DockingSettings

    return DockingSettings()


def _senses(args: argparse.Namespace) -> 'SensesSettings':
    from synth_nodes.envs.docking_senses import SensesSettings

    settings = SensesSettings()
    return replace(settings, docking=fitted(args, settings.docking))


def fitted(args: argparse.Namespace, where: 'DockingSettings') -> 'DockingSettings':
    """Take robot and lidar from the parameter file, where there is one."""
    if args.params_file is None:
        return where
    robot, lidar = robot_and_lidar(args.params_file)
    return replace(where, robot=robot, lidar=lidar)
