"""Writing a gait as the kernels read it, `tracks.json`, once they agree with torch about it."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from synth_nodes.export.parity import ParityError
from synth_nodes.files import write_json
from synth_nodes.generators.tracks import TrackNet, TrackSettings
from synth_nodes.train.tracks import TrainedTracks
from synth_nodes.world.gait import foretell, LEAST, MOST, OUTPUTS, PARTS, SEEN
from synth_nodes.world.learned_gait import CARD, load_gait, plain

ALLOWED = 1e-3
"""Largest difference of what kernels and torch foretell [m/s, or of logarithms]."""


def export_tracks(trained: TrainedTracks, settings: TrackSettings, out: Path,
                  origin: Mapping[str, Any]) -> dict[str, Any]:
    """
    Write a gait into a folder.

    :param origin: what made it, for the card.
    :return: the card without its weights.
    :raises ParityError: when the kernels do not foretell what torch does.
    """
    differs = parity(trained.net, trained.period)
    if not differs <= ALLOWED:
        raise ParityError(f'{CARD}: kernels differ from the network by {differs:.2g}, allowed is '
                          f'{ALLOWED:g}')
    card = {'settings': asdict(settings), 'scores': {**trained.scores, 'parity': differs},
            'origin': dict(origin), 'history': list(trained.history)}
    write_json(out / CARD, {**card, **plain(trained.net.gait(trained.period))})
    load_gait.cache_clear()
    return card


def parity(net: TrackNet, period: float) -> float:
    """Find the largest difference of kernels and torch, on 64 states drawn by chance."""
    chance = torch.Generator().manual_seed(0)
    seen = net.centre + net.scale * torch.randn((64, SEEN), generator=chance)
    with torch.no_grad():
        weight, mean, spread = (t.numpy() for t in net(seen))
    gait, out, worst = net.gait(period), np.empty(OUTPUTS), 0.0
    for row in range(len(seen)):
        foretell(gait, seen[row].double().numpy(), out)
        logit = out[:PARTS] - np.log(np.exp(out[:PARTS] - out[:PARTS].max()).sum()) - (
            out[:PARTS].max())
        theirs = np.concatenate((logit, out[PARTS:3 * PARTS],
                                 np.clip(out[3 * PARTS:], LEAST, MOST)))
        ours = np.concatenate((weight[row], mean[row].ravel(), spread[row].ravel()))
        worst = max(worst, float(np.abs(theirs - ours).max()))
    return worst
