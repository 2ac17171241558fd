"""
Single rays through a furnished room: how far, which way the surface looks, what it is made of.

A ray has a place, a level direction of length 1 and a slope, its rise a metre of level way. Where
heights do not count (`flat`), all that stands on the floor is as high as the ray, as planar
lidars and collision know it. Else walls end at the ceiling, solids have their heights, people are
as cameras draw them, and floor and ceiling are seen.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.sensors.camera_objects import PERSON_PARTS
from synth_nodes.sensors.camera_textures import PERSON_HEIGHT
from synth_nodes.sensors.marching import trace
from synth_nodes.sensors.surfaces import GLASS, MATT, Surroundings
from synth_nodes.world.atlas import AtlasArrays, inside, to_cell
from synth_nodes.world.jit import inline

NUDGE = 1e-6
"""Step across an edge [m], so that rounding does not matter."""
UP, DOWN = 4.0, -4.0
"""Instead of the level part of a normal: it points straight up or down."""


class Ray(NamedTuple):
    """A ray in `map`."""

    x: float
    y: float
    z: float
    dx: float
    dy: float
    slope: float


class Hit(NamedTuple):
    """What a ray meets first."""

    way: float
    """Level way to it [m]; inf: nothing."""
    nx: float
    """Normal in `map`, towards the ray; UP or DOWN where it is not level."""
    ny: float
    material: int
    leave: float
    """Level way to where the ray would come out behind it [m]; inf: never."""


@inline
def strike(maps: AtlasArrays, about: Surroundings, m: int, ray: Ray, reach: float, flat: bool,
           actors: NDArray[np.float64]) -> Hit:
    """
    Find what a ray meets first.

    :param m: map it is in; reach: farthest level way [m].
    :param actors: x, y, ., ., radius in `map`, shape (A, 5).
    :return: way 0 with the normal against the ray where it starts in something solid.
    """
    hit = _hit_wall(maps, about, m, ray, reach, flat)
    solids = maps.solids
    for k in range(solids.first[m, 0], solids.first[m + 1, 0]):
        top = np.inf if flat else about.boxes[k, 0]
        hit = _hit_box(solids.boxes[k], top, np.int64(about.boxes[k, 1]), ray, hit)
    for k in range(solids.first[m, 1], solids.first[m + 1, 1]):
        disc = solids.discs[k]
        low, high = (-np.inf, np.inf) if flat else (-1.0, about.discs[k, 0])
        hit = _hit_disc(disc[0], disc[1], disc[2], low, high, np.int64(about.discs[k, 1]), ray,
                        hit)
    for k in range(actors.shape[0]):
        x, y, radius = actors[k, 0], actors[k, 1], actors[k, 4]
        if flat:
            hit = _hit_disc(x, y, radius, -np.inf, np.inf, MATT, ray, hit)
            continue
        for part in range(PERSON_PARTS.shape[0]):
            hit = _hit_disc(x, y, radius * PERSON_PARTS[part, 2],
                            PERSON_PARTS[part, 0] * PERSON_HEIGHT,
                            PERSON_PARTS[part, 1] * PERSON_HEIGHT, MATT, ray, hit)
    return hit if hit.way <= reach else Hit(np.inf, 0.0, 0.0, MATT, np.inf)


@inline
def _hit_wall(maps: AtlasArrays, about: Surroundings, m: int, ray: Ray, reach: float,
              flat: bool) -> Hit:
    """Meet the grid, or floor or ceiling before it."""
    room = about.rooms[m]
    limit, up, material = reach, 0.0, MATT
    if not flat and ray.slope < 0.0:
        way, up, material = ray.z / -ray.slope, UP, np.int64(room[1])
    elif not flat and ray.slope > 0.0:
        way, up, material = (room[0] - ray.z) / ray.slope, DOWN, np.int64(room[2])
        if room[3] == 0.0:
            material = -1
    else:
        way = np.inf
    limit = min(limit, way)
    column, row = to_cell(maps, m, ray.x, ray.y)
    if not inside(maps, m, column, row):
        return Hit(0.0, -ray.dx, -ray.dy, MATT, np.inf)
    cell = maps.frame[m, 4]
    dj = ray.dx * maps.frame[m, 2] + ray.dy * maps.frame[m, 3]
    di = ray.dy * maps.frame[m, 2] - ray.dx * maps.frame[m, 3]
    far = trace(maps.jump, maps.shape[m, 0], maps.shape[m, 2], column, row, dj, di, limit / cell)
    if far * cell <= limit:
        return _face(maps, about, m, ray, column, row, dj, di, far)
    if way <= reach and material >= 0:
        return Hit(way, up, 0.0, material, np.inf)
    return Hit(np.inf, 0.0, 0.0, MATT, np.inf)


@inline
def _face(maps: AtlasArrays, about: Surroundings, m: int, ray: Ray, column: float, row: float,
          dj: float, di: float, far: float) -> Hit:
    """Say what the wall is like that a ray meets after `far` cells."""
    width, first, cell = maps.shape[m, 2], maps.shape[m, 0], maps.frame[m, 4]
    step = NUDGE / cell
    x, y = column + far * dj, row + far * di
    at = first + np.int64(y + step * di) * width + np.int64(x + step * dj)
    before = first + np.int64(y - step * di) * width + np.int64(x - step * dj)
    # The edge that is crossed is a line of the grid.
    if abs(x - np.floor(x + 0.5)) < abs(y - np.floor(y + 0.5)):
        nj, ni = (-1.0 if dj > 0.0 else 1.0), 0.0
    else:
        nj, ni = 0.0, (-1.0 if di > 0.0 else 1.0)
    direction = about.normal[before]
    if not np.isnan(direction):
        c, s = np.cos(direction), np.sin(direction)
        if c * dj + s * di < 0.0:
            nj, ni = c, s
    c, s = maps.frame[m, 2], maps.frame[m, 3]
    material = np.int64(about.material[at])
    leave = _through(maps, about, m, x, y, dj, di) if material == GLASS else np.inf
    return Hit(far * cell, c * nj - s * ni, s * nj + c * ni, material, (far + leave) * cell)


@inline
def _through(maps: AtlasArrays, about: Surroundings, m: int, x: float, y: float, dj: float,
             di: float) -> float:
    """Way [cells] that a ray goes through cells of glass, from edge to edge of each."""
    width, first = maps.shape[m, 2], maps.shape[m, 0]
    step = NUDGE / maps.frame[m, 4]
    way = 0.0
    while True:
        px, py = x + (way + step) * dj, y + (way + step) * di
        j, i = np.int64(px), np.int64(py)
        at = first + i * width + j
        if maps.jump[0, at] > 0 or about.material[at] != GLASS:
            return way
        to_j = ((j + 1.0 if dj > 0.0 else np.float64(j)) - x) / dj if dj != 0.0 else np.inf
        to_i = ((i + 1.0 if di > 0.0 else np.float64(i)) - y) / di if di != 0.0 else np.inf
        way = max(min(to_j, to_i), way + step)


@inline
def _hit_box(box: NDArray[np.float64], top: float, material: int, ray: Ray, best: Hit) -> Hit:
    """Meet a box: x, y, cos, sin of yaw, half length, half width; slabs (Kay, Kajiya 1986)."""
    dx, dy = ray.x - box[0], ray.y - box[1]
    u, v = box[2] * dx + box[3] * dy, box[2] * dy - box[3] * dx
    du, dv = box[2] * ray.dx + box[3] * ray.dy, box[2] * ray.dy - box[3] * ray.dx
    in_u, out_u = _slab(u, du, -box[4], box[4])
    in_v, out_v = _slab(v, dv, -box[5], box[5])
    low = -np.inf if top == np.inf else -1.0
    in_z, out_z = _slab(ray.z, ray.slope, low, top)
    enter, leave = max(in_u, in_v, in_z), min(out_u, out_v, out_z)
    if enter > leave or leave < 0.0 or enter >= best.way:
        return best
    if enter <= 0.0:
        return Hit(0.0, -ray.dx, -ray.dy, material, leave)
    if enter == in_z:
        return Hit(enter, UP if ray.slope < 0.0 else DOWN, 0.0, material, leave)
    if enter == in_u:
        side = -1.0 if du > 0.0 else 1.0
        return Hit(enter, side * box[2], side * box[3], material, leave)
    side = -1.0 if dv > 0.0 else 1.0
    return Hit(enter, -side * box[3], side * box[2], material, leave)


@inline
def _hit_disc(x: float, y: float, radius: float, low: float, high: float, material: int, ray: Ray,
              best: Hit) -> Hit:
    """Meet an upright cylinder between two heights."""
    px, py = x - ray.x, y - ray.y
    along = px * ray.dx + py * ray.dy
    across = px * ray.dy - py * ray.dx
    inner = radius * radius - across * across
    if inner < 0.0:
        return best
    half = np.sqrt(inner)
    in_z, out_z = _slab(ray.z, ray.slope, low, high)
    enter, leave = max(along - half, in_z), min(along + half, out_z)
    if enter > leave or leave < 0.0 or enter >= best.way:
        return best
    if enter <= 0.0:
        return Hit(0.0, -ray.dx, -ray.dy, material, leave)
    if enter == in_z:
        return Hit(enter, UP if ray.slope < 0.0 else DOWN, 0.0, material, leave)
    return Hit(enter, (enter * ray.dx - px) / radius, (enter * ray.dy - py) / radius, material,
               leave)


@inline
def _slab(start: float, speed: float, low: float, high: float) -> tuple[float, float]:
    """When something at `start` is between two values."""
    if speed == 0.0:
        return (-np.inf, np.inf) if low <= start <= high else (np.inf, -np.inf)
    a, b = (low - start) / speed, (high - start) / speed
    return min(a, b), max(a, b)
