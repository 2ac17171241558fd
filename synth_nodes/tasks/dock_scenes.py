"""Docks in any map or scene: stood against walls, each with two strips of foil on its face."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.sensors.surfaces import wall_normals
from synth_nodes.tasks.dock_marker import DockSpec
from synth_nodes.types import FloatArray, GridMap
from synth_nodes.world.scene import Scene, Surface
from synth_nodes.world.solids import draw_scene

SURFACES = (Surface('plain', (0.15, 0.3, 0.6)), Surface('plain', (0.92, 0.92, 0.92)),
            Surface('plain', (0.95, 0.95, 0.95), material='reflector'))
"""Of a dock, of the ridge along its top, and of its strips."""
ROOM = ((2.4, 0.85), (2.0, 0.75), (1.5, 0.6))
"""What is free before a dock: depth before its face, and to either side of its axis [m]."""
_APART = 3.0
"""Least distance between docks [m]."""
_SINK = 0.03
"""How deep a dock stands in its wall [m], so that crooked walls leave no slit."""
_THICK = 0.02
"""Of strips, half of which stands out from the face [m]."""
_TRIES = 4000


@dataclass(frozen=True)
class DockScene:
    """A scene with docks."""

    scene: Scene
    faces: NDArray[np.float64]
    """Middles of the faces, at the strips, x, y [m] in `map`; direction out of the dock [rad]."""

    def places(self, dock: DockSpec) -> NDArray[np.float64]:
        """Where base_link stands in each dock: x, y [m], yaw [rad] in `map`, shape (K, 3)."""
        x, y, out = self.faces.T
        return np.column_stack((x + dock.standoff * np.cos(out), y + dock.standoff * np.sin(out),
                                (out + 2 * np.pi) % (2 * np.pi) - np.pi))


def with_docks(source: GridMap | Scene, dock: DockSpec, count: int, seed: int) -> DockScene:
    """
    Stand docks against walls that are straight for as wide as they are, with room before them.

    :param count: at most so many; fewer where there is no place for more.
    :param seed: the same arguments give the same places.
    :raises InputError: when there is no place for any.
    """
    scene = source if isinstance(source, Scene) else Scene(source, name=source.name)
    grid = draw_scene(scene)
    solid = grid.solid()
    candidates = _wall_faces(grid)
    rng = np.random.default_rng([46, seed])
    order = rng.permutation(len(candidates))[:_TRIES]
    faces: list[NDArray[np.float64]] = []
    for depth, side in ROOM:
        for k in order:
            face = _face(candidates[k], dock)
            if len(faces) < count and all(np.hypot(*(face - f)[:2]) > _APART for f in faces) and (
                    _has_wall(grid, solid, candidates[k], dock)
                    and _has_room(grid, solid, face, dock, depth, side)):
                faces.append(face)
    if not faces:
        raise InputError(
            f"map '{scene.name}' has no straight wall of {dock.width:g} m with {ROOM[-1][0]:g} by "
            f'{2 * ROOM[-1][1]:g} m free before it; choose another map, or a smaller dock')
    return _furnished(scene, dock, np.stack(faces))


def _wall_faces(grid: GridMap) -> NDArray[np.float64]:
    """Points on faces of walls, x, y [m] in `map`, with the direction away from them [rad]."""
    height, width = grid.occupancy.shape
    normal = wall_normals(grid).reshape(height + 2, width + 2)[1:-1, 1:-1]
    rows, columns = np.nonzero(np.isfinite(normal))
    out = normal[rows, columns].astype(float) + grid.origin[2]
    # Half a cell from the middle of a free cell beside a wall is the wall.
    x, y = grid.to_map(np.column_stack((columns + 0.5, rows + 0.5))).T
    half = 0.5 * grid.resolution
    return np.column_stack((x - half * np.cos(out), y - half * np.sin(out), out))


def _face(wall: FloatArray, dock: DockSpec) -> NDArray[np.float64]:
    """Middle of the face of a dock at a point of a wall, and its direction."""
    x, y, out = wall
    return np.array([x + dock.depth * np.cos(out), y + dock.depth * np.sin(out), out])


def _has_wall(grid: GridMap, solid: NDArray[np.bool_], wall: FloatArray, dock: DockSpec) -> bool:
    """Tell whether the wall behind is straight: solid behind, and free before it."""
    across = np.linspace(-0.5, 0.5, 9) * dock.width
    behind, before = (_solid_at(grid, solid, wall, np.full(9, d), across)
                      for d in (-0.08, 0.08))
    return bool(behind.mean() > 0.85 and not before.any())


def _has_room(grid: GridMap, solid: NDArray[np.bool_], face: FloatArray, dock: DockSpec,
              depth: float, side: float) -> bool:
    """Tell whether a rectangle before the face, from its wall on, is free."""
    along, across = np.meshgrid(
        np.arange(-dock.depth + 0.1, depth, grid.resolution),
        np.arange(-side, side + 1e-9, grid.resolution))
    return not _solid_at(grid, solid, face, along.ravel(), across.ravel()).any()


def _solid_at(grid: GridMap, solid: NDArray[np.bool_], frame: FloatArray, along: FloatArray,
              across: FloatArray) -> NDArray[np.bool_]:
    x, y, out = frame
    c, s = np.cos(out), np.sin(out)
    cells = np.floor(grid.to_cells(np.column_stack(
        (x + c * along - s * across, y + s * along + c * across)))).astype(int)
    column, row = cells.T
    inside = (column >= 0) & (row >= 0) & (column < solid.shape[1]) & (row < solid.shape[0])
    return np.where(inside, solid[row * inside, column * inside], True)


def _furnished(scene: Scene, dock: DockSpec, faces: NDArray[np.float64]) -> DockScene:
    """Add boxes for docks, ridges and strips."""
    first = len(scene.surfaces)
    body, ridge, foil = range(first, first + 3)
    boxes: list[Sequence[float]] = []
    for x, y, out in faces:
        c, s = np.cos(out), np.sin(out)
        # Faces are where the strips are: the body begins behind half their thickness.
        back = 0.5 * _THICK
        length = dock.depth + _SINK - back
        middle = -back - 0.5 * length
        boxes.append((x + c * middle, y + s * middle, out, length, dock.width, dock.height, body))
        boxes.append((x + c * middle, y + s * middle, out, length, 0.05, dock.height + 0.01,
                      ridge))
        for side in (-0.5 * dock.spacing, 0.5 * dock.spacing):
            boxes.append((x - 0.5 * _THICK * c - side * s, y - 0.5 * _THICK * s + side * c, out,
                          _THICK, dock.strip, dock.height, foil))
    return DockScene(replace(scene, surfaces=(*scene.surfaces, *SURFACES),
                             boxes=np.vstack((scene.boxes, np.array(boxes)))), faces)
