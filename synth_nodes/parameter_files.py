"""
Checking ROS 2 parameter files before anything is started.

A file is refused when a section names no node of this package, or would not reach its node in
the namespace it runs in, or holds a parameter that no such node has, or one of a wrong type or
range. ROS itself stays silent about the first two.
"""

from collections.abc import Iterator, Mapping, Sequence
import difflib
from pathlib import Path
import re
from typing import Any

import yaml

from synth_nodes.errors import InputError
from synth_nodes.files import unreadable
from synth_nodes.ros.exact import build_exactly
from synth_nodes.settings import leaves, specialised

BUILT_IN = ('use_sim_time', 'start_type_description_service', 'qos_overrides.')
"""Parameters of every rclpy node: a name, or a prefix that ends with a dot."""
_FLOAT = re.compile(r'[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+')


def check_file(path: Path, nodes: Mapping[str, type], started: Sequence[str],
               namespace: str = '') -> None:
    """
    Check one parameter file.

    :param path: YAML file as `--params-file` takes it.
    :param nodes: settings class of every node of the package, by node name.
    :param started: the nodes that will be started.
    :param namespace: where they run, such as ``/robot1``; empty for the root.
    :raises InputError: naming the file, the section, the parameter and the remedy.
    """
    for section, values in sections(path):
        where = f'{path}: {section}'
        node = section.rsplit('/', 1)[-1]
        if node in ('*', '**'):
            _check_shared(values, nodes, where)
            continue
        if node not in nodes:
            near = (difflib.get_close_matches(node, [*nodes], n=1, cutoff=0.0) or ['/**'])[0]
            raise InputError(f"{where}: there is no node '{node}'; did you mean '{near}'?")
        if node in started and not _reaches(section, f'{namespace}/{node}'):
            raise InputError(
                f"{where}: this section does not reach '{namespace}/{node}'; "
                f"write '/**/{node}' to reach it in every namespace")
        build_exactly(nodes[node], values, where)


def check_value(node: str, cls: type, name: str, value: object, where: str) -> None:
    """
    Check one parameter that a launch argument sets.

    :raises InputError: when the node has no such parameter or does not accept the value.
    """
    if name not in {leaf.name for leaf in leaves(specialised(cls, [name]))}:
        raise InputError(f"{where}: {node} has no parameter '{name}'")
    build_exactly(cls, {name: value}, where)


def sections(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """
    Read a parameter file.

    :return: pairs of a section's name and its parameters, flat with dotted names.
    :raises InputError: when the file cannot be read, or is not a parameter file.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise unreadable(path, error) from None
    except UnicodeDecodeError:
        raise InputError(f'{path}: is not text in UTF-8') from None
    except yaml.YAMLError as error:
        mark = getattr(error, 'problem_mark', None)
        line = f' in line {mark.line + 1}' if mark else ''
        problem = getattr(error, 'problem', None) or 'syntax error'
        raise InputError(f'{path}: is not valid YAML{line}: {problem}') from None
    if not isinstance(content, dict):
        raise InputError(f'{path}: must map node names to parameters, as in '
                         f"'/**: {{ros__parameters: {{...}}}}'")
    yield from _walk(content, '', path)


def _walk(content: Mapping[Any, Any], above: str,
          path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, value in content.items():
        name = f'{above}/{key}'.replace('//', '/') if above else str(key)
        if not isinstance(value, dict):
            raise InputError(f"{path}: {name}: must hold 'ros__parameters:' and the parameters "
                             f'below it, not {value!r}')
        if 'ros__parameters' not in value:
            yield from _walk(value, name, path)
            continue
        extra = [str(k) for k in value if k != 'ros__parameters']
        if extra:
            raise InputError(f"{path}: {name}: '{extra[0]}' must be indented below "
                             f"'ros__parameters:'")
        flat: dict[str, Any] = {}
        _flatten(value['ros__parameters'] or {}, '', flat, f'{path}: {name}')
        yield name, flat


def _flatten(values: object, prefix: str, flat: dict[str, Any], where: str) -> None:
    if not isinstance(values, dict):
        raise InputError(f"{where}: 'ros__parameters' must map names to values, not {values!r}")
    for key, value in values.items():
        name = f'{prefix}{key}'
        if isinstance(value, dict):
            _flatten(value, f'{name}.', flat, where)
        elif not _is_built_in(name):
            flat[name] = _scalar(value)


def _scalar(value: object) -> object:
    """Read 1e-3 as the number that ROS takes it for; YAML 1.1 calls it a string."""
    if isinstance(value, str) and _FLOAT.fullmatch(value):
        return float(value)
    return value


def _is_built_in(name: str) -> bool:
    return any(name == b or (b.endswith('.') and name.startswith(b)) for b in BUILT_IN)


def _check_shared(values: Mapping[str, Any], nodes: Mapping[str, type], where: str) -> None:
    names = {cls: {leaf.name for leaf in leaves(specialised(cls, values))}
             for cls in nodes.values()}
    every = sorted(set().union(*names.values()))
    for name, value in values.items():
        owners = [cls for cls, known in names.items() if name in known]
        if not owners:
            near = (difflib.get_close_matches(name, every, n=1, cutoff=0.0) or ['(none)'])[0]
            raise InputError(f"{where}: no node has a parameter '{name}'; did you mean '{near}'?")
        for cls in owners:
            build_exactly(cls, {name: value}, where)


def _reaches(section: str, node: str) -> bool:
    """Match as rcl does: '*' is one token of a name, '**' any number of them."""
    pattern = re.escape('/' + section.strip('/'))
    pattern = pattern.replace(r'/\*\*', r'(/\w+)*').replace(r'\*', r'\w+')
    return re.fullmatch(pattern, node) is not None
