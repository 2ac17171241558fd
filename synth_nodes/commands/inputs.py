"""Inputs that several verbs take: maps, and what robot and lidar are like."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TYPE_CHECKING, TypeVar

import yaml

from synth_nodes.errors import InputError
from synth_nodes.parameter_files import sections
from synth_nodes.settings import build, leaves
from synth_nodes.types import GridMap, LidarSpec, RobotSpec

if TYPE_CHECKING:
    from synth_nodes.dataset.reader import DataSet
    from synth_nodes.sensors.camera_spec import CameraSpec
    from synth_nodes.tasks.detour_settings import DetourSettings

T = TypeVar('T')


def add_robot(parser: argparse.ArgumentParser, what: str = 'robot and lidar') -> None:
    """Add the option that says what robot and lidar, and what else, are like."""
    parser.add_argument('--params-file', type=Path, metavar='FILE',
                        help=f'ROS parameter file whose {what} to use')


def add_settings(parser: argparse.ArgumentParser, what: str = 'another setting') -> None:
    """
    Add the options that change settings and list them.

    :param what: what `--set` changes, for its help.
    """
    parser.add_argument('--set', action='append', default=[], metavar='name=value',
                        help=f'{what}, repeatable; --settings lists them')
    parser.add_argument('--settings', action='store_true', help='list all settings and end')


def robot_and_lidar(file: Path | None) -> tuple[RobotSpec, LidarSpec]:
    """
    Read robot and lidar from the shared sections of a ROS parameter file.

    :param file: None for the defaults.
    :raises InputError: on an unreadable file, an unknown name, a wrong type or range.
    """
    shared = _shared(file)
    return (_group(RobotSpec, 'robot.', shared, file), _group(LidarSpec, 'lidar.', shared, file))


def add_data(parser: argparse.ArgumentParser, what: str) -> None:
    """
    Add the options that name data sets to learn from.

    :param what: help of `--data`.
    """
    parser.add_argument('--data', type=Path, action='append', default=[], metavar='DIR',
                        help=f'{what}, repeatable')
    parser.add_argument('--ungated', action='store_true',
                        help='learn from data sets that failed their quality gate too')


def add_registry(parser: argparse.ArgumentParser, promote: str) -> None:
    """
    Add the options that put a policy into a registry.

    :param promote: help of `--promote`.
    """
    parser.add_argument('--registry', type=Path, help='registry to add the policy to')
    parser.add_argument('--promote', action='store_true', help=promote)


def check_registry(args: argparse.Namespace) -> None:
    """
    Check that there is a registry to promote in, before long work begins.

    :raises InputError: when there is none.
    """
    if args.promote and args.registry is None:
        raise InputError('--promote needs --registry DIR')


def register(args: argparse.Namespace, promote: bool) -> str | None:
    """
    Add the policy in `args.out` to the registry that was named; give its version.

    :param promote: whether to make it the current one.
    """
    from synth_nodes.export.registry import Registry

    if args.registry is None:
        return None
    registry = Registry(args.registry)
    version = registry.add(args.out)
    if promote:
        registry.promote(version)
    return version


def open_sets(folders: Sequence[Path], ungated: bool) -> 'list[DataSet]':
    """
    Open data sets to learn from.

    :param ungated: whether those that failed their quality gate will do.
    :raises InputError: when one cannot be read, failed its gate, or two have the same name.
    """
    from synth_nodes.dataset.gate import gate_problem
    from synth_nodes.dataset.reader import DataSet

    named: dict[str, Path] = {}
    sets = [DataSet(folder) for folder in folders]
    for folder, data in zip(folders, sets, strict=True):
        problem = '' if ungated else gate_problem(folder, data.digest())
        if problem:
            raise InputError(f'{problem}; make it better, or give --ungated')
        if named.setdefault(folder.name, folder) != folder:
            raise InputError(f"data sets {named[folder.name]} and {folder} are both called "
                             f"'{folder.name}'; rename one")
    return sets


def camera_of(file: Path | None) -> 'CameraSpec':
    """
    Read the camera from the shared section of a ROS parameter file.

    :param file: None for the defaults.
    :raises InputError: as :func:`robot_and_lidar`.
    """
    from synth_nodes.sensors.camera_spec import CameraSpec

    return _group(CameraSpec, 'camera.', _shared(file), file)


def given_camera(file: Path | None) -> dict[str, Any]:
    """
    List what a ROS parameter file says of the camera, by the names it has there.

    :raises InputError: when the file cannot be read.
    """
    return {k: v for k, v in _shared(file).items() if k.startswith('camera.')}


def detours_of(file: Path | None) -> 'DetourSettings':
    """
    Read how the planner of a ROS parameter file makes detours.

    :param file: None for the defaults.
    :raises InputError: as :func:`robot_and_lidar`.
    """
    from synth_nodes.tasks.detour_settings import DetourSettings

    values: dict[str, Any] = {}
    for section, parameters in sections(file) if file is not None else ():
        if section.rsplit('/', 1)[-1] in ('**', 'planner_node'):
            values.update(parameters)
    return _group(DetourSettings, 'detour.', values, file)


def load_maps(files: Sequence[Path]) -> list[GridMap]:
    """
    Load Nav2 maps.

    :raises InputError: on a map that cannot be used.
    """
    from synth_nodes.world.map_io import load_map

    return [load_map(file) for file in files]


def settings_from_words(cls: type[T], words: Sequence[str], fixed: dict[str, Any]) -> T:
    """
    Build settings from `name=value` words.

    :param cls: a settings class.
    :param words: as given to `--set`; values are read as YAML.
    :param fixed: values by name that the command line gave otherwise.
    :raises InputError: on a word of another form, an unknown name, a wrong type or range, and a
        `device` that torch cannot use.
    """
    values = dict(fixed)
    for word in words:
        name, separator, text = word.partition('=')
        if not separator:
            raise InputError(f"--set '{word}' must have the form name=value")
        try:
            values[name] = yaml.safe_load(text)
        except yaml.YAMLError:
            raise InputError(f"--set '{word}': the value is not valid YAML") from None
    settings = build(cls, values, '--set')
    device = getattr(settings, 'device', 'cpu')
    if device != 'cpu':
        from synth_nodes.train.device import check_device

        check_device(device)
    return settings


def describe_settings(cls: type) -> str:
    """List the settings of a class for a help text."""
    lines = []
    for leaf in leaves(cls):
        unit = f' {leaf.unit}' if leaf.unit else ''
        lines.append(f'{leaf.name}={leaf.default}{unit}: {leaf.help}')
    return '\n'.join(lines)


def _shared(file: Path | None) -> dict[str, Any]:
    """Read what a parameter file says to all nodes."""
    shared: dict[str, Any] = {}
    if file is not None:
        for section, values in sections(file):
            if section.rsplit('/', 1)[-1] == '**':
                shared.update(values)
    return shared


def _group(cls: type[T], prefix: str, shared: dict[str, Any], file: Path | None) -> T:
    values = {k.removeprefix(prefix): v for k, v in shared.items() if k.startswith(prefix)}
    return build(cls, values, f'{file}: {prefix.rstrip(".")}')
