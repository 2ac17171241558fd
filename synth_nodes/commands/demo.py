"""`synth-nodes demo`: the main job, end to end, with figures, a picture and a recording."""

import argparse
from collections.abc import Callable
from dataclasses import replace
import os
from pathlib import Path
import re
from typing import Any, TextIO

from synth_nodes.bringup import Plan, plan, run
from synth_nodes.commands.common import add_verb, print_json, progress, Subparsers
from synth_nodes.commands.dataset import map_from_log_file
from synth_nodes.graphs import GRAPHS

EXAMPLE = """synth-nodes demo
synth-nodes demo --map warehouse.yaml --goals 10 --rate 4
synth-nodes demo --map layout:warehouse --goals 3
synth-nodes demo --log intel-corrected.log.gz --seed 7 --out intel"""
_LOG_LINE = re.compile(r'\[(DEBUG|INFO|WARN|ERROR|FATAL)\] \[[\d.]+\] \[[^\]]*\]: (.*)')
_GOAL = re.compile(r'goal (\d+) of \d+ ')


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(verbs, 'demo', 'Drive a simulated robot to goals in a building.', EXAMPLE,
                      _run)
    place = parser.add_mutually_exclusive_group()
    place.add_argument('--map', metavar='M.yaml',
                       help='Nav2 map or scene file to drive in, or a generated scene: '
                            'layout:warehouse, layout:learned, or plans:DIR by a plan generator '
                            'of yours; of plans, layout:learned:4:walls=0.15,clearance=0.7,'
                            'along=0.8 or some of them ask for the share of walls, the mean '
                            'distance to them [m], and the share of the floor that is longer '
                            'along x')
    place.add_argument('--log', type=Path, metavar='L.log.gz',
                       help='CARMEN lidar log to build the map from; without this and --map a '
                            'building is generated')
    parser.add_argument('--goals', type=int, default=5, help='goals to drive to (default: 5)')
    parser.add_argument('--seed', type=int, default=1,
                        help='seed of the building, the start, the people and the goals')
    parser.add_argument('--rate', type=float,
                        help='simulated time against real time, where the machine keeps up '
                             '(default: 4; 1 with learned noise, which takes longer to draw)')
    parser.add_argument('--noise', choices=('model', 'learned'), default='model',
                        help='noise of the lidar: of its settings, or learned from a real one')
    parser.add_argument('--params-file', type=Path, metavar='FILE',
                        help='ROS parameter file, read after the packaged ones')
    parser.add_argument('--out', type=Path, default=Path('out'),
                        help='folder for all results (default: out)')


def _run(args: argparse.Namespace) -> int:
    out, place = args.out.absolute(), _place(args)
    ready = _plan(args, out, args.map)
    if args.log is not None:
        chart, _, _ = map_from_log_file(args.log, out / 'map', quiet=args.json)
        ready = _plan(args, out, chart)
    out.mkdir(parents=True, exist_ok=True)
    (out / 'mission.json').unlink(missing_ok=True)
    with open(out / 'demo.log', 'w', encoding='utf-8') as log:
        with progress('goals', args.goals) as advance:
            outcome = run(ready, _Console(log, advance, quiet=args.json))
    if outcome.code or not (out / 'mission.json').is_file():
        print(f"synth-nodes: the demo did not finish: {outcome.reason}; see {out / 'demo.log'}")
        return outcome.code or 1
    return _report(args, out, place)


def _place(args: argparse.Namespace) -> str:
    """Say what the map is called."""
    from synth_nodes.world.places import name_of

    if args.map is not None:
        return name_of(args.map)
    if args.log is not None:
        return f"the building recorded in {args.log.name.split('.', 1)[0]}"
    return f'generated building {args.seed}'


def _rate(args: argparse.Namespace) -> float:
    """Give simulated time against real time: what was asked for, or what suits the lidar."""
    usual = 1.0 if args.noise == 'learned' else 4.0
    return usual if args.rate is None else float(args.rate)


def _plan(args: argparse.Namespace, out: Path, chart: Path | str | None) -> Plan:
    values = {'goals': str(args.goals), 'seed': str(args.seed), 'rate': str(_rate(args)),
              'noise': args.noise,
              'out': str(out), 'safety_log': str(out / 'safety')}
    if chart is not None:
        values['map'] = str(chart)
    if args.params_file is not None:
        values['params_file'] = str(args.params_file)
    ready = plan(GRAPHS['demo'], values, os.environ)
    if 'ROS_DOMAIN_ID' in os.environ:
        return ready
    # One of its own, so that two demos, or a graph that is up already, do not mix their clocks.
    domain = str(1 + os.getpid() % 100)
    note = f'ROS_DOMAIN_ID={domain} (kept apart from other graphs; set it to choose)'
    return replace(ready, environment={**ready.environment, 'ROS_DOMAIN_ID': domain},
                   notes=(*ready.notes, note))


class _Console:
    """Writes every line to the log, and shows people those that matter."""

    def __init__(self, log: TextIO, advance: Callable[[float, str], None],
                 quiet: bool) -> None:
        self._log, self._advance, self._quiet = log, advance, quiet

    def __call__(self, name: str, line: str) -> None:
        self._log.write(f'[{name}] {line}\n')
        self._log.flush()
        found = _LOG_LINE.match(line)
        text = found[2] if found else line
        goal = _GOAL.match(text) if name == 'mission_node' else None
        if goal:
            self._advance(int(goal[1]), '')
        matters = name in ('launch', 'mission_node') or not found or found[1] in (
            'WARN', 'ERROR', 'FATAL')
        if matters and not self._quiet:
            _print(f'[{name}] {text}')


def _print(line: str) -> None:
    """Print above a progress bar, if there is one."""
    from tqdm import tqdm

    tqdm.write(line)


def _report(args: argparse.Namespace, out: Path, place: str) -> int:
    from synth_nodes.report.figures import read_mission, rows, summary, table
    from synth_nodes.report.page import write_page
    from synth_nodes.report.picture import draw_mission
    from synth_nodes.report.versions import versions
    from synth_nodes.world.map_io import load_map

    mission = read_mission(out / 'mission.json')
    picture, page = out / 'map.png', out / 'report.html'
    draw_mission(mission, load_map(out / mission['map']), picture)
    write_page(mission, place, picture, args.command_line, versions(), page)
    figures = summary(mission)
    written: dict[str, Any] = {
        'report': page, 'picture': picture, 'recording': out / mission['recording'],
        'figures': out / 'mission.json', 'safety log': out / 'safety'}
    if args.json:
        print_json({**figures, 'written': written})
    else:
        print(f'\n{args.goals} goals in {place}\n{table(rows(figures))}\n')
        for what, path in written.items():
            print(f'  {what:<10} {_shorten(path)}')
    return 0 if figures['success'] else 1


def _shorten(path: Path) -> str:
    """Give a path relative to the working folder where it lies below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
