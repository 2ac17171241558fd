"""
Learned sensors as ONNX: what `lidar_node` runs without torch.

    DIR/generator.onnx          scans from conditions and noise

All that is drawn by chance is an input, so that whoever runs the graphs seeds them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn, Tensor

from synth_nodes.export.onnx import graph_bytes
from synth_nodes.export.parity import ParityError
from synth_nodes.files import read_json, write_atomically, write_json
from synth_nodes.generators.coding import CONDITIONS
from synth_nodes.generators.gan import Maker, NOISE
from synth_nodes.generators.learned import CARD, load_generator
from synth_nodes.generators.vae import drawn, LATENT, VaeNet

GRAPH = 'generator.onnx'
KINDS = ('vae', 'gan')
"""Kinds that draw a scan at once."""
COUNT, BEAMS = 3, 44
"""Scans and beams of the examples."""
LARGEST, FLIPS = 1e-3, 5e-3
"""Differences above this count, and so many may: a draw on the very edge of what it decides."""


@dataclass(frozen=True)
class _Graph:
    file: str
    module: nn.Module
    inputs: Mapping[str, Tensor]
    outputs: tuple[str, ...]


class _VaeScan(nn.Module):

    def __init__(self, net: VaeNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, condition: Tensor, latent: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
        x = torch.cat((condition[:, :CONDITIONS], latent), 1)
        return drawn(self.net.out(self.net.decoder(x)), draws)


class _GanScan(nn.Module):

    def __init__(self, net: Maker) -> None:
        super().__init__()
        self.net = net

    def forward(self, condition: Tensor, noise: Tensor, whole: Tensor,
                draws: Tensor) -> tuple[Tensor, Tensor]:
        out = self.net(condition, noise, whole, draws[:, 0])
        return out[:, 0], (out[:, 1] > 0).to(out)


def export_generator(folder: Path) -> float | None:
    """
    Write a learned sensor's graphs beside its weights, and their checksums into its card.

    :return: share of the numbers that differ between torch and ONNX Runtime; None for a kind
        that runs by torch alone.
    :raises InputError: when there is no learned sensor.
    :raises ParityError: when ONNX Runtime does not give what torch gives.
    """
    card = read_json(folder / CARD, 'generator')
    generator, settings = load_generator(folder, 'cpu')
    if settings.kind not in KINDS:
        return None
    worst, sums = 0.0, {}
    for graph in _graphs(generator.module.eval()):
        content = _content(graph)
        worst = max(worst, _difference(graph, content))
        write_atomically(folder / graph.file, content)
        sums[graph.file] = hashlib.sha256(content).hexdigest()
    write_json(folder / CARD, {**card, 'graphs': sums, 'parity_differing': worst})
    return worst


def _graphs(net: nn.Module) -> list[_Graph]:
    given = torch.rand(COUNT, CONDITIONS + 1, BEAMS)
    draws = torch.rand(COUNT, 3, BEAMS)
    scan = ('u', 'returned')
    if isinstance(net, VaeNet):
        return [_Graph(GRAPH, _VaeScan(net), {
            'condition': given, 'latent': torch.randn(COUNT, LATENT, BEAMS), 'draws': draws},
            scan)]
    if isinstance(net, Maker):
        return [_Graph(GRAPH, _GanScan(net), {
            'condition': given, 'noise': torch.randn(COUNT, NOISE, BEAMS),
            'whole': torch.randn(COUNT, NOISE, 1), 'draws': draws}, scan)]
    raise TypeError(f'no graph for {type(net).__name__}')


def _content(graph: _Graph) -> bytes:
    batch, beams = torch.export.Dim('batch', min=1), torch.export.Dim('beams', min=8)
    free: list[dict[int, Any]] = []
    for value in graph.inputs.values():
        axes: dict[int, Any] = {0: batch}
        if value.shape[-1] == BEAMS:
            axes[2] = beams
        free.append(axes)
    return graph_bytes(graph.module, tuple(graph.inputs.values()), list(graph.inputs),
                       graph.outputs, tuple(free))


def _difference(graph: _Graph, content: bytes) -> float:
    """Share of the numbers in which ONNX Runtime and torch differ, on the examples."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(content, options, ['CPUExecutionProvider'])
    theirs = session.run(None, {n: v.numpy() for n, v in graph.inputs.items()})
    with torch.no_grad():
        ours = graph.module(*graph.inputs.values())
    off = [np.abs(np.asarray(a) - b.numpy()) > LARGEST
           for a, b in zip(theirs, ours, strict=True)]
    share = float(np.concatenate([o.ravel() for o in off]).mean())
    if not share <= FLIPS:
        raise ParityError(f'{graph.file} differs from the network in {share:.2%} of the numbers, '
                          f'allowed is {FLIPS:.1%}')
    return share


