from pathlib import Path
import re

import numpy as np
import pytest
import yaml

from synth_nodes import resources
from synth_nodes.bringup import parse_assignments, Plan, plan, Process, profiles
from synth_nodes.errors import InputError
from synth_nodes.graphs import GRAPHS, PUBLIC_GRAPHS
from synth_nodes.nodes.parameters import NODE_PARAMETERS
from synth_nodes.parameter_files import sections
from synth_nodes.types import GridMap
from synth_nodes.world.map_io import save_map


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    return save_map(GridMap(np.zeros((20, 20), np.int8), 0.05), tmp_path, 'm')


def planned(graph: str, *words: str, environ: dict[str, str] | None = None) -> Plan:
    return plan(GRAPHS[graph], parse_assignments(list(words)), environ or {})


@pytest.mark.parametrize('graph', GRAPHS)
def test_each_graph_plans_with_its_defaults(graph: str) -> None:
    made = planned(graph)
    assert [p.name for p in made.processes] == [
        n.name for n in GRAPHS[graph].nodes if not n.needs]
    assert all(file.is_file() for p in made.processes for file in p.files)


@pytest.mark.parametrize('graph', PUBLIC_GRAPHS)
def test_every_public_graph_has_a_launch_file(graph: str) -> None:
    text = resources.share('launch', f'{graph}.launch.py').read_text()
    assert f"launch_description('{graph}')" in text


@pytest.mark.parametrize('graph', ['sim', 'train', 'demo'])
def test_camera_starts_where_it_is_asked_for(graph: str) -> None:
    names = [p.name for p in planned(graph, 'camera:=true').processes]
    assert names == [n.name for n in GRAPHS[graph].nodes if n.needs != 'monitor']


@pytest.mark.parametrize('graph', ['sim', 'robot'])
def test_monitor_node_starts_where_it_is_asked_for(graph: str) -> None:
    names = [p.name for p in planned(graph, 'monitor:=true').processes]
    assert names == [n.name for n in GRAPHS[graph].nodes if n.needs != 'camera']


def test_robot_runs_policy_and_safety_only_in_real_time() -> None:
    made = planned('robot')
    assert [p.name for p in made.processes] == ['policy_node', 'safety_monitor_node']
    assert not any(p.parameters['use_sim_time'] for p in made.processes)
    assert 'ROS_AUTOMATIC_DISCOVERY_RANGE' not in made.environment


def test_namespace_reaches_every_command() -> None:
    for process in planned('sim', 'namespace:=fleet/robot1').processes:
        assert '__ns:=/fleet/robot1' in process.command()


def written(process: Process, folder: Path) -> dict[str, object]:
    """Read the parameters back as the node's own section says them."""
    ((section, values),) = sections(process.write_parameters(folder))
    assert section == f'{process.namespace}/{process.name}'
    return values


def test_arguments_reach_the_nodes_that_take_them(chart: Path, tmp_path: Path) -> None:
    world, lidar, *_ = planned('sim', f'map:={chart}', 'rate:=4').processes
    assert written(world, tmp_path) == {
        'map': str(chart), 'rate': 4.0, 'with_camera': False}
    assert written(lidar, tmp_path) == {}


def test_arguments_are_read_after_every_file(tmp_path: Path) -> None:
    file = tmp_path / 'mine.yaml'
    file.write_text('/**: {ros__parameters: {rate: 2.0}}')
    world = planned('sim', f'params_file:={file}', 'namespace:=r1', 'rate:=4').processes[0]
    own = world.write_parameters(tmp_path)
    words = world.command(own)
    files = [w for i, w in enumerate(words) if words[i - 1] == '--params-file']
    assert files[-2:] == [str(file), str(own)]
    assert next(iter(yaml.safe_load(own.read_text()))) == '/r1/world_node'


def test_a_map_that_looks_like_a_number_stays_a_string(
    chart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    chart.rename('12')
    world = planned('sim', 'map:=12').processes[0]
    assert written(world, tmp_path) == {'map': f'{tmp_path}/12', 'with_camera': False}


def test_the_demo_reads_its_profile_after_that_of_the_simulation() -> None:
    for process in planned('demo').processes:
        assert [f.name for f in process.files] == ['safety.yaml', 'sim.yaml', 'demo.yaml']


def test_user_file_comes_last(tmp_path: Path) -> None:
    file = tmp_path / 'mine.yaml'
    file.write_text('/**: {ros__parameters: {robot.max_speed: 0.4}}')
    for process in planned('train', f'params_file:={file}').processes:
        assert [f.name for f in process.files] == [
            'safety.yaml', 'sim.yaml', 'train.yaml', 'mine.yaml']


@pytest.mark.parametrize(('words', 'says'), [
    (['rat:=2'], "'rat' is unknown to graph 'sim'"),
    (['rate'], 'must have the form name:=value'),
    (['rate:=1', 'rate:=2'], 'given twice'),
    (['rate:=fast'], "'rate' = 'fast' must be a number"),
    (['rate:=1000'], 'outside'),
    (['rate:=nan'], 'finite'),
    (['use_sim_time:=yes'], 'must be true or false'),
    (['namespace:=a-b'], "'namespace' = 'a-b'"),
    (['profile:=mars'], "'profile' = 'mars' must be one of"),
    (['map:=/nowhere.yaml'], '/nowhere.yaml: cannot be read'),
    (['params_file:=/nowhere.yaml'], '/nowhere.yaml: cannot be read'),
])
def test_bad_arguments_are_refused_with_one_line(words: list[str], says: str) -> None:
    with pytest.raises(InputError, match=re.escape(says)) as caught:
        planned('sim', *words)
    assert '\n' not in str(caught.value)


def test_user_environment_is_never_overridden() -> None:
    own = {'FASTDDS_DEFAULT_PROFILES_FILE': 'mine.xml', 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET'}
    made = planned('sim', environ=own)
    assert not own.keys() & made.environment.keys()
    assert made.notes == ()


def test_defaults_that_are_set_are_said() -> None:
    made = planned('sim')
    assert made.environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    assert Path(made.environment['FASTDDS_DEFAULT_PROFILES_FILE']).is_file()
    for name in ('ROS_AUTOMATIC_DISCOVERY_RANGE', 'FASTDDS_DEFAULT_PROFILES_FILE'):
        assert any(name in note for note in made.notes)


def test_packaged_files_reach_their_nodes_in_any_namespace() -> None:
    for file in (resources.share('config', f'{name}.yaml') for name in profiles()):
        names = [name for name, _ in sections(file)]
        assert names and all(n == '/**' or n.startswith('/**/') for n in names), file


def test_packaged_files_name_only_real_nodes() -> None:
    for file in (resources.share('config', f'{name}.yaml') for name in profiles()):
        nodes = {n.rsplit('/', 1)[-1] for n in yaml.safe_load(file.read_text())} - {'**'}
        assert nodes <= NODE_PARAMETERS.keys()


def test_robot_of_simulation_and_reality_are_configured_alike() -> None:
    """A policy that is tried in simulation meets the same limits on the robot."""
    shared = [dict(next(v for n, v in sections(resources.share('config', f)) if n == '/**'))
              for f in ('sim.yaml', 'robot.yaml')]
    common = shared[0].keys() & shared[1].keys()
    assert {k: shared[0][k] for k in common} == {k: shared[1][k] for k in common}
