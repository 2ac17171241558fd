"""
Random numbers inside kernels: one stream a world, so that no world depends on its neighbours.

SplitMix64 (Steele, Lea, Flood 2014): a counter and a mixer, one uint64 of state.
"""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.world.jit import inline

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
MIX_2 = np.uint64(0x94D049BB133111EB)


def streams(seed: int, count: int) -> NDArray[np.uint64]:
    """Start `count` streams from one seed, shape (count,)."""
    state = np.random.SeedSequence([7, seed]).generate_state(count, np.uint64)
    return np.asarray(state, np.uint64)


@inline
def uniform(streams: NDArray[np.uint64], b: int) -> float:
    """Draw from [0, 1) from stream b, which moves on."""
    state = streams[b] + GOLDEN
    streams[b] = state
    z = (state ^ (state >> np.uint64(30))) * MIX_1
    z = (z ^ (z >> np.uint64(27))) * MIX_2
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) * (1.0 / 9007199254740992.0)
