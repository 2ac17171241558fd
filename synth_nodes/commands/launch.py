"""`synth-nodes launch`: start a graph where `ros2 launch` is not at hand."""

import argparse
import os

from synth_nodes.bringup import parse_assignments, plan, run
from synth_nodes.commands.common import add_verb, columns, indent, Subparsers
from synth_nodes.graphs import Graph, GRAPHS, PUBLIC_GRAPHS

EXAMPLE = """synth-nodes launch sim
synth-nodes launch sim map:=warehouse.yaml rate:=2.0
synth-nodes launch robot namespace:=robot1 params_file:=my_robot.yaml"""


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(
        verbs, 'launch', 'Start a graph; Ctrl-C, or the end of one of its nodes, ends it.',
        EXAMPLE, _run, machine=False)
    parser.epilog = '\n\n'.join(
        [_describe(GRAPHS[name]) for name in PUBLIC_GRAPHS] + [str(parser.epilog)])
    parser.add_argument('graph', choices=PUBLIC_GRAPHS, help='which graph')
    parser.add_argument('arguments', nargs='*', metavar='name:=value', help='launch arguments')


def _describe(graph: Graph) -> str:
    rows = [(f'{a.name}:={a.default}', a.help) for a in graph.arguments]
    return f'{graph.name}: {graph.help}\n{indent(columns(rows))}'


def _run(args: argparse.Namespace) -> int:
    values = parse_assignments(args.arguments)
    return run(plan(GRAPHS[args.graph], values, os.environ)).code
