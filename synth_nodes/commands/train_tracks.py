"""`synth-nodes train generator --of tracks`: learn how people walk."""

import argparse
from pathlib import Path
from typing import Any

from synth_nodes.commands.common import columns, indent, print_json, Stages, until_interrupted
from synth_nodes.commands.inputs import describe_settings, load_maps, settings_from_words

PICTURE = 'tracks.png'


def train(args: argparse.Namespace) -> int:
    """Read or simulate tracks, train, export; the arguments are those of `train generator`."""
    from synth_nodes.generators.tracks import TrackSettings

    if args.settings:
        print(indent(describe_settings(TrackSettings)))
        return 0
    fixed = {} if args.seed is None else {'seed': args.seed}
    settings = settings_from_words(TrackSettings, args.set, fixed)
    recorded, maps, out = _recorded(args), load_maps(args.map), args.out or Path('tracks')

    from synth_nodes.export.parity import ParityError
    from synth_nodes.export.tracks import export_tracks
    from synth_nodes.report.tracks import draw_tracks
    from synth_nodes.train.fit import torch_threads
    from synth_nodes.train.tracks import forget, simulated, train_tracks

    with Stages() as stages, until_interrupted() as cancelled, torch_threads(settings.threads):
        places = recorded or simulated(settings, maps, stages.report)
        trained = train_tracks(settings, places, out, stages.report, cancelled, args.track)
    try:
        card = export_tracks(trained, settings, out, {
            'command': args.command_line, 'source': 'recorded' if recorded else 'social forces',
            'places': [p.name for p in places]})
    except ParityError as error:
        print(f'synth-nodes: {error}')
        return 1
    draw_tracks((trained.real, trained.drawn, trained.plain), out / PICTURE)
    forget(out)
    if args.json:
        print_json({'generator': out, **card['scores']})
        return 0
    _tell(card['scores'])
    print(f'wrote {out}; people walk so with actors.walk: learned, actors.walk_model: {out}')
    return 0


def _recorded(args: argparse.Namespace) -> list[Any]:
    """Read the tracks that were given; none if none were."""
    from synth_nodes.errors import InputError

    if args.data is None:
        if args.rate is not None:
            raise InputError(f'--rate {args.rate:g} is of recorded tracks; give them by --data')
        return []
    if args.map:
        raise InputError('--map is for people who walk by social forces; recorded tracks take the '
                         'map of their own name beside them')
    if args.rate is None or not 1.0 <= args.rate <= 20.0:
        raise InputError('give --rate, the frames a second of the recorded tracks, from 1 to 20; '
                         '2.5 for ETH and UCY')
    from synth_nodes.world.tracks import read_folder

    return read_folder(args.data, args.rate)


def _tell(scores: dict[str, Any]) -> None:
    rows = [('', *(name for name in scores['drawn'] if name != 'auc_interval'))]
    for name, score in scores.items():
        if isinstance(score, dict):
            rows.append((name, *('not known' if v is None else f'{v:.3f}'
                                 for k, v in score.items() if k != 'auc_interval')))
        else:
            print(f'{name}: {score:.4g}')
    print(columns(rows))
