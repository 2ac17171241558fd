"""
Mutation testing of the safety core: change one thing at a time and see whether a test notices.

    python tools/mutate.py synth_nodes/safety/sweep.py --tests test/safety/test_sweep.py
    python tools/mutate.py synth_nodes/safety/core.py --sample 40 --seed 1 --out mutants.jsonl

Mutants are made on the syntax tree: comparisons, arithmetic, boolean and unary operators, numbers,
minimum for maximum and the like, dropped `not`, returned values. Each is written over the file,
the tests run with -x, and the file is put back whatever happens. What survives is listed.
"""

import argparse
import ast
from collections.abc import Iterator
import copy
import json
from pathlib import Path
import random
import subprocess
import sys

COMPARE = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
           ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is}
REVERSED = {ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE}
ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult,
              ast.FloorDiv: ast.Mult, ast.Mod: ast.Mult, ast.Pow: ast.Mult,
              ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd}
NAMES = {'minimum': 'maximum', 'maximum': 'minimum', 'min': 'max', 'max': 'min', 'sin': 'cos',
         'cos': 'sin', 'any': 'all', 'all': 'any', 'argmin': 'argmax', 'argmax': 'argmin',
         'abs': 'negative', 'hypot': 'arctan2'}


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """Give what a node may be changed into."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        for table in (COMPARE, REVERSED):
            if type(node.ops[0]) in table:
                out = copy.deepcopy(node)
                out.ops = [table[type(node.ops[0])]()]
                yield out
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in ARITHMETIC:
        out = copy.deepcopy(node)
        out.op = ARITHMETIC[type(node.op)]()
        yield out
    if isinstance(node, ast.BoolOp):
        out = copy.deepcopy(node)
        out.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield out
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.Not, ast.Invert)):
        yield copy.deepcopy(node.operand)
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield ast.Constant(node.value + 1)
        if node.value:
            yield ast.Constant(-node.value)
    if isinstance(node, ast.Attribute) and node.attr in NAMES:
        out = copy.deepcopy(node)
        out.attr = NAMES[node.attr]
        yield out
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NAMES:
        out = copy.deepcopy(node)
        out.func = ast.Name(NAMES[node.func.id], ast.Load())
        yield out
    if isinstance(node, ast.IfExp):
        yield copy.deepcopy(node.body)
        yield copy.deepcopy(node.orelse)


class Replace(ast.NodeTransformer):
    """Puts another node in the place of the nth."""

    def __init__(self, place: int, other: ast.AST) -> None:
        """Count from 0 in the order of ast.walk."""
        self.place, self.other = place, other

    def visit(self, node: ast.AST) -> ast.AST:
        if getattr(node, 'place', -1) == self.place:
            return ast.copy_location(self.other, node)
        return self.generic_visit(node)


def mutants(source: str) -> list[tuple[int, str, str, str]]:
    """List line, what was, what is, and the whole text, of each mutant."""
    tree = ast.parse(source)
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.arg, ast.AnnAssign)):
            for note in (getattr(node, 'returns', None), getattr(node, 'annotation', None)):
                skipped |= {id(n) for n in ast.walk(note)} if note is not None else set()
    nodes = list(ast.walk(tree))
    for place, node in enumerate(nodes):
        node.place = place  # type: ignore[attr-defined]
    out = []
    for place, node in enumerate(nodes):
        if id(node) in skipped:
            continue
        for other in changes(node):
            changed = ast.fix_missing_locations(Replace(place, other).visit(copy.deepcopy(tree)))
            out.append((getattr(node, 'lineno', 0), ast.unparse(node), ast.unparse(other),
                        ast.unparse(changed)))
    return out


def killed(tests: list[str], limit: float) -> bool:
    """Whether a test fails, or hangs."""
    words = [sys.executable, '-m', 'pytest', '-x', '-q', '-p', 'no:cacheprovider', *tests]
    try:
        return subprocess.run(words, capture_output=True, timeout=limit).returncode != 0
    except subprocess.TimeoutExpired:
        return True


def main() -> int:
    """Run the mutants of one file."""
    parser = argparse.ArgumentParser(description='Mutation testing on the syntax tree.')
    parser.add_argument('file', type=Path)
    parser.add_argument('--tests', nargs='+', default=['test/safety'])
    parser.add_argument('--sample', type=int, default=0, help='so many at random; 0: all')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--limit', type=float, default=300.0, help='longest run of the tests [s]')
    parser.add_argument('--out', type=Path, help='where to append one line a mutant')
    args = parser.parse_args()
    source = args.file.read_text(encoding='utf-8')
    found = mutants(source)
    chosen = found
    if 0 < args.sample < len(found):
        chosen = random.Random(args.seed).sample(found, args.sample)
    if killed(args.tests, args.limit):
        print('the tests fail without any change', file=sys.stderr)
        return 2
    dead = 0
    for count, (line, was, now, text) in enumerate(chosen, 1):
        try:
            args.file.write_text(text, encoding='utf-8')
            gone = killed(args.tests, args.limit)
        finally:
            args.file.write_text(source, encoding='utf-8')
        dead += gone
        if not gone:
            print(f'{args.file}:{line}: survives: {was} -> {now}', flush=True)
        if args.out:
            with args.out.open('a', encoding='utf-8') as stream:
                stream.write(json.dumps({'file': str(args.file), 'line': line, 'was': was,
                                         'now': now, 'killed': gone}) + '\n')
        print(f'{count} of {len(chosen)}: {dead} killed', file=sys.stderr, flush=True)
    print(f'{args.file}: {dead} of {len(chosen)} killed ({dead / len(chosen):.1%}), '
          f'{len(found)} mutants in all')
    return 0


if __name__ == '__main__':
    sys.exit(main())
