from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.metrics.distances import frechet, kid, mmd, sliced_wasserstein, with_interval
from synth_nodes.metrics.neighbours import (
    copying,
    density_coverage,
    measured_density_coverage,
    nearest,
)
from synth_nodes.metrics.ssim import ssim


def normal(count: int, shift: float = 0.0, scale: float = 1.0, seed: int = 0, width: int = 4):
    return shift + scale * np.random.default_rng(seed).standard_normal((count, width))


@settings(max_examples=10, deadline=None)
@given(st.floats(0.0, 3.0), st.floats(0.5, 2.0))
def test_frechet_distance_of_normals_is_the_closed_form(shift, scale):
    """Between N(0, I) and N(s, c^2 I) in D dimensions: D s^2 + D (1 - c)^2."""
    found = frechet(normal(8000), normal(8000, shift, scale, 1))
    assert found == pytest.approx(4 * shift ** 2 + 4 * (1 - scale) ** 2, rel=0.08, abs=0.06)


@pytest.mark.parametrize('distance', [frechet, kid, mmd, sliced_wasserstein])
def test_distances_grow_with_the_difference(distance):
    a = normal(1000)
    values = [distance(a, normal(1000, shift, 1.0, 1)) for shift in (0.0, 0.3, 1.0)]
    assert values[0] < values[1] < values[2]


@pytest.mark.parametrize('distance', [kid, mmd])
def test_kernel_distances_of_equals_scatter_about_zero(distance):
    values = [distance(normal(200, seed=2 * k), normal(200, seed=2 * k + 1)) for k in range(16)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(16)


def test_sliced_wasserstein_of_a_shift_is_its_mean_projection():
    """A shift by s along one axis moves a direction by s times its cosine: 2/pi of s in 2-D."""
    a = normal(3000, width=2)
    found = sliced_wasserstein(a, a + np.array([1.0, 0.0]), 600)
    assert found == pytest.approx(2 / np.pi, rel=0.06)


def test_an_interval_holds_the_figure():
    measured = with_interval(mmd, normal(600), normal(600, 0.5, 1.0, 1))
    assert measured.low < measured.value < measured.high and measured.low > 0.0


@pytest.mark.parametrize('figure', ['density', 'coverage'])
def test_intervals_of_density_and_coverage_are_as_wide_as_they_scatter(figure):
    k = ('density', 'coverage').index(figure)
    told = [measured_density_coverage(normal(400, seed=s), normal(400, 0.3, seed=s + 50))[k]
            for s in range(30)]
    truth = np.mean([m.value for m in told])
    assert np.mean([m.low <= truth <= m.high for m in told]) > 0.8
    scatter = 1.96 * np.std([m.value for m in told])
    assert 0.5 < np.mean([m.high - m.low for m in told]) / (2 * scatter) < 2.0


@pytest.mark.parametrize(('a', 'b', 'words'), [
    (normal(50), normal(50, width=3), 'shapes'), (normal(10), normal(50), 'too few'),
    (np.full((50, 4), np.nan), normal(50), 'not finite')])
def test_samples_that_cannot_be_compared_are_refused(a, b, words):
    with pytest.raises(InputError, match=words):
        frechet(a, b)


def test_nearest_agrees_with_brute_force():
    a, b = normal(700), normal(90, seed=1)
    slow = np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1)).min(1)
    np.testing.assert_allclose(nearest(a, b), slow, atol=1e-6)


def test_copies_are_caught_and_fresh_records_are_not():
    train, unseen = normal(600), normal(300, seed=1)
    fresh = copying(train, unseen, normal(300, seed=2))
    assert abs(fresh.z.value) < 3 and fresh.exact == 0
    assert fresh.share.low < 0.1 < fresh.share.high < 0.2
    copies = copying(train, unseen, train[:300] + 1e-3 * normal(300, seed=3))
    assert copies.z.value < -10 and copies.share.low > 0.9
    for found in (fresh, copies):
        assert found.z.low <= found.z.value <= found.z.high
    assert fresh.z.low > -5 > copies.z.high and fresh.z.high - fresh.z.low > 2
    assert copying(train, unseen, train[:300]).exact == 300


def test_density_and_coverage_of_equals_are_about_one():
    density, coverage = density_coverage(normal(1000), normal(1000, seed=1))
    assert 0.9 < density < 1.1 and coverage > 0.9


def test_a_generator_that_repeats_one_mode_covers_little():
    real = np.concatenate((normal(500), normal(500, 8.0, seed=1)))
    density, coverage = density_coverage(real, normal(1000, seed=2))
    assert 0.4 < coverage < 0.6 and density > 0.9


def test_ssim_is_one_for_equals_and_falls_with_noise():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (40, 50, 3)).astype(np.uint8)
    assert ssim(image, image) == pytest.approx(1.0)
    noisy = [np.clip(image + rng.normal(0, s, image.shape), 0, 255) for s in (10, 60)]
    assert 1.0 > ssim(image, noisy[0]) > ssim(image, noisy[1])
    assert abs(ssim(image, rng.integers(0, 256, image.shape))) < 0.1


def test_ssim_of_flat_images_is_the_closed_form_of_their_brightness():
    a, b = np.full((30, 30), 100.0), np.full((30, 30), 150.0)
    x, y, c = 100 / 255, 150 / 255, 0.01 ** 2
    assert ssim(a, b) == pytest.approx((2 * x * y + c) / (x * x + y * y + c))
    with pytest.raises(InputError, match='one shape'):
        ssim(a, b[:20])
