import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.types import GridMap
from synth_nodes.world.layouts import generate_scene
from synth_nodes.world.map_io import save_map
from synth_nodes.world.places import check_place, name_of, open_place
from synth_nodes.world.scene import Scene
from synth_nodes.world.scene_io import save_scene


@pytest.fixture
def room():
    cells = np.zeros((80, 120), np.int8)
    cells[[0, -1]] = 100
    return GridMap(cells, 0.05, name='room')


def test_a_map_file_is_a_plain_place(tmp_path, room):
    path = save_map(room, tmp_path, 'room')
    scene, plain = open_place(str(path))
    assert plain and (scene.grid.occupancy == room.occupancy).all()
    assert scene.source.path == path and check_place(str(path)) == str(path)


def test_a_scene_file_is_told_from_a_map_by_what_is_in_it(tmp_path, room):
    path = save_scene(Scene(room, boxes=np.array([[2.0, 2.0, 0, 1, 1, 1, 0]])),
                      tmp_path / 'map.yaml')
    scene, plain = open_place(str(path))
    assert not plain and len(scene.boxes) == 1


def test_a_layout_is_named_with_or_without_its_seed():
    named = open_place('layout:doors:4').scene
    assert (named.grid.occupancy == generate_scene('doors', 4).grid.occupancy).all()
    default = open_place('layout:doors', seed=4).scene
    assert (default.grid.occupancy == named.grid.occupancy).all()
    assert check_place('layout:doors:4') == 'layout:doors:4'
    assert name_of('layout:doors:4') == 'the generated scene doors'


def test_no_word_is_a_building():
    scene, plain = open_place('', 2)
    assert plain and scene.source.building[0] == 2 and check_place('') == ''


@pytest.mark.parametrize('word', ['layout:cellar', 'layout:', 'layout:doors:x', 'nowhere.yaml'])
def test_a_place_that_is_not_there_is_refused(word):
    for use in (open_place, check_place):
        with pytest.raises(InputError, match=word.split(':')[-1] or 'layout'):
            use(word)
