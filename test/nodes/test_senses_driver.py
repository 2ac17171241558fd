from itertools import product

import numpy as np
import pytest
from sensed import DOCK, IMAGE, LIDAR, marker_scan

from synth_nodes.errors import InputError
from synth_nodes.nodes.senses_driver import SensesDriver
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.tasks.dock_senses import SENSES
from synth_nodes.tasks.observation import ObservationSpec

SPEC, CAMERA = ObservationSpec(history=1, range_max=4.0), CameraSpec(width=64, height=64)
SHARES = np.array((0.1, 0.2, 0.4))
"""Speed [m/s] for each sensor: what a command's speed is made of says which were used."""
GOAL, HERE, STILL = np.array((1.0, 0.0, 0.0)), np.zeros(3), np.zeros(3)


class Masked:
    """A policy whose speed says what is present."""

    def __init__(self, *output):
        self.output = np.array([output], np.float32) if output else None

    def act(self, observation):
        self.seen = observation
        speed = float(observation['present'][0] @ SHARES)
        return np.array([[speed, 0.0]], np.float32) if self.output is None else self.output


class Rig:
    """A driver and sensors that can be broken one by one."""

    def __init__(self, policy=None):
        self.policy = policy or Masked()
        self.driver = SensesDriver(self.policy, SPEC, CAMERA, DOCK, LIDAR,
                                   dict.fromkeys(SENSES, 0.3))
        self.driver.take_dock(GOAL)
        self.image, self.scan, self.odom = IMAGE, marker_scan(1.0), (HERE, STILL)

    def decide(self, now=1.0, **ages):
        """Give all sensors that there are at a moment, some of them old, and decide."""
        stamp = {name: now - ages.get(name, 0.0) for name in SENSES}
        if self.image is not None:
            self.driver.take_image(self.image, stamp['camera'])
        if self.scan is not None:
            self.driver.take_scan(self.scan, stamp['lidar'])
        if self.odom is not None:
            self.driver.take_odometry(*self.odom, stamp['odometry'])
        return self.driver.decide(now)


def used(decision):
    return [name for name, verdict in decision.sensors.items() if verdict == 'used']


@pytest.mark.parametrize('mask', list(product((True, False), repeat=3)))
def test_each_set_of_sensors_drives_with_the_others_masked_and_none_stands(mask):
    rig = Rig()
    for there, name in zip(mask, ('image', 'scan', 'odom'), strict=True):
        if not there:
            setattr(rig, name, None)
    decision = rig.decide()
    assert used(decision) == [n for n, there in zip(SENSES, mask, strict=True) if there]
    assert decision.command == pytest.approx((SHARES @ mask, 0.0, 0.0))
    if not any(mask):
        assert decision.state == 'stopped' and 'no sensor' in decision.reason
        return
    assert decision.state == 'driving'
    for there, names in zip(mask, SENSES.values(), strict=True):
        for name in names:
            assert rig.policy.seen[name].any() == (there and name != 'velocity')


def test_the_policy_gets_what_the_sensors_show():
    rig = Rig()
    rig.odom = HERE, np.array((0.2, 0.0, 0.1))
    rig.decide()
    seen = rig.policy.seen
    assert np.array_equal(seen['image'][0], IMAGE)
    assert seen['scan'].shape == (1, 1, 72) and seen['scan'].min() == pytest.approx(1.26, abs=0.01)
    assert seen['marker'][0] == pytest.approx((1.0, 0.0, 0.0, 1.0, 0.0), abs=0.02)
    assert seen['goal'][0] == pytest.approx((1.0, 0.0, 0.0, 1.0), abs=0.02)
    assert seen['velocity'][0] == pytest.approx((0.2, 0.0, 0.1))


RANGES, POWERS = marker_scan(1.0)


@pytest.mark.parametrize(('sensor', 'broken', 'ages', 'word'), [
    ('camera', {}, {'camera': 0.5}, 'the image is 0.50 s old'),
    ('camera', {}, {'camera': -0.5}, 'ahead of the clock'),
    ('camera', {'image': 0 * IMAGE + 9}, {}, 'one colour'),
    ('camera', {'image': IMAGE[:32]}, {}, 'takes rgb8'),
    ('camera', {'image': IMAGE.astype(np.float32)}, {}, 'takes rgb8'),
    ('lidar', {}, {'lidar': 0.5}, 'the scan is 0.50 s old'),
    ('lidar', {}, {'lidar': -0.5}, 'ahead of the clock'),
    ('lidar', {'scan': (RANGES, POWERS[:0])}, {}, '0 intensities'),
    ('lidar', {'scan': (RANGES[:90], POWERS[:90])}, {}, '90 ranges'),
    ('lidar', {'scan': (RANGES * np.nan, POWERS)}, {}, 'no beam'),
    ('lidar', {'scan': marker_scan(1.0, bright=False)}, {}, 'not seen yet'),
    ('odometry', {}, {'odometry': 0.5}, 'the odometry is 0.50 s old'),
    ('odometry', {'odom': (HERE * np.nan, STILL)}, {}, 'not finite'),
    ('odometry', {'odom': (HERE, STILL + np.inf)}, {}, 'not finite')])
def test_what_is_late_or_unsound_is_missing_and_says_why(sensor, broken, ages, word):
    rig = Rig()
    vars(rig).update(broken)
    decision = rig.decide(**ages)
    assert used(decision) == [name for name in SENSES if name != sensor]
    verdict = decision.sensors[sensor]
    assert verdict.startswith('missing: ') and word in verdict
    assert decision.state == 'driving'


def test_an_image_that_cannot_be_read_is_missing_until_the_next_one():
    rig = Rig()
    rig.decide()
    rig.driver.refuse_image("encoded as 'bgr8'")
    assert "'bgr8'" in rig.driver.decide(1.0).sensors['camera']
    assert 'camera' in used(rig.decide(1.05))


def test_a_marker_ages_and_then_the_lidar_counts_as_missing():
    rig = Rig()
    rig.decide(1.0)
    rig.scan = marker_scan(1.0, bright=False)
    assert 'lidar' in used(rig.decide(2.0))
    assert rig.policy.seen['marker'][0] == pytest.approx((1.0, 0.0, 0.0, 1.0, 1.0), abs=0.02)
    assert 'marker was not seen for 1.6 s' in rig.decide(2.6).sensors['lidar']
    rig.scan = marker_scan(1.0)
    assert 'lidar' in used(rig.decide(2.7))


def test_sightings_correct_where_odometry_thinks_the_dock_is_also_once_they_cease():
    rig = Rig()
    rig.driver.take_dock(GOAL + 0.1)
    rig.decide()
    assert rig.policy.seen['goal'][0] == pytest.approx((1.0, 0.0, 0.0, 1.0), abs=0.02)
    rig.scan = None
    rig.odom = np.array((0.5, 0.0, 0.0)), STILL
    decision = rig.decide(1.5)
    assert used(decision) == ['camera', 'odometry'] and '0.5' in decision.reason
    assert rig.policy.seen['goal'][0] == pytest.approx((0.5, 0.0, 0.0, 1.0), abs=0.02)


def test_without_odometry_the_nearest_marker_is_taken():
    rig = Rig()
    rig.odom = None
    rig.driver.take_dock((40.0, 7.0, 2.0))
    decision = rig.decide()
    assert used(decision) == ['camera', 'lidar'] and '1.00 m to go' in decision.reason


@pytest.mark.parametrize(('pose', 'word'), [
    ((np.nan, 0.0, 0.0), 'not finite'), ((1.0, 0.0), 'not finite'), ((9.0, 0.0, 0.0), '9.0 m')])
def test_a_dock_that_is_nowhere_or_far_is_waited_for(pose, word):
    rig = Rig()
    rig.driver.take_dock(pose)
    decision = rig.decide()
    assert decision.state == 'waiting' and word in decision.reason
    assert not decision.command.any() and 'camera' in used(decision)


def test_without_a_dock_the_robot_waits():
    rig = Rig()
    rig.driver.refuse('no such dock')
    decision = rig.decide()
    assert (decision.state, decision.reason) == ('waiting', 'no such dock')
    assert not decision.command.any()


def test_docked_is_told_by_odometry_or_else_by_a_fresh_sighting_at_rest():
    rig = Rig()
    rig.odom = GOAL, STILL
    rig.scan = marker_scan(0.0)
    assert rig.decide().state == 'arrived'
    rig.odom = GOAL - (0.5, 0.0, 0.0), STILL
    assert rig.decide(1.05).state == 'arrived'
    rig.driver.take_dock(GOAL)
    rig.scan = marker_scan(0.5)
    assert rig.decide(1.1).state == 'driving'


def test_by_lidar_alone_a_robot_is_docked_once_it_was_told_to_rest():
    rig = Rig(Masked(0.2, 0.0))
    rig.image, rig.odom, rig.scan = None, None, marker_scan(0.2)
    assert rig.decide(1.0).state == 'driving'
    rig.scan = marker_scan(0.0)
    rig.policy.output[:] = 0.0
    assert rig.decide(1.05).state == 'driving'
    assert rig.decide(1.1).state == 'arrived'


def test_by_camera_alone_nobody_knows_whether_the_robot_is_docked():
    rig = Rig(Masked(0.0, 0.0))
    rig.scan = rig.odom = None
    assert [rig.decide(1.0 + 0.05 * k).state for k in range(3)] == ['driving'] * 3
    assert 'unknown' in rig.decide(1.2).reason


def test_the_lidar_leads_and_others_step_in_where_it_is_late():
    rig = Rig()
    assert rig.driver.due('odometry', 1.0)
    rig.decide(1.0)
    assert rig.driver.due('lidar', 1.05)
    assert not rig.driver.due('camera', 1.05) and not rig.driver.due('odometry', 1.05)
    assert rig.driver.due('camera', 1.08) and rig.driver.due('odometry', 0.9)
    rig.scan = None
    rig.decide(1.5)
    assert rig.driver.due('camera', 1.55) and not rig.driver.due('lidar', 1.55)


def test_where_nothing_comes_in_the_robot_stands_and_all_sensors_say_so():
    decision = Rig().driver.silence()
    assert decision.state == 'stopped' and not decision.command.any()
    assert all(v.startswith('missing: ') for v in decision.sensors.values())


@pytest.mark.parametrize('output', [(np.nan, 0.0), (0.1, np.inf), (0.1, 0.1, 0.1)])
def test_a_policy_that_gives_no_command_stops(output):
    decision = Rig(Masked(*output)).decide()
    assert not decision.command.any() and 'policy' in decision.reason


def test_a_clock_set_back_forgets_the_marker():
    rig = Rig()
    rig.decide(5.0)
    rig.scan = marker_scan(1.0, bright=False)
    assert 'not seen yet' in rig.decide(1.0).sensors['lidar']


def test_a_policy_over_several_scans_is_refused():
    with pytest.raises(InputError, match='3 scans'):
        Rig().driver.swap(Masked(), ObservationSpec())
