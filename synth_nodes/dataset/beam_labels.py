"""
What each beam of a lidar meets: the class of its surface, and its material where it is known.

In simulation an ideal beam is cast and what lies where it ends is looked up. For a recorded scan
the map built out of the whole log says which beams met what was there all the time.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.schema import Field
from synth_nodes.errors import InputError
from synth_nodes.sensors.cast import Beams, cast_into
from synth_nodes.sensors.surfaces import cell_materials, MATT
from synth_nodes.types import FloatArray, GridMap, OCCUPIED
from synth_nodes.world.atlas import AtlasArrays, MapAtlas
from synth_nodes.world.building import furnished_cells
from synth_nodes.world.jit import bare, kernel
from synth_nodes.world.scene import MATERIALS, Scene

SURFACES = ('none', 'wall', 'furniture', 'person', 'cart', 'other')
"""Classes by number. 'other' met what the map of the whole log does not have."""
NONE, WALL, FURNITURE, PERSON, CART, OTHER = range(len(SURFACES))
UNKNOWN_MATERIAL = 255
NEAR = 2e-3
"""How near [m] to something a beam must end to have met it: ranges are rounded."""
PACK, FREE = 16, 255
Labels = NDArray[np.uint8]


def surface_fields(beams: int) -> tuple[Field, ...]:
    """List the fields of these labels."""
    return (
        Field('surface', 'uint8', (beams,), '', '',
              'What each beam meets: index into `sensor.surfaces`.'),
        Field('material', 'uint8', (beams,), '', '',
              'Of what that is: index into `sensor.materials`; 255 unknown or nothing met.'))


def surface_names() -> dict[str, list[str]]:
    """Name what the numbers mean, for a header."""
    return {'surfaces': list(SURFACES), 'materials': list(MATERIALS)}


class Dressing(NamedTuple):
    """Class and material of cells, material of solids, in the order of `AtlasArrays`."""

    cells: Labels
    """PACK * class + material of solid cells, FREE for others: one look-up a beam."""
    boxes: Labels
    discs: Labels


class BeamLabels:
    """Labels the beams of one kind of lidar in the maps of an atlas."""

    def __init__(self, atlas: MapAtlas, angles: FloatArray, reach: float) -> None:
        """
        Look at the maps.

        :param angles: of the beams [rad], shape (N,).
        :param reach: farthest that they see [m].
        :raises InputError: when angles do not increase.
        """
        self._atlas, self._beams, self._reach = atlas, Beams.of(angles), reach
        self._dressing = dressing_of(atlas)

    def label(self, sensor_pose: FloatArray, map_index: NDArray[np.integer],
              actors: FloatArray | None = None, people: int = 0,
              ideal: NDArray[np.float32] | None = None) -> tuple[Labels, Labels]:
        """
        Say what ideal beams meet.

        :param sensor_pose: x, y [m], yaw [rad] of B lasers in `map`, shape (B, 3).
        :param map_index: which map each is in, shape (B,).
        :param actors: x, y, ., ., radius [m] of discs in `map`, shape (B, A, 5), or None.
        :param people: how many of the actors, the first, are people; the others are carts.
        :param ideal: their ranges [m], shape (B, N), where they have been cast already.
        :return: classes (index into `SURFACES`) and materials, each of shape (B, N).
        :raises InputError: when shapes do not fit or a pose is not finite.
        """
        poses = np.ascontiguousarray(sensor_pose, np.float64)
        discs = (np.zeros((len(poses), 0, 5)) if actors is None
                 else np.ascontiguousarray(actors, np.float64))
        ranges = (cast_into(self._atlas, map_index, poses, self._beams, self._reach, discs, None)
                  if ideal is None else ideal)
        if ranges.shape != (len(poses), self._beams.angle.size) or ranges.dtype != np.float32:
            raise InputError(f'ideal must be float32 of shape ({len(poses)}, '
                             f'{self._beams.angle.size}), not {ranges.dtype} of {ranges.shape}')
        surface, material = (np.empty(ranges.shape, np.uint8) for _ in range(2))
        _name_all(self._atlas.arrays, self._dressing, self._atlas.indices(map_index, len(poses)),
                  poses, self._beams, ranges, discs, people, surface, material)
        return surface, material


def recorded_surfaces(scan: FloatArray, laser_pose: FloatArray, angles: FloatArray,
                      grid: GridMap, tolerance: float) -> Labels:
    """
    Say of recorded beams whether they met what the map has.

    :param scan: [m], shape (N, beams); what is not finite met nothing.
    :param laser_pose: x, y [m], yaw [rad] in `map`, shape (N, 3).
    :param angles: of the beams [rad], shape (beams,).
    :param grid: the map built out of the whole log.
    :param tolerance: how far [m] from an occupied cell a beam may end that met it.
    :return: 'none', 'wall' or 'other', shape (N, beams).
    """
    occupied = np.asarray(grid.occupancy == OCCUPIED)
    away = cv2.distanceTransform((~occupied).astype(np.uint8), cv2.DIST_L2,
                                 cv2.DIST_MASK_PRECISE) * grid.resolution
    met = np.isfinite(scan)
    turn = laser_pose[:, 2, None] + angles
    reach = np.where(met, scan, 0.0)
    ends = laser_pose[:, None, :2] + reach[..., None] * np.stack((np.cos(turn), np.sin(turn)), -1)
    cells = np.floor(grid.to_cells(ends)).astype(int)
    height, width = occupied.shape
    within = ((cells >= 0) & (cells < (width, height))).all(axis=-1)
    near = np.zeros(scan.shape, bool)
    near[within] = away[cells[within][:, 1], cells[within][:, 0]] <= tolerance
    return np.where(met, np.where(near, WALL, OTHER), NONE).astype(np.uint8)


def dressing_of(atlas: MapAtlas) -> Dressing:
    """Look up what cells and solids of maps are."""
    packed = []
    boxes, discs = [np.zeros(0, np.uint8)], [np.zeros(0, np.uint8)]
    for source, grid in zip(atlas.sources, atlas.maps, strict=True):
        scene = source if isinstance(source, Scene) else Scene(grid)
        kinds = np.array([MATERIALS.index(s.material) for s in scene.surfaces], np.uint8)
        cells = np.full(grid.occupancy.shape, WALL, np.uint8)
        if scene.source.building is not None:
            cells[furnished_cells(*scene.source.building, grid)] = FURNITURE
        kind = np.pad(cells, 1, constant_values=WALL).ravel()
        solid = np.pad(grid.solid(), 1, constant_values=True).ravel()
        packed.append(np.where(solid, PACK * kind + cell_materials(scene, kinds), FREE))
        boxes.append(kinds[scene.boxes[:, 6].astype(int)])
        discs.append(kinds[scene.cylinders[:, 4].astype(int)])
    return Dressing(*(np.concatenate(part) for part in (packed, boxes, discs)))


@kernel
def _name_all(maps: AtlasArrays, dressing: Dressing, map_index: NDArray[np.int64],
              poses: NDArray[np.float64], beams: Beams, ranges: NDArray[np.float32],
              actors: NDArray[np.float64], people: int, surface: Labels,
              material: Labels) -> None:
    ends = np.empty((4, ranges.shape[1]))
    for b in range(poses.shape[0]):
        m = map_index[b]
        _end(poses[b], beams.cos, beams.sin, ranges[b], ends)
        name_cells(maps.frame[m], maps.shape[m], maps.nearest, dressing.cells, ends, surface[b],
                   material[b])
        # What is named later replaces what was named before: people go before boxes, boxes before
        # discs, discs before cells, and the first of each kind before the others.
        first = maps.solids.first
        for k in range(first[m + 1, 1] - 1, first[m, 1] - 1, -1):
            disc = maps.solids.discs[k]
            _name_disc(disc[0], disc[1], disc[2], FURNITURE, dressing.discs[k], ends, surface[b],
                       material[b])
        for k in range(first[m + 1, 0] - 1, first[m, 0] - 1, -1):
            _name_box(maps.solids.boxes[k], dressing.boxes[k], ends, surface[b], material[b])
        for k in range(actors.shape[1] - 1, -1, -1):
            _name_disc(actors[b, k, 0], actors[b, k, 1], actors[b, k, 4],
                       PERSON if k < people else CART, MATT, ends, surface[b], material[b])


@bare
def _end(pose: NDArray[np.float64], cosines: NDArray[np.float64], sines: NDArray[np.float64],
         ranges: NDArray[np.float32], ends: NDArray[np.float64]) -> None:
    """Find where beams end, x, y [m] in `map`, and a little behind, in ends of shape (4, N)."""
    c, s = np.cos(pose[2]), np.sin(pose[2])
    for k in range(ranges.size):
        way = ranges[k]
        dx = c * cosines[k] - s * sines[k]
        dy = s * cosines[k] + c * sines[k]
        ends[0, k], ends[1, k] = pose[0] + way * dx, pose[1] + way * dy
        ends[2, k], ends[3, k] = ends[0, k] + NEAR * dx, ends[1, k] + NEAR * dy


@bare
def name_cells(frame: NDArray[np.float64], shape: NDArray[np.int64], nearest: NDArray[np.int32],
               cells: Labels, ends: NDArray[np.float64], surface: Labels,
               material: Labels) -> None:
    """Say of which kind the solid cell is that beams end in, or the nearest to their ends."""
    scale = 1.0 / frame[4]
    start, height, width = shape[0], shape[1], shape[2]
    for k in range(surface.size):
        dx, dy = ends[2, k] - frame[0], ends[3, k] - frame[1]
        column = (frame[2] * dx + frame[3] * dy) * scale
        row = (frame[2] * dy - frame[3] * dx) * scale
        surface[k], material[k] = WALL, MATT
        if not np.isfinite(column + row):
            surface[k], material[k] = NONE, UNKNOWN_MATERIAL
        elif 1.0 <= column < width - 1.0 and 1.0 <= row < height - 1.0:
            cell = start + np.int64(row) * width + np.int64(column)
            what = cells[cell]
            if what == FREE:
                what = cells[start + nearest[cell]]
            surface[k], material[k] = what // PACK, what % PACK


@bare
def _name_box(box: NDArray[np.float64], kind: int, ends: NDArray[np.float64], surface: Labels,
              material: Labels) -> None:
    for k in range(surface.size):
        u, v = ends[0, k] - box[0], ends[1, k] - box[1]
        if (abs(box[2] * u + box[3] * v) < box[4] + NEAR
                and abs(box[2] * v - box[3] * u) < box[5] + NEAR):
            surface[k], material[k] = FURNITURE, kind


@bare
def _name_disc(x: float, y: float, radius: float, name: int, kind: int,
               ends: NDArray[np.float64], surface: Labels, material: Labels) -> None:
    reach = (radius + NEAR) * (radius + NEAR)
    for k in range(surface.size):
        u, v = ends[0, k] - x, ends[1, k] - y
        if u * u + v * v < reach:
            surface[k], material[k] = name, kind
