"""
From the ideal image plane to pixels and back: the plumb-bob model of sensor_msgs/CameraInfo.

Brown's model as OpenCV and image_geometry have it: with r2 = x^2 + y^2,
x'' = x (1 + k1 r2 + k2 r2^2 + k3 r2^3) + 2 p1 x y + p2 (r2 + 2 x^2), and y'' likewise.

A distorted image is made from an ideal one by looking up, for every pixel, where its ray meets
the ideal image. Depth is carried over exactly on planes: the inverse of depth is linear there.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.sensors.camera_spec import CameraSpec, FLOOR, LINE, SKY
from synth_nodes.types import FloatArray
from synth_nodes.world.jit import inline, kernel

MARGIN = 2
"""Pixels around what the lens sees, for interpolation."""
MOST_GROWTH = 16.0
"""Largest ratio of ideal to distorted pixels."""


class Plane(NamedTuple):
    """An ideal image: focal length, principal point and size [px], and the tilt of its camera."""

    focal: float
    cx: float
    cy: float
    width: int
    height: int
    sin: float
    """Sine and cosine of the pitch, down positive."""
    cos: float


@dataclass(frozen=True)
class Lens:
    """The ideal image to render, and where each pixel of the camera's image lies in it."""

    plane: Plane
    map_x: NDArray[np.float32] | None
    """Column in the ideal image, shape (H, W); None where the images are the same."""
    map_y: NDArray[np.float32] | None
    """Row in the ideal image, shape (H, W)."""


def distort(points: FloatArray, coefficients: tuple[float, ...]) -> NDArray[np.float64]:
    """
    Bend normalised points as the lens does.

    :param points: x / z and y / z in the optical frame, shape (..., 2).
    :param coefficients: k1, k2, p1, p2, k3.
    """
    k1, k2, p1, p2, k3 = coefficients
    x, y = np.asarray(points, float)[..., 0], np.asarray(points, float)[..., 1]
    r2 = x * x + y * y
    radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return np.stack((x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x),
                     y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y), axis=-1)


def undistort(points: FloatArray, coefficients: tuple[float, ...]) -> NDArray[np.float64]:
    """
    Find the points that :func:`distort` bends to those given, by Newton's method.

    :param points: shape (..., 2).
    :raises InputError: when the model folds over before it gets there, so that it has no inverse.
    """
    wanted = np.asarray(points, float)
    guess = wanted.copy()
    step = 1e-6
    right, down = np.array([step, 0.0]), np.array([0.0, step])
    for _ in range(60):
        here = distort(guess, coefficients)
        jx = (distort(guess + right, coefficients) - here) / step
        jy = (distort(guess + down, coefficients) - here) / step
        det = jx[..., 0] * jy[..., 1] - jx[..., 1] * jy[..., 0]
        if not (det > 1e-3).all():
            break
        miss = here - wanted
        move = np.stack((jy[..., 1] * miss[..., 0] - jy[..., 0] * miss[..., 1],
                         jx[..., 0] * miss[..., 1] - jx[..., 1] * miss[..., 0]), axis=-1)
        move = move / det[..., None]
        guess = guess - np.clip(move, -0.2, 0.2)
        if np.abs(move).max(initial=0.0) < 1e-12:
            return np.asarray(guess)
    raise InputError(
        f'camera.distortion = {list(coefficients)} folds over within the image; '
        'use weaker coefficients or a smaller camera.horizontal_fov')


def project(points_optical: FloatArray, spec: CameraSpec) -> NDArray[np.float64]:
    """
    Project points to pixels (u, v).

    :param points_optical: [m] in `camera_optical`, shape (..., 3), z > 0.
    :return: [px], shape (..., 2); the centre of the first pixel is (0, 0).
    """
    points = np.asarray(points_optical, float)
    bent = distort(points[..., :2] / points[..., 2:], spec.distortion)
    k = spec.matrix
    return np.asarray(bent * (k[0, 0], k[1, 1]) + k[:2, 2])


def rays(spec: CameraSpec) -> NDArray[np.float64]:
    """Directions (x / z, y / z) in `camera_optical` that the pixels look to, shape (H, W, 2)."""
    u, v = np.meshgrid(np.arange(spec.width), np.arange(spec.height))
    k = spec.matrix
    bent = (np.stack((u, v), -1) - k[:2, 2]) / (k[0, 0], k[1, 1])
    return undistort(bent, spec.distortion) if any(spec.distortion) else bent


def make_lens(spec: CameraSpec) -> Lens:
    """
    Prepare the ideal image of a camera.

    :raises InputError: when the distortion has no inverse or the camera sees straight down or up.
    """
    spec.check()
    k = spec.matrix
    sin, cos = float(np.sin(spec.pitch)), float(np.cos(spec.pitch))
    plane = Plane(spec.focal, k[0, 2], k[1, 2], spec.width, spec.height, sin, cos)
    map_x = map_y = None
    if any(spec.distortion):
        ideal = rays(spec)
        low, high = ideal.min(axis=(0, 1)), ideal.max(axis=(0, 1))
        corner = np.floor(low * spec.focal) - MARGIN
        size = np.ceil(high * spec.focal).astype(int) + MARGIN - corner.astype(int) + 1
        if size.prod() > MOST_GROWTH * spec.width * spec.height:
            raise InputError(
                f'camera.distortion = {list(spec.distortion)} widens the view to {size[0]} x '
                f'{size[1]} px; use weaker coefficients or a smaller camera.horizontal_fov')
        plane = Plane(spec.focal, -corner[0], -corner[1], int(size[0]), int(size[1]), sin, cos)
        map_x = (ideal[..., 0] * spec.focal - corner[0]).astype(np.float32)
        map_y = (ideal[..., 1] * spec.focal - corner[1]).astype(np.float32)
    steepest = max(abs(np.arctan((v - plane.cy) / plane.focal) + spec.pitch)
                   for v in (0, plane.height - 1))
    if steepest > np.deg2rad(80.0):
        raise InputError(
            f'camera.pitch = {spec.pitch} rad looks {np.rad2deg(steepest):.0f} deg up or down at '
            'the edge of the image; at most 80 deg are allowed: tilt it less, or narrow '
            'camera.horizontal_fov')
    return Lens(plane, map_x, map_y)


def magnify(plane: Plane, factor: int) -> Plane:
    """Make the plane of an image with factor x factor samples in every pixel."""
    shift = 0.5 * (factor - 1)
    return Plane(plane.focal * factor, plane.cx * factor + shift, plane.cy * factor + shift,
                 plane.width * factor, plane.height * factor, plane.sin, plane.cos)


@kernel
def bend(
    map_x: NDArray[np.float32],
    map_y: NDArray[np.float32],
    rgb: NDArray[np.uint8],
    depth: NDArray[np.float32],
    label: NDArray[np.uint8],
    rgb_out: NDArray[np.uint8],
    depth_out: NDArray[np.float32],
    label_out: NDArray[np.uint8],
) -> None:
    """
    Look up a distorted image in an ideal one.

    Colour is interpolated, the label is the nearest pixel's. Depth is interpolated in its
    inverse where four neighbours belong to one surface, else it is the nearest pixel's.
    """
    for v in range(map_x.shape[0]):
        for u in range(map_x.shape[1]):
            x, y = map_x[v, u], map_y[v, u]
            j, i = int(x), int(y)
            p, q = x - j, y - i
            near_j, near_i = int(x + 0.5), int(y + 0.5)
            kind = label[near_i, near_j]
            label_out[v, u] = kind
            weights = ((1 - p) * (1 - q), p * (1 - q), (1 - p) * q, p * q)
            for c in range(3):
                rgb_out[v, u, c] = int(
                    weights[0] * rgb[i, j, c] + weights[1] * rgb[i, j + 1, c]
                    + weights[2] * rgb[i + 1, j, c] + weights[3] * rgb[i + 1, j + 1, c] + 0.5)
            a, b = 1.0 / depth[i, j], 1.0 / depth[i, j + 1]
            c, d = 1.0 / depth[i + 1, j], 1.0 / depth[i + 1, j + 1]
            kind = _ground(kind)
            same = (_ground(label[i, j]) == kind and _ground(label[i, j + 1]) == kind
                    and _ground(label[i + 1, j]) == kind
                    and _ground(label[i + 1, j + 1]) == kind)
            # Floor and ceiling are one plane each; elsewhere a plane has no twist and no step.
            flat = kind == FLOOR or kind == SKY
            flat = flat or abs(a - b - c + d) + 0.02 * (
                max(a, b, c, d) - min(a, b, c, d)) < 2e-3 * max(a, b, c, d)
            if same and flat:
                inverse = weights[0] * a + weights[1] * b + weights[2] * c + weights[3] * d
            else:
                inverse = 1.0 / depth[near_i, near_j]
            depth_out[v, u] = 1.0 / inverse if inverse > 0.0 else np.inf


@inline
def _ground(label: int) -> int:
    """Painted lines lie in the floor."""
    return FLOOR if label == LINE else label
