"""`synth-nodes models`: the registry of policies."""

import argparse
from collections.abc import Callable
from dataclasses import asdict
import json
from pathlib import Path

from synth_nodes.commands.common import add_verb, columns, print_json, Subparsers
from synth_nodes.export.registry import Registry

VERBS = {
    'list': 'List the versions of a policy.',
    'show': "Print a version's contract.",
    'promote': 'Make a version the current one.',
    'rollback': 'Make the version that was current before this one current again.',
    'verify': "Check a version's files against its contract.",
}


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    group = verbs.add_parser('models', help='the registry of policies: list, promote, roll back',
                             description='The registry of policies.')
    inner = group.add_subparsers(title='verbs', required=True, metavar='VERB')
    work: dict[str, Callable[[argparse.Namespace], int]] = {
        'list': _list, 'show': _show, 'promote': _promote, 'rollback': _rollback,
        'verify': _verify}
    for name, summary in VERBS.items():
        wants_id = name in ('show', 'promote', 'verify')
        word = ' 0002-1f3a9c52' if wants_id else ''
        parser = add_verb(inner, name, summary,
                          f'synth-nodes models {name}{word} --registry registry', work[name])
        parser.add_argument('--registry', type=Path, default=Path('registry'),
                            help="the registry's folder (default: registry)")
        if name == 'promote':
            parser.add_argument('id', help='a version')
        elif wants_id:
            parser.add_argument('id', nargs='?', help='a version; the current one if none')


def _list(args: argparse.Namespace) -> int:
    versions = Registry(args.registry).list()
    if args.json:
        print_json([{'id': v.id, 'current': v.current, 'sha256': v.contract.sha256,
                     'scores': v.contract.scores} for v in versions])
    elif versions:
        print(columns([('version', 'current', 'validation loss', 'command'), *(
            (v.id, 'yes' if v.current else '', str(v.contract.scores.get('validation_loss', '')),
             str(v.contract.provenance.get('command', ''))) for v in versions)]))
    else:
        print(f'registry {args.registry} is empty')
    return 0


def _show(args: argparse.Namespace) -> int:
    registry = Registry(args.registry)
    contract = registry.verify(registry.path(args.id).name)
    print(json.dumps(asdict(contract), indent=2, default=str))
    return 0


def _promote(args: argparse.Namespace) -> int:
    registry = Registry(args.registry)
    registry.path(args.id)
    registry.promote(args.id)
    return _say(args, args.id, 'is the current version')


def _rollback(args: argparse.Namespace) -> int:
    return _say(args, Registry(args.registry).rollback(), 'is the current version again')


def _verify(args: argparse.Namespace) -> int:
    registry = Registry(args.registry)
    version = registry.path(args.id).name
    registry.verify(version)
    return _say(args, version, 'is whole and fits its contract')


def _say(args: argparse.Namespace, version: str, what: str) -> int:
    if args.json:
        print_json({'id': version, 'path': Registry(args.registry).path(version)})
    else:
        print(f'{version} {what}')
    return 0
