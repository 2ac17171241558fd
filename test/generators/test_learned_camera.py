from dataclasses import replace
import json

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from synth_nodes.cli import main  # noqa: E402
from synth_nodes.dataset.frames import FramePairs, FrameSettings  # noqa: E402
from synth_nodes.errors import InputError  # noqa: E402
from synth_nodes.generators.camera import degrader, load_camera  # noqa: E402
from synth_nodes.generators.camera_card import CARD, MODEL, read_card, WEIGHTS  # noqa: E402
from synth_nodes.generators.camera_model import CameraSettings, make_camera, Shots  # noqa: E402
from synth_nodes.generators.camera_net import CameraNet, monomials, terms  # noqa: E402
from synth_nodes.generators.gaussian import fit_gaussian_camera  # noqa: E402
from synth_nodes.infer import camera as infer  # noqa: E402
from synth_nodes.train.camera import frame_profile, profile_distance, train_camera  # noqa: E402
from synth_nodes.train.progress import WorkCancelled  # noqa: E402

pytestmark = pytest.mark.usefixtures('one_thread')
FRAMES = FrameSettings(scenes=2, cameras=4, frames=10, width=32, height=24)
SMALL = CameraSettings(width=8, steps=6, check_every=3, batch_size=4, frames=FRAMES)
WORDS = [w for name in ('frames.scenes=2', 'frames.cameras=4', 'frames.frames=10', 'width=8',
                        'frames.width=32', 'frames.height=24', 'steps=6', 'check_every=3')
         for w in ('--set', name)]


def toy(count: int, seed: int = 0) -> FramePairs:
    """Cameras that see 30 % too little red, a row pattern, and noise of 5 grey levels."""
    rng = np.random.default_rng(seed)
    ideal = np.repeat(np.repeat(rng.integers(60, 200, (count, 6, 8, 3)), 4, 1), 4, 2)
    real = ideal * np.array([0.7, 1.0, 1.0]) + rng.normal(0, 5, ideal.shape)
    return FramePairs(ideal.astype(np.uint8), real.clip(0, 255).astype(np.uint8),
                      np.zeros(count, np.float32), np.zeros(count, np.int32))


@pytest.fixture(scope='module')
def camera(tmp_path_factory):
    folder = tmp_path_factory.mktemp('camera')
    assert main(['train', 'generator', '--of', 'camera', '--out', str(folder), *WORDS]) == 0
    return folder


def test_fresh_camera_shows_the_ideal_frame_and_a_field_has_all_its_terms():
    ideal = torch.rand(2, 3, 24, 32)
    out = CameraNet(8)(ideal, torch.zeros(2, 1), torch.randn(2, 8), torch.zeros_like(ideal))
    torch.testing.assert_close(out, ideal, atol=2e-5, rtol=0)
    x, y = torch.tensor(2.0), torch.tensor(3.0)
    assert sorted(monomials(x, y, 2).tolist()) == [1.0, 2.0, 3.0, 4.0, 6.0, 9.0]
    assert terms(5) == 21


@pytest.mark.parametrize('kind', ['vae', 'gan'])
def test_each_kind_learns_what_a_camera_does(kind):
    torch.manual_seed(0)
    settings = CameraSettings(kind=kind, width=8, learning_rate=4e-3)
    learner, pairs, steps = make_camera(settings), toy(64), {'vae': 120, 'gan': 170}[kind]
    held = Shots.of(toy(32, 1), np.arange(32))
    for k in range(steps):
        rows = torch.randint(64, (8,)).numpy()
        assert all(np.isfinite(v) for v in
                   learner.train_step(Shots.of(pairs, rows), k / steps).values())
    learner.finish(held)
    with torch.no_grad():
        drawn = learner.net(held.ideal, held.turn, torch.randn(32, 8),
                            torch.randn_like(held.ideal))
    ratio = (drawn.mean((0, 2, 3)) / held.ideal.mean((0, 2, 3))).tolist()
    assert ratio[0] < 0.93 and ratio[0] < min(ratio[1:]) - 0.05


def test_the_verb_writes_weights_model_and_contract_that_fit(camera, capsys):
    assert {p.name for p in camera.iterdir()} == {
        CARD, MODEL, WEIGHTS, 'journal.jsonl', 'curves.png'}
    card = json.loads((camera / CARD).read_text())
    assert [t['name'] for t in card['inputs']] == ['ideal', 'turn', 'latent', 'noise']
    assert card['scores']['steps'] == 6 and card['scores']['parity_max_difference'] < 5e-4
    assert main(['train', 'generator', '--of', 'camera', '--kind', 'diffusion']) == 2
    assert 'not for --of camera' in capsys.readouterr().err


def test_frames_of_a_node_are_those_of_torch_of_any_size_and_repeat(camera):
    ideal = np.random.default_rng(0).integers(0, 255, (2, 30, 40, 3), np.uint8)
    turn = np.array([0.0, 1.0])
    one, two = (infer.load_camera(camera, seed=4) for _ in range(2))
    first = one.frames(ideal, turn)
    np.testing.assert_array_equal(first, two.frames(ideal, turn))
    assert first.dtype == np.uint8 and first.shape == ideal.shape
    # New noise with every frame, of the same camera.
    again = one.frames(ideal, turn)
    assert not np.array_equal(first, again)
    assert abs(first.mean(axis=(1, 2)) - again.mean(axis=(1, 2))).max() < 2.0


def test_augmentation_gives_other_frames_each_time_and_the_same_for_a_seed(camera):
    ideal = np.full((5, 24, 32, 3), 120, np.uint8)
    degrade = degrader(camera, seed=2)
    out = degrade(ideal)
    np.testing.assert_array_equal(out, degrader(camera, seed=2)(ideal))
    assert out.shape == ideal.shape and not np.array_equal(out, degrade(ideal))


def test_training_that_was_cut_off_goes_on_to_the_same_weights(tmp_path):
    whole = train_camera(SMALL, tmp_path / 'whole')
    calls = iter(range(100))
    with pytest.raises(WorkCancelled):
        train_camera(SMALL, tmp_path / 'cut', cancelled=lambda: next(calls) == 4)
    rest = train_camera(SMALL, tmp_path / 'cut')
    for name, value in whole.net.state_dict().items():
        torch.testing.assert_close(rest.net.state_dict()[name], value, atol=0, rtol=0)
    with pytest.raises(InputError, match='other settings'):
        train_camera(replace(SMALL, width=16), tmp_path / 'cut')


def test_what_was_altered_or_does_not_fit_is_refused(camera, tmp_path):
    for name in (CARD, MODEL, WEIGHTS):
        (tmp_path / name).write_bytes((camera / name).read_bytes())
    (tmp_path / WEIGHTS).write_bytes(b'other')
    with pytest.raises(InputError, match='not the file that'):
        load_camera(tmp_path)
    (tmp_path / MODEL).write_bytes(b'other')
    with pytest.raises(InputError, match='not the file that'):
        infer.load_camera(tmp_path)
    card = read_card(camera)
    card.check_camera(320, 240, 1.2)
    with pytest.raises(InputError, match='same shape'):
        card.check_camera(320, 180, 1.2)
    with pytest.raises(InputError, match='horizontal_fov'):
        card.check_camera(320, 240, 2.0)


def test_profiles_tell_a_camera_from_another():
    one, two = toy(60), toy(60, 1)
    a, b = (frame_profile(p.ideal, p.real) for p in (one, two))
    plain = frame_profile(two.ideal, two.ideal)
    assert profile_distance(a, a) == 0.0
    assert 5 * profile_distance(a, b) < profile_distance(plain, b)


def test_gaussian_camera_finds_gain_and_noise():
    rng = np.random.default_rng(0)
    ideal = np.repeat(rng.integers(40, 200, (30, 24, 1, 3)), 32, 2).astype(np.uint8)
    mean = 0.8 * ideal.astype(float)
    real = mean + np.sqrt(9.0 + 0.1 * mean) * rng.standard_normal(ideal.shape)
    found = fit_gaussian_camera(ideal, real.clip(0, 255).round().astype(np.uint8))
    assert found.gain == pytest.approx(0.8, rel=0.01)
    assert found.read == pytest.approx(3.0, rel=0.15) and found.shot == pytest.approx(0.1, rel=0.2)
    drawn = found.frames(ideal, 1).astype(float)
    assert (drawn - mean).std() == pytest.approx((real - mean).std(), rel=0.05)
