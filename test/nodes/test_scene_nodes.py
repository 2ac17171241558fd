"""One scene in all nodes: world, lidar, camera and planner's map agree on what stands where."""

from nav_msgs.msg import OccupancyGrid
import numpy as np
import pytest
from sensor_msgs.msg import Image, LaserScan
from std_msgs.msg import String
from visualization_msgs.msg import MarkerArray

from synth_nodes.errors import InputError
from synth_nodes.nodes.parameters import WorldParameters
from synth_nodes.nodes.staging import stage
from synth_nodes.ros.conversions import grid_from_message, ranges_of
from synth_nodes.ros.images import pixels_of
from synth_nodes.ros.markers import obstacles_of
from synth_nodes.ros.qos import MAP
from synth_nodes.sensors.camera_spec import BOX
from synth_nodes.settings import build
from synth_nodes.world.scene_io import text_to_scene

SCENE = """
scene: 1
grid: {resolution: 0.05, rows: ['200#', 118x 1#198.1#, '200#']}
surfaces: [{colour: [0.4, 0.4, 0.4]}, {colour: [0.9, 0.9, 0.9]}, {colour: [0.8, 0.1, 0.1]}]
ceiling: -1
# Nearer than a cell's edge: x from 5.013 to 6.013.
boxes: [[5.513, 3.0, 0.0, 1.0, 1.0, 1.5, 2]]
lines: [{points: [[1.0, 5.0], [9.0, 5.0]]}]
"""


@pytest.mark.graph
def test_lidar_camera_map_and_carts_come_from_the_same_scene(peer, tmp_path):
    file = tmp_path / 'hall.yaml'
    file.write_text(SCENE)
    peer.start('world_node', f'map:={file}', 'random_start:=false', 'start_pose:=[2.0, 3.0, 0.0]',
               'actors.count:=0', 'carts.count:=1', 'carts.radius:=0.3')
    peer.start('lidar_node', 'lidar.noise_std:=0.0', 'lidar.noise_slope:=0.0',
               'lidar.dropout:=0.0')
    peer.start('camera_node', 'camera.rate:=20.0', 'segmentation:=true')
    maps, scenes = peer.listen(OccupancyGrid, 'map', MAP), peer.listen(String, 'scene', MAP)
    carts, scans = peer.listen(MarkerArray, 'ground_truth/obstacles'), peer.listen(
        LaserScan, 'scan')
    depths = peer.listen(Image, 'camera/depth/image_raw')
    labels = peer.listen(Image, 'camera/segmentation/image_raw')
    assert peer.until(lambda: min(map(len, (maps, scenes, carts, scans, depths, labels))) > 0)
    assert (text_to_scene(scenes[0].data).boxes == [[5.513, 3, 0, 1, 1, 1.5, 2]]).all()
    solid = grid_from_message(maps[0]).solid()
    assert solid[60, 100] and solid[60, 120] and not solid[60, 98] and not solid[60, 122]
    assert ranges_of(scans[-1])[180] == pytest.approx(3.013, abs=1e-3)
    depth, label = pixels_of(depths[-1]), pixels_of(labels[-1])
    assert depth[120, 160] == pytest.approx(3.013 - 0.18, abs=2e-3)
    assert label[120, 160] == BOX
    cart = obstacles_of(carts[-1])
    assert cart.shape == (1, 5) and cart[0, 1] == pytest.approx(5.0, abs=1e-6)
    assert cart[0, 4] == pytest.approx(0.3)
    assert peer.end() == [0] * 3


@pytest.mark.graph
@pytest.mark.parametrize(('word', 'says'), [
    ('map:=nowhere.yaml', 'nowhere.yaml'), ('map:=layout:cellar', 'with a name of rooms'),
    ('randomisation.mount_turn:=0.1', 'must be 0 in world_node'),
    ('randomisation.speed:=[1.2, 0.8]', 'a least and a most')])
def test_a_world_that_cannot_be_is_refused(refused, word, says):
    assert says in refused('world_node', word)


def parameters(**values):
    return build(WorldParameters, {k.replace('__', '.'): v for k, v in values.items()})


def test_one_seeded_configuration_gives_one_scene():
    given = {'dress__boxes': 3, 'dress__cylinders': 1, 'scene_seed': 4, 'building_seed': 2}
    a, b = (stage(parameters(**given)) for _ in range(2))
    assert len(a.boxes) == 3 and (a.boxes == b.boxes).all() and a.surfaces == b.surfaces
    other = stage(parameters(**{**given, 'scene_seed': 5}))
    assert not np.array_equal(a.boxes, other.boxes)


def test_a_bare_map_is_dressed_only_where_it_is_looked_at():
    assert not stage(parameters()).lines
    assert len(stage(parameters(dress__odd_walls=3, dress__lines=0)).patches) == 3
    assert stage(parameters(with_camera=True)).lines
    scene = stage(parameters(map='layout:track_straight:2', with_camera=True))
    assert len(scene.lines) == 1


def test_offsets_of_a_mount_that_the_world_has_not_are_refused():
    with pytest.raises(InputError, match='mount_shift'):
        stage(parameters(randomisation__mount_shift=0.1))
