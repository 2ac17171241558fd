"""Drawing floor, walls and ceiling, and what lies on the floor: painted lines and shadows."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.sensors.camera_columns import brightness, Columns, Eye, Look, Strip
from synth_nodes.sensors.camera_rows import (
    CORNER,
    darken,
    Depths,
    Desk,
    draw_flat,
    draw_mixed,
    draw_sky,
    draw_wall,
    fetch,
    Flat,
    flat_row,
    ink,
    pick,
    Shadow,
    Sketch,
    SOFT,
    tint,
)
from synth_nodes.sensors.camera_spec import FLOOR, LINE, SKY
from synth_nodes.sensors.camera_textures import TextureArrays
from synth_nodes.sensors.lens import Plane
from synth_nodes.world.jit import bare

BLOCK = 32
"""Pixels of a row that are judged together."""


class Canvas(NamedTuple):
    """A frame being drawn, shape (H, W) each."""

    colour: NDArray[np.uint32]
    """0xLLBBGGRR: label, blue, green, red."""
    depth: NDArray[np.float32]
    """[m] along the optical axis (REP-118)."""


class Blocks(NamedTuple):
    """Of every `BLOCK` columns, what tells whether a row shows wall or floor alone."""

    least: NDArray[np.float32]
    """Least 1 / z [1/m]: rows whose plane is not nearer show nothing but wall."""
    most: NDArray[np.float32]
    """Rows whose plane has a larger 1 / z show it alone, and no darker corner."""


@bare
def slope_of_row(plane: Plane, v: float) -> tuple[float, float]:
    """Give y' of a row, and `a`: depth along the optical axis is z / a."""
    yn = (v - plane.cy) / plane.focal
    a = plane.cos - yn * plane.sin
    return (plane.sin + yn * plane.cos) / a, a


@bare
def row_of_slope(plane: Plane, slope: float) -> float:
    """Give the row of a y', beyond the image where the camera can't look that far."""
    below = plane.cos + slope * plane.sin
    if below <= 1e-9:
        return np.inf if slope > 0.0 else -np.inf
    return plane.cy + plane.focal * (slope * plane.cos - plane.sin) / below


@bare
def judge_blocks(walls: Strip, blocks: Blocks) -> None:
    """Fill in the blocks of what was cast."""
    for q in range(blocks.least.size):
        least, most = np.inf, 0.0
        for k in range(q * BLOCK, min((q + 1) * BLOCK, walls.inverse.size)):
            inverse, gap = walls.inverse[k], walls.beyond[k]
            least = min(least, inverse)
            most = max(most, inverse / (1.0 - CORNER / gap) if gap > CORNER else np.inf)
        # A rounding of 32-bit numbers must not put a pixel on the wrong side.
        blocks.least[q], blocks.most[q] = least * (1.0 - 1e-6), most * (1.0 + 1e-6)


@bare
def draw_room(
    plane: Plane, columns: Columns, eye: Eye, look: Look, desk: Desk, blocks: Blocks,
    textures: TextureArrays, canvas: Canvas, rows: tuple[int, int],
) -> None:
    """Draw rows [rows[0], rows[1]) of an empty room."""
    walls, row, sketch = desk.walls, desk.row, desk.sketch
    level = plane.sin == 0.0
    if level:
        judge_blocks(walls, blocks)
    for v in range(rows[0], rows[1]):
        slope, a = slope_of_row(plane, v)
        wall = walls
        if not level:
            pick(plane, columns, walls, 0, columns.number, a, (0, plane.width), row)
            wall = row
        below = slope > 0.0
        if below or (slope < 0.0 and look.above >= 0):
            drop = eye.z if below else eye.z - look.ceiling
            flat = flat_row(plane, eye, look, textures, look.floor if below else look.above,
                            drop, slope, a, FLOOR if below else SKY)
            _draw_row(sketch, canvas.depth, v, wall, np.float32(eye.z), np.float32(slope * a),
                      flat, blocks, level)
        else:
            draw_wall(sketch, canvas.depth, v, wall, np.float32(eye.z), np.float32(slope * a), 0,
                      plane.width)
        fetch(textures.texel, sketch, 0, plane.width)
        ink(canvas.colour, v, sketch)
        if slope <= 0.0 and (slope == 0.0 or look.above < 0):
            blue = np.int64(min(max(235.0 + 60.0 * slope, 150.0), 235.0))
            sky = np.uint32((SKY << 24) | 240 << 16 | blue << 8 | (blue - 30))
            draw_sky(canvas.colour, canvas.depth, v, wall,
                     np.float32(slope / (eye.z - look.ceiling)), sky)


@bare
def _draw_row(sketch: Sketch, depth: Depths, v: int, wall: Strip, tall: Any, slope: Any,
              flat: Flat, blocks: Blocks, level: bool) -> None:
    """Sketch one row of walls and a level plane, in spans of blocks of one kind."""
    width = depth.shape[1]
    if not level:
        draw_mixed(sketch, depth, v, wall, tall, slope, flat, 0, width)
        return
    q, begin = 0, 0
    while begin < width:
        kind = _kind(blocks, q, flat.edge)
        while q < blocks.least.size and _kind(blocks, q, flat.edge) == kind:
            q += 1
        end = min(q * BLOCK, width)
        if kind == 0:
            draw_flat(sketch, depth, v, flat, begin, end)
        elif kind == 1:
            draw_wall(sketch, depth, v, wall, tall, slope, begin, end)
        else:
            draw_mixed(sketch, depth, v, wall, tall, slope, flat, begin, end)
        begin = end


@bare
def _kind(blocks: Blocks, q: int, edge: Any) -> int:
    """0 where a block shows only the plane, 1 where only wall, 2 for both."""
    if edge > blocks.most[q]:
        return 0
    return 1 if edge <= blocks.least[q] else 2


@bare
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
        paint = np.int64(tint(paint, light))
        begin = np.int64(max(np.floor(left + 0.5), 0.0))
        end = np.int64(min(np.floor(right + 0.5), plane.width - 1.0))
        for u in range(begin, end + 1):
            under = np.int64(canvas.colour[v, u])
            label = under >> 24
            if label != FLOOR and label != LINE:
                continue
            share = min(u + 0.5, right) - max(u - 0.5, left)
            part = np.int64(share * 244.0)
            mixed = np.int64(tint(paint, part)) + np.int64(tint(under, 256 - part))
            canvas.colour[v, u] = np.uint32(mixed | (LINE if share >= 0.5 else label) << 24)


@bare
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
        dz = z - z0
        stamp = Shadow(
            np.float32(-plane.cx / per_metre - x0), np.float32(1.0 / per_metre), np.float32(ax),
            np.float32(az), np.float32(dz * az), np.float32(-dz * ax), np.float32(half[0]),
            np.float32(half[1]), np.float32(radius), np.float32(look.shadow))
        darken(canvas.colour, v, stamp, begin, end + 1)


@bare
def to_eye(eye: Eye, x: float, y: float) -> tuple[float, float]:
    """Turn a point of `map` into (right, ahead) of the level camera [m]."""
    dx, dy = x - eye.x, y - eye.y
    return eye.sin * dx - eye.cos * dy, eye.cos * dx + eye.sin * dy


@bare
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


@bare
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
