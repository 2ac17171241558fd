"""`synth-nodes evaluate`: how often a policy arrives, and what it touches on the way."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from synth_nodes.commands import evaluate_docking, evaluate_line
from synth_nodes.commands.common import add_verb, Stages, Subparsers
from synth_nodes.commands.evaluate_answer import answer
from synth_nodes.commands.evaluate_driver import driver, task_of
from synth_nodes.commands.inputs import add_robot, detours_of, load_maps, robot_and_lidar
from synth_nodes.types import GridMap, LidarSpec, RobotSpec

if TYPE_CHECKING:
    from synth_nodes.train.evaluate import Guard

EXAMPLE = """synth-nodes evaluate
synth-nodes evaluate run --episodes 100 --monitor
synth-nodes evaluate --map warehouse.yaml --log intel.log.gz --pictures failures.png
synth-nodes evaluate --driver random
synth-nodes evaluate dock --map warehouse.yaml
synth-nodes evaluate line --episodes 100
synth-nodes evaluate registry --map warehouse.yaml --min-success 0.95"""
SUITE = (9001, 9002, 9003, 9004)
"""Seeds of the generated buildings of the standard suite; training uses none of them."""


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(verbs, 'evaluate', 'Drive a policy through simulated errands.',
                      EXAMPLE, _run)
    parser.add_argument('model', nargs='?', default='',
                        help='ONNX file, folder or registry; the shipped policy if none')
    parser.add_argument('--driver', choices=('policy', 'expert', 'random'), default='policy',
                        help='who drives: the policy, the planner that knows the whole map and '
                             'all people, or chance')
    parser.add_argument('--task', choices=('goal', *evaluate_docking.TASKS, *evaluate_line.TASKS),
                        help='what to do; what the policy is for if not given')
    parser.add_argument('--map', type=Path, action='append', default=[], metavar='M.yaml',
                        help='Nav2 map, repeatable; four generated ones if neither map nor '
                             'log is given')
    parser.add_argument('--log', type=Path, action='append', default=[], metavar='L.log',
                        help='CARMEN log to map and drive in, repeatable')
    parser.add_argument('--monitor', action='store_true',
                        help='let the safety core judge every command')
    parser.add_argument('--rules', type=Path, metavar='FILE',
                        help='its parameter file; the default rules if none')
    parser.add_argument('--detours', action='store_true',
                        help='give blocked robots other ways, as planner_node does')
    parser.add_argument('--episodes', type=int, default=50,
                        help='errands in each map; runs on each kind of track')
    parser.add_argument('--seed', type=int, default=1000, help='seed of the errands or tracks')
    parser.add_argument('--pictures', type=Path, metavar='F.png',
                        help='draw errands that failed, on their maps')
    parser.add_argument('--min-success', type=float, default=0.9,
                        help='share of errands that must arrive for exit code 0')
    add_robot(parser)


def _run(args: argparse.Namespace) -> int:
    from synth_nodes.policy.goal_reaching import TASK
    from synth_nodes.settings import build

    task = task_of(args)
    if task in evaluate_docking.TASKS:
        return evaluate_docking.run(args, task, _given(args))
    if task in evaluate_line.TASKS:
        return evaluate_line.run(args, task)
    robot, lidar = robot_and_lidar(args.params_file)
    policy, observation = driver(args, robot, lidar, TASK)
    grids = _given(args) or _suite()

    from synth_nodes.train.evaluate import evaluate, EvaluationSettings

    settings = build(EvaluationSettings, {'episodes': args.episodes, 'seed': args.seed},
                     'evaluate')
    guard = _guard(args, robot, lidar)
    with Stages() as stages:
        result = evaluate(policy, grids, robot, lidar, observation, settings, stages.report,
                          guard=guard,
                          detours=detours_of(args.params_file) if args.detours else None)
    return answer(args, result, grids)


def _given(args: argparse.Namespace) -> list[GridMap]:
    """Give the maps that were named."""
    grids = load_maps(args.map)
    for log in args.log:
        from synth_nodes.dataset.carmen import read_log
        from synth_nodes.dataset.mapping import map_from_log

        grids.append(map_from_log(read_log(log)))
    return grids


def _suite() -> list[GridMap]:
    """Give the maps of the standard suite."""
    from synth_nodes.world.building import generate_building

    return [replace(generate_building(seed), name=f'building {seed}') for seed in SUITE]


def _guard(args: argparse.Namespace, robot: RobotSpec, lidar: LidarSpec) -> 'Guard | None':
    """Give the safety core where it is wanted."""
    if not args.monitor:
        return None
    from synth_nodes.campaign.fleet_guard import FleetGuard
    from synth_nodes.commands.check import read_config

    return FleetGuard(read_config(args.rules, args.params_file).rules, robot, lidar)
