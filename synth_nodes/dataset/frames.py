"""Pairs to learn a camera from: an ideal frame, and what a flawed camera makes of its view."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synth_nodes.sensors.camera import Camera
from synth_nodes.sensors.camera_spec import CameraSpec
from synth_nodes.settings import setting
from synth_nodes.types import GridMap
from synth_nodes.world.atlas import MapAtlas
from synth_nodes.world.building import generate_building
from synth_nodes.world.dressing import DressSettings
from synth_nodes.world.layouts import generate_scene
from synth_nodes.world.scene import Scene
from synth_nodes.world.scene_dress import dress
from synth_nodes.world.spawn import ELSEWHERE, find_starts

LAYOUTS = ('warehouse', 'clutter', 'doors', 'track_curved')
"""Generated scenes that take turns with dressed buildings."""
TURN = 1.5
"""Fastest turn of the robot [rad/s]."""
Images = NDArray[np.uint8]


@dataclass(frozen=True)
class FrameSettings:
    """Which cameras, and what they look at."""

    seed: int = setting(0, 'Seed of scenes, poses and flaws.', low=0, high=2**31 - 1)
    scenes: int = setting(8, 'Scenes, every other one a dressed building.', low=1, high=1000)
    cameras: int = setting(64, 'Cameras, each with flaws of its own.', low=2, high=100_000)
    frames: int = setting(24, 'Frames of each camera.', low=1, high=100_000)
    width: int = setting(96, 'Columns of the frames.', unit='px', low=16, high=4096)
    height: int = setting(72, 'Rows of the frames.', unit='px', low=16, high=4096)
    strength: float = setting(
        1.0, 'How strong flaws are at most, as a share of the usual ranges.', low=0.0, high=3.0)


@dataclass(frozen=True)
class FramePairs:
    """N frames of flawed cameras beside ideal ones of the same views."""

    ideal: Images
    """Shape (N, H, W, 3), red first."""
    real: Images
    """The same shape."""
    turn: NDArray[np.float32]
    """Of the robot while the frame was taken [rad/s], shape (N,)."""
    camera: NDArray[np.int32]
    """Which camera took it, shape (N,)."""

    def __len__(self) -> int:
        return len(self.real)

    def take(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> 'FramePairs':
        """Pick some."""
        return FramePairs(self.ideal[rows], self.real[rows], self.turn[rows], self.camera[rows])


def ideal_camera(spec: CameraSpec) -> CameraSpec:
    """Leave out all that lens, shutter and sensor do to colours; depth stays as it is."""
    return replace(
        spec, distortion=(0.0,) * 5, readout_time=0.0, exposure_time=0.0, exposure=1.0,
        auto_exposure=0.0, colour_gain=(1.0, 1.0, 1.0), blur=0.0, vignette=0.0, read_noise=0.0,
        shot_noise=0.0)


def draw_flaws(spec: CameraSpec, rng: np.random.Generator, strength: float = 1.0) -> CameraSpec:
    """
    Give a camera flaws by chance, each within what small cameras of robots have.

    :param strength: share of the usual ranges; 0 leaves none.
    """
    up = strength * rng.random(8)
    bend, tint = strength * rng.uniform(-1, 1, 2)
    return replace(
        spec, distortion=(0.2 * bend, -0.05 * bend * up[0], 0.0, 0.0, 0.0),
        readout_time=0.04 * up[1], exposure_time=0.03 * up[2],
        exposure=float(np.exp(0.35 * strength * rng.uniform(-1, 1))),
        colour_gain=(1.0 + 0.15 * tint, 1.0 - 0.03 * up[3], 1.0 - 0.15 * tint),
        blur=0.9 * up[4], vignette=0.5 * up[5], read_noise=1.0 + 4.0 * up[6],
        shot_noise=1.0 + 8.0 * up[7])


def frame_pairs(settings: FrameSettings, spec: CameraSpec | None = None,
                advance: Callable[[int, int], None] | None = None) -> FramePairs:
    """
    Look at generated scenes through flawed cameras and through an ideal one.

    Every camera looks from random free places of every scene in turn, in any direction, at up to
    two people, on a robot that stands or turns.

    :param spec: camera to begin with, whose size the settings replace; its flaws are not used.
    :param advance: called with cameras done and in all.
    :return: the same settings give the same bytes.
    :raises InputError: when the camera cannot be.
    """
    s = settings
    plain = replace(ideal_camera(spec or CameraSpec()), width=s.width, height=s.height)
    rng = np.random.default_rng([61, s.seed])
    ideal = Camera(plain, [_scene(1000 * s.seed + k) for k in range(s.scenes)])
    viewer = _Viewer(ideal.atlas.maps, rng)
    parts = []
    for k in range(s.cameras):
        flawed = ideal.with_spec(draw_flaws(plain, rng, s.strength), 7 * s.seed + k)
        index = (k + np.arange(s.frames)) % s.scenes
        pose, people = viewer.views(index)
        velocity = np.zeros((s.frames, 3))
        velocity[:, 2] = rng.uniform(-TURN, TURN, s.frames) * (rng.random(s.frames) < 0.7)
        parts.append(FramePairs(
            ideal.render(pose, index, people).rgb,
            flawed.capture(pose, index, people, velocity).rgb,
            velocity[:, 2].astype(np.float32), np.full(s.frames, k, np.int32)))
        if advance is not None:
            advance(k + 1, s.cameras)
    return FramePairs(*(np.concatenate([getattr(p, name) for p in parts])
                        for name in ('ideal', 'real', 'turn', 'camera')))


class _Viewer:
    """Draws places to look from, and people to look at."""

    def __init__(self, maps: MapAtlas, rng: np.random.Generator) -> None:
        self._maps, self._rng = maps, rng
        self._starts = find_starts(maps, 0.3)

    def views(self, index: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Draw poses, shape (B, 3), and people, shape (B, 2, 5), in scenes by number."""
        pose, people = np.empty((len(index), 3)), np.zeros((len(index), 2, 5))
        people[..., 4] = 0.25
        for b, m in enumerate(index):
            grid = self._maps.maps[m]
            pose[b] = (*self._point(grid, m), self._rng.uniform(-np.pi, np.pi))
            for person in people[b]:
                person[:2] = self._point(grid, m)
                if np.hypot(*(person[:2] - pose[b, :2])) < 0.8:
                    person[:2] = ELSEWHERE
        return pose, people

    def _point(self, grid: GridMap, m: int) -> tuple[float, float]:
        first, last = self._starts.first[m:m + 2]
        cell = int(self._starts.cells[self._rng.integers(first, last)])
        row, column = divmod(cell, int(self._maps.arrays.shape[m, 2]))
        # The atlas has a ring of one cell around the map.
        x, y = grid.to_map(np.array([column - 0.5, row - 0.5]))
        return float(x), float(y)


def _scene(seed: int) -> Scene:
    if seed % 2:
        return generate_scene(LAYOUTS[seed // 2 % len(LAYOUTS)], seed, 16.0, 11.0)
    return dress(generate_building(seed, 14.0, 10.0), seed, DressSettings(boxes=4, cylinders=3))
