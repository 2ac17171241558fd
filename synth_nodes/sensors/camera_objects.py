"""
Drawing boxes, cylinders and people: upright solids, each over the columns that it spans.

For every column the ray's entry and exit are found in closed form; then side and top are drawn
pixel by pixel against the depth already there, so that order doesn't matter.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.sensors.camera_columns import brightness, Columns, Eye, Look, set_strip, Strip
from synth_nodes.sensors.camera_room import Canvas, row_of_slope, slope_of_row, to_eye
from synth_nodes.sensors.camera_rows import (
    Desk,
    draw_side,
    fetch,
    ink_over,
    LEAST,
    pick,
    Side,
)
from synth_nodes.sensors.camera_spec import BOX, CYLINDER, PERSON
from synth_nodes.sensors.camera_textures import PERSON_HEIGHT, TextureArrays
from synth_nodes.sensors.lens import Plane
from synth_nodes.world.jit import bare, plain

PERSON_PARTS = np.array([
    [0.00, 0.82, 1.00], [0.82, 0.86, 0.75], [0.86, 1.00, 0.42]])
"""Body, shoulders, head: bottom and top as shares of the height, and of the radius."""


@bare
def draw_box(
    plane: Plane, columns: Columns, eye: Eye, look: Look, box: NDArray[np.float64],
    desk: Desk, textures: TextureArrays, canvas: Canvas, rows: tuple[int, int],
) -> None:
    """Draw a box: x, y, yaw, length, width, height, texture."""
    px, pz = to_eye(eye, box[0], box[1])
    half_l, half_w, height = 0.5 * box[3], 0.5 * box[4], box[5]
    first, last = _span(columns, px, pz, np.sqrt(half_l * half_l + half_w * half_w))
    c, s = np.cos(box[2]), np.sin(box[2])
    # Box axes as the eye sees them (right, ahead): along its length, along its width.
    lx, lz = eye.sin * c - eye.cos * s, eye.cos * c + eye.sin * s
    wx, wz = -eye.sin * s - eye.cos * c, -eye.cos * s + eye.sin * c
    from_l, from_w = -(px * lx + pz * lz), -(px * wx + pz * wz)
    texture, hits = np.int64(box[6]), desk.hits
    scale = textures.per_metre[texture]
    for k in range(first, last):
        i = k - first
        hits.inverse[i], hits.depth[i], hits.texel[i] = 0.0, 1.0, 0
        hits.stride[i], hits.per_metre[i], hits.beyond[i] = 0, 0.0, 1.0
        slant = columns.first + k * columns.step
        dir_l, dir_w = slant * lx + lz, slant * wx + wz
        face_l = -half_l if dir_l > 0.0 else half_l
        face_w = -half_w if dir_w > 0.0 else half_w
        in_l, out_l = _slab(from_l, dir_l, face_l)
        in_w, out_w = _slab(from_w, dir_w, face_w)
        enter, leave = max(in_l, in_w), min(out_l, out_w)
        if not (0.0 < enter <= leave) or _hidden(desk.walls, look, k, enter, height):
            continue
        hits.beyond[i] = 1.0 / leave
        if in_l > in_w:
            hits.inverse[i], hits.slope[i] = dir_l / (face_l - from_l), lx / (face_l - from_l)
            nx, ny, facing = np.sign(face_l) * c, np.sign(face_l) * s, abs(dir_l)
            along = from_w + enter * dir_w
        else:
            hits.inverse[i], hits.slope[i] = dir_w / (face_w - from_w), wx / (face_w - from_w)
            nx, ny, facing = -np.sign(face_w) * s, np.sign(face_w) * c, abs(dir_w)
            along = from_l + enter * dir_l
        hits.depth[i] = enter
        hits.shade[i] = brightness(look, nx, ny, 0.0, enter)
        spread = enter / (plane.focal * max(facing, 0.3)) * scale
        set_strip(hits, i, textures, texture, along * scale, spread, height)
    _draw_solid(plane, columns, eye, look, (first, last), (0.0, height), texture,
                plain(BOX), desk, textures, canvas, rows)


@bare
def draw_cylinder(
    plane: Plane, columns: Columns, eye: Eye, look: Look, cylinder: NDArray[np.float64],
    desk: Desk, textures: TextureArrays, canvas: Canvas, rows: tuple[int, int],
) -> None:
    """Draw a cylinder: x, y, radius, height, texture."""
    texture = np.int64(cylinder[4])
    around = textures.per_metre[texture] * cylinder[2]
    _draw_round(plane, columns, eye, look, (cylinder[0], cylinder[1], 0.0), cylinder[2],
                (0.0, cylinder[3]), cylinder[3], texture, around, plain(CYLINDER), desk,
                textures, canvas, rows)


@bare
def draw_person(
    plane: Plane, columns: Columns, eye: Eye, look: Look, actor: NDArray[np.float64],
    outfit: int, desk: Desk, textures: TextureArrays, canvas: Canvas,
    rows: tuple[int, int],
) -> None:
    """
    Draw a person: x, y, vx, vy, radius; the face looks along the velocity.

    The body is the actor's disc extruded, as lidars and collision know it, with shoulders and a
    head on top.
    """
    heading = np.arctan2(actor[3], actor[2])
    around = (1 << textures.log2[outfit]) / (2.0 * np.pi)
    for part in range(PERSON_PARTS.shape[0]):
        low, high = PERSON_PARTS[part, 0] * PERSON_HEIGHT, PERSON_PARTS[part, 1] * PERSON_HEIGHT
        _draw_round(plane, columns, eye, look, (actor[0], actor[1], heading),
                    actor[4] * PERSON_PARTS[part, 2], (low, high), PERSON_HEIGHT, outfit, around,
                    plain(PERSON), desk, textures, canvas, rows)


@bare
def _draw_round(
    plane: Plane, columns: Columns, eye: Eye, look: Look, place: tuple[float, float, float],
    radius: float, heights: tuple[float, float], stretch: float, texture: int, around: float,
    label: int, desk: Desk, textures: TextureArrays, canvas: Canvas,
    rows: tuple[int, int],
) -> None:
    px, pz = to_eye(eye, place[0], place[1])
    first, last = _span(columns, px, pz, radius)
    hits = desk.hits
    outside = px * px + pz * pz - radius * radius
    for k in range(first, last):
        i = k - first
        hits.inverse[i], hits.depth[i], hits.texel[i] = 0.0, 1.0, 0
        hits.stride[i], hits.per_metre[i], hits.beyond[i] = 0, 0.0, 1.0
        slant = columns.first + k * columns.step
        square, along = 1.0 + slant * slant, px * slant + pz
        inner = along * along - square * outside
        if inner < 0.0 or along <= 0.0 or outside <= 0.0:
            continue
        root = np.sqrt(inner)
        enter = (along - root) / square
        if _hidden(desk.walls, look, k, enter, heights[1]):
            continue
        nx, nz = (enter * slant - px) / radius, (enter - pz) / radius
        depth = enter * (nx * slant + nz)
        hits.inverse[i], hits.slope[i] = 1.0 / enter, nx / depth
        hits.beyond[i] = square / (along + root)
        map_x, map_y = eye.sin * nx + eye.cos * nz, -eye.cos * nx + eye.sin * nz
        hits.depth[i] = enter
        hits.shade[i] = brightness(look, map_x, map_y, 0.0, enter)
        angle = np.arctan2(map_y, map_x) - place[2]
        facing = max(-depth / enter, 0.3)
        set_strip(hits, i, textures, texture, angle * around,
                  enter / (plane.focal * facing * radius) * around, stretch)
    _draw_solid(plane, columns, eye, look, (first, last), heights, texture, label, desk,
                textures, canvas, rows)


@bare
def _span(columns: Columns, px: float, pz: float, radius: float) -> tuple[int, int]:
    """Columns [first, last) that a circle may touch."""
    away = np.sqrt(px * px + pz * pz)
    if away <= radius:
        return (0, columns.number) if away < radius else (0, 0)
    middle, half = np.arctan2(px, pz), np.arcsin(radius / away)
    low, high = max(middle - half, -1.57), min(middle + half, 1.57)
    if low >= high:
        return 0, 0
    first = max(np.floor((np.tan(low) - columns.first) / columns.step), 0.0)
    last = min(np.ceil((np.tan(high) - columns.first) / columns.step) + 1.0, columns.number)
    return np.int64(first), np.int64(last)


@bare
def _slab(start: float, direction: float, face: float) -> tuple[float, float]:
    """Where a ray enters and leaves -|face| to |face|, entering through `face`."""
    if direction == 0.0:
        return (-np.inf, np.inf) if abs(start) <= abs(face) else (np.inf, -np.inf)
    return (face - start) / direction, (-face - start) / direction


@bare
def _hidden(walls: Strip, look: Look, k: int, enter: float, height: float) -> bool:
    """Whether the wall of a column stands before something no higher than it."""
    return bool(enter * walls.inverse[k] > 1.001 and height <= look.ceiling)


@bare
def _draw_solid(
    plane: Plane, columns: Columns, eye: Eye, look: Look, span: tuple[int, int],
    heights: tuple[float, float], texture: int, label: int, desk: Desk,
    textures: TextureArrays, canvas: Canvas, rows: tuple[int, int],
) -> None:
    """Draw the side, and the top or bottom where the eye sees it, of what `hits` holds."""
    hits, sketch = desk.hits, desk.sketch
    start, count = 0, span[1] - span[0]
    while count > 0 and hits.inverse[start] == 0.0:
        start, count = start + 1, count - 1
    while count > 0 and hits.inverse[start + count - 1] == 0.0:
        count -= 1
    first = span[0] + start
    nearest, farthest = 0.0, np.inf
    for k in range(start, start + count):
        if hits.inverse[k] > 0.0:
            nearest = max(nearest, hits.inverse[k])
            farthest = min(farthest, hits.beyond[k])
    if nearest == 0.0:
        return
    over, under = eye.z - heights[1], eye.z - heights[0]
    begin_row = row_of_slope(plane, over * (farthest if over > 0.0 else nearest))
    end_row = row_of_slope(plane, under * (nearest if under > 0.0 else farthest))
    low = np.int64(max(np.floor(min(max(begin_row, -1e6), 1e6)) - 1.0, rows[0]))
    high = np.int64(min(np.ceil(min(max(end_row, -1e6), 1e6)) + 2.0, rows[1]))
    cap = over if over > 0.0 else (under if under < 0.0 else 0.0)
    cap_place = np.uint32(textures.offset[texture, textures.log2[texture]])
    cap_light = np.uint32(brightness(look, 0.0, 0.0, np.sign(cap), 1.0 / nearest))
    for v in range(low, high):
        slope, a = slope_of_row(plane, v)
        cap_inverse = slope / cap if cap != 0.0 else -1.0
        begin, size, origin, solid = first, count, start, hits
        if plane.sin != 0.0:
            left = plane.cx + plane.focal * a * (columns.first + (first - 0.5) * columns.step)
            right = plane.cx + plane.focal * a * (
                columns.first + (first + count - 0.5) * columns.step)
            begin = np.int64(max(np.ceil(left), 0.0))
            size = np.int64(min(np.floor(right), plane.width - 1.0)) + 1 - begin
            pick(plane, columns, hits, span[0], start + count, a, (begin, begin + size), desk.row)
            origin, solid = 0, desk.row
        bottom, top = _bounds(over, under, slope)
        side = Side(bottom, top, np.float32(cap_inverse), np.float32(1.0 / (cap_inverse * a)),
                    cap_place, cap_light, np.uint32(label << 24))
        draw_side(sketch, canvas.depth, v, solid, np.float32(eye.z), np.float32(slope * a), side,
                  begin, origin, size)
        fetch(textures.texel, sketch, begin, begin + size)
        ink_over(canvas.colour, v, sketch, begin, begin + size)


@bare
def _bounds(over: float, under: float, slope: float) -> tuple[Any, Any]:
    """Least and largest 1 / z where a side from `over` to `under` below the eye has that y'."""
    low, high = LEAST, np.inf
    if over > 0.0:
        high = min(high, slope / over)
    elif over < 0.0:
        low = max(low, slope / over)
    elif slope < 0.0:
        high = 0.0
    if under > 0.0:
        low = max(low, slope / under)
    elif under < 0.0:
        high = min(high, slope / under)
    elif slope > 0.0:
        high = 0.0
    return np.float32(low), np.float32(high)
