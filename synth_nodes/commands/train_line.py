"""`synth-nodes train line-camera`: learn to follow painted lines by camera."""

import argparse
from pathlib import Path

from synth_nodes.commands.common import add_verb, indent, print_json, Stages, Subparsers
from synth_nodes.commands.inputs import (
    add_robot,
    add_settings,
    describe_settings,
    robot_and_lidar,
    settings_from_words,
)

EXAMPLE = """synth-nodes train line-camera --out run
synth-nodes train line-camera --quick --out trial
synth-nodes train line-camera --set rounds=8 --tracks 50 --out run"""


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(verbs, 'line-camera', 'Learn to follow painted lines by camera (behaviour '
                      'cloning with DAgger).', EXAMPLE, _train)
    parser.add_argument('--out', type=Path, default=Path('run'),
                        help='folder for policy.onnx and policy.json')
    parser.add_argument('--seed', type=int, help='seed of everything drawn by chance')
    parser.add_argument('--tracks', type=int, default=200,
                        help='tracks never trained on that score the policy; 0 for none')
    parser.add_argument('--quick', action='store_true',
                        help='try the whole chain in seconds; the policy will not be good')
    add_settings(parser)
    add_robot(parser)


def _train(args: argparse.Namespace) -> int:
    from synth_nodes.errors import InputError
    from synth_nodes.train.clone import CloneSettings

    if args.settings:
        print(indent(describe_settings(CloneSettings)))
        return 0
    if args.tracks < 0:
        raise InputError(f'--tracks {args.tracks} must be 0 or more')
    fixed = {} if args.seed is None else {'seed': args.seed}
    settings = settings_from_words(CloneSettings, args.set, fixed)
    settings = settings.quick() if args.quick else settings
    robot, _ = robot_and_lidar(args.params_file)

    from dataclasses import replace

    from synth_nodes.envs.settings import LineCameraSettings
    from synth_nodes.export.onnx import export_policy
    from synth_nodes.export.parity import ParityError
    from synth_nodes.train.line_camera import train_line_camera

    task = LineCameraSettings()
    task = replace(task, line=replace(task.line, robot=robot))
    with Stages() as stages:
        result = train_line_camera(
            settings, task, scenes=4 if args.quick else 24,
            suite=min(args.tracks, 2) if args.quick else args.tracks, report=stages.report,
            command=args.command_line)
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
