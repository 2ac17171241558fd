"""
A scene: a grid map dressed with what a camera sees, and exact primitives standing in it.

Everything is immutable and numeric. Boxes and cylinders are plain float64 tables, one row each,
so that kernels of cameras, lidars and collision may read them as they are:

- `boxes`, shape (N, 7): x, y [m], yaw [rad], length along its x, width, height [m], surface;
- `cylinders`, shape (N, 5): x, y, radius, height [m], surface;
- `patches`, shape (N, 6): x, y, yaw, length along its x, width, surface: solid cells of the grid
  whose centres lie in such a rectangle have this surface for lidars instead of that of `walls`.

All stand on the floor z = 0 of `map`. The last column is an index into `surfaces`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.types import GridMap

PATTERNS = (
    'plain', 'plaster', 'concrete', 'carpet', 'tiles', 'planks', 'brick', 'panels', 'cardboard',
    'stripes', 'lamps')
"""What a surface can be made of."""
MATERIALS = ('matt', 'black', 'glass', 'mirror', 'metal', 'reflector')
"""What a surface is to the light of a lidar; see `synth_nodes.sensors.surfaces`."""
Colour = tuple[float, float, float]
BOX_COLUMNS = ('x', 'y', 'yaw', 'length', 'width', 'height', 'surface')
CYLINDER_COLUMNS = ('x', 'y', 'radius', 'height', 'surface')
PATCH_COLUMNS = ('x', 'y', 'yaw', 'length', 'width', 'surface')


@dataclass(frozen=True)
class Surface:
    """What something is made of: a procedural texture in a few numbers."""

    pattern: str = 'plain'
    """One of `PATTERNS`."""
    colour: Colour = (0.7, 0.7, 0.7)
    """Main colour, red, green, blue in [0, 1] as a display shows it (sRGB)."""
    second: Colour = (0.5, 0.5, 0.5)
    """Colour of joints, stripes, the lower half of panels or lamps."""
    scale: float = 2.0
    """Length [m] along the surface after which the texture repeats."""
    contrast: float = 0.3
    """Strength of grain and shades between pieces, 0 to 1."""
    seed: int = 0
    """Of grain and shades."""
    material: str = 'matt'
    """One of `MATERIALS`; colours do not tell what a lidar sees."""


@dataclass(frozen=True)
class Light:
    """One distant light, and what comes from everywhere."""

    azimuth: float = 0.7
    """Direction [rad] in `map` that the light comes from."""
    elevation: float = 1.0
    """Its height above the horizon [rad], 0 to pi / 2."""
    strength: float = 0.55
    """Share of the brightness that depends on a surface's direction, 0 to 2."""
    ambient: float = 0.55
    """Brightness that every surface has, 0 to 2."""
    colour: Colour = (1.0, 1.0, 1.0)
    """Tint of all light."""
    falloff: float = 40.0
    """Distance [m] at which brightness has halved, as far rooms look darker."""
    shadow: float = 0.5
    """Darkness of contact shadows, 0 to 1."""


@dataclass(frozen=True)
class FloorLine:
    """A line painted on the floor, with round ends and joints."""

    points: NDArray[np.float64]
    """Corners in `map` [m], shape (N, 2), N >= 2; repeat the first to close it."""
    width: float = 0.05
    """[m]."""
    colour: Colour = (0.1, 0.1, 0.1)


@dataclass(frozen=True)
class GridSource:
    """Where a scene's grid came from, so that its file can say so instead of repeating it."""

    kind: str = 'rows'
    """'map' (a Nav2 map file), 'building' (generated) or 'rows' (in the scene file itself)."""
    path: Path | None = None
    """Of the map file, where the kind is 'map'."""
    building: tuple[int, float, float, float] | None = None
    """Seed, width [m], height [m], resolution [m], where the kind is 'building'."""


@dataclass(frozen=True)
class Scene:
    """
    A dressed map; see the module for the tables.

    :raises InputError: when a number is out of range, a table is misshapen or an index is wrong.
    """

    grid: GridMap
    surfaces: tuple[Surface, ...] = (
        Surface('carpet', (0.42, 0.43, 0.45)), Surface('panels', (0.86, 0.85, 0.8)),
        Surface('lamps', (0.9, 0.9, 0.9), (1.0, 1.0, 0.97), 3.0))
    floor: int = 0
    """Index of the floor's surface."""
    walls: int = 1
    """Index of the surface of every solid cell's sides."""
    ceiling: int = 2
    """Index of the ceiling's surface; -1: open sky."""
    wall_height: float = 2.6
    """[m]; ceilings lie here."""
    boxes: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 7)))
    cylinders: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 5)))
    patches: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 6)))
    lines: tuple[FloorLine, ...] = ()
    light: Light = field(default_factory=Light)
    source: GridSource = field(default_factory=GridSource)
    name: str = 'scene'

    def __post_init__(self) -> None:
        for name, columns in (('boxes', BOX_COLUMNS), ('cylinders', CYLINDER_COLUMNS),
                              ('patches', PATCH_COLUMNS)):
            object.__setattr__(self, name, _table(name, getattr(self, name), columns,
                                                  len(self.surfaces)))
        lines = tuple(_checked_line(k, line) for k, line in enumerate(self.lines))
        object.__setattr__(self, 'lines', lines)
        object.__setattr__(self, 'surfaces', tuple(self.surfaces))
        for k, surface in enumerate(self.surfaces):
            _check_surface(f'surfaces[{k}]', surface)
        for name, low in (('floor', 0), ('walls', 0), ('ceiling', -1)):
            _check_index(name, getattr(self, name), low, len(self.surfaces))
        _check_range('wall_height', self.wall_height, 0.1, 100.0, 'm')
        _check_light(self.light)


def _table(name: str, table: Any, columns: tuple[str, ...],
           surfaces: int) -> NDArray[np.float64]:
    out = np.array(table, np.float64).reshape(-1, len(columns)) if np.size(table) == 0 else (
        np.array(table, np.float64))
    if out.ndim != 2 or out.shape[1] != len(columns):
        raise InputError(f'{name} has shape {out.shape}; each row must be {", ".join(columns)}')
    if not np.isfinite(out).all():
        raise InputError(f'{name} holds NaN or infinity; give finite numbers')
    for k, column in enumerate(columns):
        for row, value in enumerate(out[:, k]):
            what = f'{name}[{row}].{column}'
            if column in ('length', 'width', 'height', 'radius'):
                _check_range(what, value, 0.001, 1000.0, 'm')
            elif column == 'surface':
                _check_index(what, value, 0, surfaces)
    out.setflags(write=False)
    return out


def _checked_line(k: int, line: FloorLine) -> FloorLine:
    points = np.array(line.points, np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) < 2:
        raise InputError(f'lines[{k}].points has shape {points.shape}; give two or more [x, y]')
    if not np.isfinite(points).all():
        raise InputError(f'lines[{k}].points holds NaN or infinity; give finite x, y')
    _check_range(f'lines[{k}].width', line.width, 0.001, 10.0, 'm')
    _check_colour(f'lines[{k}].colour', line.colour)
    points.setflags(write=False)
    return FloorLine(points, float(line.width), line.colour)


def _check_surface(what: str, surface: Surface) -> None:
    if surface.pattern not in PATTERNS:
        raise InputError(
            f'{what}.pattern = {surface.pattern!r} must be one of {", ".join(PATTERNS)}')
    if surface.material not in MATERIALS:
        raise InputError(
            f'{what}.material = {surface.material!r} must be one of {", ".join(MATERIALS)}')
    _check_colour(f'{what}.colour', surface.colour)
    _check_colour(f'{what}.second', surface.second)
    _check_range(f'{what}.scale', surface.scale, 0.05, 100.0, 'm')
    _check_range(f'{what}.contrast', surface.contrast, 0.0, 1.0)
    if not isinstance(surface.seed, int) or surface.seed < 0:
        raise InputError(f'{what}.seed = {surface.seed!r} must be an integer from 0')


def _check_light(light: Light) -> None:
    _check_range('light.azimuth', light.azimuth, -10.0, 10.0, 'rad')
    _check_range('light.elevation', light.elevation, 0.0, np.pi / 2, 'rad')
    _check_range('light.strength', light.strength, 0.0, 2.0)
    _check_range('light.ambient', light.ambient, 0.0, 2.0)
    _check_range('light.falloff', light.falloff, 0.5, 1e6, 'm')
    _check_range('light.shadow', light.shadow, 0.0, 1.0)
    _check_colour('light.colour', light.colour)


def _check_colour(what: str, colour: Any) -> None:
    values = np.asarray(colour, np.float64)
    if values.shape != (3,) or not ((values >= 0.0) & (values <= 1.0)).all():
        raise InputError(f'{what} = {colour!r} must be red, green, blue, each in [0, 1]')


def _check_range(what: str, value: float, low: float, high: float, unit: str = '') -> None:
    if not low <= value <= high:
        raise InputError(f'{what} = {value} is outside [{low:g}, {high:g}] {unit}'.rstrip())


def _check_index(what: str, value: float, low: int, count: int) -> None:
    if value != int(value) or not low <= value < count:
        raise InputError(
            f'{what} = {value:g} names no surface; give an index from {low} to {count - 1}')
