"""`synth-nodes dataset tracks`: tracks of people who walk in a place, as a text table."""

import argparse
from pathlib import Path

from synth_nodes.commands.common import add_verb, print_json, Subparsers
from synth_nodes.errors import InputError

EXAMPLE = """synth-nodes dataset tracks --out rooms.txt
synth-nodes dataset tracks --map layout:doors:3 --walk forces --people 20 --out crowd/doors.txt
synth-nodes dataset tracks --map hall.yaml --walk learned --model tracks --out hall_drawn.txt"""
WALKS = ('learned', 'forces', 'ways')


def add(inner: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(inner, 'tracks', 'Let people walk in a place, and write their tracks.',
                      EXAMPLE, _tracks)
    parser.add_argument('--map', default='', metavar='PLACE',
                        help='Nav2 map, scene file, layout:NAME:SEED or plans:DIR:SEED to walk '
                        'in (plans may end with wishes such as :walls=0.15); a generated building '
                        'if not given')
    parser.add_argument('--walk', choices=WALKS, default='learned',
                        help='by a learned gait (the default), by social forces, or straight '
                        'along the shortest ways')
    parser.add_argument('--model', default='', metavar='DIR',
                        help='learned gait; the one that ships if not given')
    parser.add_argument('--people', type=int, default=12, help='people at a time')
    parser.add_argument('--seconds', type=float, default=60.0, help='time that they walk [s]')
    parser.add_argument('--seed', type=int, default=1, help='of everything drawn by chance')
    parser.add_argument('--out', type=Path, required=True, metavar='T.txt',
                        help="table 'frame id x y'; the place's map is written beside it")


def _tracks(args: argparse.Namespace) -> int:
    for name, value, low, high in (
            ('people', args.people, 1, 200), ('seed', args.seed, 0, 2**31 - 1),
            ('seconds', args.seconds, 5.0, 3600.0)):
        if not low <= value <= high:
            raise InputError(f'--{name} {value} is outside [{low}, {high}]')
    if args.out.suffix != '.txt':
        raise InputError(f"--out {args.out} must end in .txt, for 'train generator --of tracks' "
                         'reads a folder of such')
    if args.model and args.walk != 'learned':
        raise InputError(f'--model is for --walk learned, not for {args.walk}')

    import numpy as np

    from synth_nodes.world.atlas import MapAtlas
    from synth_nodes.world.gait import Gait
    from synth_nodes.world.learned_gait import load_gait
    from synth_nodes.world.map_io import save_map
    from synth_nodes.world.places import open_place
    from synth_nodes.world.social_forces import PERIOD, simulate
    from synth_nodes.world.stroll import course_of, play
    from synth_nodes.world.tracks import write_tracks

    gait = load_gait(args.model) if args.walk == 'learned' else Gait.off()
    period = gait.period if gait.on else PERIOD
    atlas = MapAtlas.build([open_place(args.map, args.seed).scene])
    tracks = simulate(atlas, args.people, args.seconds, period, np.random.default_rng(args.seed))
    if args.walk != 'forces':
        tracks = play(course_of(tracks), gait, args.seed)
    save_map(atlas.drawn.maps[0], args.out.parent, args.out.stem)
    write_tracks(tracks, args.out)
    if args.json:
        print_json({'tracks': args.out, 'people': tracks.at.shape[1], 'rate': 1.0 / period})
    else:
        print(f'wrote {args.out}: {tracks.at.shape[1]} walks at {1.0 / period:g} frames a second, '
              f"and the map {args.out.with_suffix('.yaml')}")
    return 0
