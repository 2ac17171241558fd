"""Turning a generator of floor plans into its two files: plans.onnx and plans.json."""

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
from synth_nodes.files import write_atomically, write_json
from synth_nodes.generators.plans import LATENT, PlanSettings
from synth_nodes.train.plans import TrainedPlans
from synth_nodes.world.learned_plans import CARD, GRAPH
from synth_nodes.world.plan_conditions import NO_WISHES
from synth_nodes.world.plan_grids import CELL, COLUMNS, ROWS

FLIPS = 2e-3
"""Share of cells that may fall on the other side of one half: rounding, passed on by walks."""


def export_plans(trained: TrainedPlans, settings: PlanSettings, out: Path,
                 origin: Mapping[str, Any]) -> dict[str, Any]:
    """
    Write a generator of plans into a folder, its card last.

    :param origin: what made it, for the card.
    :return: the card.
    :raises ParityError: when ONNX Runtime does not give what torch gives.
    """
    net = trained.net.cpu().eval()
    noise = torch.randn((16, net.latents.noise), generator=torch.Generator().manual_seed(0))
    condition = torch.from_numpy(trained.known.draw(np.random.default_rng(0), 16, NO_WISHES))
    batch = torch.export.Dim('batch', min=1)
    content = graph_bytes(net, (noise, condition), ['noise', 'condition'], ['solid'],
                          ({0: batch}, {0: batch}))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(content, options, ['CPUExecutionProvider'])
    theirs = np.asarray(session.run(None, {
        'noise': noise[:5].numpy(), 'condition': condition[:5].numpy()})[0])
    with torch.no_grad():
        ours = net(noise[:5], condition[:5]).numpy()
    flips = float(((theirs > 0.5) != (ours > 0.5)).mean())
    if not flips <= FLIPS:
        raise ParityError(f'{GRAPH} differs from the network in {flips:.2%} of the cells, allowed '
                          f'is {FLIPS:.1%}')
    card = {
        'sha256': hashlib.sha256(content).hexdigest(), 'latent': LATENT,
        'noise': net.latents.noise, 'cell': CELL,
        'rows': ROWS, 'columns': COLUMNS, 'conditions': trained.known.card(),
        'settings': asdict(settings),
        'scores': {**trained.scores, 'parity_flips': flips}, 'origin': dict(origin),
        'history': list(trained.history)}
    write_atomically(out / GRAPH, content)
    write_json(out / CARD, card)
    return card
