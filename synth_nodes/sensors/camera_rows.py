"""
Drawing spans of one row of an image, in loops without branches that compilers turn into vectors.

All numbers are 32-bit. A texture is looked up with fixed-point coordinates that go on by a
constant from pixel to pixel, so that no pixel of floor or ceiling needs a division.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.sensors.camera_columns import brightness, Columns, Eye, level_of, Look, Strip
from synth_nodes.sensors.camera_spec import FLOOR, LINE, WALL
from synth_nodes.sensors.camera_textures import TextureArrays
from synth_nodes.sensors.lens import Plane
from synth_nodes.world.jit import bare

CORNER = 0.25
"""Width [m] of the darker floor along walls."""
SOFT = 0.30
"""Width [m] of the edge of a contact shadow."""
DIGITS = 20
"""Binary digits behind the point of texture coordinates; what overflows falls to the mask."""
MOST_ROWS = 4095.0
"""More rows than a texture has."""
LEAST = 1e-6
"""Smallest 1 / z [1/m] of a surface."""
Image = NDArray[np.uint32]
Depths = NDArray[np.float32]


class Flat(NamedTuple):
    """One row of a level plane, floor or ceiling; scalars of 32 bits."""

    edge: Any
    """1 / z of the plane [1/m]: what is nearer hides it."""
    z: Any
    """[m] ahead of the level camera; depth is the same along the optical axis."""
    depth: Any
    x: Any
    """Texture coordinates of pixel 0, and their change with each pixel."""
    y: Any
    step_x: Any
    step_y: Any
    first: Any
    """First texel of the copy of the texture; log2 of its rows, columns."""
    log2: Any
    light: Any
    """Brightness, 256 for the texture as it is."""
    label: Any
    """Shifted to where pixels carry it."""


class Sketch(NamedTuple):
    """A row before it is coloured, 32-bit arrays of shape (W,)."""

    place: NDArray[np.uint32]
    """Which texel each pixel shows, and after :func:`fetch` the texel itself."""
    light: NDArray[np.uint32]
    """Brightness in the low bits, label in the high byte; 0 where nothing is to be drawn."""


class Desk(NamedTuple):
    """What frames are worked out in, used again for each."""

    walls: Strip
    hits: Strip
    """Of the solid at hand."""
    row: Strip
    """What each pixel of a row meets, where the camera is pitched."""
    sketch: Sketch


@bare
def tint(texel: Any, light: Any) -> Any:
    """Shade a texel by the low bits of `light`, 256 leaving it as it is, and label it."""
    t, s = np.uint32(texel), np.uint32(np.uint32(light) & np.uint32(0x1FF))
    red_blue = np.uint32(np.uint32(np.uint32(t & np.uint32(0xFF00FF)) * s) >> np.uint32(8))
    green = np.uint32(np.uint32(np.uint32(t & np.uint32(0xFF00)) * s) >> np.uint32(8))
    return np.uint32((red_blue & np.uint32(0xFF00FF)) | (green & np.uint32(0xFF00))
                     | (np.uint32(light) & np.uint32(0xFF000000)))


@bare
def span(begin: int, end: int) -> Any:
    """Range of pixels; an unsigned index needs no check for below zero."""
    return range(np.uint64(begin), np.uint64(max(begin, end)))


@bare
def fetch(texel: NDArray[np.uint32], sketch: Sketch, begin: int, end: int) -> None:
    """Put texels where their places are: the one loop that cannot be a vector's."""
    for u in span(begin, end):
        sketch.place[u] = texel[sketch.place[u]]


@bare
def ink(colour: Image, v: int, sketch: Sketch) -> None:
    """Colour a whole row."""
    for u in span(0, colour.shape[1]):
        colour[v, u] = tint(sketch.place[u], sketch.light[u])


@bare
def ink_over(colour: Image, v: int, sketch: Sketch, begin: int, end: int) -> None:
    """Colour those pixels of a span that have light."""
    for u in span(begin, end):
        lit = sketch.light[u] > np.uint32(0)
        colour[v, u] = tint(sketch.place[u], sketch.light[u]) if lit else colour[v, u]


@bare
def flat_row(plane: Plane, eye: Eye, look: Look, textures: TextureArrays, texture: int,
             drop: float, slope: float, a: float, label: int) -> Flat:
    """
    Prepare one row of a level plane.

    :param drop: height [m] of the eye above that plane, negative for a ceiling.
    """
    z = drop / slope
    scale = textures.per_metre[texture]
    # Texels of a pixel: across, and in depth; the mean of both blurs neither too much.
    across = z * scale / plane.focal
    level = level_of(textures.log2[texture], np.sqrt(across * max(across * z / abs(drop), across)))
    scale *= (1 << DIGITS) / (1 << level)
    step = 1.0 / (plane.focal * a)
    left = -plane.cx * step
    light = brightness(look, 0.0, 0.0, 1.0 if drop > 0.0 else -1.0, z)
    return Flat(
        np.float32(slope / drop), np.float32(z), np.float32(z / a),
        np.int32(np.int64((eye.x + z * (eye.cos + left * eye.sin)) * scale)),
        np.int32(np.int64((eye.y + z * (eye.sin - left * eye.cos)) * scale)),
        np.int32(np.int64(z * step * eye.sin * scale)),
        np.int32(np.int64(-z * step * eye.cos * scale)),
        np.int32(textures.offset[texture, level]),
        np.int32(textures.log2[texture] - level), np.uint32(light), np.uint32(label << 24))


@bare
def flat_place(flat: Flat, u: Any) -> Any:
    """Where the texel of a pixel of a level plane lies."""
    x = np.int32(flat.x + np.int32(flat.step_x * u))
    y = np.int32(flat.y + np.int32(flat.step_y * u))
    last = np.int32((np.int32(1) << flat.log2) - np.int32(1))
    row = np.int32(np.int32(y >> np.int32(np.int32(DIGITS) - flat.log2))
                   & np.int32(last << flat.log2))
    column = np.int32(np.int32(x >> np.int32(DIGITS)) & last)
    return np.int32(flat.first + np.int32(row + column))


@bare
def draw_flat(sketch: Sketch, depth: Depths, v: int, flat: Flat, begin: int, end: int) -> None:
    """Sketch pixels that show nothing but floor or ceiling."""
    light = np.uint32(flat.light | flat.label)
    for u in span(begin, end):
        sketch.place[u] = flat_place(flat, np.int32(u))
    for u in span(begin, end):
        sketch.light[u] = light
        depth[v, u] = flat.depth


@bare
def upright_place(up: Any, texel: Any, stride: Any) -> Any:
    """Where the texel lies that is `up` rows of texels above the floor."""
    last = np.int32((np.int32(1) << stride) - np.int32(1))
    row = min(np.int32(min(max(up, np.float32(0.0)), np.float32(MOST_ROWS))), last)
    return np.int32(texel + np.int32(row << stride))


@bare
def draw_wall(sketch: Sketch, depth: Depths, v: int, wall: Strip, tall: Any, slope: Any,
              begin: int, end: int) -> None:
    """
    Sketch pixels that show nothing but wall.

    :param tall: height of the eye [m]; slope: y' of the row times its `a`.
    """
    for u in span(begin, end):
        up = (tall - slope * wall.depth[u]) * wall.per_metre[u]
        sketch.place[u] = upright_place(up, wall.texel[u], wall.stride[u])
    for u in span(begin, end):
        sketch.light[u] = np.uint32(wall.shade[u]) | np.uint32(WALL << 24)
        depth[v, u] = wall.depth[u]


@bare
def draw_mixed(sketch: Sketch, depth: Depths, v: int, wall: Strip, tall: Any, slope: Any,
               flat: Flat, begin: int, end: int) -> None:
    """Sketch pixels of which some show wall and some floor, which is darker along walls."""
    for u in span(begin, end):
        up = (tall - slope * wall.depth[u]) * wall.per_metre[u]
        upright = upright_place(up, wall.texel[u], wall.stride[u])
        level = flat_place(flat, np.int32(u))
        sketch.place[u] = level if wall.inverse[u] < flat.edge else upright
    bright, per_corner = np.float32(flat.light), np.float32(1.0 / CORNER)
    for u in span(begin, end):
        inverse = wall.inverse[u]
        near = wall.beyond[u] * (np.float32(1.0) - flat.z * inverse) * per_corner
        soft = bright * (np.float32(0.6) + np.float32(0.4) * min(near, np.float32(1.0)))
        floor = np.uint32(np.int32(soft)) | flat.label
        side = np.uint32(wall.shade[u]) | np.uint32(WALL << 24)
        sketch.light[u] = floor if inverse < flat.edge else side
        depth[v, u] = flat.depth if inverse < flat.edge else wall.depth[u]


@bare
def draw_sky(colour: Image, depth: Depths, v: int, wall: Strip, limit: Any, sky: Any) -> None:
    """
    Put the open sky over a row of walls.

    :param limit: 1 / z from which on a wall reaches up to this row.
    """
    for u in span(0, colour.shape[1]):
        hidden = wall.inverse[u] < limit
        colour[v, u] = sky if hidden else colour[v, u]
        depth[v, u] = np.float32(np.inf) if hidden else depth[v, u]


class Shadow(NamedTuple):
    """One row of a contact shadow; scalars of 32 bits, [m] unless said."""

    left: Any
    """Of pixel 0 from the middle of what casts it, and the width of a pixel."""
    step: Any
    ax: Any
    """Of a pixel's distance, the share along the length of a box, and across it."""
    az: Any
    along: Any
    """What the row's distance ahead adds to either."""
    across: Any
    half_length: Any
    half_width: Any
    radius: Any
    dark: Any
    """Share of light that is lost in its middle."""


@bare
def darken(colour: Image, v: int, stamp: Shadow, begin: int, end: int) -> None:
    """Darken the floor in a row."""
    none, one, per_soft = np.float32(0.0), np.float32(1.0), np.float32(1.0 / SOFT)
    for u in span(begin, end):
        under = colour[v, u]
        label = np.uint32(under >> np.uint32(24))
        dx = stamp.left + np.float32(np.int32(u)) * stamp.step
        p = abs(dx * stamp.ax + stamp.along) - stamp.half_length
        q = abs(dx * stamp.az + stamp.across) - stamp.half_width
        p, q = p if p > none else none, q if q > none else none
        away = (np.sqrt(p * p + q * q) - stamp.radius) * per_soft
        away = away if away > none else none
        left = one - away if away < one else none
        light = np.uint32(np.int32(np.float32(256.0) * (one - stamp.dark * left * left)))
        floor = light if label == np.uint32(FLOOR) else np.uint32(256)
        floor = light if label == np.uint32(LINE) else floor
        colour[v, u] = tint(under, floor | (under & np.uint32(0xFF000000)))


class Side(NamedTuple):
    """One row of a solid; scalars of 32 bits."""

    low: Any
    """Least and largest 1 / z [1/m] with which its side crosses the row."""
    high: Any
    cap: Any
    """1 / z [1/m] of its top or bottom in this row; -1 where neither is seen."""
    cap_depth: Any
    cap_place: Any
    """The one texel of the smallest copy of its texture."""
    cap_light: Any
    label: Any
    """Shifted to where pixels carry it."""


@bare
def draw_side(sketch: Sketch, depth: Depths, v: int, solid: Strip, tall: Any, slope: Any,
              side: Side, begin: int, origin: int, count: int) -> None:
    """
    Sketch one row of a solid where it is before what was drawn.

    :param begin: first pixel; origin: where the strip has it; count: of pixels.
    """
    shift = np.uint64(begin - origin)
    for i in span(origin, origin + count):
        up = (tall - slope * solid.depth[i]) * solid.per_metre[i]
        upright = upright_place(up, solid.texel[i], solid.stride[i])
        place = np.uint32(upright) if solid.inverse[i] >= side.low else side.cap_place
        sketch.place[i + shift] = place if solid.inverse[i] <= side.high else side.cap_place
    # Selects of numbers, not of truths, are what vectors are quick at.
    none = np.float32(np.inf)
    for i in span(origin, origin + count):
        inverse, old = solid.inverse[i], depth[v, i + shift]
        z = solid.depth[i] if inverse >= side.low else none
        z = z if inverse <= side.high else none
        cap = side.cap_depth if solid.beyond[i] <= side.cap else none
        cap = cap if side.cap <= inverse else none
        light = np.uint32(solid.shade[i]) if z < none else side.cap_light
        z = z if z < none else cap
        sketch.light[i + shift] = np.uint32(light | side.label) if z < old else np.uint32(0)
        depth[v, i + shift] = z if z < old else old


@bare
def pick(plane: Plane, columns: Columns, strip: Strip, origin: int, count: int, a: float,
         ends: tuple[int, int], out: Strip) -> None:
    """
    Give what each pixel of a row of a pitched camera meets.

    :param strip: of `count` columns from `origin` on.
    :param ends: pixels [begin, end); the first of `out` is `begin`.
    """
    begin, end = ends
    per_pixel = np.float32(1.0 / (plane.focal * a))
    per_step = np.float32(1.0 / columns.step)
    step, along = np.float32(columns.step), np.float32(a)
    left = np.float32(-plane.cx / (plane.focal * a) - columns.first)
    size = np.int32(count - 1)
    for i in span(0, end - begin):
        x = left + np.float32(np.int32(begin) + np.int32(i)) * per_pixel
        number = np.int32(x * per_step + np.float32(0.5))
        aside = x - np.float32(number) * step
        k = np.uint32(min(max(np.int32(number - np.int32(origin)), np.int32(0)), size))
        inverse = strip.inverse[k]
        inverse = inverse + strip.slope[k] * aside if inverse > np.float32(0.0) else inverse
        out.inverse[i] = inverse
        out.depth[i] = np.float32(1.0) / max(inverse * along, np.float32(LEAST))
        out.beyond[i] = strip.beyond[k]
        out.per_metre[i] = strip.per_metre[k]
        out.texel[i] = strip.texel[k]
        out.stride[i] = strip.stride[k]
        out.shade[i] = strip.shade[k]
