"""The camera as a process, beside the world it looks at."""

from nav_msgs.msg import Odometry
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image

from synth_nodes.ros.clocks import to_ns
from synth_nodes.ros.images import pixels_of
from synth_nodes.types import GridMap
from synth_nodes.world.map_io import save_map

pytestmark = pytest.mark.graph


def test_camera_shows_the_world(peer, tmp_path):
    cells = np.full((120, 160), 0, np.int8)
    cells[:2], cells[-2:], cells[:, :2], cells[:, -2:] = 100, 100, 100, 100
    hall = save_map(GridMap(cells, 0.05), tmp_path, 'hall')
    peer.start('world_node', f'map:={hall}', 'random_start:=false', 'start_pose:=[2.0, 3.0, 0.0]',
               'actors.count:=0', 'with_camera:=true', 'camera.rate:=20.0', 'dress.lines:=0')
    peer.start('camera_node', 'camera.rate:=20.0', 'segmentation:=true')
    truth = peer.listen(Odometry, 'ground_truth/odom')
    images, depths = (peer.listen(Image, f'camera/{t}image_raw') for t in ('', 'depth/'))
    labels = peer.listen(Image, 'camera/segmentation/image_raw')
    infos = peer.listen(CameraInfo, 'camera/camera_info')
    assert peer.until(lambda: min(map(len, (truth, images, depths, labels, infos))) > 12)
    stamps = [to_ns(m.header.stamp) for m in images[-6:]]
    assert set(np.diff(stamps)) == {50_000_000}
    known = {to_ns(m.header.stamp) for m in truth}
    # The camera may have heard the world before this test did.
    later = {stamp for stamp in stamps if stamp >= min(known)}
    assert len(later) > 2 and later <= known
    assert images[-1].header.frame_id == 'camera_optical' == infos[-1].header.frame_id
    image, depth, label = (pixels_of(m[-1]) for m in (images, depths, labels))
    assert image.shape == (240, 320, 3) and image.std() > 5
    # The wall ahead is at x = 7.9 m, the camera 0.18 m before base_link.
    assert depth[120, 160] == pytest.approx(7.9 - 2.18, abs=0.01)
    assert label[120, 160] == 2 and label[-1, 160] == 1
    k = infos[-1].k.reshape(3, 3)
    assert depth[-1, 160] == pytest.approx(0.35 * k[1, 1] / (239 - k[1, 2]), rel=1e-3)
    assert infos[-1].distortion_model == 'plumb_bob' and len(infos[-1].d) == 5
    assert peer.end() == [0] * 2


def test_camera_that_cannot_be_is_refused(refused):
    assert 'camera.pitch = 1.2 rad' in refused('camera_node', 'camera.pitch:=1.2')


def test_learned_flaws_take_the_place_of_those_of_the_settings(peer, tmp_path):
    cells = np.full((120, 160), 0, np.int8)
    cells[:2], cells[-2:], cells[:, :2], cells[:, -2:] = 100, 100, 100, 100
    hall = save_map(GridMap(cells, 0.05), tmp_path, 'hall')
    peer.start('world_node', f'map:={hall}', 'random_start:=false', 'start_pose:=[2.0, 3.0, 0.0]',
               'actors.count:=0', 'with_camera:=true', 'camera.rate:=5.0', 'dress.lines:=0')
    small = ('camera.rate:=5.0', 'camera.width:=96', 'camera.height:=72')
    peer.start('camera_node', *small, 'noise:=learned', 'camera.read_noise:=90.0',
               'camera.distortion:=[-0.2, 0.0, 0.0, 0.0, 0.0]')
    images, infos = (peer.listen(kind, f'camera/{topic}') for kind, topic in (
        (Image, 'image_raw'), (CameraInfo, 'camera_info')))
    assert peer.until(lambda: min(len(images), len(infos)) > 3)
    one, two = (pixels_of(m).astype(float) for m in images[-2:])
    # Other noise in each frame of the same view, by far less than what the settings say.
    assert 0.5 < np.std(one - two) < 30.0 and abs(one.mean() - two.mean()) < 3.0
    assert set(infos[-1].d) == {0.0}
    assert peer.end() == [0] * 2


def test_learned_camera_of_another_shape_is_refused(refused):
    assert 'same shape' in refused('camera_node', 'noise:=learned', 'camera.width:=640')
