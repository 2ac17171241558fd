from dataclasses import fields, replace

from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.sensors.imu import GRAVITY, Imu, ImuSettings, INSTABILITY_SHARE, INSTABILITY_TIMES

DT = 0.02
KEPT = ('rate', 'mount')
PERFECT = ImuSettings(**{f.name: 0.0 for f in fields(ImuSettings) if f.name not in KEPT})
ROUGH = ImuSettings(
    gyro_noise=1e-3, gyro_bias=2e-3, gyro_walk=2e-3, gyro_instability=3e-3, gyro_scale=0.02,
    gyro_step=2e-3, accel_noise=1e-2, accel_bias=2e-2, accel_walk=2e-2, accel_instability=3e-2,
    accel_scale=0.01, accel_step=2e-2, misalignment=0.005, mount_error=0.01)
TWIST = np.array([0.8, 0.1, 0.5])


def keep_moving(imu, batch, steps, twist=(0.0, 0.0, 0.0), dt=DT):
    twists, yaw = np.tile(np.asarray(twist, float), (batch, 1)), np.zeros(batch)
    out = []
    for _ in range(steps):
        yaw = yaw + twists[:, 2] * dt
        out.append(imu.read(twists, twists, yaw, dt))
    return out


def test_at_rest_it_measures_gravity_upwards():
    reading = keep_moving(Imu(PERFECT, 2), 2, 1)[0]
    assert reading.linear_acceleration == pytest.approx(np.tile([0, 0, GRAVITY], (2, 1)))
    assert not reading.angular_velocity.any()
    assert not reading.linear_acceleration_covariance.any()


def test_on_a_circle_it_measures_the_centripetal_acceleration():
    twist = np.array([[0.8, 0.0, 0.5]])
    reading = Imu(PERFECT).read(twist, twist, np.array([0.4]), DT)
    assert reading.linear_acceleration[0] == pytest.approx([0.0, 0.4, GRAVITY])
    assert reading.angular_velocity[0] == pytest.approx([0.0, 0.0, 0.5])
    assert reading.orientation == pytest.approx([0.4])


def test_speeding_up_shows_along_x():
    reading = Imu(PERFECT).read(np.array([[0.3, 0, 0]]), np.zeros((1, 3)), np.zeros(1), 0.1)
    assert reading.linear_acceleration[0, 0] == pytest.approx(3.0)


@rules(max_examples=40, deadline=None)
@given(*[st.floats(-2.0, 2.0) for _ in range(9)], st.floats(-3.0, 3.0))
def test_a_mounted_imu_measures_the_second_derivative_of_its_own_place(
        x0, x1, y0, y1, w0, w1, rx, ry, turn, yaw):
    """Against differences of the mount's velocity in `map`, the base's changing evenly."""
    dt, fine = 0.01, 2000
    t = np.linspace(0.0, dt, fine + 1)
    share = t / dt
    w, heading = w0 + (w1 - w0) * share, yaw + w0 * t + (w1 - w0) * t * share / 2
    vx, vy = x0 + (x1 - x0) * share - w * ry, y0 + (y1 - y0) * share + w * rx
    c, s = np.cos(heading), np.sin(heading)
    in_map = np.stack((c * vx - s * vy, s * vx + c * vy))
    force = np.diff(in_map, axis=1) / (dt / fine)
    middle = (heading[1:] + heading[:-1]) / 2 + turn
    own = np.array([(np.cos(middle) * force[0] + np.sin(middle) * force[1]).mean(),
                    (np.cos(middle) * force[1] - np.sin(middle) * force[0]).mean()])
    imu = Imu(replace(PERFECT, mount=(rx, ry, turn)))
    reading = imu.read(np.array([[x1, y1, w1]]), np.array([[x0, y0, w0]]), heading[-1:], dt)
    assert reading.linear_acceleration[0, :2] == pytest.approx(own, rel=1e-4, abs=1e-4)
    want = heading[-1] + turn
    assert np.cos(reading.orientation[0] - want) == pytest.approx(1.0)


def whitened(errors, covariance):
    """Errors, shape (B, 3), in units of their stated covariance, shape (3, 3)."""
    return np.linalg.solve(np.linalg.cholesky(covariance), errors.T).T


@pytest.mark.parametrize('twist', ([0.0, 0.0, 0.0], TWIST), ids=('still', 'circling'))
def test_errors_have_the_covariance_that_is_stated(twist):
    batch, steps = 6000, 150
    last = keep_moving(Imu(ROUGH, batch, 5), batch, steps, twist)[-1]
    truth = keep_moving(Imu(PERFECT), 1, steps, twist)[-1]
    near = {'abs': 6 * np.sqrt(2 / batch)}
    for name in ('angular_velocity', 'linear_acceleration'):
        errors = getattr(last, name) - getattr(truth, name)
        unit = whitened(errors, getattr(last, f'{name}_covariance')[0])
        assert unit.T @ unit / batch == pytest.approx(np.eye(3), **near)
    drift = np.angle(np.exp(1j * (last.orientation - truth.orientation)))
    assert np.mean(drift ** 2) / last.orientation_variance[0] == pytest.approx(1.0, **near)


@pytest.mark.parametrize('name', [
    'noise', 'bias', 'walk', 'instability', 'scale', 'step'])
def test_each_error_of_the_rate_grows_the_yaw_as_stated(name):
    levels = {'gyro_noise': 2e-3 if name == 'step' else 0.0}  # else rounding isn't white
    levels[f'gyro_{name}'] = 0.05 if name == 'scale' else 1e-2
    settings = replace(PERFECT, **levels)
    batch = 3000
    readings = keep_moving(Imu(settings, batch, 2), batch, 200, TWIST)
    for k in (20, 199):
        yaw = TWIST[2] * DT * (k + 1)
        drift = np.angle(np.exp(1j * (readings[k].orientation - yaw)))
        stated = readings[k].orientation_variance[0]
        assert stated > 0 and drift.var() / stated == pytest.approx(1.0, abs=0.16)


def allan(rate, m):
    """Allan deviation over m samples of records, shape (N, B); IEEE Std 952, C.1."""
    means = rate[:len(rate) // m * m].reshape(-1, m, rate.shape[1]).mean(axis=1)
    return np.sqrt(0.5 * np.mean(np.diff(means, axis=0) ** 2))


def instability_deviation(level, tau):
    """Closed form of the sum of Gauss-Markov processes; IEEE Std 952, C.18."""
    total = 0.0
    for time in INSTABILITY_TIMES:
        ratio = tau / time
        total += 2 * level ** 2 * INSTABILITY_SHARE / ratio * (
            1 - (3 - 4 * np.exp(-ratio) + np.exp(-2 * ratio)) / (2 * ratio))
    return np.sqrt(total)


@pytest.mark.parametrize(('noise', 'walk', 'instability'), [
    (1e-3, 0.0, 0.0), (0.0, 1e-2, 0.0), (0.0, 0.0, 1e-2), (1e-3, 1e-3, 1e-2)])
def test_allan_deviation_is_that_of_white_noise_random_walk_and_instability(
        noise, walk, instability):
    settings = replace(PERFECT, gyro_noise=noise, gyro_walk=walk, gyro_instability=instability)
    batch, steps = 300, 3000
    rate = np.array([r.angular_velocity[:, 2]
                     for r in keep_moving(Imu(settings, batch, 1), batch, steps)])
    # Biases change between samples: the closed form, of a steady flow, holds for many of them.
    for m in (1, 30, 300, 1000)[instability > noise:]:
        tau = m * DT
        # The walk takes its steps between samples, so a mean of m of them has a little more.
        shape = (2 * m * m + 1) / (6 * m * m) * tau
        want = np.sqrt(noise ** 2 / tau + walk ** 2 * shape
                       + instability_deviation(instability, tau) ** 2)
        assert allan(rate, m) == pytest.approx(want, rel=0.07)


def test_instability_has_the_flat_floor_of_its_level():
    taus = np.geomspace(2.0, 100.0, 30)
    floor = np.array([instability_deviation(1.0, tau) for tau in taus])
    want = np.sqrt(2 * np.log(2) / np.pi)
    assert floor == pytest.approx(want, rel=0.15)
    assert np.exp(np.mean(np.log(floor))) == pytest.approx(want, rel=0.08)


def test_readings_are_whole_steps_and_stop_at_the_limit():
    settings = replace(ImuSettings(), gyro_limit=0.3, gyro_step=1e-3, accel_step=0.01)
    reading = keep_moving(Imu(settings, 50, 3), 50, 1, [0.0, 0.0, 0.5])[0]
    assert (reading.angular_velocity[:, 2] == 0.3).all()
    assert reading.angular_velocity_covariance[:, 2, 2] == pytest.approx(0.09)
    steps = reading.linear_acceleration / 0.01
    assert steps == pytest.approx(np.round(steps), abs=1e-6)
    x = reading.angular_velocity[:, 0] / 1e-3
    assert x == pytest.approx(np.round(x), abs=1e-6)


def test_robots_of_a_batch_have_errors_of_their_own():
    reading = keep_moving(Imu(ROUGH, 4, 1), 4, 1)[0]
    assert len(set(reading.linear_acceleration[:, 0].tolist())) > 1


def test_same_seed_gives_the_same_readings():
    a, b = (keep_moving(Imu(ImuSettings(), 3, 9), 3, 5)[-1] for _ in range(2))
    assert np.array_equal(a.angular_velocity, b.angular_velocity)
    assert np.array_equal(a.orientation, b.orientation)


def test_mount_must_be_x_y_yaw():
    with pytest.raises(InputError, match=r'imu\.mount'):
        ImuSettings(mount=(0.1, 0.2))
