"""
Mutation testing of the safety core: change one thing at a time and see whether a test notices.

    python tools/mutate.py synth_nodes/safety/sweep.py --tests test/safety/test_sweep.py
    python tools/mutate.py synth_nodes/safety/*.py --sample 40 --seed 1 --out mutants.jsonl

Mutants are made on the syntax tree: comparisons, arithmetic, boolean and unary operators, numbers,
minimum for maximum and the like, dropped `not`, either side of a condition. No file is touched:
a process forked for each mutant, which finds numpy and pytest loaded, imports the changed module
from memory. The tests run once unchanged, to learn what each takes and which lines it runs; a
mutant then meets only the tests that run its statement, the quickest first. Property tests draw
the same examples each time and do not shrink. What survives is listed.
"""

import argparse
import ast
from collections.abc import Callable, Generator, Iterator
import contextlib
import copy
import importlib
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
import json
import os
from pathlib import Path
import pickle
import random
import resource
import signal
import sys
import tempfile
import time
from types import ModuleType
from typing import Any, NamedTuple

import coverage
import hypothesis
import pytest

QUICK = 1.0
"""Tests of so many CPU seconds together are tried before the others."""
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


class Place(NamedTuple):
    """A mutant: where it is, and the tree that has it."""

    line: int
    last: int
    """Last line of the statement (of the expression, in the head of a block)."""
    was: str
    now: str
    tree: ast.AST


def mutants(source: str) -> list[Place]:
    """List every mutant of a module."""
    tree = ast.parse(source)
    skipped: set[int] = set()
    ranges: dict[int, tuple[int, int]] = {}
    for node in ast.walk(tree):
        for note in (getattr(node, 'returns', None), getattr(node, 'annotation', None)):
            skipped |= {id(n) for n in ast.walk(note)} if isinstance(note, ast.AST) else set()
        if isinstance(node, ast.stmt) and not hasattr(node, 'body'):
            for part in ast.walk(node):
                ranges[id(part)] = node.lineno, node.end_lineno or node.lineno
    nodes = list(ast.walk(tree))
    for place, node in enumerate(nodes):
        node.place = place  # type: ignore[attr-defined]
    out = []
    for place, node in enumerate(nodes):
        if id(node) in skipped:
            continue
        for other in changes(node):
            changed = ast.fix_missing_locations(Replace(place, other).visit(copy.deepcopy(tree)))
            line = getattr(node, 'lineno', 0)
            first, last = ranges.get(id(node), (line, getattr(node, 'end_lineno', line)))
            out.append(Place(first, last, ast.unparse(node), ast.unparse(other), changed))
    return out


class Shadow(MetaPathFinder, Loader):
    """Lets one module be imported from a changed tree instead of from its file."""

    def __init__(self, module: str, path: Path, tree: ast.AST) -> None:
        """Take the module's name, its file, and what to run instead."""
        self.module, self.path, self.tree = module, path, tree

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Answer for the one module."""
        return spec_from_file_location(name, self.path, loader=self) \
            if name == self.module else None

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed tree."""
        exec(compile(self.tree, str(self.path), 'exec'), module.__dict__)  # type: ignore[arg-type]


class Survey:
    """A plugin of pytest that notes what each test took, and which lines it ran."""

    def __init__(self, files: list[Path]) -> None:
        """Watch these files."""
        self.cover = coverage.Coverage(data_file=None, include=[str(f) for f in files])
        self.seconds: dict[str, float] = {}
        self.files = files

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Count what a test runs as its own, with nothing remembered from those before."""
        for name, module in list(sys.modules.items()):
            if name.startswith('synth_nodes.'):
                for thing in list(vars(module).values()):
                    if hasattr(thing, 'cache_clear') and not isinstance(thing, type):
                        thing.cache_clear()
        self.cover.switch_context(item.nodeid)
        begin = time.process_time()
        try:
            return (yield)
        finally:
            self.seconds[item.nodeid] = time.process_time() - begin
            self.cover.switch_context('')

    def result(self) -> dict[str, Any]:
        """Give seconds by test, and by file and line the tests that ran it."""
        data = self.cover.get_data()
        lines = {str(f): {line: [c for c in found if c] for line, found in
                          data.contexts_by_lineno(str(f.resolve())).items()}
                 for f in self.files}
        outside = [name for name, module in list(sys.modules.items())
                   if 'site-packages' in str(getattr(module, '__file__', ''))]
        return {'seconds': self.seconds, 'lines': lines, 'modules': outside}


def in_child(work: Callable[[], int], limit: float) -> int:
    """Run in a forked process of its own; give its exit status, negative where it was stopped."""
    pid = os.fork()
    if pid == 0:
        status = 3
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (int(limit) + 1, int(limit) + 2))
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            status = work()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def run_tests(tests: list[str], *plugins: object) -> int:
    """Run tests in this process, up to the first that fails."""
    hypothesis.settings.register_profile(
        'mutants', derandomize=True, database=None, deadline=None,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate))
    hypothesis.settings.load_profile('mutants')
    return int(pytest.main(['-x', '-q', '-p', 'no:cacheprovider', '-W', 'ignore', *tests],
                           plugins=list(plugins)))


def survey(files: list[Path], tests: list[str]) -> dict[str, Any] | None:
    """Run all tests on the unchanged files; None where one fails."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / 'survey'

        def work() -> int:
            watch = Survey(files)
            watch.cover.start()
            status = run_tests(tests, watch)
            watch.cover.stop()
            out.write_bytes(pickle.dumps(watch.result()))
            return status

        return pickle.loads(out.read_bytes()) if in_child(work, 3600.0) == 0 else None


def reaching(found: dict[str, Any], file: Path, mutant: Place, longest: float) -> list[list[str]]:
    """
    Give the tests that run a mutant, the quickest first, in a quick and a slow part.

    What runs at import concerns every test of the file.
    """
    lines, seconds = found['lines'][str(file)], found['seconds']
    within = [line for line in range(mutant.line, mutant.last + 1) if line in lines]
    names = {name for line in within for name in lines[line]}
    if within and not names:
        names = {name for tests in lines.values() for name in tests}
    quick: list[str] = []
    slow: list[str] = []
    total = 0.0
    for name in sorted(names, key=lambda n: (seconds[n], n)):
        total += seconds[name]
        if total <= longest:
            (quick if total <= QUICK else slow).append(name)
    return [part for part in (quick, slow) if part]


def fate(found: dict[str, Any], file: Path, mutant: Place, longest: float) -> str:
    """Say what became of a mutant: killed, hung, survived, or not reached by any test."""
    groups = reaching(found, file, mutant, longest)
    module = '.'.join(file.with_suffix('').parts)

    def work() -> int:
        sys.meta_path.insert(0, Shadow(module, file.resolve(), mutant.tree))
        return run_tests(tests)

    for tests in groups:
        took = sum(found['seconds'][name] for name in tests)
        status = in_child(work, 10.0 + 5.0 * took)
        if status:
            return 'hung' if status == -signal.SIGXCPU else 'killed'
    return 'survived' if groups else 'not reached'


def main() -> int:
    """Run the mutants of some files."""
    parser = argparse.ArgumentParser(description='Mutation testing on the syntax tree.')
    parser.add_argument('files', nargs='+', type=Path)
    parser.add_argument('--tests', nargs='+', default=['test/safety'])
    parser.add_argument('--sample', type=int, default=0, help='so many a file at random; 0: all')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--longest', type=float, default=20.0,
                        help='longest run of the tests chosen for one mutant [CPU s]')
    parser.add_argument('--out', type=Path, help='where to append one line a mutant')
    args = parser.parse_args()
    sys.path.insert(0, str(Path.cwd()))
    os.environ['PYTEST_DISABLE_PLUGIN_AUTOLOAD'] = '1'
    found = survey(args.files, args.tests)
    if found is None:
        print('the tests fail without any change', file=sys.stderr)
        return 2
    for name in found['modules']:
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    for file in args.files:
        everyone = mutants(file.read_text(encoding='utf-8'))
        chosen = everyone
        if 0 < args.sample < len(everyone):
            chosen = random.Random(args.seed).sample(everyone, args.sample)
        dead = 0
        for mutant in chosen:
            end = fate(found, file, mutant, args.longest)
            dead += end in ('killed', 'hung')
            if args.out:
                with args.out.open('a', encoding='utf-8') as stream:
                    stream.write(json.dumps({
                        'file': str(file), 'line': mutant.line, 'was': mutant.was,
                        'now': mutant.now, 'fate': end}) + '\n')
            if end in ('survived', 'not reached'):
                print(f'{file}:{mutant.line}: {end}: {mutant.was} -> {mutant.now}', flush=True)
        print(f'{file}: {dead} of {len(chosen)} killed ({dead / len(chosen):.1%}), '
              f'{len(everyone)} mutants in all', flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
