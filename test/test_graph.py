"""Whole graphs: real processes, in a ROS domain of their own, on this machine only."""

from collections.abc import Iterator
import json
import os
from pathlib import Path
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from rosbags.highlevel import AnyReader

from synth_nodes import resources
from synth_nodes.types import GridMap
from synth_nodes.world.map_io import save_map

pytestmark = pytest.mark.graph
NODES = re.compile(rb'synth_nodes\.nodes\.(\w+)')


@pytest.fixture(autouse=True)
def domain(monkeypatch: pytest.MonkeyPatch) -> str:
    """Keep this test's topics apart from those of all others."""
    number = str(1 + (os.getpid() + 50) % 100)
    monkeypatch.setenv('ROS_DOMAIN_ID', number)
    return number


@pytest.fixture
def shipped_policy() -> Path:
    file = resources.checkout() / 'models' / 'policy.onnx'
    if not file.is_file():
        pytest.skip(f'needs the shipped policy, {file}')
    return file


@pytest.fixture
def hall(tmp_path: Path) -> Path:
    """Make a map: a hall of 12 m by 8 m with a pillar in it."""
    cells = np.zeros((160, 240), np.int8)
    cells[[0, 1, -2, -1]] = cells[:, [0, 1, -2, -1]] = 100
    cells[70:84, 110:124] = 100
    return save_map(GridMap(cells, 0.05), tmp_path, 'hall')


class Launched:
    """A `synth-nodes` command in the background."""

    def __init__(self, *words: str, cwd: Path) -> None:
        environment = {**os.environ, 'PYTHONPATH': str(resources.checkout())}
        self.process = subprocess.Popen(
            [sys.executable, '-m', 'synth_nodes.cli', *words], cwd=cwd, env=environment,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def wait_for(self, words: str, seconds: float = 40.0) -> None:
        end = time.monotonic() + seconds
        while not any(words in line for line in self.lines):
            assert time.monotonic() < end and self.process.poll() is None, self.lines
            time.sleep(0.05)

    def finish(self, seconds: float = 240.0) -> int:
        code = self.process.wait(timeout=seconds)
        self._reader.join(timeout=10)
        return code


@pytest.fixture
def launched(tmp_path: Path) -> Iterator[list[Launched]]:
    """Collect what a test starts, so that nothing is left when it fails."""
    started: list[Launched] = []
    yield started
    for one in started:
        if one.process.poll() is None:
            one.process.send_signal(signal.SIGTERM)
            one.process.wait(timeout=30)


def nodes_running(domain: str) -> dict[str, int]:
    """Find this test's nodes among the machine's processes: name and id."""
    found = {}
    for entry in Path('/proc').iterdir():
        if not entry.name.isdigit():
            continue
        try:
            match = NODES.search((entry / 'cmdline').read_bytes())
            mine = f'ROS_DOMAIN_ID={domain}'.encode() in (entry / 'environ').read_bytes()
        except OSError:
            continue
        if match and mine:
            found[match[1].decode()] = int(entry.name)
    return found


def wait_for_nodes(domain: str, count: int) -> dict[str, int]:
    end = time.monotonic() + 30
    while len(found := nodes_running(domain)) < count:
        assert time.monotonic() < end, found
        time.sleep(0.05)
    return found


def test_demo_reaches_its_goals_and_leaves_a_whole_report(
    shipped_policy: Path, hall: Path, tmp_path: Path, launched: list[Launched], domain: str,
) -> None:
    file = tmp_path / 'quiet.yaml'
    file.write_text('/**/world_node: {ros__parameters: {actors.count: 1}}')
    demo = Launched('demo', '--map', str(hall), '--goals', '2', '--out', 'out',
                    '--params-file', str(file), cwd=tmp_path)
    launched.append(demo)
    assert demo.finish() == 0, demo.lines
    assert nodes_running(domain) == {}
    out = tmp_path / 'out'
    assert {'mission.json', 'map.png', 'report.html', 'recording'} <= {
        p.name for p in out.iterdir()}
    mission = json.loads((out / 'mission.json').read_text())
    assert [g['reached'] for g in mission['goals']] == [True, True]
    assert mission['nodes']['world_node']['collisions'] == 0
    assert mission['chain_latency_ms']['count'] > 50
    with AnyReader([out / 'recording']) as bag:
        counts = {c.topic: c.msgcount for c in bag.connections}
        assert counts['/goal_pose'] == 2
        for topic in ('/map', '/scan', '/odom', '/cmd_vel_raw', '/cmd_vel', '/safety/verdict',
                      '/ground_truth/odom', '/diagnostics', '/path'):
            assert counts[topic] > 0, topic
        for connection, _, data in bag.messages():
            bag.deserialize(data, connection.msgtype)


def test_a_node_that_dies_takes_the_graph_down_and_is_named(
    shipped_policy: Path, tmp_path: Path, launched: list[Launched], domain: str,
) -> None:
    graph = Launched('launch', 'sim', 'namespace:=r1', cwd=tmp_path)
    launched.append(graph)
    pids = wait_for_nodes(domain, 7)
    os.kill(pids['imu_node'], signal.SIGKILL)
    assert graph.finish() == 1
    assert any('imu_node was killed by SIGKILL' in line for line in graph.lines)
    assert nodes_running(domain) == {}


def test_interrupting_a_graph_leaves_no_process(
    shipped_policy: Path, tmp_path: Path, launched: list[Launched], domain: str,
) -> None:
    graph = Launched('launch', 'robot', cwd=tmp_path)
    launched.append(graph)
    wait_for_nodes(domain, 2)
    time.sleep(2.0)
    graph.process.send_signal(signal.SIGINT)
    assert graph.finish(20.0) == 0
    assert any('stopped by SIGINT' in line for line in graph.lines)
    assert not any('Traceback' in line for line in graph.lines)
    assert nodes_running(domain) == {}


def test_a_node_that_refuses_its_input_ends_the_graph_with_exit_code_2(
    tmp_path: Path, launched: list[Launched], domain: str,
) -> None:
    file = tmp_path / 'mine.yaml'
    file.write_text('/**/policy_node: {ros__parameters: {model: nowhere.onnx}}')
    graph = Launched('launch', 'sim', f'params_file:={file}', cwd=tmp_path)
    launched.append(graph)
    assert graph.finish() == 2
    assert any('policy_node ended with exit code 2' in line for line in graph.lines)
    assert not any('Traceback' in line for line in graph.lines)
    assert nodes_running(domain) == {}


def test_a_bad_map_starts_nothing(tmp_path: Path, launched: list[Launched]) -> None:
    graph = Launched('launch', 'sim', 'map:=nowhere.yaml', cwd=tmp_path)
    launched.append(graph)
    assert graph.finish() == 2
    assert len(graph.lines) == 1


def test_a_mission_without_a_graph_gives_up_and_says_what_is_missing(
    tmp_path: Path, domain: str,
) -> None:
    words = [sys.executable, '-m', 'synth_nodes.nodes.mission_node', '--ros-args',
             '-r', '__ns:=/alone', '-p', 'ready_timeout:=1.0', '-p', f'out:={tmp_path}']
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, env={
        **os.environ, 'PYTHONPATH': str(resources.checkout())})
    assert done.returncode == 1
    assert 'still waiting for a planner' in done.stderr
    assert 'map, scan' in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_wrong_parameter_starts_nothing(tmp_path: Path, launched: list[Launched]) -> None:
    file = tmp_path / 'mine.yaml'
    file.write_text('/**/world_node: {ros__parameters: {rate: 7}}')
    graph = Launched('launch', 'sim', f'params_file:={file}', cwd=tmp_path)
    launched.append(graph)
    assert graph.finish() == 2
    assert len(graph.lines) == 1
    assert 'write 7.0' in graph.lines[0]


def test_ros2_launch_describes_the_same_graph(tmp_path: Path) -> None:
    launch = pytest.importorskip(
        'launch.actions', reason='the package launch is not on PyPI; it comes with ROS 2')
    pytest.importorskip('launch_ros', reason='launch_ros comes with ROS 2')
    from synth_nodes.bringup import launch_description
    from synth_nodes.graphs import GRAPHS

    for graph in ('sim', 'train', 'robot'):
        entities = launch_description(graph).entities
        declared = [e.name for e in entities if isinstance(e, launch.DeclareLaunchArgument)]
        assert declared == [a.name for a in GRAPHS[graph].arguments]
