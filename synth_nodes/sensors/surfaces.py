"""
What beams of a lidar meet: materials and normals of walls and solids, and what comes back.

Power is relative: 1 is what a white surface returns that is met straight on at 1 m. The lidar
equation for an extended target (Jelalian, "Laser Radar Systems", 1992, ch. 1; Wagner et al. 2006,
eq. 4) gives a matt (Lambertian) surface ``reflectance * cos(incidence) / range^2``. Gloss adds
Phong's lobe (Phong 1975), seen by the source itself: ``gloss * cos(2 * incidence)^SHININESS``.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from synth_nodes.types import GridMap
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.jit import inline
from synth_nodes.world.scene import MATERIALS, Scene

MATT, BLACK, GLASS, MIRROR, METAL, REFLECTOR = range(len(MATERIALS))
OPTICS = np.array([
    [0.7, 0.0],     # matt: wall paint, wood, cloth
    [0.04, 0.0],    # black: rubber, black plastic
    [0.3, 0.0],     # glass, where the pane itself is seen
    [0.0, 0.0],     # mirror
    [0.15, 3.0],    # metal: brushed
    [100.0, 0.0]])  # reflector: retro-reflecting foil
"""Reflectance and gloss of each material."""
SILVER = 0.9
"""Share of the light that a mirror reflects."""
SHININESS = 60.0
GLASS_INDEX = 1.5
"""Refractive index of a pane."""
NEAREST = 0.1
"""Nearer than this [m] power grows no more: emitter and receiver do not look the same way."""
SPREAD = 2.5
"""Standard deviation of the blur that normals of grid walls come from [cells]."""


class Surroundings(NamedTuple):
    """What the kernel reads beside `AtlasArrays`; cells and solids in the same order."""

    material: NDArray[np.uint8]
    """Shape (cells,): index into `MATERIALS` of solid cells."""
    normal: NDArray[np.float32]
    """Shape (cells,): of free cells beside walls, the direction away from the wall [rad], in the
    frame of the grid; NaN where there is none."""
    boxes: NDArray[np.float64]
    """Shape (N, 2): height [m], material; discs: the same."""
    discs: NDArray[np.float64]
    rooms: NDArray[np.float64]
    """Shape (maps, 4): wall height [m], material of floor, of ceiling; 1: there is a ceiling."""

    @classmethod
    def of(cls, atlas: MapAtlas) -> 'Surroundings':
        """Look at the maps of an atlas; about 0.1 s for each million cells."""
        material, normal, rooms = [], [], []
        boxes, discs = [np.zeros((0, 2))], [np.zeros((0, 2))]
        for source, grid in zip(atlas.sources, atlas.maps, strict=True):
            scene = source if isinstance(source, Scene) else Scene(grid)
            kinds = np.array([MATERIALS.index(s.material) for s in scene.surfaces])
            material.append(cell_materials(scene, kinds))
            normal.append(wall_normals(grid))
            boxes.append(np.column_stack(
                (scene.boxes[:, 5], kinds[scene.boxes[:, 6].astype(int)])))
            discs.append(np.column_stack(
                (scene.cylinders[:, 3], kinds[scene.cylinders[:, 4].astype(int)])))
            rooms.append((scene.wall_height, kinds[scene.floor], kinds[max(scene.ceiling, 0)],
                          float(scene.ceiling >= 0)))
        return cls(np.concatenate(material), np.concatenate(normal), np.concatenate(boxes),
                   np.concatenate(discs), np.array(rooms, np.float64))


def cell_materials(scene: Scene, kinds: NDArray[np.integer]) -> NDArray[np.uint8]:
    """
    Say what the cells of a scene's grid are made of; later patches cover earlier ones.

    :param kinds: material of each surface.
    :return: of the padded grid, shape (cells,).
    """
    height, width = scene.grid.occupancy.shape
    out = np.full((height, width), kinds[scene.walls], np.uint8)
    if len(scene.patches):
        columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
        centres = scene.grid.to_map(np.stack((columns, rows), axis=-1))
        for x, y, yaw, length, across, surface in scene.patches:
            c, s = np.cos(yaw), np.sin(yaw)
            dx, dy = centres[..., 0] - x, centres[..., 1] - y
            inside = (np.abs(c * dx + s * dy) <= length / 2) & (
                np.abs(c * dy - s * dx) <= across / 2)
            out[inside] = kinds[int(surface)]
    return np.pad(out, 1, constant_values=MATT).ravel()


def wall_normals(grid: GridMap) -> NDArray[np.float32]:
    """
    Estimate which way the walls of a grid look, from the slope of the blurred grid.

    Cells turn a slanting wall into stairs; the blur sees the wall. Straight walls along the axes
    keep their exact normals up to seven cells from a corner.

    :return: of the padded grid, see `Surroundings.normal`.
    """
    solid = np.pad(grid.solid(), 1, constant_values=True)
    blurred = cv2.GaussianBlur(solid.astype(np.float32), (15, 15), SPREAD,
                               borderType=cv2.BORDER_REPLICATE)
    up, along = np.gradient(blurred)
    near = cv2.dilate(solid.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool) & ~solid
    known = near & (np.hypot(along, up) > 0.01)
    return np.where(known, np.arctan2(-up, -along), np.nan).astype(np.float32).ravel()


@inline
def received(material: int, cosine: float, distance: float) -> float:
    """
    Power that comes back from a surface that scatters.

    :param cosine: of the incidence; distance: whole path from the sensor [m].
    """
    gloss = OPTICS[material, 1]
    out = OPTICS[material, 0] * cosine
    if gloss > 0.0:
        out += gloss * max(2.0 * cosine * cosine - 1.0, 0.0) ** SHININESS
    way = max(distance, NEAREST)
    return float(out / (way * way))


@inline
def pane_passes(cosine: float) -> float:
    """
    Share of unpolarised light that a clear pane lets through: Fresnel's equations, both faces.

    With R of one face, all reflections inside the pane added up leave (1 - R) / (1 + R).
    (Hecht, "Optics", ch. 4; Born and Wolf, sec. 1.5.)
    """
    sine = np.sqrt(max(1.0 - cosine * cosine, 0.0)) / GLASS_INDEX
    inner = np.sqrt(1.0 - sine * sine)
    across = (cosine - GLASS_INDEX * inner) / (cosine + GLASS_INDEX * inner)
    along = (inner - GLASS_INDEX * cosine) / (inner + GLASS_INDEX * cosine)
    across *= across
    along *= along
    return float(0.5 * ((1.0 - across) / (1.0 + across) + (1.0 - along) / (1.0 + along)))
