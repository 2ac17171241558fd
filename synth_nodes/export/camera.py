"""Turning a learned camera into its three files: camera.onnx, camera.pt and camera.json."""

from collections.abc import Mapping
from dataclasses import asdict
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from synth_nodes.export.onnx import graph_bytes
from synth_nodes.export.parity import ParityError
from synth_nodes.files import write_atomically
from synth_nodes.generators.camera import weights_of
from synth_nodes.generators.camera_card import CameraCard, INPUTS, LATENT, MODEL, OUTPUT, WEIGHTS
from synth_nodes.generators.camera_model import CameraSettings
from synth_nodes.generators.camera_net import CameraNet
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.train.camera import TrainedCamera

LIMIT = 5e-4
"""Largest difference in any value, of 1, that is put down to rounding: an eighth of a grey."""


def export_camera(trained: TrainedCamera, settings: CameraSettings, spec: CameraSpec, out: Path,
                  origin: Mapping[str, Any]) -> CameraCard:
    """
    Write a learned camera into a folder, its card last.

    :param spec: of the cameras that it learned from.
    :param out: folder to make or update.
    :param origin: what made it, for the card.
    :raises ParityError: when ONNX Runtime does not give what torch gives.
    """
    net = trained.net.cpu().eval()
    content = _graph(net)
    difference = max(_difference(net, content, size) for size in ((1, 24, 32), (3, 45, 61)))
    if not difference <= LIMIT:
        raise ParityError(f'export differs from the network by {difference:.2g}, allowed is '
                          f'{LIMIT:g}')
    files = {MODEL: content, WEIGHTS: weights_of(net)}
    card = CameraCard(
        asdict(settings), settings.frames.width, settings.frames.height, spec.horizontal_fov,
        {**trained.scores, 'parity_max_difference': difference}, dict(origin), trained.history,
        {name: hashlib.sha256(part).hexdigest() for name, part in files.items()})
    for name, part in files.items():
        write_atomically(out / name, part)
    card.write(out)
    return card


def _graph(net: CameraNet) -> bytes:
    """Export with free batch, height and width."""
    sizes = {'batch': 2, 'height': 24, 'width': 32}
    words = {word: torch.export.Dim(word, min=1 if word == 'batch' else 2) for word in sizes}
    examples = tuple(torch.rand([sizes[n] if isinstance(n, str) else n for n in shape])
                     for shape in INPUTS.values())
    free = tuple({axis: words[n] for axis, n in enumerate(shape) if isinstance(n, str)}
                 for shape in INPUTS.values())
    return graph_bytes(net, examples, list(INPUTS), [OUTPUT], free)


@torch.no_grad()
def _difference(net: CameraNet, content: bytes, size: tuple[int, int, int]) -> float:
    """Compare torch with ONNX Runtime on smooth frames of a size (batch, height, width)."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, ['CPUExecutionProvider'])
    rng = np.random.default_rng(0)
    batch, height, width = size
    ideal = np.linspace(0, 1, height * width).reshape(height, width) * rng.random((batch, 3, 1, 1))
    feed = {'ideal': ideal, 'turn': rng.normal(size=(batch, 1)),
            'latent': rng.normal(size=(batch, LATENT)), 'noise': rng.normal(size=ideal.shape)}
    single = {name: value.astype(np.float32) for name, value in feed.items()}
    theirs = np.asarray(session.run(None, single)[0])
    ours = net(*(torch.from_numpy(v) for v in single.values())).numpy()
    return float(np.abs(ours - theirs).max())
