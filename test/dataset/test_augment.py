import math

from hypothesis import given, settings
from hypothesis import strategies as st
import pytest

torch = pytest.importorskip('torch')

from synth_nodes.dataset import augment_images as images  # noqa: E402
from synth_nodes.dataset.augment_scans import (  # noqa: E402
    add_noise,
    crop,
    cutout,
    drop_beams,
    mirror,
    mixup,
    rotate,
    scale,
    ScanBatch,
    translate,
)
from synth_nodes.dataset.augment_sequences import time_warp, warp_speeds  # noqa: E402
from synth_nodes.errors import InputError  # noqa: E402

BEAMS, REACH = 360, 12.0
ANGLES = -math.pi + 2 * math.pi / BEAMS * torch.arange(BEAMS)


def room(x=0.0, y=0.0, half=(3.0, 2.0)):
    """Ranges in a rectangle about the origin, seen from x, y; exact."""
    c, s = torch.cos(ANGLES), torch.sin(ANGLES)
    across = torch.where(c > 0, (half[0] - x) / c, (-half[0] - x) / c)
    along = torch.where(s > 0, (half[1] - y) / s, (-half[1] - y) / s)
    across = torch.where(c.abs() < 1e-9, torch.inf, across)
    return torch.minimum(across, torch.where(s.abs() < 1e-9, torch.inf, along))


def batch(count=4, seed=0):
    g = torch.Generator().manual_seed(seed)
    scan = torch.rand(count, BEAMS, generator=g) * 8 + 0.2
    scan[:, ::17] = torch.inf
    return ScanBatch(scan, torch.rand(count, 3, generator=g), torch.rand(count, 3, generator=g),
                     torch.rand(count, 3, generator=g))


ALL = torch.ones(4, dtype=torch.bool)


@pytest.mark.parametrize('full', [True, False])
def test_mirroring_twice_changes_nothing_and_only_marked_scans_are_mirrored(full):
    b = batch()
    twice = mirror(mirror(b, ALL, full), ALL, full)
    for name in ('scan', 'goal', 'velocity', 'command'):
        assert torch.equal(getattr(twice, name), getattr(b, name))
    some = mirror(b, torch.tensor([True, False, False, True]), full)
    assert torch.equal(some.scan[1:3], b.scan[1:3]) and not torch.equal(some.scan[0], b.scan[0])


def test_a_mirrored_scan_is_the_scan_of_the_mirrored_room_and_turns_the_other_way():
    b = ScanBatch(room(0.5, 0.7)[None], torch.tensor([[1.0, 0.4, 2.0]]),
                  torch.tensor([[0.3, 0.1, -0.2]]), torch.tensor([[0.5, 0.1, 0.9]]))
    out = mirror(b, torch.tensor([True]), True)
    torch.testing.assert_close(out.scan[0], room(0.5, -0.7), atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(out.goal, torch.tensor([[1.0, -0.4, 2.0]]))
    torch.testing.assert_close(out.command, torch.tensor([[0.5, -0.1, -0.9]]))


@settings(max_examples=20, deadline=None)
@given(st.integers(-400, 400))
def test_rotation_turns_scan_and_goal_together(beams):
    b = batch()
    out = rotate(b, torch.full((4,), beams))
    torch.testing.assert_close(out.scan, torch.roll(b.scan, beams, 1))
    bearing = torch.atan2(out.goal[:, 1], out.goal[:, 0]) - torch.atan2(b.goal[:, 1], b.goal[:, 0])
    off = (bearing - beams * 2 * math.pi / BEAMS + math.pi) % (2 * math.pi) - math.pi
    assert off.abs().max() < 1e-3
    assert torch.equal(out.command, b.command)


@settings(max_examples=20, deadline=None)
@given(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1))
def test_translated_scan_is_what_is_seen_from_there(x, y):
    b = ScanBatch(room()[None], torch.zeros(1, 3), torch.zeros(1, 3), torch.zeros(1, 3))
    out = translate(b, torch.tensor([[x, y]]), ANGLES, REACH)
    error = (out.scan[0] - room(x, y)).abs()
    assert error.median() < 0.02 and (error < 0.12).float().mean() > 0.97
    torch.testing.assert_close(out.goal, torch.tensor([[-x, -y, 0.0]]))


def test_scaling_scales_speeds_and_keeps_turn_rates():
    b = batch()
    factor = torch.tensor([0.5, 1.0, 1.1, 2.0])
    out = scale(b, factor, REACH)
    for name in ('velocity', 'command'):
        before, after = getattr(b, name), getattr(out, name)
        torch.testing.assert_close(after[:, :2], before[:, :2] * factor[:, None])
        assert torch.equal(after[:, 2], before[:, 2])
    near = torch.isfinite(out.scan)
    torch.testing.assert_close(out.scan[near], (b.scan * factor[:, None])[near])
    assert (out.scan[near] <= REACH).all() and torch.isinf(out.scan[3, b.scan[3] > 6.0]).all()


@settings(max_examples=20, deadline=None)
@given(st.floats(0.5, 2.0))
def test_a_scaled_scan_is_that_of_the_scaled_room_and_scales_back(factor):
    b = ScanBatch(room()[None], torch.ones(1, 3), torch.ones(1, 3), torch.ones(1, 3))
    out = scale(b, torch.tensor([factor]), 100.0)
    torch.testing.assert_close(out.scan[0], room(half=(3.0 * factor, 2.0 * factor)))
    torch.testing.assert_close(out.goal, b.goal * factor)
    back = scale(out, torch.tensor([1 / factor]), 100.0)
    for name in ('scan', 'goal', 'velocity', 'command'):
        torch.testing.assert_close(getattr(back, name), getattr(b, name))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, BEAMS - 1), st.integers(1, BEAMS - 1))
def test_crop_and_cutout_part_the_scan_and_keep_the_label(first, width):
    b = batch()
    start = torch.full((4,), first)
    kept, blind = crop(b, start, width), cutout(b, start, width)
    sector = (torch.arange(BEAMS) - first) % BEAMS < width
    assert torch.equal(kept.scan[:, sector], b.scan[:, sector])
    assert torch.isinf(kept.scan[:, ~sector]).all()
    assert torch.equal(blind.scan[:, ~sector], b.scan[:, ~sector])
    assert torch.isinf(blind.scan[:, sector]).all()
    assert torch.equal(kept.command, b.command) and torch.equal(blind.command, b.command)


def test_noise_and_lost_beams_have_the_strength_asked_for():
    g = torch.Generator().manual_seed(1)
    b = ScanBatch(torch.full((50, BEAMS), 3.0), *(torch.zeros(50, 3) for _ in range(3)))
    noisy = add_noise(b, 0.05, g).scan - 3.0
    assert abs(float(noisy.std()) - 0.05) < 0.002 and abs(float(noisy.mean())) < 0.002
    assert abs(float(torch.isinf(drop_beams(b, 0.1, g).scan).float().mean()) - 0.1) < 0.01


@settings(max_examples=20, deadline=None)
@given(st.floats(0.0, 1.0))
def test_mixup_blends_the_label_as_it_blends_the_scan(weight):
    b, other = batch(), torch.tensor([1, 2, 3, 0])
    w = torch.full((4,), weight)
    out = mixup(b, other, w, REACH)
    torch.testing.assert_close(out.command, weight * b.command + (1 - weight) * b.command[other])
    both = torch.isfinite(b.scan) & torch.isfinite(b.scan[other])
    blend = weight * b.scan + (1 - weight) * b.scan[other]
    torch.testing.assert_close(out.scan[both], blend[both])


def test_warped_time_runs_slower_and_ends_at_the_same_record():
    t = torch.arange(8.0)
    values = torch.stack((t, t * t), 1)[None].repeat(3, 1, 1)
    rate = torch.tensor([1.0, 0.5, 0.25])
    out = time_warp(values, rate)
    assert torch.equal(out[0], values[0])
    assert torch.equal(out[:, -1], values[:, -1])
    torch.testing.assert_close(out[1, :, 0], 7 - (7 - t) / 2)
    torch.testing.assert_close(out[2, :, 0], 7 - (7 - t) / 4)
    torch.testing.assert_close(warp_speeds(torch.ones(3, 2), rate), rate[:, None].repeat(1, 2))
    with pytest.raises(InputError, match='rates of'):
        time_warp(values, torch.tensor([1.0, 0.5, 1.5]))


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 12), st.floats(-5, 5), st.floats(-3, 3), st.floats(0.05, 1.0))
def test_warped_time_keeps_straight_lines_and_scales_their_speed(length, start, speed, rate):
    t = torch.arange(length, dtype=torch.float64)
    rates, speeds = t.new_tensor([rate]), t.new_tensor([[speed]])
    out = time_warp((start + speed * t)[None, :, None], rates)[0, :, 0]
    torch.testing.assert_close(out, start + speed * (length - 1 - (length - 1 - t) * rate))
    torch.testing.assert_close(out.diff(), warp_speeds(speeds, rates)[0].expand(length - 1))


def test_warped_time_draws_no_line_to_what_was_not_seen():
    values = torch.tensor([[1.0, torch.inf, 3.0, 4.0]])
    assert torch.isfinite(time_warp(values, torch.tensor([0.9]))).any()
    assert not torch.isnan(time_warp(values, torch.tensor([0.9]))).any()


def picture(count=2, seed=0):
    return torch.rand(count, 3, 24, 32, generator=torch.Generator().manual_seed(seed))


ONE = torch.ones(2)


def test_colour_jitter_of_one_changes_nothing_and_brightness_scales():
    p = picture()
    torch.testing.assert_close(images.jitter_colours(p, ONE, ONE, ONE), p)
    torch.testing.assert_close(images.jitter_colours(p, 0.5 * ONE, ONE, ONE), 0.5 * p)
    grey = images.jitter_colours(p, ONE, ONE, 0 * ONE)
    torch.testing.assert_close(grey[:, 0], grey[:, 1])
    flat = images.jitter_colours(p, ONE, 0 * ONE, ONE)
    assert flat.flatten(2).std(2).max() < 1e-6


FACTOR = st.floats(0.0, 2.0)


@settings(max_examples=30, deadline=None)
@given(FACTOR, FACTOR, FACTOR)
def test_colour_jitter_stays_in_range_and_changes_only_what_it_names(light, contrast, colour):
    def brightness(p):
        return (p * p.new_tensor(images.GREY).reshape(1, 3, 1, 1)).sum(1)

    p = picture()
    out = images.jitter_colours(p, light * ONE, contrast * ONE, colour * ONE)
    assert out.shape == p.shape and 0.0 <= out.min() and out.max() <= 1.0
    mid = 0.45 + 0.1 * p  # far enough from black and white that nothing is cut off
    close = {'atol': 1e-5, 'rtol': 0}
    torch.testing.assert_close(brightness(images.jitter_colours(mid, ONE, ONE, colour * ONE)),
                               brightness(mid), **close)
    turned = images.jitter_colours(mid, ONE, contrast * ONE, ONE)
    torch.testing.assert_close(brightness(turned).mean((1, 2)), brightness(mid).mean((1, 2)),
                               **close)
    torch.testing.assert_close(turned.std((2, 3)), contrast * mid.std((2, 3)), **close)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.0, 1.0), st.permutations(range(4)))
def test_mixup_blends_labels_of_images_as_it_blends_the_images(weight, other):
    p, order, w = picture(4), torch.tensor(other), torch.full((4,), weight)
    label = p.mean((2, 3))  # a label that is linear in the image stays that of the blend
    mixed, blended = images.mixup_images(p, label, order, w)
    torch.testing.assert_close(blended, mixed.mean((2, 3)), atol=1e-5, rtol=0)
    torch.testing.assert_close(mixed, weight * p + (1 - weight) * p[order])
    assert torch.equal(images.mixup_images(p, label, order, torch.ones(4))[0], p)


def test_images_mirror_turn_and_crop_as_their_names_say():
    p = picture()
    command = torch.tensor([[0.5, 0.1, 0.9]]).repeat(2, 1)
    seen, told = images.mirror_images(p, command, torch.tensor([True, False]))
    assert torch.equal(seen[0], p[0].flip(2)) and torch.equal(seen[1], p[1])
    torch.testing.assert_close(told, torch.tensor([[0.5, -0.1, -0.9], [0.5, 0.1, 0.9]]))
    torch.testing.assert_close(images.mirror_images(p, command[:, ::2], ONE > 0)[1],
                               torch.tensor([[0.5, -0.9]]).repeat(2, 1))
    torch.testing.assert_close(images.rotate_images(p, 0 * ONE), p, atol=1e-5, rtol=0)
    square = p[:, :, :, :24]
    turned = images.rotate_images(square, ONE * math.pi / 2)
    torch.testing.assert_close(turned, torch.rot90(square, 1, (2, 3)), atol=1e-4, rtol=0)
    half = images.crop_images(p, 0 * ONE, 0 * ONE, 0.5)
    torch.testing.assert_close(half.mean(), p[:, :, :12, :16].mean(), atol=0.02, rtol=0)
    with pytest.raises(InputError, match='share of 0'):
        images.crop_images(p, ONE, ONE, 0.0)


def test_cutout_greys_a_square_and_nothing_else():
    p = picture()
    out = images.cutout_images(p, torch.tensor([10.0, 10.0]), torch.tensor([12.0, 12.0]), 6)
    changed = (out != p).any(1)
    assert (out[:, :, 9:16, 7:14] == 0.5).all()
    assert int(changed[0].sum()) == 49


def test_image_noise_and_mixup():
    p, label = torch.full((2, 3, 64, 64), 0.5), torch.tensor([[0.0], [1.0]])
    noisy = images.add_image_noise(p, 0.1, torch.Generator().manual_seed(0))
    assert abs(float(noisy.std()) - 0.1) < 0.005
    mixed, blended = images.mixup_images(picture(), label, torch.tensor([1, 0]), 0.25 * ONE)
    torch.testing.assert_close(mixed[0], 0.25 * picture()[0] + 0.75 * picture()[1])
    torch.testing.assert_close(blended, torch.tensor([[0.75], [0.25]]))
