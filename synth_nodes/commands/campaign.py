"""`synth-nodes campaign`: the safety monitor against millions of random scenarios, or faults."""

import argparse
import json
import os
from pathlib import Path
from typing import Any

from synth_nodes import __version__
from synth_nodes.commands.campaign_tables import campaign_table, fault_table
from synth_nodes.commands.common import add_verb, columns, print_json, progress, Subparsers
from synth_nodes.errors import InputError
from synth_nodes.files import write_atomically

EXAMPLE = """synth-nodes campaign --scenarios 100000 --seed 1 --jobs 2 --out out/campaign
synth-nodes campaign --scenarios 100000 --broken --json
synth-nodes campaign --only 31337 --out out/campaign
synth-nodes campaign --rules config/safety.yaml --scenarios 100000
synth-nodes campaign --faults --seeds 1000 --jobs 2
synth-nodes campaign --join out/first out/second --out out/both"""
DEFAULTS = {'scenarios': 100_000, 'first': 0, 'seed': 1, 'jobs': 1, 'seeds': 1000,
            'compare_every': 1}
"""Values of options that are not given."""
FLAGS = ('broken', 'watch', 'only', 'rules', 'chunk', 'faults')
"""Options that are off where they are not given; with those above, all that say what to drive."""


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(
        verbs, 'campaign', 'Drive random scenarios against the safety monitor and count '
        'collisions; exit code 1 where there was one within the stated model.', EXAMPLE, _run)
    parser.add_argument('--scenarios', type=int, metavar='N',
                        help='how many, rounded up to whole chunks; 100000 if not given')
    parser.add_argument('--first', type=int, metavar='INDEX',
                        help='scenario to begin with, rounded down to a whole chunk: machines '
                             'share a campaign, each with a part and a folder of its own')
    parser.add_argument('--join', nargs='+', type=Path, metavar='DIR',
                        help='add up parts that are done, each the --out of one, and drive '
                             'nothing; report and pictures go to --out')
    parser.add_argument('--seed', type=int, help='of all that is drawn; 1 if not given')
    parser.add_argument('--jobs', type=int, help='processes; 1 if not given')
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
    parser.add_argument('--chunk', type=int, metavar='N',
                        help='scenarios with rules, robot and family of scenes in common; if not '
                             'given that of --out, else 4096, or a 32nd of fewer than 50000')
    parser.add_argument('--faults', nargs='*', metavar='KIND',
                        help='inject faults of these kinds (of all, if none is named) into '
                             'sensors, commands and clock instead; exit code 1 where one is '
                             'not met as it must be')
    parser.add_argument('--seeds', type=int, metavar='N',
                        help='how often each kind of fault is injected; 1000 if not given')
    parser.add_argument('--compare-every', type=int, metavar='K',
                        help="drive one chunk of K without a monitor and under Nav2's semantics "
                             'too, and again with numpy alone; the counts of false stops are '
                             'of these chunks')


def _run(args: argparse.Namespace) -> int:
    given = [name for name in (*DEFAULTS, *FLAGS)
             if getattr(args, name) is not None and getattr(args, name) is not False]
    if args.join is not None:
        return _join(args, given)
    for name, value in DEFAULTS.items():
        if name not in given:
            setattr(args, name, value)
    for name, least in (('scenarios', 1), ('first', 0), ('seed', 0), ('jobs', 1), ('chunk', 1),
                        ('compare_every', 1), ('seeds', 1)):
        if name in given and getattr(args, name) < least:
            raise InputError(f'--{name.replace("_", "-")} {getattr(args, name)} is less than '
                             f'{least}')
    # One thread a process: more of them only wait for each other on arrays of this size.
    os.environ.setdefault('OMP_NUM_THREADS', '1')
    os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')
    if args.faults is not None:
        return _faults(args)
    return _one(args) if args.only is not None else _all(args)


def _plan(args: argparse.Namespace) -> tuple[Any, list[str]]:
    """Say what to draw and compare, and what of the rules file does not count."""
    from synth_nodes.campaign.chunks import chunk_for, Plan
    from synth_nodes.campaign.store import chunk_of
    from synth_nodes.commands.check import read_config

    fixed, notes = None, []
    if args.rules is not None:
        config = read_config(args.rules)
        fixed = (config.rules, config.robot)
        left = [f'{what} {", ".join(part.name for part in parts)}' for what, parts in (
            ('zones', config.setup.zones), ('sources', config.setup.sources)) if parts]
        notes = [f'{args.rules}: scenarios are driven against the core alone, without its '
                 f'{" and ".join(left)}'] if left else []
        notes += [config.robot_note] if config.robot_note else []
    stored = chunk_of(args.out) if args.out is not None else None
    return Plan(args.seed, args.chunk or stored or chunk_for(args.scenarios), args.broken, fixed,
                args.compare_every, args.watch or args.broken), notes


def _all(args: argparse.Namespace) -> int:
    from synth_nodes.campaign.chunks import run_chunks
    from synth_nodes.campaign.store import append, describe, opened

    plan, notes = _plan(args)
    begin, count = args.first // plan.size, -(-args.scenarios // plan.size)
    asked = range(begin, begin + count)
    chunks = [] if args.out is None else [
        c for c in opened(args.out, plan) if c['chunk'] in asked]
    done = {c['chunk'] for c in chunks}
    missing = [k for k in asked if k not in done]
    hits = sum(c['monitors']['strict']['collisions'] for c in chunks)
    with progress('scenarios', count * plan.size) as advance:
        for counts in run_chunks(plan, missing, args.jobs):
            if args.out is not None:
                append(args.out, counts)
            chunks.append(counts)
            hits += counts['monitors']['strict']['collisions']
            advance(len(chunks) * plan.size, f'{hits} collisions')
    return _answer(args, sorted(chunks, key=lambda c: int(c['chunk'])), describe(plan), notes)


def _join(args: argparse.Namespace, given: list[str]) -> int:
    from synth_nodes.campaign.store import joined

    if given:
        words = ', '.join(f'--{name.replace("_", "-")}' for name in given)
        raise InputError(f'--join drives nothing, so it takes no {words}: what was driven stands '
                         'in the parts; leave it out')
    plan, chunks = joined(args.join)
    if not chunks:
        raise InputError(f'--join {" ".join(map(str, args.join))}: no chunk is done there yet')
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
    return _answer(args, chunks, plan, [])


def _answer(args: argparse.Namespace, chunks: list[dict[str, Any]], plan: dict[str, Any],
            notes: list[str]) -> int:
    from synth_nodes.campaign.figures import summary

    result = {'version': __version__, 'seed': plan['seed'], 'first': chunks[0]['first'],
              'chunk': plan['size'], **summary(chunks), 'notes': notes}
    if args.out is not None:
        _report(args.out, result, chunks)
    if args.json:
        print_json(result)
    else:
        for note in notes:
            print(f'note: {note}')
        print(campaign_table(result))
    if result['numpy']['differing']:
        return 1
    return 1 if result['monitors']['strict']['collisions'] and not plan['breach'] else 0


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
    plan, notes = _plan(args)
    trace = traced(scenario(plan, args.only), strict)
    content = {'version': __version__, 'seed': plan.seed, 'chunk': plan.size,
               **described(args.only, trace), 'notes': notes}
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        write_atomically(args.out / f'scenario_{args.only}.json',
                         json.dumps(content, indent=1).encode())
        draw_trace(args.out / f'scenario_{args.only}.png', trace,
                   f'scenario {args.only}: {content["status"]}')
    if args.json:
        print_json(content)
    else:
        for note in notes:
            print(f'note: {note}')
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
    result = {'version': __version__, 'seed': args.seed, 'kinds': len(kinds),
              'runs': runs, 'good': good, 'results': kinds}
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        write_atomically(args.out / 'faults.json', json.dumps(result, indent=2).encode())
    if args.json:
        print_json(result)
    else:
        print(fault_table(kinds))
        print(f'{good} of {runs} met as they must be')
    return 0 if good == runs else 1
