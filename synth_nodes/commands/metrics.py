"""`synth-nodes metrics`: how good a synthetic data set is, and whether it passes its gate."""

import argparse
from pathlib import Path
import sys
from typing import Any

from synth_nodes.commands.common import add_verb, columns, indent, print_json, Subparsers
from synth_nodes.commands.inputs import add_settings, describe_settings, settings_from_words

EXAMPLE = """synth-nodes metrics real synthetic
synth-nodes metrics real generated --train real_train --set max_auc=0.7 --json"""


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(verbs, 'metrics', 'Measure a synthetic data set against a real one.',
                      EXAMPLE, _metrics)
    parser.add_argument('real', type=Path, nargs='?', help='data set of recorded drives')
    parser.add_argument('synthetic', type=Path, nargs='?', help='data set to be judged')
    parser.add_argument('--train', type=Path,
                        help='what the generator learned from, for the copying test')
    add_settings(parser, 'a limit or setting')


def _metrics(args: argparse.Namespace) -> int:
    from synth_nodes.dataset.reader import DataSet
    from synth_nodes.errors import InputError
    from synth_nodes.metrics.judge import GateSettings, judge_sets

    if args.settings:
        print(indent(describe_settings(GateSettings)))
        return 0
    if args.real is None or args.synthetic is None:
        raise InputError('name two data sets: REAL SYNTHETIC')
    gate = settings_from_words(GateSettings, args.set, {})
    outcome = judge_sets(
        DataSet(args.real), DataSet(args.synthetic), gate,
        DataSet(args.train) if args.train else None,
        lambda what: print(f'{what} ...', file=sys.stderr, flush=True))
    if args.json:
        print_json(outcome)
    else:
        print(columns(_rows(outcome['quality'])))
        print('\n'.join(f'gate: {p}' for p in outcome['problems']) or 'gate: passed')
    return 0 if outcome['passed'] else 1


def _rows(quality: dict[str, Any]) -> list[tuple[str, str]]:
    out = []
    for name, value in quality.items():
        if isinstance(value, dict) and 'low' in value:
            text = f"{value['value']:.4g}  [{value['low']:.4g}, {value['high']:.4g}]"
        elif isinstance(value, dict):
            text = ', '.join(f'{k} {v:.3g}' for k, v in value.items())
        else:
            text = 'not known' if value is None else f'{value:.4g}'
        out.append((name.replace('_', ' '), text))
    return out
