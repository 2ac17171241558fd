"""
Settings as frozen dataclasses, checked at the door.

A settings class declares each field with :func:`setting`, which records its meaning, unit and
range beside its default. :func:`build` makes a checked instance out of a flat mapping with dotted
names (``{'robot.max_speed': 0.8}``), as ROS parameters and YAML files have them. A field declared
with :func:`named` holds groups whose names the user chooses.
"""

from collections.abc import Iterable, Iterator, Mapping
import dataclasses
import keyword
import math
from typing import Any, cast, get_args, get_type_hints, NamedTuple, TypeVar

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


@dataclasses.dataclass(frozen=True)
class Groups:
    """Settings groups under names of the user's; :func:`groups_of` lists them."""


def named(kind: type) -> Any:
    """
    Declare a field, of type :class:`Groups`, for any number of groups with names of the user's.

    What is given decides which there are: ``{'zones.front.radius': 0.5}`` makes 'front'.

    :param kind: settings class of each group; all its fields need defaults.
    """
    return dataclasses.field(default=Groups(), metadata={'named': kind})


def groups_of(groups: Groups) -> dict[str, Any]:
    """List the groups of a field declared with :func:`named`, in the order they were given."""
    return {f.name: getattr(groups, f.name) for f in dataclasses.fields(groups)}


def specialised(cls: type[T], names: Iterable[str], prefix: str = '') -> type[T]:
    """
    Make the settings class that has the named groups that some parameters speak of.

    :param names: dotted names of parameters; those that are no one's do not matter.
    :return: a subclass, or the class itself where it has no such groups.
    :raises InputError: on a name for a group that is not a word.
    """
    hints, fields = get_type_hints(cls), []
    names = list(names)
    for field in dataclasses.fields(cast(Any, cls)):
        start = f'{prefix}{field.name}.'
        if 'named' in field.metadata:
            words = dict.fromkeys(n[len(start):].split('.')[0] for n in names
                                  if n.startswith(start) and '.' in n[len(start):])
            parts = [(_word(w, start), specialised(field.metadata['named'], names, f'{start}{w}.'))
                     for w in words]
            kind: type = dataclasses.make_dataclass('Groups', [
                (w, part, dataclasses.field(default_factory=part)) for w, part in parts],
                bases=(Groups,), frozen=True) if parts else Groups
        elif dataclasses.is_dataclass(hints[field.name]):
            kind = specialised(cast(type, hints[field.name]), names, start)
        else:
            continue
        if kind is not hints[field.name]:
            fields.append((field.name, kind, dataclasses.field(default_factory=kind)))
    if not fields:
        return cls
    return cast(type[T], dataclasses.make_dataclass(cls.__name__, fields, bases=(cls,),
                                                    frozen=True))


def _word(word: str, where: str) -> str:
    if not word.isidentifier() or keyword.iskeyword(word):
        raise InputError(f"parameter '{where}{word}': '{word}' must be a name of letters, digits "
                         'and underscores, not beginning with a digit')
    return word


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
    item: type = float
    """Type of the elements of a tuple."""


def leaves(cls: type, prefix: str = '', given: Any = None) -> Iterator[Setting]:
    """
    Walk all leaf settings of a class, nested groups included, in order of declaration.

    :param given: instance whose values are the defaults; those of the class if left out.
    """
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        kind, default = hints[field.name], _default(field, given)
        if dataclasses.is_dataclass(kind):
            yield from leaves(cast(type, kind), f'{prefix}{field.name}.', default)
            continue
        base = tuple if getattr(kind, '__origin__', None) is tuple else kind
        m = field.metadata
        yield Setting(
            prefix + field.name, base, default, m['help'], m['unit'],
            m['low'], m['high'], m['choices'], get_args(kind)[0] if base is tuple else float,
        )


def _default(field: Any, given: Any) -> Any:
    """Value of a field where nothing is said of it: that of an instance, or the field's own."""
    if given is not None and hasattr(given, field.name):
        return getattr(given, field.name)
    return field.default


def build(cls: type[T], values: Mapping[str, Any], where: str = 'settings') -> T:
    """
    Build a checked settings instance; what is not given keeps its default.

    A group that has a setting `on` is switched by its own name too: 'camera' is 'camera.on'.

    :param cls: a settings class.
    :param values: flat mapping from dotted names to values.
    :param where: what the values came from, for messages.
    :raises InputError: on an unknown name, a wrong type, or a value out of range.
    """
    cls = specialised(cls, values)
    known = {leaf.name: leaf for leaf in leaves(cls)}
    values = {n if n in known or f'{n}.on' not in known else f'{n}.on': v
              for n, v in values.items()}
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


def _construct(cls: type, values: Mapping[str, Any], prefix: str, given: Any = None) -> Any:
    hints = get_type_hints(cls)
    kwargs = {}
    for field in dataclasses.fields(cls):
        name, default = prefix + field.name, _default(field, given)
        if dataclasses.is_dataclass(hints[field.name]):
            kwargs[field.name] = _construct(cast(type, hints[field.name]), values, name + '.',
                                            default)
        elif name in values:
            kwargs[field.name] = values[name]
        elif default is not dataclasses.MISSING:
            kwargs[field.name] = default
    return cls(**kwargs)


def _check(leaf: Setting, value: Any, where: str) -> Any:
    what = f"{where}: parameter '{leaf.name}'"
    unit = f' {leaf.unit}' if leaf.unit else ''
    if leaf.kind is tuple:
        if isinstance(value, (str, bytes)) or not hasattr(value, '__iter__'):
            example = f'such as {list(leaf.default)}' if leaf.default else (
                'of numbers' if leaf.item is float else 'of names')
            raise InputError(f'{what} = {value!r} must be a list {example}')
        return tuple(_check(leaf._replace(kind=leaf.item, default=(*leaf.default, leaf.item())[0]),
                            v, where) for v in value)
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
