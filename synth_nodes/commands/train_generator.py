"""`synth-nodes train generator`: learn what a real sensor makes of an ideal reading."""

import argparse
from pathlib import Path

from synth_nodes.commands import train_camera, train_plans, train_tracks
from synth_nodes.commands.common import (
    add_track,
    add_verb,
    indent,
    print_json,
    Stages,
    Subparsers,
    until_interrupted,
)
from synth_nodes.commands.inputs import add_settings, describe_settings, settings_from_words

EXAMPLE = """synth-nodes dataset import intel.log.gz --out real --split intel=train
synth-nodes train generator --kind transformer --data real --out sensor
synth-nodes train generator --kind gan --data real --set width=128 --set device=cuda
synth-nodes train generator --of camera --kind vae --out camera
synth-nodes train generator --of plans --map depot.yaml --map warehouse.yaml --out plans
synth-nodes train generator --of tracks --out tracks
synth-nodes train generator --of tracks --data eth/ --rate 2.5 --out tracks"""
OF = {'lidar': ('vae', 'gan', 'transformer', 'diffusion'), 'camera': ('vae', 'gan'),
      'plans': ('vae',), 'tracks': ('mixture',)}
"""What can be learned, and by which kinds of model."""
EVERY, BLOCK = 5, 25
"""Where no place is for validation, every fifth block of 25 records is."""


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(verbs, 'generator', 'Learn a lidar from recorded drives, a camera from '
                      'renders, floor plans, or how people walk.', EXAMPLE, _train, resumes=True)
    parser.add_argument('--of', choices=tuple(OF), default='lidar', help='what is learned')
    parser.add_argument('--kind', choices=sorted({k for kinds in OF.values() for k in kinds}),
                        help='kind of model, the first if not given; ' + ', '.join(
                            f'{of}: {"|".join(kinds)}' for of, kinds in OF.items()))
    parser.add_argument('--map', type=Path, action='append', default=[], metavar='M.yaml',
                        help='Nav2 map to cut floor plans out of, or to walk in by social forces, '
                        'repeatable; generated ones if none')
    parser.add_argument('--data', type=Path, help='for a lidar: data set of recorded drives; '
                        "for tracks: text table 'frame id x y' of recorded people, or a folder of "
                        'such; people walk by social forces if not given')
    parser.add_argument('--rate', type=float, metavar='HZ',
                        help='frames a second of recorded tracks; 2.5 for ETH and UCY')
    parser.add_argument('--out', type=Path,
                        help='folder of what is learned: sensor, camera, plans or tracks if not '
                        'given; a checkpoint in it is continued')
    parser.add_argument('--seed', type=int, help='seed of everything drawn by chance')
    add_track(parser)
    add_settings(parser)
    parser.add_argument('--params-file', type=Path, metavar='FILE',
                        help='ROS parameter file whose camera to learn')


def _train(args: argparse.Namespace) -> int:
    from synth_nodes.errors import InputError

    if args.kind is not None and args.kind not in OF[args.of]:
        raise InputError(f'--kind {args.kind} is not for --of {args.of}; it takes '
                         f'{", ".join(OF[args.of])}')
    if args.of == 'camera':
        return train_camera.train(args)
    if args.of == 'plans':
        return train_plans.train(args)
    if args.of == 'tracks':
        return train_tracks.train(args)
    return _train_lidar(args)


def _train_lidar(args: argparse.Namespace) -> int:
    from synth_nodes.errors import InputError
    from synth_nodes.generators.model import GeneratorSettings

    if args.settings:
        print(indent(describe_settings(GeneratorSettings)))
        return 0
    if args.data is None:
        raise InputError('name a data set of recorded drives: --data DIR')
    args.out = args.out or Path('sensor')
    fixed = {n: v for n in ('kind', 'seed') if (v := getattr(args, n)) is not None}
    settings = settings_from_words(GeneratorSettings, args.set, fixed)

    import numpy as np

    from synth_nodes.dataset.reader import DataSet
    from synth_nodes.generators.pairs import pairs_of
    from synth_nodes.train.generator import train_generator

    data = DataSet(args.data)
    train = data.split('train')
    train = train if len(train) else np.arange(len(data))
    pairs = pairs_of(data, settings.reach, train)
    validation = data.split('validation')
    if len(validation):
        held = pairs_of(data, settings.reach, validation)
    else:
        apart = pairs.order // BLOCK % EVERY == EVERY - 1
        pairs, held = pairs.take(~apart), pairs.take(apart)
    with Stages() as stages, until_interrupted() as cancelled:
        scores = train_generator(
            settings, pairs, held, args.out,
            {'command': args.command_line, 'data': data.schema.name, 'digest': data.digest(),
             'pairs': len(pairs)}, stages.report, cancelled, args.track)
    from synth_nodes.export.generator import export_generator
    from synth_nodes.export.parity import ParityError

    try:
        export_generator(args.out)
    except ParityError as error:
        print(f'synth-nodes: {error}')
        return 1
    if args.json:
        print_json({'generator': args.out, 'pairs': len(pairs), **scores})
        return 0
    for name, score in scores.items():
        print(f'{name}: {score:.4g}')
    print(f'wrote {args.out}')
    return 0
