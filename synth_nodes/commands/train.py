"""`synth-nodes train`: learn a policy, a sensor or a collision predictor, export and check it."""

import argparse
from pathlib import Path
import subprocess
import sys

from synth_nodes.commands import (
    train_collision,
    train_docking,
    train_dqn,
    train_finetune,
    train_generator,
    train_line,
    train_ppo,
)
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
    add_data,
    add_registry,
    add_robot,
    add_settings,
    check_registry,
    describe_settings,
    load_maps,
    open_sets,
    register,
    robot_and_lidar,
    settings_from_words,
)

EXAMPLE = """synth-nodes train bc --out run
synth-nodes train bc --quick --out trial
synth-nodes train bc --data synthetic --out run
synth-nodes train bc --processes 2 --track --out run
synth-nodes train bc --map warehouse.yaml --set rounds=8 --registry registry --promote"""


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    group = verbs.add_parser('train', help='learn a policy, a sensor, or what leads to collisions',
                             description='Learn from simulated and recorded data.')
    inner = group.add_subparsers(title='verbs', required=True, metavar='VERB')
    train_generator.add(inner)
    train_collision.add(inner)
    train_ppo.add(inner)
    train_finetune.add(inner)
    train_line.add(inner)
    train_docking.add(inner)
    train_dqn.add(inner)
    parser = add_verb(
        inner, 'bc', 'Clone an expert that knows the map (behaviour cloning with DAgger).',
        EXAMPLE, _train, resumes=True)
    parser.add_argument('--map', type=Path, action='append', default=[], metavar='M.yaml',
                        help='Nav2 map to drive in, repeatable; generated buildings if none')
    add_data(parser, 'data set of simulated drives to learn from as well')
    parser.add_argument('--out', type=Path, default=Path('run'),
                        help='folder for policy.onnx, policy.json and the journal; a checkpoint '
                        'in it is continued')
    parser.add_argument('--processes', type=int, default=1, metavar='N',
                        help='processes that share each batch, started by torchrun; the result '
                        'is that of one')
    add_track(parser)
    parser.add_argument('--seed', type=int, help='seed of everything drawn by chance')
    parser.add_argument('--quick', action='store_true',
                        help='try the whole chain in seconds; the policy will not be good')
    add_settings(parser)
    add_registry(parser, 'make it the current one of that registry')
    add_robot(parser)


def _train(args: argparse.Namespace) -> int:
    from synth_nodes.errors import InputError
    from synth_nodes.train.settings import BcSettings

    if args.processes < 1:
        raise InputError(f'--processes {args.processes} must be at least 1')
    if args.settings:
        print(indent(describe_settings(BcSettings)))
        return 0
    check_registry(args)
    fixed = {} if args.seed is None else {'seed': args.seed}
    if args.map and 'validation_buildings' not in ' '.join(args.set):
        fixed['validation_buildings'] = max(1, len(args.map) // 5)
    settings = settings_from_words(BcSettings, args.set, fixed)
    settings = settings.quick() if args.quick else settings
    robot, lidar = robot_and_lidar(args.params_file)
    maps, sets = load_maps(args.map), open_sets(args.data, args.ungated)

    from synth_nodes.train import distributed

    if args.processes > 1 and not distributed.launched():
        return _torchrun(args)

    from synth_nodes.export.parity import ParityError
    from synth_nodes.export.pipeline import train_and_export
    from synth_nodes.train.progress import silent
    from synth_nodes.train.set_samples import origins, samples_of

    with distributed.joined(settings.device) as group, until_interrupted() as cancelled:
        with Stages() as stages:
            try:
                contract = train_and_export(
                    settings, maps, robot, lidar, args.out,
                    stages.report if group.first else silent, cancelled,
                    samples_of(sets, robot, settings.observation) if sets else None,
                    args.command_line, origins(sets), args.track)
            except ParityError as error:
                print(f'synth-nodes: {error}')
                return 1
    if contract is None:
        return 0
    version = register(args, args.promote)
    if args.json:
        print_json({'policy': args.out / 'policy.onnx', 'sha256': contract.sha256,
                    'scores': contract.scores, 'version': version})
        return 0
    for name, score in contract.scores.items():
        print(f'{name}: {score}')
    print(f"wrote {args.out / 'policy.onnx'} and {args.out / 'policy.json'}")
    if version:
        print(f"registered as {version}{', current' if args.promote else ''}")
    return 0


def _torchrun(args: argparse.Namespace) -> int:
    """Start this command in several processes, on loopback."""
    run = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--local-addr',
           '127.0.0.1', '--nproc-per-node', str(args.processes), '-m', 'synth_nodes.cli']
    return subprocess.run([*run, *args.words], check=False).returncode
