"""Images as cameras of every kind would take them: flaws drawn by chance for each image."""

import cv2
import numpy as np
from numpy.typing import NDArray

from synth_nodes.sensors.image_noise import expose, frame_keys

GAIN = 1.7
"""Brightness is multiplied by up to this, or divided by it."""
TINT = 0.12
"""Share by which each colour may be brighter or darker than the others."""
BLUR = 1.0
"""Largest standard deviation of the lens's blur [px]."""
VIGNETTE = 0.5
"""Largest loss of brightness in the corners."""
READ_NOISE, SHOT_NOISE = 8.0, 12.0
"""Largest standard deviations in the dark and at full brightness, of 255."""


class ChanceFlaws:
    """Draws blur, exposure, tint, vignette and noise of every image anew, for training."""

    def __init__(self, seed: int) -> None:
        """Begin; the same seed and calls give the same images."""
        self._seed, self._calls = seed, 0
        self._rng = np.random.default_rng([43, seed])

    def __call__(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Give flawed copies of true images, shape (B, H, W, 3)."""
        batch, height, width, _ = images.shape
        rng = self._rng
        out: NDArray[np.uint8] = images.copy()
        v, u = np.mgrid[-1.0:1.0:height * 1j, -1.0:1.0:width * 1j]
        square = np.repeat(0.5 * (u * u + v * v), 3, axis=1).astype(np.float32)
        keys = frame_keys(self._seed, batch, self._calls)
        self._calls += 1
        for b in range(batch):
            blur = rng.uniform(0.0, BLUR)
            if blur > 0.3:
                out[b] = cv2.GaussianBlur(out[b], (0, 0), blur)
            tint = 1.0 + rng.uniform(-TINT, TINT, 3).astype(np.float32)
            left = (1.0 - np.float32(rng.uniform(0.0, VIGNETTE)) * square) * np.tile(tint, width)
            expose(out[b].reshape(1, height, 3 * width),
                   np.array([GAIN ** rng.uniform(-1.0, 1.0)]), left,
                   float(rng.uniform(0.0, READ_NOISE)), float(rng.uniform(0.0, SHOT_NOISE)),
                   keys[b:b + 1])
        return out
