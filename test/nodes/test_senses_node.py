"""The policy node with a policy that docks by several sensors, as a process."""

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from drivers import change, health, stopped
from geometry_msgs.msg import PoseStamped, TwistStamped
from lifecycle_msgs.msg import Transition
from nav_msgs.msg import Odometry
import pytest
from sensed import IMAGE, LIDAR, marker_scan
from sensor_msgs.msg import Image, LaserScan

from synth_nodes.policy.docking_senses import senses_contract
from synth_nodes.ros.conversions import fill_odometry, new_scan, set_ranges
from synth_nodes.ros.images import new_image, set_pixels
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import RobotSpec

pytestmark = pytest.mark.graph
CAMERA = CameraSpec(width=64, height=64)
SIZE = ('camera.width:=64', 'camera.height:=64')
PATIENT = ('scan_timeout:=1.0', 'image_timeout:=1.0', 'odom_timeout:=1.0')


@pytest.fixture
def model(tmp_path):
    """Write a policy whose speed says which sensors it was given."""
    pytest.importorskip('onnx')
    from linear import write_linear

    contract = senses_contract(RobotSpec(), LIDAR, CAMERA, ObservationSpec(history=1))
    return write_linear(tmp_path, contract, 'present', [[0.1, 0.0], [0.2, 0.0], [0.4, 0.0]])


class Sensors:
    """Camera, lidar and odometry of a robot at rest before a dock, at 20 Hz."""

    def __init__(self, peer):
        self.node = peer.node
        kinds = {'camera/image_raw': Image, 'scan': LaserScan, 'odom': Odometry}
        self.out = {t: self.node.create_publisher(k, t, 5) for t, k in kinds.items()}
        self.image, self.odom = new_image(CAMERA, 'rgb8', 'camera_optical'), Odometry()
        self.scan = new_scan(LIDAR, 'laser')
        ranges, powers = marker_scan(1.0)
        set_pixels(self.image, IMAGE)
        set_ranges(self.scan, ranges)
        self.scan.intensities = powers.tolist()
        fill_odometry(self.odom, (0.0, 0.0, 0.0), (0.0, 0.0, 0.0))
        self.on = set(kinds)
        self.node.create_timer(0.05, self.publish)

    def publish(self):
        for topic, message in zip(self.out, (self.image, self.scan, self.odom), strict=True):
            if topic in self.on:
                message.header.stamp = self.node.get_clock().now().to_msg()
                self.out[topic].publish(message)


def test_sensors_are_used_while_sound_and_masked_when_not(peer, model):
    sensors = Sensors(peer)
    peer.start('policy_node', f'model:={model}', *SIZE, *PATIENT)
    out, said = (peer.listen(TwistStamped, 'cmd_vel_raw'),
                 peer.listen(DiagnosticArray, 'diagnostics'))
    dock = peer.node.create_publisher(PoseStamped, 'dock_pose', 5)
    goal = PoseStamped()
    goal.header.frame_id, goal.pose.position.x, goal.pose.orientation.w = 'odom', 1.0, 1.0

    def speed(wanted):
        return peer.until(lambda: abs(out[-1].twist.linear.x - wanted) < 0.01, 20.0)

    def verdict(name, word):
        def heard():
            status = health(said, ': policy')
            values = {v.key: v.value for v in status.values} if status else {}
            return values.get(name, '').startswith(word)
        return peer.until(heard, 10.0)

    assert peer.until(lambda: stopped(out)) and verdict('camera', 'used')
    assert peer.until(lambda: dock.get_subscription_count() > 0)
    dock.publish(goal)
    assert speed(0.7) and verdict('lidar', 'used')
    sensors.on.remove('camera/image_raw')
    assert speed(0.6) and verdict('camera', 'missing: the image is')
    assert health(said, ': policy').level == DiagnosticStatus.WARN
    sensors.scan.intensities = []
    assert speed(0.4) and verdict('lidar', 'missing: the scan has 360 ranges and 0 intensities')
    sensors.on.add('camera/image_raw')
    assert speed(0.5)
    sensors.image.encoding = 'bgr8'
    assert speed(0.4) and verdict('camera', "missing: the image is encoded as 'bgr8'")
    sensors.on.clear()
    assert speed(0.0) and verdict('odometry', 'missing: no odometry comes in')
    for transition in (Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_CLEANUP,
                       Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE):
        change(peer, 'policy_node', transition)
    sensors.on = set(sensors.out)
    assert peer.until(lambda: dock.get_subscription_count() == 1) and verdict('odometry', 'used')
    dock.publish(goal)
    assert speed(0.4)
    assert peer.end() == [0]


def test_an_image_that_cannot_be_read_stops_a_policy_that_drives_by_camera(peer):
    peer.start('policy_node', 'model:=line', *SIZE, 'camera.horizontal_fov:=1.3',
               'camera.pitch:=0.7')
    out, said = (peer.listen(TwistStamped, 'cmd_vel_raw'),
                 peer.listen(DiagnosticArray, 'diagnostics'))
    sensors = Sensors(peer)
    sensors.image.encoding = 'bgr8'
    assert peer.until(lambda: 'bgr8' in getattr(health(said, ': policy'), 'message', ''))
    assert stopped(out)
    sensors.image.encoding = 'rgb8'
    assert peer.until(lambda: not stopped(out))
    assert peer.end() == [0]


@pytest.mark.parametrize(('given', 'words'), [
    ((), ('camera.width', '320', '64', 'docking --senses')),
    ((*SIZE, 'camera.pitch:=0.5'), ('camera.pitch', '0.5')),
    ((*SIZE, 'robot.footprint:=[0.5, 0.3, -0.5, 0.3, -0.5, -0.3, 0.5, -0.3]'),
     ('front', 'docking --senses'))])
def test_a_camera_or_robot_that_it_was_not_made_for_is_refused(refused, model, given, words):
    line = refused('policy_node', f'model:={model}', *given)
    assert all(word in line for word in words), line
