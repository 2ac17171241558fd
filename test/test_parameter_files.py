from pathlib import Path

import pytest

from synth_nodes.errors import InputError
from synth_nodes.nodes.parameters import NODE_PARAMETERS
from synth_nodes.parameter_files import check_file, sections

STARTED = ('world_node', 'policy_node')


def check(tmp_path: Path, text: str, namespace: str = '') -> None:
    file = tmp_path / 'p.yaml'
    file.write_text(text)
    check_file(file, NODE_PARAMETERS, STARTED, namespace)


@pytest.mark.parametrize('section', ['world_node', '/world_node', '/**/world_node', '/**'])
def test_sections_that_reach_a_node_in_the_root_are_accepted(tmp_path: Path, section: str) -> None:
    check(tmp_path, f'{section}: {{ros__parameters: {{rate: 2.0, use_sim_time: true}}}}')


@pytest.mark.parametrize('section', ['/r1/world_node', '/**/world_node', '/*/world_node'])
def test_sections_that_reach_a_node_in_a_namespace_are_accepted(
    tmp_path: Path, section: str,
) -> None:
    check(tmp_path, f'{section}: {{ros__parameters: {{rate: 2.0}}}}', '/r1')


def test_nested_namespaces_are_read(tmp_path: Path) -> None:
    check(tmp_path, 'r1:\n  world_node:\n    ros__parameters: {rate: 2.0}\n', '/r1')


def test_a_section_that_misses_its_node_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not reach '/r1/world_node'"):
        check(tmp_path, 'world_node: {ros__parameters: {rate: 2.0}}', '/r1')


def test_sections_of_nodes_that_are_not_started_may_stay(tmp_path: Path) -> None:
    check(tmp_path, 'trainer_node: {ros__parameters: {promote: false}}', '/r1')


@pytest.mark.parametrize(('text', 'says'), [
    ('world_nod: {ros__parameters: {rate: 2.0}}', "no node 'world_nod'; did you mean 'world_node"),
    ('world_node: {ros__parameters: {rte: 2.0}}', "unknown parameter 'rte'; did you mean 'rate'"),
    ('/**: {ros__parameters: {robot: {max_sped: 1.0}}}', "did you mean 'robot.max_speed'"),
    ('world_node: {ros__parameters: {rate: fast}}', "'rate' = 'fast' must be a number"),
    ('world_node: {ros__parameters: {rate: 7}}', 'write 7.0'),
    ('world_node: {ros__parameters: {rate: 0.0}}', 'outside'),
    ('/**: {ros__parameters: {robot.max_speed: -1.0}}', 'outside'),
    ('policy_node: {ros__parameters: {goal_source: luck}}', 'must be one of'),
    ('world_node: {rate: 2.0}', 'ros__parameters'),
    ('world_node: {ros__parameters: {rate: 2.0}, seed: 1}', 'must be indented below'),
    ('world_node: {ros__parameters: 3}', 'must map names to values'),
    ('- a', 'must map node names'),
    ('world_node: {ros__parameters: {rate: 2.0', 'not valid YAML in line'),
])
def test_bad_files_are_refused_with_one_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        check(tmp_path, text)
    assert says in str(caught.value)
    assert str(tmp_path / 'p.yaml') in str(caught.value)
    assert '\n' not in str(caught.value)


def test_binary_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / 'p.yaml'
    file.write_bytes(b'\xff\xfe\x00')
    with pytest.raises(InputError, match='UTF-8'):
        check_file(file, NODE_PARAMETERS, STARTED)


def test_numbers_are_read_as_ros_reads_them(tmp_path: Path) -> None:
    file = tmp_path / 'p.yaml'
    file.write_text('world_node: {ros__parameters: {max_lead: 1e-1}}')
    assert dict(sections(file)) == {'world_node': {'max_lead': 0.1}}
