"""Several scenes packed in flat arrays, as the kernels read their exact primitives."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.scene import Scene


class SceneArrays(NamedTuple):
    """The primitives of all scenes, one scene after the other, and where each begins."""

    first: NDArray[np.int64]
    """Shape (scenes + 1, 3): first row of each scene in `boxes`, `cylinders`, `segments`."""
    boxes: NDArray[np.float64]
    """Shape (N, 7): as `Scene.boxes`, with the surface counted through all scenes."""
    cylinders: NDArray[np.float64]
    """Shape (N, 5): as `Scene.cylinders`, with the surface counted through all scenes."""
    segments: NDArray[np.float64]
    """Shape (N, 8): straight pieces of the floor lines: x1, y1, x2, y2, half width [m], rgb."""
    surface: NDArray[np.int64]
    """Shape (scenes, 3): floor, walls, ceiling (-1: sky), counted through all scenes."""
    look: NDArray[np.float64]
    """
    Shape (scenes, 7): wall height [m], unit vector to the light (3) times its strength, ambient,
    falloff [m], darkness of shadows.
    """


@dataclass(frozen=True)
class SceneAtlas:
    """Scenes, and the same packed for the kernels."""

    scenes: tuple[Scene, ...]
    """What it was built from."""
    maps: MapAtlas
    """The same as robots and lidars read them: grids and solids, in the same order."""
    arrays: SceneArrays
    """What the kernels read beside `maps.arrays`."""

    @classmethod
    def build(cls, scenes: Sequence[Scene], maps: MapAtlas | None = None) -> 'SceneAtlas':
        """
        Pack scenes.

        :param maps: of these scenes, where they are packed already.
        :raises InputError: when there is none, or a grid has no free cell.
        """
        if not scenes:
            raise InputError('a scene atlas needs at least one scene; load or dress one')
        first = np.zeros((len(scenes) + 1, 3), np.int64)
        boxes, cylinders, segments = [np.zeros((0, 7))], [np.zeros((0, 5))], [np.zeros((0, 8))]
        surface = np.empty((len(scenes), 3), np.int64)
        offset = 0
        for k, scene in enumerate(scenes):
            boxes.append(scene.boxes + np.array([0, 0, 0, 0, 0, 0, offset]))
            cylinders.append(scene.cylinders + np.array([0, 0, 0, 0, offset]))
            segments.append(segments_of(scene))
            first[k + 1] = first[k] + np.array(
                [len(boxes[-1]), len(cylinders[-1]), len(segments[-1])])
            surface[k] = (scene.floor + offset, scene.walls + offset,
                          scene.ceiling + offset if scene.ceiling >= 0 else -1)
            offset += len(scene.surfaces)
        look = np.array([_look(scene) for scene in scenes])
        return cls(tuple(scenes), maps or MapAtlas.build(scenes), SceneArrays(
            first, np.concatenate(boxes), np.concatenate(cylinders), np.concatenate(segments),
            surface, look))


def segments_of(scene: Scene) -> NDArray[np.float64]:
    """Cut the floor lines into straight pieces; see `SceneArrays.segments`."""
    parts = [np.zeros((0, 8))]
    for line in scene.lines:
        start, end = line.points[:-1], line.points[1:]
        rest = np.broadcast_to((line.width / 2, *line.colour), (len(start), 4))
        parts.append(np.hstack((start, end, rest)))
    return np.concatenate(parts)


def _look(scene: Scene) -> tuple[float, ...]:
    light = scene.light
    flat = np.cos(light.elevation) * light.strength
    return (scene.wall_height, flat * np.cos(light.azimuth), flat * np.sin(light.azimuth),
            np.sin(light.elevation) * light.strength, light.ambient, light.falloff, light.shadow)
