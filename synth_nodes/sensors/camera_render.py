"""Drawing frames of B cameras: the kernel that puts room, lines, shadows and solids together."""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.sensors.camera_columns import (
    cast_walls,
    Columns,
    Eye,
    Look,
    new_strip,
    Rays,
)
from synth_nodes.sensors.camera_objects import draw_box, draw_cylinder, draw_person
from synth_nodes.sensors.camera_room import (
    BLOCK,
    Blocks,
    Canvas,
    draw_line,
    draw_room,
    draw_shadow,
)
from synth_nodes.sensors.camera_rows import Desk, Sketch
from synth_nodes.sensors.camera_textures import OUTFITS, TextureArrays
from synth_nodes.sensors.lens import Plane
from synth_nodes.sensors.marching import new_front
from synth_nodes.world.atlas import AtlasArrays, inside, to_cell
from synth_nodes.world.jit import bare, inline, kernel
from synth_nodes.world.scene_pack import SceneArrays


@kernel
def render_batch(
    maps: AtlasArrays,
    scenes: SceneArrays,
    textures: TextureArrays,
    plane: Plane,
    columns: Columns,
    scene_index: NDArray[np.int64],
    poses: NDArray[np.float64],
    height: float,
    actors: NDArray[np.float64],
    rgb: NDArray[np.uint8],
    depth: NDArray[np.float32],
    label: NDArray[np.uint8],
) -> None:
    """
    Draw the ideal images of B cameras; arrays are contiguous and their shapes fit.

    :param scene_index: shape (B,).
    :param poses: x, y [m], yaw [rad] of the level camera in `map`, shape (B, bands, 3): one for
        each band of rows, from the top down, so that a rolling shutter can be drawn.
    :param height: of the cameras [m].
    :param actors: x, y, vx, vy, radius in `map`, shape (B, A, 5).
    :param rgb: shape (B, H, W, 3), or with H = 0 where colour is not wanted.
    :param depth: [m], shape (B, H, W); inf in the sky, 0 where the camera is in a wall.
    :param label: shape (B, H, W), or with H = 0 where it is not wanted.
    """
    colour = np.empty((plane.height, plane.width), np.uint32)
    desk = Desk(
        new_strip(columns.number), new_strip(columns.number), new_strip(plane.width),
        Sketch(np.empty(plane.width, np.uint32), np.empty(plane.width, np.uint32)))
    rays = Rays(new_front(), np.empty(columns.number, np.float32))
    count = (plane.width + BLOCK - 1) // BLOCK
    blocks = Blocks(np.empty(count, np.float32), np.empty(count, np.float32))
    bands = poses.shape[1]
    for b in range(poses.shape[0]):
        canvas = Canvas(colour, depth[b])
        look = _look(scenes, scene_index[b])
        for band in range(bands):
            rows = (plane.height * band // bands, plane.height * (band + 1) // bands)
            x, y, yaw = poses[b, band]
            eye = Eye(x, y, height, np.cos(yaw), np.sin(yaw))
            m = scene_index[b]
            if not _can_see(maps, m, eye, look):
                colour[rows[0]:rows[1]] = 0
                depth[b, rows[0]:rows[1]] = 0.0
                continue
            cast_walls(maps, m, eye, plane.focal, columns, look, textures, rays,
                       desk.walls)
            draw_room(plane, columns, eye, look, desk, blocks, textures, canvas, rows)
            _draw_floor(plane, eye, look, scenes, m, actors[b], canvas, rows)
            _draw_solids(plane, columns, eye, look, scenes, m, actors[b], desk, textures,
                         canvas, rows)
        if rgb.shape[1]:
            _unpack(colour, rgb[b])
        if label.shape[1]:
            _unpack_label(colour, label[b])


@bare
def _look(scenes: SceneArrays, m: int) -> Look:
    look = scenes.look[m]
    strength = np.sqrt(look[1] * look[1] + look[2] * look[2] + look[3] * look[3])
    return Look(look[0], look[1], look[2], look[3], strength, look[4], look[5], look[6],
                scenes.surface[m, 0], scenes.surface[m, 1], scenes.surface[m, 2])


@bare
def _can_see(maps: AtlasArrays, m: int, eye: Eye, look: Look) -> bool:
    column, row = to_cell(maps, m, eye.x, eye.y)
    if not inside(maps, m, column, row) or eye.z >= look.ceiling:
        return False
    cell = maps.shape[m, 0] + np.int64(row) * maps.shape[m, 2] + np.int64(column)
    return bool(maps.jump[0, cell] > 0)


@bare
def _draw_floor(plane: Plane, eye: Eye, look: Look, scenes: SceneArrays, m: int,
                actors: NDArray[np.float64], canvas: Canvas, rows: tuple[int, int]) -> None:
    first, last = scenes.first[m], scenes.first[m + 1]
    for k in range(first[2], last[2]):
        draw_line(plane, eye, look, scenes.segments[k], canvas, rows)
    if look.shadow == 0.0:
        return
    for k in range(first[0], last[0]):
        box = scenes.boxes[k]
        draw_shadow(plane, eye, look, (box[0], box[1], box[2]), (0.5 * box[3], 0.5 * box[4]), 0.0,
                    canvas, rows)
    for k in range(first[1], last[1]):
        disc = scenes.cylinders[k]
        draw_shadow(plane, eye, look, (disc[0], disc[1], 0.0), (0.0, 0.0), disc[2], canvas, rows)
    for k in range(actors.shape[0]):
        draw_shadow(plane, eye, look, (actors[k, 0], actors[k, 1], 0.0), (0.0, 0.0), actors[k, 4],
                    canvas, rows)


@bare
def _draw_solids(
    plane: Plane, columns: Columns, eye: Eye, look: Look, scenes: SceneArrays, m: int,
    actors: NDArray[np.float64], desk: Desk, textures: TextureArrays,
    canvas: Canvas, rows: tuple[int, int],
) -> None:
    first, last = scenes.first[m], scenes.first[m + 1]
    for k in range(first[0], last[0]):
        draw_box(plane, columns, eye, look, scenes.boxes[k], desk, textures, canvas, rows)
    for k in range(first[1], last[1]):
        draw_cylinder(plane, columns, eye, look, scenes.cylinders[k], desk, textures,
                      canvas, rows)
    people = textures.log2.size - OUTFITS
    for k in range(actors.shape[0]):
        draw_person(plane, columns, eye, look, actors[k], people + k % OUTFITS, desk,
                    textures, canvas, rows)


@inline
def _unpack(colour: NDArray[np.uint32], rgb: NDArray[np.uint8]) -> None:
    """Take red, green, blue out of pixels, four pixels at a time to three words."""
    pixels, out = colour.reshape(-1), rgb.reshape(-1)
    whole = pixels.size // 4
    words = out[:12 * whole].view(np.uint32)
    for i in range(whole):
        p, q, r, s = pixels[4 * i], pixels[4 * i + 1], pixels[4 * i + 2], pixels[4 * i + 3]
        words[3 * i] = (p & np.uint32(0xFFFFFF)) | q << np.uint32(24)
        words[3 * i + 1] = (q >> np.uint32(8)) & np.uint32(0xFFFF) | r << np.uint32(16)
        words[3 * i + 2] = (r >> np.uint32(16)) & np.uint32(0xFF) | s << np.uint32(8)
    for i in range(4 * whole, pixels.size):
        out[3 * i] = pixels[i] & np.uint32(255)
        out[3 * i + 1] = (pixels[i] >> np.uint32(8)) & np.uint32(255)
        out[3 * i + 2] = (pixels[i] >> np.uint32(16)) & np.uint32(255)


@bare
def _unpack_label(colour: NDArray[np.uint32], label: NDArray[np.uint8]) -> None:
    for v in range(colour.shape[0]):
        for u in range(colour.shape[1]):
            label[v, u] = colour[v, u] >> np.uint32(24)
