"""`synth-nodes train generator --of plans`: learn floor plans of buildings and of maps."""

import argparse
from pathlib import Path

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
    draw_plans(trained.real, trained.drawn, out / PICTURE)
    forget(out)
    if args.json:
        print_json({'generator': out, **card['scores']})
        return 0
    for name, score in card['scores'].items():
        print(f'{name}: {score}' if isinstance(score, dict) else f'{name}: {score:.4g}'
              if score is not None else f'{name}: unknown')
    print(f'wrote {out}; drive in it with map:=plans:{out}')
    return 0
