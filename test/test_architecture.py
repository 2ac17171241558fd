"""The rooms of the package, held by reading imports: data flows down, imports point up."""

import ast
from pathlib import Path
import subprocess
import sys

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / 'synth_nodes'

# A room may import those before it.
ORDER = [
    'errors', 'settings', 'types', 'files', 'resources', 'world', 'sensors', 'tasks', 'monitor',
    'envs', 'gpu', 'dataset', 'generators', 'metrics', 'policy', 'train', 'export', 'infer',
    'safety', 'ros', 'nodes', 'campaign', 'report', 'graphs', 'parameter_files', 'processes',
    'bringup', 'commands', 'cli',
]
ROS_ROOMS = {'ros', 'nodes'}
ROS_PACKAGES = ('rclpy', 'tf2_ros', 'launch', 'launch_ros', 'rcl_interfaces')
HEAVY = ('torch', 'numba', 'warp', 'gymnasium', 'onnx', 'onnxscript', 'matplotlib', 'rosbags',
         'tqdm')
ROBOT_MODULES = ('synth_nodes.nodes.policy_node', 'synth_nodes.nodes.safety_monitor_node',
                 'synth_nodes.nodes.monitor_node')


def _imports(file: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f'{node.module}.{a.name}' for a in node.names)}
    return found


def _room(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix('.py')


FILES = sorted(f for f in PACKAGE.rglob('*.py') if f.parent != PACKAGE or f.stem != '__init__')


@pytest.mark.parametrize('file', FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_imports_point_up(file):
    room = _room(file)
    assert room in ORDER, f'{room} is not in the list of rooms'
    for name in _imports(file):
        parts = name.split('.')
        if parts[0] == 'synth_nodes' and len(parts) > 1 and parts[1] in ORDER:
            assert ORDER.index(parts[1]) <= ORDER.index(room), f'{file} imports {name}'


@pytest.mark.parametrize('file', FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_only_ros_rooms_import_ros(file):
    if _room(file) in ROS_ROOMS:
        return
    for name in _imports(file):
        root = name.split('.')[0]
        assert root not in ROS_PACKAGES and not root.endswith(('_msgs', '_srvs')), (
            f'{file} imports {name}')


@pytest.mark.parametrize('file', FILES, ids=lambda f: str(f.relative_to(PACKAGE)))
def test_only_the_environments_import_gymnasium(file):
    if _room(file) != 'envs':
        assert 'gymnasium' not in {name.split('.')[0] for name in _imports(file)}


@pytest.mark.parametrize('module', ['batch', 'goal_reaching', 'line_following'])
def test_batched_environments_need_no_gymnasium(module):
    block = f'import sys; sys.modules["gymnasium"] = None; import synth_nodes.envs.{module}'
    done = subprocess.run([sys.executable, '-c', block], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize('module', ROBOT_MODULES)
def test_robot_nodes_import_without_the_workstation_packages(module):
    block = (
        'import sys\n'
        f'for name in {HEAVY!r}: sys.modules[name] = None\n'
        f'import {module}\n'
    )
    done = subprocess.run([sys.executable, '-c', block], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_relative_imports():
    for file in FILES:
        for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'))):
            assert not (isinstance(node, ast.ImportFrom) and node.level), file
