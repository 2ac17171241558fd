"""`synth-nodes tune`: search for the settings that train best."""

import argparse
from pathlib import Path

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
    add_robot,
    add_settings,
    describe_settings,
    load_maps,
    robot_and_lidar,
    settings_from_words,
)

EXAMPLE = """synth-nodes tune bc --trials 20 --out study
synth-nodes tune bc --search learning_rate=5e-4:8e-3:log --search hidden=64,128,256"""
SEARCH = ('learning_rate=5e-4:8e-3:log', 'weight_decay=1e-5:1e-2:log', 'hidden=64,128,256',
          'noise=0.1:0.6')
"""What is searched where nothing is said."""


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    group = verbs.add_parser('tune', help='search for the settings that train best',
                             description='Search for settings with Optuna (extra: tune).')
    inner = group.add_subparsers(title='verbs', required=True, metavar='VERB')
    parser = add_verb(inner, 'bc', 'Search for settings of behaviour cloning.', EXAMPLE, _tune,
                      resumes=True)
    parser.add_argument('--search', action='append', default=[], metavar='name=...',
                        help='what a setting may be: low:high, low:high:log or one,two,three; '
                        f'repeatable; {" ".join(SEARCH)} if none')
    parser.add_argument('--trials', type=int, default=20, help='finished trials to come to')
    parser.add_argument('--score', choices=('failures', 'loss'), default='failures',
                        help='errands that fail in the maps held back, or the validation loss')
    parser.add_argument('--map', type=Path, action='append', default=[], metavar='M.yaml',
                        help='Nav2 map to drive in, repeatable; generated buildings if none')
    parser.add_argument('--out', type=Path, default=Path('study'),
                        help='folder of the study; one that is there is continued')
    parser.add_argument('--quick', action='store_true', help='small trainings, for a trial')
    add_settings(parser, 'a setting that all trials share')
    add_robot(parser)


def _tune(args: argparse.Namespace) -> int:
    from synth_nodes.train.settings import BcSettings

    if args.settings:
        print(indent(describe_settings(BcSettings)))
        return 0
    from synth_nodes.errors import InputError
    from synth_nodes.settings import flatten
    from synth_nodes.train.bc import train_bc
    from synth_nodes.train.search import Choice, search, Values

    if args.trials < 1:
        raise InputError(f'--trials {args.trials} must be 1 or more')
    choices = [Choice.parse(word) for word in args.search or SEARCH]
    base = settings_from_words(BcSettings, args.set, {})
    base = base.quick() if args.quick else base
    robot, lidar = robot_and_lidar(args.params_file)
    maps = load_maps(args.map)

    def settings_with(values: Values) -> BcSettings:
        return settings_from_words(BcSettings, (), {**flatten(base), **values})

    for choice in choices:
        for value in choice.values:
            settings_with({choice.name: value})
    with Stages() as stages, until_interrupted() as cancelled:
        def objective(values: Values) -> float:
            result = train_bc(settings_with(values), maps, robot, lidar, cancelled=cancelled)
            if args.score == 'loss' or result.evaluation is None:
                return min(e.validation_loss for e in result.history)
            return 1.0 - result.evaluation.total.success

        found = search(objective, choices, args.trials, args.out,
                       {**flatten(base), 'score': args.score, 'maps': list(map(str, args.map))},
                       base.seed, stages.report, cancelled)
    if args.json:
        print_json({'best': found.best, 'score': found.score, 'trials': found.trials})
        return 0
    names = list(found.trials[0])
    print(columns([tuple(names), *(tuple(f'{row[n]:.4g}' if isinstance(row[n], float)
                                         else str(row[n]) for n in names)
                                   for row in found.trials)]))
    print('train with: ' + ' '.join(f'--set {k}={v}' for k, v in found.best.items()))
    return 0
