"""
ROS parameters out of settings classes: declared with unit and range, checked at the door.

A node is created with ``automatically_declare_parameters_from_overrides=True``, so that names
that nobody knows can be seen and refused; :func:`declare` then puts the proper declarations in
their place.
"""

from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.node import Node
from rclpy.parameter import Parameter

from synth_nodes.errors import InputError
from synth_nodes.ros.exact import build_exactly
from synth_nodes.settings import flatten, leaves, Setting, specialised

T = TypeVar('T')
BUILT_IN = ('use_sim_time', 'start_type_description_service')
"""Parameters that rclpy declares in every node; so it does those below `qos_overrides`."""
_TYPES = {
    bool: Parameter.Type.BOOL, int: Parameter.Type.INTEGER,
    float: Parameter.Type.DOUBLE, str: Parameter.Type.STRING}
_ARRAYS = {
    bool: Parameter.Type.BOOL_ARRAY, int: Parameter.Type.INTEGER_ARRAY,
    float: Parameter.Type.DOUBLE_ARRAY, str: Parameter.Type.STRING_ARRAY}
_INT64 = 2**63 - 1


def declare(node: Node, cls: type[T], known: Iterable[type] = (),
            live: Mapping[str, Callable[[Any], None]] | None = None) -> T:
    """
    Declare a settings class as parameters of a node and read them.

    :param node: created with ``automatically_declare_parameters_from_overrides=True``.
    :param cls: settings class of the node.
    :param known: settings classes of other nodes; their names may stand in the node's parameter
        file under ``/**:`` and are passed over.
    :param live: what to call with the new value of each parameter that may change while the node
        runs; all others are read-only. A name with ``*`` stands for all that it matches, and what
        it calls gets the parameter's name first.
    :raises InputError: on an unknown name, a wrong type or a value out of range.
    """
    where = node.get_name()
    given = {name: p.value for name, p in node.get_parameters_by_prefix('').items()
             if name not in BUILT_IN and not name.startswith('qos_overrides.')}
    cls = specialised(cls, given)
    mine = {leaf.name: leaf for leaf in leaves(cls)}
    others = {leaf.name for other in known for leaf in leaves(specialised(other, given))}
    live = _matching(live or {}, mine)
    wanted = {n: v for n, v in given.items() if n in mine or n not in others}
    settings = build_exactly(cls, wanted, where)
    for name in given:
        node.undeclare_parameter(name)
    for name, value in flatten(settings).items():
        if value == ():  # for which ROS has no type
            continue
        node.declare_parameter(
            name, list(value) if isinstance(value, tuple) else value,
            descriptor(mine[name], read_only=name not in live), ignore_override=True)
    if live:
        node.add_on_set_parameters_callback(lambda changes: _change(cls, live, changes, where))
    return settings


def _matching(live: Mapping[str, Callable[..., None]],
              names: Iterable[str]) -> dict[str, Callable[[Any], None]]:
    """Find what to call for each parameter, patterns resolved."""
    out: dict[str, Callable[[Any], None]] = {}
    for name in names:
        for pattern, call in live.items():
            if name == pattern:
                out[name] = call
            elif '*' in pattern and fnmatchcase(name, pattern):
                out[name] = partial(call, name)
    return out


def descriptor(leaf: Setting, read_only: bool = True) -> ParameterDescriptor:
    """
    Describe a parameter: meaning, unit, type, range.

    A range is stated for scalars; for a list, ROS has no place for it but the text.
    """
    kind = leaf.item if leaf.kind is tuple else leaf.kind
    types = _ARRAYS if leaf.kind is tuple else _TYPES
    out = ParameterDescriptor(
        name=leaf.name, type=types[kind].value, description=leaf.help, read_only=read_only)
    limits = []
    if leaf.unit:
        limits.append(f'unit: {leaf.unit}')
    if leaf.choices:
        limits.append('one of ' + ', '.join(leaf.choices))
    if leaf.low is not None or leaf.high is not None:
        limits.append(f'range: [{leaf.low}, {leaf.high}]')
        _add_range(out, leaf)
    out.additional_constraints = '; '.join(limits)
    return out


def _add_range(out: ParameterDescriptor, leaf: Setting) -> None:
    if leaf.kind is float:
        low = float('-inf') if leaf.low is None else float(leaf.low)
        high = float('inf') if leaf.high is None else float(leaf.high)
        out.floating_point_range = [FloatingPointRange(from_value=low, to_value=high, step=0.0)]
    elif leaf.kind is int:
        low = -_INT64 if leaf.low is None else int(leaf.low)
        high = _INT64 if leaf.high is None else int(leaf.high)
        out.integer_range = [IntegerRange(from_value=low, to_value=high, step=1)]


def _change(cls: type, live: Mapping[str, Callable[[Any], None]],
            changes: Iterable[Parameter[Any]], where: str) -> SetParametersResult:
    """Check all changes first, then tell the node of each."""
    values = {p.name: p.value for p in changes if p.name in live}
    try:
        settings = flatten(build_exactly(cls, values, where))
        for name in values:
            live[name](settings[name])
    except InputError as error:
        return SetParametersResult(successful=False, reason=str(error))
    return SetParametersResult(successful=True)
