from dataclasses import fields, replace

from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.sensors.odometry import OdometrySettings, WheelOdometry
from synth_nodes.sensors.wheels import body_matrix, rolling_matrix, wheel_names, WheelSpec
from synth_nodes.types import GridMap, RobotSpec
from synth_nodes.world.actors import ActorSettings
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.world import World

PERFECT = OdometrySettings(
    **{f.name: 0 if f.name == 'ticks' else 0.0 for f in fields(OdometrySettings)[1:]})
OMNI = RobotSpec(drive='omnidirectional')
DRIVES = [RobotSpec(), RobotSpec(drive='ackermann'), OMNI]


def drive(odometry, twist, seconds, dt=0.05):
    batch = len(odometry.pose)
    for _ in range(round(seconds / dt)):
        odometry.update(np.broadcast_to(twist, (batch, 3)), dt)


def pose_errors(odometry, twist, seconds, robot=None):
    truth = WheelOdometry(PERFECT, len(odometry.pose), robot=robot)
    drive(truth, twist, seconds)
    error = odometry.pose - truth.pose
    error[:, 2] = (error[:, 2] + np.pi) % (2 * np.pi) - np.pi
    return error


def assert_covers(error, stated, **near):
    """Compare second moments with a covariance, in units of its standard deviations."""
    spread = np.sqrt(np.maximum(np.diag(stated), 1e-14))
    got = error.T @ error / len(error)
    assert got / np.outer(spread, spread) == pytest.approx(
        stated / np.outer(spread, spread), **near)


@pytest.mark.parametrize('robot', DRIVES, ids=lambda r: r.drive)
def test_without_errors_it_follows_the_exact_arc(robot):
    odometry = WheelOdometry(PERFECT, robot=robot)
    drive(odometry, [0.5, 0.0, 0.4], 5.0)
    x, y = 1.25 * np.sin(2.0), 1.25 * (1 - np.cos(2.0))
    assert odometry.pose[0] == pytest.approx([x, y, 2.0])
    assert odometry.velocity[0] == pytest.approx([0.5, 0.0, 0.4])
    assert not odometry.covariance.any()


def test_mecanum_wheels_count_a_way_sideways():
    odometry = WheelOdometry(PERFECT, robot=OMNI)
    drive(odometry, [0.0, 0.3, 0.0], 2.0)
    assert odometry.pose[0] == pytest.approx([0.0, 0.6, 0.0])


def test_wheels_that_turn_once_go_their_circumference():
    odometry = WheelOdometry(PERFECT, wheels=WheelSpec(radius=0.2, track=0.5))
    odometry.roll(np.full((1, 2), 2 * np.pi), 1.0)
    assert odometry.pose[0] == pytest.approx([0.4 * np.pi, 0.0, 0.0])
    odometry.roll(np.array([[-0.25, 0.25]]), 1.0)
    assert odometry.pose[0, 2] == pytest.approx(0.2)


@given(st.sampled_from(DRIVES), *[st.floats(0.05, 3.0) for _ in range(3)])
def test_body_motion_comes_back_from_the_wheels(robot, radius, track, length):
    wheels = WheelSpec(radius, track, length)
    both = body_matrix(robot, wheels) @ rolling_matrix(robot, wheels)
    want = np.eye(3) if robot.drive == 'omnidirectional' else np.diag([1.0, 0.0, 1.0])
    assert both == pytest.approx(want, abs=1e-9)
    assert len(wheel_names(robot)) == len(rolling_matrix(robot, wheels))


def test_a_robot_at_rest_does_not_drift():
    odometry = WheelOdometry(OdometrySettings(), 5)
    drive(odometry, [0.0, 0.0, 0.0], 10.0)
    assert not odometry.pose.any() and not odometry.velocity.any()


@pytest.mark.parametrize('twist', (
    [0.5, 0.0, 0.0], [0.5, 0.0, 0.3], [0.0, 0.0, 0.8], [0.3, -0.2, 0.2]), ids=str)
@pytest.mark.parametrize('robot', (RobotSpec(), OMNI), ids=lambda r: r.drive)
def test_covariance_matches_what_many_robots_do(robot, twist):
    if robot.drive == 'differential':
        twist = [twist[0], 0.0, twist[2]]
    batch = 2500
    odometry = WheelOdometry(replace(OdometrySettings(), ticks=400), batch, 4, robot)
    drive(odometry, twist, 8.0)
    error = pose_errors(odometry, twist, 8.0, robot)
    assert_covers(error, odometry.covariance.mean(axis=0), abs=0.14)


@pytest.mark.parametrize(('name', 'level'), [
    ('scale_error', 0.01), ('radius_error', 0.005), ('track_error', 0.02), ('slip', 0.01)])
def test_each_error_alone_is_covered(name, level):
    batch, twist = 4000, [0.5, 0.0, 0.2]
    odometry = WheelOdometry(replace(PERFECT, **{name: level}), batch, 6)
    drive(odometry, twist, 6.0)
    assert_covers(pose_errors(odometry, twist, 6.0), odometry.covariance.mean(axis=0), abs=0.12)


def test_coarse_ticks_are_covered_and_do_not_add_up():
    batch = 3000
    # What a tick leaves out depends on where a wheel stops: robots of many speeds.
    twist = np.column_stack((np.linspace(0.4, 0.6, batch), np.zeros(batch), np.full(batch, 0.3)))
    odometry = WheelOdometry(replace(PERFECT, ticks=200), batch, 6)
    for seconds in (2.0, 4.0):
        drive(odometry, twist, 2.0, 0.025)
        error = pose_errors(odometry, twist, seconds)
        stated = odometry.covariance.mean(axis=0)
        assert error[:, 2].var() / stated[2, 2] == pytest.approx(1.0, abs=0.12)
        assert error[:, 0].var() / stated[0, 0] == pytest.approx(1.0, abs=0.15)
    tick = 2 * np.pi * 0.1 / 200
    assert np.abs(error[:, 2]).max() < 2.001 * tick / 0.36


def test_slip_of_the_robot_is_missed_and_covered():
    batch, dt = 1500, 0.05
    hall = GridMap(np.zeros((40, 40), np.int8), 1.0, (-20.0, -20.0, 0.0))
    robot = RobotSpec(slip=0.08, turn_slip=0.1, slip_time=1.5)
    world = World(MapAtlas.build([hall]), robot, ActorSettings(count=0), batch, 3)
    world.reset(pose=np.zeros(3))
    odometry = WheelOdometry(PERFECT, batch, 1, robot)
    for _ in range(120):
        before = world.wheel_velocity.copy()
        world.step(np.tile([0.6, 0.0, 0.3], (batch, 1)), dt)
        odometry.update(0.5 * (before + world.wheel_velocity), dt)
    error = odometry.pose - world.pose
    assert np.abs(error[:, :2]).max() > 0.1
    error[:, 2] = (error[:, 2] + np.pi) % (2 * np.pi) - np.pi
    assert_covers(error, odometry.covariance.mean(axis=0), abs=0.15)
    assert_covers((odometry.velocity - world.velocity)[:, [0, 2]],
                  odometry.velocity_covariance.mean(axis=0)[np.ix_([0, 2], [0, 2])], abs=0.15)


@settings(max_examples=20, deadline=None)
@given(st.floats(-0.8, 0.8), st.floats(-1.5, 1.5), st.integers(1, 2000))
def test_counted_way_is_within_a_tick_of_the_true_one(speed, turn, ticks):
    odometry = WheelOdometry(replace(PERFECT, ticks=ticks), 20, 1)
    drive(odometry, [speed, 0.0, turn], 3.0)
    truth = WheelOdometry(PERFECT)
    drive(truth, [speed, 0.0, turn], 3.0)
    off = (odometry.pose[:, 2] - truth.pose[0, 2] + np.pi) % (2 * np.pi) - np.pi
    assert np.abs(off).max() * 0.36 <= 2 * 2 * np.pi * 0.1 / ticks + 1e-9


@pytest.mark.parametrize('ticks', (0, 500))
def test_velocity_covariance_matches_its_errors(ticks):
    batch, twist, seconds = 8000, np.array([0.6, 0.0, 0.5]), 0.05
    odometry = WheelOdometry(replace(OdometrySettings(), ticks=ticks), batch, 2)
    drive(odometry, twist, seconds)
    assert_covers((odometry.velocity - twist)[:, [0, 2]],
                  odometry.velocity_covariance.mean(axis=0)[np.ix_([0, 2], [0, 2])], abs=0.08)


def test_same_seed_gives_the_same_odometry():
    a, b = (WheelOdometry(OdometrySettings(), 3, 8) for _ in range(2))
    drive(a, [0.4, 0.0, 0.2], 2.0)
    drive(b, [0.4, 0.0, 0.2], 2.0)
    assert np.array_equal(a.pose, b.pose)
