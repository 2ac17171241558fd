"""
What each pixel of a camera shows, by the names that beams have (`beam_labels`).

A camera labels its pixels by what it draws: cells of the grid are walls to it, and all that moves
is a person. Which cells are furniture and who is a cart is looked up where the pixel's ray ends.
"""

import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.beam_labels import (
    CART,
    dressing_of,
    FURNITURE,
    Labels,
    name_cells,
    NEAR,
    NONE,
    PERSON,
    SURFACES,
    WALL,
)
from synth_nodes.sensors import camera_spec as shown
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.sensors.lens import rays
from synth_nodes.types import FloatArray
from synth_nodes.world.atlas import AtlasArrays
from synth_nodes.world.jit import inline, kernel
from synth_nodes.world.scene_pack import SceneAtlas

PIXEL_SURFACES = (*SURFACES, 'floor', 'line', 'ceiling')
"""Classes by number: those of beams, and what beams along the floor never meet."""
FLOOR, LINE, CEILING = range(len(SURFACES), len(PIXEL_SURFACES))
_CELL, _MOVING = shown.WALL, shown.PERSON


class PixelLabels:
    """Labels the pixels of one kind of camera in the scenes of an atlas."""

    def __init__(self, spec: CameraSpec, atlas: SceneAtlas) -> None:
        """
        Look at the scenes, and where the pixels look to.

        :raises InputError: when the camera's distortion has no inverse.
        """
        self._maps, cells = atlas.maps, dressing_of(atlas.maps).cells
        self._cells = cells
        self._furnished = np.array([s.source.building is not None for s in atlas.scenes])
        names = {shown.FLOOR: FLOOR, shown.LINE: LINE, shown.WALL: WALL, shown.BOX: FURNITURE,
                 shown.CYLINDER: FURNITURE, shown.PERSON: PERSON, shown.SKY: CEILING}
        self._names = np.array([[NONE if k == shown.SKY and s.ceiling < 0 else names[k]
                                 for k in range(len(names))] for s in atlas.scenes], np.uint8)
        x, y = np.moveaxis(rays(spec), -1, 0)
        # How far ahead of the level camera, and to its left, a ray gets in a metre of depth.
        self._ways = np.stack((np.cos(spec.pitch) - np.sin(spec.pitch) * y, -x))

    def label(self, shows: Labels, depth: NDArray[np.float32], camera_pose: FloatArray,
              map_index: NDArray[np.int64], actors: FloatArray, people: int) -> Labels:
        """
        Name what true images show.

        :param shows: the camera's own labels, shape (B, H, W).
        :param depth: true depth [m], shape (B, H, W).
        :param camera_pose: as `Camera.poses` gives it, shape (B, bands, 3).
        :param map_index: which scene each is in, shape (B,).
        :param actors: x, y, ., ., radius [m] of discs in `map`, shape (B, A, 5).
        :param people: how many of the actors, the first, are people; the others are carts.
        :return: index into `PIXEL_SURFACES`, shape (B, H, W).
        """
        out = np.empty_like(shows)
        _name_all(self._maps.arrays, self._cells, self._names, self._furnished, self._ways,
                  map_index, np.ascontiguousarray(camera_pose, np.float64), depth, shows,
                  np.ascontiguousarray(actors, np.float64), people, out)
        return out


@kernel
def _name_all(maps: AtlasArrays, cells: Labels, names: Labels, furnished: NDArray[np.bool_],
              ways: NDArray[np.float64], map_index: NDArray[np.int64],
              poses: NDArray[np.float64], depth: NDArray[np.float32], shows: Labels,
              actors: NDArray[np.float64], people: int, out: Labels) -> None:
    height, width = depth.shape[1], depth.shape[2]
    ends = np.empty((4, width))
    solid, material = np.empty(width, np.uint8), np.empty(width, np.uint8)
    for b in range(depth.shape[0]):
        m = map_index[b]
        look_up = furnished[m] or people < actors.shape[1]
        for v in range(height):
            for u in range(width):
                # A depth of 0 says that the camera is inside a wall.
                out[b, v, u] = names[m, shows[b, v, u]] if depth[b, v, u] > 0.0 else NONE
            if not look_up:
                continue
            pose = poses[b, v * poses.shape[1] // height]
            _end(pose, ways[:, v], depth[b, v], ends)
            name_cells(maps.frame[m], maps.shape[m], maps.nearest, cells, ends, solid, material)
            for u in range(width):
                if shows[b, v, u] == _CELL:
                    out[b, v, u] = solid[u]
                elif shows[b, v, u] == _MOVING:
                    out[b, v, u] = _who(ends[0, u], ends[1, u], actors[b], people)


@inline
def _end(pose: NDArray[np.float64], ways: NDArray[np.float64], depth: NDArray[np.float32],
         ends: NDArray[np.float64]) -> None:
    """Find where the rays of a row end, x, y [m] in `map`, and a little behind: shape (4, W)."""
    c, s = np.cos(pose[2]), np.sin(pose[2])
    for u in range(depth.size):
        dx = c * ways[0, u] - s * ways[1, u]
        dy = s * ways[0, u] + c * ways[1, u]
        behind = NEAR / np.sqrt(dx * dx + dy * dy)
        ends[0, u], ends[1, u] = pose[0] + depth[u] * dx, pose[1] + depth[u] * dy
        ends[2, u], ends[3, u] = ends[0, u] + behind * dx, ends[1, u] + behind * dy


@inline
def _who(x: float, y: float, actors: NDArray[np.float64], people: int) -> int:
    """Say whether the actor that a point lies on, or next to, is a person or a cart."""
    nearest, least = 0, np.inf
    for k in range(actors.shape[0]):
        u, v = x - actors[k, 0], y - actors[k, 1]
        off = np.sqrt(u * u + v * v) - actors[k, 4]
        if off < least:
            nearest, least = k, off
    return PERSON if nearest < people else CART
