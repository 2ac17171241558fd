"""Zones, sources, switches and rivals of the safety monitor as a process."""

import signal
import time

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from drivers import Commands, health, moving, stopped
from geometry_msgs.msg import Point32, PolygonStamped, TwistStamped
from nav_msgs.msg import Path
import numpy as np
import pytest
from rcl_interfaces.srv import SetParameters
from rclpy.parameter import Parameter
from sensor_msgs.msg import Range
from std_srvs.srv import SetBool
from visualization_msgs.msg import MarkerArray

from synth_nodes.ros.conversions import path_to_message

pytestmark = pytest.mark.graph
SQUARE = '[2.0, 2.0, -2.0, 2.0, -2.0, -2.0, 2.0, -2.0]'


def switch(peer, name, value):
    """Set a parameter of the monitor."""
    client = peer.node.create_client(SetParameters, 'safety_monitor_node/set_parameters')
    assert peer.until(client.service_is_ready)
    future = client.call_async(SetParameters.Request(
        parameters=[Parameter(name, value=value).to_parameter_msg()]))
    assert peer.until(future.done)
    return future.result().results[0]


def toggle(peer, on):
    client = peer.node.create_client(SetBool, 'safety_monitor_node/toggle')
    assert peer.until(client.service_is_ready)
    future = client.call_async(SetBool.Request(data=on))
    assert peer.until(future.done)
    return future.result()


def values(messages):
    return {v.key: v.value for v in messages[-1].values} if messages else {}


def square(size):
    """Corners at so many metres; none for 0."""
    corners = [(size, size), (-size, size), (-size, -size), (size, -size)] if size else []
    message = PolygonStamped()
    message.polygon.points = [Point32(x=float(x), y=float(y)) for x, y in corners]
    return message


@pytest.fixture
def zoned(peer, drivers):
    """Start a monitor with a zone, one that waits for its shape, and a sonar beside the scan."""
    peer.start('safety_monitor_node', 'zones.slow.shape:=polygon', 'zones.slow.action:=slowdown',
               f'zones.slow.points:={SQUARE}', 'zones.slow.slowdown_ratio:=0.5',
               'zones.told.shape:=polygon', 'zones.told.action:=stop', 'zones.told.topic:=shape',
               'sources.scan.kind:=scan', 'sources.sonar.kind:=range',
               'sources.sonar.mount:=[0.2, 0.0, 0.1, 0.0, 0.0, 0.0]')
    sonar = peer.node.create_publisher(Range, 'sonar', 5)
    shape = peer.node.create_publisher(PolygonStamped, 'shape', 5)
    drivers.reading = 3.0

    def publish():
        stamp = peer.node.get_clock().now().to_msg()
        message = Range(field_of_view=0.3, min_range=0.02, max_range=4.0, range=drivers.reading)
        message.header.stamp, message.header.frame_id = stamp, 'sonar'
        sonar.publish(message)

    peer.node.create_timer(0.05, publish)
    drivers.tell = lambda size: shape.publish(square(size))
    return Commands(peer)


def test_zones_and_sources_bind_are_shown_and_can_be_switched(peer, drivers, zoned):
    out, states = zoned.out, peer.listen(DiagnosticStatus, 'safety/state')
    markers = peer.listen(MarkerArray, 'safety/zones')
    assert peer.until(lambda: values(states).get('zone told') == 'no shape' and stopped(out))
    drivers.tell(0.6)
    assert peer.until(lambda: out[-1].twist.linear.x == pytest.approx(0.3))
    assert peer.until(lambda: markers and {'slow', 'told'} <= {m.ns for m in markers[-1].markers})
    drivers.reading = 1.5
    assert peer.until(lambda: out[-1].twist.linear.x == pytest.approx(0.15))
    assert peer.until(lambda: values(states).get('zone slow') == 'slowdown')
    assert switch(peer, 'zones.slow.enabled', False).successful
    assert peer.until(lambda: out[-1].twist.linear.x == pytest.approx(0.3))
    assert peer.until(lambda: 'slow' not in {m.ns for m in markers[-1].markers})
    assert not switch(peer, 'zones.slow.slowdown_ratio', 0.9).successful
    drivers.reading = 0.01
    assert peer.until(lambda: stopped(out)
                      and values(states)['source sonar'].startswith('refused'))
    assert switch(peer, 'sources.sonar.enabled', False).successful
    assert peer.until(lambda: moving(out) and values(states)['source sonar'] == 'switched off')
    drivers.tell(0)
    assert peer.until(lambda: stopped(out))
    assert peer.end() == [0]


def test_footprint_from_a_topic_makes_its_zone_grow_and_no_footprint_stops(peer, drivers):
    peer.start('safety_monitor_node', 'zones.load.shape:=footprint', 'zones.load.action:=approach',
               'zones.load.time_before_collision:=2.0', 'zones.load.topic:=load')
    out, states = Commands(peer).out, peer.listen(DiagnosticStatus, 'safety/state')
    shape = peer.node.create_publisher(PolygonStamped, 'load', 5)
    drivers.distance = 1.5
    assert peer.until(lambda: values(states).get('zone load') == 'no shape' and stopped(out))
    shape.publish(square(0.3))
    assert peer.until(lambda: out[-1].twist.linear.x == pytest.approx(0.3))
    assert peer.until(lambda: values(states)['zone load'] == 'clear')
    shape.publish(square(0.8))  # its corners are 0.47 m from contact: 1.56 s of 2 s
    assert peer.until(lambda: out[-1].twist.linear.x == pytest.approx(0.234, abs=0.01))
    assert peer.until(lambda: values(states)['zone load'] == 'approach')
    shape.publish(square(0.3))
    assert peer.until(lambda: out[-1].twist.linear.x == pytest.approx(0.3))
    shape.publish(square(0.0))
    assert peer.until(lambda: stopped(out) and values(states)['zone load'] == 'no shape')
    assert peer.end() == [0]


def test_verdicts_follow_within_the_period_and_are_told_on_change_and_each_second(
        peer, drivers, monitor):
    said, told = peer.listen(DiagnosticArray, 'diagnostics'), []
    peer.node.create_subscription(
        DiagnosticStatus, 'safety/verdict', lambda m: told.append((time.monotonic(), m)), 10)
    heard = []
    peer.node.create_subscription(
        TwistStamped, 'cmd_vel', lambda m: heard.append(time.monotonic()), 10)
    monitor.part = 2  # commands at 10 Hz
    peer.spin(0.5)
    heard.clear()
    told.clear()
    peer.spin(3.0)
    assert np.quantile(np.diff(heard), 0.75) < 0.058, 'each 0.05 s, some later on a busy machine'
    assert 2 <= len(told) <= 4, 'at 1 Hz where nothing changes'
    assert np.diff([t for t, _ in told]).min() > 0.9
    timing = {v.key: float(v.value) for v in health(said, ': timing').values}
    assert timing['verdict_gap_max_ms'] > 0.0 and timing['delay_p99_ms'] > 0.0
    drivers.distance, count = 0.3, len(told)
    assert peer.until(lambda: len(told) > count and told[-1][1].level == DiagnosticStatus.ERROR)
    assert peer.until(lambda: health(said, ': safety').level == DiagnosticStatus.ERROR)
    found = {v.key: v.value for v in health(said, ': safety').values}
    assert (found['rule'], found['source']) == ('stop_zone', 'scan')
    assert 0.0 < float(found['latency_p50_ms']) <= float(found['latency_p99_ms'])
    assert int(found['checked']) > 10


def test_monitor_is_switched_off_only_by_its_service_and_says_so(peer, drivers, monitor):
    diagnostics = peer.listen(DiagnosticArray, 'diagnostics')
    drivers.distance = 0.3
    assert peer.until(lambda: stopped(monitor.out))
    assert toggle(peer, False).message == 'toggle: off'
    assert peer.until(lambda: monitor.out[-1].twist.linear.x == pytest.approx(0.3))
    assert peer.until(lambda: (health(diagnostics, ': safety') or DiagnosticStatus()).message
                      == 'the monitor is switched off')
    assert health(diagnostics, ': safety').level == DiagnosticStatus.WARN
    monitor.on = False
    assert peer.until(lambda: stopped(monitor.out))
    monitor.on = True
    assert peer.until(lambda: moving(monitor.out))
    assert toggle(peer, True).success
    assert peer.until(lambda: stopped(monitor.out))


def test_command_in_another_frame_and_a_second_publisher_stop_the_robot(peer, drivers, monitor):
    verdicts = peer.listen(DiagnosticStatus, 'safety/verdict')
    monitor.frame = 'map'
    assert peer.until(lambda: stopped(monitor.out) and verdicts
                      and "its frame is 'map', not 'base_link'" in verdicts[-1].message)
    monitor.frame = ''
    assert peer.until(lambda: moving(monitor.out))
    second = peer.node.create_publisher(TwistStamped, 'cmd_vel_raw', 5)
    assert peer.until(lambda: stopped(monitor.out)
                      and '2 publish it: /peer, /peer' in verdicts[-1].message)
    peer.node.destroy_publisher(second)
    assert peer.until(lambda: moving(monitor.out))
    second = peer.node.create_publisher(TwistStamped, 'cmd_vel', 5)
    assert peer.until(lambda: stopped(monitor.out) and '2 publish what the base follows: /peer, '
                      '/safety_monitor_node' in verdicts[-1].message)
    peer.node.destroy_publisher(second)
    assert peer.until(lambda: moving(monitor.out))
    said = peer.listen(DiagnosticArray, 'diagnostics')
    drivers.odom.child_frame_id = 'wheel'
    assert peer.until(lambda: stopped(monitor.out) and said and "odom is in 'wheel', not "
                      "'base_link'" in health(said, ': safety').message)
    drivers.odom.child_frame_id = 'base_link'
    assert peer.until(lambda: moving(monitor.out))


def test_zeros_flow_at_20_hz_from_a_crash_of_the_policy_on(peer, drivers, tmp_path):
    pytest.importorskip('onnx')
    from carrot import write_carrot

    peer.start('safety_monitor_node')
    policy = peer.start('policy_node', f'model:={write_carrot(tmp_path / "model")}')
    out = peer.listen(TwistStamped, 'cmd_vel')
    paths = peer.node.create_publisher(Path, 'path', 5)
    assert peer.until(lambda: paths.get_subscription_count() > 0 and stopped(out))
    paths.publish(path_to_message(np.array(((0.0, 0.0), (5.0, 0.0))), 'odom'))
    assert peer.until(lambda: moving(out))
    peer.processes.remove(policy)
    policy.send_signal(signal.SIGKILL)
    policy.communicate()
    assert peer.until(lambda: stopped(out), 3.0)
    count, begin = len(out), time.monotonic()
    peer.spin(1.5)
    assert len(out) - count >= 20 * (time.monotonic() - begin) * 0.9
    assert all(m.twist.linear.x == 0.0 for m in out[count:])


@pytest.mark.parametrize(('parameters', 'words'), [
    (['zones.a.shape:=polygon', 'zones.a.action:=stop'], "zone 'a' has no shape"),
    (['zones.a.shpae:=polygon'], "did you mean 'zones.a.shape'"),
    (['sources.top.kind:=pointcloud'], "source 'top': 'mount' is not given"),
    (['sources.scan.mount:=[0.0, 0.0, 0.0, 0.5, 0.0, 0.0]'], 'tilted by 0.50 rad'),
    (['sources.scan.mount:=[0.0, 0.0, 0.0]'], 'roll, pitch, yaw'),
    (['safety.command.period:=0.005'], 'make it 0.025 or more')])
def test_zone_or_source_that_cannot_be_used_is_refused_at_the_start(refused, parameters, words):
    assert words in refused('safety_monitor_node', *parameters)
