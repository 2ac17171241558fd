from dataclasses import replace
from multiprocessing import get_context

import pytest

from synth_nodes.errors import InputError
from synth_nodes.export.registry import is_registry, Registry
from synth_nodes.policy.goal_reaching import goal_reaching_contract
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import LidarSpec, RobotSpec


def make_pair(folder, content=b'a model'):
    folder.mkdir(parents=True, exist_ok=True)
    contract = goal_reaching_contract(RobotSpec(), ObservationSpec(), LidarSpec())
    (folder / 'policy.onnx').write_bytes(content)
    (folder / 'policy.json').write_text(replace(contract).for_file(content).to_json())
    return folder


def add_some(root, source):
    for _ in range(5):
        Registry(root).add(source)


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / 'registry')


def test_version_is_added_without_becoming_current(registry, tmp_path):
    version = registry.add(make_pair(tmp_path / 'a'))
    assert version.startswith('0001-')
    assert registry.current() is None
    assert not is_registry(registry.root)
    assert [v.current for v in registry.list()] == [False]


def test_promote_and_rollback_move_the_pointer(registry, tmp_path):
    first = registry.add(make_pair(tmp_path / 'a', b'one'))
    second = registry.add(make_pair(tmp_path / 'b', b'two'))
    registry.promote(first)
    registry.promote(second)
    registry.promote(second)
    assert registry.current() == second
    assert (registry.path() / 'policy.onnx').read_bytes() == b'two'
    assert registry.rollback() == first == registry.current()
    with pytest.raises(InputError, match='no earlier version'):
        registry.rollback()


def test_damaged_pair_is_not_added_and_leaves_nothing(registry, tmp_path):
    source = make_pair(tmp_path / 'a')
    (source / 'policy.onnx').write_bytes(b'a mode')
    with pytest.raises(InputError, match='truncated'):
        registry.add(source)
    assert registry.list() == []


def test_version_damaged_on_disk_is_not_promoted(registry, tmp_path):
    version = registry.add(make_pair(tmp_path / 'a'))
    assert registry.verify(version).size == 7
    (registry.path(version) / 'policy.onnx').write_bytes(b'A model')
    with pytest.raises(InputError, match='sha256'):
        registry.promote(version)
    assert registry.current() is None


@pytest.mark.parametrize('act, word', [
    (lambda r: r.promote('0009-none'), "no version '0009-none'"),
    (lambda r: r.path(), 'no current version'),
    (lambda r: r.add(r.root / 'nothing'), 'cannot read model')])
def test_mistakes_get_one_clear_line(registry, act, word):
    with pytest.raises(InputError, match=word) as caught:
        act(registry)
    assert '\n' not in str(caught.value)


def test_damaged_pointer_says_what_to_do(registry, tmp_path):
    registry.promote(registry.add(make_pair(tmp_path / 'a')))
    (registry.root / 'current.json').write_text('{"promoted": ')
    with pytest.raises(InputError, match='delete it and promote'):
        registry.current()


def test_writers_at_once_get_numbers_of_their_own(registry, tmp_path):
    source = make_pair(tmp_path / 'a')
    context = get_context('spawn')
    writers = [context.Process(target=add_some, args=(registry.root, source)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
        assert writer.exitcode == 0
    numbers = [v.id.split('-')[0] for v in registry.list()]
    assert numbers == [f'{k:04d}' for k in range(1, 16)]
