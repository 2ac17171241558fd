"""Domain randomisation of what surfaces are to a lidar: odd solids, odd stretches of wall."""

import dataclasses

import numpy as np
from numpy.typing import NDArray

from synth_nodes.world.scene import MATERIALS, Scene, Surface

ODD = MATERIALS[1:]
LENGTHS = (0.6, 2.5)
"""Shortest and longest stretch of wall [m]."""
DEPTH = 0.6
"""Depth of a stretch through the wall [m], half of it behind its face."""


def vary_materials(scene: Scene, seed: int, share: float, patches: int) -> Scene:
    """
    Make some solids and stretches of wall black, glass, mirror, metal or reflector.

    :param seed: the same scene, seed and numbers give the same materials.
    :param share: of boxes and cylinders.
    :param patches: stretches of wall; all walls where there is no free cell beside them stay.
    """
    rng = np.random.default_rng([35, seed])
    surfaces = list(scene.surfaces)
    boxes, cylinders = scene.boxes.copy(), scene.cylinders.copy()
    for table in (boxes, cylinders):
        for row in table:
            if rng.random() < share:
                row[-1] = _odd(surfaces, int(row[-1]), rng)
    rows = [*scene.patches, *_stretches(scene, rng, patches)]
    for row in rows[len(scene.patches):]:
        row[-1] = _odd(surfaces, scene.walls, rng)
    return dataclasses.replace(
        scene, surfaces=tuple(surfaces), boxes=boxes, cylinders=cylinders,
        patches=np.array(rows).reshape(-1, 6))


def _odd(surfaces: list[Surface], index: int, rng: np.random.Generator) -> int:
    """Find or add the same surface of an odd material; return its index."""
    wanted = dataclasses.replace(surfaces[index], material=ODD[int(rng.integers(len(ODD)))])
    if wanted not in surfaces:
        surfaces.append(wanted)
    return surfaces.index(wanted)


def _stretches(scene: Scene, rng: np.random.Generator,
               count: int) -> list[NDArray[np.float64]]:
    """Lay rectangles along walls, each about a solid cell with a free one beside it."""
    grid = scene.grid
    solid = grid.solid()
    upright = solid & ~(np.roll(solid, 1, 1) & np.roll(solid, -1, 1))
    level = solid & ~(np.roll(solid, 1, 0) & np.roll(solid, -1, 0))
    faces = [(*cell, turn) for turn, which in ((np.pi / 2, upright), (0.0, level))
             for cell in np.argwhere(which)]
    out: list[NDArray[np.float64]] = []
    for k in rng.integers(len(faces), size=count if faces else 0):
        i, j, turn = faces[k]
        x, y = grid.to_map(np.array([j + 0.5, i + 0.5]))
        out.append(np.round([x, y, grid.origin[2] + turn, rng.uniform(*LENGTHS), DEPTH, 0.0], 3))
    return out
