"""Drawing floor, walls and ceiling, and what lies on the floor: painted lines and shadows."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.sensors.camera_columns import brightness, Columns, Eye, Hits, level_of, Look
from synth_nodes.sensors.camera_spec import FLOOR, LINE, SKY, WALL
from synth_nodes.sensors.camera_textures import TextureArrays
from synth_nodes.sensors.lens import Plane
from synth_nodes.world.jit import inline

CORNER = 0.25
"""Width [m] of the darker floor along walls."""
SOFT = 0.30
"""Width [m] of the edge of a contact shadow."""
FRACTION = 65536.0
"""Texture coordinates are fixed-point numbers with 16 binary digits."""


class Canvas(NamedTuple):
    """A frame being drawn, shape (H, W) each."""

    colour: NDArray[np.uint32]
    """0xLLBBGGRR: label, blue, green, red."""
    depth: NDArray[np.float32]
    """[m] along the optical axis (REP-118)."""


class Pick(NamedTuple):
    """For each pixel of a row: its column, and how far beside its middle it looks (in x')."""

    column: NDArray[np.int64]
    aside: NDArray[np.float64]


@inline
def tint(texel: Any, shade: Any, label: Any) -> Any:
    """Shade a texel, 256 leaving it as it is, and label it."""
    t = np.int64(texel)
    red_blue = ((t & 0xFF00FF) * shade >> 8) & 0xFF00FF
    green = ((t & 0xFF00) * shade >> 8) & 0xFF00
    return np.uint32(red_blue | green | label << 24)


@inline
def slope_of_row(plane: Plane, v: float) -> tuple[float, float]:
    """Give y' of a row, and `a`: depth along the optical axis is z / a."""
    yn = (v - plane.cy) / plane.focal
    a = plane.cos - yn * plane.sin
    return (plane.sin + yn * plane.cos) / a, a


@inline
def row_of_slope(plane: Plane, slope: float) -> float:
    """Give the row of a y', beyond the image where the camera can't look that far."""
    below = plane.cos + slope * plane.sin
    if below <= 1e-9:
        return np.inf if slope > 0.0 else -np.inf
    return plane.cy + plane.focal * (slope * plane.cos - plane.sin) / below


@inline
def draw_room(
    plane: Plane, columns: Columns, eye: Eye, look: Look, walls: Hits, textures: TextureArrays,
    canvas: Canvas, pick: Pick, rows: tuple[int, int],
) -> None:
    """Draw rows [rows[0], rows[1]) of an empty room."""
    for u in range(plane.width):
        pick.column[u] = u
        pick.aside[u] = 0.0
    for v in range(rows[0], rows[1]):
        slope, a = slope_of_row(plane, v)
        if plane.sin != 0.0:
            per_pixel = 1.0 / (plane.focal * a)
            for u in range(plane.width):
                x = (u - plane.cx) * per_pixel
                k = np.int64((x - columns.first) / columns.step + 0.5)
                pick.column[u] = k
                pick.aside[u] = x - (columns.first + k * columns.step)
        if slope > 0.0:
            _draw_row(plane, eye, look, walls, textures, canvas, pick, v, slope, a,
                      eye.z, look.floor, FLOOR)
        elif slope < 0.0 and look.above >= 0:
            _draw_row(plane, eye, look, walls, textures, canvas, pick, v, slope, a,
                      eye.z - look.ceiling, look.above, SKY)
        else:
            _draw_sky_row(plane, eye, look, walls, textures, canvas, pick, v, slope, a)


@inline
def _draw_row(
    plane: Plane, eye: Eye, look: Look, walls: Hits, textures: TextureArrays, canvas: Canvas,
    pick: Pick, v: int, slope: float, a: float, drop: float, texture: int, label: int,
) -> None:
    """
    Draw one row of walls and a level plane.

    :param drop: height [m] of the eye above that plane, negative for a ceiling.
    """
    z = drop / slope
    flat_depth = np.float32(z / a)
    scale = textures.per_metre[texture]
    # Texels of a pixel: across, and in depth; the mean of both blurs neither too much.
    across = z * scale / plane.focal
    level = level_of(textures.log2[texture], np.sqrt(across * max(across * z / abs(drop), across)))
    log2 = textures.log2[texture] - level
    first, mask = textures.offset[texture, level], (1 << log2) - 1
    scale /= 1 << level
    left = -plane.cx / (plane.focal * a)
    step = 1.0 / (plane.focal * a)
    tx = np.int64((eye.x + z * (eye.cos + left * eye.sin)) * scale * FRACTION)
    ty = np.int64((eye.y + z * (eye.sin - left * eye.cos)) * scale * FRACTION)
    step_x = np.int64(z * step * eye.sin * scale * FRACTION)
    step_y = np.int64(-z * step * eye.cos * scale * FRACTION)
    light = brightness(look, 0.0, 0.0, 1.0 if drop > 0.0 else -1.0, z)
    colours, depths = canvas.colour[v], canvas.depth[v]
    edge = slope / drop
    per_corner = 1.0 / CORNER
    for u in range(plane.width):
        k = pick.column[u]
        inverse = walls.inverse[k] + walls.slope[k] * pick.aside[u]
        if inverse < edge:
            depths[u] = flat_depth
            place = first + (((ty >> 16) & mask) << log2) + ((tx >> 16) & mask)
            shade = light
            near = walls.gap[k] * (1.0 - z * inverse) * per_corner
            if near < 1.0:
                shade = np.int64(light * (0.6 + 0.4 * near))
            colours[u] = tint(textures.texel[place], shade, label)
        else:
            depths[u] = np.float32(1.0 / (inverse * a))
            up = np.int64(max(eye.z - slope / inverse, 0.0) * walls.per_metre[k])
            up = min(up, (1 << walls.stride[k]) - 1)
            place = walls.texel[k] + (up << walls.stride[k])
            colours[u] = tint(textures.texel[place], walls.shade[k], WALL)
        tx += step_x
        ty += step_y


@inline
def _draw_sky_row(
    plane: Plane, eye: Eye, look: Look, walls: Hits, textures: TextureArrays, canvas: Canvas,
    pick: Pick, v: int, slope: float, a: float,
) -> None:
    """Draw one row of walls under an open sky, or the row of the horizon."""
    blue = np.int64(min(max(235.0 + 60.0 * slope, 150.0), 235.0))
    sky = np.uint32((SKY << 24) | 240 << 16 | blue << 8 | (blue - 30))
    rise = eye.z - look.ceiling
    for u in range(plane.width):
        k = pick.column[u]
        inverse = walls.inverse[k] + walls.slope[k] * pick.aside[u]
        if slope < rise * inverse:
            canvas.depth[v, u] = np.inf
            canvas.colour[v, u] = sky
        else:
            canvas.depth[v, u] = np.float32(1.0 / (inverse * a))
            up = np.int64((eye.z - slope / inverse) * walls.per_metre[k])
            up = min(up, (1 << walls.stride[k]) - 1)
            place = walls.texel[k] + (up << walls.stride[k])
            canvas.colour[v, u] = tint(textures.texel[place], walls.shade[k], WALL)


@inline
def draw_line(plane: Plane, eye: Eye, look: Look, segment: NDArray[np.float64], canvas: Canvas,
              rows: tuple[int, int]) -> None:
    """Paint a straight line with round ends on what is drawn of the floor."""
    x1, z1 = to_eye(eye, segment[0], segment[1])
    x2, z2 = to_eye(eye, segment[2], segment[3])
    half = segment[4]
    low, high = floor_rows(plane, eye, min(z1, z2) - half, max(z1, z2) + half, rows)
    for v in range(low, high):
        slope, a = slope_of_row(plane, v)
        if slope <= 0.0:
            continue
        z = eye.z / slope
        left, right = _across_capsule(x1, z1, x2, z2, half, z)
        if left > right:
            continue
        per_metre = plane.focal * a / z
        left, right = plane.cx + left * per_metre, plane.cx + right * per_metre
        light = brightness(look, 0.0, 0.0, 1.0, z)
        paint = (np.int64(segment[5] * 255) | np.int64(segment[6] * 255) << 8
                 | np.int64(segment[7] * 255) << 16)
        paint = np.int64(tint(paint, light, 0))
        begin = np.int64(max(np.floor(left + 0.5), 0.0))
        end = np.int64(min(np.floor(right + 0.5), plane.width - 1.0))
        for u in range(begin, end + 1):
            under = np.int64(canvas.colour[v, u])
            label = under >> 24
            if label != FLOOR and label != LINE:
                continue
            share = min(u + 0.5, right) - max(u - 0.5, left)
            part = np.int64(share * 244.0)
            mixed = np.int64(tint(paint, part, 0)) + np.int64(tint(under, 256 - part, 0))
            canvas.colour[v, u] = np.uint32(mixed | (LINE if share >= 0.5 else label) << 24)


@inline
def draw_shadow(
    plane: Plane, eye: Eye, look: Look, place: tuple[float, float, float],
    half: tuple[float, float], radius: float, canvas: Canvas, rows: tuple[int, int],
) -> None:
    """
    Darken the floor around what stands on it.

    :param place: x, y [m], yaw [rad] of its middle in `map`.
    :param half: half length and width [m] of a box; 0, 0 for a disc.
    :param radius: of the disc [m]; 0 for a box.
    """
    x0, z0 = to_eye(eye, place[0] - 0.08 * look.light_x, place[1] - 0.08 * look.light_y)
    reach = np.sqrt(half[0] * half[0] + half[1] * half[1]) + radius + SOFT
    c, s = np.cos(place[2]), np.sin(place[2])
    # Axes of the box seen by the eye: (right, ahead).
    ax, az = eye.sin * c - eye.cos * s, eye.cos * c + eye.sin * s
    low, high = floor_rows(plane, eye, z0 - reach, z0 + reach, rows)
    for v in range(low, high):
        slope, a = slope_of_row(plane, v)
        if slope <= 0.0:
            continue
        z = eye.z / slope
        room = reach * reach - (z - z0) * (z - z0)
        if room <= 0.0:
            continue
        per_metre = plane.focal * a / z
        wide = np.sqrt(room)
        begin = np.int64(max(np.ceil(plane.cx + (x0 - wide) * per_metre), 0.0))
        end = np.int64(min(np.floor(plane.cx + (x0 + wide) * per_metre), plane.width - 1.0))
        for u in range(begin, end + 1):
            under = np.int64(canvas.colour[v, u])
            label = under >> 24
            if label != FLOOR and label != LINE:
                continue
            dx, dz = (u - plane.cx) / per_metre - x0, z - z0
            p = max(abs(dx * ax + dz * az) - half[0], 0.0)
            q = max(abs(dx * az - dz * ax) - half[1], 0.0)
            away = max(np.sqrt(p * p + q * q) - radius, 0.0) / SOFT
            if away < 1.0:
                dark = look.shadow * (1.0 - away) * (1.0 - away)
                canvas.colour[v, u] = tint(under, np.int64(256.0 * (1.0 - dark)), label)


@inline
def to_eye(eye: Eye, x: float, y: float) -> tuple[float, float]:
    """Turn a point of `map` into (right, ahead) of the level camera [m]."""
    dx, dy = x - eye.x, y - eye.y
    return eye.sin * dx - eye.cos * dy, eye.cos * dx + eye.sin * dy


@inline
def floor_rows(plane: Plane, eye: Eye, near: float, far: float,
               rows: tuple[int, int]) -> tuple[int, int]:
    """Rows [first, last) that show the floor from near to far [m] ahead, within `rows`."""
    if far <= 0.0:
        return 0, 0
    top = row_of_slope(plane, eye.z / far)
    bottom = row_of_slope(plane, eye.z / near) if near > 1e-3 else np.inf
    first = max(np.floor(min(top, 1e6)), rows[0])
    last = min(np.ceil(min(bottom, 1e6)) + 1.0, rows[1])
    return np.int64(first), np.int64(last)


@inline
def _across_capsule(x1: float, z1: float, x2: float, z2: float, half: float,
                    z: float) -> tuple[float, float]:
    """Where the line at z ahead crosses a segment of that half width, as (left, right) [m]."""
    left, right = np.inf, -np.inf
    for x0, z0 in ((x1, z1), (x2, z2)):
        room = half * half - (z - z0) * (z - z0)
        if room >= 0.0:
            wide = np.sqrt(room)
            left, right = min(left, x0 - wide), max(right, x0 + wide)
    dx, dz = x2 - x1, z2 - z1
    length = np.sqrt(dx * dx + dz * dz)
    if length > 0.0 and dz != 0.0:
        px, pz = half * dz / length, -half * dx / length
        for side in (-1.0, 1.0):
            t = (z - z1 - side * pz) / dz
            if 0.0 <= t <= 1.0:
                x = x1 + side * px + t * dx
                left, right = min(left, x), max(right, x)
        for x0, z0 in ((x1, z1), (x2, z2)):
            t = (z - z0) / pz if pz != 0.0 else 2.0
            if -1.0 <= t <= 1.0:
                left, right = min(left, x0 + t * px), max(right, x0 + t * px)
    elif length > 0.0 and abs(z - z1) <= half:
        left, right = min(left, min(x1, x2)), max(right, max(x1, x2))
    return left, right
