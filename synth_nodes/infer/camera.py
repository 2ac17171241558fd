"""A learned camera in a node: numpy and ONNX Runtime, no torch."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.generators.camera_card import CameraCard, LATENT, MODEL, read_card
from synth_nodes.generators.gate import refuse_failed
from synth_nodes.infer.session import start_graph
from synth_nodes.resources import share

Images = NDArray[np.uint8]


class CameraSession:
    """Turns the ideal frames of B cameras into realistic ones. Made by :func:`load_camera`."""

    def __init__(self, session: Any, card: CameraCard, seed: int) -> None:
        self.card = card
        self._session = session
        self._seed = seed
        self._rng = np.random.default_rng([67, seed])

    def frames(self, ideal: Images, turn: NDArray[np.floating]) -> Images:
        """
        Draw a frame of each camera; camera b stays the same one from call to call.

        :param ideal: shape (B, H, W, 3), red first.
        :param turn: of the robots [rad/s], shape (B,).
        :return: the same shape; the same seed and calls give the same frames.
        """
        latent = np.stack([np.random.default_rng([71, self._seed, b]).standard_normal(
            LATENT, np.float32) for b in range(len(ideal))])
        planes = ideal.transpose(0, 3, 1, 2).astype(np.float32) / np.float32(255)
        noise = self._rng.standard_normal(planes.shape, np.float32)
        out = self._session.run(None, {
            'ideal': np.ascontiguousarray(planes), 'turn': np.asarray(turn, np.float32)[:, None],
            'latent': latent, 'noise': noise})[0]
        whole = np.asarray(out).transpose(0, 2, 3, 1) * np.float32(255) + np.float32(0.5)
        return np.ascontiguousarray(whole.astype(np.uint8))


def load_camera(folder: str | Path = '', seed: int = 0, device: str = 'cpu',
                ungated: bool = False, otherwise: str = 'give ungated=True') -> CameraSession:
    """
    Load a learned camera.

    :param folder: with `camera.onnx` and `camera.json`; '' for the one that ships.
    :param seed: of which cameras they are, and of their noise.
    :param ungated: whether one that failed its quality gate will do.
    :param otherwise: how the user says so, for the error.
    :raises InputError: when it is missing, altered, no model, or failed its quality gate.
    """
    place = Path(folder).expanduser() if str(folder) else share('models')
    card = read_card(place)
    refuse_failed(asdict(card), place, ungated, otherwise)
    path = card.check_file(place, MODEL)
    return CameraSession(start_graph(path.read_bytes(), str(path), device), card, seed)
