import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.types import GridMap
from synth_nodes.world.layouts import generate_scene
from synth_nodes.world.map_io import save_map
from synth_nodes.world.scene import FloorLine, GridSource, Light, Scene, Surface
from synth_nodes.world.scene_dress import dress, DressSettings
from synth_nodes.world.scene_io import (
    building,
    load_scene,
    save_scene,
    scene_to_text,
    text_to_scene,
)
from synth_nodes.world.scene_pack import SceneAtlas
from synth_nodes.world.scene_rows import occupancy_to_rows, rows_to_occupancy


def room(rows=80, columns=120):
    cells = np.zeros((rows, columns), np.int8)
    cells[[0, -1]] = 100
    cells[:, [0, -1]] = 100
    return GridMap(cells, 0.05, (1.0, -2.0, 0.3), 'room')


def assert_same(a, b):
    for f in dataclasses.fields(Scene):
        x, y = getattr(a, f.name), getattr(b, f.name)
        if f.name == 'grid':
            assert (x.occupancy == y.occupancy).all()
            assert x.resolution == y.resolution and x.origin == y.origin
        elif f.name == 'lines':
            assert len(x) == len(y)
            for p, q in zip(x, y, strict=True):
                assert (p.points == q.points).all()
                assert (p.width, p.colour) == (q.width, q.colour)
        elif f.name in ('boxes', 'cylinders', 'patches'):
            assert (x == y).all()
        elif f.name != 'source':
            assert x == y, f.name


@pytest.mark.parametrize('seed', [0, 1])
def test_scene_survives_its_file(tmp_path, seed):
    scene = dress(room(), seed, DressSettings(boxes=2, cylinders=2))
    assert len(scene.boxes) and len(scene.cylinders) and len(scene.lines) == 2
    assert_same(load_scene(save_scene(scene, tmp_path / 'a.yaml')), scene)
    assert [p.name for p in tmp_path.iterdir()] == ['a.yaml']


def test_materials_and_patches_survive_the_file(tmp_path):
    scene = Scene(room(), (Surface(), Surface(material='glass'), Surface(material='mirror')),
                  ceiling=-1, walls=0, patches=np.array([[1.0, 2.0, 0.3, 2.0, 0.5, 1.0]]))
    path = save_scene(scene, tmp_path / 'm.yaml')
    assert 'material: glass' in path.read_text()
    assert_same(load_scene(path), scene)


def test_generated_grid_is_named_by_its_seed(tmp_path):
    grid, source = building(3, 14.0, 10.0)
    scene = dress(grid, 1, source=source)
    path = save_scene(scene, tmp_path / 'b.yaml')
    assert 'rows' not in path.read_text() and 'seed: 3' in path.read_text()
    assert_same(load_scene(path), scene)


def test_map_is_referred_to_relative_to_the_scene(tmp_path):
    path = save_map(room(), tmp_path / 'maps', 'office')
    scene = dress(room(), 1, source=GridSource('map', path=path))
    file = save_scene(scene, tmp_path / 'scenes' / 'c.yaml')
    assert '../maps/office.yaml' in file.read_text()
    assert_same(load_scene(file), scene)


@settings(max_examples=40, deadline=None)
@given(arrays(np.int8, st.tuples(st.integers(1, 9), st.integers(1, 9)),
              elements=st.integers(-1, 100)))
def test_run_length_rows_are_exact(cells):
    assert (rows_to_occupancy(occupancy_to_rows(cells)) == cells).all()


def test_same_seed_dresses_alike_and_another_differently():
    a, b, c = (dress(room(), seed, DressSettings(boxes=3)) for seed in (5, 5, 6))
    assert_same(a, b)
    assert a.surfaces != c.surfaces and not np.array_equal(a.boxes, c.boxes)


def test_furniture_leaves_room_to_pass():
    scene = dress(room(), 2, DressSettings(boxes=3, cylinders=3, lines=0))
    places = np.concatenate((scene.boxes[:, :2], scene.cylinders[:, :2]))
    cells = scene.grid.to_cells(places) * 0.05
    assert (cells > 0.7).all() and (cells < np.array([120, 80]) * 0.05 - 0.7).all()


@pytest.mark.parametrize(('text', 'words'), [
    ('[1, 2', 'not YAML'),
    ('3', 'mapping'),
    ('scene: 2', "'scene' = 2"),
    ('scene: 1', "'grid' is missing"),
    ('{scene: 1, grid: {rows: ["3."]}, colour: red}', "unknown key 'colour'"),
    ('{scene: 1, grid: {rows: ["3.", "4."]}}', 'same number'),
    ('{scene: 1, grid: {rows: [abc]}}', 'must be runs'),
    ('{scene: 1, grid: {rows: ["99999999999."]}}', 'more than'),
    ('{scene: 1, grid: {rows: ["3."], resolution: -1}}', 'above 0'),
    ('{scene: 1, grid: {map: none.yaml}}', 'none.yaml'),
    ('{scene: 1, grid: {building: {seed: x}}}', 'integer'),
    ('{scene: 1, grid: {rows: ["3."]}, boxes: [[1, 2]]}', 'each row must be'),
    ('{scene: 1, grid: {rows: ["3."]}, boxes: [[0, 0, 0, 1, 1, -1, 0]]}', 'height'),
    ('{scene: 1, grid: {rows: ["3."]}, cylinders: [[0, 0, .nan, 1, 0]]}', 'NaN'),
    ('{scene: 1, grid: {rows: ["3."]}, cylinders: [[0, 0, 1, 1, 9]]}', 'names no surface'),
    ('{scene: 1, grid: {rows: ["3."]}, lines: [{points: [[0, 0]]}]}', 'two or more'),
    ('{scene: 1, grid: {rows: ["3."]}, lines: [{width: 1}]}', 'points is missing'),
    ('{scene: 1, grid: {rows: ["3."]}, surfaces: [{pattern: fur}]}', 'one of plain'),
    ('{scene: 1, grid: {rows: ["3."]}, surfaces: [{material: wool}]}', 'one of matt'),
    ('{scene: 1, grid: {rows: ["3."]}, patches: [[0, 0, 0, 0, 1, 0]]}', 'patches[0].length'),
    ('{scene: 1, grid: {rows: ["3."]}, light: {colour: [1, 2, 3]}}', 'red, green, blue'),
    ('{scene: 1, grid: {rows: ["3."]}, wall_height: tall}', 'a number'),
])
def test_bad_file_is_refused_in_one_line(tmp_path, text, words):
    path = tmp_path / 'bad.yaml'
    path.write_text(text)
    with pytest.raises(InputError) as error:
        load_scene(path)
    assert words in str(error.value) and '\n' not in str(error.value)
    assert 'bad.yaml' in str(error.value)


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match='cannot be read'):
        load_scene(tmp_path / 'no.yaml')


def test_atlas_counts_surfaces_through_all_scenes():
    one = Scene(room(), surfaces=(Surface(),) * 3, boxes=[[3, 0, 0, 1, 1, 1, 2]])
    two = Scene(room(), surfaces=(Surface(),) * 2, ceiling=-1, light=Light(),
                cylinders=[[3, 0, 0.2, 1, 1]], lines=(FloorLine([[0, 0], [1, 0], [1, 1]]),))
    arrays_ = SceneAtlas.build([one, two]).arrays
    assert arrays_.first.tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 2]]
    assert arrays_.boxes[0, 6] == 2 and arrays_.cylinders[0, 4] == 4
    assert arrays_.surface.tolist() == [[0, 1, 2], [3, 4, -1]]


@pytest.mark.parametrize('layout', ['warehouse', 'track_curved'])
def test_scene_survives_as_text_without_any_file(layout):
    scene = generate_scene(layout, 3)
    assert_same(text_to_scene(scene_to_text(scene)), scene)
    assert '\n' not in scene_to_text(scene)


def test_text_that_is_no_scene_is_refused():
    for text in ('{', '{"scene": 1}', '[]', '{"scene": 2, "grid": {}}'):
        with pytest.raises(InputError, match='scene from another node'):
            text_to_scene(text)


def test_layout_in_a_file_is_generated_and_changed_by_what_stands_beside_it(tmp_path):
    path = tmp_path / 'hall.yaml'
    path.write_text('scene: 1\nlayout: {name: warehouse, seed: 3}\nwall_height: 4.5\n')
    scene, want = load_scene(path), generate_scene('warehouse', 3)
    assert (scene.boxes == want.boxes).all() and len(scene.lines) == len(want.lines)
    assert scene.wall_height == 4.5 and scene.name == 'hall'
    path.write_text('scene: 1\nlayout: {name: warehouse}\nboxes: []\n')
    assert not len(load_scene(path).boxes)


@pytest.mark.parametrize(('text', 'says'), [
    ('layout: {name: cellar}', "layout = 'cellar'"),
    ('layout: {name: doors, size: 3}', "unknown key 'size'"),
    ('layout: {name: doors}\ngrid: {building: {seed: 1}}', "'grid' is missing"),
    ('name: nothing', "'grid' is missing")])
def test_layout_that_cannot_be_is_refused(tmp_path, text, says):
    path = tmp_path / 's.yaml'
    path.write_text(f'scene: 1\n{text}\n')
    with pytest.raises(InputError, match=says):
        load_scene(path)
