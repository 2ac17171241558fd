"""
Procedural textures of surfaces and people, with smaller copies for the distance.

Texels are packed as 0x00BBGGRR, so that memory holds red, green, blue in that order. Rows run up
from the floor, columns along the surface. Grain is noise with a 1 / f spectrum, which repeats
without a seam because it is made in the frequency domain.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.world.scene import Scene, Surface

SIZE_LOG2 = 8
FLOOR_LOG2 = 9
PERSON_LOG2 = 7
OUTFITS = 8
"""Different people."""
PERSON_HEIGHT = 1.75
"""[m]."""
LEVELS = 10
Image = NDArray[np.float64]


class TextureArrays(NamedTuple):
    """All textures, one after the other, each followed by its halves down to one texel."""

    texel: NDArray[np.uint32]
    offset: NDArray[np.int64]
    """Shape (textures, LEVELS): first texel of each size."""
    log2: NDArray[np.int64]
    """Shape (textures,): log2 of the largest size."""
    per_metre: NDArray[np.float64]
    """Shape (textures,): texels of the largest size to a metre along the surface."""


def pack_textures(scenes: Sequence[Scene]) -> TextureArrays:
    """Make the textures of all scenes' surfaces in order, then those of `OUTFITS` people."""
    images: list[Image] = []
    scales: list[float] = []
    for scene in scenes:
        for k, surface in enumerate(scene.surfaces):
            log2 = FLOOR_LOG2 if k == scene.floor else SIZE_LOG2
            image = paint(surface, 1 << log2, k == scene.walls)
            images.append(image * np.asarray(scene.light.colour))
            scales.append(surface.scale)
    for k in range(OUTFITS):
        images.append(paint_person(k, 1 << PERSON_LOG2))
        scales.append(1.0)
    offsets = np.zeros((len(images), LEVELS), np.int64)
    parts, used = [], 0
    for k, image in enumerate(images):
        for level, texels in enumerate(_halves(image)):
            offsets[k, level] = used
            used += texels.size
            parts.append(texels.ravel())
    log2s = np.array([int(np.log2(len(image))) for image in images], np.int64)
    return TextureArrays(np.concatenate(parts), offsets, log2s,
                         2.0 ** log2s / np.array(scales))


def paint(surface: Surface, size: int, wall: bool = False) -> Image:
    """
    Paint a surface.

    :param wall: whether it stands on the floor and meets the ceiling, which shades its ends.
    :return: red, green, blue in [0, 1], shape (size, size, 3), the lowest row first.
    """
    rng = np.random.default_rng([31, surface.seed])
    up, along = np.meshgrid((np.arange(size) + 0.5) / size, (np.arange(size) + 0.5) / size,
                            indexing='ij')
    shade, mix = _PAINTERS[surface.pattern](rng, along, up)
    colour = np.asarray(surface.colour)
    second = np.asarray(surface.second)
    image = colour + (second - colour) * np.clip(mix, 0.0, 1.0)[..., None]
    image *= (1.0 + surface.contrast * shade)[..., None]
    if wall:
        image *= (1.0 - 0.30 * np.exp(-up / 0.04) - 0.12 * np.exp((up - 1.0) / 0.05))[..., None]
    return np.asarray(np.clip(image, 0.0, 1.0))


def paint_person(number: int, size: int) -> Image:
    """
    Paint a person unrolled: columns run around from the front, counter-clockwise, rows upwards.

    :return: red, green, blue in [0, 1], shape (size, size, 3).
    """
    rng = np.random.default_rng([32, number])
    up, turn = np.meshgrid((np.arange(size) + 0.5) / size, (np.arange(size) + 0.5) / size,
                           indexing='ij')
    angle = np.abs((turn + 0.5) % 1.0 - 0.5) * 2 * np.pi
    skin = np.array([0.87, 0.68, 0.55]) * rng.uniform(0.45, 1.05)
    hair = np.array([0.30, 0.20, 0.12]) * rng.uniform(0.3, 1.8)
    shirt = rng.uniform(0.1, 0.9, 3)
    trousers = rng.uniform(0.08, 0.4, 3) + np.array([0.0, 0.0, 0.08])
    image = np.empty((size, size, 3))
    image[:] = trousers
    gap = np.minimum(angle, np.pi - angle) < 0.16 * (0.48 - up) / 0.44
    image[(up < 0.48) & gap] *= 0.45
    image[up < 0.045] = (0.08, 0.07, 0.06)
    torso = (up >= 0.47) & (up < 0.83)
    image[torso] = shirt
    side = np.abs(angle - np.pi / 2)
    image[torso & (up < 0.76) & (np.abs(side - 0.42) < 0.05)] *= 0.55
    image[(up >= 0.43) & (up < 0.5) & (side < 0.3)] = skin
    image[(up >= 0.47) & (up < 0.49) & (side > 0.45)] = (0.1, 0.08, 0.07)
    head = up >= 0.83
    image[head] = skin
    image[head & ((up > 0.965) | ((angle > 1.5) & (up > 0.885)))] = hair
    image[(np.abs(angle - 0.42) < 0.13) & (np.abs(up - 0.935) < 0.008)] = (0.1, 0.08, 0.08)
    return np.clip(image * (1.0 + 0.06 * _grain(rng, size, 1.0))[..., None], 0.0, 1.0)


def _grain(rng: np.random.Generator, size: int, power: float) -> Image:
    """Seamless noise of mean 0 and deviation 1 whose amplitude falls with frequency ** power."""
    f = np.fft.fftfreq(size, 1.0 / size)
    radius = np.hypot(*np.meshgrid(f, f))
    radius[0, 0] = np.inf
    field = np.fft.ifft2(np.fft.fft2(rng.standard_normal((size, size))) / radius ** power).real
    return np.asarray(field / field.std())


def _pieces(rng: np.random.Generator, along: Image, up: Image, columns: int, rows: int,
            joint: float, shift: float) -> tuple[Image, Image]:
    """Bricks, tiles or planks: a shade for each piece, and where the joints are."""
    row = np.floor(up * rows).astype(int) % rows
    x = along * columns + shift * (row % max(rows, 2))
    column = np.floor(x).astype(int) % columns
    tone = rng.standard_normal((rows, columns))[row, column]
    px, py = x % 1.0, (up * rows) % 1.0
    edge = np.minimum(np.minimum(px, 1 - px) / columns, np.minimum(py, 1 - py) / rows)
    return tone, np.clip(1.5 - edge / joint, 0.0, 1.0)


def _plain(rng: np.random.Generator, along: Image, up: Image) -> tuple[Image, Image]:
    return 0.05 * _grain(rng, len(up), 0.5), np.zeros_like(up)


def _plaster(rng: np.random.Generator, along: Image, up: Image) -> tuple[Image, Image]:
    return 0.10 * _grain(rng, len(up), 1.0) + 0.05 * _grain(rng, len(up), 0.0), 0.0 * up


def _concrete(rng: np.random.Generator, along: Image, up: Image) -> tuple[Image, Image]:
    stain = np.clip(_grain(rng, len(up), 1.6) - 0.6, 0.0, 1.0)
    return 0.22 * _grain(rng, len(up), 1.2) + 0.08 * _grain(rng, len(up), 0.1), 0.4 * stain


def _carpet(rng: np.random.Generator, along: Image, up: Image) -> tuple[Image, Image]:
    fleck = np.clip(np.abs(_grain(rng, len(up), 0.3)) - 1.0, 0.0, 1.0)
    return 0.35 * _grain(rng, len(up), 0.4) + 0.08 * _grain(rng, len(up), 1.5), 0.6 * fleck


def _tiles(rng: np.random.Generator, along: Image, up: Image) -> tuple[Image, Image]:
    tone, joint = _pieces(rng, along, up, 4, 4, 0.003, 0.0)
    return 0.18 * tone + 0.10 * _grain(rng, len(up), 1.0), joint


def _planks(rng: np.random.Generator, along: Image, up: Image) -> tuple[Image, Image]:
    tone, joint = _pieces(rng, along, up, 1, 12, 0.0015, 0.382)
    fibre = _grain(rng, len(up), 1.0)
    spectrum = np.fft.fft(fibre, axis=1)
    spectrum[:, 9:-8] *= 0.1
    streak = np.fft.ifft(spectrum, axis=1).real
    return 0.3 * tone + 0.25 * streak, 0.8 * joint


def _brick(rng: np.random.Generator, along: Image, up: Image) -> tuple[Image, Image]:
    tone, joint = _pieces(rng, along, up, 8, 32, 0.003, 0.5)
    return 0.3 * tone + 0.2 * _grain(rng, len(up), 0.6), joint


def _panels(rng: np.random.Generator, along: Image, up: Image) -> tuple[Image, Image]:
    shade, _ = _plaster(rng, along, up)
    lower = np.where(up < 0.40, 1.0, 0.0)
    shade = np.where(np.abs(up - 0.40) < 0.008, -1.2, shade)
    return np.where(up < 0.04, -1.6, shade), lower


def _cardboard(rng: np.random.Generator, along: Image, up: Image) -> tuple[Image, Image]:
    ribs = 0.12 * np.sin(2 * np.pi * along * 48) + 0.25 * _grain(rng, len(up), 1.2)
    tape = np.where((np.abs(along % 0.5 - 0.25) < 0.03) | (np.abs(up - 0.5) < 0.012), 0.7, 0.0)
    rim = 0.8 * np.exp(-np.minimum(up, 1.0 - up) / 0.02)
    return ribs - rim, tape


def _stripes(rng: np.random.Generator, along: Image, up: Image) -> tuple[Image, Image]:
    return 0.08 * _grain(rng, len(up), 1.0), np.where((4 * (along + up)) % 1.0 < 0.5, 1.0, 0.0)


def _lamps(rng: np.random.Generator, along: Image, up: Image) -> tuple[Image, Image]:
    tone, joint = _pieces(rng, along, up, 5, 5, 0.004, 0.0)
    x, y = np.abs(along - 0.5), np.abs(up - 0.5)
    lamp = np.clip((np.minimum(0.1 - x, 0.3 - y)) / 0.008, 0.0, 1.0)
    shade = -0.7 - 0.8 * joint + 0.03 * tone
    return shade * (1 - lamp), lamp


_PAINTERS = {
    'plain': _plain, 'plaster': _plaster, 'concrete': _concrete, 'carpet': _carpet,
    'tiles': _tiles, 'planks': _planks, 'brick': _brick, 'panels': _panels,
    'cardboard': _cardboard, 'stripes': _stripes, 'lamps': _lamps}


def _halves(image: Image) -> list[NDArray[np.uint32]]:
    """Pack an image and its means over 2 x 2, 4 x 4, ... texels."""
    out = []
    while True:
        values = np.clip(image * 255.0 + 0.5, 0, 255).astype(np.uint32)
        out.append(values[..., 0] | values[..., 1] << np.uint32(8) | values[..., 2]
                   << np.uint32(16))
        if len(image) == 1:
            return out
        image = 0.25 * (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2]
                        + image[1::2, 1::2])
