"""
Settings as frozen dataclasses, checked at the door.

A settings class declares each field with :func:`setting`, which records its meaning, unit and
range beside its default. :func:`build` makes a checked instance out of a flat mapping with dotted
names (``{'robot.max_speed': 0.8}``), as ROS parameters and YAML files have them.
"""

from collections.abc import Iterator, Mapping
import dataclasses
import math
from typing import Any, cast, get_type_hints, NamedTuple, TypeVar

from synth_nodes.errors import InputError

T = TypeVar('T')


def setting(
    default: Any,
    help: str,  # noqa: A002 - the word users know from every command line
    *,
    unit: str = '',
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
) -> Any:
    """
    Declare one field of a settings class.

    :param default: value; a list is given as a tuple. A nested group is a plain field.
    :param help: what it does, one sentence.
    :param unit: SI symbol, empty where there is none.
    :param low: smallest value allowed (of each element, for a tuple).
    :param high: largest value allowed (of each element, for a tuple).
    :param choices: the words allowed, for a string.
    """
    metadata = {'help': help, 'unit': unit, 'low': low, 'high': high, 'choices': choices}
    return dataclasses.field(default=default, metadata=metadata)


class Setting(NamedTuple):
    """One leaf of a settings class: its dotted name, type, default and limits."""

    name: str
    kind: type
    default: Any
    help: str
    unit: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]


def leaves(cls: type, prefix: str = '') -> Iterator[Setting]:
    """Walk all leaf settings of a class, nested groups included, in order of declaration."""
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        kind = hints[field.name]
        if dataclasses.is_dataclass(kind):
            yield from leaves(cast(type, kind), f'{prefix}{field.name}.')
            continue
        base = tuple if getattr(kind, '__origin__', None) is tuple else kind
        m = field.metadata
        yield Setting(
            prefix + field.name, base, field.default, m['help'], m['unit'],
            m['low'], m['high'], m['choices'],
        )


def build(cls: type[T], values: Mapping[str, Any], where: str = 'settings') -> T:
    """
    Build a checked settings instance; what is not given keeps its default.

    :param cls: a settings class.
    :param values: flat mapping from dotted names to values.
    :param where: what the values came from, for messages.
    :raises InputError: on an unknown name, a wrong type, or a value out of range.
    """
    known = {leaf.name: leaf for leaf in leaves(cls)}
    for name in values:
        if name not in known:
            near = _nearest(name, list(known))
            raise InputError(f"{where}: unknown parameter '{name}'; did you mean '{near}'?")
    checked = {n: _check(known[n], v, where) for n, v in values.items()}
    return cast(T, _construct(cls, checked, ''))


def flatten(instance: Any, prefix: str = '') -> dict[str, Any]:
    """Turn a settings instance back into a flat mapping with dotted names."""
    out: dict[str, Any] = {}
    for field in dataclasses.fields(instance):
        value = getattr(instance, field.name)
        if dataclasses.is_dataclass(value):
            out.update(flatten(value, f'{prefix}{field.name}.'))
        else:
            out[prefix + field.name] = value
    return out


def _construct(cls: type, values: Mapping[str, Any], prefix: str) -> Any:
    hints = get_type_hints(cls)
    kwargs = {}
    for field in dataclasses.fields(cls):
        name = prefix + field.name
        if dataclasses.is_dataclass(hints[field.name]):
            kwargs[field.name] = _construct(cast(type, hints[field.name]), values, name + '.')
        elif name in values:
            kwargs[field.name] = values[name]
    return cls(**kwargs)


def _check(leaf: Setting, value: Any, where: str) -> Any:
    what = f"{where}: parameter '{leaf.name}'"
    unit = f' {leaf.unit}' if leaf.unit else ''
    if leaf.kind is tuple:
        if isinstance(value, (str, bytes)) or not hasattr(value, '__iter__'):
            raise InputError(f'{what} = {value!r} must be a list such as {list(leaf.default)}')
        items = tuple(value)
        kind = type(leaf.default[0]) if leaf.default else float
        return tuple(_check(leaf._replace(kind=kind), v, where) for v in items)
    if leaf.kind is float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise InputError(f'{what} = {value!r} must be a number, such as {leaf.default}{unit}')
        value = float(value)
        if not math.isfinite(value):
            raise InputError(f'{what} = {value} must be finite, such as {leaf.default}{unit}')
    elif not isinstance(value, leaf.kind) or (leaf.kind is int and isinstance(value, bool)):
        words = {'int': 'an integer', 'bool': 'true or false', 'str': 'a string'}
        word = words.get(leaf.kind.__name__, leaf.kind.__name__)
        raise InputError(f'{what} = {value!r} must be {word}, such as {leaf.default!r}')
    below = leaf.low is not None and value < leaf.low
    above = leaf.high is not None and value > leaf.high
    if below or above:
        raise InputError(f'{what} = {value}{unit} is outside [{leaf.low}, {leaf.high}]{unit}')
    if leaf.choices and value not in leaf.choices:
        raise InputError(f'{what} = {value!r} must be one of {", ".join(leaf.choices)}')
    return value


def _nearest(name: str, known: list[str]) -> str:
    import difflib

    return (difflib.get_close_matches(name, known, n=1, cutoff=0.0) or ['(none)'])[0]
