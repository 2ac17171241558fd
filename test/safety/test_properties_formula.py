"""The language of temporal properties."""

import math

import pytest

from synth_nodes.errors import InputError
from synth_nodes.safety.formula import (
    Absolute,
    Always,
    Arithmetic,
    Both,
    Comparison,
    Not,
    Number,
    parse,
    Signal,
    signals_of,
    Truth,
    Until,
)

A, B, C = (Comparison('<', Signal(name), Number(1.0)) for name in 'abc')


@pytest.mark.parametrize(('text', 'means'), [
    ('a < 1', A),
    ('((a < 1))', A),
    ('a < 1 and b < 1 or c < 1', Both(Both(A, B), C, either=True)),
    ('a < 1 or b < 1 and c < 1', Both(A, Both(B, C), either=True)),
    ('a < 1 implies b < 1', Both(Not(A), B, either=True)),
    ('a < 1 implies b < 1 implies c < 1',
     Both(Not(A), Both(Not(B), C, either=True), either=True)),
    ('not a < 1 and b < 1', Both(Not(A), B)),
    ('not (a < 1 and b < 1)', Not(Both(A, B))),
    ('always a < 1 and b < 1', Both(Always(A), B)),
    ('always[0, 2.5] a < 1', Always(A, 0.0, 2.5)),
    ('eventually [1,inf] not a < 1', Always(Not(A), 1.0, math.inf, once=True)),
    ('always eventually[0,.5] a < 1', Always(Always(A, 0.0, 0.5, once=True))),
    ('a < 1 until[0, 1e1] b < 1', Until(A, B, 0.0, 10.0)),
    ('a < 1 until b < 1 and c < 1', Both(Until(A, B), C)),
    ('true until false', Until(Truth(True), Truth(False))),
    ('action == stop', Comparison('==', Signal('action'), Number(3.0))),
    ('-a >= 1', Comparison('>=', Arithmetic('-', Number(0.0), Signal('a')), Number(1.0))),
    ('(a + 2 * b) / 4 != abs(c - 1)', Comparison(
        '!=', Arithmetic('/', Arithmetic('+', Signal('a'), Arithmetic(
            '*', Number(2.0), Signal('b'))), Number(4.0)),
        Absolute(Arithmetic('-', Signal('c'), Number(1.0))))),
    ('(a) < 1', A),
    ('((a) < 1 and (b < 1))', Both(A, B)),
])
def test_formulas_mean_what_they_say(text, means):
    assert parse(text) == means


@pytest.mark.parametrize(('text', 'says'), [
    ('', "column 1: a signal, a number or a parenthesis is expected before 'the end'"),
    ('a <', "column 4: a signal, a number or a parenthesis is expected before 'the end'"),
    ('a', "a comparison such as < is expected before 'the end'"),
    ('a < 1 b', "column 7: the end, or 'and', 'or', 'implies', 'until' is expected before 'b'"),
    ('a & b', "column 3: '&' has no meaning"),
    ('(a < 1', "')' is expected before 'the end'"),
    ('always[1] a < 1', "',' is expected before ']'"),
    ('always[2, 1] a < 1', 'the interval [2.0, 1.0] is empty'),
    ('always[inf, inf] a < 1', 'is empty'),
    ('always[x, 1] a < 1', "a time in seconds, or 'inf' is expected before 'x'"),
    ('a < always', "is expected before 'always'"),
    ('a < 1 < 2', "is expected before '<'"),
    ('abs a < 1', "'(' is expected before 'a'"),
    ('(' * 200 + 'a < 1' + ')' * 200, 'nested more than 60 deep'),
    ('not ' * 200 + 'a < 1', 'nested more than 60 deep'),
    ('-' * 200 + 'a < 1', 'nested more than 60 deep'),
])
def test_mistakes_are_named_with_their_column(text, says):
    with pytest.raises(InputError) as caught:
        parse(text)
    assert says in str(caught.value) and '\n' not in str(caught.value)


def test_signals_of_a_formula_are_listed():
    formula = parse('always (a + abs(b) < 1 implies not (c > 2 until true)) and 1 < 2')
    assert signals_of(formula) == {'a', 'b', 'c'}
