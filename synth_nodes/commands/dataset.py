"""`synth-nodes dataset`: recorded data in, figures, maps and bags out."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import Any

from synth_nodes.commands import dataset_tracks
from synth_nodes.commands.common import add_verb, print_json, progress, Subparsers
from synth_nodes.commands.inputs import add_robot, robot_and_lidar, settings_from_words
from synth_nodes.errors import InputError
from synth_nodes.types import GridMap

MAP_EXAMPLE = 'synth-nodes dataset map intel-corrected.log.gz --out maps'
INFO_EXAMPLE = """synth-nodes dataset info intel-corrected.log.gz
synth-nodes dataset info drives --picture drives.png"""
IMPORT_EXAMPLE = """synth-nodes dataset import intel-corrected.log.gz --out real \\
    --split intel-corrected=train
synth-nodes dataset import intel.log.gz csail.log.gz aces.log.gz --beams 180 --out real
synth-nodes dataset import bag_folder --out real --scan /base_scan --place office"""
MERGE_EXAMPLE = 'synth-nodes dataset merge synthetic crowded --out both'
EXPORT_EXAMPLE = 'synth-nodes dataset export drives --out drives_bag'
CLEAN_EXAMPLE = 'synth-nodes dataset clean real --out real_clean'
LABEL_EXAMPLE = 'synth-nodes dataset label real --out real_labelled'
VERIFY_EXAMPLE = 'synth-nodes dataset verify real'


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    group = verbs.add_parser(
        'dataset', help='recorded and synthetic drives: import, figures, maps, merge, export',
        description='Data sets of drives (docs/datasets.md), CARMEN logs (.log, .gz) and bags.')
    inner = group.add_subparsers(title='verbs', required=True, metavar='VERB')
    info = add_verb(inner, 'info', 'Print the figures of a log or a data set.', INFO_EXAMPLE,
                    _info)
    info.add_argument('source', type=Path, help='CARMEN log, or folder of a data set')
    info.add_argument('--picture', type=Path, metavar='P.png', help='draw histograms too')
    make = add_verb(inner, 'map', 'Build a Nav2 map from a log.', MAP_EXAMPLE, _map)
    make.add_argument('log', type=Path, help='CARMEN log, plain or gzip')
    make.add_argument('--out', type=Path, default=Path('.'), help='folder for the map')
    make.add_argument('--name', help="name of the map's files; the log's where not given")
    make.add_argument('--resolution', type=float, default=0.05, help='side of a cell [m]')
    _add_import(inner)
    merge = add_verb(inner, 'merge', 'Make one data set of several.', MERGE_EXAMPLE, _merge)
    merge.add_argument('sources', type=Path, nargs='+', help='folders of data sets')
    _add_out(merge)
    export = add_verb(inner, 'export', 'Write a data set as ROS 2 messages in MCAP.',
                      EXPORT_EXAMPLE, _export)
    export.add_argument('source', type=Path, help='folder of a data set')
    export.add_argument('--out', type=Path, required=True, help='folder that the bag becomes')
    export.add_argument('--drive', type=int, help='number of the one drive to write; all if none')
    clean = add_verb(inner, 'clean', 'Write a data set anew without what is wrong in it.',
                     CLEAN_EXAMPLE, _clean)
    clean.add_argument('source', type=Path, help='folder of a data set')
    clean.add_argument('--out', type=Path, required=True, help='folder of the new data set')
    clean.add_argument('--set', action='append', default=[], metavar='name=value',
                       help='a threshold, repeatable: gap, speed, turn_rate, invalid_share, ...')
    label = add_verb(inner, 'label', 'Label recorded drives by the map built out of them.',
                     LABEL_EXAMPLE, _label)
    label.add_argument('source', type=Path, help='folder of an imported data set')
    label.add_argument('--out', type=Path, required=True, help='folder of the labelled one')
    label.add_argument('--set', action='append', default=[], metavar='name=value',
                       help='a setting, repeatable: horizon, draws, leg, line, tolerance, ...')
    add_robot(label)
    verify = add_verb(inner, 'verify', 'Compare every file with its hash.', VERIFY_EXAMPLE,
                      _verify)
    verify.add_argument('source', type=Path, help='folder of a data set')
    dataset_tracks.add(inner)


def _add_import(inner: Subparsers) -> None:
    parser = add_verb(inner, 'import', 'Make a data set of CARMEN logs or bags (MCAP, SQLite).',
                      IMPORT_EXAMPLE, _import)
    parser.add_argument('sources', type=Path, nargs='+',
                        help='logs (.log, .gz) or bags, all with the same beams')
    _add_out(parser)
    parser.add_argument('--append', action='store_true', help='go on with a data set')
    parser.add_argument('--beams', type=int,
                        help='keep every n-th beam of the logs, so that so many remain')
    parser.add_argument('--place', default='', help='building of the bags; their names if none')
    for name, topic in (('scan', '/scan'), ('odometry', '/odom'), ('command', '/cmd_vel')):
        parser.add_argument(f'--{name}', default=topic, metavar='TOPIC',
                            help=f'topic of bags, {topic} if not given')


def _add_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument('--out', type=Path, required=True, help='folder of the data set')
    parser.add_argument('--split', action='append', default=[], metavar='PLACE=SPLIT',
                        help='put a place into train, validation or test, repeatable; by a hash '
                        'of its name if not given')


def map_from_log_file(log: Path, out: Path, name: str | None = None, resolution: float = 0.05,
                      quiet: bool = False) -> tuple[Path, GridMap, dict[str, object]]:
    """
    Build a Nav2 map from a log.

    :param log: CARMEN log.
    :param out: folder for the map.
    :param name: of the map's files; the log's where None.
    :param resolution: side of a cell [m].
    :param quiet: whether to say nothing about the log's contents.
    :return: the map's YAML file, the map, and its figures.
    :raises InputError: when the log holds no usable scan or the map cannot be written.
    """
    from synth_nodes.dataset.carmen import read_log
    from synth_nodes.dataset.mapping import describe, map_from_log
    from synth_nodes.world.map_io import save_map

    record = read_log(log)
    if not quiet:
        print('\n'.join(record.report()))
    with progress('building the map', 1.0) as advance:
        grid = map_from_log(record, resolution, lambda done, total: advance(done / total, ''))
    figures = describe(record, grid)
    if not quiet:
        print('\n'.join(figures.lines()))
    path = save_map(grid, out, name or grid.name)
    return path, grid, asdict(figures)


def _map(args: argparse.Namespace) -> int:
    path, _, figures = map_from_log_file(
        args.log, args.out, args.name, args.resolution, quiet=args.json)
    if args.json:
        print_json({'map': path, **figures})
    else:
        print(f'wrote {path}')
    return 0


def _info(args: argparse.Namespace) -> int:
    if (args.source / 'dataset.json').is_file():
        return _info_of_data_set(args)
    if args.source.is_dir():
        raise InputError(f'{args.source}: is a folder without dataset.json, no data set')
    if args.picture:
        raise InputError('--picture draws data sets; import the log first')
    import numpy as np

    from synth_nodes.dataset.carmen import read_log

    log = read_log(args.source)
    if not args.json:
        print('\n'.join(log.report()))
        return 0
    scans, beams = log.ranges.shape
    seen = log.ranges[np.isfinite(log.ranges)]
    print_json({
        'name': log.name, 'scans': scans, 'beams': beams,
        'field_of_view_deg': np.degrees(log.angles[-1] - log.angles[0]),
        'driven': log.path_length, 'no_return_share': np.isinf(log.ranges).mean(),
        'range_median': np.median(seen) if len(seen) else None, 'max_range': log.max_range,
        'lines': log.lines, 'skipped': dict(log.skipped)})
    return 0


def _info_of_data_set(args: argparse.Namespace) -> int:
    from synth_nodes.dataset.clean import examine
    from synth_nodes.dataset.describe import draw, figures, lines
    from synth_nodes.dataset.reader import DataSet

    data = DataSet(args.source)
    findings = examine(data)
    summary = figures(data, findings)
    if args.picture:
        draw(data, args.picture)
    if args.json:
        print_json(summary)
        return 0
    print('\n'.join(lines(summary, findings)))
    if args.picture:
        print(f'drew {args.picture}')
    return 0


def _import(args: argparse.Namespace) -> int:
    from synth_nodes.dataset.bag import Topics
    from synth_nodes.dataset.drives import bag_drive, log_drive, write_drives
    from synth_nodes.dataset.schema import parse_splits
    from synth_nodes.dataset.store import HEADER

    splits = parse_splits(args.split)
    topics = Topics(args.scan, args.odometry, args.command)
    say = (lambda line: None) if args.json else print
    if not args.append and (args.out / HEADER).exists():
        raise InputError(f'data set {args.out}: is there already; give another folder, or '
                         '--append to go on with it')
    drives = [log_drive(source, args.beams, say) if source.suffix in ('.gz', '.log')
              else bag_drive(source, topics, args.place, say) for source in args.sources]
    return _wrote(args, write_drives(drives, args.out, splits, args.append).written)


def _merge(args: argparse.Namespace) -> int:
    from synth_nodes.dataset.merge import merge
    from synth_nodes.dataset.schema import parse_splits

    with progress('merging', 1.0) as advance:
        writer = merge(args.sources, args.out, parse_splits(args.split),
                       lambda done, total: advance(done / max(total, 1), ''))
    return _wrote(args, writer.written)


def _export(args: argparse.Namespace) -> int:
    from synth_nodes.dataset.reader import DataSet
    from synth_nodes.dataset.to_bag import export_bag

    with progress('writing messages', 1.0) as advance:
        count = export_bag(DataSet(args.source), args.out, args.drive,
                           lambda done, total: advance(done / max(total, 1), ''))
    if args.json:
        print_json({'bag': args.out, 'messages': count})
    else:
        print(f'wrote {count} messages to {args.out}')
    return 0


def _clean(args: argparse.Namespace) -> int:
    from synth_nodes.dataset.clean import cleaned, CleanSettings, examine
    from synth_nodes.dataset.reader import DataSet

    data = DataSet(args.source)
    findings = examine(data, settings_from_words(CleanSettings, args.set, {}))
    writer = cleaned(data, args.out, findings.bad)
    if not args.json:
        print('\n'.join(findings.lines()))
    return _wrote(args, writer.written, left_out=int(findings.bad.sum()),
                  findings={f.name: f.count for f in findings.found})


def _label(args: argparse.Namespace) -> int:
    from synth_nodes.dataset.label_log import label_set, LabelSettings
    from synth_nodes.dataset.reader import DataSet

    settings = settings_from_words(LabelSettings, args.set, {})
    robot, _ = robot_and_lidar(args.params_file)
    with progress('labelling places', 1.0) as advance:
        writer = label_set(DataSet(args.source), args.out, robot, settings,
                           lambda done, total: advance(done / total, ''))
    return _wrote(args, writer.written)


def _verify(args: argparse.Namespace) -> int:
    from synth_nodes.dataset.reader import DataSet

    data = DataSet(args.source)
    wrong = data.verify()
    if args.json:
        print_json({'records': len(data), 'wrong': wrong})
    else:
        print('\n'.join(wrong) or f'{args.source}: {len(data)} records, all as written')
    return 1 if wrong else 0


def _wrote(args: argparse.Namespace, records: int, **more: Any) -> int:
    if args.json:
        print_json({'data_set': args.out, 'records': records, **more})
    else:
        print(f'wrote {args.out}: {records} records')
    return 0
