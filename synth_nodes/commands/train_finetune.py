"""`synth-nodes train finetune`: let a policy learn on for another robot, and say what it won."""

import argparse
import json
from pathlib import Path
from typing import Any, TYPE_CHECKING

from synth_nodes.commands.common import (
    add_verb,
    columns,
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
    open_sets,
    register,
    robot_and_lidar,
    settings_from_words,
)

if TYPE_CHECKING:
    from synth_nodes.train.finetune import Tuned

EXAMPLE = """synth-nodes train finetune --params-file mine.yaml --out tuned
synth-nodes train finetune --policy run --data recorded --set method=full --out tuned
synth-nodes train finetune --params-file mine.yaml --registry registry --promote"""
REPORT, PICTURE = 'report.json', 'report.png'


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(
        verbs, 'finetune', 'Let a policy learn on for a robot; compare before and after.',
        EXAMPLE, _tune)
    parser.add_argument('--policy', default='',
                        help='ONNX file, folder or registry of the goal-reaching policy to begin '
                        'with; the shipped one if none')
    add_data(parser, 'data set to learn from; drives of the robot are simulated if none')
    parser.add_argument('--out', type=Path, default=Path('tuned'),
                        help=f'folder for policy.onnx, policy.json, {REPORT} and {PICTURE}')
    add_registry(parser, 'make it the current one, unless a gated figure got worse')
    add_settings(parser)
    add_robot(parser)


def _tune(args: argparse.Namespace) -> int:
    from synth_nodes.train.tune_settings import TuneSettings

    if args.settings:
        print(indent(describe_settings(TuneSettings)))
        return 0
    check_registry(args)
    settings = settings_from_words(TuneSettings, args.set, {})
    robot, lidar = robot_and_lidar(args.params_file)
    sets = open_sets(args.data, args.ungated)

    from synth_nodes.export.parity import ParityError
    from synth_nodes.export.pipeline import fine_tune_and_export
    from synth_nodes.files import write_atomically
    from synth_nodes.infer.locate import locate_policy
    from synth_nodes.policy.contract import read_contract
    from synth_nodes.policy.goal_reaching import TASK
    from synth_nodes.report.tuning import draw_tuning
    from synth_nodes.train.set_samples import origins, samples_of

    policy = locate_policy(args.policy)
    given = read_contract(policy[1])
    given.check_task(TASK, str(policy[0]))
    with Stages() as stages, until_interrupted() as cancelled:
        try:
            contract, tuned = fine_tune_and_export(
                policy, settings, robot, lidar, args.out,
                samples_of(sets, robot, given.observation) if sets else None, stages.report,
                cancelled, args.command_line, origins(sets))
        except ParityError as error:
            print(f'synth-nodes: {error}')
            return 1
    told = {**tuned.report, 'worse': list(tuned.worse), 'sha256': contract.sha256}
    write_atomically(args.out / REPORT, (json.dumps(told, indent=2) + '\n').encode())
    draw_tuning(tuned.report, args.out / PICTURE)
    version = register(args, args.promote and not tuned.worse)
    _say(args, tuned, {**told, 'version': version})
    return 1 if tuned.worse else 0


def _say(args: argparse.Namespace, tuned: 'Tuned', told: dict[str, Any]) -> None:
    if args.json:
        print_json(told)
        return
    before, after, share = (told[k] for k in ('before', 'after', 'parameters'))
    print(f"{share['trained']} of {share['of']} parameters trained ({100 * share['share']:.1f} "
          f"%), {told['samples']['learned']} samples, {told['seconds']:.1f} s")
    if told['in_parts']:
        print(f"{told['groups']} places are fewer than five, so each was split in time, to learn "
              'from, to check by and to test on')
    rows = [('figure', 'before', 'after')]
    rows += [(name, f'{before[name]:.4f}', f'{after[name]:.4f}')
             for name in before if name != 'classes']
    print(columns(rows) + '\n')
    head = ('class', 'samples', *(f'{k} {when}' for k in ('precision', 'recall', 'F1')
                                  for when in ('before', 'after')))
    print(columns([head, *(
        (name, str(row['samples']), *(f'{side["classes"][name][k]:.3f}'
                                      for k in ('precision', 'recall', 'f1')
                                      for side in (before, after)))
        for name, row in before['classes'].items())]))
    print(f'wrote policy.onnx, policy.json, {REPORT} and {PICTURE} to {args.out}')
    for reason in tuned.worse:
        print(f'not to be promoted: {reason}')
