from dataclasses import replace

import numpy as np
import pytest

from synth_nodes.dataset.beam_labels import (
    BeamLabels,
    CART,
    FURNITURE,
    NONE,
    OTHER,
    PERSON,
    recorded_surfaces,
    UNKNOWN_MATERIAL,
    WALL,
)
from synth_nodes.dataset.drives import drive_fields
from synth_nodes.dataset.generate import generate, GenerateSettings
from synth_nodes.dataset.label_log import label_set, LabelSettings
from synth_nodes.dataset.lines import HELD, held_lines, STRAYED, UNKNOWN
from synth_nodes.dataset.reader import DataSet
from synth_nodes.dataset.schema import Schema
from synth_nodes.dataset.store import Writer
from synth_nodes.errors import InputError
from synth_nodes.sensors.cast import cast
from synth_nodes.types import GridMap, LidarSpec, RobotSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.building import furnished_cells, generate_building
from synth_nodes.world.floorplan import draw_plan, Plan
from synth_nodes.world.scene import GridSource, MATERIALS, Scene, Surface

ROUND = np.arange(8) * np.pi / 4 - np.pi


def hall(**more) -> Scene:
    """A hall from (0, 0) to (10, 10) with walls around."""
    cells = np.full((220, 220), 100, np.int8)
    cells[10:210, 10:210] = 0
    return Scene(GridMap(cells, 0.05, (-0.5, -0.5, 0.0), 'hall'), **more)


def test_every_class_of_surface_is_named_with_its_material():
    """In the middle of the hall: a glass box ahead, a post behind, a person left, a cart right."""
    surfaces = (Surface(), Surface(material='metal'), Surface(), Surface(material='glass'))
    scene = hall(surfaces=surfaces, boxes=np.array([[7.0, 5.0, 0.3, 0.5, 0.5, 1.0, 3]]),
                 cylinders=np.array([[3.0, 5.0, 0.2, 1.0, 0]]))
    actors = np.array([[[5.0, 6.0, 0.0, 0.0, 0.25], [5.0, 3.0, 0.0, 0.0, 0.4]]])
    labels = BeamLabels(MapAtlas.build([scene]), ROUND, 6.0)
    surface, material = labels.label(np.array([[5.0, 5.0, 0.0]]), np.zeros(1, int), actors, 1)
    assert surface[0].tolist() == [FURNITURE, NONE, CART, NONE, FURNITURE, NONE, PERSON, NONE]
    assert [MATERIALS[material[0, k]] for k in (0, 4)] == ['matt', 'glass']
    assert material[0, 1] == UNKNOWN_MATERIAL
    far = BeamLabels(MapAtlas.build([scene]), ROUND, 20.0).label(
        np.array([[5.0, 5.0, 0.0]]), np.zeros(1, int))
    assert far[0][0, 1] == WALL and MATERIALS[far[1][0, 1]] == 'metal'


def test_what_stands_in_front_names_a_beam_that_meets_several_things():
    """A person leans on a glass box that a post is built into, and a cart touches the person."""
    surfaces = (Surface(), Surface(material='metal'), Surface(), Surface(material='glass'))
    scene = hall(surfaces=surfaces, boxes=np.array([[7.0, 5.0, 0.0, 0.5, 0.5, 1.0, 3]]),
                 cylinders=np.array([[7.0, 5.0, 0.25, 1.0, 1]]))
    labels = BeamLabels(MapAtlas.build([scene]), ROUND, 6.0)
    pose, here = np.array([[5.0, 5.0, 0.0]]), np.zeros(1, int)
    surface, material = labels.label(pose, here)
    assert surface[0, 4] == FURNITURE and MATERIALS[material[0, 4]] == 'glass'
    actors = np.array([[[6.5, 5.0, 0.0, 0.0, 0.25], [6.5, 5.0, 0.0, 0.0, 0.25]]])
    assert labels.label(pose, here, actors, 1)[0][0, 4] == PERSON
    assert labels.label(pose, here, actors, 0)[0][0, 4] == CART


def test_labels_of_ranges_that_are_known_are_those_of_ranges_cast_anew():
    atlas = MapAtlas.build([hall(cylinders=np.array([[7.0, 5.0, 0.3, 1.0, 0]]))])
    labels, pose = BeamLabels(atlas, ROUND, 6.0), np.array([[4.0, 5.0, 0.2]])
    ideal = cast(atlas, np.zeros(1, int), pose, ROUND, 6.0)
    for known, anew in zip(labels.label(pose, np.zeros(1, int), ideal=ideal),
                           labels.label(pose, np.zeros(1, int)), strict=True):
        assert np.array_equal(known, anew)
    with pytest.raises(InputError, match='ideal'):
        labels.label(pose, np.zeros(1, int), ideal=ideal[:, :3])


def test_furniture_of_a_generated_building_is_told_from_its_walls():
    size = (4, 12.0, 10.0, 0.05)
    grid = generate_building(*size)
    chairs = furnished_cells(*size)
    bare = Plan.empty(*size[1:], 0.5)
    draw_plan(bare, np.random.default_rng([20, 4]))
    assert chairs.any() and (grid.solid() == (~bare.free | chairs)).all()
    atlas = MapAtlas.build([Scene(grid, source=GridSource('building', building=size))])
    rows, columns = np.nonzero(~grid.solid())
    pick = np.random.default_rng(0).integers(len(rows), size=60)
    points = grid.to_map(np.column_stack((columns[pick], rows[pick])) + 0.5)
    pose = np.column_stack((points, np.zeros(60)))
    surface, _ = BeamLabels(atlas, ROUND, 30.0).label(pose, np.zeros(60, int))
    empty = MapAtlas.build([replace(grid, occupancy=np.where(chairs, 0, grid.occupancy))])
    shorter = cast(atlas, np.zeros(60, int), pose, ROUND, 30.0) < cast(
        empty, np.zeros(60, int), pose, ROUND, 30.0) - 1e-3
    assert shorter.any() and ((surface == FURNITURE) == shorter).mean() > 0.995


def test_recorded_beams_are_compared_with_the_map_of_the_whole_log():
    scan = np.array([[5.0, 2.0, np.inf, np.nan, 5.1]])
    angles = np.array([-np.pi / 2, 0.0, 0.1, 0.2, np.pi / 2])
    out = recorded_surfaces(scan, np.array([[5.0, 5.0, 0.0]]), angles, hall().grid, 0.15)
    assert out[0].tolist() == [WALL, OTHER, NONE, NONE, WALL]


@pytest.mark.parametrize(('way', 'count', 'label'), [
    ([(0, 0), (1, 0.05), (2, 0)], 3, HELD), ([(0, 0), (1, 0.3), (2, 0)], 3, STRAYED),
    ([(0, 0), (0.5, 0), (1, 0)], 3, STRAYED), ([(0, 0), (0.5, 0), (9, 9)], 2, UNKNOWN),
    ([(0, 0), (2.1, 0), (2, 5)], 3, HELD), ([(0, 0), (-0.5, 0), (2, 0)], 3, STRAYED)])
def test_a_line_is_held_missed_or_not_known(way, count, label):
    out = held_lines(np.zeros((1, 2)), np.array([[2.0, 0.0]]), np.array([way], float),
                     np.array([count]), 0.1)
    assert out[0] == label


@pytest.fixture(scope='module')
def driven(tmp_path_factory) -> DataSet:
    folder = tmp_path_factory.mktemp('lines') / 'set'
    settings = GenerateSettings(records=800, robots=8, errands=4, seed=5, arcs=False, draws=0,
                                noise=1.0, line_time=3.0, actors=ActorSettings(count=1))
    generate(settings, [hall(cylinders=np.array([[7.0, 5.0, 0.3, 1.0, 0]]))], RobotSpec(),
             LidarSpec(beams=36), folder)
    return DataSet(folder)


def test_generated_line_labels_agree_with_where_the_drive_went(driven):
    straight, pose, goal = (driven.read(n) for n in ('straight', 'pose', 'goal'))
    assert {HELD, STRAYED, UNKNOWN} == set(np.unique(straight).tolist())
    for _, rows in driven.sequences():
        for k in range(0, len(rows) - 16, 7):
            x, y, yaw = pose[rows[k]]
            c, s = np.cos(yaw), np.sin(yaw)
            u, v = goal[rows[k], :2]
            end = np.array([[x + c * u - s * v, y + s * u + c * v]])
            way = pose[rows[k:k + 16], :2]
            assert straight[rows[k]] == held_lines(way[:1], end, way[None], np.array([16]), 0.1)[0]


def test_generated_beams_are_labelled_with_what_they_met(driven):
    scan, surface = driven.read('scan'), driven.read('surface')
    names = driven.schema.sensor['surfaces']
    assert [names[k] for k in (WALL, FURNITURE, PERSON)] == ['wall', 'furniture', 'person']
    assert {WALL, FURNITURE, PERSON} <= set(np.unique(surface).tolist())
    seen = np.isfinite(scan)
    turn = driven.read('laser_pose')[:, 2, None] + np.asarray(driven.schema.sensor['angles'])
    ends = driven.read('laser_pose')[:, None, :2] + scan[..., None] * np.stack(
        (np.cos(turn), np.sin(turn)), axis=-1)
    off = np.hypot(ends[..., 0] - 7.0, ends[..., 1] - 5.0) - 0.3
    assert np.abs(off[seen & (surface == FURNITURE)]).max() < 0.2
    at_wall = np.minimum(np.abs(ends - 5.0).max(axis=-1), 9.0)[seen & (surface == WALL)]
    assert np.abs(at_wall - 5.0).max() < 0.1


def test_a_recorded_drive_gets_every_label_from_its_own_map(driven, tmp_path):
    names = ('stamp', 'sequence', 'place', 'scan', 'laser_pose', 'odom', 'velocity', 'command')
    part = {n: driven.read(n) for n in names}
    part['command'] = np.full_like(part['command'], np.nan)
    schema = Schema.of('real', drive_fields(36), places=driven.schema.places, sensor={
        k: driven.schema.sensor[k] for k in ('angles', 'range_min', 'range_max')})
    with Writer(tmp_path / 'real', schema) as writer:
        writer.append(part)
    label_set(DataSet(tmp_path / 'real'), tmp_path / 'out', RobotSpec(),
              LabelSettings(resolution=0.1))
    out = DataSet(tmp_path / 'out')
    assert {f.name for f in driven.schema.fields} <= {f.name for f in out.schema.fields}
    np.testing.assert_allclose(out.read('clearance'), driven.read('clearance'), atol=0.15)
    surface, true = out.read('surface'), driven.read('surface')
    assert (surface[true == WALL] == WALL).mean() > 0.98
    assert (surface[true == PERSON] == OTHER).mean() > 0.8
    assert np.isnan(out.read('contact')).all() and np.isfinite(out.read('drawn')).all()
    expert = out.read('expert')
    assert np.isfinite(expert).all(axis=1).mean() > 0.5
    assert (expert[np.isfinite(expert)] != 0).any()
    with pytest.raises(InputError, match='has labels already'):
        label_set(out, tmp_path / 'again', RobotSpec(), LabelSettings())
