"""
Types as ROS has them: a whole number isn't a double.

Needs no rclpy, so that a parameter file can be checked before anything is started.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from synth_nodes.errors import InputError
from synth_nodes.settings import build, leaves, Setting, specialised

T = TypeVar('T')


def build_exactly(cls: type[T], values: Mapping[str, Any], where: str) -> T:
    """
    Build settings out of values that must have their exact ROS types.

    :param cls: a settings class.
    :param values: flat mapping from dotted names to values; lists for arrays.
    :param where: what the values came from, for messages.
    :raises InputError: as :func:`synth_nodes.settings.build`, and on an integer for a double,
        such as ``rate: 7``, naming the value to write instead.
    """
    known = {leaf.name: leaf for leaf in leaves(specialised(cls, values))}
    for name, value in values.items():
        if name in known:
            _refuse_integer(known[name], value, where)
    return build(cls, values, where)


def _refuse_integer(leaf: Setting, value: Any, where: str) -> None:
    if leaf.kind is float and _is_integer(value):
        remedy = str(float(value))
    elif leaf.kind is tuple and leaf.item is float \
            and not isinstance(value, (str, bytes)) and hasattr(value, '__iter__') \
            and any(_is_integer(v) for v in value):
        remedy = str([float(v) if _is_integer(v) else v for v in value])
    else:
        return
    shown = list(value) if leaf.kind is tuple else value
    raise InputError(f"{where}: parameter '{leaf.name}' = {shown} must be a double; "
                     f'write {remedy}')


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
