"""`synth-nodes train collision`: learn to foretell collisions from scans and commands."""

import argparse
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
    add_robot,
    add_settings,
    describe_settings,
    open_sets,
    robot_and_lidar,
    settings_from_words,
)

if TYPE_CHECKING:
    from synth_nodes.dataset.reader import DataSet
    from synth_nodes.train.collision import TrainedRisk
    from synth_nodes.train.replay_risk import ReplayRisk

EXAMPLE = """synth-nodes generate --out synthetic
synth-nodes train collision --data synthetic --out predictor
synth-nodes train collision --data synthetic --data real --out both
synth-nodes train collision --data synthetic --fine-tune real --out tuned
synth-nodes train collision --data synthetic --replay replay --out taught"""
PICTURE = 'reliability.png'


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(verbs, 'collision', 'Learn to foretell collisions, for the safety monitor.',
                      EXAMPLE, _train, resumes=True)
    add_data(parser, 'data set of simulated or recorded drives')
    parser.add_argument('--fine-tune', type=Path, action='append', default=[], metavar='DIR',
                        help='data set to go on with afterwards, at a smaller step, repeatable')
    parser.add_argument('--replay', type=Path, action='append', default=[], metavar='DIR',
                        help='what trainer_node recorded, interventions of the safety monitor '
                        'among it, to learn from as well; repeatable')
    parser.add_argument('--out', type=Path, default=Path('predictor'),
                        help='folder for collision.onnx, collision.json and reliability.png; a '
                        'checkpoint in it is continued')
    parser.add_argument('--seed', type=int, help='seed of everything drawn by chance')
    add_settings(parser)
    add_robot(parser)


def _train(args: argparse.Namespace) -> int:
    from synth_nodes.errors import InputError
    from synth_nodes.train.risk_settings import RiskSettings

    if args.settings:
        print(indent(describe_settings(RiskSettings)))
        return 0
    if not args.data:
        raise InputError('name a data set to learn from: --data DIR')
    fixed = {} if args.seed is None else {'seed': args.seed}
    settings = settings_from_words(RiskSettings, args.set, fixed)
    given = None if args.params_file is None else robot_and_lidar(args.params_file)[0]

    from synth_nodes.train.collision import train_risk
    from synth_nodes.train.replay_risk import replay_risk
    from synth_nodes.train.risk_fit import forget
    from synth_nodes.train.risk_samples import lidar_of_set, risk_data, robot_of

    sets = open_sets([*args.data, *args.fine_tune], args.ungated)
    robot = robot_of(sets, given)
    read = [risk_data(s, robot, settings.observation, settings.horizon, settings.draws,
                      settings.seed) for s in sets]
    replays = [replay_risk(folder, settings.observation, settings.intervention_weight)
               for folder in args.replay]
    first, then = read[:len(args.data)] + [r.data for r in replays], read[len(args.data):]
    names = [d.name for d in (*first, *then)]
    if len(set(names)) < len(names):
        raise InputError(f"{', '.join(names)}: two to learn from have the same name; rename one")

    from synth_nodes.export.onnx import export_policy
    from synth_nodes.export.parity import ParityError
    from synth_nodes.policy.collision import collision_contract, CONTRACT_FILE, MODEL_FILE
    from synth_nodes.report.reliability import draw_reliability

    with Stages() as stages, until_interrupted() as cancelled:
        trained = train_risk(settings, robot, first, args.out, then, stages.report, cancelled)
    contract = collision_contract(robot, settings.observation, lidar_of_set(sets[0]),
                                  settings.horizon,
                                  **_provenance(args, settings, sets, replays, trained))
    try:
        contract = export_policy(trained.net, contract, args.out, trained.scores,
                                 (MODEL_FILE, CONTRACT_FILE))
    except ParityError as error:
        print(f'synth-nodes: {error}')
        return 1
    draw_reliability(trained.curves, args.out / PICTURE)
    forget(args.out)
    _say(args, trained)
    return 0


def _provenance(args: argparse.Namespace, settings: Any, sets: 'list[DataSet]',
                replays: 'list[ReplayRisk]', trained: 'TrainedRisk') -> dict[str, Any]:
    from synth_nodes.settings import flatten
    from synth_nodes.train.set_samples import origins
    from synth_nodes.train.versions import versions

    return {
        'command': args.command_line, 'seed': settings.seed,
        'settings': {k: v for k, v in flatten(settings).items() if k != 'horizon'},
        'data': origins(sets), **({'replay': [r.origin for r in replays]} if replays else {}),
        'fine_tuned_on': [folder.name for folder in args.fine_tune],
        'parameters': sum(p.numel() for p in trained.net.parameters()),
        'temperature': float(trained.net.temperature),
        'versions': versions()}


def _say(args: argparse.Namespace, trained: 'TrainedRisk') -> None:
    from synth_nodes.policy.collision import CONTRACT_FILE, MODEL_FILE

    if args.json:
        print_json({'predictor': args.out / MODEL_FILE, 'scores': trained.scores,
                    'history': trained.history})
        return
    rows = [('data set', 'step', 'AUROC', 'ECE', 'threshold', 'precision', 'recall', 'F1')]
    for name, steps in trained.scores.items():
        for step, scores in steps.items():
            if step == 'judged on':
                continue
            for key in (k for k in scores if k.startswith('at ')):
                rows.append((f"{name} ({steps['judged on']})", step, f"{scores['auroc']:.4f}",
                             f"{scores['ece']:.4f}", key[3:],
                             *(f'{scores[key][k]:.3f}' for k in ('precision', 'recall', 'f1'))))
    print(columns(rows))
    print(f'wrote {MODEL_FILE}, {CONTRACT_FILE} and {PICTURE} to {args.out}')
