import numpy as np
import pytest

from synth_nodes.sensors.odometry import OdometrySettings, WheelOdometry

PERFECT = OdometrySettings(*[0.0] * 5)


def drive(odometry, twist, seconds, dt=0.05):
    batch = len(odometry.pose)
    for _ in range(round(seconds / dt)):
        odometry.update(np.tile(twist, (batch, 1)), dt)


def test_without_errors_it_follows_the_exact_arc():
    odometry = WheelOdometry(PERFECT)
    drive(odometry, [0.5, 0.0, 0.4], 5.0)
    x, y = 1.25 * np.sin(2.0), 1.25 * (1 - np.cos(2.0))
    assert odometry.pose[0] == pytest.approx([x, y, 2.0])
    assert odometry.velocity[0] == pytest.approx([0.5, 0.0, 0.4])
    assert not odometry.covariance.any()


def test_a_robot_at_rest_does_not_drift():
    odometry = WheelOdometry(OdometrySettings(), 5)
    drive(odometry, [0.0, 0.0, 0.0], 10.0)
    assert not odometry.pose.any()


@pytest.mark.parametrize('twist', ([0.5, 0.0, 0.0], [0.5, 0.0, 0.3], [0.0, 0.0, 0.8]))
def test_covariance_matches_what_many_robots_do(twist):
    batch = 6000
    odometry = WheelOdometry(OdometrySettings(), batch, 4)
    drive(odometry, twist, 8.0)
    truth = WheelOdometry(PERFECT)
    drive(truth, twist, 8.0)
    error = odometry.pose - truth.pose
    error[:, 2] = (error[:, 2] + np.pi) % (2 * np.pi) - np.pi
    stated = odometry.covariance.mean(axis=0)
    spread = np.sqrt(np.maximum(np.diag(stated), 1e-12))
    got = error.T @ error / batch
    assert got / np.outer(spread, spread) == pytest.approx(
        stated / np.outer(spread, spread), abs=0.08)


def test_velocity_covariance_matches_its_errors():
    batch, twist = 8000, np.array([0.6, 0.0, 0.5])
    odometry = WheelOdometry(OdometrySettings(), batch, 2)
    drive(odometry, twist, 0.05)
    error = odometry.velocity - twist
    stated = odometry.velocity_covariance[0]
    assert error[:, 0].var() / stated[0, 0] == pytest.approx(1.0, abs=0.08)
    assert error[:, 2].var() / stated[2, 2] == pytest.approx(1.0, abs=0.08)


def test_same_seed_gives_the_same_odometry():
    a, b = (WheelOdometry(OdometrySettings(), 3, 8) for _ in range(2))
    drive(a, [0.4, 0.0, 0.2], 2.0)
    drive(b, [0.4, 0.0, 0.2], 2.0)
    assert np.array_equal(a.pose, b.pose)
