"""`synth-nodes replay`: a safety log again, bit for bit; temporal properties of recordings."""

import argparse
import math
from pathlib import Path
from typing import Any, TYPE_CHECKING

from synth_nodes.commands.common import add_verb, columns, print_json, Subparsers
from synth_nodes.commands.inputs import add_robot, robot_and_lidar
from synth_nodes.errors import InputError
from synth_nodes.files import unreadable

if TYPE_CHECKING:
    from synth_nodes.safety.properties import Finding, Property, Trace
    from synth_nodes.safety.replay import Replay

EXAMPLE = """synth-nodes replay out/safety
synth-nodes replay out/safety/safety-000003.log --json
synth-nodes replay out/safety --properties config/safety_properties.yaml
synth-nodes replay out/recording --properties mine.yaml --params-file config/robot.yaml"""
MARKS = {'holds': 'holds', 'fails': 'FAILS', 'open': 'open', 'skipped': 'skipped'}


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(verbs, 'replay', 'Judge a safety log again and compare every verdict.',
                      EXAMPLE, _run)
    parser.add_argument('log', type=Path,
                        help='file or folder of a safety log; or, with --properties, a bag')
    parser.add_argument('--properties', type=Path, metavar='FILE.yaml',
                        help='check these temporal properties, too; one that fails is exit code 1')
    bag = parser.add_argument_group('for bags')
    bag.add_argument('--scan', default='/scan', metavar='TOPIC')
    bag.add_argument('--odom', default='/odom', metavar='TOPIC')
    bag.add_argument('--command', default='/cmd_vel', metavar='TOPIC', help='reaching the base')
    bag.add_argument('--raw', default='/cmd_vel_raw', metavar='TOPIC', help='before the monitor')
    add_robot(parser)


def _run(args: argparse.Namespace) -> int:
    if not args.log.exists():
        raise InputError(f'{args.log}: does not exist; name a safety log or the folder of one')
    properties = _properties(args.properties) if args.properties else []
    if args.log.suffix in ('.mcap', '.db3') or (args.log / 'metadata.yaml').is_file():
        return _run_bag(args, properties)

    from synth_nodes.safety.properties import check, FAILS
    from synth_nodes.safety.replay import replay
    from synth_nodes.safety.signals import LogSignals

    signals = LogSignals()
    result = replay(args.log, signals.take if properties else None)
    trace = signals.trace()
    findings = check(properties, trace)
    if args.json:
        print_json({**_as_dict(result), 'properties': _properties_as_dict(findings, trace)})
    else:
        print('\n'.join([*_lines(result), *_property_lines(findings, trace)]))
    return 0 if result.identical and all(f.verdict != FAILS for f in findings) else 1


def _run_bag(args: argparse.Namespace, properties: 'list[Property]') -> int:
    from synth_nodes.safety.properties import check, FAILS

    if not properties:
        raise InputError(f'{args.log}: is a bag, which holds no verdicts to replay; '
                         'give --properties to check it')
    trace = _bag_trace(args)
    findings = check(properties, trace)
    if args.json:
        print_json({'samples': len(trace.times),
                    'properties': _properties_as_dict(findings, trace)})
    else:
        print('\n'.join(_property_lines(findings, trace)))
    return 0 if all(f.verdict != FAILS for f in findings) else 1


def _bag_trace(args: argparse.Namespace) -> 'Trace':
    import numpy as np

    from synth_nodes.dataset.bag import read_bag, Topics, Velocities
    from synth_nodes.safety.body import body_of
    from synth_nodes.safety.signals import distance_to_body, recorded_trace, Track
    from synth_nodes.safety.sources import points_from_scan

    robot, lidar = robot_and_lidar(args.params_file)
    bag = read_bag(args.log, Topics(args.scan, args.odom, args.command, args.raw))
    body = body_of(robot.footprint)

    def track(velocities: Velocities) -> Track | None:
        if not velocities.stamps:
            return None
        return Track(np.array(velocities.stamps), np.array(velocities.values))

    gaps = [distance_to_body(body, points_from_scan(
        scan.ranges, scan.angles, scan.range_min, scan.range_max, lidar.mount)[0])
        for scan in bag.scans]
    distance = Track(np.array([s.stamp for s in bag.scans]), np.array(gaps)) if gaps else None
    return recorded_trace(robot, distance=distance, velocity=track(bag.odometry),
                          asked=track(bag.raw), let_through=track(bag.commands))


def _properties(file: Path) -> 'list[Property]':
    import yaml

    from synth_nodes.safety.properties import read_properties

    try:
        content = yaml.safe_load(file.read_text(encoding='utf-8'))
    except OSError as error:
        raise unreadable(file, error) from None
    except (UnicodeDecodeError, yaml.YAMLError):
        raise InputError(f'{file}: is not valid YAML in UTF-8') from None
    return read_properties(content, str(file))


def _as_dict(result: 'Replay') -> dict[str, Any]:
    first = result.problems[0] if result.problems else None
    return {
        'identical': result.identical, 'verdicts': result.verdicts,
        'differences': result.differences, 'altered': len(result.problems),
        'first_altered': first and {'file': first.file, 'record': first.number,
                                    'byte': first.offset, 'what': first.what},
        'first_difference': result.difference and {
            'file': result.difference.file, 'record': result.difference.number,
            'time': result.difference.now, 'what': str(result.difference)},
        'files': result.files, 'begin': result.begin, 'duration': result.duration,
        'actions': {f'{action} {rule}'.strip(): count
                    for (action, rule), count in result.actions.most_common()},
        'min_margin': result.min_margin, 'events': dict(result.events), 'lost': result.lost,
        'skipped': result.skipped, 'configurations': result.configurations,
        'written_by': result.written_by, 'digest': result.digest, 'notes': result.notes,
    }


def _lines(result: 'Replay') -> list[str]:
    """Describe a replay for people."""
    plural = '' if result.files == 1 else 's'
    lines = [f'{result.files} file{plural}, {sum(result.actions.values())} verdicts in '
             f'{result.duration:.1f} s, written by {", ".join(result.written_by) or "unknown"}']
    rows = [(action, rule or '-', str(count))
            for (action, rule), count in result.actions.most_common()]
    if rows:
        lines.append(columns([('action', 'rule', 'verdicts'), *rows]))
    if math.isfinite(result.min_margin):
        lines.append(f'least margin: {result.min_margin:.3f} m')
    lines += [f'event {name}: {count} times' for name, count in result.events.items()]
    if result.lost:
        lines.append(f'{result.lost} records are missing: the disk did not take them in time')
    lines += [f'note: {note}' for note in result.notes]
    if result.problems:
        lines.append(f'ALTERED: {result.problems[0]}')
        lines += [f'  also {problem}' for problem in result.problems[1:10]]
        lines.append(f'{len(result.problems)} places altered, {result.skipped} more records '
                     'unreadable for it')
    if result.difference is not None:
        lines.append(f'DIFFERS: {result.difference}')
    same = result.verdicts - result.differences
    lines.append(f'{same} of {result.verdicts} verdicts replayed identically; the chain ends '
                 f'with {result.digest[:16] or "nothing"}')
    return lines


def _property_lines(findings: 'list[Finding]', trace: 'Trace') -> list[str]:
    if not findings:
        return []
    rows = []
    for f in findings:
        when = f'from {f.time - trace.times[0]:.3f} s on' if f.time is not None else ''
        when = f"no signal {', '.join(f.missing)}" if f.missing else when
        value = '-' if f.missing else f'{f.robustness:.4g}'
        rows.append((f.name, MARKS[f.verdict], value, when))
    return ['', columns([('property', 'verdict', 'robustness', 'first failure'), *rows])]


def _properties_as_dict(findings: 'list[Finding]', trace: 'Trace') -> list[dict[str, Any]]:
    return [{
        'name': f.name, 'formula': f.formula, 'verdict': f.verdict, 'robustness': f.robustness,
        'robustness_low': f.low, 'robustness_high': f.high, 'first_failure': f.time,
        'first_failure_after': None if f.time is None else f.time - float(trace.times[0]),
        'missing': list(f.missing)} for f in findings]
