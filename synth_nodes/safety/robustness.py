"""
How robustly a recording satisfies a formula of signal temporal logic.

Quantitative semantics of Donzé and Maler ('Robust satisfaction of temporal logic over
real-valued signals', 2010, definition 3), taken at the samples of the recording, as RTAMT has it
for discrete time: a comparison is worth the distance to its boundary, `and` and `always` are
minima, `or` and `eventually` are maxima over the samples in the window. What a recording that has
ended cannot tell is left open, as the interval of values that any continuation would give
(Deshmukh et al., 'Robust online monitoring of signal temporal logic', 2017): all functions give
two arrays, the lowest and the highest value possible. A signal that is NaN is open, too.
"""

from collections.abc import Callable, Mapping
import math

import numpy as np
from numpy.typing import NDArray

from synth_nodes.safety.formula import (
    Absolute,
    Arithmetic,
    Both,
    Comparison,
    Formula,
    Not,
    Number,
    Signal,
    Term,
    Truth,
    Until,
)

Array = NDArray[np.float64]
Range = tuple[Array, Array]
"""Lowest and highest value at each sample, both (N,)."""
Atom = Callable[[str, Array, Array], Range]
"""Value of a comparison of two signals, (N,) each."""
SLACK = 1e-6
"""Times [s] nearer than this are the same."""


def distances(operator: str, left: Array, right: Array) -> Range:
    """Value of a comparison: how far its sides are from making it false, or true if negative."""
    with np.errstate(invalid='ignore'):
        gap = np.where(left == right, 0.0, right - left)
    value = {'<': gap, '<=': gap, '>': -gap, '>=': -gap, '==': -np.abs(gap),
             '!=': np.abs(gap)}[operator]
    return _open_where(np.isnan(left) | np.isnan(right), value)


def truths(operator: str, left: Array, right: Array) -> Range:
    """Value of a comparison: 1 where it is true, -1 where it is false."""
    test = {'<': np.less, '<=': np.less_equal, '>': np.greater, '>=': np.greater_equal,
            '==': np.equal, '!=': np.not_equal}[operator]
    return _open_where(np.isnan(left) | np.isnan(right), np.where(test(left, right), 1.0, -1.0))


def robustness(formula: Formula, times: Array, signals: Mapping[str, Array], atom: Atom) -> Range:
    """
    Evaluate a formula at every sample.

    :param times: of the samples [s], shape (N,), not decreasing.
    :param signals: by name, shape (N,) each; NaN where not known.
    :param atom: :func:`distances` or :func:`truths`.
    :return: lowest and highest value, shape (N,) each; with `truths`, the formula holds at a
        sample where the lowest is positive and fails where the highest is negative.
    """
    def values(part: Formula) -> Range:
        return robustness(part, times, signals, atom)

    if isinstance(formula, Comparison):
        n = len(times)
        with np.errstate(all='ignore'):
            left, right = (np.broadcast_to(term_values(side, signals), n)
                           for side in (formula.left, formula.right))
        return atom(formula.operator, left, right)
    if isinstance(formula, Truth):
        always = np.full(len(times), np.inf if formula.value else -np.inf)
        return always, always
    if isinstance(formula, Not):
        low, high = values(formula.inner)
        return -high, -low
    if isinstance(formula, Both):
        (a_low, a_high), (b_low, b_high) = values(formula.left), values(formula.right)
        choose = np.maximum if formula.either else np.minimum
        return choose(a_low, b_low), choose(a_high, b_high)
    if isinstance(formula, Until):
        return _until(times, values(formula.left), values(formula.right), formula)
    low, high = values(formula.inner)
    if formula.once:
        return _maximum(times, low, high, formula.low, formula.high)
    low, high = _maximum(times, -high, -low, formula.low, formula.high)
    return -high, -low


def term_values(term: Term, signals: Mapping[str, Array]) -> Array:
    """Values of a sum, product, signal or number: shape (N,), or () for a number."""
    if isinstance(term, Number):
        return np.asarray(term.value)
    if isinstance(term, Signal):
        return signals[term.name]
    if isinstance(term, Absolute):
        return np.asarray(np.abs(term_values(term.inner, signals)))
    assert isinstance(term, Arithmetic)
    operation = {'+': np.add, '-': np.subtract, '*': np.multiply, '/': np.divide}[term.operator]
    return np.asarray(operation(term_values(term.left, signals), term_values(term.right, signals)))


def window(times: Array, low: float, high: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """First sample, and first one no more, of the window [t + low, t + high] of each sample t."""
    begin = np.searchsorted(times, times + low - SLACK, side='left')
    end = np.searchsorted(times, times + high + SLACK, side='right')
    own = np.arange(len(times))
    return np.maximum(begin, own if low <= SLACK else 0), end


def unfinished(times: Array, high: float) -> NDArray[np.bool_]:
    """Whether the window up to t + high of each sample t goes on after the recording's end."""
    if math.isinf(high):
        return np.zeros(len(times), bool)
    return np.asarray(times + high > times[-1] + SLACK)


def _open_where(unknown: NDArray[np.bool_], value: Array) -> Range:
    return np.where(unknown, -np.inf, value), np.where(unknown, np.inf, value)


def _maximum(times: Array, lows: Array, highs: Array, low: float, high: float) -> Range:
    """Largest value in each sample's window; after the recording's end it may be any."""
    begin, end = window(times, low, high)
    top = _range_maximum(highs, begin, end)
    return (_range_maximum(lows, begin, end), np.where(unfinished(times, high), np.inf, top))


def _range_maximum(values: Array, begin: NDArray[np.intp], end: NDArray[np.intp]) -> Array:
    """
    Maximum of values[begin:end] for each pair; -inf where it is empty.

    By a table of maxima over spans of 1, 2, 4, ... samples, of which two cover any range
    (Bender and Farach-Colton, 'The LCA problem revisited', 2000).
    """
    out = np.full(len(begin), -np.inf)
    lengths = end - begin
    span, table = 1, values
    while (mine := np.flatnonzero(lengths >= span)).size:
        mine = mine[lengths[mine] < 2 * span]
        out[mine] = np.maximum(table[begin[mine]], table[end[mine] - span])
        table = np.maximum(table[:-span], table[span:])
        span *= 2
    return out


def _until(times: Array, left: Range, right: Range, formula: Until) -> Range:
    """Evaluate `left until right`; `left` must hold at all samples before that of `right`."""
    begin, end = window(times, formula.low, formula.high)
    lows, highs = (_until_part(a, b, begin, end) for a, b in zip(left, right, strict=True))
    lasting = np.minimum.accumulate(left[1][::-1])[::-1]
    return lows, np.where(unfinished(times, formula.high), np.maximum(highs, lasting), highs)


def _until_part(left: Array, right: Array, begin: NDArray[np.intp],
                end: NDArray[np.intp]) -> Array:
    n = len(left)
    if (end == n).all() and (begin == np.arange(n)).all():
        return _until_the_end(left, right)
    out, held, own = np.full(n, -np.inf), np.full(n, np.inf), np.arange(n)
    for step in range(int((end - own).max(initial=0))):
        here = own[:n - step]
        inside = (here + step >= begin[here]) & (here + step < end[here])
        value = np.minimum(right[here + step], held[here])
        out[here] = np.where(inside, np.maximum(out[here], value), out[here])
        held[here] = np.minimum(held[here], left[here + step])
    return out


def _until_the_end(left: Array, right: Array) -> Array:
    """Go from the last sample to the first: the unbounded case in one pass."""
    out, later = np.empty(len(left)), -np.inf
    for i in range(len(left) - 1, -1, -1):
        later = max(float(right[i]), min(float(left[i]), later))
        out[i] = later
    return out
