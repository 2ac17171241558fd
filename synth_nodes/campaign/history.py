"""Where robots and movers were a short while ago."""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.campaign.batch import Batch
from synth_nodes.campaign.drive import moved
from synth_nodes.campaign.setups import DT

Array = NDArray[np.float64]
Steps = NDArray[np.int64]


class History:
    """A ring of the newest poses, and of the ways of movers, of B robots."""

    def __init__(self, batch: Batch, length: int) -> None:
        """Fill the past with what led to the start: the same motion all along."""
        self.length = length
        count, things = batch.scene.radius.shape
        self.poses = np.zeros((length, count, 3))
        self.ways = np.zeros((length, count, things, 2)) if batch.scene.speed.any() else None
        start = np.zeros((count, 3))
        for back in range(1, length):
            self.poses[-back % length] = moved(start, batch.velocity, -DT * back)

    def put(self, step: int, pose: Array, way: Array | None) -> None:
        """Remember poses, shape (B, 3), and ways [m], shape (B, K, 2), of a step."""
        self.poses[step % self.length] = pose
        if self.ways is not None and way is not None:
            self.ways[step % self.length] = way

    def pose(self, steps: Steps) -> Array:
        """Poses at the steps, shape (B,)."""
        return np.asarray(self.poses[steps % self.length, np.arange(len(steps))])

    def way(self, steps: Steps) -> Array | None:
        """Ways that things have gone since the start, shape (B, K, 2); None: all stand."""
        if self.ways is None:
            return None
        return np.asarray(self.ways[steps % self.length, np.arange(len(steps))])

    def take(self, rows: NDArray[np.intp]) -> None:
        """Keep some robots."""
        self.poses = self.poses[:, rows]
        self.ways = None if self.ways is None else self.ways[:, rows]
