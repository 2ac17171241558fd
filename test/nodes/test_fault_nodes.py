"""Faults switched in running nodes, and what policy and safety monitor make of them."""

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import TwistStamped
from nav_msgs.msg import Odometry
import numpy as np
import pytest
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image, Imu, LaserScan

from synth_nodes.nodes.driver import Driver
from synth_nodes.nodes.guard import Guard
from synth_nodes.ros.clocks import to_ns
from synth_nodes.ros.conversions import ranges_of
from synth_nodes.ros.images import pixels_of
from synth_nodes.safety.rules import SafetyRules
from synth_nodes.sensors.fault_settings import FaultSettings
from synth_nodes.sensors.fault_values import odometry_channels, scan_channels
from synth_nodes.sensors.faults import FaultLine, Reading
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import GridMap, LidarSpec, RobotSpec
from synth_nodes.world.map_io import save_map

LIDAR = LidarSpec()
STEP = 50_000_000
FORWARD = np.array((0.4, 0.0, 0.0))


class Straight:
    """A policy that always drives straight on."""

    def act(self, observation):
        return np.array(((0.4, 0.0),), np.float32)


class Loop:
    """Guard and driver fed through fault lines at 20 Hz; a robot in a round hall."""

    def __init__(self):
        self.scans = FaultLine(scan_channels(LIDAR))
        self.odometry = FaultLine(odometry_channels())
        self.guard = Guard(SafetyRules(), RobotSpec(), LIDAR.mount)
        self.driver = Driver(Straight(), ObservationSpec(), LIDAR, 0.25, 0.3, 0.3)
        self.driver.take_path(np.array(((0.0, 0.0), (9.0, 0.0))))
        self.noise = np.random.default_rng(0)
        self.now = 1_000_000_000
        self.speed = 0.3
        self.decision = None

    def run(self, steps=20, distance=6.0):
        """Let time pass; return what the policy decides and the monitor answers at the end."""
        for _ in range(steps):
            self.now += STEP
            self._odometry()
            self._scans(distance)
            seconds = self.now * 1e-9
            verdict = self.guard.check(FORWARD, seconds, seconds)
            self.speed = 0.75 * verdict.command[0]
        return self.decision, verdict

    def _odometry(self):
        arrays = {'pose': np.zeros(3), 'velocity': np.array((self.speed, 0.0, 0.0))}
        for out in self.odometry.take(Reading(self.now, 'odom', arrays), self.now):
            stamp = out.stamp * 1e-9
            self.guard.take_odometry(out.arrays['velocity'], stamp)
            self.driver.take_odometry(out.arrays['pose'], out.arrays['velocity'], stamp)

    def _scans(self, distance):
        ranges = self.noise.normal(distance, 0.005, LIDAR.beams).astype(np.float32)
        for out in self.scans.take(Reading(self.now, 'laser', {'ranges': ranges}), self.now):
            stamp, ranges = out.stamp * 1e-9, out.arrays['ranges']
            self.guard.take_scan(ranges, LIDAR.angles, LIDAR.range_min, LIDAR.range_max, stamp)
            self.decision = self.driver.decide(ranges, stamp, self.now * 1e-9)


@pytest.fixture
def loop():
    loop = Loop()
    decision, verdict = loop.run()
    assert decision.state == 'driving' and verdict.action == 'pass'
    return loop


SEEN = [
    ({'all_nan': True}, 'scan', 'invalid'),
    ({'blind_width': 1.0}, 'scan', 'blind over'),
    ({'blind_width': 1.0, 'blind_reads': 'zero'}, 'scan', 'blind over'),
    ({'freeze_stamp': True}, 'both', 'old'),
    ({'freeze': True, 'freeze_stamp': True}, 'both', 'old'),
    ({'freeze': True}, 'scan', 'frozen'),
    ({'all_max': True}, 'scan', 'frozen'),
    ({'bias': 100.0}, 'scan', 'none of its beams returns'),
    ({'blind_width': 6.3, 'blind_reads': 'inf'}, 'scan', 'none of its beams returns'),
    ({'future_stamp': 0.5}, 'both', 'ahead of the clock'),
    ({'delay': 0.5}, 'both', 'old'),
    ({'drop': 1.0}, 'both', 'old'),
    ({'all_nan': True}, 'odometry', 'unknown'),
    ({'blind_width': 0.1}, 'odometry', 'unknown'),
    ({'all_max': True}, 'odometry', 'faster than this robot can be')]


@pytest.mark.parametrize(('faults', 'sensor', 'word'), SEEN, ids=lambda v: str(v))
def test_monitor_stops_and_names_the_fault_and_goes_on_after_it(loop, faults, sensor, word):
    lines = {'scan': [loop.scans], 'odometry': [loop.odometry]}
    for line in lines.get(sensor, [loop.scans, loop.odometry]):
        line.switch(FaultSettings(**faults))
        _, verdict = loop.run()
        assert verdict.action == 'stop' and verdict.command == (0.0, 0.0, 0.0)
        assert word in verdict.reason
        line.switch(FaultSettings())
        after = loop.run(2)[1]
        assert after.action == 'pass', after


@pytest.mark.parametrize(('faults', 'sensor'), [
    ({'blind_width': 1.0, 'blind_reads': 'inf'}, 'scans'), ({'bias': 0.5}, 'scans'),
    ({'freeze': True}, 'odometry'), ({'blind_width': 6.3, 'blind_reads': 'zero'}, 'odometry')],
    ids=str)
def test_what_the_documentation_says_goes_unnoticed_does(loop, faults, sensor):
    getattr(loop, sensor).switch(FaultSettings(**faults))
    assert loop.run()[1].action == 'pass' and loop.guard.brakes.found is None


@pytest.mark.parametrize(('faults', 'word'), [
    ({'freeze_stamp': True}, 'old'), ({'future_stamp': 0.5}, 'ahead'), ({'delay': 0.5}, 'old')])
def test_policy_stops_on_scans_that_are_late_or_from_the_future(loop, faults, word):
    loop.scans.switch(FaultSettings(**faults))
    decision, _ = loop.run()
    assert decision.state == 'stopped' and word in decision.reason and not decision.command.any()


@pytest.mark.parametrize('faults', [
    {'all_nan': True}, {'freeze_stamp': True}, {'future_stamp': 0.5}, {'delay': 0.5},
    {'drop': 1.0}, {'blind_width': 0.1}], ids=str)
def test_policy_stops_on_odometry_that_cannot_be_used(loop, faults):
    loop.odometry.switch(FaultSettings(**faults))
    assert loop.run()[0].state == 'stopped'


@pytest.mark.parametrize('faults', [
    {'duplicate': 1.0}, {'out_of_order': 0.5}, {'delay': 0.05}, {'jitter': 0.1}], ids=str)
def test_monitor_still_stops_before_a_wall_under_mild_faults(loop, faults):
    loop.scans.switch(FaultSettings(**faults))
    assert loop.run(6, distance=0.35)[1].command[0] < 0.1


class Switches:
    """Sets parameters of nodes, as `ros2 param set` does."""

    def __init__(self, peer):
        self.peer, self.clients = peer, {}

    def set(self, node, name, value):
        if node not in self.clients:
            self.clients[node] = self.peer.node.create_client(
                SetParameters, f'{node}/set_parameters')
        client = self.clients[node]
        assert self.peer.until(client.service_is_ready)
        request = SetParameters.Request(
            parameters=[Parameter(f'faults.{name}', value=value).to_parameter_msg()])
        future = client.call_async(request)
        assert self.peer.until(future.done)
        return future.result().results[0]


@pytest.fixture
def hall(tmp_path):
    """Make a hall of 8 m x 6 m as a Nav2 map."""
    cells = np.full((120, 160), 0, np.int8)
    cells[:2], cells[-2:], cells[:, :2], cells[:, -2:] = 100, 100, 100, 100
    return save_map(GridMap(cells, 0.05), tmp_path, 'hall')


@pytest.fixture
def graph(peer, hall):
    """Start a standing robot, its sensors and the monitor, which lets commands through."""
    peer.start('world_node', f'map:={hall}', 'random_start:=false', 'actors.count:=0',
               'start_pose:=[3.0, 3.0, 0.0]')
    for name in ('lidar_node', 'imu_node', 'odometry_node', 'safety_monitor_node'):
        peer.start(name, 'use_sim_time:=true')
    commands = peer.node.create_publisher(TwistStamped, 'cmd_vel_raw', 5)

    def command(truth):
        # Turning in place goes on for ever without a wall in the way.
        message = TwistStamped()
        message.header.stamp = truth.header.stamp
        message.twist.angular.z = 0.2
        commands.publish(message)

    peer.node.create_subscription(Odometry, 'ground_truth/odom', command, 5)
    return peer


@pytest.mark.graph
def test_faults_switched_at_run_time_are_seen_and_answered(graph):
    peer, switches = graph, Switches(graph)
    scans, out = peer.listen(LaserScan, 'scan'), peer.listen(TwistStamped, 'cmd_vel')
    verdicts = peer.listen(DiagnosticStatus, 'safety/verdict')
    diagnostics, imu = peer.listen(DiagnosticArray, 'diagnostics'), peer.listen(Imu, 'imu/data')

    def turning():
        return bool(out) and out[-1].twist.angular.z > 0.1

    def stopped(word):
        return out[-1].twist.angular.z == 0.0 and word in verdicts[-1].message

    def switch(name, value, node='lidar_node'):
        result = switches.set(node, name, value)
        assert result.successful, result.reason

    assert peer.until(lambda: turning() and len(scans) > 3 and bool(imu))
    assert not np.array_equal(ranges_of(scans[-1]), ranges_of(scans[-2]))
    switch('freeze', True)
    count = len(scans)
    assert peer.until(lambda: len(scans) > count + 5)
    assert np.array_equal(ranges_of(scans[-1]), ranges_of(scans[-3]))
    assert to_ns(scans[-1].header.stamp) - to_ns(scans[-3].header.stamp) == 100_000_000
    assert peer.until(lambda: any(
        s.name.endswith('lidar_node: faults') and 'freeze = True' in s.message
        for m in diagnostics[-8:] for s in m.status))
    assert peer.until(lambda: stopped('frozen'), 10.0)
    switch('freeze', False)
    switch('wrong_frame', 'elsewhere')
    assert peer.until(lambda: scans[-1].header.frame_id == 'elsewhere')
    assert peer.until(lambda: stopped("its frame is 'elsewhere', not 'laser'"), 10.0)
    switch('wrong_frame', '')
    assert peer.until(lambda: scans[-1].header.frame_id == 'laser' and turning())
    for node, name, value, off, word in (
            ('lidar_node', 'all_nan', True, False, 'invalid'),
            ('lidar_node', 'future_stamp', 1.0, 0.0, 'ahead of the clock'),
            ('lidar_node', 'delay', 0.6, 0.0, 'old'),
            ('odometry_node', 'all_nan', True, False, 'velocity is unknown')):
        switch(name, value, node)
        assert peer.until(lambda word=word: stopped(word)), (name, verdicts[-1].message)
        switch(name, off, node)
        assert peer.until(turning), name
    switch('all_nan', True, 'imu_node')
    assert peer.until(lambda: np.isnan(imu[-1].angular_velocity.z))
    refused = switches.set('lidar_node', 'drop', 2.0)
    assert not refused.successful
    assert peer.end() == [0] * 5


@pytest.mark.graph
def test_faults_given_at_the_start_hold_for_all_images_of_a_camera(peer, hall):
    peer.start('world_node', f'map:={hall}', 'random_start:=false', 'actors.count:=0',
               'start_pose:=[3.0, 3.0, 0.0]')
    peer.start('camera_node', 'faults.all_nan:=true', 'faults.future_stamp:=2.0')
    truth = peer.listen(Odometry, 'ground_truth/odom')
    images, depths = (peer.listen(Image, f'camera/{t}image_raw') for t in ('', 'depth/'))
    infos = peer.listen(CameraInfo, 'camera/camera_info')
    assert peer.until(lambda: min(map(len, (truth, images, depths, infos))) > 2)
    assert not pixels_of(images[-1]).any() and np.isnan(pixels_of(depths[-1])).all()
    ahead = {to_ns(m.header.stamp) + 2_000_000_000 for m in truth}
    assert {to_ns(m.header.stamp) for m in (images[-1], depths[-1], infos[-1])} <= ahead
    switches = Switches(peer)
    assert switches.set('camera_node', 'all_nan', False).successful
    assert peer.until(lambda: pixels_of(images[-1]).any())
    assert switches.set('camera_node', 'drop', 1.0).successful
    peer.spin(0.3)
    count = len(images)
    peer.spin(0.5)
    assert len(images) == count
    assert peer.end() == [0] * 2


@pytest.mark.graph
def test_faults_of_imu_and_odometry_are_switched_at_run_time(peer, hall):
    peer.start('world_node', f'map:={hall}', 'random_start:=false', 'actors.count:=0',
               'start_pose:=[3.0, 3.0, 0.0]')
    for name in ('imu_node', 'odometry_node'):
        peer.start(name)
    switches = Switches(peer)
    imu, odom = peer.listen(Imu, 'imu/data', 100), peer.listen(Odometry, 'odom')
    assert peer.until(lambda: len(imu) > 5 and len(odom) > 5)

    def switch(node, name, value):
        assert switches.set(node, name, value).successful

    def rate():
        return imu[-1].angular_velocity.z

    switch('imu_node', 'bias', 2.0)
    assert peer.until(lambda: rate() > 1.9)
    assert np.isfinite(imu[-1].angular_velocity_covariance).all()
    switch('imu_node', 'bias', 0.0)
    switch('imu_node', 'freeze', True)
    assert peer.until(lambda: rate() < 1.0)
    assert peer.until(lambda: len({m.linear_acceleration.x for m in imu[-20:]}) == 1)
    assert len({to_ns(m.header.stamp) for m in imu[-20:]}) > 10
    switch('imu_node', 'freeze', False)
    switch('imu_node', 'wrong_frame', 'elsewhere')
    assert peer.until(lambda: imu[-1].header.frame_id == 'elsewhere')
    switch('odometry_node', 'all_max', True)
    assert peer.until(lambda: odom[-1].twist.twist.linear.x == 10.0)
    switch('odometry_node', 'all_max', False)
    switch('odometry_node', 'future_stamp', 5.0)
    assert peer.until(lambda: to_ns(odom[-1].header.stamp) > to_ns(imu[-1].header.stamp) + 4e9)
    switch('odometry_node', 'future_stamp', 0.0)
    switch('odometry_node', 'drop', 1.0)
    peer.spin(0.3)
    count = len(odom)
    peer.spin(0.5)
    assert len(odom) == count
    assert peer.end() == [0] * 3
