"""
How scans are drawn from the graphs of a learned lidar, kind by kind: numpy and ONNX Runtime alone.

Each function draws as its kind's `sample` in `synth_nodes.generators` does, from other numbers.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError

GRAPH, STEP = 'generator.onnx', 'beam_step.onnx'
FINE, LARGEST, RESOLUTION_UNIT = 0.02, 10.0, 0.05
"""As `synth_nodes.generators.coding` has them; a test holds these and those below together."""
SPAN = math.asinh(LARGEST / FINE)
EVERY = 4
"""Beams that share a value of a VAE's latent."""
FINEST = 1e-3
"""Step [m] of a sensor that tells ranges in no steps, to a transformer."""
SECTOR, EARLY = 90, 16
"""Beams of a scan that a transformer draws one after the other, and beams before, left out."""
STEPS, GAIN, CLEANEST = 25, 3.0, 3.5
"""Of diffusion: steps of a draw, size of errors inside, and how far a clean scan may be off."""
Scans = NDArray[np.float32]
Sessions = Mapping[str, Any]
Drawer = Callable[[Sessions, Scans, float, np.random.Generator], tuple[Scans, Scans]]
"""
Sessions by file, conditions (N, 6, beams), reach [m] and chance to ranges [m] and whether each
beam returned (above 0.5), both (N, beams).
"""


def draw_at_once(sessions: Sessions, given: Scans, reach: float,
                 rng: np.random.Generator) -> tuple[Scans, Scans]:
    """Draw from a VAE or a GAN: the graph makes whole scans."""
    count, _, beams = given.shape
    feed = {'condition': given, 'draws': rng.random((count, 3, beams), np.float32)}
    for wanted in sessions[GRAPH].get_inputs():
        channels, name = wanted.shape[1], wanted.name
        if name == 'latent':
            latent = rng.standard_normal((count, channels, -(-beams // EVERY)), np.float32)
            feed[name] = np.repeat(latent, EVERY, 2)[:, :, :beams]
        elif name in ('noise', 'whole'):
            feed[name] = rng.standard_normal(
                (count, channels, beams if name == 'noise' else 1), np.float32)
    u, returned = sessions[GRAPH].run(None, feed)
    return _told(u, given, reach), returned


def draw_by_beam(sessions: Sessions, given: Scans, reach: float,
                 rng: np.random.Generator) -> tuple[Scans, Scans]:
    """
    Draw from a transformer: beam after beam, with keys and values of the last ones kept.

    Scans of more than `SECTOR` beams are drawn in sectors side by side, so that a node keeps up:
    each begins some beams early, and what it drew there is left out.
    """
    count, _, beams = given.shape
    at, kept = sectors(beams)
    seen, = sessions[GRAPH].run(None, {'condition': given})
    ideal = given[:, 0] * np.float32(reach)
    known = np.stack((ideal, np.diff(ideal, axis=1, prepend=ideal[:, :1]), np.maximum(
        given[:, 5] * np.float32(RESOLUTION_UNIT), np.float32(FINEST))), 2)
    side_by_side = (count * len(at), at.shape[1], -1)
    seen, known = (a[:, at].reshape(side_by_side) for a in (seen, known))
    out = _loop(sessions[STEP], seen, known, rng).reshape(count, *at.shape, 3)
    told = np.concatenate([out[:, k, part] for k, part in enumerate(kept)], 1)
    return told[:, :, 0], told[:, :, 2]


def sectors(beams: int) -> tuple[NDArray[np.integer], list[slice]]:
    """
    Cut a scan into sectors.

    :return: numbers of the beams of each sector, shape (sectors, L), and which of these L count;
        the latter, joined, are all beams in order.
    """
    count = -(-beams // SECTOR)
    size, early = -(-beams // count), min(count - 1, 1) * EARLY
    begin = np.maximum(np.arange(count) * size - early, 0)
    at = np.minimum(begin[:, None] + np.arange(size + early), beams - 1)
    return at, [slice(k * size - b, min((k + 1) * size, beams) - b) for k, b in enumerate(begin)]


def _loop(step: Any, seen: Scans, known: Scans, rng: np.random.Generator) -> Scans:
    """Draw scans (N, beams) one beam at a time: range, its step and whether it returned."""
    count, beams, _ = seen.shape
    draws = rng.random((beams, count, 3), np.float32)
    layers, two, _, past, width = next(i.shape for i in step.get_inputs() if i.name == 'past')
    memory = np.zeros((layers, two, count, past, width), np.float32)
    ideal = known[:, 0, 0]
    state = np.stack((ideal, 0 * ideal, 1 + 0 * ideal), 1)
    out = np.empty((count, beams, 3), np.float32)
    for k in range(beams):
        state, memory = step.run(None, {
            'seen': seen[:, k], 'beam': known[:, k], 'state': state, 'draws': draws[k],
            'past': memory, 'count': np.array(k, np.float32)})
        out[:, k] = state
    return out


def draw_by_denoising(sessions: Sessions, given: Scans, reach: float,
                      rng: np.random.Generator) -> tuple[Scans, Scans]:
    """Draw from a diffusion model: noise to scans in steps (DDIM, eta = 1)."""
    count, _, beams = given.shape
    x = rng.standard_normal((count, 2, beams), np.float32)
    for now, then in pairwise(np.linspace(1.0, 0.0, STEPS + 1)):
        a, b = signal(now), signal(then)
        guess, = sessions[GRAPH].run(None, {
            'noisy': x, 'condition': given, 'time': np.full(count, now, np.float32)})
        x = np.clip((x - np.float32(math.sqrt(1 - a)) * guess) / np.float32(math.sqrt(a)),
                    -CLEANEST, CLEANEST) * np.float32(math.sqrt(b))
        if then > 0:
            spread = (1 - b) / (1 - a) * (1 - a / b)
            x += np.float32(math.sqrt(max(1 - b - spread, 0.0))) * guess
            x += np.float32(math.sqrt(spread)) * rng.standard_normal(x.shape, np.float32)
    u = np.clip(x[:, 0] / np.float32(GAIN), -1.0, 1.0)
    return _told(u, given, reach), np.asarray(x[:, 1] > 0, np.float32)


def signal(time: float) -> float:
    """Share of the variance that is signal at a time from 0 to 1 (the cosine schedule)."""
    share = math.cos((time + 0.008) / 1.008 * math.pi / 2) ** 2
    return min(max(share, 1e-4), 0.9999)


def _told(u: Scans, given: Scans, reach: float) -> Scans:
    """Undo the squashing of errors, and add them to the ideal ranges [m]."""
    return np.asarray(given[:, 0] * reach + FINE * np.sinh(u * SPAN), np.float32)


DRAWERS: Mapping[str, Drawer] = {
    'vae': draw_at_once, 'gan': draw_at_once, 'transformer': draw_by_beam,
    'diffusion': draw_by_denoising}


def drawer_of(kind: str, where: str) -> tuple[Drawer, tuple[str, ...]]:
    """
    Say how a kind is drawn from, and which graphs that takes.

    :param where: the card that names the kind.
    :raises InputError: when the kind is not known.
    """
    if kind not in DRAWERS:
        raise InputError(f"{where}: is of the kind '{kind}', which is none of "
                         f"{', '.join(DRAWERS)}; it is of another version: train it again")
    return DRAWERS[kind], (GRAPH, STEP) if kind == 'transformer' else (GRAPH,)
