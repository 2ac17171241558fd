"""Functions that count no references to arrays: none of them makes or returns any."""

import ast
from pathlib import Path

import numba
import numpy as np
import pytest

from synth_nodes.world.jit import bare, inline, kernel

PACKAGE = Path(__file__).resolve().parents[2] / 'synth_nodes'
OF_NUMBERS = {
    'arcsin', 'arctan', 'arctan2', 'ceil', 'cos', 'exp', 'float32', 'float64', 'floor', 'hypot',
    'int32', 'int64', 'isfinite', 'isinf', 'isnan', 'log', 'rint', 'round', 'sign', 'sin', 'sqrt',
    'tan', 'tanh', 'uint32', 'uint64', 'uint8'}
VIEWS = {'reshape', 'view'}


def uncounted() -> list[ast.FunctionDef]:
    return [node for file in sorted(PACKAGE.rglob('*.py'))
            for node in ast.walk(ast.parse(file.read_text(encoding='utf-8')))
            if isinstance(node, ast.FunctionDef)
            and any(ast.unparse(d) in ('inline', 'bare') for d in node.decorator_list)]


def test_uncounted_functions_call_nothing_that_goes_over_arrays():
    functions = uncounted()
    assert len(functions) > 100
    for function in functions:
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
                name = call.func.attr
                of_numbers = ast.unparse(call.func.value) == 'np' and name in OF_NUMBERS
                assert of_numbers or name in VIEWS, f'{function.name} calls {name}'


def test_uncounted_functions_return_no_arrays():
    for function in uncounted():
        returns = ast.unparse(function.returns) if function.returns else 'None'
        assert not any(word in returns for word in ('NDArray', 'Front', 'Strip')), function.name


@pytest.mark.parametrize('decorate', [inline, bare])
def test_numba_refuses_one_that_makes_an_array(decorate):
    def maker(size):
        return np.zeros(size).size

    def user(size):
        return folded(size)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba, 'njit', _uncached(numba.njit))
        folded, outer = decorate(maker), kernel(user)
    with pytest.raises(numba.core.errors.NumbaError):
        outer(3)


def _uncached(njit):
    """Functions made in a test cannot be cached."""
    return lambda cache, **options: njit(**options)
