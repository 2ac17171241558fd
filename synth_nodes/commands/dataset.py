"""`synth-nodes dataset`: recorded data in, figures and maps out."""

import argparse
from dataclasses import asdict
from pathlib import Path

from synth_nodes.commands.common import add_verb, print_json, progress, Subparsers
from synth_nodes.types import GridMap

MAP_EXAMPLE = 'synth-nodes dataset map intel-corrected.log.gz --out maps'
INFO_EXAMPLE = 'synth-nodes dataset info intel-corrected.log.gz'


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    group = verbs.add_parser('dataset', help='recorded lidar logs: figures, and maps out of them',
                             description='Recorded lidar logs in the CARMEN format (.log, .gz).')
    inner = group.add_subparsers(title='verbs', required=True, metavar='VERB')
    info = add_verb(inner, 'info', 'Print the figures of a log.', INFO_EXAMPLE, _info)
    info.add_argument('log', type=Path, help='CARMEN log, plain or gzip')
    make = add_verb(inner, 'map', 'Build a Nav2 map from a log.', MAP_EXAMPLE, _map)
    make.add_argument('log', type=Path, help='CARMEN log, plain or gzip')
    make.add_argument('--out', type=Path, default=Path('.'), help='folder for the map')
    make.add_argument('--name', help="name of the map's files; the log's where not given")
    make.add_argument('--resolution', type=float, default=0.05, help='side of a cell [m]')


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
    import numpy as np

    from synth_nodes.dataset.carmen import read_log

    log = read_log(args.log)
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
