"""Cameras on B robots: colour, depth and segmentation of dressed scenes, batch first."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
import copy
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from synth_nodes.errors import InputError
from synth_nodes.sensors.camera_columns import columns_of
from synth_nodes.sensors.camera_render import render_batch
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.sensors.camera_textures import pack_textures
from synth_nodes.sensors.image_noise import (
    expose,
    frame_keys,
    measure_depth,
    MIDDLE_GREY,
    smear,
    vignette_of,
)
from synth_nodes.sensors.lens import bend, magnify, make_lens, Plane
from synth_nodes.types import FloatArray
from synth_nodes.world.scene import Scene
from synth_nodes.world.scene_pack import SceneAtlas

BAND = 8
"""Rows that a rolling shutter exposes at one time, in this model."""
GAINS = (0.1, 10.0)
"""Limits of automatic exposure."""


@dataclass(frozen=True)
class Frames:
    """Images of B cameras."""

    rgb: NDArray[np.uint8]
    """Shape (B, H, W, 3), red first."""
    depth: NDArray[np.float32]
    """[m] along the optical axis (REP-118), shape (B, H, W); inf where there is none."""
    label: NDArray[np.uint8]
    """What a pixel shows, an index into `LABELS`, shape (B, H, W)."""


class Camera:
    """Images of B robots at once, with the same camera on each."""

    def __init__(self, spec: CameraSpec, scenes: Sequence[Scene] | SceneAtlas, seed: int = 0,
                 threads: int = 1) -> None:
        """
        Prepare lens and textures; about 0.1 s and 3 MB a scene.

        :param seed: of the noise; the same seed and calls give the same images.
        :param threads: that share a batch.
        :raises InputError: when settings do not go together, or a scene cannot be used.
        """
        self.atlas = scenes if isinstance(scenes, SceneAtlas) else SceneAtlas.build(scenes)
        if threads < 1:
            raise InputError(f'camera threads = {threads} must be 1 or more')
        self._threads = threads
        self._begin(spec, seed)
        self._textures = pack_textures(self.atlas.scenes)

    def with_spec(self, spec: CameraSpec, seed: int = 0) -> 'Camera':
        """
        Make another camera in the same scenes, sharing what was prepared for them.

        :raises InputError: as when made.
        """
        other = copy.copy(self)
        other._begin(spec, seed)
        return other

    def _begin(self, spec: CameraSpec, seed: int) -> None:
        lowest = min(s.wall_height for s in self.atlas.scenes)
        self.spec, self.lens = spec, make_lens(spec)
        if spec.mount[2] >= lowest:
            raise InputError(f'camera.mount: z = {spec.mount[2]} m must be below the walls of '
                             f'every scene, the lowest of which are {lowest} m high')
        self._vignette = vignette_of(spec)
        self._seed = seed
        self._frame = 0
        self._gain: NDArray[np.float64] = np.full(0, spec.exposure)

    def render(
        self,
        base_pose: FloatArray,
        scene_index: NDArray[np.integer] | None = None,
        actors: FloatArray | None = None,
        velocity: FloatArray | None = None,
    ) -> Frames:
        """
        Draw true images: lens and rolling shutter, but neither noise nor exposure.

        The stamp of a frame is the time of its first row. A rolling shutter is drawn in bands of
        about `BAND` rows, each from where the camera is at its time.

        :param base_pose: x, y [m], yaw [rad] of base_link in `map`, shape (B, 3).
        :param scene_index: shape (B,); None spreads the robots over the scenes in turn.
        :param actors: x, y, vx, vy, radius of people in `map`, shape (B, A, 5), or None.
        :param velocity: vx, vy [m/s], wz [rad/s] in base_link, shape (B, 3); None: at rest.
        :return: depth is 0 and all else 0 where the camera is inside a wall or off the map.
        :raises InputError: when shapes do not fit or numbers are not finite.
        """
        pose, motion, discs = self._inputs(base_pose, actors, velocity)
        batch = len(pose)
        index = self.atlas.maps.indices(scene_index, batch)
        spec, plane = self.spec, self.lens.plane
        poses = self.poses(pose, motion)
        factor = spec.supersample
        out = _empty(batch, plane)
        parts = (index, poses, discs)
        if factor == 1:
            self._draw(plane, parts, out)
        else:
            self._draw(plane, parts, Frames(out.rgb[:, :0], out.depth, out.label))
            fine = magnify(plane, factor)
            large = _empty(1, fine)
            for b in range(batch):
                one = (index[b:b + 1], poses[b:b + 1], discs[b:b + 1])
                self._draw(fine, one, Frames(large.rgb, large.depth, large.label[:, :0]))
                cv2.resize(large.rgb[0], (plane.width, plane.height), dst=out.rgb[b],
                           interpolation=cv2.INTER_AREA)
        return self._bent(out)

    def capture(
        self,
        base_pose: FloatArray,
        scene_index: NDArray[np.integer] | None = None,
        actors: FloatArray | None = None,
        velocity: FloatArray | None = None,
    ) -> Frames:
        """
        Take images as the real sensor would; arguments as of :meth:`render`.

        :return: colour with blur, exposure, vignette and noise; measured depth with REP-117
            values (-inf too near, inf too far, NaN not measured); true labels.
        """
        frames = self.render(base_pose, scene_index, actors, velocity)
        self.measure(frames, velocity)
        return frames

    def measure(self, frames: Frames, velocity: FloatArray | None = None) -> None:
        """
        Make of true images, in place, what the real sensor would tell; see :meth:`capture`.

        :param velocity: as it was rendered with.
        """
        spec, rgb, batch = self.spec, frames.rgb, len(frames.rgb)
        turn = np.zeros(batch) if velocity is None else np.asarray(velocity, float)[:, 2]
        smear(rgb, spec, turn)
        if len(self._gain) != batch:
            self._gain = np.full(batch, spec.exposure)
        keys = frame_keys(self._seed, batch, self._frame)
        self._frame += 1
        plain = spec.read_noise == spec.shot_noise == 0.0 and (self._vignette == 1.0).all()
        if not (plain and (self._gain == 1.0).all()):
            expose(rgb.reshape(batch, spec.height, -1), self._gain, self._vignette,
                   spec.read_noise, spec.shot_noise, keys)
        if spec.auto_exposure > 0.0:
            mean = np.maximum(rgb[:, ::4, ::4].mean(axis=(1, 2, 3)), 1.0)
            wanted = self._gain * (MIDDLE_GREY / mean) ** spec.auto_exposure
            self._gain = np.clip(wanted, *GAINS)
        measure_depth(frames.depth, spec.depth_min, spec.depth_max, spec.depth_noise,
                      spec.depth_dropout, keys)

    def _inputs(
        self, base_pose: FloatArray, actors: FloatArray | None, velocity: FloatArray | None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        pose = np.asarray(base_pose, np.float64)
        batch = len(pose) if pose.ndim else 0
        motion = np.zeros((batch, 3)) if velocity is None else np.asarray(velocity, np.float64)
        discs = np.zeros((batch, 0, 5)) if actors is None else np.ascontiguousarray(
            actors, np.float64)
        shapes = pose.shape == motion.shape == (batch, 3)
        if not shapes or discs.ndim != 3 or discs.shape[::2] != (batch, 5):
            raise InputError(
                f'base_pose has shape {pose.shape}, velocity {motion.shape} and actors '
                f'{discs.shape}; they must be (B, 3), (B, 3) and (B, A, 5)')
        for name, array in (('base_pose', pose), ('velocity', motion), ('actors', discs)):
            if not np.isfinite(array).all():
                raise InputError(f'{name} holds NaN or infinity; give finite numbers')
        return pose, motion, discs

    def poses(self, pose: NDArray[np.float64],
                      velocity: NDArray[np.float64]) -> NDArray[np.float64]:
        """
        Say where the camera is while its rows are exposed.

        :param pose: x, y [m], yaw [rad] of base_link in `map`, shape (B, 3).
        :param velocity: vx, vy [m/s], wz [rad/s] in base_link, shape (B, 3).
        :return: x, y, yaw of the level camera in `map`, shape (B, bands, 3), a band after the
            other from the top row down; one band where the shutter is global or nothing moves.
        """
        spec, rows = self.spec, self.lens.plane.height
        bands = 1
        if spec.readout_time > 0.0 and velocity.any():
            bands = max(1, round(rows / BAND))
        time = spec.readout_time * (np.arange(bands) + 0.5 * (bands > 1)) / bands
        turn = velocity[:, None, 2] * time
        middle = pose[:, None, 2] + 0.5 * turn
        c, s = np.cos(middle), np.sin(middle)
        vx, vy = velocity[:, None, 0] * time, velocity[:, None, 1] * time
        # The chord of the arc that the robot drives in that time.
        chord = np.sinc(0.5 * turn / np.pi)
        yaw = pose[:, None, 2] + turn
        x = pose[:, None, 0] + chord * (c * vx - s * vy)
        y = pose[:, None, 1] + chord * (s * vx + c * vy)
        c, s = np.cos(yaw), np.sin(yaw)
        mx, my, _ = spec.mount
        return np.ascontiguousarray(np.stack(
            (x + c * mx - s * my, y + s * mx + c * my, yaw + spec.yaw), axis=-1))

    def _draw(self, plane: Plane, parts: tuple[NDArray[np.int64], NDArray[np.float64],
              NDArray[np.float64]], out: Frames) -> None:
        columns = columns_of(plane)
        index, poses, discs = parts

        def draw(part: slice) -> None:
            render_batch(
                self.atlas.maps.arrays, self.atlas.arrays, self._textures, plane, columns,
                index[part], poses[part], self.spec.mount[2], discs[part], out.rgb[part],
                out.depth[part], out.label[part])

        batch, threads = len(index), min(self._threads, len(index))
        if threads <= 1:
            draw(slice(0, batch))
            return
        edges = [batch * k // threads for k in range(threads + 1)]
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(draw, [slice(edges[k], edges[k + 1]) for k in range(threads)]))

    def _bent(self, ideal: Frames) -> Frames:
        map_x, map_y = self.lens.map_x, self.lens.map_y
        if map_x is None or map_y is None:
            return ideal
        batch, spec = len(ideal.rgb), self.spec
        out = _empty(batch, self.lens.plane._replace(width=spec.width, height=spec.height))
        for b in range(batch):
            bend(map_x, map_y, ideal.rgb[b], ideal.depth[b], ideal.label[b], out.rgb[b],
                 out.depth[b], out.label[b])
        return out


def _empty(batch: int, plane: Plane) -> Frames:
    shape = (batch, plane.height, plane.width)
    return Frames(np.empty((*shape, 3), np.uint8), np.empty(shape, np.float32),
                  np.empty(shape, np.uint8))
