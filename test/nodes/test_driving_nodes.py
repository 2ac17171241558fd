"""Policy, safety monitor and trainer as processes."""

import math
import time

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from drivers import change, health, moving, stopped
from geometry_msgs.msg import TwistStamped
from lifecycle_msgs.msg import Transition
from nav_msgs.msg import Path
import numpy as np
import pytest
from rclpy.qos import qos_profile_sensor_data
from std_srvs.srv import Trigger

from synth_nodes.ros.conversions import path_to_message
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.train.replay import ReplayStore

pytestmark = pytest.mark.graph


def test_monitor_fails_closed_recovers_and_says_zero_while_starved(peer, drivers, monitor):
    out = monitor.out
    assert out[-1].twist.linear.x == pytest.approx(0.3)
    for break_it, mend in (
            (lambda: setattr(monitor, 'vx', math.nan), lambda: setattr(monitor, 'vx', 0.3)),
            (lambda: setattr(monitor, 'age', 1.0), lambda: setattr(monitor, 'age', 0.0)),
            (lambda: setattr(monitor, 'age', -1.0), lambda: setattr(monitor, 'age', 0.0)),
            (lambda: setattr(drivers, 'distance', math.nan),
             lambda: setattr(drivers, 'distance', 8.0)),
            (lambda: setattr(drivers, 'distance', 0.3),
             lambda: setattr(drivers, 'distance', 8.0)),
            (lambda: setattr(drivers, 'velocity', (math.nan, 0.0, 0.0)),
             lambda: setattr(drivers, 'velocity', (0.0, 0.0, 0.0))),
            (drivers.stop, lambda: setattr(drivers, 'on', True))):
        break_it()
        assert peer.until(lambda: stopped(out), 3.0)
        mend()
        assert peer.until(lambda: moving(out), 3.0)
    monitor.on = False
    assert peer.until(lambda: stopped(out), 3.0)
    assert only_zeros_come(peer, out)


def test_monitor_explains_stops_latches_and_ends_with_zero(peer, drivers, monitor):
    out, verdicts = monitor.out, peer.listen(DiagnosticStatus, 'safety/verdict')
    assert peer.call(Trigger, 'safety_monitor_node/stop').success
    assert peer.until(lambda: stopped(out) and verdicts and 'latched' in verdicts[-1].message)
    values = {v.key: v.value for v in verdicts[-1].values}
    assert values['action'] == 'stop' and values['rule'] == 'latched'
    assert not peer.call(Trigger, 'safety_monitor_node/override').success
    assert peer.call(Trigger, 'safety_monitor_node/reset').success
    assert peer.until(lambda: moving(out))
    change(peer, 'safety_monitor_node', Transition.TRANSITION_DEACTIVATE)
    assert peer.until(lambda: stopped(out), 2.0)
    assert only_zeros_come(peer, out)
    change(peer, 'safety_monitor_node', Transition.TRANSITION_ACTIVATE)
    assert peer.until(lambda: moving(out))
    assert peer.end() == [0]
    peer.spin(0.5)
    assert [m.twist.linear.x for m in out[-8:]] == [0.0] * 8


def test_zeros_of_a_deactivated_monitor_end_with_its_cleanup_or_shutdown(peer, monitor):
    out = monitor.out
    change(peer, 'safety_monitor_node', Transition.TRANSITION_DEACTIVATE)
    change(peer, 'safety_monitor_node', Transition.TRANSITION_CLEANUP)
    peer.spin(0.2)
    count = len(out)
    peer.spin(1.0)
    assert len(out) == count
    change(peer, 'safety_monitor_node', Transition.TRANSITION_CONFIGURE)
    change(peer, 'safety_monitor_node', Transition.TRANSITION_ACTIVATE)
    assert peer.until(lambda: len(out) > count)
    change(peer, 'safety_monitor_node', Transition.TRANSITION_ACTIVE_SHUTDOWN)
    peer.spin(0.2)
    assert len(out) >= count + 8 and not any(m.twist.linear.x for m in out[-8:])
    count = len(out)
    peer.spin(0.5)
    assert len(out) == count
    assert peer.end() == [0]


def only_zeros_come(peer, out):
    """Whether zeros and nothing else come at 20 Hz, little less on a busy machine, for 1.5 s."""
    count, begin = len(out), time.monotonic()
    peer.spin(1.5)
    return (len(out) - count >= 20 * (time.monotonic() - begin) * 0.9
            and not any(m.twist.linear.x for m in out[count:]))


def test_latched_stop_outlives_a_new_configuration_and_only_a_reset_lifts_it(
        peer, drivers, monitor):
    out, verdicts = monitor.out, peer.listen(DiagnosticStatus, 'safety/verdict')
    assert peer.call(Trigger, 'safety_monitor_node/stop').success
    assert peer.until(lambda: stopped(out))
    count = len(out)
    for step in ('DEACTIVATE', 'CLEANUP', 'CONFIGURE', 'ACTIVATE'):
        change(peer, 'safety_monitor_node', getattr(Transition, f'TRANSITION_{step}'))
    verdicts.clear()
    assert peer.until(lambda: verdicts and 'latched' in verdicts[-1].message)
    peer.spin(1.0)
    assert not any(m.twist.linear.x for m in out[count:])
    assert peer.call(Trigger, 'safety_monitor_node/reset').success
    assert peer.until(lambda: moving(out))


@pytest.fixture
def policy(peer, tmp_path):
    pytest.importorskip('onnx')
    from carrot import write_carrot

    model = write_carrot(tmp_path / 'model')
    peer.start('policy_node', f'model:={model}')
    return model


def test_policy_drives_reloads_without_a_gap_and_fails_closed(peer, drivers, policy):
    from carrot import write_carrot

    out, diagnostics = (peer.listen(TwistStamped, 'cmd_vel_raw'),
                        peer.listen(DiagnosticArray, 'diagnostics'))
    paths = peer.node.create_publisher(Path, 'path', 5)
    straight = path_to_message(np.array(((0.0, 0.0), (5.0, 0.0))), 'odom')
    assert peer.until(lambda: stopped(out))
    assert peer.until(lambda: paths.get_subscription_count() > 0)
    paths.publish(straight)
    assert peer.until(lambda: moving(out))
    before, fast = len(out), out[-1].twist.linear.x
    write_carrot(policy, speed=0.25)
    assert peer.call(Trigger, 'policy_node/reload').success
    assert peer.until(lambda: moving(out) and out[-1].twist.linear.x < 0.6 * fast)
    peer.spin(0.5)
    stamps = [m.header.stamp.sec + m.header.stamp.nanosec * 1e-9 for m in out[before:]]
    assert min(m.twist.linear.x for m in out[before:]) > 0.1
    assert max(np.diff(stamps)) < 0.3
    (policy / 'policy.onnx').write_bytes(b'broken')
    answer = peer.call(Trigger, 'policy_node/reload')
    assert not answer.success and 'policy.onnx' in answer.message
    peer.spin(0.2)
    assert moving(out)
    paths.publish(path_to_message(np.array(((0.0, 0.0), (5.0, 0.0))), 'elsewhere'))
    assert peer.until(lambda: stopped(out), 3.0)
    paths.publish(straight)
    assert peer.until(lambda: moving(out), 3.0)
    drivers.stop()
    assert peer.until(lambda: stopped(out), 3.0)
    assert peer.until(lambda: 'no scan' in health(diagnostics, ': policy').message, 3.0)
    assert peer.end() == [0]


def test_incompatible_quality_of_service_is_a_diagnostic(peer):
    peer.start('safety_monitor_node')
    diagnostics = peer.listen(DiagnosticArray, 'diagnostics')
    peer.node.create_publisher(TwistStamped, 'cmd_vel_raw', qos_profile_sensor_data)
    assert peer.until(lambda: health(diagnostics, ': quality of service') is not None)
    status = health(diagnostics, ': quality of service')
    assert '/cmd_vel_raw' in status.message and 'reliability' in status.message


def test_trainer_runs_one_training_at_a_time_and_cancels(peer, tmp_path):
    pytest.importorskip('torch')
    peer.start('trainer_node', f'registry:={tmp_path / "registry"}',
               'bc.buildings:=2', 'bc.validation_buildings:=1', 'bc.robots:=4')
    progress = peer.listen(DiagnosticStatus, 'trainer_node/progress')
    assert not peer.call(Trigger, 'trainer_node/cancel').success
    assert peer.call(Trigger, 'trainer_node/train').success
    assert peer.until(lambda: bool(progress))
    assert not peer.call(Trigger, 'trainer_node/train').success
    assert peer.call(Trigger, 'trainer_node/cancel').success
    assert peer.until(lambda: 'cancelled' in progress[-1].message, 60.0)
    assert not list((tmp_path / 'registry').glob('versions/*'))
    answer = peer.call(Trigger, 'trainer_node/rollback')
    assert not answer.success and 'no earlier version' in answer.message
    assert peer.end() == [0]


def test_trainer_records_what_the_monitor_changed_and_keeps_it_on_disk(peer, drivers, tmp_path):
    peer.start('trainer_node', 'record:=true', f'replay:={tmp_path}', 'stamped:=true')
    diagnostics = peer.listen(DiagnosticArray, 'diagnostics')
    path = peer.node.create_publisher(Path, 'path', 5)
    verdict = peer.node.create_publisher(DiagnosticStatus, 'safety/verdict', 5)
    command = peer.node.create_publisher(TwistStamped, 'cmd_vel', 10)
    said = {'action': 'slowdown', 'rule': 'braking', 'ttc': '0.9', 'wanted': '0.4 0.0 0.1'}

    def drive():
        path.publish(path_to_message(np.array(((0.0, 0.0), (5.0, 0.0))), 'odom'))
        verdict.publish(DiagnosticStatus(
            values=[KeyValue(key=k, value=v) for k, v in said.items()]))
        message = TwistStamped(header=drivers.scan.header)
        message.twist.linear.x = 0.2
        command.publish(message)

    def interventions():
        status = health(diagnostics, ': training')
        return int({v.key: v.value for v in status.values}['interventions']) if status else 0

    peer.node.create_timer(0.07, drive)
    assert peer.until(lambda: interventions() >= 3)
    assert health(diagnostics, ': drift').message.startswith('the policy, if any')
    assert peer.end() == [0]
    store = ReplayStore(tmp_path, 10)
    assert store.counts()['interventions'] >= 3
    assert np.allclose(store.samples(ObservationSpec()).command[-1], (0.2, 0.0))
