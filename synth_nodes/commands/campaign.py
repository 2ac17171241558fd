"""`synth-nodes campaign`: the safety monitor against millions of random scenarios, or faults."""

import argparse
import json
import os
from pathlib import Path
from typing import Any

from synth_nodes.commands.common import add_verb, columns, print_json, progress, Subparsers
from synth_nodes.errors import InputError
from synth_nodes.files import write_atomically

EXAMPLE = """synth-nodes campaign --scenarios 100000 --seed 1 --jobs 2 --out out/campaign
synth-nodes campaign --scenarios 100000 --broken --json
synth-nodes campaign --only 31337 --out out/campaign
synth-nodes campaign --rules config/safety.yaml --scenarios 100000
synth-nodes campaign --faults --seeds 1000 --jobs 2
synth-nodes campaign --join out/first out/second --out out/both"""


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(
        verbs, 'campaign', 'Drive random scenarios against the safety monitor and count '
        'collisions; exit code 1 where there was one within the stated model.', EXAMPLE, _run)
    parser.add_argument('--scenarios', type=int, default=100_000, metavar='N',
                        help='how many, rounded up to whole chunks')
    parser.add_argument('--first', type=int, default=0, metavar='INDEX',
                        help='scenario to begin with, rounded down to a whole chunk: machines '
                             'share a campaign, each with a part and a folder of its own')
    parser.add_argument('--join', nargs='+', type=Path, metavar='DIR',
                        help='add up parts that are done, each the --out of one, and drive '
                             'nothing; report and pictures go to --out')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--jobs', type=int, default=1, help='processes')
    parser.add_argument('--out', type=Path, metavar='DIR',
                        help='where to write chunks, report and pictures; what is done there '
                             'already is not done again')
    parser.add_argument('--broken', action='store_true',
                        help='break the stated model: brakes 30 %% weaker, reaction 50 %% later')
    parser.add_argument('--watch', action='store_true',
                        help='drive under the watch over the brakes too, as --broken does: '
                             'within the stated model it must report nothing')
    parser.add_argument('--only', type=int, metavar='INDEX',
                        help='drive one scenario of the campaign alone; with a trace and a '
                             'picture in --out')
    parser.add_argument('--rules', type=Path, metavar='FILE',
                        help='safety rules and robot (ROS parameter file) of all scenarios, '
                             'instead of random ones')
    parser.add_argument('--chunk', type=int, default=4096, metavar='N',
                        help='scenarios with rules and robot in common')
    parser.add_argument('--faults', nargs='*', metavar='KIND',
                        help='inject faults of these kinds (of all, if none is named) into '
                             'sensors, commands and clock instead; exit code 1 where one is '
                             'not met as it must be')
    parser.add_argument('--seeds', type=int, default=1000, metavar='N',
                        help='how often each kind of fault is injected')
    parser.add_argument('--compare-every', type=int, default=1, metavar='K',
                        help="drive one chunk of K without a monitor and under Nav2's semantics "
                             'too, and again with numpy alone; the counts of false stops are '
                             'of these chunks')


def _run(args: argparse.Namespace) -> int:
    for name, least in (('scenarios', 1), ('first', 0), ('seed', 0), ('jobs', 1), ('chunk', 1),
                        ('compare_every', 1), ('seeds', 1)):
        if getattr(args, name) < least:
            raise InputError(f'--{name.replace("_", "-")} {getattr(args, name)} is less than '
                             f'{least}')
    # One thread a process: more of them only wait for each other on arrays of this size.
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')
    if args.faults is not None:
        return _faults(args)
    if args.join is not None:
        return _join(args)
    return _one(args) if args.only is not None else _all(args)


def _plan(args: argparse.Namespace) -> Any:
    from synth_nodes.campaign.chunks import Plan
    from synth_nodes.commands.check import read_config

    fixed = None
    if args.rules is not None:
        config = read_config(args.rules)
        fixed = (config.rules, config.robot)
    return Plan(args.seed, args.chunk, args.broken, fixed, args.compare_every,
                args.watch or args.broken)


def _all(args: argparse.Namespace) -> int:
    from synth_nodes.campaign.chunks import run_chunks
    from synth_nodes.campaign.store import append, opened

    plan = _plan(args)
    begin, count = args.first // args.chunk, -(-args.scenarios // args.chunk)
    asked = range(begin, begin + count)
    chunks = [] if args.out is None else [
        c for c in opened(args.out, plan) if c['chunk'] in asked]
    done = {c['chunk'] for c in chunks}
    missing = [k for k in asked if k not in done]
    hits = sum(c['monitors']['strict']['collisions'] for c in chunks)
    with progress('scenarios', count * args.chunk) as advance:
        for counts in run_chunks(plan, missing, args.jobs):
            if args.out is not None:
                append(args.out, counts)
            chunks.append(counts)
            hits += counts['monitors']['strict']['collisions']
            advance(len(chunks) * args.chunk, f'{hits} collisions')
    return _answer(args, sorted(chunks, key=lambda c: int(c['chunk'])), args.broken)


def _join(args: argparse.Namespace) -> int:
    from synth_nodes.campaign.store import joined

    plan, chunks = joined(args.join)
    if not chunks:
        raise InputError(f'--join {" ".join(map(str, args.join))}: no chunk is done there yet')
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
    return _answer(args, chunks, plan['breach'])


def _answer(args: argparse.Namespace, chunks: list[dict[str, Any]], broken: bool) -> int:
    from synth_nodes.campaign.figures import summary

    result = summary(chunks)
    if args.out is not None:
        _report(args.out, result, chunks)
    if args.json:
        print_json(result)
    else:
        print(_table(result))
    if result['numpy']['differing']:
        return 1
    return 1 if result['monitors']['strict']['collisions'] and not broken else 0


def _report(folder: Path, result: dict[str, Any], chunks: list[dict[str, Any]]) -> None:
    from synth_nodes.campaign.pictures import draw_histograms

    write_atomically(folder / 'report.json', json.dumps(result, indent=2).encode())
    draw_histograms(folder / 'campaign.png', chunks)


def _one(args: argparse.Namespace) -> int:
    from synth_nodes.campaign.judges import strict
    from synth_nodes.campaign.pictures import draw_trace
    from synth_nodes.campaign.trace import described, scenario, traced

    if args.only < 0:
        raise InputError(f'--only {args.only} is less than 0')
    trace = traced(scenario(_plan(args), args.only), strict)
    content = described(args.only, trace)
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        write_atomically(args.out / f'scenario_{args.only}.json',
                         json.dumps(content, indent=1).encode())
        draw_trace(args.out / f'scenario_{args.only}.png', trace,
                   f'scenario {args.only}: {content["status"]}')
    if args.json:
        print_json(content)
    else:
        brief = ('family', 'pilot', 'status', 'impact', 'nearest', 'time')
        print(columns([(key, str(content[key])) for key in brief]))
    return 1 if content['status'] == 'collision' and not args.broken else 0


def _faults(args: argparse.Namespace) -> int:
    from synth_nodes.campaign.fault_campaign import chosen, run_faults, tally

    names, parts = chosen(args.faults), []
    with progress('faults', len(names) * args.seeds) as advance:
        for part in run_faults(names, args.seed, args.seeds, args.jobs):
            parts.append(part)
            advance(sum(p['runs'] for p in parts), f'{sum(p["good"] for p in parts)} met')
    kinds = tally(parts)
    runs, good = (sum(k[key] for k in kinds) for key in ('runs', 'good'))
    result = {'kinds': len(kinds), 'runs': runs, 'good': good, 'results': kinds}
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        write_atomically(args.out / 'faults.json', json.dumps(result, indent=2).encode())
    if args.json:
        print_json(result)
    else:
        head = ('fault', 'must be', 'met', 'slowest', 'bound', 'what goes wrong')
        print(columns([head, *((
            k['kind'], k['reaction'], f'{k["good"]} of {k["runs"]}', _number(k['slowest'], ' s')
            if k['reaction'] == 'zero' else '-', _number(k['bound'], ' s'),
            k['what'] + (f'; {k["bad"][0]["problem"]}, seed {k["bad"][0]["seed"]}'
                         if k['bad'] else '')) for k in kinds)]))
        print(f'{good} of {runs} met as they must be')
    return 0 if good == runs else 1


def _table(result: dict[str, Any]) -> str:
    head = ('monitor', 'scenarios', 'collisions', 'share', 'mean impact', 'largest',
            'run into, creeping', 'standing', 'speed let through')
    rows = [head, *((
        name, str(m['scenarios']), str(m['collisions']), _percent(m['collision_share'], 4),
        _number(m['mean_impact'], ' m/s'), _number(m['max_impact'], ' m/s'),
        str(m['met_creeping']), str(m['met_standing']),
        _percent(m['speed_let_through'], 1)) for name, m in result['monitors'].items())]
    stops, gap = result['false_stops'], result['gap_beyond_margin']
    lines = [columns(rows), '', columns([
        ('held without need', f'{stops["stopped"]} of {stops["unthreatened"]} where no collision '
         f'threatened: {_percent(stops["share"], 2)}'),
        ('', f'{_percent(stops["share_out_of_reach"], 2)} of {stops["out_of_reach"]} in which '
         'nothing could have come near in time'),
        ('median gap beyond the margin', f'{_number(gap["still_world"], " m")} where nothing '
         f'moves, {_number(gap["moving_world"], " m")} where things may'),
        ('the same by numpy alone', '{} of {} scenarios, to the last bit'.format(
            result['numpy']['scenarios'] - result['numpy']['differing'],
            result['numpy']['scenarios'])),
        ('processor time', f'{result["core_seconds"]:.0f} s')])]
    lines += [f'{name}: weaker or later brakes reported in {m["reported"]} of {m["scenarios"]}, '
              f'in {m["collisions_reported"]} of {m["collisions"]} that collided'
              for name, m in result['monitors'].items() if 'reported' in m]
    failing = result['monitors']['strict']['failing']
    if failing:
        lines.append(f'collisions: scenarios {", ".join(map(str, failing))}; see --only')
    return '\n'.join(lines)


def _percent(share: float | None, digits: int) -> str:
    return '-' if share is None else f'{share:.{digits}%}'


def _number(value: float | None, unit: str) -> str:
    return '-' if value is None else f'{value:.3f}{unit}'
