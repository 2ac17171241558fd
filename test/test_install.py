"""What an installation holds, by pip and by colcon, and that package.xml is sound."""

import os
from pathlib import Path
import shutil
import subprocess
import sys
import zipfile

import pytest

import synth_nodes

ROOT = Path(__file__).resolve().parent.parent
NODES = sorted(f.stem for f in (ROOT / 'synth_nodes' / 'nodes').glob('*_node.py'))
SHARED = ['package.xml', 'launch/sim.launch.py', 'launch/train.launch.py',
          'launch/robot.launch.py', 'config/sim.yaml', 'config/robot.yaml', 'config/train.yaml',
          'models/policy.onnx', 'models/policy.json']


@pytest.fixture(scope='module')
def source(tmp_path_factory):
    """Return a copy of the sources, so that builds leave nothing in the checkout."""
    copy = tmp_path_factory.mktemp('src') / 'synth_nodes'
    ignore = shutil.ignore_patterns('.git', '.venv', 'out', 'build', 'install', 'log', '.*_cache',
                                    '__pycache__', '*.egg-info', '.hypothesis')
    shutil.copytree(ROOT, copy, symlinks=True, ignore=ignore)
    return copy


def _run(command, **kwargs):
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, **kwargs)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_wheel_has_marker_shared_files_and_executables(source, tmp_path):
    _run([sys.executable, '-m', 'pip', 'wheel', '--no-deps', '--no-build-isolation', '-q',
          '-w', str(tmp_path), str(source)])
    wheel = zipfile.ZipFile(next(tmp_path.glob('*.whl')))
    data = f'synth_nodes-{synth_nodes.__version__}.data/data'
    names = set(wheel.namelist())
    assert f'{data}/share/ament_index/resource_index/packages/synth_nodes' in names
    for file in SHARED:
        assert f'{data}/share/synth_nodes/{file}' in names
    for node in NODES:
        info = wheel.getinfo(f'{data}/lib/synth_nodes/{node}')
        assert info.external_attr >> 16 & 0o100, f'{node} is not executable'


def test_colcon_build_installs_what_ros2_looks_for(source, tmp_path):
    pytest.importorskip('colcon_core', reason='colcon is not installed')
    _run([sys.executable, '-m', 'colcon', 'build', '--base-paths', str(source),
          '--build-base', str(tmp_path / 'build'), '--install-base', str(tmp_path / 'install'),
          '--event-handlers', 'console_direct-'],
         cwd=tmp_path, env={**os.environ, 'COLCON_LOG_PATH': str(tmp_path / 'log')})
    prefix = tmp_path / 'install' / 'synth_nodes'
    assert (prefix / 'share/ament_index/resource_index/packages/synth_nodes').is_file()
    for file in SHARED:
        assert (prefix / 'share/synth_nodes' / file).is_file()
    for name in [*NODES, 'synth-nodes']:
        assert os.access(prefix / 'lib/synth_nodes' / name, os.X_OK), name


def test_every_node_has_an_executable():
    assert sorted(f.name for f in (ROOT / 'resource/lib').iterdir()) == NODES


def test_package_xml_is_valid_and_agrees_with_the_package():
    package = pytest.importorskip('catkin_pkg.package').parse_package(str(ROOT / 'package.xml'))
    assert package.name == 'synth_nodes'
    assert package.version == synth_nodes.__version__
    assert package.licenses == ['Apache-2.0']
    assert package.get_build_type() == 'ament_python'


def test_package_xml_names_every_ros_package_imported():
    package = pytest.importorskip('catkin_pkg.package').parse_package(str(ROOT / 'package.xml'))
    declared = {d.name for d in package.exec_depends}
    for file in [*(ROOT / 'synth_nodes').rglob('*.py'), *(ROOT / 'launch').glob('*.py')]:
        for line in file.read_text(encoding='utf-8').splitlines():
            words = line.split()
            if len(words) > 1 and words[0] in ('import', 'from'):
                root = words[1].split('.')[0]
                if root in ('rclpy', 'launch', 'launch_ros', 'tf2_ros', 'ament_index_python') or (
                        root.endswith(('_msgs', '_srvs', '_interfaces'))):
                    assert root in declared, f'{file.name} imports {root}'
