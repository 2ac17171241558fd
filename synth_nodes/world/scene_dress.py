"""Dressing a map: seeded colours, textures, light, furniture and painted lines for a camera."""

import cv2
import numpy as np
from numpy.typing import NDArray

from synth_nodes.types import FloatArray, GridMap
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.dressing import DressSettings
from synth_nodes.world.scene import Colour, FloorLine, GridSource, Light, Scene, Surface
from synth_nodes.world.scene_materials import vary_materials
from synth_nodes.world.ways import ahead, ARRIVED, build_ways, NOWHERE

KEEP_FREE = 0.7
"""Free floor [m] that is left around boxes and cylinders, for robots to pass."""
FLOORS = ('carpet', 'tiles', 'planks', 'concrete')
WALLS = ('panels', 'plaster', 'brick', 'concrete')
SOLIDS = ('cardboard', 'plain', 'stripes', 'planks', 'concrete')
LINE_RADIUS = 0.25
"""Lines are led where a disc of this radius [m] can go."""


def dress(grid: GridMap, seed: int, settings: DressSettings | None = None,
          source: GridSource | None = None) -> Scene:
    """
    Dress a map; the same map, seed and settings give the same scene.

    :param source: where the grid came from, for the scene's file; None: it is written out.
    :raises InputError: when lines are wanted in a map without room for one.
    """
    s = settings or DressSettings()
    rng = np.random.default_rng([33, seed])
    surfaces = [*_room_surfaces(rng, s.variety), *_solid_surfaces(rng, s.variety)]
    boxes, cylinders = _furniture(grid, rng, s, 3, len(surfaces) - 1)
    lines = _lines(grid, rng, s, seed, surfaces[0].colour) if s.lines else ()
    scene = Scene(
        grid, tuple(surfaces), boxes=boxes, cylinders=cylinders, lines=lines,
        wall_height=s.wall_height, light=_light(rng, s.variety), source=source or GridSource(),
        name=f'{grid.name}_{seed}')
    return vary_materials(scene, seed, s.odd_share, s.odd_walls)


def _mix(rng: np.random.Generator, base: Colour, variety: float, spread: float) -> Colour:
    """Vary a colour in brightness, and by half as much in hue."""
    values = np.asarray(base) * (1 + spread * variety * rng.uniform(-1, 1))
    values = values + 0.5 * spread * variety * rng.uniform(-0.5, 0.5, 3)
    r, g, b = np.round(np.clip(values, 0.1, 0.97), 3).tolist()
    return r, g, b


def _pick(rng: np.random.Generator, words: tuple[str, ...], variety: float) -> str:
    return words[int(rng.integers(len(words)))] if rng.random() < variety else words[0]


def _room_surfaces(rng: np.random.Generator, variety: float) -> list[Surface]:
    def seeds() -> int:
        return int(rng.integers(1 << 20))

    floor = _pick(rng, FLOORS, variety)
    base: dict[str, Colour] = {
        'carpet': (0.42, 0.44, 0.48), 'tiles': (0.72, 0.70, 0.66), 'planks': (0.62, 0.46, 0.30),
        'concrete': (0.58, 0.57, 0.55)}
    scales = {'carpet': 2.0, 'tiles': 2.0, 'planks': 2.4, 'concrete': 4.0}
    wall = _pick(rng, WALLS, variety)
    tone: Colour = (0.62, 0.36, 0.28) if wall == 'brick' else (0.86, 0.84, 0.79)
    lower: Colour = (0.7, 0.68, 0.64) if wall == 'brick' else (0.50, 0.58, 0.62)
    dark: Colour = (0.35, 0.34, 0.33)
    return [
        Surface(floor, _mix(rng, base[floor], variety, 0.5), _mix(rng, dark, variety, 0.5),
                scales[floor], round(0.2 + 0.3 * rng.random(), 3), seeds()),
        Surface(wall, _mix(rng, tone, variety, 0.35), _mix(rng, lower, variety, 0.5), 2.0,
                round(0.2 + 0.3 * rng.random(), 3), seeds()),
        Surface('lamps', (0.92, 0.92, 0.9), (1.0, 1.0, 0.97), 3.0, 0.3, seeds())]


def _solid_surfaces(rng: np.random.Generator, variety: float) -> list[Surface]:
    out = []
    for pattern in SOLIDS:
        base: Colour = (0.68, 0.52, 0.34) if pattern == 'cardboard' else (0.55, 0.5, 0.5)
        spread = 0.3 if pattern == 'cardboard' else 1.0
        out.append(Surface(
            pattern, _mix(rng, base, variety, spread), _mix(rng, (0.75, 0.68, 0.5), variety, 0.6),
            1.0, 0.3, int(rng.integers(1 << 20))))
    return out


def _light(rng: np.random.Generator, variety: float) -> Light:
    warm = variety * rng.uniform(-0.12, 0.12)
    r, g, b = np.round(np.clip([1 + min(warm, 0), 1 - abs(warm) / 3, 1 - max(warm, 0)], 0, 1), 3)
    return Light(
        azimuth=round(rng.uniform(-np.pi, np.pi), 3),
        elevation=round(1.0 + 0.4 * variety * rng.uniform(-1, 1), 3),
        strength=round(0.55 + 0.2 * variety * rng.uniform(-1, 1), 3),
        ambient=round(0.5 + 0.25 * variety * rng.uniform(-1, 1), 3),
        colour=(float(r), float(g), float(b)),
        falloff=round(25.0 * 2.0 ** (variety * rng.uniform(-1, 1)), 1),
        shadow=round(0.55 + 0.2 * variety * rng.uniform(-1, 1), 3))


def _furniture(
    grid: GridMap, rng: np.random.Generator, s: DressSettings, first: int, last: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Put solids where they leave room to pass on all sides, each a little apart from the rest."""
    boxes, cylinders = [], []
    free = (~grid.solid()).astype(np.uint8)
    wanted = ['box'] * s.boxes + ['cylinder'] * s.cylinders
    for kind in wanted:
        clearance = cv2.distanceTransform(np.pad(free, 1), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        clearance = clearance[1:-1, 1:-1] * grid.resolution
        length, width = np.round(rng.uniform(0.25, 0.8, 2), 3)
        radius = round(rng.uniform(0.1, 0.3), 3)
        reach = float(np.hypot(length, width)) / 2 if kind == 'box' else radius
        places = np.flatnonzero(clearance > reach + KEEP_FREE)
        if places.size == 0:
            continue
        i, j = divmod(int(rng.choice(places)), free.shape[1])
        x, y = np.round(grid.to_map(np.array([j + 0.5, i + 0.5])), 3).tolist()
        surface = int(rng.integers(first, last + 1))
        height = round(rng.uniform(0.2, 1.4), 3)
        if kind == 'box':
            boxes.append((x, y, round(rng.uniform(-np.pi, np.pi), 3), length, width, height,
                          surface))
        else:
            cylinders.append((x, y, radius, height, surface))
        # Nothing else within reach of a robot that passes.
        cv2.circle(free, (j, i), int(np.ceil(reach / grid.resolution)), 0, -1)
    return np.array(boxes, float).reshape(-1, 7), np.array(cylinders, float).reshape(-1, 5)


def _lines(grid: GridMap, rng: np.random.Generator, s: DressSettings, seed: int,
           floor: Colour) -> tuple[FloorLine, ...]:
    """Lead lines between far places, along ways that a robot could take."""
    ways = build_ways(MapAtlas.build([grid]), LINE_RADIUS, s.lines + 1, seed)
    start, _, columns, factor, _ = ways.shape[0]
    dark: Colour = (0.08, 0.08, 0.09)
    choices: list[Colour] = [(0.95, 0.95, 0.93), (0.93, 0.78, 0.12), (0.15, 0.3, 0.7)]
    choices.append(dark if sum(floor) > 1.2 else (0.85, 0.2, 0.15))
    out = []
    for goal in range(s.lines):
        cell = int(ways.places[0, goal + 1])
        cells = [cell]
        while ways.flow[goal, start + cell] not in (ARRIVED, NOWHERE):
            cell = int(ahead(ways, 0, goal, cell, 1))
            cells.append(cell)
        rows, cols = np.divmod(np.array(cells), columns)
        # The atlas has a ring of one cell around the map.
        middle = np.column_stack(((cols + 0.5) * factor - 1, (rows + 0.5) * factor - 1))
        points = np.asarray(np.round(_smooth(grid.to_map(middle)), 3), np.float64)
        if len(points) >= 2:
            out.append(FloorLine(points, s.line_width, choices[int(rng.integers(len(choices)))]))
    return tuple(out)


def _smooth(points: FloatArray, window: int = 9) -> NDArray[np.float64]:
    """Round the corners of a dense way, and keep only the points that bend it."""
    half = window // 2
    padded = np.pad(points, ((half, half), (0, 0)), mode='edge')
    kernel = np.full(window, 1.0 / window)
    means = np.column_stack([np.convolve(padded[:, k], kernel, 'valid') for k in range(2)])
    kept = cv2.approxPolyDP(means.astype(np.float32)[:, None], 0.01, False)[:, 0]
    return np.asarray(kept, np.float64)
