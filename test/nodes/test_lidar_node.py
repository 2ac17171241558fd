"""The lidar node with effects and layers, as a process."""

from nav_msgs.msg import Odometry
import numpy as np
import pytest
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import LaserScan, PointCloud2
from std_msgs.msg import String
from visualization_msgs.msg import MarkerArray

from synth_nodes.ros.clocks import to_ns, to_stamp
from synth_nodes.ros.conversions import fill_odometry, ranges_of
from synth_nodes.ros.layers import points_of
from synth_nodes.ros.qos import MAP
from synth_nodes.types import GridMap
from synth_nodes.world.scene import Scene, Surface
from synth_nodes.world.scene_io import scene_to_text

pytestmark = pytest.mark.graph
STEP = 50_000_000


@pytest.fixture
def scene():
    """Make a hall with a mirror 2 m ahead of the origin, of half a metre's height."""
    grid = GridMap(np.zeros((160, 160), np.int8), 0.05, (-4.0, -4.0, 0.0), 'hall')
    surfaces = (Surface(), Surface(), Surface(), Surface(material='mirror'))
    boxes = np.array([[2.1, 0.0, 0.0, 0.2, 3.0, 0.5, 3]])
    return Scene(grid, surfaces, boxes=boxes)


class Truth:
    """Gives ground truth of a robot that turns on the spot."""

    def __init__(self, peer, scene):
        self.scene = peer.node.create_publisher(String, 'scene', MAP)
        self.scene.publish(String(data=scene_to_text(scene)))
        self.peer, self.now = peer, 1_000_000_000
        self.odom = peer.node.create_publisher(Odometry, 'ground_truth/odom', 5)
        self.people = peer.node.create_publisher(MarkerArray, 'ground_truth/obstacles', 5)

    def until(self, condition, turn=0.0):
        """Step on until a condition holds."""
        message = Odometry()
        for _ in range(1500):
            if condition():
                return True
            self.now += STEP
            message.header.stamp = to_stamp(self.now)
            fill_odometry(message, np.zeros(3), np.array([0.0, 0.0, turn]))
            self.people.publish(MarkerArray())
            self.odom.publish(message)
            self.peer.spin(0.1)
        return False


def test_scans_and_points_come_with_effects_and_faults(peer, scene):
    peer.start(
        'lidar_node', 'lidar.noise_std:=0.0', 'lidar.noise_slope:=0.0',
        'lidar.dropout:=0.0', 'effects.surfaces:=true', 'effects.motion:=true',
        'effects.speckle:=0.0', 'points.layers:=5', 'points.elevation_min:=-0.2',
        'points.elevation_max:=0.2', 'points.height:=0.6', 'points.organised:=true')
    scans, clouds = peer.listen(LaserScan, 'scan'), peer.listen(PointCloud2, 'points')
    truth = Truth(peer, scene)
    assert truth.until(lambda: len(scans) > 2 and len(clouds) > 2)
    scan, cloud = scans[-1], clouds[-1]
    by_stamp = {to_ns(m.header.stamp) for m in scans}
    assert {to_ns(m.header.stamp) for m in clouds} <= by_stamp
    assert scan.time_increment == pytest.approx(0.05 / 360)
    ranges, powers = ranges_of(scan), np.frombuffer(scan.intensities, np.float32)
    # Through the mirror to the wall behind the robot: 2 m there, 6 m back.
    assert ranges[180] == pytest.approx(6.0 + 2.0, abs=1e-3)
    assert np.array_equal(powers > 0.0, np.isfinite(ranges)) and len(powers) == 360
    points = points_of(cloud)
    assert cloud.header.frame_id == 'laser_points' and points.shape == (5, 360)
    # At 0.6 m the level layer looks over the mirror.
    assert points['x'][2, 180] == pytest.approx(4.0, abs=1e-3)
    assert np.nanmin(points['z']) == pytest.approx(-0.6, abs=1e-3)

    parameters = [Parameter('faults.blind_width', value=1.0),
                  Parameter('faults.wrong_frame', value='elsewhere')]
    client = peer.node.create_client(SetParameters, 'lidar_node/set_parameters')
    assert peer.until(client.service_is_ready)
    future = client.call_async(SetParameters.Request(
        parameters=[p.to_parameter_msg() for p in parameters]))
    assert peer.until(future.done) and all(r.successful for r in future.result().results)
    assert truth.until(lambda: clouds[-1].header.frame_id == scans[-1].header.frame_id
                       == 'elsewhere')
    blind = np.abs(-np.pi + np.arange(360) * np.pi / 180) <= 0.5
    points = points_of(clouds[-1])
    assert np.isnan(points['x'][:, blind]).all() and np.isfinite(points['x'][2, ~blind]).all()
    powers = np.frombuffer(scans[-1].intensities, np.float32)
    assert not powers[blind].any() and powers[~blind].all()
    assert peer.end() == [0]


def test_turning_shifts_the_scan(peer, scene):
    peer.start('lidar_node', 'lidar.noise_std:=0.0', 'lidar.noise_slope:=0.0',
               'lidar.dropout:=0.0', 'effects.motion:=true')
    scans = peer.listen(LaserScan, 'scan')
    truth = Truth(peer, scene)
    assert truth.until(lambda: len(scans) > 2, turn=1.0)
    # In the middle of the sweep of 50 ms the robot has turned by 25 mrad.
    angle = 0.5 + 0.025 + 0.5 / (2 * np.pi) * 0.05
    beam = 180 + round(0.5 / (np.pi / 180))
    angle += (beam - 180) * np.pi / 180 - 0.5
    assert ranges_of(scans[-1])[beam] == pytest.approx(2.0 / np.cos(angle), abs=2e-3)
    assert not len(scans[-1].intensities)
    assert peer.end() == [0]


def test_impossible_layers_are_refused(refused):
    line = refused('lidar_node', 'points.layers:=4', 'points.elevation_min:=0.5')
    assert 'points.elevation_min = 0.5 rad must be below' in line


def test_learned_noise_takes_the_place_of_that_of_the_settings(peer, scene):
    peer.start('lidar_node', 'noise:=learned', 'lidar.noise_std:=0.5', 'effects.surfaces:=true')
    scans = peer.listen(LaserScan, 'scan')
    assert Truth(peer, scene).until(lambda: len(scans) > 4)
    ranges = np.stack([ranges_of(scan) for scan in scans])
    assert not scans[-1].intensities and np.isfinite(ranges).mean() > 0.8
    # 1.99 m to the box ahead and 4 m to the wall behind: off by centimetres, never the same twice.
    assert np.nanmedian(np.abs(ranges[:, 180] - 2.0)) < 0.1
    assert np.nanmedian(np.abs(ranges[:, 0] - 3.95)) < 0.15
    assert (ranges[0] != ranges[1]).mean() > 0.5


def test_learned_noise_of_a_scanner_unlike_the_lidar_is_refused(refused):
    assert 'cannot take the noise learned' in refused(
        'lidar_node', 'noise:=learned', 'lidar.beams:=64')
