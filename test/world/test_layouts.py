import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.types import RobotSpec
from synth_nodes.world.actors import ActorSettings, CartSettings
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.layouts import generate_scene, is_drivable, LAYOUTS
from synth_nodes.world.scene import FloorLine, Scene
from synth_nodes.world.scene_io import load_scene, save_scene
from synth_nodes.world.world import World

SIZES = ((20.0, 14.0, 0.05), (10.0, 10.0, 0.1), (37.3, 11.7, 0.1))


def same(a, b):
    return (np.array_equal(a.grid.occupancy, b.grid.occupancy) and np.array_equal(a.boxes, b.boxes)
            and np.array_equal(a.cylinders, b.cylinders) and len(a.lines) == len(b.lines)
            and all(np.array_equal(p.points, q.points)
                    for p, q in zip(a.lines, b.lines, strict=True)))


@pytest.mark.parametrize('layout', LAYOUTS)
def test_every_layout_is_in_one_drivable_part_at_every_size(layout):
    for seed, size in enumerate(SIZES * 2):
        scene = generate_scene(layout, seed, *size)
        assert is_drivable(scene)
        rows, columns = scene.grid.occupancy.shape
        assert columns * scene.grid.resolution == pytest.approx(size[0], abs=1.3)
        assert rows * scene.grid.resolution == pytest.approx(size[1], abs=1.3)
        world = World(MapAtlas.build([scene]), RobotSpec(), ActorSettings(count=0), 4, seed)
        assert (world.clearance > 0.05).all()


@pytest.mark.parametrize('layout', LAYOUTS)
def test_the_seed_decides_and_a_file_gives_the_same_scene_back(layout, tmp_path):
    scene = generate_scene(layout, 3, 15.0, 12.0)
    assert same(scene, generate_scene(layout, 3, 15.0, 12.0))
    assert not same(scene, generate_scene(layout, 4, 15.0, 12.0))
    assert same(scene, load_scene(save_scene(scene, tmp_path / 'scene.yaml')))


@pytest.mark.parametrize('layout', ('warehouse', 'track_straight', 'track_curved'))
def test_painted_lines_are_clear_for_carts(layout):
    for seed in range(8):
        scene = generate_scene(layout, seed)
        World(MapAtlas.build([scene]), RobotSpec(), ActorSettings(count=0), seed=seed,
              carts=CartSettings(count=1))


def test_a_blocked_passage_is_not_drivable():
    scene = generate_scene('track_straight', 0)
    wall = np.array([[10.0, 7.0, 0.0, 0.2, 14.0, 1.0, 0.0]])
    assert not is_drivable(Scene(scene.grid, boxes=wall))
    assert not is_drivable(Scene(scene.grid, boxes=np.array([[10, 7, 0, 30, 30, 1, 0.0]])))


def test_dead_ends_are_many_and_doors_are_narrow():
    free = ~generate_scene('dead_ends', 1).grid.solid()
    assert free.mean() < 0.85
    for seed in range(5):
        solid = generate_scene('doors', seed).grid.solid()
        walls = np.flatnonzero(solid[6:-6].mean(axis=0) > 0.85)
        inner = walls[(walls > 8) & (walls < solid.shape[1] - 8)]
        gaps = (~solid[6:-6, inner]).sum(axis=0) * 0.05
        assert gaps.size and (gaps >= 0.7).all() and (gaps <= 1.05).all()


def test_curved_tracks_close_and_straight_ones_do_not():
    curved, straight = (generate_scene(f'track_{k}', 2).lines[0] for k in ('curved', 'straight'))
    assert isinstance(curved, FloorLine)
    assert np.array_equal(curved.points[0], curved.points[-1])
    assert len(straight.points) == 2


@pytest.mark.parametrize(('arguments', 'word'), (
    (('castle', 0), 'warehouse'), (('yard', -1), 'seed'), (('yard', 0, 5.0), 'width'),
    (('yard', 0, 20.0, 500.0), 'height'), (('yard', 0, 20.0, 14.0, 1.0), 'resolution')))
def test_what_is_out_of_range_is_refused(arguments, word):
    with pytest.raises(InputError, match=word):
        generate_scene(*arguments)
