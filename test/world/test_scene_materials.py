import numpy as np
import pytest

from synth_nodes.types import GridMap
from synth_nodes.world.scene import MATERIALS
from synth_nodes.world.scene_dress import dress, DressSettings
from synth_nodes.world.scene_io import load_scene, save_scene
from synth_nodes.world.scene_materials import vary_materials


def room():
    cells = np.zeros((160, 200), np.int8)
    cells[[0, 1, -1, -2]] = 100
    cells[:, [0, 1, -1, -2]] = 100
    return GridMap(cells, 0.05, (1.0, -2.0, 0.3), 'room')


def materials(scene, table):
    return [scene.surfaces[int(k)].material for k in table[:, -1]]


def test_without_odd_ones_everything_is_matt():
    scene = dress(room(), 3, DressSettings(boxes=4, cylinders=4))
    assert set(materials(scene, scene.boxes)) == {'matt'} and not len(scene.patches)


def test_odd_materials_change_nothing_else():
    plain = dress(room(), 3, DressSettings(boxes=4, cylinders=4))
    odd = dress(room(), 3, DressSettings(boxes=4, cylinders=4, odd_share=1.0, odd_walls=5))
    assert np.array_equal(plain.boxes[:, :-1], odd.boxes[:, :-1])
    assert odd.surfaces[:len(plain.surfaces)] == plain.surfaces and odd.light == plain.light
    for table in (odd.boxes, odd.cylinders, odd.patches):
        assert len(table) and 'matt' not in materials(odd, table)


def test_share_of_odd_solids_is_that_wanted_and_all_kinds_come():
    scene = dress(room(), 1, DressSettings(boxes=4, cylinders=4))
    varied = [vary_materials(scene, seed, 0.3, 0) for seed in range(300)]
    odd = [m for one in varied for table in (one.boxes, one.cylinders)
           for m in materials(one, table)]
    share = 1.0 - odd.count('matt') / len(odd)
    assert share == pytest.approx(0.3, abs=5 * np.sqrt(0.21 / len(odd)))
    assert set(odd) == set(MATERIALS)


def test_stretches_lie_on_walls_beside_free_floor(tmp_path):
    scene = dress(room(), 2, DressSettings(odd_walls=20))
    assert len(scene.patches) == 20
    cells = scene.grid.to_cells(scene.patches[:, :2])
    rows, columns = scene.grid.occupancy.shape
    edge = np.minimum(cells, (columns, rows) - cells).min(axis=1)
    assert (edge > 0.0).all() and (edge < 2.0).all()
    assert ((scene.patches[:, 3] >= 0.6) & (scene.patches[:, 3] <= 2.5)).all()
    again = load_scene(save_scene(scene, tmp_path / 's.yaml'))
    assert np.array_equal(again.patches, scene.patches) and again.surfaces == scene.surfaces
