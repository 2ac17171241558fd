import numpy as np
import pytest

from synth_nodes.sensors.imu import GRAVITY, Imu, ImuSettings

PERFECT = ImuSettings(*[0.0] * 6)
DT = 0.02


def still(imu, batch, steps, dt=DT):
    zero = np.zeros((batch, 3))
    return [imu.read(zero, zero, zero[:, 0], dt) for _ in range(steps)]


def test_at_rest_it_measures_gravity_upwards():
    reading = still(Imu(PERFECT, 2), 2, 1)[0]
    assert reading.linear_acceleration == pytest.approx(np.tile([0, 0, GRAVITY], (2, 1)))
    assert not reading.angular_velocity.any()


def test_on_a_circle_it_measures_the_centripetal_acceleration():
    twist = np.array([[0.8, 0.0, 0.5]])
    reading = Imu(PERFECT).read(twist, twist, np.array([0.4]), DT)
    assert reading.linear_acceleration[0] == pytest.approx([0.0, 0.4, GRAVITY])
    assert reading.angular_velocity[0] == pytest.approx([0.0, 0.0, 0.5])
    assert reading.orientation == pytest.approx([0.4])


def test_speeding_up_shows_along_x():
    reading = Imu(PERFECT).read(np.array([[0.3, 0, 0]]), np.zeros((1, 3)), np.zeros(1), 0.1)
    assert reading.linear_acceleration[0, 0] == pytest.approx(3.0)


def test_errors_have_the_variance_that_is_stated():
    settings = ImuSettings(gyro_noise=1e-3, gyro_bias=2e-3, gyro_walk=2e-3,
                           accel_noise=1e-2, accel_bias=2e-2, accel_walk=2e-2)
    batch, steps = 4000, 100
    last = still(Imu(settings, batch, 5), batch, steps)[-1]
    near = pytest.approx(1.0, abs=6 * np.sqrt(2 / batch))
    force = last.linear_acceleration - [0, 0, GRAVITY]
    assert last.angular_velocity.var() / last.angular_velocity_variance == near
    assert force.var() / last.linear_acceleration_variance == near
    assert last.orientation.var() / last.orientation_variance == near


def test_allan_deviation_falls_as_white_noise_then_rises_as_random_walk():
    settings = ImuSettings(gyro_noise=1e-3, gyro_bias=0.0, gyro_walk=1e-2)
    batch, steps = 200, 2000
    rate = np.array([r.angular_velocity[:, 2] for r in still(Imu(settings, batch, 1), batch,
                                                             steps)])

    def allan(m):
        means = rate[:steps // m * m].reshape(-1, m, batch).mean(axis=1)
        return np.sqrt(0.5 * np.mean(np.diff(means, axis=0) ** 2))

    for m in (1, 100, 500):
        tau = m * DT
        want = np.sqrt(settings.gyro_noise ** 2 / tau + settings.gyro_walk ** 2 * tau / 3)
        assert allan(m) == pytest.approx(want, rel=0.06)


def test_same_seed_gives_the_same_readings():
    a, b = (still(Imu(ImuSettings(), 3, 9), 3, 5)[-1] for _ in range(2))
    assert np.array_equal(a.angular_velocity, b.angular_velocity)
    assert np.array_equal(a.orientation, b.orientation)
