"""`synth-nodes export`: make a policy smaller, and say what that did to it."""

import argparse
from dataclasses import replace
import json
from pathlib import Path

from synth_nodes.commands.common import (
    add_verb,
    columns,
    print_json,
    Stages,
    Subparsers,
    until_interrupted,
)

EXAMPLE = """synth-nodes export run --prune 0.3 --out small
synth-nodes export run --prune 0.3 --int8 --out small"""
REPORT = 'report.json'


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(
        verbs, 'export', 'Prune or quantise a policy; compare speed, size and driving.', EXAMPLE,
        _export)
    parser.add_argument('model', metavar='run', nargs='?', default='',
                        help='ONNX file or folder of a goal-reaching policy, or a registry; the '
                        'shipped policy if none')
    parser.add_argument('--prune', type=float, default=0.0, metavar='SHARE',
                        help='share of channels and units to remove')
    parser.add_argument('--int8', action='store_true', help='turn layers to eight bits')
    parser.add_argument('--episodes', type=int, default=25,
                        help='errands in each of four buildings, before and after')
    parser.add_argument('--slack', type=float, default=0.01,
                        help='success that may be lost, as a share, for exit code 0')
    parser.add_argument('--out', type=Path, default=Path('small'),
                        help=f'folder for policy.onnx, policy.json and {REPORT}')


def _export(args: argparse.Namespace) -> int:
    from synth_nodes.export.compress import compress, Compression
    from synth_nodes.export.parity import ParityError
    from synth_nodes.files import write_atomically
    from synth_nodes.infer.locate import locate_policy
    from synth_nodes.settings import build
    from synth_nodes.train.evaluate import EvaluationSettings
    from synth_nodes.train.tune_settings import TuneSettings

    errands = build(EvaluationSettings, {'episodes': args.episodes}, 'export')
    with Stages() as stages, until_interrupted() as cancelled:
        try:
            told, worse = compress(
                locate_policy(args.model),
                Compression(args.prune, args.int8, args.slack),
                replace(TuneSettings(), evaluation=errands), args.out, stages.report,
                cancelled, args.command_line)
        except ParityError as error:
            print(f'synth-nodes: {error}')
            return 1
    content = {**told, 'worse': list(worse)}
    write_atomically(args.out / REPORT, (json.dumps(content, indent=2) + '\n').encode())
    if args.json:
        print_json(content)
        return 1 if worse else 0
    before, after = told['before'], told['after']
    print(columns([('figure', 'before', 'after'), *(
        (name, f'{before[name]:.4g}', f'{after[name]:.4g}') for name in before)]))
    print(f"commands differ by {100 * told['error_of_spread']:.1f} % of their spread")
    if after['p50_us'] >= before['p50_us']:
        print('it is not faster on this machine')
    for reason in worse:
        print(f'not to be promoted: {reason}')
    return 1 if worse else 0
