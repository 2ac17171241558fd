"""
Learned sensors as ONNX: what `lidar_node` runs without torch.

    DIR/generator.onnx      vae, gan: scans from conditions and noise; transformer: what it sees in
                            conditions; diffusion: the noise that it foretells in a noisy scan
    DIR/beam_step.onnx      transformer: one beam from what is seen and from the beams before it

All that is drawn by chance is an input, so that whoever runs the graphs seeds them; the loops
over beams and over steps of denoising are in :mod:`synth_nodes.infer.scan_drawing`.
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
from synth_nodes.generators.autoregressive import BeamStep, BeamTransformer, LAYERS, PAST
from synth_nodes.generators.coding import CONDITIONS
from synth_nodes.generators.diffusion import Denoiser
from synth_nodes.generators.gan import Maker, NOISE
from synth_nodes.generators.learned import CARD, load_generator
from synth_nodes.generators.vae import drawn, LATENT, VaeNet

GRAPH, STEP = 'generator.onnx', 'beam_step.onnx'
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
    free: tuple[Mapping[int, str], ...]
    """Axes of each input that may be of any size: 'batch' or 'beams'."""


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


class _Seen(nn.Module):

    def __init__(self, net: BeamTransformer) -> None:
        super().__init__()
        self.net = net

    def forward(self, condition: Tensor) -> Tensor:
        seen: Tensor = self.net.look(condition)
        return seen.transpose(1, 2)


def export_generator(folder: Path) -> float:
    """
    Write a learned sensor's graphs beside its weights, and their checksums into its card.

    :return: share of the numbers that differ between torch and ONNX Runtime.
    :raises InputError: when there is no learned sensor.
    :raises ParityError: when ONNX Runtime does not give what torch gives.
    """
    card = read_json(folder / CARD, 'generator')
    generator, settings = load_generator(folder, 'cpu')
    worst, sums = 0.0, {}
    for graph in _graphs(generator.module.eval(), settings.reach):
        content = _content(graph)
        worst = max(worst, _difference(graph, content))
        write_atomically(folder / graph.file, content)
        sums[graph.file] = hashlib.sha256(content).hexdigest()
    write_json(folder / CARD, {**card, 'graphs': sums, 'parity_differing': worst})
    return worst


def _graphs(net: nn.Module, reach: float) -> list[_Graph]:
    given = torch.rand(COUNT, CONDITIONS + 1, BEAMS)
    draws = torch.rand(COUNT, 3, BEAMS)
    scan, whole = ('u', 'returned'), {0: 'batch', 2: 'beams'}
    if isinstance(net, VaeNet):
        return [_Graph(GRAPH, _VaeScan(net), {
            'condition': given, 'latent': torch.randn(COUNT, LATENT, BEAMS), 'draws': draws},
            scan, (whole,) * 3)]
    if isinstance(net, Maker):
        return [_Graph(GRAPH, _GanScan(net), {
            'condition': given, 'noise': torch.randn(COUNT, NOISE, BEAMS),
            'whole': torch.randn(COUNT, NOISE, 1), 'draws': draws}, scan,
            (whole, whole, {0: 'batch'}, whole))]
    if isinstance(net, Denoiser):
        return [_Graph(GRAPH, net, {
            'noisy': torch.randn(COUNT, 2, BEAMS), 'condition': given,
            'time': torch.rand(COUNT)}, ('guess',), (whole, whole, {0: 'batch'}))]
    if isinstance(net, BeamTransformer):
        return [_Graph(GRAPH, _Seen(net), {'condition': given}, ('seen',), (whole,)),
                _step(net, reach)]
    raise TypeError(f'no graph for {type(net).__name__}')


def _step(net: BeamTransformer, reach: float) -> _Graph:
    width = net.norm.normalized_shape[0]
    ideal, one = 1.0 + 4.0 * torch.rand(COUNT, 1), torch.ones(COUNT, 1)
    return _Graph(STEP, BeamStep(net, reach), {
        'seen': torch.randn(COUNT, width), 'beam': torch.cat((ideal, 0.1 * one, 0.05 * one), 1),
        'state': torch.cat((ideal - 0.1, 0.05 * one, one), 1), 'draws': torch.rand(COUNT, 3),
        'past': torch.randn(LAYERS, 2, COUNT, PAST, width), 'count': torch.tensor(5.0)},
        ('next_state', 'next_past'), (*({0: 'batch'},) * 4, {2: 'batch'}, {}))


def _content(graph: _Graph) -> bytes:
    sizes = {'batch': torch.export.Dim('batch', min=1), 'beams': torch.export.Dim('beams', min=8)}
    free: tuple[dict[int, Any], ...] = tuple(
        {axis: sizes[name] for axis, name in axes.items()} for axes in graph.free)
    return graph_bytes(graph.module, tuple(graph.inputs.values()), list(graph.inputs),
                       graph.outputs, free)


def _difference(graph: _Graph, content: bytes) -> float:
    """Share of the numbers in which ONNX Runtime and torch differ, on the examples."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    session = onnxruntime.InferenceSession(content, options, ['CPUExecutionProvider'])
    theirs = session.run(None, {n: v.numpy() for n, v in graph.inputs.items()})
    with torch.no_grad():
        ours = graph.module(*graph.inputs.values())
        ours = ours if isinstance(ours, tuple) else (ours,)
    off = [np.abs(np.asarray(a) - b.numpy()) > LARGEST
           for a, b in zip(theirs, ours, strict=True)]
    share = float(np.concatenate([o.ravel() for o in off]).mean())
    if not share <= FLIPS:
        raise ParityError(f'{graph.file} differs from the network in {share:.2%} of the numbers, '
                          f'allowed is {FLIPS:.1%}')
    return share


