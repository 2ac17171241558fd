"""
A learned camera in use, with torch: frames as a real camera would have told them.

    DIR/camera.json     its contract (synth_nodes.generators.camera_card)
    DIR/camera.pt       weights (torch, weights only)
    DIR/camera.onnx     the same for nodes, which run it without torch

:func:`degrader` is the augmentation for training on frames.
"""

from collections.abc import Callable
from dataclasses import asdict
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
import torch

from synth_nodes.generators.camera_card import LATENT, read_card, WEIGHTS
from synth_nodes.generators.camera_model import to_frames, to_planes
from synth_nodes.generators.camera_net import CameraNet
from synth_nodes.generators.gate import refuse_failed

PART = 64
"""Frames drawn at once."""
Images = NDArray[np.uint8]


class LearnedCamera:
    """Turns ideal frames into what a real camera would have told."""

    def __init__(self, net: CameraNet, seed: int = 0, device: str = 'cpu') -> None:
        """Prepare; `seed` is of all that is drawn."""
        self._net = net.to(device).eval()
        self._device = device
        self._draws = torch.Generator().manual_seed(seed)

    @torch.no_grad()
    def frames(self, ideal: Images, turn: NDArray[np.floating] | None = None) -> Images:
        """
        Draw realistic frames, each by another camera.

        :param ideal: shape (N, H, W, 3), red first.
        :param turn: of the robot [rad/s], shape (N,); drawn by chance up to 1.5 where None.
        :return: the same shape.
        """
        parts = []
        for k in range(0, len(ideal), PART):
            given = to_planes(ideal[k:k + PART], self._device)
            latent = torch.randn(len(given), LATENT, generator=self._draws)
            noise = torch.randn(given.shape, generator=self._draws)
            speed = 3.0 * torch.rand(len(given), 1, generator=self._draws) - 1.5
            if turn is not None:
                speed = torch.from_numpy(np.asarray(turn[k:k + PART], np.float32))[:, None]
            rest = (t.to(self._device) for t in (speed, latent, noise))
            parts.append(to_frames(self._net(given, *rest)))
        return np.concatenate(parts) if parts else ideal.copy()


def degrader(folder: str | Path, seed: int = 0, device: str = 'cpu',
             ungated: bool = False) -> Callable[[Images], Images]:
    """
    Make the augmentation of frames by a learned camera.

    :param folder: of the camera; 'models' of the package has the one that ships.
    :param ungated: whether a camera that failed its quality gate will do.
    :return: takes frames (N, H, W, 3) and gives as many, each by another camera; labels stay,
        though edges move by a few pixels where the lens bends them.
    :raises InputError: when the camera is missing, damaged, was altered, or failed its gate.
    """
    return load_camera(folder, seed, device, ungated).frames


def weights_of(net: CameraNet) -> bytes:
    """Give the content of `camera.pt`."""
    buffer = io.BytesIO()
    torch.save({k: v.cpu() for k, v in net.state_dict().items()}, buffer)
    return buffer.getvalue()


def load_camera(folder: str | Path, seed: int = 0, device: str = 'cpu',
                ungated: bool = False) -> LearnedCamera:
    """
    Read a learned camera.

    :param seed: of what it draws.
    :param ungated: whether one that failed its quality gate will do.
    :raises InputError: when it is missing, damaged, was altered, or failed its gate.
    """
    folder = Path(folder)
    card = read_card(folder)
    refuse_failed(asdict(card), folder, ungated, 'give ungated=True')
    weights = torch.load(card.check_file(folder, WEIGHTS), map_location=device, weights_only=True)
    net = CameraNet(int(card.settings['width']))
    net.load_state_dict(weights)
    return LearnedCamera(net, seed, device)
