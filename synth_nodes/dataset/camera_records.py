"""What a camera on the robot adds to each record of synthetic drives: image, depth, labels."""

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synth_nodes.dataset.pixel_labels import PIXEL_SURFACES, PixelLabels
from synth_nodes.dataset.schema import Field
from synth_nodes.dataset.store import Columns
from synth_nodes.sensors.camera import Camera
from synth_nodes.sensors.camera_spec import CameraOptics, CameraSpec
from synth_nodes.settings import setting
from synth_nodes.types import FloatArray
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.scene import Scene
from synth_nodes.world.scene_pack import SceneAtlas

FRAME = 'camera_optical'
"""Frame of images and depth: z ahead, x right, y down (REP-103)."""


@dataclass(frozen=True)
class CameraSettings(CameraOptics):
    """The camera of a data set, off unless asked for: its records are 20 times as large."""

    on: bool = setting(False, 'Whether to store what a camera sees; `camera=true` does it too.')
    width: int = setting(96, 'Columns of the image.', unit='px', low=8, high=8192)
    height: int = setting(72, 'Rows of the image.', unit='px', low=8, high=8192)

    def spec(self, period: float) -> CameraSpec:
        """
        Describe the camera.

        :param period: time between records [s], each of which has a frame.
        """
        own = {f.name: getattr(self, f.name) for f in fields(CameraOptics)}
        return CameraSpec(**own, rate=1.0 / period)


def camera_fields(spec: CameraSpec) -> tuple[Field, ...]:
    """List the fields that a camera fills."""
    size = (spec.height, spec.width)
    return (
        Field('image', 'uint8', (*size, 3), '', FRAME, 'Colours: red, green, blue.'),
        Field('depth', 'float32', size, 'm', FRAME,
              'Depth along the optical axis (REP-118), with values of REP-117: inf too far, -inf '
              'too near, NaN not measured.'),
        Field('pixel_surface', 'uint8', size, '', FRAME,
              'What each pixel truly shows: index into `sensor.surfaces`.'))


def camera_header(spec: CameraSpec) -> dict[str, Any]:
    """Describe a camera for a header: intrinsics, mount, frame, all settings, names of classes."""
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(spec).items()}
    return {'surfaces': list(PIXEL_SURFACES), 'camera': {
        'frame': FRAME, 'width': spec.width, 'height': spec.height,
        'matrix': spec.matrix.tolist(), 'distortion_model': 'plumb_bob',
        'distortion': list(spec.distortion), 'mount': list(spec.mount), 'yaw': spec.yaw,
        'pitch': spec.pitch, 'depth_min': spec.depth_min, 'depth_max': spec.depth_max,
        'settings': plain}}


class CameraRecords:
    """Takes a frame of each robot, with true labels of its pixels."""

    def __init__(self, spec: CameraSpec, maps: MapAtlas, seed: int) -> None:
        """
        Dress the maps as scenes; what is a scene already stays as it is.

        :param seed: of the noise.
        :raises InputError: when the camera cannot be.
        """
        scenes = [s if isinstance(s, Scene) else Scene(s) for s in maps.sources]
        self._camera = Camera(spec, SceneAtlas.build(scenes, maps), seed)
        self._labels = PixelLabels(spec, self._camera.atlas)

    def columns(self, pose: FloatArray, map_index: NDArray[np.int64], actors: FloatArray,
                people: int, velocity: NDArray[np.float64]) -> Columns:
        """
        Take the frames of B records.

        :param pose: x, y [m], yaw [rad] of base_link in `map`, shape (B, 3).
        :param map_index: which scene each is in, shape (B,).
        :param actors: x, y, vx, vy, radius in `map`, shape (B, A, 5), people first.
        :param people: how many of the actors are people; the others are carts.
        :param velocity: vx, vy [m/s], wz [rad/s] in base_link, shape (B, 3).
        :return: the columns of :func:`camera_fields`.
        """
        frames = self._camera.render(pose, map_index, actors, velocity)
        surface = self._labels.label(frames.label, frames.depth,
                                     self._camera.poses(np.asarray(pose, float), velocity),
                                     map_index, actors, people)
        self._camera.measure(frames, velocity)
        return {'image': frames.rgb, 'depth': frames.depth, 'pixel_surface': surface}
