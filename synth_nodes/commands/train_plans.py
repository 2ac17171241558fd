"""`synth-nodes train generator --of plans`: learn floor plans of buildings and of maps."""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from synth_nodes.commands.common import indent, print_json, Stages, until_interrupted
from synth_nodes.commands.inputs import describe_settings, load_maps, settings_from_words

PICTURE = 'plans.png'


def train(args: argparse.Namespace) -> int:
    """Draw plans, train, export; the arguments are those of `train generator`."""
    from synth_nodes.generators.plans import PlanSettings

    if args.settings:
        print(indent(describe_settings(PlanSettings)))
        return 0
    fixed = {} if args.seed is None else {'seed': args.seed}
    settings = settings_from_words(PlanSettings, args.set, fixed)
    maps, out = load_maps(args.map), args.out or Path('plans')

    from synth_nodes.export.parity import ParityError
    from synth_nodes.export.plans import export_plans
    from synth_nodes.report.plans import draw_plans
    from synth_nodes.train.fit import torch_threads
    from synth_nodes.train.plans import forget, train_plans

    with Stages() as stages, until_interrupted() as cancelled, torch_threads(settings.threads):
        trained = train_plans(settings, maps, out, stages.report, cancelled, args.track)
    try:
        card = export_plans(trained, settings, out, {
            'command': args.command_line, 'maps': [grid.name for grid in maps]})
    except ParityError as error:
        print(f'synth-nodes: {error}')
        return 1
    draw_plans(trained.real, trained.drawn, trained.asked, out / PICTURE)
    forget(out)
    if args.json:
        print_json({'generator': out, **card['scores']})
        return 0
    print('\n'.join(_lines(card['scores'])))
    print(f'wrote {out}; drive in it with map:=plans:{out}')
    return 0


def _lines(scores: Mapping[str, Any]) -> Iterator[str]:
    """Say scores for people; intervals are of 95 % confidence."""
    for name, score in scores.items():
        if name == 'obeys' or name.endswith('_interval'):
            continue
        if isinstance(score, dict):
            yield f'{name}: ' + ', '.join(f'{n} {reason}' for reason, n in score.items())
        else:
            yield f'{name}: ' + _with_interval(scores, name)
    for name, told in scores['obeys'].items():
        yield (f'{name}: rank correlation with what was asked '
               + _with_interval(told, 'rank_correlation') + '; of the nearest of eight '
               + _with_interval(told, 'rank_correlation_chosen'))
        for level in told['levels']:
            yield (f"  asked {level['asked']:.3g}: drawn {_with_half(level, 'drawn')}, nearest of "
                   f"eight {_with_half(level, 'chosen')}; {level['valid_share']:.0%} pass")


def _with_half(level: Mapping[str, Any], name: str) -> str:
    half = level[f'{name}_half_interval']
    return 'nothing' if level[name] is None else f'{level[name]:.3g}' + (
        '' if half is None else f' +/- {half:.2g}')


def _with_interval(scores: Mapping[str, Any], name: str) -> str:
    if scores.get(name) is None:
        return 'unknown'
    interval = scores.get(f'{name}_interval')
    if interval is None:
        return f'{scores[name]:.4g}'
    low, high = (round(end, 6) for end in interval)
    return f'{scores[name]:.4g} ({low:.3g} to {high:.3g})'
