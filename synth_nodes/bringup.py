"""
Starting the graphs of :mod:`synth_nodes.graphs`.

One description of each graph feeds `ros2 launch` (:func:`launch_description`) and the package's
own `synth-nodes launch` (:func:`run`), which starts the same executables with the same parameter
files as separate processes.
"""

import atexit
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
import os
from pathlib import Path
import re
from shutil import rmtree
import sys
from tempfile import mkdtemp, TemporaryDirectory
from typing import Any

import yaml

from synth_nodes import resources
from synth_nodes.errors import InputError
from synth_nodes.graphs import Argument, Graph, GRAPHS
from synth_nodes.parameter_files import check_file, check_value
from synth_nodes.processes import Child, Echo, Outcome, print_line, run_group

PACKAGE = 'synth_nodes'


@dataclass(frozen=True)
class Process:
    """A node with everything decided."""

    name: str
    namespace: str
    """As `/robot1`; empty for the root."""
    files: tuple[Path, ...]
    """Parameter files; a later one overrides an earlier one."""
    parameters: Mapping[str, bool | int | float | str]
    """Parameters that override all files; see :meth:`write_parameters`."""
    remaps: tuple[tuple[str, str], ...]
    ends_graph: bool
    nice: int

    def write_parameters(self, folder: Path) -> Path:
        """
        Write the parameters that override all files to a file of their own.

        It names the node in full: `-p name:=value`, as other places do it, counts as a section
        for all nodes, over which any section for one node takes precedence.

        :param folder: existing folder.
        """
        file = folder / f'{self.name}.yaml'
        section = {'ros__parameters': dict(self.parameters)}
        file.write_text(yaml.safe_dump({f'{self.namespace}/{self.name}': section}))
        return file

    def command(self, *extra: Path) -> tuple[str, ...]:
        """
        Return the command line that starts this node without an installation of ROS.

        :param extra: parameter files to read last.
        """
        words = [sys.executable, '-m', f'{PACKAGE}.nodes.{self.name}', '--ros-args']
        if self.namespace:
            words += ['-r', f'__ns:={self.namespace}']
        for pair in self.remaps:
            words += ['-r', ':='.join(pair)]
        for file in (*self.files, *extra):
            words += ['--params-file', str(file)]
        return tuple(words)


@dataclass(frozen=True)
class Plan:
    """A graph with its launch arguments applied and checked, ready to start."""

    graph: Graph
    processes: tuple[Process, ...]
    environment: Mapping[str, str]
    """Variables to set on top of the user's."""
    notes: tuple[str, ...]
    """What the user should know about how it starts, one line each."""


def profiles() -> list[str]:
    """Names of the packaged parameter files; `config` holds other kinds of files too."""
    return sorted(p.stem for p in resources.share('config').glob('*.yaml')
                  if 'ros__parameters:' in p.read_text(encoding='utf-8'))


def parse_assignments(words: list[str]) -> dict[str, str]:
    """
    Read `name:=value` words.

    :raises InputError: on a word of another form, or a name given twice.
    """
    values: dict[str, str] = {}
    for word in words:
        name, separator, value = word.partition(':=')
        if not separator or not name:
            raise InputError(f"launch argument '{word}' must have the form name:=value")
        if name in values:
            raise InputError(f"launch argument '{name}' is given twice")
        values[name] = value
    return values


def plan(graph: Graph, values: Mapping[str, str], environ: Mapping[str, str]) -> Plan:
    """
    Apply launch arguments to a graph and check all that can be checked before it starts.

    :param values: launch arguments by name; those left out keep their defaults.
    :param environ: the user's environment, which the package's defaults never override.
    :raises InputError: on an unknown or unusable argument, a bad parameter file or a bad map.
    """
    from synth_nodes.nodes.parameters import NODE_PARAMETERS
    from synth_nodes.world.places import check_place

    settled = _settle(graph, values)
    namespace = _namespace(str(settled.pop('namespace')))
    files = _files(graph, str(settled.pop('profile')),
                   str(settled.pop('params_file')))
    for file in files:
        check_file(file, NODE_PARAMETERS, [n.name for n in graph.nodes], namespace)
    if settled.get('map'):
        settled['map'] = check_place(str(settled['map']))
    processes = []
    for node in graph.nodes:
        if node.needs and not settled[node.needs]:
            continue
        given = {p: settled[a] for p, a in node.parameters if settled[a] != ''}
        for name, value in given.items():
            check_value(node.name, NODE_PARAMETERS[node.name], name, value, 'launch argument')
        processes.append(Process(
            node.name, namespace, files, {'use_sim_time': settled['use_sim_time'], **given},
            node.remaps, node.ends_graph, node.nice))
    environment, notes = _environment(graph, environ)
    return Plan(graph, tuple(processes), environment, notes)


def run(plan: Plan, echo: Echo = print_line) -> Outcome:
    """
    Start a planned graph as separate processes and wait until it ends.

    :param echo: receives each line of output with the name of the node it came from.
    """
    for note in plan.notes:
        echo('launch', note)
    names = ', '.join(p.name for p in plan.processes)
    echo('launch', f"starting graph '{plan.graph.name}': {names}")
    with TemporaryDirectory(prefix='synth_nodes-') as folder:
        children = [
            Child(p.name, p.command(p.write_parameters(Path(folder))), p.ends_graph,
                  p.nice)
            for p in plan.processes]
        outcome = run_group(children, {**_clean(os.environ), **plan.environment}, echo)
    echo('launch', f"graph '{plan.graph.name}' is down: {outcome.reason}")
    return outcome


def launch_description(name: str) -> Any:
    """
    Describe a graph to `ros2 launch`.

    :param name: a graph of this module.
    :return: `launch.LaunchDescription`; needs the package launch_ros.
    """
    launch, actions = import_module('launch'), import_module('launch.actions')
    graph = GRAPHS[name]

    def start(context: Any) -> list[Any]:
        given = {a.name: context.launch_configurations[a.name] for a in graph.arguments}
        return _launch_actions(plan(graph, given, os.environ))

    declared = [actions.DeclareLaunchArgument(a.name, default_value=a.default,
                                              description=a.help)
                for a in graph.arguments]
    return launch.LaunchDescription([*declared, actions.OpaqueFunction(function=start)])


def _launch_actions(plan: Plan) -> list[Any]:
    launch, launch_ros = import_module('launch.actions'), import_module('launch_ros.actions')
    actions: list[Any] = [launch.LogInfo(msg=note) for note in plan.notes]
    actions += [launch.SetEnvironmentVariable(k, v) for k, v in plan.environment.items()]
    folder = Path(mkdtemp(prefix='synth_nodes-'))
    atexit.register(rmtree, folder, ignore_errors=True)
    for process in plan.processes:
        actions.append(launch_ros.Node(
            package=PACKAGE, executable=process.name, namespace=process.namespace,
            parameters=[str(f) for f in (*process.files, process.write_parameters(folder))],
            remappings=list(process.remaps), output='screen',
            prefix=f'nice -n {process.nice}' if process.nice else None,
            on_exit=[launch.Shutdown(reason=f'{process.name} has ended')]))
    return actions


def _settle(graph: Graph, values: Mapping[str, str]) -> dict[str, bool | int | float | str]:
    known = {a.name: a for a in graph.arguments}
    for name in values:
        if name not in known:
            raise InputError(f"launch argument '{name}' is unknown to graph '{graph.name}'; "
                             f'it takes {", ".join(known)}')
    return {a.name: _convert(a, values.get(a.name, a.default)) for a in graph.arguments}


def _convert(argument: Argument, text: str) -> bool | int | float | str:
    if argument.kind is str or text == '':
        if argument.kind is bool:
            raise InputError(f"launch argument '{argument.name}' must be true or false")
        return text
    if argument.kind is bool:
        if text.lower() not in ('true', 'false'):
            raise InputError(
                f"launch argument '{argument.name}' = '{text}' must be true or false")
        return text.lower() == 'true'
    try:
        return int(text) if argument.kind is int else float(text)
    except ValueError:
        word = 'an integer' if argument.kind is int else 'a number'
        raise InputError(f"launch argument '{argument.name}' = '{text}' must be {word}") from None


def _namespace(text: str) -> str:
    tokens = [t for t in text.split('/') if t]
    for token in tokens:
        if not re.fullmatch(r'[A-Za-z_]\w*', token):
            raise InputError(f"launch argument 'namespace' = '{text}' must be made of letters, "
                             f"digits and '_', as in robot1 or fleet/robot1")
    return ''.join(f'/{t}' for t in tokens)


def _files(graph: Graph, profile: str, params_file: str) -> tuple[Path, ...]:
    folder, known = resources.share('config'), profiles()
    if profile not in known:
        raise InputError(f"launch argument 'profile' = '{profile}' must be one of "
                         f'{", ".join(known)}; give a file of your own as params_file:=FILE')
    names = dict.fromkeys((*graph.base, profile))
    files = [folder / f'{name}.yaml' for name in names]
    if params_file:
        files.append(Path(params_file).expanduser().absolute())
    return tuple(files)


def _environment(graph: Graph, environ: Mapping[str, str]) -> tuple[dict[str, str],
                                                                    tuple[str, ...]]:
    """Choose variables to set; what the user has set stays as it is."""
    chosen: dict[str, str] = {}
    notes = []
    profile = 'FASTDDS_DEFAULT_PROFILES_FILE'
    if profile not in environ and 'FASTRTPS_DEFAULT_PROFILES_FILE' not in environ:
        chosen[profile] = str(resources.share('config', 'fastdds.xml'))
        notes.append(f'{profile}={chosen[profile]} (16 MB of shared memory; set it to use yours)')
    # Humble knows only the older variable, which later releases warn about.
    humble = environ.get('ROS_DISTRO') == 'humble'
    reach = 'ROS_LOCALHOST_ONLY' if humble else 'ROS_AUTOMATIC_DISCOVERY_RANGE'
    if graph.localhost and not {reach, 'ROS_LOCALHOST_ONLY'} & set(environ):
        chosen[reach] = '1' if humble else 'LOCALHOST'
        notes.append(f'{reach}={chosen[reach]} (topics stay on this machine; set it to change)')
    checkout = resources.checkout()
    if checkout is not None:
        paths = [str(checkout), environ.get('PYTHONPATH', '')]
        chosen['PYTHONPATH'] = os.pathsep.join(filter(None, paths))
    return chosen, tuple(notes)


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    """
    Remove what the rclpy wheels add to the environment of their process.

    Each child adds it again for its own interpreter; one of another environment would otherwise
    load this one's libraries.
    """
    cleaned = {k: v for k, v in environ.items() if k != '_ROS_WHEELS_BOOTSTRAP_COMPLETE'}
    paths = cleaned.get('LD_LIBRARY_PATH', '').split(os.pathsep)
    kept = [p for p in paths if p and not re.search(r'/site-packages/ros_\w+\.libs/?$', p)]
    cleaned.pop('LD_LIBRARY_PATH', None)
    if kept:
        cleaned['LD_LIBRARY_PATH'] = os.pathsep.join(kept)
    return cleaned
