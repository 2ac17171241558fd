"""
A learned sensor on the disk and in use: weights, settings, scores, and drawing scans from it.

    DIR/generator.json      kind, settings, sensor, scores, origin, SHA-256 of the weights
    DIR/generator.pt        weights (torch, weights only)

The graphs beside them are written by :mod:`synth_nodes.export.generator`.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch

from synth_nodes.errors import InputError
from synth_nodes.files import read_json, sha256_of, write_atomically, write_json
from synth_nodes.generators.autoregressive import Autoregressive
from synth_nodes.generators.coding import condition, decode
from synth_nodes.generators.diffusion import Diffusion
from synth_nodes.generators.gan import Gan
from synth_nodes.generators.model import Generator, GeneratorSettings
from synth_nodes.generators.vae import Vae
from synth_nodes.settings import build

FORMAT = 'synth_nodes/generator'
CARD, WEIGHTS = 'generator.json', 'generator.pt'
KINDS: dict[str, Callable[[GeneratorSettings], Generator]] = {
    'vae': Vae, 'gan': Gan, 'transformer': Autoregressive, 'diffusion': Diffusion}
PART = 512
"""Scans drawn at once."""
Scans = NDArray[np.float32]


def make(settings: GeneratorSettings) -> Generator:
    """Make a generator with fresh weights; the same seed gives the same ones."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(settings.seed)
        return KINDS[settings.kind](settings)


class LearnedLidar:
    """Turns ideal scans into what a real sensor would have said."""

    def __init__(self, generator: Generator, settings: GeneratorSettings, step: float,
                 own: float, resolution: float, seed: int = 0) -> None:
        """
        Prepare.

        :param step: angle between beams [rad].
        :param own: steps in which the sensor that was learned from tells ranges [m]; 0 for none.
        :param resolution: those in which ranges are told [m]; 0 for none.
        :param seed: of all that is drawn.
        """
        self.settings, self.step, self._own, self.resolution = settings, step, own, resolution
        self._generator = generator
        self._draws = torch.Generator().manual_seed(seed)
        generator.module.eval()

    def scan(self, ideal: Scans) -> Scans:
        """
        Draw real scans for ideal ones.

        :param ideal: [m], shape (N, beams), inf where nothing lies within reach.
        :return: [m], the same shape, inf where nothing returned.
        """
        parts = [self._part(torch.from_numpy(ideal[k:k + PART]))
                 for k in range(0, len(ideal), PART)]
        return np.concatenate(parts) if parts else np.zeros_like(ideal)

    def _part(self, ideal: torch.Tensor) -> Scans:
        reach = self.settings.reach
        given = condition(ideal, self.step, reach, self._own).to(self.settings.device)
        u, returned = self._generator.sample(given, self._draws)
        chance = (torch.rand(ideal.shape, generator=self._draws)
                  if self.resolution > self._own else None)
        out = decode(u.cpu(), returned.cpu(), ideal, reach, self.resolution, chance)
        return np.asarray(out.numpy(), np.float32)


def save(folder: Path, generator: Generator, settings: GeneratorSettings,
         card: Mapping[str, Any]) -> None:
    """
    Write a learned sensor, the weights first, so that a card always has its weights.

    :param card: `step` [rad], `resolution` [m], `scores`, `origin`, ...
    """
    buffer = io.BytesIO()
    torch.save(generator.module.state_dict(), buffer)
    write_atomically(folder / WEIGHTS, buffer.getvalue())
    write_json(folder / CARD, {'format': FORMAT, 'settings': asdict(settings),
                               'sha256': sha256_of(folder / WEIGHTS), **card})


def load(folder: str | Path, seed: int = 0, device: str = 'cpu',
         resolution: float | None = None) -> LearnedLidar:
    """
    Read a learned sensor.

    :param seed: of what it draws.
    :param resolution: steps in which the sensor to be imitated tells ranges [m]; those of the one
        that was learned from where None. Coarser ones are told up or down by chance (see
        :func:`synth_nodes.generators.coding.decode`).
    :raises InputError: when it is missing, damaged, or was altered.
    """
    generator, settings = load_generator(Path(folder), device)
    card = read_json(Path(folder) / CARD, 'generator')
    own = float(card['resolution'])
    told = own if resolution is None else resolution
    return LearnedLidar(generator, settings, float(card['step']), own, told, seed)


def load_generator(folder: Path, device: str) -> tuple[Generator, GeneratorSettings]:
    """
    Read weights and settings.

    :raises InputError: when they are missing, damaged, or were altered.
    """
    card = read_json(folder / CARD, 'generator')
    if card.get('format') != FORMAT:
        raise InputError(f"{folder / CARD}: is not a generator: its 'format' is "
                         f"{card.get('format')!r}, not '{FORMAT}'")
    settings = build(GeneratorSettings, {**card['settings'], 'device': device},
                     str(folder / CARD))
    if not (folder / WEIGHTS).is_file() or sha256_of(folder / WEIGHTS) != card['sha256']:
        raise InputError(f'{folder / WEIGHTS}: is missing or not the file that {CARD} was written '
                         'for; train it again')
    generator = make(settings)
    weights = torch.load(folder / WEIGHTS, map_location=device, weights_only=True)
    generator.module.load_state_dict(weights)
    return generator, settings
