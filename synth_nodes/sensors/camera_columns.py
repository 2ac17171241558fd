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

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.sensors.camera_textures import TextureArrays
from synth_nodes.sensors.lens import Plane
from synth_nodes.sensors.marching import trace
from synth_nodes.world.atlas import AtlasArrays, to_cell
from synth_nodes.world.jit import inline

FINE = 2.0
"""Columns to a pixel where the camera is pitched."""


class Columns(NamedTuple):
    """The x' of a level camera's columns: x' = first + k * step."""

    first: float
    step: float
    number: int


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


class Hits(NamedTuple):
    """What each column meets of one surface; all arrays of shape (columns,)."""

    inverse: NDArray[np.float64]
    """1 / z [1/m] where the ray of the column enters; 0 where it misses."""
    slope: NDArray[np.float64]
    """Change of `inverse` with x', exact on the plane that was hit."""
    leave: NDArray[np.float64]
    """1 / z [1/m] where the ray leaves a solid."""
    gap: NDArray[np.float64]
    """Distance [m] of the camera from the plane of a wall."""
    texel: NDArray[np.int64]
    """First texel of the column's strip of texture."""
    stride: NDArray[np.int64]
    """Log2 of texels from one row of the texture to the next."""
    per_metre: NDArray[np.float64]
    """Rows of texels to a metre upwards."""
    shade: NDArray[np.int64]
    """Brightness, 256 for the texture as it is."""


@inline
def new_hits(count: int) -> Hits:
    """Make room for a number of columns."""
    return Hits(np.zeros(count), np.zeros(count), np.zeros(count), np.zeros(count),
                np.zeros(count, np.int64), np.zeros(count, np.int64), np.zeros(count),
                np.zeros(count, np.int64))


def columns_of(plane: Plane) -> Columns:
    """Choose the columns of an image: its own where the camera is level, else finer ones."""
    if plane.sin == 0.0:
        return Columns(-plane.cx / plane.focal, 1.0 / plane.focal, plane.width)
    rows = (np.array([0.0, plane.height - 1.0]) - plane.cy) / plane.focal
    along = plane.cos - rows * plane.sin
    low = -plane.cx / plane.focal / along.min()
    high = (plane.width - 1 - plane.cx) / plane.focal / along.min()
    step = 1.0 / (plane.focal * along.max() * FINE)
    return Columns(low - step, step, int(np.ceil((high - low) / step)) + 3)


@inline
def brightness(look: Look, nx: float, ny: float, nz: float, distance: float) -> int:
    """Half-Lambert shade of a surface, 0 to 256; its normal is given in `map`."""
    lit = nx * look.light_x + ny * look.light_y + nz * look.light_z
    value = (look.ambient + 0.5 * (look.strength + lit)) * look.falloff / (
        look.falloff + distance)
    return int(min(max(value, 0.0), 1.0) * 256.0)


@inline
def level_of(log2: int, footprint: float) -> int:
    """Which copy of a texture has texels of about a pixel; the footprint is in largest texels."""
    level = 0
    while footprint > 1.5 and level < log2:
        footprint *= 0.5
        level += 1
    return level


@inline
def set_strip(hits: Hits, k: int, textures: TextureArrays, texture: int, along: float,
              footprint: float, height: float) -> None:
    """
    Choose the strip of texels of a column.

    :param along: place on the surface [texels of the largest size].
    :param footprint: width of a pixel there [texels of the largest size].
    :param height: [m] over which the texture stretches upwards.
    """
    level = level_of(textures.log2[texture], footprint)
    log2 = textures.log2[texture] - level
    column = (np.int64(np.floor(along)) >> level) & ((1 << log2) - 1)
    hits.texel[k] = textures.offset[texture, level] + column
    hits.stride[k] = log2
    hits.per_metre[k] = (1 << log2) / height


@inline
def cast_walls(
    maps: AtlasArrays,
    m: int,
    eye: Eye,
    focal: float,
    columns: Columns,
    look: Look,
    textures: TextureArrays,
    hits: Hits,
) -> None:
    """Find the wall in every column; the eye is inside the map and not in a wall."""
    x, y = to_cell(maps, m, eye.x, eye.y)
    cell = maps.frame[m, 4]
    cos_m, sin_m = maps.frame[m, 2], maps.frame[m, 3]
    c = eye.cos * cos_m + eye.sin * sin_m
    s = eye.sin * cos_m - eye.cos * sin_m
    start, width = maps.shape[m, 0], maps.shape[m, 2]
    scale = textures.per_metre[look.walls]
    for k in range(columns.number):
        slant = columns.first + k * columns.step
        length = np.sqrt(1.0 + slant * slant)
        dx, dy = (c + slant * s) / length, (s - slant * c) / length
        t = trace(maps.jump, start, width, x, y, dx, dy, np.inf)
        hit_x, hit_y = x + t * dx, y + t * dy
        if abs(hit_x - np.rint(hit_x)) < abs(hit_y - np.rint(hit_y)):
            gap = (np.rint(hit_x) - x) * cell
            hits.inverse[k] = (c + slant * s) / gap
            hits.slope[k] = s / gap
            nx, ny = -np.sign(dx), 0.0
            along = hit_y
        else:
            gap = (np.rint(hit_y) - y) * cell
            hits.inverse[k] = (s - slant * c) / gap
            hits.slope[k] = -c / gap
            nx, ny = 0.0, -np.sign(dy)
            along = hit_x
        distance = t * cell
        hits.gap[k] = abs(gap)
        hits.shade[k] = brightness(
            look, nx * cos_m - ny * sin_m, nx * sin_m + ny * cos_m, 0.0, distance)
        # A pixel covers more of a wall that it looks along.
        spread = distance / (focal * max(abs(gap) / max(distance, 1e-9), 0.3))
        set_strip(hits, k, textures, look.walls, along * cell * scale, spread * scale,
                  look.ceiling)
