from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.nodes.driver import Driver
from synth_nodes.tasks.observation import ObservationSpec
from synth_nodes.types import LidarSpec

LIDAR = LidarSpec(beams=72)
CLEAR = np.full(72, 5.0, np.float32)


class Straight:
    """A policy that always says the same."""

    def __init__(self, output=((0.5, 0.1),)):
        self.output = np.array(output, np.float32)
        self.seen = None

    def act(self, observation):
        self.seen = observation
        return self.output


@pytest.fixture
def driver():
    driver = Driver(Straight(), ObservationSpec(), LIDAR, 0.25, 0.3, 0.3)
    driver.take_odometry(np.zeros(3), np.zeros(3), 1.0)
    driver.take_path(np.array(((0.0, 0.0), (3.0, 0.0))))
    return driver


def test_fresh_data_and_a_path_make_the_policy_drive(driver):
    decision = driver.decide(CLEAR, 1.0, 1.02)
    assert decision.state == 'driving'
    assert decision.command == pytest.approx((0.5, 0.0, 0.1))


@pytest.mark.parametrize(('stamp', 'now', 'word'), [
    (1.0, 1.31, 'scan'), (1.0, 0.8, 'ahead of the clock'), (np.nan, 1.0, 'scan')])
def test_late_or_future_scan_stops(driver, stamp, now, word):
    driver.take_odometry(np.zeros(3), np.zeros(3), now)
    decision = driver.decide(CLEAR, stamp, now)
    assert not decision.command.any() and decision.state == 'stopped'
    assert word in decision.reason


@pytest.mark.parametrize('stamp', [0.5, 1.5, np.nan])
def test_late_or_future_odometry_stops(driver, stamp):
    driver.take_odometry(np.zeros(3), np.zeros(3), stamp)
    decision = driver.decide(CLEAR, 1.0, 1.0)
    assert not decision.command.any() and 'odometry' in decision.reason


@pytest.mark.parametrize(('pose', 'velocity'), [
    ((np.nan, 0, 0), (0, 0, 0)), ((0, 0, np.nan), (0, 0, 0)), ((0, 0, 0), (np.inf, 0, 0))])
def test_odometry_that_is_no_number_stops(driver, pose, velocity):
    driver.take_odometry(np.array(pose, float), np.array(velocity, float), 1.0)
    assert driver.decide(CLEAR, 1.0, 1.0).state == 'stopped'


@pytest.mark.parametrize('output', [((np.nan, 0.0),), ((np.inf, 0.0),), ((0.1, 0.1, 0.1),)])
def test_policy_that_gives_no_command_stops(driver, output):
    driver.swap(Straight(output), ObservationSpec())
    decision = driver.decide(CLEAR, 1.0, 1.0)
    assert not decision.command.any() and 'policy' in decision.reason


def test_without_odometry_or_path_it_stands():
    driver = Driver(Straight(), ObservationSpec(), LIDAR, 0.25, 0.3, 0.3)
    assert 'no odometry' in driver.decide(CLEAR, 1.0, 1.0).reason
    driver.take_odometry(np.zeros(3), np.zeros(3), 1.0)
    assert driver.decide(CLEAR, 1.05, 1.05).state == 'waiting'


@pytest.mark.parametrize('path', [np.zeros((0, 2)), [(0.0, 0.0), (np.nan, 1.0)]])
def test_empty_or_broken_path_takes_the_old_one_away(driver, path):
    driver.take_path(path)
    decision = driver.decide(CLEAR, 1.0, 1.0)
    assert decision.state == 'waiting' and not decision.command.any()


def test_other_number_of_beams_stops_and_says_so(driver):
    decision = driver.decide(CLEAR[:71], 1.0, 1.0)
    assert decision.state == 'stopped' and '71 beams' in decision.reason


def test_arrival_holds_until_another_goal_comes(driver):
    driver.take_odometry(np.array((2.9, 0.0, 0.0)), np.zeros(3), 1.0)
    driver.take_path(np.array(((2.0, 0.0), (3.0, 0.0))))
    assert driver.decide(CLEAR, 1.0, 1.0).state == 'arrived'
    driver.take_odometry(np.array((2.5, 0.0, 0.0)), np.zeros(3), 1.05)
    driver.take_path(np.array(((2.5, 0.0), (3.0, 0.0))))
    assert driver.decide(CLEAR, 1.05, 1.05).state == 'arrived'
    driver.take_path(np.array(((2.5, 0.0), (4.0, 0.0))))
    assert driver.decide(CLEAR, 1.10, 1.10).state == 'driving'


def test_single_point_is_driven_to_straight(driver):
    driver.take_path(np.array(((0.0, 2.0),)))
    driver.decide(CLEAR, 1.0, 1.0)
    x, y, left = driver._policy.seen['goal'][0]
    assert (abs(x), left) == pytest.approx((0.0, 2.0), abs=1e-6) and y > 0.5


def test_swapped_policy_with_another_layout_decides_at_once(driver):
    driver.decide(CLEAR, 1.0, 1.0)
    other = Straight(((0.2, 0.0),))
    driver.swap(other, ObservationSpec(sectors=36, history=2))
    assert driver.decide(CLEAR, 1.05, 1.05).command[0] == pytest.approx(0.2)
    assert other.seen['scan'].shape == (1, 2, 36)


@settings(max_examples=60, deadline=None)
@given(st.floats(allow_nan=True), st.floats(allow_nan=True), st.floats(allow_nan=True))
def test_only_fresh_data_ever_move_the_robot(scan_stamp, odom_stamp, now):
    driver = Driver(Straight(), ObservationSpec(), LIDAR, 0.25, 0.3, 0.3)
    driver.take_odometry(np.zeros(3), np.zeros(3), odom_stamp)
    driver.take_path(np.array(((0.0, 0.0), (3.0, 0.0))))
    if driver.decide(CLEAR, scan_stamp, now).command.any():
        assert -0.1 <= now - scan_stamp <= 0.3 and -0.1 <= now - odom_stamp <= 0.3
