"""Attacks on what a model sees, within the noise of its sensor."""

import json

import numpy as np
import pytest

pytest.importorskip('torch')

from synth_nodes.cli import main
from synth_nodes.resources import share
from synth_nodes.train.attack import attack, Bounds, changes, jacobian, random_noise, scan_bounds
from synth_nodes.train.attack_images import image_bounds, tiled

RNG = np.random.default_rng(0)
WEIGHTS = RNG.normal(size=(2, 30)).astype(np.float32)


def linear(seen, rows):
    return seen.reshape(len(seen), -1) @ WEIGHTS.T


def curved(seen, rows):
    """Bend sharply: the gradient at the start misleads."""
    total = seen.reshape(len(seen), -1).sum(1, keepdims=True)
    return np.concatenate((np.sin(0.7 * total), 0 * total), 1)


def bounded(count: int = 4, radius: float = 0.1) -> tuple[np.ndarray, Bounds]:
    seen = np.random.default_rng(1).uniform(1, 2, (count, 3, 10)).astype(np.float32)
    return seen, Bounds(np.full_like(seen, radius), 0.0, 8.0)


def test_gradients_of_a_linear_model_are_exact():
    seen, bounds = bounded()
    found = jacobian(linear, seen, bounds, np.random.default_rng(0))
    np.testing.assert_allclose(found.reshape(4, 2, 30), np.broadcast_to(0.1 * WEIGHTS, (4, 2, 30)),
                               atol=2e-5)


def test_fgsm_finds_the_worst_of_a_linear_model_within_its_bound():
    seen, bounds = bounded()
    worst = attack(linear, seen, bounds, np.ones(2, np.float32))
    assert np.abs(worst - seen).max() <= 0.1 + 1e-6
    moved = np.abs(linear(worst, None) - linear(seen, None)).max(axis=1)
    np.testing.assert_allclose(moved, 0.1 * np.abs(WEIGHTS).sum(1).max(), rtol=1e-3)
    noise = random_noise(seen, bounds)
    assert (moved > np.abs(linear(noise, None) - linear(seen, None)).max(axis=1)).all()


def test_pgd_is_no_worse_than_one_step_where_the_model_bends():
    seen, bounds = bounded(6)
    plain = curved(seen, None)
    one, many = (np.abs(curved(attack(curved, seen, bounds, np.ones(2, np.float32), steps), None)
                        - plain).max(axis=1) for steps in (1, 8))
    assert many.mean() > one.mean()


def test_many_elements_are_attacked_along_random_directions():
    frames = np.random.default_rng(2).uniform(0.3, 0.7, (2, 3, 20, 20)).astype(np.float32)
    way = np.random.default_rng(3).normal(size=1200).astype(np.float32)

    def model(seen, rows):
        return seen.reshape(len(seen), -1) @ way[:, None]

    bounds = Bounds(np.full_like(frames, 0.02), 0.0, 1.0)
    scale = np.ones(1, np.float32)
    worst, noise = attack(model, frames, bounds, scale), random_noise(frames, bounds)
    plain = model(frames, None)
    assert (np.abs(model(worst, None) - plain) > 3 * np.abs(model(noise, None) - plain)).all()
    assert np.abs(worst - frames).max() <= 0.02 + 1e-6


def test_bounds_are_the_noise_of_the_lidar_and_nothing_returned_stays():
    scan = np.float32([[1.0, 5.0, 8.0]])
    bounds = scan_bounds(scan, 0.01, 0.002, 8.0, 3.0)
    np.testing.assert_allclose(bounds.radius, [[0.036, 0.06, 0.0]], rtol=1e-6)
    assert bounds.clip(scan, scan + 1)[0].tolist() == pytest.approx([1.036, 5.06, 8.0])


def test_changes_sum_up_absolute_differences():
    found = changes(np.zeros(4), np.array([0.0, -4.0, 1.0, 1.0]))
    assert found['mean'] == 1.5 and found['max'] == 4.0


@pytest.mark.usefixtures('one_thread')
def test_the_verb_reports_a_policy_and_a_predictor(capsys):
    few = ['--json', '--set', 'samples=4', '--set', 'steps=2']
    assert main(['attack', *few]) == 0
    policy = json.loads(capsys.readouterr().out)['attack']
    assert policy['pgd']['turn']['mean'] > policy['random']['turn']['mean'] > 0
    assert main(['attack', str(share('models', 'collision.onnx')), *few]) == 0
    predictor = json.loads(capsys.readouterr().out)['attack']
    assert predictor['pgd']['probability']['max'] >= predictor['random']['probability']['max']
    assert {'flips', 'hidden', 'probability'} == set(predictor['fgsm'])


def test_images_move_within_the_noise_of_their_camera_square_by_square():
    image = np.full((1, 6, 6, 3), 102.0, np.float32)
    bounds = image_bounds(image, 2.0, 4.0, 3.0)
    np.testing.assert_allclose(bounds.radius, 3 * np.sqrt(4 + 16 * 0.4), rtol=1e-6)
    moved = tiled(image, bounds.radius, np.float32([[[1, 0], [0, -1]]])) - image
    assert (moved[0, :4, :4] > 9).all() and (moved[0, 4:, 4:] < -9).all()
    assert (moved[0, :4, 4:] == 0).all() and np.abs(moved).max() <= bounds.radius.max() + 1e-4


@pytest.mark.usefixtures('one_thread')
def test_the_verb_reports_the_policy_that_follows_lines_by_camera(capsys):
    few = ['--json', '--set', 'samples=2', '--set', 'steps=2']
    assert main(['attack', 'line', *few]) == 0
    found = json.loads(capsys.readouterr().out)['attack']
    assert list(found) == ['random', 'nes', 'random_tiles', 'fgsm', 'pgd']
    assert found['fgsm']['turn']['mean'] > found['random']['turn']['mean'] > 0
    assert main(['attack', 'line', '--set', 'episodes=1']) == 2
    assert 'episodes' in capsys.readouterr().err


def test_a_model_that_is_not_there_is_refused(capsys):
    assert main(['attack', 'nowhere.onnx']) == 2
    assert 'nowhere.onnx' in capsys.readouterr().err
