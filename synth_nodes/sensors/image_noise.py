"""
What sensor and lens do to ideal images: blur, exposure, vignette, noise, and noise of depth.

Noise comes from a counter and a mixer (SplitMix64, Steele, Lea, Flood 2014) keyed by camera,
frame and row or pixel, so a frame is the same whatever else is drawn beside it. A normal number
is made of three uniform ones (Irwin-Hall), true to its variance and bounded at three deviations.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.world.jit import inline, kernel

MIDDLE_GREY = 110.0
"""Mean brightness, of 255, that automatic exposure aims at."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_BITS = 21


def frame_keys(seed: int, batch: int, frame: int) -> NDArray[np.uint64]:
    """Keys of the noise of one frame of each camera, shape (B,)."""
    return np.array([np.random.SeedSequence([41, seed, b, frame]).generate_state(1, np.uint64)[0]
                     for b in range(batch)], np.uint64)


def smear(rgb: NDArray[np.uint8], spec: CameraSpec, turn_rate: NDArray[np.float64]) -> None:
    """
    Blur images in place: by the lens, and along the rows by the turn during the exposure.

    :param rgb: shape (B, H, W, 3).
    :param turn_rate: of each camera [rad/s], shape (B,).
    """
    for image, rate in zip(rgb, turn_rate, strict=True):
        length = round(abs(rate) * spec.exposure_time * spec.focal)
        if length >= 2:
            image[:] = cv2.blur(image, (length, 1))
        if spec.blur > 0.0:
            image[:] = cv2.GaussianBlur(image, (0, 0), spec.blur)


@kernel
def expose(
    rgb: NDArray[np.uint8],
    gain: NDArray[np.float64],
    vignette: NDArray[np.float32],
    read_noise: float,
    shot_noise: float,
    keys: NDArray[np.uint64],
) -> None:
    """
    Apply gain, vignette and noise in place, and saturate.

    The variance of noise is read_noise^2 + shot_noise^2 * brightness / 255 (Poisson noise).

    :param rgb: shape (B, H, 3 W): the colours of a row one after the other.
    :param gain: shape (B,); vignette: factors, shape (H, 3 W).
    :param keys: of the noise, shape (B,).
    """
    read, shot = np.float32(read_noise ** 2), np.float32(shot_noise ** 2 / 255.0)
    none, full, half = np.float32(0.0), np.float32(255.0), np.float32(0.5)
    for b in range(rgb.shape[0]):
        factor = np.float32(gain[b])
        for v in range(rgb.shape[1]):
            key = np.uint32(_mix(keys[b] + np.uint64(v + 1) * _GOLDEN) >> np.uint64(32))
            # An unsigned index and 32-bit numbers, so that the loop becomes a vector's.
            for i in range(np.uint64(rgb.shape[2])):
                value = np.float32(rgb[b, v, i]) * factor * vignette[v, i]
                value += np.sqrt(read + shot * value) * _quick_normal(key, np.uint32(i)) + half
                value = value if value > none else none
                rgb[b, v, i] = np.uint8(np.int32(value if value < full else full))


@kernel
def measure_depth(
    depth: NDArray[np.float32],
    near: float,
    far: float,
    noise: float,
    dropout: float,
    keys: NDArray[np.uint64],
) -> None:
    """
    Turn true depth into measured depth in place, with the values of REP-117 and REP-118.

    -inf is too near, inf too far, NaN not measured.

    :param depth: [m], shape (B, H, W).
    :param noise: standard deviation at 1 m [m]; it grows with the square of depth.
    :param dropout: chance of NaN.
    :param keys: of the noise, shape (B,).
    """
    scale = 1.0 / (1 << _BITS)
    for b in range(depth.shape[0]):
        pixel = np.uint64(0)
        for v in range(depth.shape[1]):
            for u in range(depth.shape[2]):
                pixel += np.uint64(1)
                bits = _mix((keys[b] ^ _MIX_1) + pixel * _GOLDEN)
                true = depth[b, v, u]
                value = true
                if true < np.inf:
                    value = true + noise * true * true * _normal(bits, 0)
                if true < near or value < near:
                    depth[b, v, u] = -np.inf
                elif (bits >> np.uint64(_BITS * 2)) * scale * 0.5 < dropout:
                    depth[b, v, u] = np.nan
                else:
                    depth[b, v, u] = value if value <= far else np.inf


def vignette_of(spec: CameraSpec) -> NDArray[np.float32]:
    """
    Say what lens and white balance leave of each colour of each pixel, shape (H, 3 W).

    It is the colour's gain times 1 - loss (r / corner)^2.
    """
    v, u = np.mgrid[:spec.height, :spec.width]
    x, y = u - 0.5 * (spec.width - 1), v - 0.5 * (spec.height - 1)
    square = (x * x + y * y) / (x[0, 0] ** 2 + y[0, 0] ** 2)
    left = np.repeat(1.0 - spec.vignette * square, 3, axis=1)
    return np.asarray(left * np.tile(spec.colour_gain, spec.width), np.float32)


@inline
def _mix(z: Any) -> Any:
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))


@inline
def _normal(bits: np.uint64, which: int) -> float:
    """One of three normal numbers (mean 0, deviation 1) out of 64 bits: 3 x 7 bits each."""
    part = np.int64((bits >> np.uint64(which * _BITS)) & np.uint64((1 << _BITS) - 1))
    total = (part & 127) + ((part >> 7) & 127) + (part >> 14)
    # Three uniform integers 0..127 have mean 190.5 and variance 3 * (128^2 - 1) / 12.
    return float((total - 190.5) / 63.9980468452)


@inline
def _quick_normal(key: Any, number: Any) -> Any:
    """
    Make a normal number (mean 0, deviation 1) of 32 bits: the sum of 3 x 10 of them.

    The bits are those of a counter mixed by MurmurHash3's last step (fmix32, Appleby 2011).
    """
    h = np.uint32(np.uint32(number * np.uint32(0x9E3779B9)) ^ key)
    h = np.uint32(np.uint32(h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B))
    h = np.uint32(np.uint32(h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35))
    h = np.uint32(h ^ (h >> np.uint32(16)))
    low, ten = np.uint32(1023), np.uint32(10)
    total = np.int32((h & low) + ((h >> ten) & low) + ((h >> np.uint32(20)) & low))
    # Three uniform integers 0..1023 have mean 1534.5 and variance 3 * (1024^2 - 1) / 12.
    return (np.float32(total) - np.float32(1534.5)) * np.float32(1.0 / 511.99976)
