"""Augmentation of each batch while policies learn."""

import torch
from torch import Tensor

from synth_nodes.dataset.augment_images import add_image_noise, cutout_images, jitter_colours
from synth_nodes.dataset.augment_scans import add_noise, cutout, drop_beams, ScanBatch
from synth_nodes.train.settings import ImageAugmentation, ScanAugmentation


def local_chance(chance: torch.Generator) -> torch.Generator:
    """
    Make a generator for one batch, by one draw of another.

    Processes that share batches go on alike, however many samples each has of them.
    """
    return torch.Generator().manual_seed(int(torch.randint(2**31, (), generator=chance)))


def augment_scans(scan: Tensor, settings: ScanAugmentation, chance: torch.Generator,
                  range_max: float) -> Tensor:
    """
    Augment sector scans.

    :param scan: [m], shape (N, history, sectors); range_max where nothing returned.
    :param chance: drawn from only where something is to be done.
    :return: another tensor of that shape, or the same one.
    """
    if settings == ScanAugmentation():
        return scan
    count, history, sectors = scan.shape
    drawn = local_chance(chance)
    flat = torch.where(scan < range_max, scan, torch.inf).reshape(-1, sectors)
    none = flat[:, :3]
    batch = ScanBatch(flat, none, none, none)
    if settings.noise:
        batch = add_noise(batch, settings.noise, drawn)
    if settings.dropout:
        batch = drop_beams(batch, settings.dropout, drawn)
    if settings.cutout:
        widest = min(sectors - 1, round(settings.cutout * sectors))
        width = int(torch.randint(widest + 1, (), generator=drawn))
        first = torch.randint(sectors, (count,), generator=drawn).to(scan.device)
        batch = cutout(batch, first.repeat_interleave(history), width)
    return batch.scan.clamp(0.0, range_max).reshape(scan.shape)


def augment_images(image: Tensor, settings: ImageAugmentation, chance: torch.Generator) -> Tensor:
    """
    Augment images.

    :param image: 0 to 255, shape (N, H, W, 3).
    :param chance: drawn from only where something is to be done.
    :return: another tensor of that shape, floats, or the same one.
    """
    if not (settings.colour or settings.noise or settings.cutout):
        return image
    drawn = local_chance(chance)
    count, width = len(image), image.shape[2]
    seen = image.permute(0, 3, 1, 2).float() / 255.0
    if settings.colour:
        change = 1.0 + settings.colour * (2.0 * torch.rand((3, count), generator=drawn) - 1.0)
        seen = jitter_colours(seen, *change)
    if settings.noise:
        seen = add_image_noise(seen, settings.noise / 255.0, drawn)
    if settings.cutout:
        x, y = torch.rand((2, count), generator=drawn)
        seen = cutout_images(seen, x * width, y * image.shape[1], round(settings.cutout * width))
    return 255.0 * seen.permute(0, 2, 3, 1)
