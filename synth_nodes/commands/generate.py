"""`synth-nodes generate`: synthetic drives with labels."""

import argparse
from pathlib import Path
import time

from synth_nodes.commands.common import add_verb, indent, print_json, progress, Subparsers
from synth_nodes.commands.inputs import (
    add_robot,
    add_settings,
    describe_settings,
    given_camera,
    robot_and_lidar,
    settings_from_words,
)

EXAMPLE = """synth-nodes generate --out synthetic
synth-nodes generate --records 20000 --map warehouse.yaml --map depot.yaml --out nav2
synth-nodes generate --map layout:warehouse:3 --set carts.count=2 --out hall
synth-nodes generate --set path_points=40 --set path_spacing=0.25 --out ways
synth-nodes generate --records 5000 --set camera=true --set camera.pitch=0.2 --out seen
synth-nodes generate --seed 7 --set noise=0.6 --set actors.count=8 --out crowded"""


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(verbs, 'generate', 'Drive simulated robots and write labelled data.',
                      EXAMPLE, _generate)
    parser.add_argument('--out', type=Path, default=Path('synthetic'),
                        help='folder of the data set')
    parser.add_argument('--map', action='append', default=[], metavar='PLACE',
                        help='Nav2 map, scene file, layout:NAME:SEED (such as layout:learned:3) '
                        'or plans:DIR:SEED to drive in (plans may end with wishes such as '
                        ':walls=0.15), repeatable; generated buildings if none')
    parser.add_argument('--records', type=int, help='records in all')
    parser.add_argument('--seed', type=int, help='seed of everything drawn by chance')
    parser.add_argument('--sensor', type=Path, metavar='DIR',
                        help="learned sensor ('synth-nodes train generator') in place of noise")
    parser.add_argument('--ungated', action='store_true',
                        help='use a learned sensor that failed its quality gate too')
    parser.add_argument('--append', action='store_true',
                        help='go on with a data set that is there; give another seed')
    parser.add_argument('--split', action='append', default=[], metavar='PLACE=SPLIT',
                        help='put a place into train, validation or test, repeatable; by a hash '
                        'of its name if not given')
    add_settings(parser)
    add_robot(parser, 'robot, lidar and, with camera=true, camera')


def _generate(args: argparse.Namespace) -> int:
    from synth_nodes.dataset.generate import generate, GenerateSettings
    from synth_nodes.dataset.schema import parse_splits

    if args.settings:
        print(indent(describe_settings(GenerateSettings)))
        return 0
    fixed = {n: v for n in ('records', 'seed') if (v := getattr(args, n)) is not None}
    settings = settings_from_words(GenerateSettings, args.set, fixed)
    if settings.camera.on:
        own = given_camera(args.params_file)
        own.pop('camera.rate', None)  # a frame a record
        settings = settings_from_words(GenerateSettings, args.set, {**own, **fixed})
    robot, lidar = robot_and_lidar(args.params_file)
    from synth_nodes.world.places import open_place

    maps = ([open_place(word).scene for word in args.map]
            or [open_place('', settings.seed * 1000 + k).scene
                for k in range(settings.buildings)])
    sensor = None
    if args.sensor:
        from synth_nodes.infer.learned_lidar import load_sampler

        sensor = load_sampler(args.sensor, settings.seed, ungated=args.ungated,
                              otherwise='give --ungated').scan
    begin = time.perf_counter()
    with progress('driving', settings.records, ' records') as advance:
        writer = generate(settings, maps, robot, lidar, args.out, args.append, args.command_line,
                          parse_splits(args.split), lambda done, total: advance(done, ''),
                          sensor)
    seconds = time.perf_counter() - begin
    if args.json:
        print_json({'data_set': args.out, 'records': writer.written, 'seconds': seconds})
    else:
        print(f'wrote {args.out}: {writer.written} records, '
              f'{settings.records / seconds:.0f} a second')
    return 0
