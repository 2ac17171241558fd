"""
What the columns of an image meet: the first half of drawing a frame.

The image is drawn for a level camera first: there a column is a vertical plane, so one ray in the
grid finds its wall, and a row meets the floor at one distance. A pitched camera sees the same
rays along other rows: pixel (xn, yn) of a camera pitched down by p looks where pixel
(xn / a, (sin p + yn cos p) / a), a = cos p - yn sin p, of the level one does. Rows stay rows, and
a surface found for a column gives the exact depth of every ray beside it, because the inverse of
depth is linear on a vertical plane. All coordinates here are of the level camera: x' = x / z to
the right, y' = y / z down, z ahead.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.sensors.camera_textures import TextureArrays
from synth_nodes.sensors.lens import Plane
from synth_nodes.sensors.marching import Beams, Front, march
from synth_nodes.world.atlas import AtlasArrays, to_cell
from synth_nodes.world.jit import bare, inline, inline_maker

FINE = 2.0
"""Columns to a pixel where the camera is pitched."""
SHARP = 1.5
"""Texels of a pixel from which on the next smaller copy of a texture is taken."""
ALONG = 1e-6
"""How near [cells] to an edge between cells an eye stands on it."""


class Columns(NamedTuple):
    """The x' of a level camera's columns: x' = first + k * step, and the rays along them."""

    first: float
    step: float
    number: int
    beams: Beams


class Eye(NamedTuple):
    """Where the level camera is in `map`: x, y, height [m], cosine and sine of its yaw."""

    x: float
    y: float
    z: float
    cos: float
    sin: float


class Look(NamedTuple):
    """Light and room of a scene."""

    ceiling: float
    """Height of walls and ceiling [m]."""
    light_x: float
    light_y: float
    light_z: float
    """Vector to the light times its strength."""
    strength: float
    ambient: float
    falloff: float
    shadow: float
    floor: int
    """Texture of the floor, of the walls, and of the ceiling (-1: sky)."""
    walls: int
    above: int


class Strip(NamedTuple):
    """What each column meets of one surface; 32-bit arrays of shape (columns,), for vectors."""

    inverse: NDArray[np.float32]
    """1 / z [1/m] where the ray of the column enters; 0 where it misses."""
    slope: NDArray[np.float32]
    """Change of `inverse` with x', exact on the plane that was hit."""
    depth: NDArray[np.float32]
    """z [m]; in a strip of one row, depth along the optical axis."""
    beyond: NDArray[np.float32]
    """Of a wall the distance [m] of the camera from its plane; of a solid 1 / z at the exit."""
    per_metre: NDArray[np.float32]
    """Rows of texels to a metre upwards."""
    texel: NDArray[np.int32]
    """First texel of the column's strip of texture."""
    stride: NDArray[np.int32]
    """Log2 of texels from one row of the texture to the next."""
    shade: NDArray[np.int32]
    """Brightness, 256 for the texture as it is."""


class Rays(NamedTuple):
    """Room to march the rays of all columns."""

    front: Front
    reach: NDArray[np.float32]


@inline_maker
def new_strip(count: int) -> Strip:
    """Make room for a number of columns."""
    return Strip(
        np.zeros(count, np.float32), np.zeros(count, np.float32), np.zeros(count, np.float32),
        np.zeros(count, np.float32), np.zeros(count, np.float32), np.zeros(count, np.int32),
        np.zeros(count, np.int32), np.zeros(count, np.int32))


def columns_of(plane: Plane) -> Columns:
    """Choose the columns of an image: its own where the camera is level, else finer ones."""
    if plane.sin == 0.0:
        first, step, number = -plane.cx / plane.focal, 1.0 / plane.focal, plane.width
    else:
        rows = (np.array([0.0, plane.height - 1.0]) - plane.cy) / plane.focal
        along = plane.cos - rows * plane.sin
        low = -plane.cx / plane.focal / along.min()
        high = (plane.width - 1 - plane.cx) / plane.focal / along.min()
        step = 1.0 / (plane.focal * along.max() * FINE)
        first, number = low - step, int(np.ceil((high - low) / step)) + 3
    # Angles grow to the left, columns to the right; the marching takes rays in any order.
    angle = -np.arctan(first + np.arange(number) * step)
    return Columns(first, step, number, Beams(angle, np.cos(angle), np.sin(angle), 0.0))


@bare
def brightness(look: Look, nx: float, ny: float, nz: float, distance: float) -> Any:
    """Half-Lambert shade of a surface, 0 to 256; its normal is given in `map`."""
    lit = nx * look.light_x + ny * look.light_y + nz * look.light_z
    value = (look.ambient + 0.5 * (look.strength + lit)) * look.falloff / (
        look.falloff + distance)
    return np.int32(min(max(value, 0.0), 1.0) * 256.0)


@bare
def level_of(log2: int, footprint: float) -> Any:
    """Which copy of a texture has texels of about a pixel; the footprint is in largest texels."""
    level = np.int32(0)
    bound = SHARP
    for _ in range(9):
        level += np.int32(1) if footprint > bound else np.int32(0)
        bound *= 2.0
    return min(level, np.int32(log2))


@bare
def set_strip(strip: Strip, k: int, textures: TextureArrays, texture: int, along: float,
              footprint: float, height: float) -> None:
    """
    Choose the strip of texels of a column.

    :param along: place on the surface [texels of the largest size].
    :param footprint: width of a pixel there [texels of the largest size].
    :param height: [m] over which the texture stretches upwards.
    """
    level = level_of(textures.log2[texture], footprint)
    log2 = np.int32(textures.log2[texture]) - level
    column = (np.int32(np.floor(along)) >> level) & ((1 << log2) - 1)
    strip.texel[k] = textures.offset[texture, level] + column
    strip.stride[k] = log2
    strip.per_metre[k] = np.float32((1 << log2) / height)


@inline
def cast_walls(
    maps: AtlasArrays,
    m: int,
    eye: Eye,
    focal: float,
    columns: Columns,
    look: Look,
    textures: TextureArrays,
    rays: Rays,
    walls: Strip,
) -> None:
    """Find the wall in every column; the eye is inside the map and not in a wall."""
    x, y = to_cell(maps, m, eye.x, eye.y)
    cell = maps.frame[m, 4]
    cos_m, sin_m = maps.frame[m, 2], maps.frame[m, 3]
    c = eye.cos * cos_m + eye.sin * sin_m
    s = eye.sin * cos_m - eye.cos * sin_m
    march(maps, maps.jump.reshape(-1), m, x, y, np.arctan2(eye.sin, eye.cos), columns.beams,
          np.inf, rays.front, rays.reach)
    scale = textures.per_metre[look.walls]
    for k in range(columns.number):
        slant = columns.first + k * columns.step
        ahead, aside = c + slant * s, s - slant * c
        t = rays.reach[k] / np.sqrt(1.0 + slant * slant)
        hit_x, hit_y = x + t * ahead, y + t * aside
        edge_x, edge_y = np.rint(hit_x), np.rint(hit_y)
        column = abs(hit_x - edge_x) < abs(hit_y - edge_y)
        # A ray that runs along an edge ends at one across it.
        column = (column and abs(edge_x - x) > ALONG) or abs(edge_y - y) <= ALONG
        gap = (edge_x - x if column else edge_y - y) * cell
        inverse = (ahead if column else aside) / gap
        z = 1.0 / inverse
        walls.inverse[k] = inverse
        walls.slope[k] = (s if column else -c) / gap
        walls.depth[k] = z
        walls.beyond[k] = abs(gap)
        nx = (-1.0 if ahead > 0.0 else 1.0) if column else 0.0
        ny = 0.0 if column else (-1.0 if aside > 0.0 else 1.0)
        distance = rays.reach[k] * cell
        walls.shade[k] = brightness(
            look, nx * cos_m - ny * sin_m, nx * sin_m + ny * cos_m, 0.0, distance)
        # A pixel covers more of a wall that it looks along.
        spread = distance / (focal * max(abs(gap) / max(distance, 1e-9), 0.3))
        along = (y + z / cell * aside) if column else (x + z / cell * ahead)
        set_strip(walls, k, textures, look.walls, along * cell * scale, spread * scale,
                  look.ceiling)
