"""`synth-nodes evaluate`: how often a policy arrives, and what it touches on the way."""

import argparse
from dataclasses import replace
from pathlib import Path

from synth_nodes.commands.common import add_verb, columns, print_json, Stages, Subparsers
from synth_nodes.commands.inputs import add_robot, load_maps, robot_and_lidar

EXAMPLE = """synth-nodes evaluate
synth-nodes evaluate run --episodes 100
synth-nodes evaluate registry --map warehouse.yaml --min-success 0.95"""
SUITE = (9001, 9002, 9003, 9004)
"""Seeds of the generated buildings of the standard suite; training uses none of them."""


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(verbs, 'evaluate', 'Drive a policy through simulated errands, unguarded.',
                      EXAMPLE, _run)
    parser.add_argument('model', nargs='?', default='',
                        help='ONNX file, folder or registry; the shipped policy if none')
    parser.add_argument('--map', type=Path, action='append', default=[], metavar='M.yaml',
                        help='Nav2 map, repeatable; four generated buildings if none')
    parser.add_argument('--episodes', type=int, default=50, help='errands in each map')
    parser.add_argument('--seed', type=int, default=1000, help='seed of the errands')
    parser.add_argument('--min-success', type=float, default=0.9,
                        help='share of errands that must arrive for exit code 0')
    add_robot(parser)


def _run(args: argparse.Namespace) -> int:
    from synth_nodes.infer.session import load_policy
    from synth_nodes.settings import build

    robot, lidar = robot_and_lidar(args.params_file)
    session = load_policy(args.model, robot, lidar=lidar)
    maps = load_maps(args.map)

    from synth_nodes.train.evaluate import evaluate, EvaluationSettings
    from synth_nodes.world.building import generate_building

    settings = build(EvaluationSettings, {'episodes': args.episodes, 'seed': args.seed},
                     'evaluate')
    grids = maps or [replace(generate_building(seed), name=f'building {seed}') for seed in SUITE]
    with Stages() as stages:
        result = evaluate(session.act, grids, robot, lidar, session.contract.observation,
                          settings, stages.report)
    success = result.total.success >= args.min_success
    if args.json:
        print_json({'scores': result.to_dict(), 'success': success})
    else:
        head = ('map', 'errands', 'arrived', 'contacts', 'timeouts', 'success (95 %)')
        print(columns([head, *(
            (s.name, str(s.episodes), str(s.arrived), str(s.contacts), str(s.timeouts),
             f'{s.success:.3f} ({s.success_low:.3f} to {s.success_high:.3f})')
            for s in result.scores)]))
    return 0 if success else 1
