"""Augmentation and attacks while policies learn: off unless set, repeatable by the seed."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from synth_nodes.dataset.augment_images import GREY  # noqa: E402
from synth_nodes.envs.settings import LINE_CAMERA, LineFollowingSettings  # noqa: E402
from synth_nodes.errors import InputError  # noqa: E402
from synth_nodes.policy.camera_networks import CameraPolicy  # noqa: E402
from synth_nodes.policy.families import build_network  # noqa: E402
from synth_nodes.resources import share  # noqa: E402
from synth_nodes.sensors.image_chance import ChanceFlaws  # noqa: E402
from synth_nodes.tasks.observation import ObservationSpec  # noqa: E402
from synth_nodes.train.adversarial import harden_images  # noqa: E402
from synth_nodes.train.augment import augment_images, augment_scans  # noqa: E402
from synth_nodes.train.clone import CloneFitter, CloneSettings, Lesson  # noqa: E402
from synth_nodes.train.fit import Fitter  # noqa: E402
from synth_nodes.train.line_camera import flaws_of  # noqa: E402
from synth_nodes.train.line_pose import train_line_pose  # noqa: E402
from synth_nodes.train.progress import never, silent  # noqa: E402
from synth_nodes.train.samples import Samples  # noqa: E402
from synth_nodes.train.settings import (  # noqa: E402
    BcSettings,
    ImageAdversarialSettings,
    ImageAugmentation,
    ScanAugmentation,
)
from synth_nodes.types import RobotSpec  # noqa: E402

REACH = 8.0


def chance():
    return torch.Generator().manual_seed(3)


def scans():
    scan = torch.rand((6, 3, 72), generator=chance()) * 7 + 0.5
    scan[:, :, ::9] = REACH
    return scan


def images():
    return torch.randint(0, 256, (4, 16, 16, 3), generator=chance(), dtype=torch.uint8)


def test_nothing_is_done_and_nothing_drawn_unless_set():
    drawn = chance()
    scan, image = scans(), images()
    assert augment_scans(scan, ScanAugmentation(), drawn, REACH) is scan
    assert augment_images(image, ImageAugmentation(degrade='models'), drawn) is image
    assert harden_images(image, lambda seen: seen.sum(), ImageAdversarialSettings()) is image
    assert torch.equal(drawn.get_state(), chance().get_state())


def test_noise_moves_what_is_seen_and_leaves_what_is_not():
    scan = scans()
    moved = augment_scans(scan, ScanAugmentation(noise=0.05), chance(), REACH)
    seen = scan < REACH
    assert torch.equal(moved[~seen], scan[~seen])
    assert 0.03 < float((moved - scan)[seen].std()) < 0.07


def test_a_blind_sector_is_the_same_in_all_scans_of_a_sample_and_other_sectors_stay():
    scan = scans()
    moved = augment_scans(scan, ScanAugmentation(cutout=0.5), chance(), REACH)
    blind = moved != scan
    assert blind.any() and (moved[blind] == REACH).all()
    lost = (moved == REACH).all(dim=1) & (scan[:, 0] < REACH)
    assert torch.equal(lost, blind.any(dim=1)) and int(lost.sum(1).max()) <= 36


def test_dropout_loses_its_share():
    scan = torch.ones((50, 3, 72))
    lost = augment_scans(scan, ScanAugmentation(dropout=0.2), chance(), REACH) == REACH
    assert 0.17 < float(lost.float().mean()) < 0.23


def test_processes_draw_on_alike_however_many_samples_they_have():
    first, second = chance(), chance()
    augment_scans(scans(), ScanAugmentation(noise=0.1), first, REACH)
    augment_scans(scans()[:2], ScanAugmentation(noise=0.1), second, REACH)
    assert torch.equal(first.get_state(), second.get_state())


@pytest.mark.parametrize('settings', [
    ImageAugmentation(colour=0.3), ImageAugmentation(noise=8.0), ImageAugmentation(cutout=0.25)])
def test_images_change_and_stay_images(settings):
    image = images()
    moved = augment_images(image, settings, chance())
    assert moved.shape == image.shape and moved.dtype == torch.float32
    assert 0.0 <= float(moved.min()) and float(moved.max()) <= 255.0
    assert (moved != image).any()
    assert torch.equal(moved, augment_images(image, settings, chance()))


def test_hardened_images_raise_the_loss_within_the_noise():
    weights, image = torch.tensor(GREY), torch.full((4, 8, 8, 3), 102.0)

    def loss(seen):
        return (seen * weights).mean()

    moved = harden_images(image, loss, ImageAdversarialSettings(share=0.5))
    assert torch.equal(moved[2:], image[2:]) and loss(moved) > loss(image)
    assert float((moved - image).abs().max()) == pytest.approx(3 * (4 + 16 * 0.4) ** 0.5, rel=1e-5)


@pytest.mark.parametrize('settings', [
    BcSettings(), BcSettings(augment=ScanAugmentation(noise=0.02, dropout=0.05, cutout=0.1))])
def test_a_goal_policy_learns_with_and_without_augmentation(settings):
    spec = ObservationSpec()
    rng = np.random.default_rng(0)
    samples = Samples(
        rng.uniform(0.5, 8.0, (64, spec.history, spec.sectors)).astype(np.float16),
        rng.normal(size=(64, 3)).astype(np.float32), np.zeros((64, 3), np.float32),
        np.full((64, 2), 0.3, np.float32), np.zeros(64, np.int32))
    torch.manual_seed(0)
    net = build_network('conv', spec, RobotSpec(), hidden=16)
    fitter = Fitter(net, replace(settings, batch_size=16), 0)
    before = fitter.loss(samples)
    fitter.fit(samples, samples, 4, 'fitting', silent, never)
    assert fitter.loss(samples) < before


def test_a_camera_policy_learns_from_augmented_and_attacked_images():
    lesson = Lesson({'image': images().repeat(8, 1, 1, 1).numpy()},
                    np.full((32, 2), 0.3, np.float32))
    torch.manual_seed(0)
    settings = CloneSettings(
        batch_size=16, augment=ImageAugmentation(colour=0.2, noise=4.0, cutout=0.1),
        adversarial=ImageAdversarialSettings(share=0.25))
    fitter = CloneFitter(CameraPolicy(replace(LINE_CAMERA, width=16, height=16), RobotSpec()),
                         settings)
    before = fitter.loss(lesson)
    fitter.fit(lesson, lesson, 6, 'fitting', silent, never)
    assert fitter.loss(lesson) < before


def test_policies_without_images_refuse_what_is_done_to_images():
    with pytest.raises(InputError, match='images alone'):
        train_line_pose(CloneSettings(augment=ImageAugmentation(noise=1.0)),
                        LineFollowingSettings(scenes=1))


def test_a_learned_camera_tells_the_images_of_every_second_robot():
    image = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.uint8)
    plain = flaws_of(CloneSettings())(image)
    mixed = flaws_of(CloneSettings(augment=ImageAugmentation(
        degrade=str(share('models', 'camera.json').parent))))(image)
    assert (plain == ChanceFlaws(0)(image)).all()
    assert (mixed[0] == plain[0]).all() and (mixed[1] != plain[1]).any()
