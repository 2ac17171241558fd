"""`synth-nodes check`: what the safety rules, or Nav2's, say to recorded situations."""

import argparse
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
import os
from pathlib import Path
import tempfile
from typing import Any, IO

from synth_nodes.commands.common import add_verb, columns, print_json, progress, Subparsers
from synth_nodes.commands.inputs import add_robot, robot_and_lidar
from synth_nodes.errors import InputError
from synth_nodes.files import unreadable, unwritable
from synth_nodes.nodes.parameters import SafetyMonitorParameters
from synth_nodes.parameter_files import sections
from synth_nodes.safety.nav2 import Memory, nav2_judge
from synth_nodes.safety.nav2_params import find_nav2, load_yaml
from synth_nodes.safety.nav2_zones import ZoneSetup
from synth_nodes.safety.observed import strict_source
from synth_nodes.safety.rules import check_rules, SafetyRules
from synth_nodes.safety.situations import ANSWERS, read_situations, Situation, verdict_line
from synth_nodes.safety.source_checks import check_sources
from synth_nodes.safety.sources import RobotState
from synth_nodes.safety.user_zones import Held, judge_with_zones
from synth_nodes.safety.zone_settings import SourceSettings, zone_setup
from synth_nodes.safety.zone_shapes import convex_hull
from synth_nodes.settings import build, groups_of
from synth_nodes.types import RobotSpec, Verdict

EXAMPLE = """synth-nodes check --situations moments.jsonl --out verdicts.jsonl
synth-nodes check --rules nav2_params.yaml --situations moments.jsonl --out verdicts.jsonl
synth-nodes check --rules nav2_params.yaml --situations moments.jsonl --out nav2.jsonl --nav2"""
NODE = 'safety_monitor_node'
_GROUPS = ('safety', 'robot', 'zones', 'sources', 'exclusions')
"""Groups of its parameters that count offline."""
Judge = Callable[[Situation], tuple[Verdict, tuple[str, ...]]]
"""Gives the verdict on a situation, and the zones that only report and do."""


@dataclass(frozen=True)
class Config:
    """By what situations are judged."""

    rules: SafetyRules
    robot: RobotSpec
    setup: ZoneSetup
    robot_note: str = ''
    """Where the robot came from, if that needs saying."""


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(verbs, 'check', 'Judge situations offline by the safety rules.',
                      EXAMPLE, _run)
    parser.add_argument('--rules', type=Path, metavar='FILE',
                        help="safety rules (ROS parameter file), or a Nav2 parameter file whose "
                             "Collision Monitor's zones to add; the default rules if none")
    parser.add_argument('--situations', type=Path, required=True, metavar='FILE.jsonl',
                        help='one situation a line; see docs/safety-check.md')
    parser.add_argument('--out', type=Path, required=True, metavar='VERDICTS.jsonl',
                        help='where to write one verdict a line')
    parser.add_argument('--nav2', action='store_true',
                        help="say what Nav2's Collision Monitor would do, faults included")
    parser.add_argument('--sequence', action='store_true',
                        help='take the lines for successive cycles of one monitor, which '
                             'remembers; otherwise each stands alone')
    add_robot(parser)


def read_config(rules: Path | None, params_file: Path | None = None) -> Config:
    """
    Read rules, robot and zones.

    :param rules: parameter file of the safety monitor, or of Nav2; None for the default rules.
    :param params_file: ROS parameter file whose robot to use.
    :raises InputError: on a file that cannot be used, or rules that contradict the robot.
    """
    robot, _ = robot_and_lidar(params_file)
    setup, note, settings = ZoneSetup(), '', SafetyRules()
    if rules is not None:
        found = find_nav2(load_yaml(rules), str(rules))
        if found is None:
            own = _own_rules(rules)
            settings, robot = own.safety, own.robot if params_file is None else robot
            setup = _own_zones(own, robot, f'{rules}')
        elif params_file is None:
            robot, note = _robot_of(found)
        setup = found or setup
    check_rules(settings, robot)
    return Config(settings, robot, setup, note)


def _own_rules(file: Path) -> SafetyMonitorParameters:
    """Read what counts offline of a parameter file of this package."""
    values: dict[str, Any] = {}
    found = False
    for section, parameters in sections(file):
        if section.rsplit('/', 1)[-1] in ('**', NODE):
            values.update(parameters)
            found = found or any(k.startswith(('safety.', 'zones.')) for k in parameters)
    if not found:
        raise InputError(f"{file}: holds no safety rules: neither 'safety' below "
                         f"'/**/{NODE}: ros__parameters:', nor Nav2's collision_monitor")
    kept = {k: v for k, v in values.items() if k.split('.')[0] in _GROUPS}
    return build(SafetyMonitorParameters, kept, str(file))


def _own_zones(own: SafetyMonitorParameters, robot: RobotSpec, where: str) -> ZoneSetup:
    """Zones of a parameter file, and its sources where it lists any."""
    sources = groups_of(own.sources) or {'scan': SourceSettings()}
    check_sources(own.safety, robot, sources)
    setup = zone_setup(own.zones, sources, own.exclusions, robot.polygon, where,
                       own.safety.source.timeout)
    late = tuple(f"zone '{z.name}' takes its shape from a topic; until it comes the robot is "
                 'stopped' for z in setup.zones if not z.shape_known)
    return replace(setup, notes=late, sources=setup.sources if groups_of(own.sources) else ())


def _robot_of(setup: ZoneSetup) -> tuple[RobotSpec, str]:
    """Make the default robot with the footprint of a Nav2 file, and say so."""
    remedy = "name yours by '--params-file'"
    if setup.footprint is None:
        return RobotSpec(), f'the robot is the default one; {remedy}'
    hull = convex_hull([(x, y) for x, y in setup.footprint.tolist()])
    robot = replace(RobotSpec(), footprint=tuple(float(c) for c in hull.ravel()))
    return robot, f'of the robot the file gives the footprint alone; {remedy}'


def strict_judge(config: Config, sequence: bool) -> Judge:
    """Judge by the safety core and, around it, the situation's zones."""
    core: Verdict | None = None
    held: Mapping[str, Held] = {}

    def run(situation: Situation) -> tuple[Verdict, tuple[str, ...]]:
        nonlocal core, held
        sources = [strict_source(o, config.rules.source) for o in situation.observed
                   if o.enabled]
        state = RobotState(situation.velocity, situation.velocity_age)
        outcome = judge_with_zones(
            config.rules, config.robot, state, sources, situation.command, situation.zones,
            previous=core, held=held)
        if sequence:
            core, held = outcome.core, outcome.held
        return outcome.verdict, outcome.detections

    return run


def nav2_mode(config: Config, sequence: bool) -> Judge:
    """Judge as Nav2's Collision Monitor does."""
    memory = Memory()

    def run(situation: Situation) -> tuple[Verdict, tuple[str, ...]]:
        nonlocal memory
        outcome = nav2_judge(situation.zones, situation.observed, situation.command,
                             enabled=config.setup.enabled,
                             memory=memory if sequence else None)
        memory = outcome.memory
        return outcome.verdict, outcome.detections

    return run


def _run(args: argparse.Namespace) -> int:
    config = read_config(args.rules, args.params_file)
    choose = nav2_mode if args.nav2 else strict_judge
    counts, unexpected = Counter[str](), 0
    with _written(args.out) as out:
        for situation, verdict, line in _judged(args, config, choose(config, args.sequence)):
            out.write(line + '\n')
            counts[verdict.action] += 1
            unexpected += bool(situation.expect) and verdict.action not in situation.expect
    notes = [*config.setup.notes, *([config.robot_note] if config.robot_note and not args.nav2
                                    else [])]
    result = {'situations': sum(counts.values()), 'mode': 'nav2' if args.nav2 else 'strict',
              'actions': {a: counts[a] for a in ANSWERS}, 'unexpected': unexpected,
              'notes': notes, 'written': args.out}
    if args.json:
        print_json(result)
    else:
        for note in notes:
            print(f'note: {note}')
        print(columns([('action', 'situations'), *(
            (a, str(counts[a])) for a in ANSWERS if counts[a])]))
        if unexpected:
            print(f'{unexpected} verdicts are not as their situations expect')
        print(f'wrote {args.out}')
    return 1 if unexpected else 0


def _judged(args: argparse.Namespace, config: Config,
            run: Judge) -> Iterator[tuple[Situation, Verdict, str]]:
    """Judge all situations; with progress, and the line to write for each."""
    try:
        size = args.situations.stat().st_size
    except OSError as error:
        raise unreadable(args.situations, error) from None
    with progress('checking', max(size, 1)) as advance:
        for situation, done in read_situations(
                args.situations, config.setup, config.robot.polygon):
            verdict, detections = run(situation)
            names = tuple(zone.name for zone in situation.zones)
            yield situation, verdict, verdict_line(verdict, names, detections, situation.id)
            advance(done, '')


@contextmanager
def _written(path: Path) -> Iterator[IO[str]]:
    """Open a file that appears, whole, only when all has been written."""
    try:
        with tempfile.NamedTemporaryFile('w', encoding='utf-8', dir=path.parent, delete=False,
                                         prefix=f'.{path.name}-') as stream:
            part = Path(stream.name)
            try:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
                os.chmod(part, 0o666 & ~_umask())
                os.replace(part, path)
            finally:
                part.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
