"""Rooms full of posts: lanes a robot just fits along, with a turn at every crossing."""

import numpy as np

from synth_nodes.types import FREE, GridMap, OCCUPIED

_SIDE = 0.05
"""Side of a cell [m]."""


def generate_post_room(seed: int) -> GridMap:
    """
    Make a room with three or four rows of three or four posts, not quite in line.

    The origin is the middle of the room; lanes are 0.7 to 1.1 m wide.

    :param seed: the same seed gives the same room.
    """
    rng = np.random.default_rng([0x9057, seed])
    gap, margin, jitter = rng.uniform(1.0, 1.25), rng.uniform(0.8, 1.3), rng.uniform(0.0, 0.04)
    columns, rows = ((np.arange(n) - (n - 1) / 2) * gap for n in rng.integers(3, 5, 2))
    width, height = columns[-1] + margin, rows[-1] + margin
    y, x = np.mgrid[-height:height:_SIDE, -width:width:_SIDE] + _SIDE / 2
    solid = (np.abs(x) > width - 0.1) | (np.abs(y) > height - 0.1)
    for cx in columns:
        for cy in rows:
            dx, dy = rng.normal(0.0, jitter, 2)
            solid |= np.hypot(x - cx - dx, y - cy - dy) < rng.uniform(0.1, 0.15)
    cells = np.where(solid, OCCUPIED, FREE).astype(np.int8)
    return GridMap(cells, _SIDE, (-width, -height, 0.0), name=f'posts_{seed}')
