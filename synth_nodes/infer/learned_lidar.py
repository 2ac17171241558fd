"""
A learned lidar by ONNX Runtime, for nodes: no torch.

It draws as :class:`synth_nodes.generators.learned.LearnedLidar` does, from numbers of its own: the
same seed gives the same scans again, not those of torch.
"""

from collections.abc import Mapping
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnxruntime

from synth_nodes.errors import InputError
from synth_nodes.files import read_json
from synth_nodes.generators.gate import refuse_failed
from synth_nodes.infer.scan_drawing import Drawer, drawer_of, RESOLUTION_UNIT, Sessions

CARD = 'generator.json'
PART = 512
"""Scans drawn at once."""
Scans = NDArray[np.float32]


def condition(ideal: Scans, step: float, reach: float, resolution: float) -> Scans:
    """Describe each beam of ideal scans, as `synth_nodes.generators.coding.condition` does."""
    hit = ideal < reach
    r = np.where(hit, ideal, reach)
    change = np.diff(r, axis=1)
    ahead = np.concatenate((change, change[:, -1:]), 1)
    behind = np.concatenate((change[:, :1], change), 1)
    gentler = np.where(np.abs(ahead) < np.abs(behind), ahead, behind)
    steep = np.tanh(np.abs(gentler) / np.maximum(r * step, 1e-3) / 4)
    jump = np.tanh(np.maximum(np.abs(ahead), np.abs(behind)))
    return np.stack((r / reach, np.log(np.maximum(r, 0.05)) / 3, hit, steep, jump,
                     np.full_like(r, resolution / RESOLUTION_UNIT)), 1, dtype=np.float32)


class LidarSampler:
    """Turns ideal scans into what a real sensor would have said. Made by :func:`load_sampler`."""

    def __init__(self, sessions: Sessions, draw: Drawer, card: Mapping[str, Any],
                 resolution: float, seed: int) -> None:
        self.step = float(card['step'])
        """Angle between the beams that were learned from [rad]."""
        self.resolution = resolution
        """Steps in which ranges are told [m]; 0 for none."""
        self._own = float(card['resolution'])
        self.reach = float(card['settings']['reach'])
        """Range from which on it sees nothing [m]."""
        self._sessions, self._draw = sessions, draw
        self._rng = np.random.default_rng([59, seed])

    def scan(self, ideal: Scans) -> Scans:
        """
        Draw real scans for ideal ones.

        :param ideal: [m], shape (N, beams), inf where nothing lies within reach.
        :return: [m], the same shape, inf where nothing returned.
        """
        parts = [self._part(ideal[k:k + PART]) for k in range(0, len(ideal), PART)]
        return np.concatenate(parts) if parts else np.zeros_like(ideal)

    def _part(self, ideal: Scans) -> Scans:
        given = condition(ideal, self.step, self.reach, self._own)
        told, returned = self._draw(self._sessions, given, self.reach, self._rng)
        if self.resolution > 0:
            up = (self._rng.random(told.shape, np.float32) if self.resolution > self._own
                  else np.float32(0.5))
            told = np.asarray(np.floor(told / self.resolution + up) * self.resolution)
        seen = (returned > 0.5) & (told < self.reach) & (told > 0.0)
        return np.where(seen, told, np.inf).astype(np.float32)


def load_sampler(folder: str | Path, seed: int = 0,
                 resolution: float | None = None, ungated: bool = False,
                 otherwise: str = 'give ungated=True') -> LidarSampler:
    """
    Read a learned sensor's graphs.

    :param seed: of what it draws.
    :param resolution: steps in which the sensor to be imitated tells ranges [m]; those of the one
        that was learned from where None. Coarser ones are told up or down by chance, the nearer
        the likelier, as a sensor does whose noise is as large as its steps.
    :param ungated: whether one that failed its quality gate will do.
    :param otherwise: how the user says so, for the error.
    :raises InputError: when the card or a graph is missing, damaged, or was altered, or the sensor
        failed its quality gate.
    """
    folder = Path(folder)
    card = read_json(folder / CARD, 'generator')
    refuse_failed(card, folder, ungated, otherwise)
    draw, needed = drawer_of(card['settings']['kind'], str(folder / CARD))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    options.add_session_config_entry('session.intra_op.allow_spinning', '0')
    sessions = {}
    for name, digest in card.get('graphs', {}).items():
        content = (folder / name).read_bytes() if (folder / name).is_file() else b''
        if hashlib.sha256(content).hexdigest() != digest:
            raise InputError(f'{folder / name}: is missing or not the file that {CARD} was '
                             'written for; train it again')
        sessions[name] = onnxruntime.InferenceSession(content, options, ['CPUExecutionProvider'])
    if not set(needed) <= set(sessions):
        raise InputError(f'{folder / CARD}: names no {" and ".join(needed)}, so nothing runs it '
                         'without torch; train it again')
    told = float(card['resolution'] if resolution is None else resolution)
    return LidarSampler(sessions, draw, card, told, seed)
