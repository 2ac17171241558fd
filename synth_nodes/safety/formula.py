"""
The language of temporal properties, and its parser.

    always (distance < 0.3 implies eventually[0, 0.5] speed < 0.15)

From weakest to strongest: `implies` (to the right), `or`, `and`, `until[a, b]`, then `not`,
`always[a, b]` and `eventually[a, b]`, which take what comes next to them. Intervals are in
seconds; without one, or with `inf` for its end, the end of the recording is meant. Comparisons
(< <= > >= == !=) stand between sums and products of signals, numbers and `abs(...)`; `pass`,
`limit`, `slowdown` and `stop` are the codes 0 to 3 of the signal `action`.
"""

from dataclasses import dataclass
import math
import re

from synth_nodes.errors import InputError

CONSTANTS = {'pass': 0.0, 'limit': 1.0, 'slowdown': 2.0, 'approach': 2.0, 'stop': 3.0,
             'inf': math.inf}
_WORDS = {'implies', 'or', 'and', 'until', 'not', 'always', 'eventually', 'abs', 'true', 'false'}
_TOKEN = re.compile(r'\s*(?:((?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|([A-Za-z_]\w*)'
                    r'|(<=|>=|==|!=|[-+*/()\[\],<>]))')
_COMPARISONS = ('<', '<=', '>', '>=', '==', '!=')
_DEEPEST = 60


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Signal:
    name: str


@dataclass(frozen=True)
class Arithmetic:
    """A sum, difference, product or quotient."""

    operator: str
    left: 'Term'
    right: 'Term'


@dataclass(frozen=True)
class Absolute:
    inner: 'Term'


Term = Number | Signal | Arithmetic | Absolute


@dataclass(frozen=True)
class Comparison:
    operator: str
    left: Term
    right: Term


@dataclass(frozen=True)
class Truth:
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True)
class Not:
    inner: 'Formula'


@dataclass(frozen=True)
class Both:
    """`and`, or with `either` set `or`; an implication is `not left or right`."""

    left: 'Formula'
    right: 'Formula'
    either: bool = False


@dataclass(frozen=True)
class Always:
    """At all times of a window, or with `once` set (`eventually`) at one of them."""

    inner: 'Formula'
    low: float = 0.0
    high: float = math.inf
    once: bool = False


@dataclass(frozen=True)
class Until:
    """`right` comes true at a time of the window, and up to then `left` holds."""

    left: 'Formula'
    right: 'Formula'
    low: float = 0.0
    high: float = math.inf


Formula = Comparison | Truth | Not | Both | Always | Until


def parse(text: str) -> Formula:
    """
    Read a formula.

    :raises InputError: naming the column and what was expected there.
    """
    return _Parser(text).whole()


def signals_of(part: Formula | Term) -> set[str]:
    """Names of the signals in a formula."""
    if isinstance(part, Signal):
        return {part.name}
    if isinstance(part, (Number, Truth)):
        return set()
    if isinstance(part, (Not, Always, Absolute)):
        return signals_of(part.inner)
    return signals_of(part.left) | signals_of(part.right)


class _Parser:
    """Recursive descent, one method a level of binding strength."""

    def __init__(self, text: str) -> None:
        self._text, self._at, self._depth = text, 0, 0
        self._tokens: list[tuple[str, int]] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                column = len(text) - len(text[at:].lstrip())
                raise self._error(f"'{text[column]}' has no meaning", column)
            self._tokens.append((match[match.lastindex or 0], match.start(match.lastindex or 0)))
            at = match.end()

    def whole(self) -> Formula:
        result = self._implication()
        if self._at < len(self._tokens):
            raise self._expected("the end, or 'and', 'or', 'implies', 'until'")
        return result

    def _implication(self) -> Formula:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(f'it is nested more than {_DEEPEST} deep', 0)
        left = self._either()
        if self._skip('implies'):
            left = Both(Not(left), self._implication(), either=True)
        self._depth -= 1
        return left

    def _either(self) -> Formula:
        left = self._both()
        while self._skip('or'):
            left = Both(left, self._both(), either=True)
        return left

    def _both(self) -> Formula:
        left = self._until()
        while self._skip('and'):
            left = Both(left, self._until())
        return left

    def _until(self) -> Formula:
        left = self._unary()
        if self._skip('until'):
            low, high = self._interval()
            return Until(left, self._unary(), low, high)
        return left

    def _unary(self) -> Formula:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(f'it is nested more than {_DEEPEST} deep', 0)
        result = self._prefixed()
        self._depth -= 1
        return result

    def _prefixed(self) -> Formula:
        if self._skip('not'):
            return Not(self._unary())
        for word in ('always', 'eventually'):
            if self._skip(word):
                low, high = self._interval()
                return Always(self._unary(), low, high, once=word == 'eventually')
        for word in ('true', 'false'):
            if self._skip(word):
                return Truth(word == 'true')
        return self._grouped() if self._parenthesis_holds_formula() else self._comparison()

    def _grouped(self) -> Formula:
        self._take('(')
        inner = self._implication()
        self._take(')')
        return inner

    def _parenthesis_holds_formula(self) -> bool:
        """Whether a parenthesis opens here that holds more than a sum."""
        depth = 0
        for token, _ in self._tokens[self._at:]:
            depth += (token == '(') - (token == ')')
            if depth == 0:
                return False
            if token in _COMPARISONS or token in _WORDS - {'abs'}:
                return True
        return False

    def _interval(self) -> tuple[float, float]:
        if not self._skip('['):
            return 0.0, math.inf
        start = self._at
        low = self._bound()
        self._take(',')
        high = self._bound()
        self._take(']')
        if not (low <= high and low < math.inf):
            raise self._error(f'the interval [{low}, {high}] is empty; its begin must not be '
                              'after its end', self._tokens[start][1])
        return low, high

    def _bound(self) -> float:
        token = self._peek()
        if token == 'inf' or token[:1].isdigit() or token[:1] == '.':
            self._at += 1
            return float(token)
        raise self._expected("a time in seconds, or 'inf'")

    def _comparison(self) -> Formula:
        left = self._sum()
        operator = self._peek()
        if operator not in _COMPARISONS:
            raise self._expected('a comparison such as <')
        self._at += 1
        return Comparison(operator, left, self._sum())

    def _sum(self) -> Term:
        left = self._product()
        while (operator := self._peek()) in ('+', '-'):
            self._at += 1
            left = Arithmetic(operator, left, self._product())
        return left

    def _product(self) -> Term:
        left = self._factor()
        while (operator := self._peek()) in ('*', '/'):
            self._at += 1
            left = Arithmetic(operator, left, self._factor())
        return left

    def _factor(self) -> Term:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error(f'it is nested more than {_DEEPEST} deep', 0)
        result = self._single()
        self._depth -= 1
        return result

    def _single(self) -> Term:
        if self._skip('-'):
            return Arithmetic('-', Number(0.0), self._factor())
        absolute = self._skip('abs')
        if absolute or self._peek() == '(':
            self._take('(')
            inner = self._sum()
            self._take(')')
            return Absolute(inner) if absolute else inner
        token = self._peek()
        if token in CONSTANTS:
            self._at += 1
            return Number(CONSTANTS[token])
        if token in _WORDS or not (token[:1].isalnum() or token[:1] in {'_', '.'}):
            raise self._expected('a signal, a number or a parenthesis')
        self._at += 1
        return Number(float(token)) if token[0].isdigit() or token[0] == '.' else Signal(token)

    def _peek(self) -> str:
        return self._tokens[self._at][0] if self._at < len(self._tokens) else ''

    def _skip(self, token: str) -> bool:
        found = self._peek() == token
        self._at += found
        return found

    def _take(self, token: str) -> None:
        if not self._skip(token):
            raise self._expected(f"'{token}'")

    def _expected(self, what: str) -> InputError:
        at = self._tokens[self._at][1] if self._at < len(self._tokens) else len(self._text)
        return self._error(f"{what} is expected before '{self._peek() or 'the end'}'", at)

    def _error(self, what: str, column: int) -> InputError:
        return InputError(f"formula '{' '.join(self._text.split())}': column {column + 1}: {what}")
