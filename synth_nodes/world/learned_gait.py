"""
A learned gait from its file, `DIR/tracks.json`: weights, settings, scores.

Made by ``synth-nodes train generator --of tracks``. The kernels walk by it themselves
(`synth_nodes.world.gait`), so neither torch nor ONNX Runtime is needed.
"""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.files import read_json
from synth_nodes.resources import share
from synth_nodes.world.gait import Gait, OUTPUTS, SEEN, WIDTH
from synth_nodes.world.people import ActorSettings

CARD = 'tracks.json'
SHAPES = {'first': (SEEN, WIDTH), 'first_bias': (WIDTH,), 'second': (WIDTH, WIDTH),
          'second_bias': (WIDTH,), 'last': (WIDTH, OUTPUTS), 'last_bias': (OUTPUTS,)}
"""Of the weights in the file."""
SHORTEST, LONGEST = 0.05, 1.0
"""Periods [s] that a gait may have."""


@cache
def load_gait(folder: str = '') -> Gait:
    """
    Load a learned gait once.

    :param folder: where it was trained; the one that ships where empty.
    :raises InputError: when there is none, or the file is damaged.
    """
    path = (Path(folder) / CARD) if folder else share('models', CARD)
    card = read_json(path, 'learned gait')
    try:
        period = float(card['period'])
        weights = {name: np.array(card['weights'][name], np.float64) for name in SHAPES}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f'{path}: is no learned gait ({error}); train it again with '
                         "'synth-nodes train generator --of tracks'") from None
    for name, shape in SHAPES.items():
        if weights[name].shape != shape or not np.isfinite(weights[name]).all():
            raise InputError(f'{path}: {name} has shape {weights[name].shape} or values that are '
                             f'not finite; it must be {shape}; train it again')
    if not SHORTEST <= period <= LONGEST:
        raise InputError(f'{path}: period = {period} s is outside [{SHORTEST}, {LONGEST}] s')
    return Gait(True, period, **weights)


def plain(gait: Gait) -> dict[str, Any]:
    """Give period and weights as the file has them, to 7 digits."""
    def rounded(values: NDArray[np.float64]) -> Any:
        return [rounded(v) for v in values] if values.ndim > 1 else [
            float(f'{v:.7g}') for v in values]

    return {'period': gait.period,
            'weights': {name: rounded(getattr(gait, name)) for name in SHAPES}}


def gait_of(actors: ActorSettings) -> Gait:
    """
    Give people the gait that their settings name.

    :raises InputError: as :func:`load_gait`.
    """
    if actors.walk == 'ways' or not actors.count:
        return Gait.off()
    return load_gait(actors.walk_model)
