"""Structural similarity of images that belong together (Wang et al. 2004, eq. 13)."""

import cv2
import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError

C1, C2 = 0.01 ** 2, 0.03 ** 2
SIGMA, WINDOW = 1.5, (11, 11)


def ssim(a: NDArray[np.generic], b: NDArray[np.generic], span: float = 255.0) -> float:
    """
    Measure how alike two images are: 1 for the same, about 0 for unrelated ones.

    :param a: shape (H, W) or (H, W, C), both of one shape, 11 pixels or more each way.
    :param span: difference between black and white.
    :raises InputError: on shapes that differ or are too small.
    """
    if a.shape != b.shape or a.ndim not in (2, 3) or min(a.shape[:2]) < WINDOW[0]:
        raise InputError(f'images of shapes {a.shape} and {b.shape} cannot be compared; they must '
                         'have one shape, 11 pixels or more each way')
    x, y = np.asarray(a, np.float64) / span, np.asarray(b, np.float64) / span
    mx, my = _blur(x), _blur(y)
    vx, vy = _blur(x * x) - mx * mx, _blur(y * y) - my * my
    both = _blur(x * y) - mx * my
    value = ((2 * mx * my + C1) * (2 * both + C2)
             / ((mx * mx + my * my + C1) * (vx + vy + C2)))
    edge = WINDOW[0] // 2
    return float(value[edge:-edge, edge:-edge].mean())


def _blur(image: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(cv2.GaussianBlur(image, WINDOW, SIGMA))
